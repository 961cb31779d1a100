/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/context.h"
#include "cmd/image_token.h"

#define KEY_FILE_MAX 65536u
#define KEK_MAX 32
#define RING_MAX (3 * IMAGE_KEYS_MAX) /* --key, --old-key, the others */

struct image_ring {
	const struct options *given;
	struct pkey *keys[RING_MAX];
	size_t key_count;
	struct image_token tokens[IMAGE_KEYS_MAX];
	size_t token_count;
	struct image_signer signers[IMAGE_KEYS_MAX];
	struct image_far far;
	struct far_key {
		const struct image_far *far;
		struct pkey *key;
	} far_keys[IMAGE_KEYS_MAX];
	bool has_passphrase, has_pin;
	struct secret passphrase, pin;
	uint8_t keks[2][KEK_MAX];
	size_t kek_count;
};

hm_err
image_ring_new(const struct options *given, struct image_ring **ret)
{
	struct image_ring *ring = calloc(1, sizeof(*ring));

	if (ring == NULL)
		return HM_E_NO_MEMORY;
	ring->given = given;
	*ret = ring;
	return HM_OK;
}

void
image_ring_free(struct image_ring *ring)
{
	if (ring == NULL)
		return;
	for (size_t i = 0; i < ring->key_count; i++)
		pkey_free(ring->keys[i]);
	for (size_t i = 0; i < ring->token_count; i++)
		image_token_done(&ring->tokens[i]);
	hm_wipe(ring, sizeof(*ring));
	free(ring);
}

/* The ring owns it from now on, also on failure. */
static hm_err
keep(struct image_ring *ring, struct pkey *key, struct why *why)
{
	if (ring->key_count < RING_MAX) {
		ring->keys[ring->key_count++] = key;
		return HM_OK;
	}
	pkey_free(key);
	return WHY(why, HM_E_USAGE, "there are too many keys");
}

/* The secret of an option, loaded when it is needed first. */
static hm_err
load_secret(struct image_ring *ring, const char *option, struct secret *secret,
    bool *has, struct why *why)
{
	if (*has)
		return HM_OK;
	HM_TRY(secret_load(options_text(ring->given, option), secret, why));
	*has = true;
	return HM_OK;
}

static bool
is_uri(const char *name)
{
	return strncmp(name, "pkcs11:", 7) == 0;
}

static bool
is_encrypted(struct hm_bytes pem)
{
	return memmem(pem.ptr, pem.len, "ENCRYPTED", 9) != NULL;
}

/* A key file as it is; the caller wipes it. */
static hm_err
read_key_file(const char *path, struct buf *ret, struct why *why)
{
	hm_err err = file_read(path, KEY_FILE_MAX, ret, why);

	if (err != HM_OK)
		why_where(why, "%s", path);
	return err;
}

static hm_err
parse_pem(struct image_ring *ring, const char *path, struct hm_bytes pem,
    struct pkey **ret, struct why *why)
{
	const struct secret *passphrase = NULL;
	struct pkey *key = NULL;
	hm_err err;

	if (is_encrypted(pem) && options_has(ring->given, "passphrase")) {
		HM_TRY(load_secret(ring, "passphrase", &ring->passphrase,
		    &ring->has_passphrase, why));
		passphrase = &ring->passphrase;
	}
	err = pkey_from_pem(pem, passphrase, &key, why);
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return err;
	}
	*ret = key;
	return keep(ring, key, why);
}

static hm_err
load_pem(struct image_ring *ring, const char *path, struct pkey **ret,
    struct why *why)
{
	struct buf file = { 0 };
	hm_err err = read_key_file(path, &file, why);

	if (err == HM_OK)
		err = parse_pem(ring, path, buf_bytes(&file), ret, why);
	buf_wipe(&file);
	return err;
}

static hm_err
load_token(struct image_ring *ring, const char *uri, struct image_token **ret,
    struct why *why)
{
	struct image_token *at = &ring->tokens[ring->token_count];
	struct image_token_place place = { uri,
		options_text(ring->given, "module"), &ring->pin };

	if (ring->token_count == IMAGE_KEYS_MAX)
		return WHY(why, HM_E_USAGE, "there are too many keys");
	HM_TRY(load_secret(ring, "pin", &ring->pin, &ring->has_pin, why));
	HM_TRY(image_token_open(&place, at, why));
	ring->token_count++;
	*ret = at;
	return HM_OK;
}

/* ---- whom to trust, whom to open for ---- */

hm_err
image_ring_trust(struct image_ring *ring, const char *option,
    struct image_keys *ret, struct why *why)
{
	size_t count = options_count(ring->given, option);

	for (size_t i = 0; i < count; i++) {
		const char *name = options_at(ring->given, option, i);
		struct image_token *token;
		struct pkey *key;

		if (ret->trusted_count == IMAGE_KEYS_MAX)
			return WHY(
			    why, HM_E_USAGE, "--%s is given too often", option);
		if (is_uri(name)) {
			HM_TRY(load_token(ring, name, &token, why));
			key = token->key;
		} else {
			HM_TRY(load_pem(ring, name, &key, why));
		}
		ret->trusted[ret->trusted_count++] = key;
	}
	return HM_OK;
}

static bool
is_kek_len(size_t len)
{
	return len == 16 || len == KEK_MAX;
}

/* A symmetric key: base64, or as it is. */
static bool
parse_kek(struct hm_bytes file, struct hm_span room, size_t *ret_len)
{
	struct hm_bytes text = file;

	while (text.len != 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (base64_parse(text, room, ret_len) == HM_OK && is_kek_len(*ret_len))
		return true;
	if (!is_kek_len(file.len))
		return false;
	memcpy(room.ptr, file.ptr, file.len);
	*ret_len = file.len;
	return true;
}

static hm_err
take_kek(struct image_ring *ring, struct hm_bytes file, struct hm_bytes *ret)
{
	uint8_t *room = ring->keks[ring->kek_count];
	size_t len = 0;

	if (!parse_kek(file, (struct hm_span){ room, KEK_MAX }, &len))
		return HM_E_KEY;
	ring->kek_count++;
	*ret = (struct hm_bytes){ room, len };
	return HM_OK;
}

static hm_err
load_either(struct image_ring *ring, const char *path, struct pkey **ret,
    struct hm_bytes *ret_kek, struct why *why)
{
	struct buf file = { 0 };
	hm_err err = read_key_file(path, &file, why);

	if (err == HM_OK && take_kek(ring, buf_bytes(&file), ret_kek) != HM_OK)
		err = parse_pem(ring, path, buf_bytes(&file), ret, why);
	buf_wipe(&file);
	return err;
}

hm_err
image_ring_recipient(struct image_ring *ring, const char *option,
    struct pkey **ret, struct hm_bytes *ret_kek, struct why *why)
{
	const char *path = options_text(ring->given, option);

	if (path == NULL)
		return HM_OK;
	return load_either(ring, path, ret, ret_kek, why);
}

hm_err
image_ring_private(struct image_ring *ring, const char *option,
    struct pkey **ret, struct hm_bytes *ret_kek, struct why *why)
{
	HM_TRY(image_ring_recipient(ring, option, ret, ret_kek, why));
	if (*ret == NULL || pkey_is_private(*ret))
		return HM_OK;
	why_where(why, "%s", options_text(ring->given, option));
	return WHY(why, HM_E_KEY, "--%s wants a private key", option);
}

/* ---- signers ---- */

static hm_err
sign_far(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	const struct far_key *at = context;

	return at->far->sign(
	    at->far->context, at->key, input, room, ret_len, why);
}

static bool
is_prod(const struct image_ring *ring)
{
	const char *channel = options_text(ring->given, "channel");

	return channel != NULL && strcmp(channel, "prod") == 0;
}

static hm_err
check_role(const struct image_ring *ring, const char *path, struct why *why)
{
	if (!is_prod(ring))
		return HM_OK;
	why_where(why, "%s", path);
	why_do(why, "keep production keys in a token and name them by a "
		    "pkcs11: URI, or sign by image request and assemble");
	return WHY(why, HM_E_KEY_ROLE,
	    "a private key in a file cannot sign for channel prod");
}

static hm_err
signer_of_file(struct image_ring *ring, const char *path,
    const struct image_far *far, struct image_signer *ret, struct why *why)
{
	struct far_key *at = &ring->far_keys[ret - ring->signers];
	struct pkey *key;

	HM_TRY(load_pem(ring, path, &key, why));
	if (pkey_is_private(key)) {
		HM_TRY(check_role(ring, path, why));
		*ret = image_signer_of(key);
		return HM_OK;
	}
	if (far == NULL) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_IMAGE_PENDING, "the key is a public one");
	}
	*at = (struct far_key){ far, key };
	*ret = (struct image_signer){ .key = key,
		.sign = sign_far,
		.context = at,
		.is_record = far->is_record };
	return HM_OK;
}

static hm_err
load_signer(struct image_ring *ring, const char *name,
    const struct image_far *far, struct image_signer *ret, struct why *why)
{
	struct image_token *token;

	if (!is_uri(name))
		return signer_of_file(ring, name, far, ret, why);
	HM_TRY(load_token(ring, name, &token, why));
	*ret = image_token_signer(token);
	return HM_OK;
}

hm_err
image_ring_signers(struct image_ring *ring, const struct image_far *far,
    struct image_job *job, struct why *why)
{
	size_t count = options_count(ring->given, "key");

	if (count > IMAGE_KEYS_MAX)
		return WHY(why, HM_E_USAGE, "--key is given too often");
	for (size_t i = 0; i < count; i++) {
		const char *name = options_at(ring->given, "key", i);
		struct image_signer *signer = &ring->signers[i];

		HM_TRY(load_signer(ring, name, far, signer, why));
		if (is_prod(ring))
			HM_TRY(image_check_role(signer->key, name, why));
	}
	job->signers = ring->signers;
	job->signer_count = count;
	return HM_OK;
}
