/* SPDX-License-Identifier: Apache-2.0 */
#include "memo_device.h"

#include <string.h>

#include "hallmark/crypto.h"
#include "memo.h"

hm_verdict __real_hm_p256_verify(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64]);
hm_verdict __wrap_hm_p256_verify(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64]);
hm_err __real_hm_p256_sign(const uint8_t scalar[static 32],
    const uint8_t digest[static 32], uint8_t ret[static 64]);
hm_err __wrap_hm_p256_sign(const uint8_t scalar[static 32],
    const uint8_t digest[static 32], uint8_t ret[static 64]);
hm_err __real_hm_p256_public(
    const uint8_t scalar[static 32], uint8_t ret[static 65]);
hm_err __wrap_hm_p256_public(
    const uint8_t scalar[static 32], uint8_t ret[static 65]);
hm_err __real_hm_p256_agree(const uint8_t scalar[static 32],
    const uint8_t point[static 65], uint8_t ret[static 32]);
hm_err __wrap_hm_p256_agree(const uint8_t scalar[static 32],
    const uint8_t point[static 65], uint8_t ret[static 32]);

/* A value is the error, then what was returned. */
#define RESULT 4

static hm_err
take(const struct memo_slot *slot, uint8_t *ret, size_t len)
{
	hm_err err = (hm_err)slot->value[0];

	if (err == HM_OK)
		memcpy(ret, slot->value + RESULT, len);
	return err == HM_OK ? HM_OK : HM_E_KEY;
}

static void
keep(struct memo_slot *slot, hm_err err, const uint8_t *ret, size_t len)
{
	slot->value[0] = err != HM_OK;
	if (err == HM_OK)
		memcpy(slot->value + RESULT, ret, len);
}

/* What a good signature is for, then BAD: it is none. A good one verifies for
 * nothing else, which need not be computed: bytes changed before a good
 * signature are most of what is tried. */
#define BAD 32

static struct memo_slot *
find_good(const uint8_t *point, const uint8_t *signature, bool *ret_known)
{
	const struct hm_bytes parts[] = { { point, 65 }, { signature, 64 } };

	return memo_find(5, parts, 2, ret_known);
}

void
memo_device_signed(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64])
{
	struct memo_slot *good;
	bool known;

	good = find_good(point, signature, &known);

	memcpy(good->value, digest, HM_DIGEST_LEN);
	good->value[BAD] = false;
}

static hm_verdict
verify(const struct hm_bytes parts[static 3])
{
	struct memo_slot *slot;
	hm_verdict verdict;
	bool known;

	slot = memo_find(1, parts, 3, &known);
	if (!known) {
		verdict = __real_hm_p256_verify(
		    parts[0].ptr, parts[1].ptr, parts[2].ptr);
		memcpy(slot->value, &verdict, sizeof(verdict));
	}
	memcpy(&verdict, slot->value, sizeof(verdict));
	return verdict;
}

hm_verdict
__wrap_hm_p256_verify(const uint8_t point[static 65],
    const uint8_t digest[static 32], const uint8_t signature[static 64])
{
	const struct hm_bytes parts[] = { { point, 65 }, { digest, 32 },
		{ signature, 64 } };
	struct memo_slot *good;
	hm_verdict verdict;
	bool known;

	good = find_good(point, signature, &known);
	if (known && !good->value[BAD])
		return memcmp(good->value, digest, HM_DIGEST_LEN) == 0
			   ? HM_VERDICT_YES
			   : HM_VERDICT_NO;
	verdict = verify(parts);
	good->value[BAD] = verdict != HM_VERDICT_YES;
	memcpy(good->value, digest, HM_DIGEST_LEN);
	return verdict;
}

hm_err
__wrap_hm_p256_sign(const uint8_t scalar[static 32],
    const uint8_t digest[static 32], uint8_t ret[static 64])
{
	struct hm_bytes parts[] = { { scalar, 32 }, { digest, 32 } };
	struct memo_slot *slot;
	bool known;

	slot = memo_find(2, parts, 2, &known);
	if (!known)
		keep(slot, __real_hm_p256_sign(scalar, digest, ret), ret, 64);
	return take(slot, ret, 64);
}

hm_err
__wrap_hm_p256_public(const uint8_t scalar[static 32], uint8_t ret[static 65])
{
	struct hm_bytes parts[] = { { scalar, 32 } };
	struct memo_slot *slot;
	bool known;

	slot = memo_find(3, parts, 1, &known);
	if (!known)
		keep(slot, __real_hm_p256_public(scalar, ret), ret, 65);
	return take(slot, ret, 65);
}

hm_err
__wrap_hm_p256_agree(const uint8_t scalar[static 32],
    const uint8_t point[static 65], uint8_t ret[static 32])
{
	struct hm_bytes parts[] = { { scalar, 32 }, { point, 65 } };
	struct memo_slot *slot;
	bool known;

	slot = memo_find(4, parts, 2, &known);
	if (!known)
		keep(slot, __real_hm_p256_agree(scalar, point, ret), ret, 32);
	return take(slot, ret, 32);
}
