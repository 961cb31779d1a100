/* SPDX-License-Identifier: Apache-2.0 */
/* What hash and signature cover, piece by piece, in plaintext. */
#include <stdlib.h>

#include "crypto/cipher.h"
#include "image/mcuboot_parts.h"

struct through {
	struct cipher *cipher;
	const struct mcuboot_pass *pass;
	uint8_t piece[INPUT_PIECE];
};

static hm_err
each_through(void *context, struct hm_bytes piece)
{
	struct through *through = context;

	HM_TRY(cipher_update(through->cipher, piece, through->piece));
	return through->pass->each(through->pass->context,
	    (struct hm_bytes){ through->piece, piece.len });
}

hm_err
mcuboot_pass(const struct input *file, const struct mcuboot_pass *pass)
{
	static const uint8_t zero[16];
	cipher_kind kind =
	    pass->key.len == 32 ? CIPHER_AES256_CTR : CIPHER_AES128_CTR;
	struct through *through;
	hm_err err;

	if (pass->key.len == 0)
		return input_walk(
		    file, pass->at, pass->size, pass->each, pass->context);
	through = malloc(sizeof(*through));
	if (through == NULL)
		return HM_E_NO_MEMORY;
	through->pass = pass;
	err =
	    cipher_new(kind, true, pass->key, HM_BYTES(zero), &through->cipher);
	if (err == HM_OK) {
		err = input_walk(
		    file, pass->at, pass->size, each_through, through);
		cipher_free(through->cipher);
	}
	free(through);
	return err;
}

hm_err
mcuboot_body(const struct mcuboot_image *image, struct hm_bytes key,
    input_walker *each, void *context)
{
	const struct mcuboot_pass payload = {
		.key = key,
		.at = image->header.hdr_size,
		.size = image->header.img_size,
		.each = each,
		.context = context,
	};

	HM_TRY(
	    input_walk(&image->file, 0, image->header.hdr_size, each, context));
	HM_TRY(mcuboot_pass(&image->file, &payload));
	return input_walk(&image->file, image->body_end,
	    image->header.protect_size, each, context);
}

static hm_err
to_hash(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

hm_err
mcuboot_digest(const struct mcuboot_image *image, struct hm_bytes key,
    hash_kind kind, uint8_t ret[static HASH_MAX])
{
	struct hash_run *run;
	hm_err err;

	if (key.len == 0) /* all of it stands in one piece */
		return image_hash(&image->file, 0,
		    image->body_end + image->header.protect_size, kind, ret);
	HM_TRY(hash_run_new(kind, &run));
	err = mcuboot_body(image, key, to_hash, run);
	if (err == HM_OK)
		hash_run_end(run, ret);
	hash_run_free(run);
	return err;
}

hm_err
mcuboot_to_output(void *output, struct hm_bytes piece)
{
	return output_add(output, piece);
}

static hm_err
walk_whole(void *context, input_walker *each, void *each_context)
{
	const struct mcuboot_whole *whole = context;

	return mcuboot_body(&whole->image, whole->key, each, each_context);
}

struct ed25519_message
mcuboot_message(struct mcuboot_whole *body)
{
	return (struct ed25519_message){
		.size = body->image.body_end + body->image.header.protect_size,
		.walk = walk_whole,
		.context = body,
	};
}
