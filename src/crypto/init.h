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

/*
 * OpenSSL 3.0 has 40 decoders of keys. It makes all of them anew for each key
 * that it reads, and tries which of them may follow which: 1,109,000
 * instructions for the P-256 key of a client's certificate, 1,262,000 for the
 * Ed25519 key that SoftHSM opens at each signature. With the 6 that read EC,
 * Ed25519 and RSA keys in DER it is 395,000 and 883,000 (callgrind). And a
 * stranger's certificate finds less code: a key of another kind is not read at
 * all. Each time it also walks through all algorithms of all kinds that were
 * ever found, and most of those are ciphers: without ARIA, Camellia and SM4,
 * 56 of 124, reading such a key takes a sixth less.
 *
 * Everything else stays as it was: the same functions of the same provider.
 * Modules of a token that use this process's libcrypto find fewer decoders and
 * ciphers, too. If OpenSSL's configuration file activates providers, those
 * stay beside ours, and nothing is gained.
 *
 * From now on, for the whole process. Only before anything else was asked of
 * libcrypto: what was found before stays. HM_E_NO_MEMORY: nothing can be said
 * about what works now. It is kept until the process ends; a second call does
 * nothing.
 */
HM_MUST hm_err crypto_few_algorithms(void);

/*
 * Random bytes of libcrypto come from getrandom() each time from now on, for
 * the whole process and the modules of a token that use this libcrypto.
 * libcrypto's generators, which it seeds from there too, take longer to set up
 * than an ECDSA signature, and several times as long for the few bytes that a
 * nonce or a key is. A provider with generators of its own, as one for FIPS,
 * uses those. Without memory for it all is as before.
 */
void crypto_random_of_kernel(void);

/*
 * For a command that does one thing and ends, before it calls anything of
 * libcrypto: the texts of errors, which nobody prints, and the names of all
 * ciphers and digests, by which nobody asks, are not loaded, and the tables
 * that libcrypto made are left to the system at the end. Keys are wiped when
 * they are freed, as ever. Random bytes are of the kernel
 * (crypto_random_of_kernel()). Without memory for it all is as before.
 */
void crypto_init_brief(void);
