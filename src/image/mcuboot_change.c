/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes to an image that is there: it is verified, then written anew piece by
 * piece. What a change does not name is copied.
 */
#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "core/cbor.h"
#include "image/mcuboot_parts.h"

#define SOFTWARE_MAX 255u

struct change {
	const struct mcuboot_change *how;
	struct output *out;
	struct why *why;
	struct mcuboot_image image;
	struct mcuboot_wrapped wrapped; /* of the image; bits 0: none */
	bool is_clear;
	struct mcuboot_seal seal;
	struct buf protected, area;
	struct mcuboot_whole whole; /* pure */
	struct image_keys keys;     /* that the result is verified with */
};

static void
change_done(struct change *change)
{
	mcuboot_image_done(&change->image);
	mcuboot_wrapped_done(&change->wrapped);
	buf_done(&change->protected);
	buf_done(&change->area);
}

static struct hm_bytes
payload_key(const struct change *change)
{
	if (change->is_clear)
		return (struct hm_bytes){ 0 };
	return (
	    struct hm_bytes){ change->wrapped.key, change->wrapped.bits / 8 };
}

/* ---- before ---- */

static hm_err
find_key(struct change *change, struct findings *findings)
{
	struct mcuboot_wrapped *wrapped = &change->wrapped;
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct hm_bytes known = change->how->verify.payload_key;
	struct mcuboot_tlv tlv;

	wrapped->bits = mcuboot_key_bits(change->image.header.flags);
	while (
	    wrapped->bits != 0 && mcuboot_next(&change->image, &cursor, &tlv)) {
		if (!mcuboot_is_wrap(tlv.type))
			continue;
		wrapped->type = tlv.type;
		wrapped->len = tlv.value.len;
		memcpy(wrapped->value, tlv.value.ptr, tlv.value.len);
		if (known.len == wrapped->bits / 8) {
			memcpy(wrapped->key, known.ptr, known.len);
			return HM_OK;
		}
		if (change->how->verify.is_sealed)
			return HM_OK;
		return mcuboot_unwrap(&tlv, wrapped->bits,
		    change->how->verify.keys, wrapped->key, findings);
	}
	return HM_OK;
}

static hm_err
look_clear(struct change *change)
{
	uint8_t digest[HASH_MAX];
	hash_kind kind;
	struct mcuboot_tlv tlv;

	for (kind = HASH_SHA256; kind <= HASH_SHA512; kind++)
		if (mcuboot_find(&change->image, MCUBOOT_PLAIN,
			mcuboot_hash_type(kind), &tlv))
			break;
	change->seal.hash = kind;
	memcpy(change->seal.digest, tlv.value.ptr, tlv.value.len);
	if (change->wrapped.bits == 0)
		return HM_OK;
	HM_TRY(mcuboot_digest(
	    &change->image, (struct hm_bytes){ 0 }, kind, digest));
	change->is_clear = memcmp(digest, tlv.value.ptr, tlv.value.len) == 0;
	return HM_OK;
}

/* Verify what is there, and take it apart. */
static hm_err
begin(struct change *change, const struct input *file)
{
	AUTO_FINDINGS struct findings *before = NULL;

	HM_TRY(findings_new("mcuboot", &before));
	HM_TRY(mcuboot_verify(&change->how->verify, file, before));
	HM_TRY(findings_verdict(before, change->why));
	HM_TRY(mcuboot_read(file, &change->image, before));
	HM_TRY(find_key(change, before));
	change->keys = *change->how->verify.keys;
	return look_clear(change);
}

/* ---- after ---- */

/* The slot's rest: erased bytes give way to a longer area, or come back. */
static hm_err
put_rest(struct change *change)
{
	const struct mcuboot_image *image = &change->image;
	uint64_t end = output_size(change->out), from = image->end;
	uint8_t erased;
	bool is_free = true;

	if (image->file.size == image->end)
		return HM_OK;
	HM_TRY(input_read(
	    &image->file, image->end, (struct hm_span){ &erased, 1 }));
	if (end < from)
		HM_TRY(output_fill(change->out, erased, from - end));
	if (end > from && end <= image->file.size)
		HM_TRY(input_is_filled(
		    &image->file, from, end - from, erased, &is_free));
	if (end > image->file.size || !is_free)
		return WHY(change->why, HM_E_IMAGE_PLACE,
		    "the image would reach %" PRIu64
		    " bytes further, into the trailer of its slot",
		    end - from);
	if (end > from)
		from = end;
	return output_copy(
	    change->out, &image->file, from, image->file.size - from);
}

/* Payload as it is, from `key` to plain or back: CTR is its own inverse. */
static hm_err
put_payload(struct change *change, struct hm_bytes key)
{
	const struct mcuboot_pass pass = {
		.key = key,
		.at = change->image.header.hdr_size,
		.size = change->image.header.img_size,
		.each = mcuboot_to_output,
		.context = change->out,
	};

	return mcuboot_pass(&change->image.file, &pass);
}

/* Everything, with that payload and the area from `change`. */
static hm_err
put_all(struct change *change, struct hm_bytes key)
{
	const struct mcuboot_image *image = &change->image;

	HM_TRY(
	    output_copy(change->out, &image->file, 0, image->header.hdr_size));
	HM_TRY(put_payload(change, key));
	HM_TRY(output_copy(change->out, &image->file, image->body_end,
	    image->header.protect_size));
	HM_TRY(output_add(change->out, buf_bytes(&change->area)));
	return put_rest(change);
}

/* The area as it is, its wrapped key replaced by the one in `change`. */
static hm_err
copy_area(struct change *change)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_tlv tlv;

	HM_TRY(mcuboot_area_begin(&change->area, MCUBOOT_AREA_MAGIC));
	while (mcuboot_next(&change->image, &cursor, &tlv)) {
		if (mcuboot_is_wrap(tlv.type)) {
			tlv.type = change->wrapped.type;
			tlv.value = (struct hm_bytes){ change->wrapped.value,
				change->wrapped.len };
		}
		HM_TRY(mcuboot_add(&change->area, tlv.type, tlv.value));
	}
	mcuboot_area_end(&change->area);
	return HM_OK;
}

/* ---- the payload and its key ---- */

static hm_err
decrypt(struct change *change)
{
	if (change->wrapped.bits == 0 || change->is_clear)
		return WHY(change->why, HM_E_IMAGE_FIELD,
		    "the payload is not encrypted");
	HM_TRY(copy_area(change));
	return put_all(change, payload_key(change));
}

static hm_err
extract(struct change *change)
{
	return put_payload(change, payload_key(change));
}

static hm_err
encrypt(struct change *change)
{
	struct mcuboot_sealing sealing = change->how->sealing;

	if (change->wrapped.bits == 0)
		return WHY(change->why, HM_E_IMAGE_FIELD,
		    "the encryption flag is signed and not set: sign with a "
		    "key to encrypt for, and clear");
	if (!change->is_clear)
		return WHY(change->why, HM_E_IMAGE_FIELD,
		    "the payload is encrypted already");
	sealing.bits = change->wrapped.bits;
	HM_TRY(mcuboot_wrap(&sealing, &change->wrapped, change->why));
	change->is_clear = false;
	HM_TRY(copy_area(change));
	return put_all(change, payload_key(change));
}

static hm_err
rewrap(struct change *change)
{
	if (change->wrapped.bits == 0)
		return WHY(change->why, HM_E_IMAGE_FIELD,
		    "the image is not encrypted: there is no key to wrap");
	HM_TRY(mcuboot_wrap_key(
	    &change->how->sealing, &change->wrapped, change->why));
	HM_TRY(copy_area(change));
	return put_all(change, (struct hm_bytes){ 0 });
}

/* ---- signatures ---- */

static hm_err
set_signers(struct change *change, hash_kind wanted)
{
	const struct mcuboot_change *how = change->how;

	if (how->signer_count == 0)
		return WHY(
		    change->why, HM_E_USAGE, "a key to sign with is needed");
	change->seal.signers = how->signers;
	change->seal.signer_count = how->signer_count;
	return mcuboot_choose_hash(&change->seal, wanted, change->why);
}

static void
set_message(struct change *change, const struct mcuboot_image *image)
{
	change->whole.image = *image;
	change->whole.key = payload_key(change);
	change->seal.message = mcuboot_message(&change->whole);
}

/* Does the new key sign like those before, and for the first time? */
static hm_err
check_new(struct change *change, const struct pkey *key)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	AUTO(buf) struct buf der = { 0 };
	uint8_t hash[HASH_MAX];
	struct mcuboot_tlv tlv;

	buf_init(&der, MCUBOOT_AREA_MAX);
	HM_TRY(mcuboot_key_der(key, &der));
	HM_TRY(mcuboot_key_hash(key, change->seal.hash, hash));
	while (mcuboot_next(&change->image, &cursor, &tlv)) {
		if (mcuboot_is_signature(tlv.type) &&
		    tlv.type != mcuboot_signature_type(key))
			return WHY(change->why, HM_E_IMAGE_MIXED,
			    "a %s key beside signatures of type 0x%02x",
			    pkey_name(key), tlv.type);
		if ((tlv.type == MCUBOOT_KEYHASH &&
			memcmp(hash, tlv.value.ptr, tlv.value.len) == 0) ||
		    (tlv.type == MCUBOOT_PUBKEY &&
			hm_bytes_equal(buf_bytes(&der), tlv.value)))
			return WHY(change->why, HM_E_IMAGE_SIGNED,
			    "the image is signed by this key already");
		if (tlv.type == MCUBOOT_PUBKEY)
			change->seal.full_key = true;
		if (tlv.type == MCUBOOT_SIG_PURE)
			change->seal.pure = true;
	}
	return HM_OK;
}

/* The TLVs that are there, the new pairs behind the last signature. */
static hm_err
extend_area(struct change *change)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_tlv tlv;
	uint64_t last = 0;

	while (mcuboot_next(&change->image, &cursor, &tlv))
		if (mcuboot_is_signature(tlv.type))
			last = tlv.at;
	HM_TRY(mcuboot_area_begin(&change->area, MCUBOOT_AREA_MAGIC));
	cursor = (struct mcuboot_cursor){ .place = MCUBOOT_PLAIN };
	while (mcuboot_next(&change->image, &cursor, &tlv)) {
		HM_TRY(mcuboot_add(&change->area, tlv.type, tlv.value));
		if (tlv.at == last)
			HM_TRY(mcuboot_add_signatures(
			    &change->seal, &change->area, change->why));
	}
	mcuboot_area_end(&change->area);
	return HM_OK;
}

static hm_err
append(struct change *change)
{
	const struct mcuboot_change *how = change->how;

	for (size_t i = 0; i < how->signer_count; i++) {
		HM_TRY(check_new(change, how->signers[i].key));
		if (change->keys.trusted_count == IMAGE_KEYS_MAX)
			return WHY(change->why, HM_E_USAGE, "more than %d keys",
			    IMAGE_KEYS_MAX);
		change->keys.trusted[change->keys.trusted_count++] =
		    how->signers[i].key;
	}
	HM_TRY(set_signers(change, change->seal.hash));
	set_message(change, &change->image);
	HM_TRY(extend_area(change));
	return put_all(change, (struct hm_bytes){ 0 });
}

/* Software type of a boot record. */
static hm_err
read_record(
    struct change *change, const struct mcuboot_tlv *tlv, struct hm_bytes *ret)
{
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, tlv->value);
	if (hm_cbor_get_map(&in, 16) == 0 || hm_cbor_get_uint(&in, 16) != 1)
		in.err = HM_E_BAD_INPUT;
	*ret = hm_cbor_get_text(&in, 1, SOFTWARE_MAX);
	if (in.err == HM_OK)
		return HM_OK;
	return WHY(change->why, HM_E_IMAGE_FIELD,
	    "the boot record at %" PRIu64 " does not begin with a software "
	    "type",
	    tlv->at);
}

static hm_err
copy_protected(struct change *change)
{
	struct mcuboot_cursor cursor = { 0 };
	struct hm_bytes software;
	struct mcuboot_tlv tlv;

	if (change->image.header.protect_size == 0)
		return HM_OK;
	HM_TRY(mcuboot_area_begin(&change->protected, MCUBOOT_PROTECTED_MAGIC));
	while (mcuboot_next(&change->image, &cursor, &tlv)) {
		if (tlv.place != MCUBOOT_PROTECTED)
			break;
		if (tlv.type != MCUBOOT_BOOT_RECORD) {
			HM_TRY(mcuboot_add(
			    &change->protected, tlv.type, tlv.value));
			continue;
		}
		HM_TRY(read_record(change, &tlv, &software));
		HM_TRY(mcuboot_add_boot_record(&change->protected, software,
		    change->image.header.version, &change->seal));
	}
	mcuboot_area_end(&change->protected);
	return HM_OK;
}

/* What is signed, into the output; its digest and message. */
static hm_err
put_body(struct change *change)
{
	const struct mcuboot_image *old = &change->image;
	struct mcuboot_image made = *old;
	uint8_t raw[MCUBOOT_HEADER_LEN];

	made.header.protect_size = (uint16_t)change->protected.len;
	mcuboot_header_put(&made.header, raw);
	HM_TRY(output_add(change->out, HM_BYTES(raw)));
	HM_TRY(output_copy(
	    change->out, &old->file, sizeof(raw), old->body_end - sizeof(raw)));
	HM_TRY(output_add(change->out, buf_bytes(&change->protected)));
	HM_TRY(output_input(change->out, &made.file));
	HM_TRY(mcuboot_digest(&made, payload_key(change), change->seal.hash,
	    change->seal.digest));
	set_message(change, &made);
	return HM_OK;
}

static bool
has_full_key(struct change *change)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_tlv tlv;

	while (mcuboot_next(&change->image, &cursor, &tlv))
		if (tlv.type == MCUBOOT_PUBKEY)
			return true;
	return false;
}

static hm_err
resign(struct change *change)
{
	static const uint8_t one[] = { 1 };
	struct mcuboot_seal *seal = &change->seal;
	struct buf *area = &change->area;

	seal->pure = change->how->pure;
	seal->full_key = change->how->full_key ||
			 (change->how->keep_key && has_full_key(change));
	HM_TRY(set_signers(change, change->how->hash));
	HM_TRY(copy_protected(change));
	HM_TRY(put_body(change));
	HM_TRY(mcuboot_area_begin(area, MCUBOOT_AREA_MAGIC));
	HM_TRY(mcuboot_add(area, mcuboot_hash_type(seal->hash),
	    (struct hm_bytes){ seal->digest, hash_len(seal->hash) }));
	if (seal->pure)
		HM_TRY(mcuboot_add(area, MCUBOOT_SIG_PURE, HM_BYTES(one)));
	HM_TRY(mcuboot_add_signatures(seal, area, change->why));
	if (change->wrapped.bits != 0)
		HM_TRY(mcuboot_add(area, change->wrapped.type,
		    (struct hm_bytes){
			change->wrapped.value, change->wrapped.len }));
	mcuboot_area_end(area);
	HM_TRY(output_add(change->out, buf_bytes(area)));
	change->keys.trusted_count = seal->signer_count;
	for (size_t i = 0; i < seal->signer_count; i++)
		change->keys.trusted[i] = seal->signers[i].key;
	return put_rest(change);
}

/* ---- ---- */

static hm_err
run(struct change *change, const struct input *file, struct mcuboot_made *ret,
    hm_err (*how)(struct change *change))
{
	hm_err err = begin(change, file);

	if (err == HM_OK)
		err = how(change);
	if (err == HM_OK) {
		*ret = (struct mcuboot_made){ .keys = change->keys,
			.key_len = change->wrapped.bits / 8 };
		memcpy(ret->key, change->wrapped.key, ret->key_len);
	}
	change_done(change);
	return err;
}

#define VERB(name)                                                             \
	hm_err mcuboot_##name(const struct mcuboot_change *how,                \
	    const struct input *file, struct output *out,                      \
	    struct mcuboot_made *ret, struct why *why)                         \
	{                                                                      \
		struct change change = { .how = how, .out = out, .why = why }; \
                                                                               \
		return run(&change, file, ret, name);                          \
	}

VERB(append)
VERB(resign)
VERB(decrypt)
VERB(encrypt)
VERB(rewrap)
VERB(extract)
