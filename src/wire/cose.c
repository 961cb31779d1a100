/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cose.h"
#include "wire/message.h"

#define TAG_SIGN1 18 /* RFC 9052 section 2 */
#define LABEL_ALG 1
#define LABEL_KID 4
#define ALG_ES256 (-7)
#define PROTECTED_MAX 16 /* h'a2012604' and the key id in its byte string */

/* The protected header: { 1: -7 } or { 1: -7, 4: kid }. */
static void
put_protected(struct hm_cbor_out *out, struct hm_bytes kid)
{
	uint8_t bytes[PROTECTED_MAX];
	struct hm_cbor_out header;

	hm_cbor_out_init(&header, HM_MAKE(hm_span, bytes, sizeof(bytes)));
	hm_cbor_put_map(&header, kid.len > 0 ? 2 : 1);
	hm_cbor_put_uint(&header, LABEL_ALG);
	hm_cbor_put_int(&header, ALG_ES256);
	if (kid.len == HM_KID_LEN) {
		hm_cbor_put_uint(&header, LABEL_KID);
		hm_cbor_put_bytes(&header, kid);
	} else if (kid.len > 0) {
		hm_msg_refuse_out(out);
	}
	hm_cbor_put_bytes(out, HM_MAKE(hm_bytes, bytes, header.len));
}

/* Read the protected header: the key id in it, or empty. */
static struct hm_bytes
get_protected(struct hm_cbor_in *in)
{
	struct hm_bytes kid = { 0 };
	struct hm_cbor_in header;
	uint32_t pairs;

	hm_cbor_in_init(&header, hm_cbor_get_bytes(in, 1, PROTECTED_MAX));
	pairs = hm_cbor_get_map(&header, 2);
	hm_cbor_key(&header, LABEL_ALG);
	if (hm_cbor_get_int(&header) != ALG_ES256)
		hm_msg_refuse_in(in);
	if (pairs == 0)
		hm_msg_refuse_in(in);
	if (pairs == 2)
		kid = hm_msg_get_bytes(
		    &header, LABEL_KID, HM_KID_LEN, HM_KID_LEN);
	if (hm_cbor_in_end(&header) != HM_OK)
		hm_msg_refuse_in(in);
	return kid;
}

hm_err
hm_sign1_head(struct hm_bytes kid, struct hm_bytes aad, size_t payload_len,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, 4);
	hm_cbor_put_text(&out, HM_LITERAL("Signature1"));
	put_protected(&out, kid);
	hm_cbor_put_bytes(&out, aad);
	hm_cbor_put_bytes_head(&out, payload_len);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_sign1_encode(
    const struct hm_sign1 *sign1, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_tag(&out, TAG_SIGN1);
	hm_cbor_put_array(&out, 4);
	put_protected(&out, sign1->kid);
	hm_cbor_put_map(&out, 0);
	hm_cbor_put_bytes(&out, sign1->payload);
	hm_cbor_put_bytes(&out, HM_BYTES(sign1->signature));
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_sign1_decode(struct hm_bytes message, size_t max, struct hm_sign1 *ret)
{
	struct hm_sign1 sign1;
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	if (message.len > max)
		hm_msg_refuse_in(&in);
	hm_cbor_get_tag(&in, TAG_SIGN1);
	hm_msg_array(&in, 4);
	sign1.kid = get_protected(&in);
	hm_msg_map(&in, 0);
	sign1.payload = hm_cbor_get_bytes(&in, 0, max);
	hm_cbor_get_fixed(&in, sign1.signature, HM_SIGNATURE_LEN);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = sign1;
	return HM_OK;
}
