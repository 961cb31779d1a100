/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the payload: hashed as it is read, encrypted, written. The
 * areas follow, then the slot.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/cipher.h"
#include "image/mcuboot_parts.h"

#define SOFTWARE_MAX 12u /* as imgtool */
#define BLOCK 16u

struct maker {
	const struct mcuboot_sign *how;
	const struct input *payload;
	struct output *out;
	struct why *why;
	struct mcuboot_header header;
	struct mcuboot_wrapped wrapped; /* bits 0: not encrypted */
	struct mcuboot_seal seal;
	struct buf protected, area;
	struct hash_run *run;
	struct cipher *cipher; /* NULL: the payload stays as it is */
};

/* ---- what was asked for ---- */

static hm_err
check_extras(const struct mcuboot_sign *how, struct why *why)
{
	for (size_t i = 0; i < how->extra_count; i++) {
		uint16_t type = how->extras[i].type;

		if (!mcuboot_is_vendor(type))
			return WHY(why, HM_E_USAGE,
			    "TLV 0x%04x is not a vendor's: those end in a0 to "
			    "fe",
			    type);
		for (size_t j = 0; j < i; j++)
			if (how->extras[j].type == type)
				return WHY(why, HM_E_USAGE,
				    "TLV 0x%04x given twice", type);
	}
	return HM_OK;
}

static hm_err
check_sealing(const struct mcuboot_sign *how, struct why *why)
{
	const struct mcuboot_sealing *sealing = &how->sealing;

	if (!MCUBOOT_SEALING_IS(sealing)) {
		if (how->clear)
			return WHY(why, HM_E_USAGE,
			    "clear goes with a key to encrypt for");
		return HM_OK;
	}
	if (sealing->bits != 128 && sealing->bits != 256)
		return WHY(
		    why, HM_E_USAGE, "the payload key has 128 or 256 bits");
	if (sealing->to != NULL && sealing->kek.len > 0)
		return WHY(why, HM_E_USAGE,
		    "one key to encrypt for: a public or a symmetric one");
	if (sealing->hmac_sha512 &&
	    (sealing->to == NULL || pkey_kind(sealing->to) != PKEY_X25519))
		return WHY(why, HM_E_USAGE,
		    "HMAC-SHA-512 goes with an X25519 key only");
	return HM_OK;
}

static hm_err
check_how(const struct mcuboot_sign *how, struct why *why)
{
	if (how->signer_count == 0)
		return WHY(why, HM_E_USAGE,
		    "a key to sign with is needed: no boot loader should take "
		    "a mere hash");
	if (how->header_size < MCUBOOT_HEADER_LEN || how->header_size > 65535)
		return WHY(why, HM_E_USAGE,
		    "header size is 32 to 65535, not %" PRIu32,
		    how->header_size);
	if (how->ram_load && how->rom_fixed)
		return WHY(why, HM_E_USAGE,
		    "load address and ROM-fixed address exclude each other");
	if (how->boot_record != NULL &&
	    (how->boot_record[0] == '\0' ||
		strlen(how->boot_record) > SOFTWARE_MAX))
		return WHY(why, HM_E_USAGE,
		    "the boot record's software type has 1 to %u bytes",
		    SOFTWARE_MAX);
	HM_TRY(check_extras(how, why));
	HM_TRY(check_sealing(how, why));
	return mcuboot_slot_check(&how->slot, why);
}

/* Zeros where the header will be, or its place is padded. */
static hm_err
check_payload(const struct mcuboot_sign *how, const struct input *payload,
    struct why *why)
{
	uint64_t least = how->pad_header ? 0 : how->header_size;
	bool is_zero;

	if (payload->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (mcuboot_is(payload))
		return WHY(why, HM_E_IMAGE_SIGNED,
		    "the file has an MCUboot header at 0");
	if (payload->size <= least)
		return WHY(why, HM_E_IMAGE_EMPTY,
		    "%" PRIu64 " bytes are no more than the header of %" PRIu32
		    "; if they do not begin with its place: pad-header",
		    payload->size, how->header_size);
	if (payload->size - least > UINT32_MAX - 65535 - BLOCK)
		return WHY(why, HM_E_TOO_LARGE,
		    "a payload of %" PRIu64 " bytes: 4 GiB is too much",
		    payload->size);
	HM_TRY(input_is_filled(payload, 0, least, 0, &is_zero));
	if (!is_zero)
		return WHY(why, HM_E_IMAGE_FIELD,
		    "the first %" PRIu64 " bytes are not zeros that the "
		    "header could replace: pad-header puts it in front",
		    least);
	return HM_OK;
}

/* ---- the protected area ---- */

static hm_err
add_dependency(struct buf *area, const struct mcuboot_dependency *needs)
{
	uint8_t value[12] = { needs->image };

	value[4] = needs->least.major;
	value[5] = needs->least.minor;
	image_put_u16(value + 6, needs->least.revision);
	image_put_u32(value + 8, needs->least.build);
	return mcuboot_add(area, MCUBOOT_DEPENDENCY, HM_BYTES(value));
}

static hm_err
add_protected(struct maker *maker)
{
	const struct mcuboot_sign *how = maker->how;
	struct buf *area = &maker->protected;
	uint8_t counter[4];

	HM_TRY(mcuboot_area_begin(area, MCUBOOT_PROTECTED_MAGIC));
	image_put_u32(counter, how->counter);
	if (how->has_counter)
		HM_TRY(mcuboot_add(area, MCUBOOT_SEC_CNT, HM_BYTES(counter)));
	if (how->boot_record != NULL)
		HM_TRY(mcuboot_add_boot_record(area,
		    hm_bytes_of(how->boot_record), how->version, &maker->seal));
	for (size_t i = 0; i < how->dependency_count; i++)
		HM_TRY(add_dependency(area, &how->dependencies[i]));
	if (how->vid != NULL)
		HM_TRY(mcuboot_add(
		    area, MCUBOOT_UUID_VID, (struct hm_bytes){ how->vid, 16 }));
	if (how->cid != NULL)
		HM_TRY(mcuboot_add(
		    area, MCUBOOT_UUID_CID, (struct hm_bytes){ how->cid, 16 }));
	for (size_t i = 0; i < how->extra_count; i++)
		HM_TRY(mcuboot_add(
		    area, how->extras[i].type, how->extras[i].value));
	if (area->len == MCUBOOT_HEAD_LEN)
		buf_clear(area);
	else
		mcuboot_area_end(area);
	return HM_OK;
}

static void
set_header(struct maker *maker)
{
	const struct mcuboot_sign *how = maker->how;
	uint64_t size = maker->payload->size;
	uint32_t flags = 0;

	if (!how->pad_header)
		size -= how->header_size;
	if (maker->wrapped.bits != 0)
		size = (size + BLOCK - 1) / BLOCK * BLOCK;
	if (how->ram_load)
		flags |= MCUBOOT_F_RAM_LOAD;
	if (how->rom_fixed)
		flags |= MCUBOOT_F_ROM_FIXED;
	if (how->non_bootable)
		flags |= MCUBOOT_F_NON_BOOTABLE;
	if (maker->wrapped.bits == 128)
		flags |= MCUBOOT_F_AES128;
	if (maker->wrapped.bits == 256)
		flags |= MCUBOOT_F_AES256;
	maker->header = (struct mcuboot_header){
		.magic = MCUBOOT_MAGIC,
		.load_addr =
		    how->ram_load || how->rom_fixed ? how->load_addr : 0,
		.hdr_size = (uint16_t)how->header_size,
		.protect_size = (uint16_t)maker->protected.len,
		.img_size = (uint32_t)size,
		.flags = flags,
		.version = how->version,
	};
}

/* ---- writing ---- */

/* Plain bytes that are signed. */
static hm_err
put_plain(void *context, struct hm_bytes bytes)
{
	struct maker *maker = context;

	hash_run_add(maker->run, bytes);
	return output_add(maker->out, bytes);
}

static hm_err
put_payload(void *context, struct hm_bytes piece)
{
	struct maker *maker = context;

	if (maker->cipher == NULL)
		return put_plain(maker, piece);
	hash_run_add(maker->run, piece);
	return image_add_by(maker->cipher, piece, maker->out);
}

static hm_err
walk_header(const struct maker *maker, input_walker *each, void *context)
{
	uint8_t raw[MCUBOOT_HEADER_LEN], fill[512];
	size_t left = maker->header.hdr_size - sizeof(raw);

	mcuboot_header_put(&maker->header, raw);
	HM_TRY(each(context, HM_BYTES(raw)));
	memset(fill, maker->how->pad_header ? maker->how->slot.erased : 0,
	    sizeof(fill));
	while (left > 0) {
		size_t len = left < sizeof(fill) ? left : sizeof(fill);

		HM_TRY(each(context, (struct hm_bytes){ fill, len }));
		left -= len;
	}
	return HM_OK;
}

/* With the zeros that fill its last block. */
static hm_err
walk_payload(const struct maker *maker, input_walker *each, void *context)
{
	static const uint8_t zero[BLOCK];
	uint64_t at = maker->how->pad_header ? 0 : maker->how->header_size;
	uint64_t size = maker->payload->size - at;
	size_t left = (size_t)(maker->header.img_size - size);

	HM_TRY(input_walk(maker->payload, at, size, each, context));
	return left == 0 ? HM_OK
			 : each(context, (struct hm_bytes){ zero, left });
}

/* All that is signed, once more. */
static hm_err
walk_whole(void *context, input_walker *each, void *each_context)
{
	struct maker *maker = context;

	HM_TRY(walk_header(maker, each, each_context));
	HM_TRY(walk_payload(maker, each, each_context));
	return each(each_context, buf_bytes(&maker->protected));
}

static hm_err
put_body(struct maker *maker)
{
	HM_TRY(walk_header(maker, put_plain, maker));
	HM_TRY(walk_payload(maker, put_payload, maker));
	HM_TRY(put_plain(maker, buf_bytes(&maker->protected)));
	hash_run_end(maker->run, maker->seal.digest);
	if (maker->cipher == NULL)
		output_note(maker->out, 0, output_size(maker->out),
		    (int)maker->seal.hash, maker->seal.digest);
	maker->seal.message = (struct ed25519_message){
		.size = (uint64_t)maker->header.hdr_size +
			maker->header.img_size + maker->protected.len,
		.walk = walk_whole,
		.context = maker,
	};
	return HM_OK;
}

static hm_err
put_area(struct maker *maker)
{
	static const uint8_t one[] = { 1 };
	struct mcuboot_seal *seal = &maker->seal;
	struct buf *area = &maker->area;

	HM_TRY(mcuboot_area_begin(area, MCUBOOT_AREA_MAGIC));
	HM_TRY(mcuboot_add(area, mcuboot_hash_type(seal->hash),
	    (struct hm_bytes){ seal->digest, hash_len(seal->hash) }));
	if (seal->pure)
		HM_TRY(mcuboot_add(area, MCUBOOT_SIG_PURE, HM_BYTES(one)));
	HM_TRY(mcuboot_add_signatures(seal, area, maker->why));
	if (maker->wrapped.bits != 0)
		HM_TRY(mcuboot_add(area, maker->wrapped.type,
		    (struct hm_bytes){
			maker->wrapped.value, maker->wrapped.len }));
	mcuboot_area_end(area);
	return output_add(maker->out, buf_bytes(area));
}

static hm_err
open_cipher(struct maker *maker)
{
	static const uint8_t zero[BLOCK];
	const struct mcuboot_wrapped *wrapped = &maker->wrapped;

	if (wrapped->bits == 0 || maker->how->clear)
		return HM_OK;
	return cipher_new(
	    wrapped->bits == 256 ? CIPHER_AES256_CTR : CIPHER_AES128_CTR, true,
	    (struct hm_bytes){ wrapped->key, wrapped->bits / 8 },
	    HM_BYTES(zero), &maker->cipher);
}

static hm_err
make(struct maker *maker)
{
	const struct mcuboot_sign *how = maker->how;
	hm_err err;

	HM_TRY(mcuboot_choose_hash(&maker->seal, how->hash, maker->why));
	if (MCUBOOT_SEALING_IS(&how->sealing))
		HM_TRY(
		    mcuboot_wrap(&how->sealing, &maker->wrapped, maker->why));
	err = add_protected(maker);
	if (err == HM_E_TOO_LARGE)
		return WHY(maker->why, err,
		    "the protected TLVs are longer than 65535 bytes");
	HM_TRY(err);
	set_header(maker);
	HM_TRY(hash_run_new(maker->seal.hash, &maker->run));
	HM_TRY(open_cipher(maker));
	HM_TRY(put_body(maker));
	HM_TRY(put_area(maker));
	return mcuboot_slot_fill(
	    &how->slot, &maker->wrapped, maker->out, maker->why);
}

static void
maker_free(struct maker *maker)
{
	hash_run_free(maker->run);
	cipher_free(maker->cipher);
	mcuboot_wrapped_done(&maker->wrapped);
	buf_done(&maker->protected);
	buf_done(&maker->area);
	free(maker);
}

static void
tell(const struct maker *maker, struct mcuboot_made *ret)
{
	*ret = (struct mcuboot_made){
		.keys.trusted_count = maker->how->signer_count,
		.key_len = maker->wrapped.bits / 8,
	};
	for (size_t i = 0; i < maker->how->signer_count; i++)
		ret->keys.trusted[i] = maker->how->signers[i].key;
	memcpy(ret->key, maker->wrapped.key, ret->key_len);
}

hm_err
mcuboot_sign(const struct mcuboot_sign *how, const struct input *payload,
    struct output *out, struct mcuboot_made *ret, struct why *why)
{
	struct maker *maker;
	hm_err err;

	HM_TRY(check_how(how, why));
	HM_TRY(check_payload(how, payload, why));
	maker = calloc(1, sizeof(*maker));
	if (maker == NULL)
		return HM_E_NO_MEMORY;
	maker->how = how;
	maker->payload = payload;
	maker->out = out;
	maker->why = why;
	maker->seal = (struct mcuboot_seal){
		.signers = how->signers,
		.signer_count = how->signer_count,
		.pure = how->pure,
		.full_key = how->full_key,
	};
	err = make(maker);
	if (err == HM_OK)
		tell(maker, ret);
	maker_free(maker);
	return err;
}
