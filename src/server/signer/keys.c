/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "seal/sign1.h"

/* A token in software makes threads wait too, for each other, but not long. */
#define WAITING_US 500

static hm_err
sign_certificate(
    void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return signer_keys_sign(context, digest, ret, ret_len);
}

static hm_err
find(struct signer_keys *keys, const char *uri, token_key_type wanted,
    struct signer_key *ret, struct why *why)
{
	const uint8_t *point;

	HM_TRY(token_key(keys->token, uri, TOKEN_SIGN, &ret->key, why));
	if (token_key_kind(ret->key) != wanted) {
		why_where(why, "%s", uri);
		return WHY(why, HM_E_KEY, "the key is of the wrong kind");
	}
	ret->keys = keys;
	point = token_key_public(ret->key).ptr;
	if (wanted == TOKEN_ED25519)
		return ed25519_fixed_new(point, &ret->ed25519);
	return p256_fixed_new(point, &ret->p256);
}

/* The certificate that devices will chain to must be of the key that signs. */
static hm_err
check_issuer(const struct signer_options *options, const struct token_key *key,
    struct why *why)
{
	struct ca_view view;

	HM_TRY(ca_view(options->issuer_certificate, &view));
	if (!hm_bytes_equal(HM_BYTES(view.point), token_key_public(key)))
		return WHY(why, HM_E_CERT,
		    "the issuing certificate is not that of the issuing key");
	return HM_OK;
}

static hm_err
open_keys(const struct signer_options *options, struct signer_keys *keys,
    struct why *why)
{
	HM_TRY(find(keys, options->issuer_key, TOKEN_P256, &keys->issuer, why));
	HM_TRY(find(keys, options->stamp_key, TOKEN_P256, &keys->stamp, why));
	HM_TRY(find(keys, options->log_key, TOKEN_ED25519, &keys->log, why));
	return check_issuer(options, keys->issuer.key, why);
}

hm_err
signer_keys_open(const struct signer_options *options, const struct secret *pin,
    struct signer_keys *ret, struct why *why)
{
	struct token_options token = { .uri = options->token_uri,
		.module = options->module,
		.sessions = options->sessions,
		.timeout_ms = options->timeout_ms };

	ret->shared = calloc(SIGNER_SHARED_MAX, sizeof(*ret->shared));
	if (ret->shared == NULL)
		return HM_E_NO_MEMORY;
	HM_TRY(token_open(&token, pin, &ret->token, why));
	HM_TRY(open_keys(options, ret, why));
	ret->ca = (struct ca_issuer){
		.certificate = options->issuer_certificate,
		.sig = CA_ES256,
		.sign = sign_certificate,
		.context = &ret->issuer,
	};
	sign1_kid(token_key_public(ret->stamp.key).ptr, ret->stamp_kid);
	return HM_OK;
}

void
signer_keys_done(struct signer_keys *keys)
{
	p256_fixed_free(keys->issuer.p256);
	p256_fixed_free(keys->stamp.p256);
	ed25519_fixed_free(keys->log.ed25519);
	token_free(keys->token);
	if (keys->shared != NULL)
		hm_wipe(
		    keys->shared, SIGNER_SHARED_MAX * sizeof(*keys->shared));
	free(keys->shared);
	*keys = (struct signer_keys){ 0 };
}

static uint64_t
note_answer(struct signer_keys *keys)
{
	uint64_t now_us = clock_mono_us();

	atomic_store(&keys->answered_us, now_us);
	return now_us;
}

/* How often this thread let others run because it had to wait. */
static long
times_waited(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/* The last eight count most; that two threads may do it at once is fine. */
static void
note_waiting(struct signer_keys *keys, bool waited)
{
	uint32_t was = atomic_load(&keys->blocking);

	atomic_store(&keys->blocking,
	    was - was / 8 + (waited ? SIGNER_BLOCKING / 8 : 0));
}

static hm_err
verify(const struct signer_key *key, struct hm_bytes input,
    const uint8_t *signature)
{
	if (key->p256 != NULL)
		return p256_fixed_verify(key->p256, input.ptr, signature);
	return ed25519_fixed_verify(key->ed25519, input, signature);
}

hm_err
signer_keys_sign(
    struct signer_key *key, struct hm_bytes input, uint8_t *ret, size_t len)
{
	uint8_t signature[64];
	uint64_t begin_us, now_us;
	/* Of a token that was quick the last time nobody asks. */
	bool watch = atomic_load(&key->keys->slow), slow;
	long before = 0;
	hm_err err = len == sizeof(signature) ? HM_OK : HM_E_NO_ROOM;

	HM_TRY(err);
	if (watch)
		before = times_waited();
	begin_us = clock_mono_us();
	err = token_sign(key->key, input, signature, sizeof(signature));
	now_us = note_answer(key->keys);
	slow = now_us - begin_us > WAITING_US;
	atomic_store(&key->keys->slow, slow);
	note_waiting(key->keys, watch && slow && times_waited() > before);
	HM_TRY(err);
	err = verify(key, input, signature);
	if (err != HM_OK)
		return err == HM_E_SIGNATURE ? HM_E_TOKEN_WRONG : err;
	memcpy(ret, signature, sizeof(signature));
	return HM_OK;
}

hm_err
signer_keys_digest(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	return signer_keys_sign(
	    context, (struct hm_bytes){ digest, 32 }, ret, 64);
}

/* ---- shared secrets ---- */

static struct signer_shared *
find_shared(struct signer_keys *keys, struct hm_bytes label)
{
	for (size_t i = 0; i < SIGNER_SHARED_MAX; i++) {
		struct signer_shared *shared = &keys->shared[i];

		if (shared->until_us != 0 &&
		    hm_bytes_equal(secret_bytes(&shared->label), label))
			return shared;
	}
	return NULL;
}

/* HM_E_NOT_FOUND: it is not kept. */
static hm_err
recall(struct signer_keys *keys, struct hm_bytes label, struct hm_span room,
    size_t *ret_len)
{
	const struct signer_shared *shared;
	hm_err err = HM_E_NOT_FOUND;

	(void)signer_keys_tidy(keys);
	pthread_mutex_lock(&keys->lock);
	shared = find_shared(keys, label);
	if (shared != NULL && shared->value.len <= room.len) {
		memcpy(room.ptr, shared->value.bytes, shared->value.len);
		*ret_len = shared->value.len;
		err = HM_OK;
	}
	pthread_mutex_unlock(&keys->lock);
	return err;
}

static void
fill_secret(struct secret *secret, struct hm_bytes bytes)
{
	memcpy(secret->bytes, bytes.ptr, bytes.len);
	secret->len = bytes.len;
}

/* In a free place; if there is none it is read again the next time. */
static void
keep(struct signer_keys *keys, struct hm_bytes label, struct hm_bytes value)
{
	uint64_t until_us = clock_mono_us() + SIGNER_SHARED_US;
	struct signer_shared *shared = keys->shared;

	if (label.len > SECRET_MAX || value.len > SECRET_MAX)
		return;
	pthread_mutex_lock(&keys->lock);
	while (
	    shared < keys->shared + SIGNER_SHARED_MAX && shared->until_us != 0)
		shared++;
	if (shared < keys->shared + SIGNER_SHARED_MAX &&
	    find_shared(keys, label) == NULL) {
		fill_secret(&shared->label, label);
		fill_secret(&shared->value, value);
		shared->until_us = until_us;
	}
	pthread_mutex_unlock(&keys->lock);
}

uint64_t
signer_keys_tidy(struct signer_keys *keys)
{
	uint64_t now_us = clock_mono_us(), next_us = UINT64_MAX;

	pthread_mutex_lock(&keys->lock);
	for (size_t i = 0; i < SIGNER_SHARED_MAX; i++) {
		struct signer_shared *shared = &keys->shared[i];

		if (shared->until_us != 0 && shared->until_us <= now_us)
			hm_wipe(shared, sizeof(*shared));
		if (shared->until_us != 0 && shared->until_us < next_us)
			next_us = shared->until_us;
	}
	pthread_mutex_unlock(&keys->lock);
	return next_us;
}

hm_err
signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len)
{
	struct signer_keys *keys = context;
	hm_err err = recall(keys, label, room, ret_len);

	if (err != HM_E_NOT_FOUND)
		return err;
	err = token_data_load(keys->token, label, room, ret_len);
	(void)note_answer(keys);
	if (err == HM_OK)
		keep(keys, label, (struct hm_bytes){ room.ptr, *ret_len });
	return err;
}
