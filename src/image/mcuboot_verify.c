/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict verifier: structure, TLVs, encryption, hash, signatures, what
 * follows. It goes on after a fault as far as it can.
 */
#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "image/mcuboot_parts.h"

#define SINGLES_MAX 128 /* types below A0 that were seen, protected */

struct judge {
	const struct mcuboot_verify *how;
	struct mcuboot_image image;
	struct findings *findings;
	struct mcuboot_tlv hash, wrap;
	size_t hashes, wraps, pures, signatures;
	uint16_t signature_type;
	uint8_t key[MCUBOOT_KEY_MAX];
	struct hm_bytes payload_key; /* empty: plain, or not known */
	uint8_t digest[HASH_MAX];
	bool has_digest, is_clear, is_pure;
	struct mcuboot_whole whole; /* pure */
	struct ed25519_message message;
};

static hm_err
fault_tlv(
    const struct judge *judge, const struct mcuboot_tlv *tlv, const char *words)
{
	const struct mcuboot_kind *kind = mcuboot_kind_of(tlv->type);

	return findings_fault(judge->findings, HM_E_IMAGE_FIELD, tlv->at,
	    "TLV 0x%02x (%s) %s", tlv->type,
	    kind != NULL                   ? kind->name
	    : mcuboot_is_vendor(tlv->type) ? "vendor"
					   : "unknown",
	    words);
}

/* ---- TLVs, one by one ---- */

static void
check_place(const struct judge *judge, const struct mcuboot_tlv *tlv,
    const struct mcuboot_kind *kind)
{
	bool is_protected = tlv->place == MCUBOOT_PROTECTED;

	if (!is_protected && (kind == NULL || kind->is_protected))
		(void)fault_tlv(
		    judge, tlv, "is not allowed outside the protected area");
	else if (is_protected && kind != NULL && !kind->is_protected)
		(void)fault_tlv(
		    judge, tlv, "does not belong into the protected area");
	else if (kind == NULL && !mcuboot_is_vendor(tlv->type))
		findings_note(judge->findings, tlv->at,
		    "TLV 0x%02x is of no known type", tlv->type);
}

static void
check_value(const struct judge *judge, const struct mcuboot_tlv *tlv,
    const struct mcuboot_kind *kind)
{
	if (kind == NULL)
		return;
	if (tlv->value.len < kind->least || tlv->value.len > kind->most)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD, tlv->at,
		    "TLV 0x%02x length: %s of %zu bytes", tlv->type, kind->name,
		    tlv->value.len);
	else if (tlv->type == MCUBOOT_SIG_PURE && tlv->value.ptr[0] != 1)
		(void)fault_tlv(judge, tlv, "is not 01");
	else if (tlv->type == MCUBOOT_DEPENDENCY &&
		 (tlv->value.ptr[1] | tlv->value.ptr[2] | tlv->value.ptr[3]) !=
		     0)
		(void)fault_tlv(judge, tlv, "has a pad that is not zero");
	else if (tlv->type == MCUBOOT_ECDSA224)
		(void)findings_fault(judge->findings, HM_E_KEY_WEAK, tlv->at,
		    "an ECDSA P-224 signature: no boot code checks it any "
		    "more");
}

static void
say_counter(const struct judge *judge, const struct mcuboot_tlv *tlv)
{
	uint32_t counter;

	if (tlv->value.len != 4)
		return;
	counter = image_get_u32(tlv->value.ptr);
	findings_part(judge->findings, tlv->at, 4, "security counter",
	    "%" PRIu32, counter);
	if (judge->how->has_counter && counter < judge->how->counter)
		(void)findings_fault(judge->findings, HM_E_COUNTER, tlv->at,
		    "security counter %" PRIu32 " is below %" PRIu32, counter,
		    judge->how->counter);
}

static void
say_tlv(const struct judge *judge, const struct mcuboot_tlv *tlv,
    const struct mcuboot_kind *kind)
{
	const uint8_t *v = tlv->value.ptr;

	findings_bytes(judge->findings, tlv->at, tlv->value.len,
	    kind != NULL                   ? kind->name
	    : mcuboot_is_vendor(tlv->type) ? "vendor TLV"
					   : "unknown TLV",
	    tlv->value);
	if (tlv->type == MCUBOOT_SEC_CNT)
		say_counter(judge, tlv);
	if (tlv->type == MCUBOOT_DEPENDENCY && tlv->value.len == 12)
		findings_part(judge->findings, tlv->at, 12, "needs",
		    "image %u, version %u.%u.%u+%" PRIu32 " or later", v[0],
		    v[4], v[5], image_get_u16(v + 6), image_get_u32(v + 8));
}

static void
count_tlv(struct judge *judge, const struct mcuboot_tlv *tlv)
{
	if (tlv->place == MCUBOOT_PROTECTED)
		return;
	if (mcuboot_hash_of(tlv->type) != 0 && judge->hashes++ == 0)
		judge->hash = *tlv;
	if (mcuboot_is_wrap(tlv->type) && judge->wraps++ == 0)
		judge->wrap = *tlv;
	if (tlv->type == MCUBOOT_SIG_PURE) {
		judge->pures++;
		judge->is_pure = tlv->value.len == 1 && tlv->value.ptr[0] == 1;
	}
	if (mcuboot_is_signature(tlv->type))
		judge->signatures++;
}

static void
check_single(const struct judge *judge, const struct mcuboot_tlv *tlv,
    bool seen[static SINGLES_MAX])
{
	if (tlv->place != MCUBOOT_PROTECTED || tlv->type >= SINGLES_MAX ||
	    tlv->type == MCUBOOT_DEPENDENCY)
		return;
	if (seen[tlv->type])
		(void)fault_tlv(judge, tlv, "stands there twice");
	seen[tlv->type] = true;
}

static void
check_tlvs(struct judge *judge)
{
	const struct mcuboot_image *image = &judge->image;
	struct mcuboot_cursor cursor = { 0 };
	bool seen[SINGLES_MAX] = { false };
	const struct mcuboot_kind *kind;
	struct mcuboot_tlv tlv;

	while (mcuboot_next(image, &cursor, &tlv)) {
		kind = mcuboot_kind_of(tlv.type);
		say_tlv(judge, &tlv, kind);
		check_place(judge, &tlv, kind);
		check_value(judge, &tlv, kind);
		check_single(judge, &tlv, seen);
		count_tlv(judge, &tlv);
	}
	if (cursor.place < MCUBOOT_PLACES)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    image->areas[cursor.place].at + cursor.at,
		    "TLV beyond its area, which ends at %" PRIu64,
		    image->areas[cursor.place].at +
			image->areas[cursor.place].bytes.len);
	if (judge->pures > 1)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    image->areas[MCUBOOT_PLAIN].at,
		    "SIG_PURE stands there %zu "
		    "times",
		    judge->pures);
}

static void
check_counter(const struct judge *judge)
{
	struct mcuboot_tlv tlv;

	if (judge->how->has_counter &&
	    !mcuboot_find(
		&judge->image, MCUBOOT_PROTECTED, MCUBOOT_SEC_CNT, &tlv))
		(void)findings_fault(judge->findings, HM_E_COUNTER,
		    judge->image.body_end,
		    "no security counter, and %" PRIu32 " is required",
		    judge->how->counter);
}

/* ---- encryption ---- */

static hm_err
open_payload_key(struct judge *judge)
{
	unsigned bits = mcuboot_key_bits(judge->image.header.flags);
	uint64_t at = judge->image.areas[MCUBOOT_PLAIN].at;
	hm_err err;

	if (bits == 0 && judge->wraps > 0)
		return findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    judge->wrap.at, "encryption TLV without flag");
	if (bits == 0)
		return HM_OK;
	if (judge->wraps != 1)
		return findings_fault(judge->findings, HM_E_IMAGE_FIELD, at,
		    "exactly one encryption TLV, found %zu", judge->wraps);
	if (judge->image.header.img_size % 16 != 0)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    MCUBOOT_AT_IMG_SIZE,
		    "encrypted payload of %" PRIu32
		    " bytes is no multiple of 16",
		    judge->image.header.img_size);
	if (judge->how->payload_key.len == bits / 8) {
		judge->payload_key = judge->how->payload_key;
		return HM_OK;
	}
	if (judge->how->is_sealed)
		return mcuboot_check_wrap(&judge->wrap, bits, judge->findings);
	err = mcuboot_unwrap(
	    &judge->wrap, bits, judge->how->keys, judge->key, judge->findings);
	if (err == HM_OK)
		judge->payload_key = (struct hm_bytes){ judge->key, bits / 8 };
	return err;
}

/* ---- hash ---- */

static hm_err
compare_hash(struct judge *judge, struct hm_bytes key, bool *ret_same)
{
	hash_kind kind = mcuboot_hash_of(judge->hash.type);

	HM_TRY(mcuboot_digest(&judge->image, key, kind, judge->digest));
	judge->has_digest = true;
	*ret_same =
	    judge->hash.value.len == hash_len(kind) &&
	    memcmp(judge->digest, judge->hash.value.ptr, hash_len(kind)) == 0;
	return HM_OK;
}

static hm_err
compare_clear(struct judge *judge, bool *ret_same)
{
	uint8_t decrypted[HASH_MAX];

	memcpy(decrypted, judge->digest, sizeof(decrypted));
	HM_TRY(compare_hash(judge, (struct hm_bytes){ 0 }, ret_same));
	judge->is_clear = *ret_same;
	if (*ret_same)
		findings_note(judge->findings, MCUBOOT_AT_FLAGS,
		    "the payload is in clear under an encryption flag: good in "
		    "the primary slot only");
	else
		memcpy(judge->digest, decrypted, sizeof(decrypted));
	return HM_OK;
}

static hm_err
check_hash(struct judge *judge)
{
	bool is_encrypted = mcuboot_key_bits(judge->image.header.flags) != 0;
	bool is_open = !is_encrypted || judge->payload_key.len > 0;
	bool same = false;

	if (judge->hashes != 1)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    judge->image.areas[MCUBOOT_PLAIN].at,
		    "exactly one hash TLV, found %zu", judge->hashes);
	if (judge->hashes == 0)
		return HM_OK;
	if (is_open)
		HM_TRY(compare_hash(judge, judge->payload_key, &same));
	if (!same && is_encrypted)
		HM_TRY(compare_clear(judge, &same));
	if (!same && !is_open) {
		judge->has_digest = false;
		if (judge->how->is_sealed)
			(void)findings_fault(judge->findings, HM_E_IMAGE_OPEN,
			    judge->wrap.at,
			    "the payload is not in clear, and no key to open "
			    "it was given");
	}
	if (!same && is_open)
		(void)findings_fault(judge->findings, HM_E_IMAGE_HASH,
		    judge->hash.at,
		    "image hash: %s over [0, %" PRIu64 ") is another one",
		    hash_name(mcuboot_hash_of(judge->hash.type)),
		    judge->image.body_end + judge->image.header.protect_size);
	return HM_OK;
}

/* ---- signatures ---- */

/* A trusted key that the TLV names; NULL: none, and the findings say so. */
static hm_err
find_hashed(
    const struct judge *judge, const struct mcuboot_tlv *tlv, struct pkey **ret)
{
	hash_kind kind = mcuboot_hash_of(judge->hash.type);
	uint8_t hash[HASH_MAX];

	if (tlv->value.len != hash_len(kind)) {
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD, tlv->at,
		    "KEYHASH length %zu, not %zu: a prefix would name any key",
		    tlv->value.len, hash_len(kind));
		return HM_OK;
	}
	for (size_t i = 0; i < judge->how->keys->trusted_count; i++) {
		struct pkey *key = judge->how->keys->trusted[i];

		HM_TRY(mcuboot_key_hash(key, kind, hash));
		if (memcmp(hash, tlv->value.ptr, tlv->value.len) == 0)
			*ret = key;
	}
	if (*ret == NULL)
		(void)findings_fault(judge->findings, HM_E_IMAGE_UNTRUSTED,
		    tlv->at, "unknown key: no trusted key has this hash");
	return HM_OK;
}

static hm_err
find_full(
    const struct judge *judge, const struct mcuboot_tlv *tlv, struct pkey **ret)
{
	AUTO(buf) struct buf der = { 0 };

	buf_init(&der, MCUBOOT_AREA_MAX);
	for (size_t i = 0; i < judge->how->keys->trusted_count; i++) {
		struct pkey *key = judge->how->keys->trusted[i];

		buf_clear(&der);
		HM_TRY(mcuboot_key_der(key, &der));
		if (hm_bytes_equal(buf_bytes(&der), tlv->value))
			*ret = key;
	}
	if (*ret == NULL)
		(void)findings_fault(judge->findings, HM_E_IMAGE_UNTRUSTED,
		    tlv->at, "unknown key: the PUBKEY is not a trusted one");
	return HM_OK;
}

/* r || s out of the TLV, or the signature as it is. */
static hm_err
plain_signature(const struct judge *judge, const struct mcuboot_tlv *tlv,
    const struct pkey *key, uint8_t room[static PKEY_SIGNATURE_MAX],
    struct hm_bytes *ret)
{
	size_t len;

	*ret = tlv->value;
	if (tlv->type != MCUBOOT_ECDSA)
		return HM_OK;
	if (pkey_sig_from_der(key, tlv->value,
		(struct hm_span){ room, PKEY_SIGNATURE_MAX }, &len) != HM_OK)
		return findings_fault(judge->findings, HM_E_IMAGE_SIGNATURE,
		    tlv->at,
		    "signature: not minimal DER of two numbers, which "
		    "not every boot loader takes");
	*ret = (struct hm_bytes){ room, len };
	return HM_OK;
}

static hm_err
check_signature(
    const struct judge *judge, const struct mcuboot_tlv *tlv, struct pkey *key)
{
	struct pkey_input input = {
		.scheme = mcuboot_scheme(tlv->type),
		.hash = mcuboot_hash_of(judge->hash.type),
		.bytes = judge->hash.value,
	};
	uint8_t room[PKEY_SIGNATURE_MAX];
	struct hm_bytes signature;
	hm_err err;

	if (plain_signature(judge, tlv, key, room, &signature) != HM_OK)
		return HM_OK;
	if (judge->is_pure)
		input.stream = &judge->message;
	err = pkey_verify(key, &input, signature);
	if (err == HM_OK)
		findings_part(judge->findings, tlv->at, tlv->value.len,
		    "signature", "by a trusted %s key", pkey_name(key));
	else if (err == HM_E_NO_MEMORY || err == HM_E_IO)
		return err;
	else
		(void)findings_fault(judge->findings, HM_E_IMAGE_SIGNATURE,
		    tlv->at, "signature does not verify with the %s key",
		    pkey_name(key));
	return HM_OK;
}

/* Do hash, kind of signature and kind of key go together? */
static bool
fits(struct judge *judge, const struct mcuboot_tlv *tlv)
{
	hash_kind kind = mcuboot_hash_of(judge->hash.type);
	bool is_good = kind == HASH_SHA256 ||
		       (kind == HASH_SHA384 && tlv->type == MCUBOOT_ECDSA) ||
		       (kind == HASH_SHA512 && tlv->type == MCUBOOT_ED25519);

	if (judge->is_pure)
		is_good = kind == HASH_SHA512 && tlv->type == MCUBOOT_ED25519;
	if (judge->signature_type == 0)
		judge->signature_type = tlv->type;
	if (!is_good)
		(void)findings_fault(judge->findings, HM_E_IMAGE_MIXED, tlv->at,
		    "signature type 0x%02x with %s%s", tlv->type,
		    judge->is_pure ? "SIG_PURE and " : "", hash_name(kind));
	else if (judge->signature_type != tlv->type)
		(void)findings_fault(judge->findings, HM_E_IMAGE_MIXED, tlv->at,
		    "signature type 0x%02x beside 0x%02x: a boot loader checks "
		    "one kind",
		    tlv->type, judge->signature_type);
	else
		return true;
	return false;
}

static hm_err
check_pair(struct judge *judge, const struct mcuboot_tlv *named,
    const struct mcuboot_tlv *tlv)
{
	struct pkey *key = NULL;

	if (named->type == 0) {
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD, tlv->at,
		    "signature without key TLV before it");
		return HM_OK;
	}
	if (!fits(judge, tlv))
		return HM_OK;
	if (named->type == MCUBOOT_KEYHASH)
		HM_TRY(find_hashed(judge, named, &key));
	else
		HM_TRY(find_full(judge, named, &key));
	if (key == NULL)
		return HM_OK;
	if (mcuboot_signature_type(key) != tlv->type ||
	    !mcuboot_hash_fits(key, mcuboot_hash_of(judge->hash.type))) {
		(void)findings_fault(judge->findings, HM_E_IMAGE_MIXED, tlv->at,
		    "signature type 0x%02x over %s under a %s key", tlv->type,
		    hash_name(mcuboot_hash_of(judge->hash.type)),
		    pkey_name(key));
		return HM_OK;
	}
	return check_signature(judge, tlv, key);
}

static void
fault_lone_key(const struct judge *judge, const struct mcuboot_tlv *named)
{
	if (named->type != 0)
		(void)findings_fault(judge->findings, HM_E_IMAGE_FIELD,
		    named->at, "key TLV without a signature behind it");
}

/* The message of a pure signature: of the plaintext. */
static void
set_message(struct judge *judge)
{
	judge->whole.image = judge->image;
	if (!judge->is_clear)
		judge->whole.key = judge->payload_key;
	judge->message = mcuboot_message(&judge->whole);
}

static hm_err
check_pairs(struct judge *judge)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_tlv tlv, named = { 0 };

	if (judge->signatures == 0)
		(void)findings_fault(judge->findings, HM_E_IMAGE_UNTRUSTED,
		    judge->image.areas[MCUBOOT_PLAIN].at, "no signature");
	if (judge->signatures > MCUBOOT_SIGNATURES_MAX)
		(void)findings_fault(judge->findings, HM_E_TOO_LARGE,
		    judge->image.areas[MCUBOOT_PLAIN].at,
		    "%zu signatures, more than %d", judge->signatures,
		    MCUBOOT_SIGNATURES_MAX);
	if (judge->hashes == 0 || judge->hash.value.len == 0 ||
	    judge->signatures > MCUBOOT_SIGNATURES_MAX)
		return HM_OK;
	set_message(judge);
	while (mcuboot_next(&judge->image, &cursor, &tlv)) {
		if (tlv.type == MCUBOOT_KEYHASH || tlv.type == MCUBOOT_PUBKEY) {
			fault_lone_key(judge, &named);
			named = tlv;
		}
		if (!mcuboot_is_signature(tlv.type))
			continue;
		HM_TRY(check_pair(judge, &named, &tlv));
		named.type = 0;
	}
	fault_lone_key(judge, &named);
	return HM_OK;
}

/* ---- all of it ---- */

static hm_err
say_boot(const struct judge *judge, hm_err strict)
{
	const struct mcuboot_boot boot = {
		.how = judge->how,
		.image = &judge->image,
		.key = judge->payload_key,
		.is_clear = judge->is_clear,
		.kind = mcuboot_hash_of(judge->hash.type),
		.digest = judge->has_digest ? judge->digest : NULL,
	};
	mcuboot_answer answer;
	const char *words;

	if (judge->how->keys->trusted_count == 0 ||
	    judge->signatures > MCUBOOT_SIGNATURES_MAX)
		return HM_OK;
	HM_TRY(mcuboot_boot(&boot, &answer, &words));
	if (answer == MCUBOOT_DIFFERS ||
	    (answer == MCUBOOT_ACCEPTS) != (strict == HM_OK))
		findings_boot(
		    judge->findings, answer != MCUBOOT_REFUSES, "%s", words);
	return HM_OK;
}

static hm_err
judge_all(struct judge *judge)
{
	hm_err err;

	if (judge->image.is_readable) {
		check_tlvs(judge);
		check_counter(judge);
		err = open_payload_key(judge);
		if (err == HM_E_NO_MEMORY)
			return err;
		HM_TRY(check_hash(judge));
		HM_TRY(check_pairs(judge));
		HM_TRY(mcuboot_check_rest(
		    &judge->image, judge->how->slot_size, judge->findings));
	}
	return say_boot(judge, findings_verdict(judge->findings, NULL));
}

hm_err
mcuboot_verify(const struct mcuboot_verify *how, const struct input *file,
    struct findings *findings)
{
	struct judge judge = { .how = how, .findings = findings };
	hm_err err = mcuboot_read(file, &judge.image, findings);

	if (err == HM_OK)
		err = judge_all(&judge);
	mcuboot_image_done(&judge.image);
	hm_wipe(judge.key, sizeof(judge.key));
	return err;
}

void
mcuboot_made_done(struct mcuboot_made *made)
{
	hm_wipe(made, sizeof(*made));
}

hm_err
mcuboot_judge(const struct mcuboot_made *made, uint64_t slot_size,
    const struct input *file, struct findings *findings)
{
	const struct mcuboot_verify how = { .keys = &made->keys,
		.payload_key = { made->key, made->key_len },
		.slot_size = slot_size };

	return mcuboot_verify(&how, file, findings);
}

bool
mcuboot_is(const struct input *file)
{
	uint8_t magic[4];

	return input_read(file, 0, (struct hm_span){ magic, sizeof(magic) }) ==
		   HM_OK &&
	       image_get_u32(magic) == MCUBOOT_MAGIC;
}

hm_err
mcuboot_inspect(const struct input *file, struct findings *findings)
{
	static const struct image_keys none;
	const struct mcuboot_verify how = { .keys = &none };

	return mcuboot_verify(&how, file, findings);
}
