/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/body.h"
#include "wire/challenge.h"
#include "wire/message.h"

#define VERSION_MAX 32
#define TARGET_MAX 64
#define TYPE_MAX 64

/* ---- rules that span fields ---- */

static bool
are_images(const struct hm_release *release)
{
	const struct hm_image *images = release->images;

	for (uint32_t i = 0; i < release->image_count; i++) {
		if (images[i].has_counter &&
		    images[i].counter < release->counter)
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (hm_bytes_equal(images[i].name, images[k].name))
				return false;
	}
	return true;
}

static bool
are_sboms(const struct hm_release *release)
{
	for (uint32_t i = 0; i < release->sbom_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (hm_bytes_equal(
				release->sboms[i].name, release->sboms[k].name))
				return false;
	return true;
}

/* What was promoted is for production, and its payloads are named. */
static bool
is_promotion(const struct hm_release *release)
{
	if (hm_msg_is_zero(release->promoted, HM_DIGEST_LEN))
		return true;
	for (uint32_t i = 0; i < release->image_count; i++)
		if (hm_msg_is_zero(release->images[i].payload, HM_DIGEST_LEN))
			return false;
	return release->channel == HM_CHANNEL_PROD;
}

static bool
is_release(const struct hm_release *release)
{
	return release->image_count >= 1 &&
	       release->measured < release->image_count &&
	       are_images(release) && are_sboms(release) &&
	       is_promotion(release);
}

/* ---- fields ---- */

static void
put_image(struct hm_cbor_out *out, const struct hm_image *image)
{
	hm_cbor_put_map(out, 8);
	hm_msg_put_name(out, 1, image->name);
	hm_msg_put_name(out, 2, image->format);
	hm_msg_put_text(out, 3, image->version, 0, VERSION_MAX);
	hm_msg_put_text(out, 4, image->target, 0, TARGET_MAX);
	hm_msg_put_fixed(out, 5, image->digest, HM_DIGEST_LEN);
	hm_msg_put_uint(out, 6, image->size);
	hm_cbor_put_uint(out, 7);
	if (image->has_counter)
		hm_cbor_put_uint(out, image->counter);
	else
		hm_cbor_put_null(out);
	hm_msg_put_digest_or_null(out, 8, image->payload);
}

static void
get_image(struct hm_cbor_in *in, struct hm_image *ret)
{
	hm_msg_map(in, 8);
	ret->name = hm_msg_get_name(in, 1);
	ret->format = hm_msg_get_name(in, 2);
	ret->version = hm_msg_get_text(in, 3, 0, VERSION_MAX);
	ret->target = hm_msg_get_text(in, 4, 0, TARGET_MAX);
	hm_msg_get_fixed(in, 5, ret->digest, HM_DIGEST_LEN);
	ret->size = hm_msg_get_uint(in, 6, 0, UINT64_MAX);
	hm_cbor_key(in, 7);
	ret->counter = 0;
	ret->has_counter = !hm_cbor_null_if(in);
	if (ret->has_counter)
		ret->counter = (uint32_t)hm_cbor_get_uint(in, UINT32_MAX);
	hm_msg_get_digest_or_null(in, 8, ret->payload);
}

static void
put_sbom(struct hm_cbor_out *out, const struct hm_sbom *sbom)
{
	hm_cbor_put_map(out, 4);
	hm_msg_put_name(out, 1, sbom->name);
	hm_msg_put_text(out, 2, sbom->type, 1, TYPE_MAX);
	hm_msg_put_fixed(out, 3, sbom->digest, HM_DIGEST_LEN);
	hm_msg_put_uint(out, 4, sbom->size);
}

static void
get_sbom(struct hm_cbor_in *in, struct hm_sbom *ret)
{
	hm_msg_map(in, 4);
	ret->name = hm_msg_get_name(in, 1);
	ret->type = hm_msg_get_text(in, 2, 1, TYPE_MAX);
	hm_msg_get_fixed(in, 3, ret->digest, HM_DIGEST_LEN);
	ret->size = hm_msg_get_uint(in, 4, 0, UINT64_MAX);
}

/* ---- the whole ---- */

void
hm_body_put_release(struct hm_cbor_out *out, const struct hm_release *release)
{
	if (release->image_count > HM_RELEASE_IMAGES_MAX ||
	    release->sbom_count > HM_RELEASE_SBOMS_MAX ||
	    !is_release(release)) {
		hm_msg_refuse_out(out);
		return;
	}
	hm_msg_put_map(out, 3, 8);
	hm_msg_put_name(out, 1, release->name);
	hm_msg_put_name(out, 2, release->product);
	hm_msg_put_range(
	    out, 3, release->channel, HM_CHANNEL_DEV, HM_CHANNEL_PROD);
	hm_msg_put_uint(out, 4, release->counter);
	hm_msg_put_list(out, 5, release->image_count);
	for (uint32_t i = 0; i < release->image_count; i++)
		put_image(out, &release->images[i]);
	hm_msg_put_uint(out, 6, release->measured);
	hm_msg_put_list(out, 7, release->sbom_count);
	for (uint32_t i = 0; i < release->sbom_count; i++)
		put_sbom(out, &release->sboms[i]);
	hm_msg_put_digest_or_null(out, 8, release->promoted);
}

void
hm_body_get_release(struct hm_cbor_in *in, struct hm_release *ret)
{
	hm_msg_get_map(in, 3, 8);
	ret->name = hm_msg_get_name(in, 1);
	ret->product = hm_msg_get_name(in, 2);
	ret->channel =
	    (hm_channel)hm_msg_get_uint(in, 3, HM_CHANNEL_DEV, HM_CHANNEL_PROD);
	ret->counter = hm_msg_get_u32(in, 4);
	ret->image_count = hm_msg_get_list(in, 5, HM_RELEASE_IMAGES_MAX);
	for (uint32_t i = 0; i < ret->image_count; i++)
		get_image(in, &ret->images[i]);
	ret->measured =
	    (uint32_t)hm_msg_get_uint(in, 6, 0, HM_RELEASE_IMAGES_MAX - 1);
	ret->sbom_count = hm_msg_get_list(in, 7, HM_RELEASE_SBOMS_MAX);
	for (uint32_t i = 0; i < ret->sbom_count; i++)
		get_sbom(in, &ret->sboms[i]);
	hm_msg_get_digest_or_null(in, 8, ret->promoted);
	if (in->err == HM_OK && !is_release(ret))
		hm_msg_refuse_in(in);
}

/* ---- questions ---- */

const struct hm_image *
hm_release_measured(const struct hm_release *release)
{
	return &release->images[release->measured];
}

const struct hm_image *
hm_release_image(const struct hm_release *release, struct hm_bytes name)
{
	for (uint32_t i = 0; i < release->image_count; i++)
		if (hm_bytes_equal(release->images[i].name, name))
			return &release->images[i];
	return NULL;
}

static bool
is_same_payload(const struct hm_image *a, const struct hm_image *b)
{
	return hm_bytes_equal(a->format, b->format) &&
	       hm_bytes_equal(a->target, b->target) &&
	       a->has_counter == b->has_counter && a->counter == b->counter &&
	       memcmp(a->payload, b->payload, HM_DIGEST_LEN) == 0;
}

bool
hm_release_is_promoted(
    const struct hm_release *prod, const struct hm_release *dev)
{
	if (prod->channel != HM_CHANNEL_PROD ||
	    dev->channel != HM_CHANNEL_DEV ||
	    !hm_bytes_equal(prod->product, dev->product) ||
	    prod->counter < dev->counter ||
	    prod->image_count != dev->image_count)
		return false;
	/* names are distinct on both sides */
	for (uint32_t i = 0; i < prod->image_count; i++) {
		const struct hm_image *image = &prod->images[i];
		const struct hm_image *old = hm_release_image(dev, image->name);

		if (old == NULL || !is_same_payload(image, old))
			return false;
	}
	return hm_bytes_equal(
	    hm_release_measured(prod)->name, hm_release_measured(dev)->name);
}
