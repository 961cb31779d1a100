/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of people and files: P-256 keys have fixed DER shapes, so writing is a
 * head, the scalar, a middle and the point. Only a private key's PEM goes
 * through OpenSSL's decoder, for its many forms; that is not a hot path.
 */
#include "crypto/p256.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/auto.h"
#include "core/check.h"
#include "crypto/ec.h"

#define SPKI_LEN 91
#define PKCS8_LEN 138
#define LINE_LEN 48 /* bytes of 64 characters */

/* RFC 5915: SEQUENCE, version 1, OCTET STRING 32 ... */
static const uint8_t sec1_head[] = { 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20 };
/* ... [0] prime256v1, [1] BIT STRING 66 */
static const uint8_t sec1_middle[] = { 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00 };
/* RFC 5208: version 0, ecPublicKey with prime256v1, then a SEC1 key ... */
static const uint8_t pkcs8_head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30,
	0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b,
	0x02, 0x01, 0x01, 0x04, 0x20 };
/* ... without its curve */
static const uint8_t pkcs8_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
/* RFC 5480: ecPublicKey with prime256v1, BIT STRING 66 */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

_Static_assert(sizeof(sec1_head) + P256_SCALAR_LEN + sizeof(sec1_middle) +
		       P256_POINT_LEN ==
		   P256_SEC1_LEN,
    "SEC1 key");
_Static_assert(sizeof(pkcs8_head) + P256_SCALAR_LEN + sizeof(pkcs8_middle) +
		       P256_POINT_LEN ==
		   PKCS8_LEN,
    "PKCS#8 key");
_Static_assert(sizeof(spki_head) + P256_POINT_LEN == SPKI_LEN, "public key");

static void
put_private(const struct p256_pair *pair, struct hm_bytes head,
    struct hm_bytes middle, uint8_t *ret)
{
	memcpy(ret, head.ptr, head.len);
	ret += head.len;
	p256_pair_scalar(pair, ret);
	ret += P256_SCALAR_LEN;
	memcpy(ret, middle.ptr, middle.len);
	p256_pair_point(pair, ret + middle.len);
}

hm_err
p256_pair_sec1(
    const struct p256_pair *pair, struct hm_span room, size_t *ret_len)
{
	if (room.len < P256_SEC1_LEN)
		return HM_E_NO_ROOM;
	put_private(pair, HM_BYTES(sec1_head), HM_BYTES(sec1_middle), room.ptr);
	*ret_len = P256_SEC1_LEN;
	return HM_OK;
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

/* RFC 7468. */
static hm_err
put_pem(const char *label, struct hm_bytes der, struct hm_span room,
    size_t *ret_len)
{
	uint8_t text[P256_PEM_MAX + 1], *at = text;
	size_t len;
	hm_err err = HM_E_NO_ROOM;

	at = put_text(put_text(put_text(at, "-----BEGIN "), label), "-----\n");
	for (size_t done = 0; done < der.len; done += LINE_LEN) {
		size_t left = der.len - done;

		at += EVP_EncodeBlock(at, der.ptr + done,
		    (int)(left < LINE_LEN ? left : LINE_LEN));
		*at++ = '\n';
	}
	at = put_text(put_text(put_text(at, "-----END "), label), "-----\n");
	len = (size_t)(at - text);
	hm_assert(len <= P256_PEM_MAX);
	if (len <= room.len) {
		memcpy(room.ptr, text, len);
		*ret_len = len;
		err = HM_OK;
	}
	hm_wipe(text, sizeof(text));
	return err;
}

hm_err
p256_pair_pem(
    const struct p256_pair *pair, struct hm_span room, size_t *ret_len)
{
	uint8_t der[PKCS8_LEN];
	hm_err err;

	put_private(pair, HM_BYTES(pkcs8_head), HM_BYTES(pkcs8_middle), der);
	err = put_pem("PRIVATE KEY", HM_BYTES(der), room, ret_len);
	hm_wipe(der, sizeof(der));
	return err;
}

hm_err
p256_point_pem(const uint8_t point[static P256_POINT_LEN], struct hm_span room,
    size_t *ret_len)
{
	uint8_t der[SPKI_LEN];

	memcpy(der, spki_head, sizeof(spki_head));
	memcpy(der + sizeof(spki_head), point, P256_POINT_LEN);
	return put_pem("PUBLIC KEY", HM_BYTES(der), room, ret_len);
}

/* Owners of what OpenSSL's PEM reader makes. */
struct reading {
	BIO *bio;
	EVP_PKEY *key;
	char *name, *header;
	unsigned char *der;
	long der_len;
};

static void
reading_done(struct reading *reading)
{
	BIO_free(reading->bio);
	EVP_PKEY_free(reading->key);
	OPENSSL_free(reading->name);
	OPENSSL_free(reading->header);
	OPENSSL_free(reading->der);
}

static hm_err
reading_init(struct reading *reading, struct hm_bytes pem)
{
	if (pem.len == 0 || pem.len > 65536)
		return HM_E_KEY;
	reading->bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	return reading->bio == NULL ? ossl_failed(HM_E_NO_MEMORY) : HM_OK;
}

hm_err
p256_point_from_pem(struct hm_bytes pem, uint8_t ret[static P256_POINT_LEN])
{
	AUTO(reading) struct reading reading = { 0 };
	const uint8_t *point;

	HM_TRY(reading_init(&reading, pem));
	if (PEM_read_bio(reading.bio, &reading.name, &reading.header,
		&reading.der, &reading.der_len) != 1)
		return ossl_failed(HM_E_KEY);
	if (strcmp(reading.name, "PUBLIC KEY") != 0 ||
	    reading.der_len != SPKI_LEN ||
	    memcmp(reading.der, spki_head, sizeof(spki_head)) != 0)
		return HM_E_KEY;
	point = reading.der + sizeof(spki_head);
	HM_TRY(p256_check(point));
	memcpy(ret, point, P256_POINT_LEN);
	return HM_OK;
}

/* An encrypted key is refused; without this OpenSSL would ask at a terminal. */
static int
no_passphrase(char *room, int size, int writes, void *context)
{
	(void)room, (void)size, (void)writes, (void)context;
	return -1;
}

hm_err
p256_pair_from_pem(struct hm_bytes pem, struct p256_pair **ret)
{
	AUTO(reading) struct reading reading = { 0 };
	char group[16] = "";
	BIGNUM *number = NULL;
	uint8_t scalar[P256_SCALAR_LEN];
	hm_err err = HM_E_KEY;

	HM_TRY(reading_init(&reading, pem));
	reading.key =
	    PEM_read_bio_PrivateKey(reading.bio, NULL, no_passphrase, NULL);
	if (reading.key == NULL || EVP_PKEY_is_a(reading.key, "EC") != 1 ||
	    EVP_PKEY_get_group_name(reading.key, group, sizeof(group), NULL) !=
		1 ||
	    strcmp(group, ec_p256.name) != 0)
		return ossl_failed(HM_E_KEY);
	if (EVP_PKEY_get_bn_param(
		reading.key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	    BN_bn2binpad(number, scalar, sizeof(scalar)) == sizeof(scalar))
		err = p256_pair_from(scalar, ret);
	BN_clear_free(number);
	hm_wipe(scalar, sizeof(scalar));
	return err == HM_OK ? HM_OK : ossl_failed(err);
}
