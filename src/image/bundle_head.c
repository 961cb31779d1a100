/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 96([ h'A1 01 03', {}, nil, [recipient, ...] ])
 * recipient = [ h'A1 01 38 1E', { 4: kid, -1: { 1: 2, -1: 1, -2: x, -3: y } },
 *		 wrapped key ]
 *
 * Key of the wrap: HKDF-SHA-256 of the agreed X, no salt, info = the
 * COSE_KDF_Context [ -5, [nil, nil, nil], [nil, nil, nil],
 * [256, h'A1 01 38 1E'] ] (RFC 9053 section 5.2).
 */
#include <string.h>

#include "core/cbor.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "image/bundle_parts.h"

#define TAG_ENCRYPT 96
#define ALG_A256KW (-5)
#define LABEL_KID 4
#define LABEL_EPHEMERAL (-1)
#define COORDINATE 32

static const uint8_t content_protected[] = { 0xa1, 0x01, 0x03 }; /* A256GCM */
static const uint8_t recipient_protected[] = { 0xa1, 0x01, 0x38,
	0x1e }; /* ECDH-ES + A256KW, -31 */

/* ---- writing ---- */

static void
put_recipient(struct hm_cbor_out *out, const struct bundle_recipient *r)
{
	hm_cbor_put_array(out, 3);
	hm_cbor_put_bytes(out, HM_BYTES(recipient_protected));
	hm_cbor_put_map(out, 2);
	hm_cbor_put_uint(out, LABEL_KID);
	hm_cbor_put_bytes(out, HM_BYTES(r->kid));
	hm_cbor_put_int(out, LABEL_EPHEMERAL);
	hm_cbor_put_map(out, 4);
	hm_cbor_put_uint(out, 1);
	hm_cbor_put_uint(out, 2); /* EC2 */
	hm_cbor_put_int(out, -1);
	hm_cbor_put_uint(out, 1); /* P-256 */
	hm_cbor_put_int(out, -2);
	hm_cbor_put_bytes(out, (struct hm_bytes){ r->point + 1, COORDINATE });
	hm_cbor_put_int(out, -3);
	hm_cbor_put_bytes(
	    out, (struct hm_bytes){ r->point + 1 + COORDINATE, COORDINATE });
	hm_cbor_put_bytes(out, HM_BYTES(r->wrapped));
}

hm_err
bundle_head_encode(
    const struct bundle_head *head, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_tag(&out, TAG_ENCRYPT);
	hm_cbor_put_array(&out, 4);
	hm_cbor_put_bytes(&out, HM_BYTES(content_protected));
	hm_cbor_put_map(&out, 0);
	hm_cbor_put_null(&out);
	hm_cbor_put_array(&out, (uint32_t)head->count);
	for (size_t i = 0; i < head->count; i++)
		put_recipient(&out, &head->recipients[i]);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
bundle_aad(
    struct hm_bytes start, uint8_t ret[static BUNDLE_AAD_MAX], size_t *ret_len)
{
	uint8_t digest[SHA256_LEN];
	struct hm_cbor_out out;

	sha256_one(start, digest);
	hm_cbor_out_init(&out, (struct hm_span){ ret, BUNDLE_AAD_MAX });
	hm_cbor_put_array(&out, 3);
	hm_cbor_put_text(&out, HM_LITERAL("Encrypt"));
	hm_cbor_put_bytes(&out, HM_BYTES(content_protected));
	hm_cbor_put_bytes(&out, HM_BYTES(digest));
	return hm_cbor_out_end(&out, ret_len);
}

/* ---- reading ---- */

static void
want_int(struct hm_cbor_in *in, int64_t wanted)
{
	if (hm_cbor_get_int(in) != wanted && in->err == HM_OK)
		in->err = HM_E_BAD_INPUT;
}

static void
want_bytes(struct hm_cbor_in *in, struct hm_bytes wanted)
{
	struct hm_bytes got = hm_cbor_get_bytes(in, wanted.len, wanted.len);

	if (in->err == HM_OK && !hm_bytes_equal(got, wanted))
		in->err = HM_E_BAD_INPUT;
}

static void
want_count(struct hm_cbor_in *in, uint32_t got, uint32_t wanted)
{
	if (got != wanted && in->err == HM_OK)
		in->err = HM_E_BAD_INPUT;
}

static void
get_recipient(struct hm_cbor_in *in, struct bundle_recipient *ret)
{
	want_count(in, hm_cbor_get_array(in, 3), 3);
	want_bytes(in, HM_BYTES(recipient_protected));
	want_count(in, hm_cbor_get_map(in, 2), 2);
	want_int(in, LABEL_KID);
	hm_cbor_get_fixed(in, ret->kid, sizeof(ret->kid));
	want_int(in, LABEL_EPHEMERAL);
	want_count(in, hm_cbor_get_map(in, 4), 4);
	want_int(in, 1);
	want_int(in, 2);
	want_int(in, -1);
	want_int(in, 1);
	want_int(in, -2);
	ret->point[0] = 4;
	hm_cbor_get_fixed(in, ret->point + 1, COORDINATE);
	want_int(in, -3);
	hm_cbor_get_fixed(in, ret->point + 1 + COORDINATE, COORDINATE);
	hm_cbor_get_fixed(in, ret->wrapped, sizeof(ret->wrapped));
}

hm_err
bundle_head_decode(struct hm_bytes bytes, struct bundle_head *ret)
{
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, bytes);
	hm_cbor_get_tag(&in, TAG_ENCRYPT);
	want_count(&in, hm_cbor_get_array(&in, 4), 4);
	want_bytes(&in, HM_BYTES(content_protected));
	want_count(&in, hm_cbor_get_map(&in, 0), 0);
	hm_cbor_get_null(&in);
	ret->count = hm_cbor_get_array(&in, BUNDLE_RECIPIENTS_MAX);
	for (size_t i = 0; i < ret->count && in.err == HM_OK; i++)
		get_recipient(&in, &ret->recipients[i]);
	HM_TRY(hm_cbor_in_end(&in));
	return ret->count > 0 ? HM_OK : HM_E_BAD_INPUT;
}

/* ---- the content key ---- */

hm_err
bundle_kid(const struct pkey *key, uint8_t ret[static 32])
{
	struct buf spki = { .max = 1024 };
	hm_err err = pkey_spki(key, &spki);

	if (err == HM_OK)
		sha256_one(buf_bytes(&spki), ret);
	buf_done(&spki);
	return err;
}

static hm_err
kdf_context(uint8_t *ret, size_t size, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, (struct hm_span){ ret, size });
	hm_cbor_put_array(&out, 4);
	hm_cbor_put_int(&out, ALG_A256KW);
	for (int party = 0; party < 2; party++) {
		hm_cbor_put_array(&out, 3);
		for (int i = 0; i < 3; i++)
			hm_cbor_put_null(&out);
	}
	hm_cbor_put_array(&out, 2);
	hm_cbor_put_uint(&out, 256);
	hm_cbor_put_bytes(&out, HM_BYTES(recipient_protected));
	return hm_cbor_out_end(&out, ret_len);
}

static hm_err
wrapping_key(struct pkey *own, const struct pkey *other, uint8_t ret[static 32])
{
	uint8_t x[COORDINATE], context[32];
	struct hash_hkdf from = { .secret = HM_BYTES(x) };
	size_t len;
	hm_err err;

	HM_TRY(kdf_context(context, sizeof(context), &len));
	from.info = (struct hm_bytes){ context, len };
	HM_TRY(pkey_agree(own, other, (struct hm_span){ x, sizeof(x) }, &len));
	err = hash_hkdf(HASH_SHA256, &from, (struct hm_span){ ret, 32 });
	hm_wipe(x, sizeof(x));
	return err;
}

static hm_err
wrap_with(struct pkey *ephemeral, const struct pkey *to,
    const uint8_t content_key[static BUNDLE_KEY_LEN],
    struct bundle_recipient *ret)
{
	uint8_t key[32];
	struct buf point = { .max = BUNDLE_POINT_LEN };
	hm_err err = pkey_point(ephemeral, &point);

	if (err == HM_OK)
		memcpy(ret->point, point.ptr, BUNDLE_POINT_LEN);
	buf_done(&point);
	HM_TRY(err);
	HM_TRY(wrapping_key(ephemeral, to, key));
	err = keywrap_wrap(HM_BYTES(key),
	    (struct hm_bytes){ content_key, BUNDLE_KEY_LEN }, ret->wrapped);
	hm_wipe(key, sizeof(key));
	return err;
}

hm_err
bundle_wrap(const struct pkey *to,
    const uint8_t content_key[static BUNDLE_KEY_LEN],
    struct bundle_recipient *ret)
{
	AUTO_PKEY struct pkey *ephemeral = NULL;

	if (pkey_kind(to) != PKEY_P256)
		return HM_E_KEY;
	HM_TRY(bundle_kid(to, ret->kid));
	HM_TRY(pkey_generate(PKEY_P256, 0, &ephemeral));
	return wrap_with(ephemeral, to, content_key, ret);
}

hm_err
bundle_unwrap(struct pkey *own, const struct bundle_recipient *from,
    uint8_t ret_content_key[static BUNDLE_KEY_LEN])
{
	AUTO_PKEY struct pkey *ephemeral = NULL;
	uint8_t key[32];
	hm_err err;

	HM_TRY(pkey_from_point(PKEY_P256, HM_BYTES(from->point), &ephemeral));
	HM_TRY(wrapping_key(own, ephemeral, key));
	err = keywrap_unwrap(
	    HM_BYTES(key), HM_BYTES(from->wrapped), ret_content_key);
	hm_wipe(key, sizeof(key));
	return err;
}
