/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of an image in the making; its boot record. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "core/cbor.h"
#include "image/mcuboot_parts.h"

#define RECORD_MAX 256

hm_err
mcuboot_choose_hash(
    struct mcuboot_seal *seal, hash_kind wanted, struct why *why)
{
	const struct pkey *first = seal->signers[0].key;

	seal->hash = wanted;
	if (wanted == 0)
		seal->hash = seal->pure                      ? HASH_SHA512
			     : pkey_kind(first) == PKEY_P384 ? HASH_SHA384
							     : HASH_SHA256;
	for (size_t i = 0; i < seal->signer_count; i++) {
		const struct pkey *key = seal->signers[i].key;
		uint16_t type = mcuboot_signature_type(key);

		if (type == 0)
			return WHY(why, HM_E_KEY,
			    "the boot loader checks no signature by a %s key",
			    pkey_name(key));
		if (type != mcuboot_signature_type(first) ||
		    pkey_kind(key) != pkey_kind(first))
			return WHY(why, HM_E_IMAGE_MIXED,
			    "a %s key beside a %s one: a boot loader checks "
			    "one kind",
			    pkey_name(key), pkey_name(first));
		if (!mcuboot_hash_fits(key, seal->hash))
			return WHY(why, HM_E_IMAGE_MIXED,
			    "%s does not go with a %s key",
			    hash_name(seal->hash), pkey_name(key));
		for (size_t j = 0; j < i; j++)
			if (pkey_equal(key, seal->signers[j].key))
				return WHY(
				    why, HM_E_USAGE, "the same key twice");
	}
	if (seal->pure &&
	    (pkey_kind(first) != PKEY_ED25519 || seal->hash != HASH_SHA512))
		return WHY(why, HM_E_IMAGE_MIXED,
		    "a pure signature is Ed25519, with SHA-512 beside it");
	return HM_OK;
}

static hm_err
add_key(
    const struct mcuboot_seal *seal, const struct pkey *key, struct buf *area)
{
	AUTO(buf) struct buf der = { 0 };
	uint8_t hash[HASH_MAX];

	if (!seal->full_key) {
		HM_TRY(mcuboot_key_hash(key, seal->hash, hash));
		return mcuboot_add(area, MCUBOOT_KEYHASH,
		    (struct hm_bytes){ hash, hash_len(seal->hash) });
	}
	buf_init(&der, MCUBOOT_AREA_MAX);
	HM_TRY(mcuboot_key_der(key, &der));
	return mcuboot_add(area, MCUBOOT_PUBKEY, buf_bytes(&der));
}

static hm_err
add_signature(const struct mcuboot_seal *seal,
    const struct image_signer *signer, struct buf *area, struct why *why)
{
	uint16_t type = mcuboot_signature_type(signer->key);
	struct pkey_input input = {
		.scheme = mcuboot_scheme(type),
		.hash = seal->hash,
		.bytes = { seal->digest, hash_len(seal->hash) },
	};
	uint8_t room[PKEY_SIGNATURE_MAX], der[PKEY_DER_MAX];
	struct hm_bytes made = { room, 0 };

	if (seal->pure)
		input.stream = &seal->message;
	HM_TRY(image_sign(signer, &input,
	    (struct hm_span){ room, sizeof(room) }, &made.len, why));
	if (type == MCUBOOT_ECDSA) {
		HM_TRY(pkey_sig_to_der(signer->key, made,
		    (struct hm_span){ der, sizeof(der) }, &made.len));
		made.ptr = der;
	}
	return mcuboot_add(area, type, made);
}

hm_err
mcuboot_add_signatures(
    const struct mcuboot_seal *seal, struct buf *area, struct why *why)
{
	for (size_t i = 0; i < seal->signer_count; i++) {
		HM_TRY(add_key(seal, seal->signers[i].key, area));
		HM_TRY(add_signature(seal, &seal->signers[i], area, why));
	}
	return HM_OK;
}

/*
 * As the boot code expects it: the measurement last and zero, for that is where
 * it writes at boot. So the keys do not ascend.
 */
hm_err
mcuboot_add_boot_record(struct buf *area, struct hm_bytes software,
    struct mcuboot_version version, const struct mcuboot_seal *seal)
{
	static const uint8_t zero[HASH_MAX];
	uint8_t room[RECORD_MAX], signer[HASH_MAX];
	size_t len = hash_len(seal->hash);
	struct hm_cbor_out out;
	char text[24];

	(void)snprintf(text, sizeof(text), "%u.%u.%u", version.major,
	    version.minor, version.revision);
	HM_TRY(mcuboot_key_hash(seal->signers[0].key, seal->hash, signer));
	hm_cbor_out_init(&out, (struct hm_span){ room, sizeof(room) });
	hm_cbor_put_map(&out, 5);
	hm_cbor_put_uint(&out, 1);
	hm_cbor_put_text(&out, software);
	hm_cbor_put_uint(&out, 4);
	hm_cbor_put_text(&out, hm_bytes_of(text));
	hm_cbor_put_uint(&out, 5);
	hm_cbor_put_bytes(&out, (struct hm_bytes){ signer, len });
	hm_cbor_put_uint(&out, 6);
	hm_cbor_put_text(
	    &out, hm_bytes_of(seal->hash == HASH_SHA512   ? "SHA512"
			      : seal->hash == HASH_SHA384 ? "SHA384"
							  : "SHA256"));
	hm_cbor_put_uint(&out, 2);
	hm_cbor_put_bytes(&out, (struct hm_bytes){ zero, len });
	HM_TRY(hm_cbor_out_end(&out, &len));
	return mcuboot_add(
	    area, MCUBOOT_BOOT_RECORD, (struct hm_bytes){ room, len });
}
