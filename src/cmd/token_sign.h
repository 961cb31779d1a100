/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * token_sign - signatures of a token that are verified before they are used
 *
 * As in the server (server/signer/keys.h): a token that lies, or a wire to it
 * that does, is found where it stands and not where the signature is believed.
 * Objects, certificates and cosignatures of the commands are signed by this.
 */
#include "token/token.h"

/* As token_sign(), which is told the same; HM_E_TOKEN_WRONG: what the token
 * gave does not verify by the key's public half. HM_E_KEY: an RSA key */
HM_MUST hm_err token_sign_verified(
    struct token_key *key, struct hm_bytes input, uint8_t *ret, size_t ret_len);
/* A digest_signer (crypto/cose.h) whose context is a P-256 key. */
hm_err token_digest_verified(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);
