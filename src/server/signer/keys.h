/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keys - the token's keys as the signer uses them
 *
 * Three keys, each for one purpose: the issuing CA's, the stamp's and the
 * log's. All are checked against the key policy when they are found.
 *
 * What the token gives is verified by us before anybody sees it, always
 * (decision 0007): HM_E_TOKEN_WRONG. Any thread may sign.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "base/secret.h"
#include "ca/ca.h"
#include "crypto/ed25519_fixed.h"
#include "crypto/p256_fixed.h"
#include "server/signer/signer.h"
#include "token/token.h"

#define SIGNER_SHARED_MAX 4      /* shared secrets that are kept */
#define SIGNER_SHARED_US 1000000 /* so long after they were read */

struct signer_keys;

/* A shared secret as the token had it; all zeros: none. */
struct signer_shared {
	uint64_t until_us;
	struct secret label, value;
};

struct signer_key {
	struct token_key *key;   /* borrowed from the token */
	struct p256_fixed *p256; /* this or the next one is there; owned */
	struct ed25519_fixed *ed25519;
	struct signer_keys *keys;
};

/* Does not move while it is in use. */
struct signer_keys {
	struct token *token; /* owned */
	struct signer_key issuer, stamp, log;
	struct ca_issuer ca;
	uint8_t stamp_kid[HM_KID_LEN];
	/* When a call of the token last came back, whatever it said. */
	_Atomic uint64_t answered_us;
	/* How often signing lets a thread wait, of SIGNER_BLOCKING. */
	_Atomic uint32_t blocking;
	_Atomic bool slow;            /* the last signature took its time */
	pthread_mutex_t lock;         /* of what follows; all zeros: not held */
	struct signer_shared *shared; /* SIGNER_SHARED_MAX; owned */
};

/* HM_E_TOKEN_*, HM_E_KEY (a key is of the wrong kind), HM_E_CERT (the issuing
 * certificate is not the issuing key's) */
HM_MUST hm_err signer_keys_open(const struct signer_options *options,
    const struct secret *pin, struct signer_keys *ret, struct why *why);
/* When no other thread uses them. */
void signer_keys_done(struct signer_keys *keys);

/* Sign, and verify what came. HM_E_TOKEN_WRONG, what token_sign() says */
HM_MUST hm_err signer_keys_sign(
    struct signer_key *key, struct hm_bytes input, uint8_t *ret, size_t len);
/* The same as a digest_signer (crypto/cose.h) for a struct signer_key. */
hm_err signer_keys_digest(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);

/*
 * A shared secret of a product, by label: for secrets_seal(). It is read from
 * the token and kept for a second, so that a line does not read it again for
 * each device; what is changed in the token counts after a second.
 */
hm_err signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len);
/* Wipe those whose time has passed; when the next one's will have
 * (clock_mono_us), or UINT64_MAX. Any thread, now and then. */
uint64_t signer_keys_tidy(struct signer_keys *keys);
