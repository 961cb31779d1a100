/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * token - keys that stay where they are: PKCS#11 (v2.40), loaded by p11-kit
 *
 * A key is named by an RFC 7512 URI that must match exactly one token and one
 * object; "none" and "two" are errors that list what was seen. Handles are
 * found once. There is one pool of sessions with one login, for any number of
 * threads. A session that the token has forgotten (CKR_SESSION_HANDLE_INVALID,
 * CKR_DEVICE_REMOVED, CKR_USER_NOT_LOGGED_IN ...) is opened and logged in
 * again, once a call and within the time limit. The PIN is given as a secret
 * and kept, wiped at the end, because a token that came back needs it again.
 *
 * A call of the module that hangs holds up its own thread and those that need
 * the login or the token found again. Open it after the last fork(); free it
 * when no other thread uses it. Nothing here logs.
 */
#include "base/secret.h"
#include "base/buf.h"
#include "base/input.h"
#include "base/why.h"

struct token; /* opaque, heap */

typedef enum token_key_type {
	TOKEN_P256 = 1,
	TOKEN_P384 = 2,
	TOKEN_ED25519 = 3,
	TOKEN_RSA2048 = 4, /* public exponent 65537 */
	TOKEN_RSA3072 = 5,
	TOKEN_RSA4096 = 6,
} token_key_type;
#define TOKEN_SIGNATURE_MAX 512

/* Roles of the key policy table (docs/operations.md). */
typedef enum token_role {
	TOKEN_SIGN = 1, /* CA, stamp, authority, log: SIGN and nothing else */
} token_role;

struct token_options {
	const char *uri;     /* pkcs11:token=...?module-path=...; what it
				says of objects is not looked at here */
	const char *module;  /* path of the module, or NULL: p11-kit's list, or
				the  URI's module-path */
	uint32_t sessions;   /* at once, 1 to 64; 0: 8; threads wait for one */
	uint32_t timeout_ms; /* of one operation with its repairs; 0: 10,000 */
};

/* HM_E_USAGE (the URI; a PIN in it is refused), HM_E_TOKEN_MODULE, _MATCH,
 * _PIN, _GONE. `pin` NULL: public objects only. */
HM_MUST hm_err token_open(const struct token_options *options,
    const struct secret *pin, struct token **ret, struct why *why);
void token_free(struct token *token);

struct token_key; /* borrowed from its token */

/* A private key by URI attributes (object, id). HM_E_TOKEN_MATCH, _POLICY (an
 * attribute differs from the policy of `role`; one not reported is false) */
HM_MUST hm_err token_key(struct token *token, const char *uri, token_role role,
    struct token_key **ret, struct why *why);
token_key_type token_key_kind(const struct token_key *key);
/* Public key: 65 (P-256), 97 (P-384) or 32 (Ed25519) bytes, or the modulus,
 * big-endian; borrowed. */
struct hm_bytes token_key_public(const struct token_key *key);

/* Sign a digest (P-256: 32 bytes, P-384: 48 or 32; r || s of 64 or 96) or a
 * message (Ed25519: 64). PKCS#11 calls block and cannot be broken off: the time
 * limit decides whether a repair is begun, and an answer that comes late is an
 * answer. HM_E_TOKEN_GONE, _BUSY, _PIN (a PIN once refused is not tried again
 * before the token is opened anew), _MATCH (after a repair: another key of that
 * name), HM_E_BAD_INPUT and HM_E_NO_ROOM (lengths), HM_E_KEY (RSA) */
HM_MUST hm_err token_sign(
    struct token_key *key, struct hm_bytes input, uint8_t *ret, size_t ret_len);

/*
 * The same by an RSA key (RFC 8017): PKCS#1 v1.5, or PSS with MGF1 of the same
 * hash and a salt as long as the digest. SHA-2 by the digest's length. A token
 * that has no mechanism for a digest made here hashes the message itself, if it
 * is given. HM_E_KEY (not RSA), HM_E_TOKEN_MECHANISM (neither)
 */
typedef enum token_padding { TOKEN_PKCS1 = 1, TOKEN_PSS = 2 } token_padding;
struct token_rsa {
	token_padding padding;
	struct hm_bytes digest;      /* 32, 48 or 64 bytes */
	const struct input *message; /* that it is the digest of; may be NULL */
};
HM_MUST hm_err token_sign_rsa(struct token_key *key,
    const struct token_rsa *what, uint8_t *ret, size_t ret_len,
    struct why *why);
/* A digest_signer (crypto/cose.h has the type) whose context is a P-256 key. */
hm_err token_digest_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);

/* Generate in place, attributes by policy. HM_E_TOKEN_EXISTS, _POLICY (the
 * token cannot set an attribute; nothing stays), _MECHANISM, HM_E_USAGE (label)
 */
HM_MUST hm_err token_generate(struct token *token, const char *label,
    token_key_type type, token_role role, struct token_key **ret,
    struct why *why);

/* A secret data object (CKO_DATA, private): what a product shares.
 * HM_E_TOKEN_EXISTS, HM_E_TOO_LARGE (1 to SECRET_MAX bytes), HM_E_USAGE */
HM_MUST hm_err token_data_store(struct token *token, const char *label,
    struct hm_bytes value, struct why *why);
/* HM_E_TOKEN_MATCH, HM_E_NO_ROOM */
HM_MUST hm_err token_data_load(struct token *token, struct hm_bytes label,
    struct hm_span room, size_t *ret_len);

/* Make a new token in a free slot of SoftHSM (demo, tests). HM_E_TOKEN_EXISTS
 * (the label), _MODULE, _MATCH (no free slot), HM_E_USAGE */
HM_MUST hm_err token_init_soft(const char *module, const char *label,
    const struct secret *so_pin, const struct secret *pin, struct why *why);
