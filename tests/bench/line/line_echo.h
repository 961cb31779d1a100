/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line_echo - the transport alone: TLS over loopback with the server's context
 *
 * Blocking calls in a thread, so nothing but libssl and the kernel is measured:
 * no event loop, no HTTP.
 */
#include <stddef.h>

/* us of the server's thread */
struct line_echo {
	double records;         /* three requests and answers of these sizes */
	double connect, resume; /* a connection with one byte each way */
};

/* `wire`: request, answer, request, answer ... in bytes. Called in the world's
 * folder, which has the certificates. */
void line_echo_measure(const size_t wire[static 6], struct line_echo *ret);

/* ---- of line_limit.c ---- */

double line_thread_us(void);
/* Sorts. */
double line_median(double *found, int count);
