/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of people and files: P-256 keys have fixed DER shapes, so writing is a
 * head, the scalar, a middle and the point, and reading is little more. What
 * OpenSSL's decoders would take beside them (other curves, BER, passphrases
 * asked for at a terminal) is nothing that we want.
 */
#include "crypto/p256.h"

#include <string.h>

#include <openssl/bio.h>
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
	char *name, *header;
	unsigned char *der;
	long der_len;
};

static void
reading_clear(struct reading *reading)
{
	OPENSSL_secure_free(reading->name);
	OPENSSL_secure_free(reading->header);
	OPENSSL_secure_clear_free(reading->der, (size_t)reading->der_len);
	*reading = (struct reading){ .bio = reading->bio };
}

static void
reading_done(struct reading *reading)
{
	reading_clear(reading);
	BIO_free(reading->bio);
}

static hm_err
reading_init(struct reading *reading, struct hm_bytes pem)
{
	if (pem.len == 0 || pem.len > 65536)
		return HM_E_KEY;
	reading->bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	return reading->bio == NULL ? ossl_failed(HM_E_NO_MEMORY) : HM_OK;
}

/* The next block, whatever it is. Its buffers are wiped: it may be a key. */
static hm_err
reading_next(struct reading *reading)
{
	reading_clear(reading);
	if (PEM_read_bio_ex(reading->bio, &reading->name, &reading->header,
		&reading->der, &reading->der_len,
		PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1)
		return ossl_failed(HM_E_KEY);
	return HM_OK;
}

hm_err
p256_point_from_pem(struct hm_bytes pem, uint8_t ret[static P256_POINT_LEN])
{
	AUTO(reading) struct reading reading = { 0 };
	const uint8_t *point;

	HM_TRY(reading_init(&reading, pem));
	HM_TRY(reading_next(&reading));
	if (strcmp(reading.name, "PUBLIC KEY") != 0 ||
	    reading.der_len != SPKI_LEN ||
	    memcmp(reading.der, spki_head, sizeof(spki_head)) != 0)
		return HM_E_KEY;
	point = reading.der + sizeof(spki_head);
	HM_TRY(p256_check(point));
	memcpy(ret, point, P256_POINT_LEN);
	return HM_OK;
}

/* A value off the front, with a length below 256 in its shortest form: no key
 * of this curve needs more. */
static bool
take(struct hm_bytes *in, uint8_t tag, struct hm_bytes *ret)
{
	size_t head = 2, len;

	if (in->len < 3 || in->ptr[0] != tag)
		return false;
	len = in->ptr[1];
	if (len == 0x81) {
		head = 3;
		len = in->ptr[2] >= 0x80 ? in->ptr[2] : SIZE_MAX;
	} else if (len >= 0x80) {
		return false;
	}
	if (len > in->len - head)
		return false;
	*ret = (struct hm_bytes){ in->ptr + head, len };
	*in = (struct hm_bytes){ in->ptr + head + len, in->len - head - len };
	return true;
}

/* These bytes off the front. */
static bool
skip(struct hm_bytes *in, struct hm_bytes bytes)
{
	if (in->len < bytes.len || memcmp(in->ptr, bytes.ptr, bytes.len) != 0)
		return false;
	in->ptr += bytes.len;
	in->len -= bytes.len;
	return true;
}

/* A number of 32 bytes; GnuTLS writes a zero before it if its high bit is set,
 * and no zeros that it starts with. */
static bool
read_scalar(struct hm_bytes number, uint8_t ret[static P256_SCALAR_LEN])
{
	if (number.len == P256_SCALAR_LEN + 1 && number.ptr[0] == 0) {
		number.ptr++;
		number.len--;
	}
	if (number.len == 0 || number.len > P256_SCALAR_LEN)
		return false;
	memset(ret, 0, P256_SCALAR_LEN);
	memcpy(ret + P256_SCALAR_LEN - number.len, number.ptr, number.len);
	return true;
}

/* RFC 5915: the curve and the public key may be missing; the latter is not
 * read. */
static bool
read_sec1(struct hm_bytes der, uint8_t ret[static P256_SCALAR_LEN])
{
	struct hm_bytes version = { sec1_head + 2, 3 };
	struct hm_bytes curve = { sec1_middle + 2, 10 }, in, number, part;

	if (!take(&der, 0x30, &in) || der.len > 0 || !skip(&in, version) ||
	    !take(&in, 0x04, &number))
		return false;
	if (take(&in, 0xa0, &part) && !hm_bytes_equal(part, curve))
		return false;
	(void)take(&in, 0xa1, &part);
	return in.len == 0 && read_scalar(number, ret);
}

/* RFC 5208: attributes are passed over. */
static bool
read_pkcs8(struct hm_bytes der, uint8_t ret[static P256_SCALAR_LEN])
{
	/* version and algorithm */
	struct hm_bytes start = { pkcs8_head + 3, 24 }, in, key, part;

	if (!take(&der, 0x30, &in) || der.len > 0 || !skip(&in, start) ||
	    !take(&in, 0x04, &key))
		return false;
	(void)take(&in, 0xa0, &part);
	return in.len == 0 && read_sec1(key, ret);
}

hm_err
p256_pair_from_pem(struct hm_bytes pem, struct p256_pair **ret)
{
	AUTO(reading) struct reading reading = { 0 };
	bool is_sec1 = false, is_pkcs8 = false, good;
	uint8_t scalar[P256_SCALAR_LEN];
	struct hm_bytes der;
	hm_err err;

	HM_TRY(reading_init(&reading, pem));
	while (!is_sec1 && !is_pkcs8) {
		HM_TRY(reading_next(&reading));
		is_sec1 = strcmp(reading.name, "EC PRIVATE KEY") == 0;
		is_pkcs8 = strcmp(reading.name, "PRIVATE KEY") == 0;
	}
	if (reading.header[0] != '\0')
		return HM_E_KEY; /* encrypted */
	der = (struct hm_bytes){ reading.der, (size_t)reading.der_len };
	good = is_sec1 ? read_sec1(der, scalar) : read_pkcs8(der, scalar);
	err = good ? p256_pair_from(scalar, ret) : HM_E_KEY;
	hm_wipe(scalar, sizeof(scalar));
	return err;
}
