/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ossl - this room's own header: what its files share of OpenSSL
 *
 * Nobody outside of crypto/ includes it. OpenSSL keeps a queue of errors per
 * thread; whoever fails here reads it once and leaves it empty, so that no old
 * entry is taken for the reason of a later failure.
 */
#include <openssl/evp.h>

#include "core/bytes.h"

/* Why a call of OpenSSL failed: HM_E_NO_MEMORY if memory ran out, else
 * `refusal`. Empties the queue. */
hm_err ossl_failed(hm_err refusal);
/* The same for the import of a public key: HM_E_KEY only if the curve's
 * arithmetic said no, any other failure is a breakdown. */
hm_err ossl_failed_import(void);

/* Free what a file keeps for this thread; crypto_done() calls them. */
void gcm_stop(void);
void p256_desk_stop(void);
void p256_pair_stop(void);
