/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keys - the token's keys as the signer uses them
 *
 * Three keys, each for one purpose: the issuing CA's, the stamp's and the
 * log's. All are checked against the key policy when they are found.
 */

#include "ca/ca.h"
#include "server/signer/signer.h"
#include "token/token.h"

struct signer_keys {
	struct token *token;                    /* owned */
	struct token_key *issuer, *stamp, *log; /* borrowed from the token */
	struct ca_issuer ca;
	uint8_t stamp_kid[HM_KID_LEN];
};

/* HM_E_TOKEN_*, HM_E_KEY (a key is of the wrong kind), HM_E_CERT (the issuing
 * certificate is not the issuing key's) */
HM_MUST hm_err signer_keys_open(const struct signer_options *options,
    const struct secret *pin, struct signer_keys *ret, struct why *why);
void signer_keys_done(struct signer_keys *keys);

/* A shared secret of a product, by label: for secrets_seal(). */
hm_err signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len);
