/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * derive - the secret of a simulated chip, as a file; hm_port_derive over it
 *
 * Beside nor.h, which is the rest of hallmark/flash.h: in silicon it is a fuse
 * that no debug port reads, here 32 bytes that only the owner of the file may
 * read. What is derived is HMAC-SHA-256 of the label under them. One chip a
 * process, one thread.
 */
#include "hallmark/flash.h"

#define DERIVE_SECRET_LEN 32

/*
 * Read it. HM_E_NOT_FOUND: there is no such file. HM_E_IO: it is no regular
 * file, of another length, or others may read it; or it cannot be read. Before
 * this, and after a failure, hm_port_derive gives HM_E_IO.
 */
HM_MUST hm_err derive_open(const char *path);
/* Wiped from memory. */
void derive_close(void);
