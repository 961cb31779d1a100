/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bootutil_img_validate() says to an image, as it was seen to (2d4bacc):
 *
 * TLVs in their order; a key TLV sets the key, by a prefix of its hash, and an
 * unknown one unsets it; a signature without key is passed over; one with a key
 * sets the result, the last wins; a hash TLV has to match wherever it stands;
 * an unprotected type outside the list ends it; what follows is not looked at.
 *
 * The build is taken from the image and the first trusted key: its kind of key,
 * of hash, pure or not, PUBKEY or KEYHASH, with the allow-list.
 */
#include <string.h>

#include "base/auto.h"
#include "image/mcuboot_parts.h"

#define DER_SEQUENCE 0x30
#define DER_INTEGER 0x02

struct state {
	const struct mcuboot_boot *boot;
	struct pkey *key; /* named and known */
	hash_kind kind;
	bool is_pure, has_hash;
	mcuboot_answer signature;
	bool skipped, overruled; /* signatures */
};

/* Numbers of a DER signature as a lax reader takes them: any first byte, any
 * bytes behind the end. */
static bool
lax_der(struct hm_bytes der, size_t width, uint8_t *ret)
{
	size_t at = 2, len;

	if (der.len < 8 || der.ptr[1] >= 0x80)
		return false;
	memset(ret, 0, 2 * width);
	for (size_t i = 0; i < 2; i++) {
		if (at + 2 > der.len || der.ptr[at] != DER_INTEGER)
			return false;
		len = der.ptr[at + 1];
		at += 2;
		if (len > der.len - at)
			return false;
		for (; len > width && der.ptr[at] == 0; at++)
			len--;
		if (len > width)
			return false;
		memcpy(ret + i * width + width - len, der.ptr + at, len);
		at += len;
	}
	return true;
}

static hm_err
verify(const struct state *state, struct hm_bytes signature, bool *ret)
{
	struct mcuboot_whole whole = { 0 };
	struct ed25519_message message;
	struct pkey_input input = {
		.hash = state->kind,
		.bytes = { state->boot->digest, hash_len(state->kind) },
	};
	hm_err err;

	input.scheme = mcuboot_scheme(mcuboot_signature_type(state->key));
	*ret = false;
	if (state->is_pure) {
		whole.image = *state->boot->image;
		if (!state->boot->is_clear)
			whole.key = state->boot->key;
		message = mcuboot_message(&whole);
		input.stream = &message;
	}
	err = pkey_verify(state->key, &input, signature);
	*ret = err == HM_OK;
	return err == HM_E_NO_MEMORY || err == HM_E_IO ? err : HM_OK;
}

static hm_err
take_signature(struct state *state, struct hm_bytes signature)
{
	uint8_t room[PKEY_SIGNATURE_MAX];
	size_t len, width = pkey_bits(state->key) / 8;
	bool is_minimal = true, holds;

	if (mcuboot_signature_type(state->key) == MCUBOOT_ECDSA) {
		if (pkey_sig_from_der(state->key, signature,
			(struct hm_span){ room, sizeof(room) },
			&len) != HM_OK) {
			is_minimal = false;
			len = 2 * width;
			if (!lax_der(signature, width, room)) {
				state->signature = MCUBOOT_REFUSES;
				return HM_OK;
			}
		}
		signature = (struct hm_bytes){ room, len };
	}
	HM_TRY(verify(state, signature, &holds));
	if (state->signature == MCUBOOT_REFUSES && holds)
		state->overruled = true;
	state->signature = !holds       ? MCUBOOT_REFUSES
			   : is_minimal ? MCUBOOT_ACCEPTS
					: MCUBOOT_DIFFERS;
	return HM_OK;
}

static hm_err
take_key(struct state *state, const struct mcuboot_tlv *tlv)
{
	const struct image_keys *keys = state->boot->how->keys;
	uint8_t hash[HASH_MAX];

	state->key = NULL;
	for (size_t i = 0; i < keys->trusted_count && state->key == NULL; i++) {
		AUTO(buf) struct buf der = { 0 };

		if (tlv->type == MCUBOOT_KEYHASH) {
			HM_TRY(mcuboot_key_hash(
			    keys->trusted[i], state->kind, hash));
			if (tlv->value.len <= hash_len(state->kind) &&
			    memcmp(hash, tlv->value.ptr, tlv->value.len) == 0)
				state->key = keys->trusted[i];
			continue;
		}
		buf_init(&der, MCUBOOT_AREA_MAX);
		HM_TRY(mcuboot_key_der(keys->trusted[i], &der));
		if (hm_bytes_equal(buf_bytes(&der), tlv->value))
			state->key = keys->trusted[i];
	}
	return HM_OK;
}

static hm_err
take_plain(
    struct state *state, const struct mcuboot_tlv *tlv, bool *ret_refused)
{
	const struct mcuboot_kind *kind = mcuboot_kind_of(tlv->type);
	uint16_t expected =
	    mcuboot_signature_type(state->boot->how->keys->trusted[0]);

	*ret_refused = true;
	if (kind == NULL || kind->is_protected ||
	    (tlv->type == MCUBOOT_SIG_PURE && !state->is_pure))
		return HM_OK;
	*ret_refused = false;
	if (tlv->type == MCUBOOT_KEYHASH || tlv->type == MCUBOOT_PUBKEY)
		return take_key(state, tlv);
	if (mcuboot_hash_of(tlv->type) == state->kind && !state->is_pure) {
		*ret_refused = tlv->value.len != hash_len(state->kind) ||
			       memcmp(tlv->value.ptr, state->boot->digest,
				   tlv->value.len) != 0;
		state->has_hash = true;
	}
	if (tlv->type != expected)
		return HM_OK;
	if (state->key == NULL ||
	    mcuboot_signature_type(state->key) != expected) {
		state->skipped = true;
		return HM_OK;
	}
	HM_TRY(take_signature(state, tlv->value));
	state->key = NULL;
	return HM_OK;
}

/* What is seen of the header before anything else. */
static const char *
refuse_early(const struct state *state)
{
	const struct mcuboot_image *image = state->boot->image;
	const struct pkey *key = state->boot->how->keys->trusted[0];
	uint32_t flags = image->header.flags;
	uint64_t slot = state->boot->how->slot_size;

	if (!image->is_readable)
		return "header or TLV areas cannot be read";
	if (slot != 0 && image->body_end + image->header.protect_size >= slot)
		return "larger than its slot";
	if ((flags & MCUBOOT_F_ENCRYPTED) == MCUBOOT_F_ENCRYPTED)
		return "both encryption flags";
	if (flags & MCUBOOT_F_COMPRESSED)
		return "compressed: only a build with "
		       "MCUBOOT_DECOMPRESS_IMAGES takes it";
	if ((flags & MCUBOOT_F_ENCRYPTED) && state->boot->key.len == 0 &&
	    !state->boot->is_clear)
		return "the payload key cannot be opened";
	if (state->boot->digest == NULL)
		return "no hash";
	if (state->kind != state->boot->kind ||
	    !mcuboot_hash_fits(key, state->kind))
		return "no hash of the kind that goes with the key";
	return NULL;
}

static const char *
words_for(const struct state *state)
{
	if (state->signature == MCUBOOT_DIFFERS)
		return "depends on its library: TinyCrypt or PSA builds take "
		       "this DER, Mbed TLS builds refuse it";
	if (state->overruled)
		return "the last signature by a known key decides, an earlier "
		       "one that fails does not";
	if (state->skipped)
		return "a signature without a known key before it is passed "
		       "over";
	if (state->is_pure)
		return "a build for pure signatures does not look at the hash";
	return "what is wrong is nothing that it looks at";
}

/* SIG_PURE says which build it is for; the last hash TLV which hash. */
static void
choose_build(struct state *state)
{
	struct mcuboot_tlv tlv;

	state->is_pure = mcuboot_find(
	    state->boot->image, MCUBOOT_PLAIN, MCUBOOT_SIG_PURE, &tlv);
	if (state->is_pure)
		state->is_pure = tlv.value.len == 1 && tlv.value.ptr[0] == 1;
	state->kind = state->boot->kind;
}

static hm_err
walk(struct state *state, const char **ret_refusal)
{
	struct mcuboot_cursor cursor = { 0 };
	struct mcuboot_tlv tlv;
	bool refused = false;

	while (mcuboot_next(state->boot->image, &cursor, &tlv)) {
		if (tlv.place == MCUBOOT_PROTECTED)
			continue;
		HM_TRY(take_plain(state, &tlv, &refused));
		if (refused)
			break;
	}
	if (refused)
		*ret_refusal = "a TLV that it does not allow, or another hash";
	else if (cursor.place < MCUBOOT_PLACES)
		*ret_refusal = "a TLV beyond its area";
	else if (!state->has_hash && !state->is_pure)
		*ret_refusal = "no hash";
	else if (state->signature == MCUBOOT_REFUSES)
		*ret_refusal = "no signature that it can verify";
	return HM_OK;
}

hm_err
mcuboot_boot(const struct mcuboot_boot *boot, mcuboot_answer *ret,
    const char **ret_words)
{
	struct state state = { .boot = boot, .signature = MCUBOOT_REFUSES };
	const char *refusal;

	if (boot->image->is_readable)
		choose_build(&state);
	refusal = refuse_early(&state);
	if (refusal == NULL)
		HM_TRY(walk(&state, &refusal));
	*ret = refusal == NULL ? state.signature : MCUBOOT_REFUSES;
	*ret_words = refusal != NULL ? refusal : words_for(&state);
	return HM_OK;
}
