/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * init - try every algorithm once, before a process locks itself in
 *
 * Every function of this room makes what it needs at its first call in a
 * thread, and keeps it for that thread: any thread may call any function, and
 * objects (a key pair, a digest under way) belong to one thread at a time. A
 * process that enters a jail calls crypto_init() before: OpenSSL has then read
 * its configuration and seeded its generators, and found every algorithm. That
 * last matters: if memory runs out while OpenSSL 3.0 looks for an algorithm for
 * the first time, it does not find it again in that process.
 */
#include "core/err.h"

/* HM_E_NO_MEMORY, HM_E_NO_ENTROPY; HM_E_BUG if libcrypto does not verify what
 * it signed. 1 ms; a second call does the same again. */
HM_MUST hm_err crypto_init(void);
/* Free what is kept for the calling thread: the last thing that a thread does
 * here. A call after it makes it again. */
void crypto_done(void);
