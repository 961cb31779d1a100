/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/oid.h"
#include "ca/parts.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

hm_err
signature_raw(const struct ca_view *view, uint8_t ret[static 96])
{
	if (view->sig == CA_ES256)
		return ecdsa_from_der(view->signature, ret);
	return p384_from_der(view->signature, ret);
}

hm_err
signature_verify(ca_sig sig, struct hm_bytes public_key, struct hm_bytes tbs,
    const uint8_t *signature)
{
	uint8_t digest[SHA384_LEN];

	if (sig == CA_ES256 && public_key.len == P256_POINT_LEN) {
		sha256_one(tbs, digest);
		return p256_verify(public_key.ptr, digest, signature);
	}
	if (sig == CA_ES384 && public_key.len == P384_POINT_LEN) {
		sha384_one(tbs, digest);
		return p384_verify(public_key.ptr, digest, signature);
	}
	return HM_E_CERT;
}

void
key_id_of(struct hm_bytes public_key, uint8_t ret[static KEY_ID_LEN])
{
	uint8_t digest[SHA256_LEN];

	sha256_one(public_key, digest);
	memcpy(ret, digest, KEY_ID_LEN);
}

struct hm_bytes
authority_of(const struct ca_view *issuer, uint8_t room[static KEY_ID_LEN])
{
	if (issuer->subject_key_id.len > 0)
		return issuer->subject_key_id;
	key_id_of(issuer->public_key, room);
	return (struct hm_bytes){ room, KEY_ID_LEN };
}

/* 158 random bits: the first octet keeps it positive and 20 octets long. */
hm_err
new_serial(uint8_t ret[static CA_SERIAL_LEN])
{
	HM_TRY(random_bytes((struct hm_span){ ret, CA_SERIAL_LEN }));
	ret[0] = (uint8_t)(0x40 | (ret[0] & 0x3f));
	return HM_OK;
}

void
put_algorithm(struct der_writer *out, ca_sig sig)
{
	der_add(out, sig == CA_ES256 ? HM_LITERAL(ALGORITHM_ES256)
				     : HM_LITERAL(ALGORITHM_ES384));
}

void
put_key(struct der_writer *out, struct hm_bytes public_key)
{
	der_add(out, public_key.len == P256_POINT_LEN ? HM_LITERAL(SPKI_P256)
						      : HM_LITERAL(SPKI_P384));
	der_add(out, public_key);
}

void
put_name_part(struct der_writer *out, struct hm_bytes oid, uint8_t tag,
    struct hm_bytes text)
{
	size_t set = der_begin(out, DER_SET);
	size_t pair = der_begin(out, DER_SEQUENCE);

	der_put(out, DER_OID, oid);
	der_put(out, tag, text);
	der_end(out, pair);
	der_end(out, set);
}

struct extension
extension_begin(struct der_writer *out, struct hm_bytes oid, bool is_critical)
{
	struct extension extension;

	extension.outer = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID, oid);
	if (is_critical)
		der_put(out, DER_BOOLEAN, HM_LITERAL("\xff"));
	extension.value = der_begin(out, DER_OCTET_STRING);
	return extension;
}

void
extension_end(struct der_writer *out, struct extension extension)
{
	der_end(out, extension.value);
	der_end(out, extension.outer);
}

void
put_authority(struct der_writer *out, struct hm_bytes key_id)
{
	struct extension extension =
	    extension_begin(out, HM_LITERAL(OID_AUTHORITY_KEY_ID), false);
	size_t seq = der_begin(out, DER_SEQUENCE);

	der_put(out, DER_CONTEXT(0), key_id);
	der_end(out, seq);
	extension_end(out, extension);
}

/* Bits up to 6, so one octet; DER cuts the zeros behind the last one. */
void
put_usage(struct der_writer *out, uint8_t usage)
{
	struct extension extension =
	    extension_begin(out, HM_LITERAL(OID_KEY_USAGE), true);
	uint8_t bits[2] = { 8, 0 };

	for (unsigned i = 0; i < 8; i++) {
		if (!(usage & (1u << i)))
			continue;
		bits[0] = (uint8_t)(7 - i);
		bits[1] |= (uint8_t)(0x80u >> i);
	}
	der_put(out, DER_BIT_STRING, HM_BYTES(bits));
	extension_end(out, extension);
}

hm_err
sign_tbs(const struct ca_issuer *issuer, struct hm_bytes tbs, struct buf *ret,
    uint8_t ret_raw[static 96])
{
	bool is_p256 = issuer->sig == CA_ES256;
	uint8_t digest[SHA384_LEN], der[P384_DER_MAX];
	struct der_writer out = { .buf = ret };
	size_t before = ret->len, mark, der_len;

	if (is_p256)
		sha256_one(tbs, digest);
	else
		sha384_one(tbs, digest);
	HM_TRY(issuer->sign(issuer->context,
	    (struct hm_bytes){ digest, is_p256 ? SHA256_LEN : SHA384_LEN },
	    ret_raw, is_p256 ? P256_SIGNATURE_LEN : P384_SIGNATURE_LEN));
	der_len =
	    is_p256 ? ecdsa_to_der(ret_raw, der) : p384_to_der(ret_raw, der);
	mark = der_begin(&out, DER_SEQUENCE);
	der_add(&out, tbs);
	put_algorithm(&out, issuer->sig);
	der_put_bits(&out, (struct hm_bytes){ der, der_len });
	der_end(&out, mark);
	if (out.err != HM_OK)
		ret->len = before;
	return out.err;
}
