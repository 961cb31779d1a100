/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/body.h"
#include "wire/message.h"

#define ORGANIZATION_MAX 64
#define HW_TYPE_MAX 32

/* ---- rules that span fields ---- */

/* Does `size` belong to this kind: bytes or digits where we make it, else 0? */
static bool
is_size_of(hm_secret_kind kind, uint32_t size)
{
	if (kind == HM_SECRET_RANDOM || kind == HM_SECRET_PASSCODE)
		return size >= 1 && size <= HM_SECRET_MAX;
	return size == 0;
}

/* Does `source` belong to this kind: a label, a value, or nothing? */
static bool
is_source_of(hm_secret_kind kind, struct hm_bytes source)
{
	switch (kind) {
	case HM_SECRET_RANDOM:
	case HM_SECRET_PASSCODE:
	case HM_SECRET_KEY:
		return source.len == 0;
	case HM_SECRET_SHARED:
		return source.len >= 1 && hm_is_utf8(source);
	case HM_SECRET_CERTIFICATE:
	case HM_SECRET_LITERAL:
		return source.len >= 1;
	default:
		return false;
	}
}

static bool
are_specs(const struct hm_secret_spec *specs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!is_size_of(specs[i].kind, specs[i].size) ||
		    !is_source_of(specs[i].kind, specs[i].source))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (hm_bytes_equal(specs[i].name, specs[k].name))
				return false;
	}
	return true;
}

static bool
is_product(const struct hm_product *product)
{
	bool pinned = product->key_source == HM_KEYS_PINNED;
	bool imx_mp = product->scheme == HM_SCHEME_IMX_MP;

	if (pinned != (product->key_count > 0))
		return false;
	if (product->key_source == HM_KEYS_ANY && imx_mp)
		return false;
	if (!imx_mp && !hm_msg_is_zero(product->mpmr, sizeof(product->mpmr)))
		return false;
	return are_specs(product->secrets, product->secret_count);
}

/* ---- fields ---- */

static void
put_keys(
    struct hm_cbor_out *out, uint64_t key, const struct hm_product *product)
{
	hm_msg_put_list(out, key, product->key_count);
	for (uint32_t i = 0; i < product->key_count; i++) {
		if (product->keys[i][0] != 4)
			hm_msg_refuse_out(out);
		hm_cbor_put_bytes(out, HM_BYTES(product->keys[i]));
	}
}

static void
get_keys(struct hm_cbor_in *in, uint64_t key, struct hm_product *ret)
{
	ret->key_count = hm_msg_get_list(in, key, HM_PRODUCT_KEYS_MAX);
	for (uint32_t i = 0; i < ret->key_count; i++) {
		hm_cbor_get_fixed(in, ret->keys[i], HM_POINT_LEN);
		if (ret->keys[i][0] != 4)
			hm_msg_refuse_in(in);
	}
}

/* Only imx-mp has one; zeros are a value of it. */
static void
put_mpmr(
    struct hm_cbor_out *out, uint64_t key, const struct hm_product *product)
{
	hm_cbor_put_uint(out, key);
	if (product->scheme == HM_SCHEME_IMX_MP)
		hm_cbor_put_bytes(out, HM_BYTES(product->mpmr));
	else
		hm_cbor_put_null(out);
}

static void
get_mpmr(struct hm_cbor_in *in, uint64_t key, struct hm_product *ret)
{
	hm_cbor_key(in, key);
	memset(ret->mpmr, 0, sizeof(ret->mpmr));
	if (ret->scheme == HM_SCHEME_IMX_MP)
		hm_cbor_get_fixed(in, ret->mpmr, sizeof(ret->mpmr));
	else
		hm_cbor_get_null(in);
}

static void
put_spec(struct hm_cbor_out *out, const struct hm_secret_spec *spec)
{
	if (spec->name.len < 1 || spec->name.len > HM_SECRET_NAME_MAX ||
	    spec->source.len > HM_SECRET_MAX)
		hm_msg_refuse_out(out);
	hm_cbor_put_array(out, 4);
	hm_cbor_put_text(out, spec->name);
	hm_cbor_put_uint(out, spec->kind);
	hm_cbor_put_uint(out, spec->size);
	hm_cbor_put_bytes(out, spec->source);
}

static void
put_specs(
    struct hm_cbor_out *out, uint64_t key, const struct hm_product *product)
{
	hm_msg_put_list(out, key, product->secret_count);
	for (uint32_t i = 0; i < product->secret_count; i++)
		put_spec(out, &product->secrets[i]);
}

static void
get_spec(struct hm_cbor_in *in, struct hm_secret_spec *ret)
{
	hm_msg_array(in, 4);
	ret->name = hm_cbor_get_text(in, 1, HM_SECRET_NAME_MAX);
	ret->kind = (hm_secret_kind)hm_cbor_get_uint(in, HM_SECRET_LITERAL);
	ret->size = (uint32_t)hm_cbor_get_uint(in, HM_SECRET_MAX);
	ret->source = hm_cbor_get_bytes(in, 0, HM_SECRET_MAX);
}

static void
get_specs(struct hm_cbor_in *in, uint64_t key, struct hm_product *ret)
{
	ret->secret_count = hm_msg_get_list(in, key, HM_SECRETS_MAX);
	for (uint32_t i = 0; i < ret->secret_count; i++)
		get_spec(in, &ret->secrets[i]);
}

void
hm_body_put_product(struct hm_cbor_out *out, const struct hm_product *product)
{
	if (product->key_count > HM_PRODUCT_KEYS_MAX ||
	    product->secret_count > HM_SECRETS_MAX || !is_product(product)) {
		hm_msg_refuse_out(out);
		return;
	}
	hm_msg_put_map(out, 3, 13);
	hm_msg_put_name(out, 1, product->name);
	hm_msg_put_uint(out, 2, product->version);
	hm_msg_put_range(
	    out, 3, product->scheme, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	hm_msg_put_range(
	    out, 4, product->key_source, HM_KEYS_PINNED, HM_KEYS_ANY);
	put_keys(out, 5, product);
	put_mpmr(out, 6, product);
	hm_msg_put_range(
	    out, 7, product->lock_min, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	hm_msg_put_bool(out, 8, product->soft_in_prod);
	hm_msg_put_text(out, 9, product->organization, 1, ORGANIZATION_MAX);
	hm_msg_put_bytes(out, 10, product->hw_type, 1, HW_TYPE_MAX);
	put_specs(out, 11, product);
	hm_msg_put_bytes_or_null(out, 12, product->config, HM_CONFIG_MAX);
	hm_msg_put_digest_or_null(out, 13, product->lock_plan);
}

void
hm_body_get_product(struct hm_cbor_in *in, struct hm_product *ret)
{
	hm_msg_get_map(in, 3, 13);
	ret->name = hm_msg_get_name(in, 1);
	ret->version = hm_msg_get_u32(in, 2);
	ret->scheme =
	    (hm_scheme)hm_msg_get_uint(in, 3, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	ret->key_source =
	    (hm_key_source)hm_msg_get_uint(in, 4, HM_KEYS_PINNED, HM_KEYS_ANY);
	get_keys(in, 5, ret);
	get_mpmr(in, 6, ret);
	ret->lock_min =
	    (hm_lock)hm_msg_get_uint(in, 7, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	ret->soft_in_prod = hm_msg_get_bool(in, 8);
	ret->organization = hm_msg_get_text(in, 9, 1, ORGANIZATION_MAX);
	ret->hw_type = hm_msg_get_bytes(in, 10, 1, HW_TYPE_MAX);
	get_specs(in, 11, ret);
	ret->config = hm_msg_get_bytes_or_null(in, 12, HM_CONFIG_MAX);
	hm_msg_get_digest_or_null(in, 13, ret->lock_plan);
	if (in->err == HM_OK && !is_product(ret))
		hm_msg_refuse_in(in);
}
