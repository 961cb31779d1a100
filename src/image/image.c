/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <string.h>

#include "base/auto.h"

_Static_assert(HASH_MAX == KNOWN_LEN, "what an input knows is a digest");

uint16_t
image_get_u16(const uint8_t at[static 2])
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t
image_get_u32(const uint8_t at[static 4])
{
	return image_get_u16(at) | (uint32_t)image_get_u16(at + 2) << 16;
}

void
image_put_u16(uint8_t at[static 2], uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

void
image_put_u32(uint8_t at[static 4], uint32_t value)
{
	image_put_u16(at, (uint16_t)value);
	image_put_u16(at + 2, (uint16_t)(value >> 16));
}

static hm_err
add_to_hash(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

hm_err
image_hash(const struct input *file, uint64_t at, uint64_t size, hash_kind kind,
    uint8_t ret[static HASH_MAX])
{
	struct hash_run *run;
	hm_err err;

	if (input_known(file, at, size, (int)kind, ret, HASH_MAX))
		return HM_OK;
	HM_TRY(hash_run_new(kind, &run));
	err = input_walk(file, at, size, add_to_hash, run);
	if (err == HM_OK) {
		hash_run_end(run, ret);
		input_note(file, at, size, (int)kind, ret);
	}
	hash_run_free(run);
	return err;
}

/* ---- signing ---- */

static hm_err
ask(const struct image_signer *signer, const struct pkey_input *input,
    struct hm_span room, size_t *ret_len, struct why *why)
{
	AUTO(buf) struct buf whole = { 0 };
	struct pkey_input loaded = *input;
	hm_err err;

	if (input->stream == NULL || signer->takes_stream)
		return signer->sign(signer->context, input, room, ret_len, why);
	err = ed25519_message_load(input->stream, IMAGE_LOADED_MAX, &whole);
	if (err == HM_E_TOO_LARGE)
		return WHY(why, err,
		    "a signature over the image itself, in place of its hash, "
		    "takes up to %u bytes unless the key is in a file",
		    IMAGE_LOADED_MAX);
	HM_TRY(err);
	loaded.bytes = buf_bytes(&whole);
	loaded.stream = NULL;
	err = signer->sign(signer->context, &loaded, room, ret_len, why);
	if (err == HM_E_TOO_LARGE)
		err = WHY(why, err,
		    "who signs takes no message of %zu bytes, only digests: "
		    "use a key of another kind",
		    whole.len);
	buf_wipe(&whole);
	return err;
}

hm_err
image_sign(const struct image_signer *signer, const struct pkey_input *input,
    struct hm_span room, size_t *ret_len, struct why *why)
{
	hm_err err;

	HM_TRY(ask(signer, input, room, ret_len, why));
	if (signer->is_record)
		return HM_OK;
	err = pkey_verify(
	    signer->key, input, (struct hm_bytes){ room.ptr, *ret_len });
	if (err == HM_OK)
		return HM_OK;
	hm_wipe(room.ptr, room.len);
	if (err == HM_E_NO_MEMORY || err == HM_E_IO)
		return err;
	return WHY(why, HM_E_TOKEN_WRONG,
	    "the signature does not verify with the %s key",
	    pkey_name(signer->key));
}

static hm_err
sign_by_pkey(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	hm_err err = pkey_sign(context, input, room, ret_len);

	if (err == HM_OK)
		return HM_OK;
	return WHY(why, err, "the key cannot sign that");
}

struct image_signer
image_signer_of(struct pkey *key)
{
	return (struct image_signer){
		.key = key,
		.sign = sign_by_pkey,
		.context = key,
		.takes_stream = true,
	};
}

/* ---- formats ---- */

const struct image_format *
image_format_named(const char *name)
{
	for (const struct image_format *f = image_formats; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

const struct image_format *
image_format_of(const struct input *file)
{
	for (const struct image_format *f = image_formats; f->name != NULL; f++)
		if (f->is(file))
			return f;
	return NULL;
}

hm_err
image_add_by(struct cipher *cipher, struct hm_bytes piece, struct output *out)
{
	while (piece.len > 0) {
		size_t len =
		    piece.len < OUTPUT_ROOM_MAX ? piece.len : OUTPUT_ROOM_MAX;
		uint8_t *room;

		HM_TRY(output_room(out, len, &room));
		HM_TRY(cipher_update(
		    cipher, (struct hm_bytes){ piece.ptr, len }, room));
		HM_TRY(output_used(out, len));
		piece.ptr += len;
		piece.len -= len;
	}
	return HM_OK;
}
