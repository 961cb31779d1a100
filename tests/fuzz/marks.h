/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * marks - signatures that cost a hash
 *
 * Who is fuzzed knows of signatures that they verify or do not. A target whose
 * inputs make new messages all the time (memo.h would remember none of them)
 * links this with -Wl,--wrap=FUNCTION for each function below: a signature is
 * then SHA-256 over the public key and what is signed, twice with something in
 * between, which verifies under that key for these bytes and no others. Keys
 * are real, and a key that is no point is refused as ever; that is remembered.
 * Whoever computes the hash could sign: no input does. Sealing to a key copies.
 *
 *   p256_verify p256_pair_sign p256_pair_signer p256_check p256_public_new
 *   p256_public_free p256_verify_with ed25519_sign ed25519_verify hpke_seal
 */
#include "core/bytes.h"

/* While so, any signature of P-256 verifies: what is behind it can be reached
 * with bytes that nobody signed. */
void marks_take_all(bool all);
/* The signature over `message` that verifies under the public key. */
void marks_make(
    struct hm_bytes key, struct hm_bytes message, uint8_t ret[HM_STATIC 64]);
