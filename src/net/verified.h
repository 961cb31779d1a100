/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verified - client certificates that were verified, for their next handshake
 *
 * To verify a certificate takes a good tenth of a handshake (its issuer's
 * signature, extensions, the revocation list), and a station that connects anew
 * brings the same one each time. So the SHA-256 of a certificate that was
 * accepted is remembered, with the time in which that holds: while each
 * certificate of its chain and each revocation list is valid. That the client
 * has the key is proven in each handshake as ever, and what it may do is asked
 * elsewhere at each request.
 *
 * What the verdict hung on besides, anchors and lists, is the caller's: who
 * changes them calls verified_forget().
 *
 * Of fixed size: a digest has one place, and takes it from whoever was there.
 *
 * Room-internal.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define VERIFIED_PLACES 1024 /* 48 bytes each */
#define VERIFIED_DIGEST_LEN 32

/* from_s <= now < until_s, in seconds since 1970. */
struct validity {
	uint64_t from_s, until_s;
};
#define VALIDITY_EVER ((struct validity){ 0, UINT64_MAX })

/* What is valid only while `other` is, too. */
void validity_narrow(struct validity *validity, struct validity other);

struct verified; /* opaque, heap */
/* HM_E_NO_MEMORY */
HM_MUST hm_err verified_new(struct verified **ret);
/* NULL is fine. */
void verified_free(struct verified *verified);

/* Nothing is remembered any more, and nothing will be for longer than `lists`:
 * those of the revocation lists that count from now on. */
void verified_forget(struct verified *verified, struct validity lists);
/* Remember one that was just accepted; `chain`: all certificates from the leaf
 * to the anchor. */
void verified_add(struct verified *verified,
    const uint8_t digest[static VERIFIED_DIGEST_LEN], struct validity chain);
/* Was it accepted, and does that hold at `now_s`? */
bool verified_has(const struct verified *verified,
    const uint8_t digest[static VERIFIED_DIGEST_LEN], uint64_t now_s);
