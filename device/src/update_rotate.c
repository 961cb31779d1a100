/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   u8 adds | u8 revokes | adds * 32 | revokes * 32
 *
 * Rows are looked up by hash each time: nothing about them is remembered, so a
 * rotation that power has cut goes on from whatever the rows say.
 */
#include "update_parts.h"

#include <string.h>

struct rotation {
	uint32_t adds, revokes;
	const uint8_t *hashes; /* borrowed */
};

static const uint8_t *
add_at(const struct rotation *rotation, uint32_t i)
{
	return rotation->hashes + (size_t)i * HM_DIGEST_LEN;
}

static const uint8_t *
revoke_at(const struct rotation *rotation, uint32_t i)
{
	return add_at(rotation, rotation->adds + i);
}

/* ---- reading ---- */

/* Empty rows read as one byte throughout: no hash does. */
static bool
is_hash(const uint8_t *at)
{
	for (size_t i = 1; i < HM_DIGEST_LEN; i++)
		if (at[i] != at[0])
			return true;
	return false;
}

/* Each hash is one, and stands there once. */
static bool
is_sound(const struct rotation *rotation)
{
	uint32_t all = rotation->adds + rotation->revokes;

	for (uint32_t i = 0; i < all; i++) {
		if (!is_hash(add_at(rotation, i)))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (memcmp(add_at(rotation, i), add_at(rotation, j),
				HM_DIGEST_LEN) == 0)
				return false;
	}
	return true;
}

/* NULL: there is none. */
static struct hm_bytes
find(struct hm_bytes protected_tlvs)
{
	struct image_tlv tlv;

	while (image_next(&protected_tlvs, &tlv))
		if (tlv.type == HM_TLV_KEYS)
			return tlv.value;
	return HM_MAKE(hm_bytes, 0);
}

/* HM_E_NOT_FOUND: there is no such TLV. HM_E_IMAGE_FIELD */
static hm_err
read_tlv(struct hm_bytes protected_tlvs, struct rotation *ret)
{
	struct hm_bytes tlv = find(protected_tlvs);

	if (tlv.ptr == NULL)
		return HM_E_NOT_FOUND;
	if (tlv.len < 2)
		return HM_E_IMAGE_FIELD;
	ret->adds = tlv.ptr[0];
	ret->revokes = tlv.ptr[1];
	ret->hashes = tlv.ptr + 2;
	if (ret->adds + ret->revokes == 0 || ret->adds > HM_BOOT_KEYS ||
	    ret->revokes > HM_BOOT_KEYS ||
	    tlv.len != 2 + (ret->adds + ret->revokes) * HM_DIGEST_LEN ||
	    !is_sound(ret))
		return HM_E_IMAGE_FIELD;
	return HM_OK;
}

/* ---- rows ---- */

/* The row with this hash. HM_E_NOT_FOUND, HM_E_IO */
static hm_err
find_row(const uint8_t *hash, uint32_t *ret)
{
	uint8_t row[HM_DIGEST_LEN];

	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++) {
		hm_err err = hm_port_boot_key(i, row);

		if (err == HM_OK && memcmp(row, hash, sizeof(row)) == 0) {
			*ret = i;
			return HM_OK;
		}
		if (err != HM_OK && err != HM_E_NOT_FOUND && err != HM_E_KEY)
			return err;
	}
	return HM_E_NOT_FOUND;
}

static uint32_t
count_free(void)
{
	uint8_t row[HM_DIGEST_LEN];
	uint32_t count = 0;

	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++)
		if (hm_port_boot_key(i, row) == HM_E_NOT_FOUND)
			count++;
	return count;
}

static bool
revokes(const struct rotation *rotation, const uint8_t *hash)
{
	for (uint32_t i = 0; i < rotation->revokes; i++)
		if (memcmp(revoke_at(rotation, i), hash, HM_DIGEST_LEN) == 0)
			return true;
	return false;
}

/* ---- may it be? ---- */

/* Does a recovery image start, that would not when this was done? */
static bool
spoils_factory(const struct rotation *rotation)
{
	struct hm_image factory;
	uint8_t hash[HM_DIGEST_LEN];

	if (hm_image_verify(HM_AREA_FACTORY, &factory, NULL) != HM_VERDICT_YES)
		return false;
	return hm_port_boot_key(factory.key, hash) != HM_OK ||
	       revokes(rotation, hash);
}

hm_err
rotation_check(const struct hm_image *image, struct hm_bytes protected_tlvs)
{
	struct rotation rotation;
	uint8_t own[HM_DIGEST_LEN];
	uint32_t row, missing = 0;
	hm_err err = read_tlv(protected_tlvs, &rotation);

	if (err != HM_OK)
		return err == HM_E_NOT_FOUND ? HM_OK : err;
	if (hm_port_boot_key(image->key, own) != HM_OK ||
	    revokes(&rotation, own))
		return HM_E_ROTATION;
	for (uint32_t i = 0; i < rotation.adds; i++) {
		err = find_row(add_at(&rotation, i), &row);
		if (err == HM_E_NOT_FOUND)
			missing++;
		else
			HM_TRY(err);
	}
	if (missing > count_free())
		return HM_E_ROTATION;
	if (rotation.revokes > 0 && image->role != HM_ROLE_FACTORY &&
	    spoils_factory(&rotation))
		return HM_E_ROTATION;
	return HM_OK;
}

/* ---- doing it ---- */

/* Into the first row that is free and takes it: power may have spoilt some. */
static hm_err
add(const uint8_t *hash)
{
	uint8_t row[HM_DIGEST_LEN];
	uint32_t at;
	hm_err err = find_row(hash, &at);

	if (err != HM_E_NOT_FOUND)
		return err;
	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++) {
		if (hm_port_boot_key(i, row) != HM_E_NOT_FOUND)
			continue;
		if (hm_port_boot_key_add(i, hash) == HM_OK &&
		    hm_port_boot_key(i, row) == HM_OK &&
		    memcmp(row, hash, sizeof(row)) == 0)
			return HM_OK;
	}
	return HM_E_ROTATION;
}

static hm_err
revoke(const uint8_t *hash)
{
	uint32_t row;
	hm_err err = find_row(hash, &row);

	if (err == HM_E_NOT_FOUND)
		return HM_OK; /* gone already, or never here */
	HM_TRY(err);
	return hm_port_boot_key_revoke(row);
}

static hm_err
rotate(const struct rotation *rotation)
{
	for (uint32_t i = 0; i < rotation->adds; i++)
		HM_TRY(add(add_at(rotation, i)));
	for (uint32_t i = 0; i < rotation->revokes; i++)
		HM_TRY(revoke(revoke_at(rotation, i)));
	return HM_OK;
}

/* Is there anything that was not done before? */
static bool
is_open(const struct rotation *rotation)
{
	uint32_t row;

	for (uint32_t i = 0; i < rotation->adds; i++)
		if (find_row(add_at(rotation, i), &row) != HM_OK)
			return true;
	for (uint32_t i = 0; i < rotation->revokes; i++)
		if (find_row(revoke_at(rotation, i), &row) == HM_OK)
			return true;
	return false;
}

/* The protected TLVs of the running image, if it is confirmed; else none. */
static hm_err
load_tlvs(uint8_t *room, struct hm_image *ret, struct hm_bytes *ret_tlvs)
{
	struct hm_journal journal;
	struct hm_bytes tlvs;
	hm_err err = hm_update_running(ret);

	*ret_tlvs = HM_MAKE(hm_bytes, 0);
	if (err == HM_E_NOT_FOUND)
		return HM_OK;
	HM_TRY(err);
	HM_TRY(hm_journal_load(&journal));
	if (journal.trial != HM_AREA_NONE || journal.confirmed != ret->area)
		return HM_OK;
	HM_TRY(image_load(ret->area, ret, room, &tlvs));
	*ret_tlvs = image_protected(ret, tlvs);
	return HM_OK;
}

/* Rows are written once: what runs is verified again, and by what it says it is
 * judged again, before the first. */
static hm_err
settle(struct hm_bytes protected_tlvs, hm_area area)
{
	struct rotation rotation;
	struct hm_image image;
	hm_err err = read_tlv(protected_tlvs, &rotation);

	if (err != HM_OK)
		return err == HM_E_NOT_FOUND ? HM_OK : err;
	if (!is_open(&rotation))
		return HM_OK;
	err = HM_E_IMAGE_SIGNATURE;
	if (hm_image_verify(area, &image, &err) != HM_VERDICT_YES)
		return err == HM_OK ? HM_E_IMAGE_SIGNATURE : err;
	HM_TRY(rotation_check(&image, protected_tlvs));
	return rotate(&rotation);
}

hm_err
hm_update_settle(void)
{
	uint8_t room[HM_IMAGE_TLVS_MAX];
	struct hm_image image;
	struct hm_bytes tlvs;

	HM_TRY(load_tlvs(room, &image, &tlvs));
	return settle(tlvs, image.area);
}

hm_err
hm_update_confirm(void)
{
	HM_TRY(hm_boot_confirm());
	return hm_update_settle();
}
