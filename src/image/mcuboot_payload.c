/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays the same when an image is signed anew: all that a signature
 * covers, in plaintext. A boot record names the signer and the hash that goes
 * with its key; without these, and without the length of the area that holds
 * them, the record counts too.
 */
#include "core/cbor.h"
#include "image/mcuboot_parts.h"

#include <string.h>

#define RECORD_ITEMS_MAX 16u

/* Keys of a boot record that go with the signer. */
enum { RECORD_MEASUREMENT = 2, RECORD_SIGNER = 5, RECORD_HASH = 6 };

static hm_err
to_hash(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

static void
add_u16(struct hash_run *run, uint16_t value)
{
	uint8_t raw[2];

	image_put_u16(raw, value);
	hash_run_add(run, HM_BYTES(raw));
}

static hm_err
add_record(struct hash_run *run, struct hm_bytes value)
{
	struct hm_cbor_in in;
	uint32_t count;

	hm_cbor_in_init(&in, value);
	count = hm_cbor_get_map(&in, RECORD_ITEMS_MAX);
	for (; count > 0 && in.err == HM_OK; count--) {
		const uint8_t *from = in.at;
		uint64_t key = hm_cbor_get_uint(&in, UINT32_MAX);

		(void)hm_cbor_get_any(&in);
		if (in.err != HM_OK || key == RECORD_MEASUREMENT ||
		    key == RECORD_SIGNER || key == RECORD_HASH)
			continue;
		hash_run_add(
		    run, (struct hm_bytes){ from, (size_t)(in.at - from) });
	}
	return hm_cbor_in_end(&in) == HM_OK ? HM_OK : HM_E_IMAGE_FIELD;
}

static hm_err
add_protected(const struct mcuboot_image *image, struct hash_run *run)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PROTECTED };
	struct mcuboot_tlv tlv;

	while (mcuboot_next(image, &cursor, &tlv)) {
		if (tlv.place != MCUBOOT_PROTECTED)
			break;
		add_u16(run, tlv.type);
		if (tlv.type == MCUBOOT_BOOT_RECORD) {
			HM_TRY(add_record(run, tlv.value));
			continue;
		}
		add_u16(run, (uint16_t)tlv.value.len);
		hash_run_add(run, tlv.value);
	}
	return HM_OK;
}

/* Header and payload, the length of the protected area left out. */
static hm_err
add_body(const struct mcuboot_image *image, struct hm_bytes key,
    struct hash_run *run)
{
	struct mcuboot_header header = image->header;
	const struct mcuboot_pass payload = {
		.key = key,
		.at = header.hdr_size,
		.size = header.img_size,
		.each = to_hash,
		.context = run,
	};
	uint8_t raw[MCUBOOT_HEADER_LEN];

	header.protect_size = 0;
	mcuboot_header_put(&header, raw);
	hash_run_add(run, HM_BYTES(raw));
	HM_TRY(input_walk(&image->file, sizeof(raw),
	    image->header.hdr_size - sizeof(raw), to_hash, run));
	return mcuboot_pass(&image->file, &payload);
}

static hm_err
digest_of(const struct mcuboot_image *image, struct hm_bytes key,
    uint8_t ret[static HASH_MAX])
{
	struct mcuboot_tlv record;
	struct hash_run *run;
	hm_err err;

	if (!mcuboot_find(
		image, MCUBOOT_PROTECTED, MCUBOOT_BOOT_RECORD, &record))
		return mcuboot_digest(image, key, HASH_SHA256, ret);
	HM_TRY(hash_run_new(HASH_SHA256, &run));
	err = add_body(image, key, run);
	if (err == HM_OK)
		err = add_protected(image, run);
	if (err == HM_OK)
		hash_run_end(run, ret);
	hash_run_free(run);
	return err;
}

/* Flagged as encrypted, but in clear: then its hash says so. */
static hm_err
look_clear(const struct mcuboot_image *image, bool *ret)
{
	uint8_t digest[HASH_MAX];
	struct mcuboot_tlv tlv;

	*ret = false;
	for (hash_kind kind = HASH_SHA256; kind <= HASH_SHA512; kind++) {
		if (!mcuboot_find(
			image, MCUBOOT_PLAIN, mcuboot_hash_type(kind), &tlv))
			continue;
		HM_TRY(mcuboot_digest(
		    image, (struct hm_bytes){ 0 }, kind, digest));
		*ret = tlv.value.len == hash_len(kind) &&
		       memcmp(digest, tlv.value.ptr, tlv.value.len) == 0;
		return HM_OK;
	}
	return HM_OK;
}

/* False: nobody here has the key. */
static hm_err
open_key(const struct mcuboot_image *image, const struct image_keys *keys,
    struct findings *findings, uint8_t ret[static MCUBOOT_KEY_MAX],
    bool *ret_has)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	unsigned bits = mcuboot_key_bits(image->header.flags);
	struct mcuboot_tlv tlv;

	*ret_has = false;
	if (keys->decrypt == NULL && keys->decrypt_kek.len == 0)
		return HM_OK;
	while (mcuboot_next(image, &cursor, &tlv)) {
		if (!mcuboot_is_wrap(tlv.type))
			continue;
		HM_TRY(mcuboot_unwrap(&tlv, bits, keys, ret, findings));
		*ret_has = true;
		return HM_OK;
	}
	return HM_OK;
}

static hm_err
measure(const struct mcuboot_image *image, const struct image_keys *keys,
    struct findings *findings, uint8_t ret[static HASH_MAX], bool *ret_has)
{
	uint8_t key[MCUBOOT_KEY_MAX];
	struct hm_bytes opened = { 0 };
	hm_err err = HM_OK;
	bool is_clear = true;

	*ret_has = true;
	if (mcuboot_key_bits(image->header.flags) != 0)
		HM_TRY(look_clear(image, &is_clear));
	if (!is_clear) {
		err = open_key(image, keys, findings, key, ret_has);
		opened = (struct hm_bytes){ key,
			mcuboot_key_bits(image->header.flags) / 8 };
	}
	if (err == HM_OK && *ret_has)
		err = digest_of(image, opened, ret);
	hm_wipe(key, sizeof(key));
	return err;
}

hm_err
mcuboot_payload(const struct input *file, const struct image_keys *keys,
    uint8_t ret[static HASH_MAX], bool *ret_has)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct mcuboot_image image;
	hm_err err;

	HM_TRY(findings_new("mcuboot", &findings));
	err = mcuboot_read(file, &image, findings);
	if (err == HM_OK && !image.is_readable)
		err = findings_verdict(findings, NULL);
	if (err == HM_OK)
		err = measure(&image, keys, findings, ret, ret_has);
	mcuboot_image_done(&image);
	return err;
}
