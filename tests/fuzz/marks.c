/* SPDX-License-Identifier: Apache-2.0 */
#include "marks.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "fuzz.h"
#include "memo.h"
#include "mutate.h"
#include "seal/hpke.h"

#define BETWEEN 0x5a

hm_err __wrap_p256_verify(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64]);
hm_err __wrap_p256_pair_sign(struct p256_pair *pair,
    const uint8_t digest[static 32], uint8_t ret[static 64]);
hm_err __wrap_p256_pair_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);
hm_err __real_p256_check(const uint8_t point[static 65]);
hm_err __wrap_p256_check(const uint8_t point[static 65]);
hm_err __wrap_p256_public_new(
    const uint8_t point[static 65], struct p256_public **ret);
void __wrap_p256_public_free(struct p256_public *key);
hm_err __wrap_p256_verify_with(struct p256_public *key,
    const uint8_t digest[static 32], const uint8_t signature[static 64]);
hm_err __wrap_hpke_seal(const struct hpke_message *message,
    const uint8_t recipient[static 65], uint8_t enc[static 65], uint8_t *ret);
hm_err __wrap_ed25519_sign(const uint8_t seed[static 32],
    struct hm_bytes message, uint8_t ret[static 64]);
hm_err __wrap_ed25519_verify(const uint8_t key[static 32],
    struct hm_bytes message, const uint8_t signature[static 64]);
hm_err __wrap_random_bytes(struct hm_span ret);
hm_err __wrap_random_secret(struct hm_span ret);

static bool takes_all;

void
marks_take_all(bool all)
{
	takes_all = all;
}

void
marks_make(struct hm_bytes key, struct hm_bytes message, uint8_t ret[static 64])
{
	const struct hm_bytes pieces[] = { key, message };

	sha256(pieces, 2, ret);
	for (size_t i = 0; i < 32; i++)
		ret[32 + i] = ret[i] ^ BETWEEN;
}

static hm_err
look(struct hm_bytes key, struct hm_bytes message, const uint8_t *signature)
{
	uint8_t wanted[64];

	marks_make(key, message, wanted);
	return memcmp(wanted, signature, sizeof(wanted)) == 0 ? HM_OK
							      : HM_E_SIGNATURE;
}

static struct hm_bytes
of(const uint8_t *bytes, size_t len)
{
	return (struct hm_bytes){ bytes, len };
}

hm_err
__wrap_p256_check(const uint8_t point[static 65])
{
	struct hm_bytes part = of(point, 65);
	struct memo_slot *slot;
	bool known;

	slot = memo_find('c', &part, 1, &known);
	if (!known)
		slot->value[0] = __real_p256_check(point) == HM_OK;
	return slot->value[0] ? HM_OK : HM_E_KEY;
}

hm_err
__wrap_p256_verify(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64])
{
	if (takes_all)
		return HM_OK;
	HM_TRY(__wrap_p256_check(point));
	return look(of(point, 65), of(digest, 32), signature);
}

hm_err
__wrap_p256_pair_sign(struct p256_pair *pair, const uint8_t digest[static 32],
    uint8_t ret[static 64])
{
	uint8_t point[65];

	p256_pair_point(pair, point);
	marks_make(HM_BYTES(point), of(digest, 32), ret);
	return HM_OK;
}

hm_err
__wrap_p256_pair_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	return __wrap_p256_pair_sign(context, digest, ret);
}

hm_err
__wrap_p256_public_new(const uint8_t point[static 65], struct p256_public **ret)
{
	uint8_t *copy;

	HM_TRY(__wrap_p256_check(point));
	copy = malloc(65);
	fuzz_must(copy != NULL);
	memcpy(copy, point, 65);
	*ret = (struct p256_public *)copy;
	return HM_OK;
}

void
__wrap_p256_public_free(struct p256_public *key)
{
	free(key);
}

hm_err
__wrap_p256_verify_with(struct p256_public *key,
    const uint8_t digest[static 32], const uint8_t signature[static 64])
{
	return look(of((const uint8_t *)key, 65), of(digest, 32), signature);
}

hm_err
__wrap_ed25519_sign(const uint8_t seed[static 32], struct hm_bytes message,
    uint8_t ret[static 64])
{
	struct hm_bytes part = of(seed, 32);
	struct memo_slot *slot;
	bool known;

	slot = memo_find('e', &part, 1, &known);
	if (!known)
		fuzz_must(ed25519_public(seed, slot->value) == HM_OK);
	marks_make(of(slot->value, 32), message, ret);
	return HM_OK;
}

hm_err
__wrap_ed25519_verify(const uint8_t key[static 32], struct hm_bytes message,
    const uint8_t signature[static 64])
{
	return look(of(key, 32), message, signature);
}

hm_err
__wrap_hpke_seal(const struct hpke_message *message,
    const uint8_t recipient[static 65], uint8_t enc[static 65], uint8_t *ret)
{
	HM_TRY(__wrap_p256_check(recipient));
	memcpy(enc, recipient, 65);
	if (message->text.len > 0)
		memcpy(ret, message->text.ptr, message->text.len);
	memset(ret + message->text.len, 0, 16);
	return HM_OK;
}

/* Numbers that nobody has seen, the same in every run. */
hm_err
__wrap_random_bytes(struct hm_span ret)
{
	static uint64_t state;

	for (size_t i = 0; i < ret.len; i += sizeof(uint64_t)) {
		uint64_t random = mutate_random(&state);
		size_t left = ret.len - i;

		memcpy(ret.ptr + i, &random, left < 8 ? left : 8);
	}
	return HM_OK;
}

hm_err
__wrap_random_secret(struct hm_span ret)
{
	return __wrap_random_bytes(ret);
}
