/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and order of the key schedule: RFC 9180, sections 4 and 5.1. */
#include "hallmark/crypto.h"

#define MODE_BASE 0

/* "KEM" || 0010, and "HPKE" || 0010 || 0001 || AEAD. */
static const uint8_t SUITE_KEM[5] = { 'K', 'E', 'M', 0x00, 0x10 };
static const uint8_t SUITE_128[10] = { 'H', 'P', 'K', 'E', 0x00, 0x10, 0x00,
	0x01, 0x00, 0x01 };
static const uint8_t SUITE_256[10] = { 'H', 'P', 'K', 'E', 0x00, 0x10, 0x00,
	0x01, 0x00, 0x02 };

static void
labeled_extract(struct hm_bytes salt, struct hm_bytes suite,
    struct hm_bytes label, struct hm_bytes ikm, uint8_t ret[HM_STATIC 32])
{
	const struct hm_bytes pieces[] = { HM_LITERAL("HPKE-v1"), suite, label,
		ikm };

	hm_hkdf_extract(salt, pieces, 4, ret);
}

/* `context` is given in two parts. */
static void
labeled_expand(const uint8_t prk[HM_STATIC 32], struct hm_bytes suite,
    struct hm_bytes label, const struct hm_bytes context[HM_STATIC 2],
    struct hm_span ret)
{
	const uint8_t len[2] = { 0, (uint8_t)ret.len };
	const struct hm_bytes pieces[] = { HM_BYTES(len), HM_LITERAL("HPKE-v1"),
		suite, label, context[0], context[1] };

	hm_hkdf_expand(prk, pieces, 6, ret);
}

/* DHKEM: the shared secret of the agreed point and both public keys. */
static void
decapsulate(const struct hm_hpke *hpke, uint8_t ret[HM_STATIC 32])
{
	const struct hm_bytes suite = HM_BYTES(SUITE_KEM);
	const struct hm_bytes context[2] = { { hpke->enc, HM_POINT_LEN },
		{ hpke->recipient, HM_POINT_LEN } };
	uint8_t prk[32];

	labeled_extract(HM_MAKE(hm_bytes, 0), suite, HM_LITERAL("eae_prk"),
	    HM_MAKE(hm_bytes, hpke->agreed, 32), prk);
	labeled_expand(prk, suite, HM_LITERAL("shared_secret"), context,
	    HM_MAKE(hm_span, ret, 32));
	hm_wipe(prk, sizeof(prk));
}

/* Key and nonce of the one message. */
static void
schedule(const struct hm_hpke *hpke, uint8_t key[HM_STATIC 32],
    uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN])
{
	const struct hm_bytes suite =
	    hpke->key_len == 16 ? HM_BYTES(SUITE_128) : HM_BYTES(SUITE_256);
	uint8_t shared[32], secret[32];
	uint8_t hashes[1 + 64] = { MODE_BASE };
	const struct hm_bytes context[2] = { HM_BYTES(hashes), { 0 } };
	const struct hm_bytes none = { 0 };

	decapsulate(hpke, shared);
	labeled_extract(
	    none, suite, HM_LITERAL("psk_id_hash"), none, hashes + 1);
	labeled_extract(
	    none, suite, HM_LITERAL("info_hash"), hpke->info, hashes + 33);
	labeled_extract(
	    HM_BYTES(shared), suite, HM_LITERAL("secret"), none, secret);
	labeled_expand(secret, suite, HM_LITERAL("key"), context,
	    HM_MAKE(hm_span, key, hpke->key_len));
	labeled_expand(secret, suite, HM_LITERAL("base_nonce"), context,
	    HM_MAKE(hm_span, nonce, HM_GCM_NONCE_LEN));
	hm_wipe(shared, sizeof(shared));
	hm_wipe(secret, sizeof(secret));
}

hm_err
hm_hpke_open(const struct hm_hpke *hpke, struct hm_bytes cipher, uint8_t *ret)
{
	uint8_t key[32], nonce[HM_GCM_NONCE_LEN];
	hm_err err;

	schedule(hpke, key, nonce);
	err = hm_gcm_open(HM_MAKE(hm_bytes, key, hpke->key_len), nonce,
	    hpke->aad, cipher, ret);
	hm_wipe(key, sizeof(key));
	hm_wipe(nonce, sizeof(nonce));
	return err;
}

void
hm_hpke_close(const struct hm_hpke *hpke, struct hm_bytes plain, uint8_t *ret)
{
	uint8_t key[32], nonce[HM_GCM_NONCE_LEN];

	schedule(hpke, key, nonce);
	hm_gcm_seal(HM_MAKE(hm_bytes, key, hpke->key_len), nonce, hpke->aad,
	    plain, ret);
	hm_wipe(key, sizeof(key));
	hm_wipe(nonce, sizeof(nonce));
}
