/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cose - signing and verifying the one COSE form of wire/cose.h, generically
 *
 * The signer is a function, so that a key in a token, a key in memory and a key
 * in a test look alike.
 */
#include "base/buf.h"

/* Sign a SHA-256 digest: r || s. `context` is the caller's. */
typedef hm_err (*digest_signer)(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);

/* A digest_signer for a struct p256_pair * context. */
hm_err p256_pair_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);
