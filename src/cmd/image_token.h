/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_token - a key in a token as one that signs images */
#include "image/image.h"
#include "token/token.h"

struct image_token {
	struct token *token;
	struct token_key *private; /* borrowed from the token */
	struct pkey *key;          /* its public part */
};

struct image_token_place {
	const char *uri;    /* of the key, and so of its token */
	const char *module; /* NULL: p11-kit's */
	const struct secret *pin;
};

/* The public part of a key in a token. HM_E_KEY, HM_E_KEY_WEAK */
HM_MUST hm_err token_key_pkey(const struct token_key *key, struct pkey **ret);

/* As token_open() and token_key(); HM_E_KEY_WEAK */
HM_MUST hm_err image_token_open(const struct image_token_place *place,
    struct image_token *ret, struct why *why);
void image_token_done(struct image_token *token);
/* Lives as long as `token`, at this address. */
struct image_signer image_token_signer(struct image_token *token);
