/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections are of RFC 9180. The ephemeral key and the agreement, bare, are nine
 * tenths of a seal's time (bench_crypto): HMAC is made from bare SHA-256, not
 * by EVP_KDF, and the recipient's point is validated once.
 */
#include "seal/hpke.h"

#include <string.h>

#include "core/check.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#define MODE_BASE 0
#define SUITE_MAX 10
#define KEY_MAX 32

/* All that is secret of one message. */
struct schedule {
	uint8_t shared[SHA256_LEN];
	uint8_t secret[SHA256_LEN];
	uint8_t key[KEY_MAX];
	uint8_t nonce[GCM_NONCE_LEN];
};

/* suite_id of the KEM (4.1): DHKEM(P-256, HKDF-SHA256) is 0x0010. */
static const uint8_t kem_suite[] = { 'K', 'E', 'M', 0x00, 0x10 };

/* 4: LabeledExtract() */
static void
extract(struct hm_bytes suite, struct hm_bytes salt, const char *label,
    struct hm_bytes ikm, uint8_t ret[static SHA256_LEN])
{
	struct hm_bytes pieces[] = { HM_LITERAL("HPKE-v1"), suite,
		hm_bytes_of(label), ikm };

	hkdf_extract(salt, pieces, 4, ret);
}

/* 4: LabeledExpand() */
static void
expand(struct hm_bytes suite, const uint8_t prk[static SHA256_LEN],
    const char *label, struct hm_bytes info, struct hm_span ret)
{
	uint8_t len[2];
	struct hm_bytes pieces[] = { HM_BYTES(len), HM_LITERAL("HPKE-v1"),
		suite, hm_bytes_of(label), info };

	hm_put_u16(len, (uint16_t)ret.len);
	hkdf_expand(prk, pieces, 5, ret);
}

/* 4.1: ExtractAndExpand() of what the two keys agree on; `dh` is wiped. */
static void
derive_shared(uint8_t dh[static 32],
    const uint8_t context[static 2 * P256_POINT_LEN],
    uint8_t ret[static SHA256_LEN])
{
	struct hm_bytes suite = HM_BYTES(kem_suite), none = { 0 };
	uint8_t prk[SHA256_LEN];

	extract(suite, none, "eae_prk", (struct hm_bytes){ dh, 32 }, prk);
	expand(suite, prk, "shared_secret",
	    (struct hm_bytes){ context, 2 * P256_POINT_LEN },
	    (struct hm_span){ ret, SHA256_LEN });
	hm_wipe(dh, 32);
	hm_wipe(prk, sizeof(prk));
}

static size_t
key_len(hpke_aead aead)
{
	hm_assert(aead == HPKE_AES_128_GCM || aead == HPKE_AES_256_GCM);

	return aead == HPKE_AES_128_GCM ? 16 : 32;
}

/* 5.1: KeySchedule() of mode base, from schedule->shared */
static void
derive_keys(hpke_aead aead, struct hm_bytes info, struct schedule *schedule)
{
	uint8_t suite_id[SUITE_MAX] = { 'H', 'P', 'K', 'E', 0x00, 0x10, 0x00,
		0x01, 0x00, (uint8_t)aead };
	uint8_t context[1 + 2 * SHA256_LEN] = { MODE_BASE };
	struct hm_bytes suite = HM_BYTES(suite_id), none = { 0 };

	extract(suite, none, "psk_id_hash", none, context + 1);
	extract(suite, none, "info_hash", info, context + 1 + SHA256_LEN);
	extract(suite, HM_BYTES(schedule->shared), "secret", none,
	    schedule->secret);
	expand(suite, schedule->secret, "key", HM_BYTES(context),
	    (struct hm_span){ schedule->key, key_len(aead) });
	expand(suite, schedule->secret, "base_nonce", HM_BYTES(context),
	    (struct hm_span){ schedule->nonce, GCM_NONCE_LEN });
}

/* `enc`, then the recipient: kem_context of 4.1 */
static void
put_context(const uint8_t *enc, const uint8_t *recipient, uint8_t *ret)
{
	memcpy(ret, enc, P256_POINT_LEN);
	memcpy(ret + P256_POINT_LEN, recipient, P256_POINT_LEN);
}

/* With what the two keys agreed on, which is wiped. */
static hm_err
seal(const struct hpke_message *message, uint8_t dh[static 32],
    const uint8_t context[static 2 * P256_POINT_LEN], uint8_t *ret)
{
	struct schedule schedule;
	hm_err err;

	derive_shared(dh, context, schedule.shared);
	derive_keys(message->aead, message->info, &schedule);
	err =
	    gcm_seal((struct hm_bytes){ schedule.key, key_len(message->aead) },
		schedule.nonce, message->aad, message->text, ret);
	hm_wipe(&schedule, sizeof(schedule));
	return err;
}

hm_err
hpke_seal_with(const struct hpke_message *message, struct p256_pair *ephemeral,
    const uint8_t recipient[static P256_POINT_LEN],
    uint8_t enc[static P256_POINT_LEN], uint8_t *ret)
{
	uint8_t context[2 * P256_POINT_LEN], own[P256_POINT_LEN], dh[32];

	p256_pair_point(ephemeral, own);
	put_context(own, recipient, context);
	HM_TRY(p256_pair_agree(ephemeral, recipient, dh));
	HM_TRY(seal(message, dh, context, ret));
	memcpy(enc, own, P256_POINT_LEN);
	return HM_OK;
}

hm_err
hpke_seal(const struct hpke_message *message,
    const uint8_t recipient[static P256_POINT_LEN],
    uint8_t enc[static P256_POINT_LEN], uint8_t *ret)
{
	uint8_t context[2 * P256_POINT_LEN], own[P256_POINT_LEN], dh[32];

	HM_TRY(p256_agree_once(recipient, own, dh));
	put_context(own, recipient, context);
	HM_TRY(seal(message, dh, context, ret));
	memcpy(enc, own, P256_POINT_LEN);
	return HM_OK;
}

hm_err
hpke_open(const struct hpke_message *message, struct p256_pair *recipient,
    const uint8_t enc[static P256_POINT_LEN], uint8_t *ret)
{
	uint8_t context[2 * P256_POINT_LEN], own[P256_POINT_LEN], dh[32];
	struct schedule schedule;
	hm_err err;

	if (message->text.len < GCM_TAG_LEN)
		return HM_E_OPEN;
	p256_pair_point(recipient, own);
	put_context(enc, own, context);
	HM_TRY(p256_pair_agree(recipient, enc, dh));
	derive_shared(dh, context, schedule.shared);
	derive_keys(message->aead, message->info, &schedule);
	err =
	    gcm_open((struct hm_bytes){ schedule.key, key_len(message->aead) },
		schedule.nonce, message->aad, message->text, ret);
	hm_wipe(&schedule, sizeof(schedule));
	return err;
}
