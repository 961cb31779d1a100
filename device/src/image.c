/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict. One judge() computes all of it and gives back its half of the
 * answer if nothing was wrong, and the complement of its half if anything was;
 * the two halves add up to HM_VERDICT_YES, which stands nowhere here. What was
 * found is or-ed into `bad`, so that no branch leads to success: those that
 * there are only save time. A skipped call leaves an address or a count where
 * a half should be.
 *
 * The hash that a signature is checked against is the one that was computed;
 * that the image states the same is looked at besides.
 *
 * What was read of an image stands in static memory, not on the stack, where a
 * return could take it for its address if an instruction is skipped.
 */
#include "image_parts.h"

#include <string.h>

/* The first is added to the second, whose sign tells whether it was good: if
 * both are bad, ~A + ~B + 1 is HM_VERDICT_NO. */
#define HALF_A 0x19D32B47u
#define HALF_B 0x40F06B13u
HM_STATIC_ASSERT(HALF_A + HALF_B == HM_VERDICT_YES, "the halves");
HM_STATIC_ASSERT(~HALF_A + ~HALF_B + 1 == HM_VERDICT_NO, "the other halves");

struct hash {
	uint8_t bytes[HM_IMAGE_HASH_MAX];
};
static union hm_image_sha sha; /* the one that runs */
static volatile bool is_busy;  /* a call of ours is under way */

/* `half`, or its complement unless `bad` is 0. */
static uint32_t
seal(uint32_t half, uint32_t bad)
{
	return half ^ (0 - ((bad | (0 - bad)) >> 31));
}

static hm_verdict
join(uint32_t a, uint32_t b)
{
	return a + b + (b >> 31);
}

static uint32_t
differ(const void *a, const void *b, size_t len)
{
	const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
	uint32_t bad = 0;

	while (len-- > 0)
		bad |= (uint32_t)(*p++ ^ *q++);
	return bad;
}

/* ---- what does not need the payload ---- */

static hm_err
check_counter(const struct hm_image *image)
{
	uint32_t counter = UINT32_MAX;

	HM_TRY(hm_port_counter(&counter));
	return image->counter >= counter ? HM_OK : HM_E_COUNTER;
}

static hm_err
check_role(const struct hm_image *image)
{
	hm_lock lock = HM_LOCK_LOCKED;

	if ((image->role == HM_ROLE_FACTORY) !=
	    (image->area == HM_AREA_FACTORY))
		return HM_E_IMAGE_ROLE;
	if (image->role == HM_ROLE_PRODUCT || image->role == HM_ROLE_FACTORY)
		return HM_OK;
	HM_TRY(hm_port_lock(&lock));
	return image->role == HM_ROLE_MANUFACTURING &&
		       (lock == HM_LOCK_OPEN || lock == HM_LOCK_CLOSED)
		   ? HM_OK
		   : HM_E_IMAGE_ROLE;
}

static hm_err
check_needs(const struct hm_image *image, struct hm_bytes tlvs)
{
	struct hm_bytes rest = image_protected(image, tlvs);
	struct hm_image_version least, found;
	struct image_tlv tlv;

	while (image_next(&rest, &tlv)) {
		if (tlv.type != TLV_DEPENDENCY)
			continue;
		if (image_le(tlv.value.ptr + 1, 3) != 0)
			return HM_E_IMAGE_FIELD;
		image_version(tlv.value.ptr + 4, &least);
		if (hm_port_image_version(tlv.value.ptr[0], &found) != HM_OK ||
		    hm_image_compare(&found, &least) < 0)
			return HM_E_IMAGE_NEEDS;
	}
	return HM_OK;
}

static hm_err
check_device(const struct hm_image *image, struct hm_bytes tlvs)
{
	hm_err err = check_counter(image);

	if (err == HM_OK)
		err = check_role(image);
	if (err == HM_OK)
		err = check_needs(image, tlvs);
	return err;
}

/* ---- hash ---- */

static void
hash_bytes(const struct hm_image_hash *how, struct hm_bytes bytes, uint8_t *ret)
{
	how->begin(&sha);
	how->add(&sha, bytes);
	how->end(&sha, ret);
}

static hm_err
hash_flash(const struct hm_image *image, uint8_t *ret)
{
	const struct hm_image_hash *how = image->scheme->hash;
	uint32_t end = image->size - image->tlvs_len, at = 0;
	static uint8_t piece[HM_FLASH_PIECE];
	struct hm_span room;

	how->begin(&sha);
	while (at < end) {
		hm_port_watchdog();
		room = HM_MAKE(hm_span, piece, sizeof(piece));
		if (end - at < sizeof(piece))
			room.len = end - at;
		HM_TRY(hm_port_flash_read(image->area, at, room));
		how->add(&sha, HM_MAKE(hm_bytes, piece, room.len));
		at += (uint32_t)room.len;
	}
	how->end(&sha, ret);
	return HM_OK;
}

/* ---- signatures ---- */

/* The key that a TLV names, as DER; empty: not known here. */
static struct hm_bytes
find_key(const struct hm_image *image, const struct image_tlv *named)
{
	const struct hm_image_hash *how = image->scheme->hash;
	static struct hash hash;
	struct hm_bytes der;

	if (named->type == TLV_PUBKEY)
		return named->value;
	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++) {
		der = hm_port_boot_public(i);
		if (der.len == 0)
			continue;
		hash_bytes(how, der, hash.bytes);
		if (differ(hash.bytes, named->value.ptr, how->len) == 0)
			return der;
	}
	return HM_MAKE(hm_bytes, NULL, 0);
}

/* 0 only if the key's hash is in write-once memory, at row *ret_row. */
static uint32_t
find_row(struct hm_bytes der, uint32_t *ret_row)
{
	static uint8_t hash[HM_DIGEST_LEN], row[HM_DIGEST_LEN];
	uint32_t bad = 1;

	hash_bytes(&hm_image_sha256, der, hash);
	for (uint32_t i = 0; i < HM_BOOT_KEYS && bad != 0; i++) {
		hm_err err = hm_port_boot_key(i, row);

		if (err != HM_OK)
			continue;
		bad = (uint32_t)err | differ(hash, row, sizeof(hash));
		*ret_row = i;
	}
	return bad;
}

/* 0 only if there is a signature by a trusted key, and each such verifies. */
static uint32_t
check_signatures(struct hm_image *image, struct hm_bytes tlvs,
    const uint8_t *digest, hm_err *err)
{
	struct hm_bytes rest = image_unprotected(image, tlvs), key = { 0 };
	volatile hm_verdict each, found = HM_VERDICT_NO;
	struct image_tlv tlv;
	uint32_t bad = 0;

	*err = HM_E_IMAGE_UNTRUSTED;
	while (image_next(&rest, &tlv)) {
		if (tlv.type <= TLV_PUBKEY)
			key = find_key(image, &tlv);
		if (tlv.type != image->scheme->type || key.len == 0 ||
		    find_row(key, &image->key) != 0)
			continue;
		hm_port_watchdog();
		each = HM_VERDICT_NO;
		each = image->scheme->verify(key, digest, tlv.value);
		found = each;
		bad |= each ^ HM_VERDICT_YES;
		*err = bad == 0 ? HM_OK : HM_E_IMAGE_SIGNATURE;
	}
	return bad | (found ^ HM_VERDICT_YES);
}

/* ---- verdicts ---- */

void
image_measure(struct hm_image *image, const uint8_t *digest)
{
	const struct hm_image_hash *how = image->scheme->hash;

	/* by type: of an address that was not loaded it would make calls */
	if (how->type == TLV_SHA256)
		memcpy(image->digest, digest, HM_DIGEST_LEN);
	else
		hash_bytes(&hm_image_sha256,
		    HM_MAKE(hm_bytes, digest, how->len), image->digest);
}

static uint32_t
judge_signed(struct hm_image *image, struct hm_bytes tlvs,
    const uint8_t *digest, hm_err *err)
{
	uint32_t bad = check_signatures(image, tlvs, digest, err);

	image_measure(image, digest);
	return bad | (uint32_t)*err;
}

static uint32_t
judge_announced(
    struct hm_image *image, struct hm_bytes tlvs, uint32_t half, hm_err *err)
{
	uint32_t bad = 1;

	*err = check_device(image, tlvs);
	if (*err == HM_OK)
		bad = judge_signed(image, tlvs, tlvs.ptr + image->hash_at, err);
	return seal(half, bad | (uint32_t)*err);
}

hm_verdict
hm_image_signed(struct hm_image *image, struct hm_bytes tlvs, hm_err *err)
{
	hm_err why[2] = { HM_E_WRONG_STATE, HM_E_WRONG_STATE };
	volatile uint32_t a = ~HALF_A, b = ~HALF_B;

	if (!is_busy) {
		is_busy = true;
		a = judge_announced(image, tlvs, HALF_A, &why[0]);
		b = judge_announced(image, tlvs, HALF_B, &why[1]);
		is_busy = false;
	}
	if (err != NULL)
		*err = why[0] != HM_OK ? why[0] : why[1];
	return join(a, b);
}

static uint32_t
judge(hm_area area, struct hm_image *ret, uint32_t half, hm_err *err)
{
	static uint8_t room[HM_IMAGE_TLVS_MAX];
	static struct hash hash;
	struct hm_bytes tlvs = { room, 0 };
	uint32_t bad = 1;

	memset(ret, 0, sizeof(*ret));
	memset(&hash, 0, sizeof(hash));
	*err = image_load(area, ret, room, &tlvs);
	if (*err == HM_OK)
		*err = check_device(ret, tlvs);
	if (*err == HM_OK)
		*err = hash_flash(ret, hash.bytes);
	if (*err == HM_OK) {
		bad = judge_signed(ret, tlvs, hash.bytes, err);
		if (differ(hash.bytes, room + ret->hash_at,
			ret->scheme->hash->len) != 0)
			*err = HM_E_IMAGE_HASH;
	}
	return seal(half, bad | (uint32_t)*err);
}

hm_verdict
hm_image_verify(hm_area area, struct hm_image *ret, hm_err *err)
{
	hm_err why[2] = { HM_E_WRONG_STATE, HM_E_WRONG_STATE };
	static struct hm_image again;
	volatile uint32_t a = ~HALF_A, b = ~HALF_B, c = 0;

	if (!is_busy) {
		is_busy = true;
		a = judge(area, ret, HALF_A, &why[0]);
		b = judge(area, &again, HALF_B, &why[1]);
		c = differ(ret, &again, sizeof(again));
		is_busy = false;
	}
	if (err != NULL)
		*err = why[0] != HM_OK ? why[0] : why[1];
	return join(a, b) + c;
}

int
hm_image_compare(
    const struct hm_image_version *a, const struct hm_image_version *b)
{
	uint64_t left = (uint64_t)a->major << 56 | (uint64_t)a->minor << 48 |
			(uint64_t)a->revision << 32 | a->build;
	uint64_t right = (uint64_t)b->major << 56 | (uint64_t)b->minor << 48 |
			 (uint64_t)b->revision << 32 | b->build;

	return (left > right) - (left < right);
}
