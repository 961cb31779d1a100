/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nth - does this call fail?
 *
 * calls.c stands before the C library and asks, for every call that it knows;
 * nth.c (a preloaded module) and fault.c (a test that has the room under test
 * in its own program) say which one fails. Kinds:
 *
 *   malloc   malloc, calloc, realloc
 *   read     read, readv, pread      recv    recv, recvmsg
 *   write    write, writev, pwrite   send    send, sendmsg
 *   open     open, openat            fsync   fsync, fdatasync
 *   rename   rename                  accept  accept4
 *   poll     poll, epoll_wait        random  getrandom, RAND_bytes
 *   thread   pthread_create
 *
 * and of programs with fault.c alone: db (SQLite); p11-device, p11-memory and
 * p11-session, by what a PKCS#11 module behind p11shim says.
 */
#include <stdbool.h>

/* `from`: the place behind the call. Counts it if it is of the kind that is
 * tried. Called in every process, at any time, also before main(). */
bool nth_fails(const char *kind, const void *from);

/* What the next call of a PKCS#11 module is to return; 0: let it run. Asked by
 * p11shim, if the program has it. */
unsigned long nth_p11(void);
/* This thread is in such a module, whose own calls and leaks do not count:
 * SoftHSM 2.6.1 crashes when OpenSSL gets no memory, and leaks when it signs.
 */
void nth_p11_inside(bool inside);
