/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device and an auditor would look at, with nothing taken on trust: so
 * a server that answers fast but wrong does not count.
 */
#include "line.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/check.h"
#include "crypto/digest.h"
#include "ledger/receipt.h"
#include "seal/hpke.h"
#include "seal/sign1.h"
#include "wire/conformance.h"
#include "wire/entry.h"
#include "wire/stamp.h"

#define SECRETS 3 /* of the product */

/* Signed by the CA, for the device's own key. */
static void
verify_certificate(
    const struct line_device *device, const struct hm_stamp *stamp)
{
	static EVP_PKEY *issuer;
	const uint8_t *at = stamp->certificate.ptr;
	X509 *leaf = d2i_X509(NULL, &at, (long)stamp->certificate.len);
	uint8_t spki[HM_SPKI_LEN], *der = NULL;

	if (issuer == NULL) {
		FILE *file = fopen("factory.pem", "re");
		X509 *ca = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

		hm_assert(ca != NULL);
		issuer = X509_get_pubkey(ca);
		X509_free(ca);
		(void)fclose(file);
	}
	if (leaf == NULL || X509_verify(leaf, issuer) != 1)
		line_fail("a certificate does not verify");
	hm_spki_encode(device->identity, spki);
	if (i2d_PUBKEY(X509_get0_pubkey(leaf), &der) != HM_SPKI_LEN ||
	    memcmp(der, spki, sizeof(spki)) != 0)
		line_fail("a certificate is for another key");
	OPENSSL_free(der);
	X509_free(leaf);
}

static void
open_secrets(const struct line_device *device, const struct hm_stamp *stamp)
{
	uint8_t info[HM_SEAL_INFO_MAX], aad[HM_SEAL_AAD_MAX];
	static uint8_t plain[HM_SEALED_MAX];
	struct hpke_message message = { .aead = HPKE_AES_128_GCM,
		.info = { info, 0 },
		.aad = { aad, 0 },
		.text = stamp->sealed };
	struct hm_secret secrets[HM_SECRETS_MAX];
	struct p256_pair *kem;
	uint32_t count = 0;
	hm_err err;

	line_must(p256_pair_from(device->kem_secret, &kem), NULL, "KEM key");
	line_must(
	    hm_seal_info(stamp->order, device->id, stamp->binding,
		(struct hm_span){ info, sizeof(info) }, &message.info.len),
	    NULL, "info");
	line_must(hm_seal_aad(device->id, stamp->serial,
		      (struct hm_span){ aad, sizeof(aad) }, &message.aad.len),
	    NULL, "aad");
	err = hpke_open(&message, kem, stamp->enc, plain);
	if (err == HM_OK)
		err = hm_secrets_decode(
		    (struct hm_bytes){ plain, stamp->sealed.len - 16 }, secrets,
		    &count);
	if (err != HM_OK || count != SECRETS)
		line_fail("secrets cannot be opened");
	p256_pair_free(kem);
}

static void
verify_receipt(const struct line_world *world, struct hm_bytes receipt,
    struct hm_bytes entry)
{
	struct note_policy policy = { .log = &world->log };
	struct checkpoint at;

	line_must(receipt_verify(receipt, entry, &policy, NULL, &at), NULL,
	    "a receipt");
}

static void
verify_issue(const struct line_world *world, const struct line_sample *sample,
    uint8_t ret_stamp[static HM_DIGEST_LEN])
{
	const struct line_device *device = sample->device;
	struct hm_issue_answer answer;
	struct hm_entry entry;
	struct hm_bytes payload;
	struct hm_stamp stamp;

	line_must(hm_issue_answer_decode(buf_bytes(&sample->issue), &answer),
	    NULL, "an answer");
	line_must(sign1_open(answer.stamp, HM_STAMP_MAX,
		      HM_LITERAL(HM_AAD_STAMP), world->stamp_key, &payload),
	    NULL, "a stamp");
	line_must(hm_stamp_decode(payload, &stamp), NULL, "a stamp");
	if (memcmp(stamp.device_id, device->id, sizeof(device->id)) != 0 ||
	    memcmp(stamp.binding, sample->binding, HM_DIGEST_LEN) != 0)
		line_fail("a stamp is for somebody else");
	verify_certificate(device, &stamp);
	open_secrets(device, &stamp);
	verify_receipt(world, answer.receipt, answer.entry);
	sha256_one(answer.stamp, ret_stamp);
	line_must(hm_entry_decode(answer.entry, &entry), NULL, "an entry");
	if (entry.type != HM_ENTRY_ISSUE ||
	    memcmp(entry.issue.stamp, ret_stamp, HM_DIGEST_LEN) != 0)
		line_fail("an entry is about another stamp");
}

void
line_sample_verify(
    const struct line_world *world, const struct line_sample *sample)
{
	struct hm_confirm_answer answer;
	uint8_t stamp[HM_DIGEST_LEN];
	struct hm_entry entry;

	verify_issue(world, sample, stamp);
	line_must(
	    hm_confirm_answer_decode(buf_bytes(&sample->confirm), &answer),
	    NULL, "an answer");
	verify_receipt(world, answer.receipt, answer.entry);
	line_must(hm_entry_decode(answer.entry, &entry), NULL, "an entry");
	if (entry.type != HM_ENTRY_CONFIRM ||
	    memcmp(entry.confirm.stamp, stamp, HM_DIGEST_LEN) != 0)
		line_fail("a confirmation is about another stamp");
}

void
line_sample_done(struct line_sample *sample)
{
	buf_done(&sample->issue);
	buf_done(&sample->confirm);
}
