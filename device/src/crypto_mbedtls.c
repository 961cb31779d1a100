/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS 2.28. Its numbers, curves and ciphers live on its heap: on bare
 * metal a static buffer (crypto_mbedtls_pool.c). Everything is freed, and
 * with it wiped, before a call returns. What blinds a secret scalar is
 * derived from it, so that nothing here needs a random source.
 *
 * Mbed TLS fails where it is used wrongly, or its heap is too small. The
 * second is answered as a refusal where a call can refuse; sealing cannot.
 */
#include "curve_mbedtls.h"

#include <string.h>

#include <mbedtls/aes.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/gcm.h>
#include <mbedtls/sha256.h>

#include "core/check.h"
#include "scalar.h"

#define BLOCK_LEN 64 /* of SHA-256 */

HM_STATIC_ASSERT(sizeof(mbedtls_sha256_context) <= HM_SHA256_SIZE,
    "a running SHA-256 fits into its seam");

static mbedtls_sha256_context *
context(struct hm_sha256 *sha)
{
	return (mbedtls_sha256_context *)(void *)sha->state;
}

void
hm_sha256_init(struct hm_sha256 *sha)
{
	mbedtls_sha256_init(context(sha));
	hm_assert(mbedtls_sha256_starts_ret(context(sha), 0) == 0);
}

void
hm_sha256_add(struct hm_sha256 *sha, struct hm_bytes bytes)
{
	hm_assert(
	    mbedtls_sha256_update_ret(context(sha), bytes.ptr, bytes.len) == 0);
}

void
hm_sha256_end(struct hm_sha256 *sha, uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	hm_assert(mbedtls_sha256_finish_ret(context(sha), ret) == 0);
	hm_wipe(sha, sizeof(*sha));
}

/* Begin a hash over the padded key, xored with `with`. */
static void
hmac_pad(
    struct hm_sha256 *sha, const uint8_t key[HM_STATIC BLOCK_LEN], uint8_t with)
{
	uint8_t pad[BLOCK_LEN];

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = key[i] ^ with;
	hm_sha256_init(sha);
	hm_sha256_add(sha, HM_BYTES(pad));
	hm_wipe(pad, sizeof(pad));
}

/* By hand: Mbed TLS's own would allocate. */
void
hm_hmac(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	uint8_t padded[BLOCK_LEN] = { 0 }, inner[HM_DIGEST_LEN];
	struct hm_sha256 sha;

	if (key.len > sizeof(padded))
		hm_sha256(key, padded);
	else if (key.len > 0)
		memcpy(padded, key.ptr, key.len);
	hmac_pad(&sha, padded, 0x36);
	for (size_t i = 0; i < count; i++)
		hm_sha256_add(&sha, pieces[i]);
	hm_sha256_end(&sha, inner);
	hmac_pad(&sha, padded, 0x5c);
	hm_sha256_add(&sha, HM_BYTES(inner));
	hm_sha256_end(&sha, ret);
	hm_wipe(padded, sizeof(padded));
	hm_wipe(inner, sizeof(inner));
}

/* Both directions over `text` in place; the tag that belongs to it. */
static int
gcm_run(struct hm_bytes key, const uint8_t *nonce, struct hm_bytes aad,
    int mode, struct hm_span text, uint8_t tag[HM_STATIC HM_GCM_TAG_LEN])
{
	mbedtls_gcm_context gcm;
	int bad;

	mbedtls_gcm_init(&gcm);
	bad = mbedtls_gcm_setkey(
	    &gcm, MBEDTLS_CIPHER_ID_AES, key.ptr, (unsigned)key.len * 8);
	if (bad == 0)
		bad = mbedtls_gcm_crypt_and_tag(&gcm, mode, text.len, nonce,
		    HM_GCM_NONCE_LEN, aad.ptr, aad.len, text.ptr, text.ptr,
		    HM_GCM_TAG_LEN, tag);
	mbedtls_gcm_free(&gcm);
	return bad;
}

void
hm_gcm_seal(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes plain, uint8_t *ret)
{
	if (plain.len > 0)
		memmove(ret, plain.ptr, plain.len);
	hm_assert(gcm_run(key, nonce, aad, MBEDTLS_GCM_ENCRYPT,
		      HM_MAKE(hm_span, ret, plain.len), ret + plain.len) == 0);
}

hm_err
hm_gcm_open(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes cipher, uint8_t *ret)
{
	uint8_t tag[HM_GCM_TAG_LEN] = { 0 };
	struct hm_span text = { ret, cipher.len - HM_GCM_TAG_LEN };
	bool good;

	if (cipher.len < HM_GCM_TAG_LEN)
		return HM_E_OPEN;
	if (text.len > 0)
		memmove(ret, cipher.ptr, text.len);
	good = gcm_run(key, nonce, aad, MBEDTLS_GCM_DECRYPT, text, tag) == 0;
	good &= hm_equal_ct(tag, cipher.ptr + text.len, sizeof(tag));
	hm_wipe(tag, sizeof(tag));
	if (!good) {
		hm_wipe(text.ptr, text.len);
		return HM_E_OPEN;
	}
	return HM_OK;
}

void
hm_ctr_crypt(struct hm_bytes key, const uint8_t iv[HM_STATIC 12],
    uint32_t first, struct hm_span text)
{
	mbedtls_aes_context aes;
	uint8_t counter[16], stream[16];
	size_t used = 0;

	memcpy(counter, iv, 12);
	hm_put_u32(counter + 12, first);
	mbedtls_aes_init(&aes);
	hm_assert(
	    mbedtls_aes_setkey_enc(&aes, key.ptr, (unsigned)key.len * 8) == 0);
	hm_assert(mbedtls_aes_crypt_ctr(&aes, text.len, &used, counter, stream,
		      text.ptr, text.ptr) == 0);
	mbedtls_aes_free(&aes);
	hm_wipe(stream, sizeof(stream));
}

/* The curve with a point on it. 0: both are good */
static int
load(mbedtls_ecp_group_id id, struct hm_bytes point, mbedtls_ecp_group *group,
    mbedtls_ecp_point *ret)
{
	int bad = mbedtls_ecp_group_load(group, id);

	if (bad == 0)
		bad = mbedtls_ecp_point_read_binary(
		    group, ret, point.ptr, point.len);
	if (bad == 0)
		bad = mbedtls_ecp_check_pubkey(group, ret);
	return bad;
}

hm_verdict
hm_mbedtls_verify(mbedtls_ecp_group_id id, struct hm_bytes point,
    struct hm_bytes digest, struct hm_bytes signature)
{
	mbedtls_ecp_group group;
	mbedtls_ecp_point q;
	mbedtls_mpi r, s;
	size_t half = signature.len / 2;
	hm_verdict verdict = HM_VERDICT_NO;

	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	if (load(id, point, &group, &q) == 0 &&
	    mbedtls_mpi_read_binary(&r, signature.ptr, half) == 0 &&
	    mbedtls_mpi_read_binary(&s, signature.ptr + half, half) == 0 &&
	    mbedtls_ecdsa_verify(&group, digest.ptr, digest.len, &q, &r, &s) ==
		0)
		verdict = HM_VERDICT_YES;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&group);
	return verdict;
}

hm_verdict
hm_p256_verify(const uint8_t point[HM_STATIC HM_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    const uint8_t signature[HM_STATIC HM_SIGNATURE_LEN])
{
	return hm_mbedtls_verify(MBEDTLS_ECP_DP_SECP256R1,
	    HM_MAKE(hm_bytes, point, HM_POINT_LEN),
	    HM_MAKE(hm_bytes, digest, HM_DIGEST_LEN),
	    HM_MAKE(hm_bytes, signature, HM_SIGNATURE_LEN));
}

/* Numbers that nobody knows who does not know the scalar. */
struct blind {
	uint8_t key[HM_DIGEST_LEN];
	uint8_t number[4];
};

static void
blind_init(struct blind *blind, const uint8_t scalar[HM_STATIC 32],
    struct hm_bytes with)
{
	hm_hmac(HM_MAKE(hm_bytes, scalar, 32), &with, 1, blind->key);
	hm_put_u32(blind->number, 0);
}

static int
blind_next(void *state, unsigned char *out, size_t len)
{
	struct blind *blind = (struct blind *)state;
	const struct hm_bytes number = HM_BYTES(blind->number);
	uint8_t block[HM_DIGEST_LEN];

	for (size_t at = 0; at < len; at++) {
		if (at % sizeof(block) == 0) {
			hm_put_u32(
			    blind->number, hm_get_u32(blind->number) + 1);
			hm_hmac(HM_BYTES(blind->key), &number, 1, block);
		}
		out[at] = block[at % sizeof(block)];
	}
	hm_wipe(block, sizeof(block));
	return 0;
}

hm_err
hm_p256_sign(const uint8_t scalar[HM_STATIC 32],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN])
{
	uint8_t out[HM_SIGNATURE_LEN];
	struct blind blind;
	mbedtls_ecp_group group;
	mbedtls_mpi d, r, s;
	bool good;

	if (!hm_p256_is_scalar(scalar))
		return HM_E_KEY;
	blind_init(&blind, scalar, HM_MAKE(hm_bytes, digest, HM_DIGEST_LEN));
	mbedtls_ecp_group_init(&group);
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	good = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
	       mbedtls_mpi_read_binary(&d, scalar, 32) == 0 &&
	       mbedtls_ecdsa_sign_det_ext(&group, &r, &s, &d, digest,
		   HM_DIGEST_LEN, MBEDTLS_MD_SHA256, blind_next, &blind) == 0 &&
	       mbedtls_mpi_write_binary(&r, out, 32) == 0 &&
	       mbedtls_mpi_write_binary(&s, out + 32, 32) == 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_group_free(&group);
	hm_wipe(&blind, sizeof(blind));
	if (!good)
		return HM_E_KEY;
	memcpy(ret, out, sizeof(out));
	return HM_OK;
}

/* scalar * point, or scalar * G without one. HM_E_KEY */
static hm_err
multiply(const uint8_t scalar[HM_STATIC 32], struct hm_bytes point,
    uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	struct blind blind;
	mbedtls_ecp_group group;
	mbedtls_ecp_point p;
	mbedtls_mpi d;
	size_t len = 0;
	bool good;

	if (!hm_p256_is_scalar(scalar))
		return HM_E_KEY;
	blind_init(&blind, scalar, point);
	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&p);
	mbedtls_mpi_init(&d);
	if (point.len == 0)
		good = mbedtls_ecp_group_load(
			   &group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
		       mbedtls_ecp_copy(&p, &group.G) == 0;
	else
		good = load(MBEDTLS_ECP_DP_SECP256R1, point, &group, &p) == 0;
	good = good && mbedtls_mpi_read_binary(&d, scalar, 32) == 0 &&
	       mbedtls_ecp_mul(&group, &p, &d, &p, blind_next, &blind) == 0 &&
	       mbedtls_ecp_point_write_binary(&group, &p,
		   MBEDTLS_ECP_PF_UNCOMPRESSED, &len, ret, HM_POINT_LEN) == 0 &&
	       len == HM_POINT_LEN;
	mbedtls_mpi_free(&d);
	mbedtls_ecp_point_free(&p);
	mbedtls_ecp_group_free(&group);
	hm_wipe(&blind, sizeof(blind));
	return good ? HM_OK : HM_E_KEY;
}

hm_err
hm_p256_public(
    const uint8_t scalar[HM_STATIC 32], uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	return multiply(scalar, HM_MAKE(hm_bytes, NULL, 0), ret);
}

hm_err
hm_p256_agree(const uint8_t scalar[HM_STATIC 32],
    const uint8_t point[HM_STATIC HM_POINT_LEN], uint8_t ret[HM_STATIC 32])
{
	uint8_t shared[HM_POINT_LEN];
	hm_err err =
	    multiply(scalar, HM_MAKE(hm_bytes, point, HM_POINT_LEN), shared);

	if (err == HM_OK)
		memcpy(ret, shared + 1, 32);
	hm_wipe(shared, sizeof(shared));
	return err;
}
