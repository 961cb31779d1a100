/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ContentInfo { id-signedData, [0] SignedData { 1, { digest }, { id-data },
 *   [0] { certificate }, { SignerInfo { 1, issuer and serial, digest,
 *   [0] { content type, signing time, message digest }, algorithm, signature
 * } } } }			(RFC 5652, 5754)
 *
 * What is signed are the attributes, as SET OF with its own tag. The three of
 * ours ascend by their encoding in this order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/der.h"
#include "image/raw.h"

#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define DER_NULL 0x05
#define DER_NUMERIC 0x12
#define DER_TELETEX 0x14
#define OID(text) HM_LITERAL(text)
#define PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define ECDSA_SHA2 "\x2a\x86\x48\xce\x3d\x04\x03"
#define SHA2 "\x60\x86\x48\x01\x65\x03\x04\x02"

static struct hm_bytes
digest_oid(hash_kind hash)
{
	if (hash == HASH_SHA256)
		return OID(SHA2 "\x01");
	return hash == HASH_SHA384 ? OID(SHA2 "\x02") : OID(SHA2 "\x03");
}

static void
put_algorithm(struct der_writer *out, struct hm_bytes oid)
{
	size_t mark = der_begin(out, DER_SEQUENCE);

	der_put(out, DER_OID, oid);
	der_end(out, mark);
}

/* RSASSA-PSS-params with one hash for all and its length as salt. */
static void
put_pss(struct der_writer *out, hash_kind hash)
{
	size_t all = der_begin(out, DER_SEQUENCE), params, part, mgf;

	der_put(out, DER_OID, OID(PKCS1 "\x0a"));
	params = der_begin(out, DER_SEQUENCE);
	part = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
	put_algorithm(out, digest_oid(hash));
	der_end(out, part);
	part = der_begin(out, DER_CONTEXT_CONSTRUCTED(1));
	mgf = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID, OID(PKCS1 "\x08"));
	put_algorithm(out, digest_oid(hash));
	der_end(out, mgf);
	der_end(out, part);
	part = der_begin(out, DER_CONTEXT_CONSTRUCTED(2));
	der_put_uint(out, hash_len(hash));
	der_end(out, part);
	der_end(out, params);
	der_end(out, all);
}

static void
put_signature_algorithm(
    struct der_writer *out, const struct pkey *key, const struct raw_how *how)
{
	static const char last[][4] = { [HASH_SHA256] = "\x02",
		[HASH_SHA384] = "\x03",
		[HASH_SHA512] = "\x04" };
	uint8_t oid[8] = ECDSA_SHA2;
	size_t mark;

	if (pkey_kind(key) != PKEY_RSA) {
		oid[7] = (uint8_t)last[how->hash][0];
		put_algorithm(out, HM_BYTES(oid));
	} else if (!how->is_pkcs1) {
		put_pss(out, how->hash);
	} else {
		mark = der_begin(out, DER_SEQUENCE);
		der_put(out, DER_OID, OID(PKCS1 "\x01"));
		der_put(out, DER_NULL, (struct hm_bytes){ 0 });
		der_end(out, mark);
	}
}

/* ---- the certificate ---- */

struct identity {
	struct hm_bytes issuer; /* a whole Name */
	struct hm_bytes serial; /* a whole INTEGER */
	struct hm_bytes spki;   /* whole */
};

static hm_err
read_certificate(struct hm_bytes der, struct identity *ret)
{
	struct der_reader all = der_reader_of(der), cert, tbs;

	cert = der_enter(&all, DER_SEQUENCE);
	tbs = der_enter(&cert, DER_SEQUENCE);
	if (der_is(&tbs, DER_CONTEXT_CONSTRUCTED(0)))
		(void)der_get(&tbs, DER_CONTEXT_CONSTRUCTED(0));
	ret->serial = der_get_whole(&tbs, DER_INTEGER);
	(void)der_get(&tbs, DER_SEQUENCE); /* signature algorithm */
	ret->issuer = der_get_whole(&tbs, DER_SEQUENCE);
	(void)der_get(&tbs, DER_SEQUENCE); /* validity */
	(void)der_get(&tbs, DER_SEQUENCE); /* subject */
	ret->spki = der_get_whole(&tbs, DER_SEQUENCE);
	return tbs.err;
}

static hm_err
check_certificate(const struct raw_how *how, const struct pkey *key,
    struct identity *ret, struct why *why)
{
	struct pkey *certified;
	bool same;

	if (read_certificate(how->certificate, ret) != HM_OK ||
	    pkey_from_der(ret->spki, &certified) != HM_OK)
		return WHY(why, HM_E_CERT, "not a certificate");
	same = pkey_equal(certified, key);
	pkey_free(certified);
	if (same)
		return HM_OK;
	return WHY(why, HM_E_CERT,
	    "the certificate is for another key than the one that signs");
}

/* ---- making ---- */

static void
put_attribute(struct der_writer *out, struct hm_bytes oid, uint8_t tag,
    struct hm_bytes content)
{
	size_t all = der_begin(out, DER_SEQUENCE), set;

	der_put(out, DER_OID, oid);
	set = der_begin(out, DER_SET);
	der_put(out, tag, content);
	der_end(out, set);
	der_end(out, all);
}

static void
put_time(struct der_writer *out, uint64_t time_s)
{
	size_t all = der_begin(out, DER_SEQUENCE), set;

	der_put(out, DER_OID, OID(PKCS9 "\x05"));
	set = der_begin(out, DER_SET);
	der_put_time(out, time_s);
	der_end(out, set);
	der_end(out, all);
}

/* The attributes, with `tag`: SET for what is signed, [0] for the file. */
static hm_err
put_attributes(const struct raw_how *how, hash_kind hash, const uint8_t *digest,
    uint8_t tag, struct buf *ret)
{
	struct der_writer out = { .buf = ret };
	size_t set = der_begin(&out, tag);

	put_attribute(&out, OID(PKCS9 "\x03"), DER_OID, OID(PKCS7 "\x01"));
	put_time(&out, how->time_s);
	put_attribute(&out, OID(PKCS9 "\x04"), DER_OCTET_STRING,
	    (struct hm_bytes){ digest, hash_len(hash) });
	der_end(&out, set);
	return out.err;
}

static hm_err
sign_attributes(const struct raw_how *how, const struct image_signer *signer,
    struct hm_bytes attributes, struct buf *ret, struct why *why)
{
	struct input message = input_of(attributes);
	struct output *signature;
	hm_err err;

	HM_TRY(output_memory(PKEY_SIGNATURE_MAX, &signature));
	err = raw_sign(how, signer, &message, signature, why);
	if (err == HM_OK)
		err = output_input(signature, &message);
	if (err == HM_OK)
		err = buf_add(ret, message.bytes);
	output_free(signature);
	return err;
}

struct parts {
	const struct raw_how *how;
	const struct pkey *key;
	const struct identity *who;
	hash_kind hash;
	struct hm_bytes attributes; /* with the tag [0] */
	struct hm_bytes signature;
};

static void
put_signer(struct der_writer *out, const struct parts *p)
{
	size_t infos = der_begin(out, DER_SET);
	size_t info = der_begin(out, DER_SEQUENCE), sid;

	der_put_uint(out, 1);
	sid = der_begin(out, DER_SEQUENCE);
	der_add(out, p->who->issuer);
	der_add(out, p->who->serial);
	der_end(out, sid);
	put_algorithm(out, digest_oid(p->hash));
	der_add(out, p->attributes);
	put_signature_algorithm(out, p->key, p->how);
	der_put(out, DER_OCTET_STRING, p->signature);
	der_end(out, info);
	der_end(out, infos);
}

static hm_err
put_message(const struct parts *p, struct buf *ret)
{
	struct der_writer out = { .buf = ret };
	size_t all = der_begin(&out, DER_SEQUENCE), wrap, data, part;

	der_put(&out, DER_OID, OID(PKCS7 "\x02"));
	wrap = der_begin(&out, DER_CONTEXT_CONSTRUCTED(0));
	data = der_begin(&out, DER_SEQUENCE);
	der_put_uint(&out, 1);
	part = der_begin(&out, DER_SET);
	put_algorithm(&out, digest_oid(p->hash));
	der_end(&out, part);
	put_algorithm(&out, OID(PKCS7 "\x01")); /* the content is elsewhere */
	part = der_begin(&out, DER_CONTEXT_CONSTRUCTED(0));
	der_add(&out, p->how->certificate);
	der_end(&out, part);
	put_signer(&out, p);
	der_end(&out, data);
	der_end(&out, wrap);
	der_end(&out, all);
	return out.err;
}

hm_err
cms_sign(const struct raw_how *how, const struct image_signer *signer,
    const struct input *file, struct output *out, struct why *why)
{
	AUTO(buf) struct buf attributes = { .max = 512 };
	AUTO(buf) struct buf signature = { .max = PKEY_SIGNATURE_MAX };
	AUTO(buf) struct buf message = { .max = CMS_MAX };
	uint8_t digest[HASH_MAX];
	struct identity who;
	struct parts p = {
		.how = how, .key = signer->key, .who = &who, .hash = how->hash
	};

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	/* OpenSSL 3.0 and most boot code do not verify Ed25519 in CMS. */
	if (pkey_kind(signer->key) == PKEY_ED25519)
		return WHY(why, HM_E_KEY, "CMS is signed by RSA and EC keys");
	HM_TRY(raw_key_check(signer->key, why));
	HM_TRY(check_certificate(how, signer->key, &who, why));
	HM_TRY(image_hash(file, 0, file->size, p.hash, digest));
	HM_TRY(put_attributes(how, p.hash, digest, DER_SET, &attributes));
	HM_TRY(sign_attributes(
	    how, signer, buf_bytes(&attributes), &signature, why));
	buf_clear(&attributes);
	HM_TRY(put_attributes(
	    how, p.hash, digest, DER_CONTEXT_CONSTRUCTED(0), &attributes));
	p.attributes = buf_bytes(&attributes);
	p.signature = buf_bytes(&signature);
	HM_TRY(put_message(&p, &message));
	return output_add(out, buf_bytes(&message));
}

/* ---- reading ---- */

struct view {
	hash_kind hash;
	struct raw_how how;         /* of the signature */
	struct hm_bytes attributes; /* content of [0] */
	struct hm_bytes digest;     /* attribute */
	struct hm_bytes algorithm;  /* of the signature: content */
	struct hm_bytes signature;
};

static bool
get_digest_algorithm(struct der_reader *in, hash_kind *ret)
{
	struct der_reader alg = der_enter(in, DER_SEQUENCE);
	struct hm_bytes oid = der_get_oid(&alg);

	if (der_is(&alg, DER_NULL) && der_get(&alg, DER_NULL).len != 0)
		der_refuse(in);
	der_leave(in, &alg);
	for (hash_kind h = HASH_SHA256; h <= HASH_SHA512; h++)
		if (hm_bytes_equal(oid, digest_oid(h))) {
			*ret = h;
			return true;
		}
	der_refuse(in);
	return false;
}

/* One attribute; `seen` counts content types and digests. */
static void
get_attribute(struct der_reader *in, struct view *ret, unsigned seen[2])
{
	struct der_reader one = der_enter(in, DER_SEQUENCE), set;
	struct hm_bytes oid = der_get_oid(&one);

	set = der_enter(&one, DER_SET);
	if (hm_bytes_equal(oid, OID(PKCS9 "\x04"))) {
		ret->digest = der_get(&set, DER_OCTET_STRING);
		seen[1]++;
	} else if (hm_bytes_equal(oid, OID(PKCS9 "\x03"))) {
		if (!hm_bytes_equal(der_get(&set, DER_OID), OID(PKCS7 "\x01")))
			der_refuse(&set);
		seen[0]++;
	} else {
		uint8_t tag;

		(void)der_get_any(&set, &tag);
	}
	der_leave(&one, &set);
	der_leave(in, &one);
}

/* { type, text }; two and four bytes a character have gone out of use. */
static void
get_name_part(struct der_reader *in)
{
	struct der_reader part = der_enter(in, DER_SEQUENCE);
	struct hm_bytes text;
	uint8_t tag;

	(void)der_get_oid(&part);
	text = der_get_any(&part, &tag);
	if (tag != DER_PRINTABLE && tag != DER_IA5 && tag != DER_NUMERIC &&
	    tag != DER_TELETEX && (tag != DER_UTF8 || !hm_is_utf8(text)))
		der_refuse(&part);
	der_leave(in, &part);
}

/* Who signed decides nothing, for keys are given; but it is in form. */
static void
get_issuer_and_serial(struct der_reader *in)
{
	struct der_reader who = der_enter(in, DER_SEQUENCE), name, set;

	name = der_enter(&who, DER_SEQUENCE);
	while (der_more(&name)) {
		set = der_enter(&name, DER_SET);
		do
			get_name_part(&set);
		while (der_more(&set));
		der_leave(&name, &set);
	}
	der_leave(&who, &name);
	(void)der_get_positive(&who, SERIAL_MAX);
	der_leave(in, &who);
}

static void
get_signer(struct der_reader *in, struct view *ret)
{
	struct der_reader info = der_enter(in, DER_SEQUENCE), attributes;
	unsigned seen[2] = { 0, 0 };
	hash_kind hash = 0;

	if (der_get_positive(&info, 1).len != 1)
		der_refuse(&info);
	get_issuer_and_serial(&info);
	if (get_digest_algorithm(&info, &hash) && hash != ret->hash)
		der_refuse(&info);
	ret->attributes = der_get(&info, DER_CONTEXT_CONSTRUCTED(0));
	attributes = der_reader_of(ret->attributes);
	while (der_more(&attributes))
		get_attribute(&attributes, ret, seen);
	if (der_close(&attributes) != HM_OK || seen[0] != 1 || seen[1] != 1)
		der_refuse(&info);
	ret->algorithm = der_get(&info, DER_SEQUENCE);
	ret->signature = der_get(&info, DER_OCTET_STRING);
	der_leave(in, &info);
}

static hm_err
parse(struct hm_bytes cms, struct view *ret)
{
	struct der_reader all = der_reader_of(cms), info, wrap, data, part;

	info = der_enter(&all, DER_SEQUENCE);
	if (!hm_bytes_equal(der_get_oid(&info), OID(PKCS7 "\x02")))
		der_refuse(&info);
	wrap = der_enter(&info, DER_CONTEXT_CONSTRUCTED(0));
	data = der_enter(&wrap, DER_SEQUENCE);
	if (der_get_positive(&data, 1).len != 1)
		der_refuse(&data);
	part = der_enter(&data, DER_SET);
	(void)get_digest_algorithm(&part, &ret->hash);
	der_leave(&data, &part);
	part = der_enter(&data, DER_SEQUENCE);
	if (!hm_bytes_equal(der_get_oid(&part), OID(PKCS7 "\x01")))
		der_refuse(&part);
	der_leave(&data, &part);
	if (der_is(&data, DER_CONTEXT_CONSTRUCTED(0)))
		(void)der_get(&data, DER_CONTEXT_CONSTRUCTED(0));
	part = der_enter(&data, DER_SET);
	get_signer(&part, ret);
	der_leave(&data, &part);
	der_leave(&wrap, &data);
	der_leave(&info, &wrap);
	der_leave(&all, &info);
	return der_close(&all);
}

/* ---- judging ---- */

/* Is the algorithm the one that `how` stands for, with this key? The parameter
 * NULL beside RSA's and SHA-2's names may be there or not. */
static bool
is_algorithm(const struct view *view, const struct pkey *key, bool is_pkcs1)
{
	AUTO(buf) struct buf wanted = { .max = 256 };
	struct raw_how how = { .hash = view->hash, .is_pkcs1 = is_pkcs1 };
	struct der_writer out = { .buf = &wanted };
	struct der_reader in, content;
	uint8_t last[9] = PKCS1;

	put_signature_algorithm(&out, key, &how);
	in = der_reader_of(buf_bytes(&wanted));
	content = der_reader_of(view->algorithm);
	if (hm_bytes_equal(der_get(&in, DER_SEQUENCE), view->algorithm))
		return true;
	if (pkey_kind(key) != PKEY_RSA || !is_pkcs1)
		return false;
	/* sha256WithRSAEncryption and its kin */
	last[8] = (uint8_t)(view->hash == HASH_SHA256
				? 11
				: (view->hash == HASH_SHA384 ? 12 : 13));
	return hm_bytes_equal(der_get_oid(&content), HM_BYTES(last));
}

/* PSS as others write it, with NULL beside the hashes. */
static bool
is_pss(const struct view *view, const struct pkey *key)
{
	struct der_reader content = der_reader_of(view->algorithm);

	return pkey_kind(key) == PKEY_RSA &&
	       hm_bytes_equal(der_get_oid(&content), OID(PKCS1 "\x0a"));
}

static hm_err
verify_with(const struct view *view, struct pkey *key,
    const struct input *attributes, struct findings *findings)
{
	struct raw_how how = { .hash = view->hash };
	struct image_keys one = { .trusted = { key }, .trusted_count = 1 };

	how.is_pkcs1 =
	    is_algorithm(view, key, true) && pkey_kind(key) == PKEY_RSA;
	if (!how.is_pkcs1 && !is_pss(view, key) &&
	    !is_algorithm(view, key, false))
		return findings_fault(findings, HM_E_IMAGE_SIGNATURE, 0,
		    "the signature is not of a %s key", pkey_name(key));
	/* PSS is verified with a salt as long as the digest, whatever the
	 * parameters say. */
	return raw_verify(&how, &one, attributes, view->signature, findings);
}

/* The attributes as SET OF: what was signed. */
static hm_err
judge_signature(const struct image_keys *keys, const struct view *view,
    struct findings *findings)
{
	AUTO(buf) struct buf set = { .max = CMS_MAX };
	struct der_writer out = { .buf = &set };
	struct input signed_bytes;

	der_put(&out, DER_SET, view->attributes);
	HM_TRY(out.err);
	signed_bytes = input_of(buf_bytes(&set));
	for (size_t i = 0; i < keys->trusted_count; i++) {
		AUTO_FINDINGS struct findings *tried = NULL;
		hm_err err;

		HM_TRY(findings_new("cms", &tried));
		err = verify_with(view, keys->trusted[i], &signed_bytes, tried);
		if (findings_faults(tried) > 0)
			continue;
		HM_TRY(err);
		findings_part(findings, 0, 0, "signer", "trusted key %zu (%s)",
		    i + 1, pkey_name(keys->trusted[i]));
		return HM_OK;
	}
	(void)findings_fault(findings,
	    keys->trusted_count == 0 ? HM_E_IMAGE_UNTRUSTED
				     : HM_E_IMAGE_SIGNATURE,
	    0, "not signed by one of %zu trusted keys", keys->trusted_count);
	return HM_OK;
}

hm_err
cms_verify(const struct image_keys *keys, const struct input *file,
    struct hm_bytes cms, struct findings *findings)
{
	struct view view = { 0 };
	uint8_t digest[HASH_MAX];

	if (parse(cms, &view) != HM_OK) {
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, 0,
		    "not a detached CMS signature by one signer in DER");
		return HM_OK;
	}
	HM_TRY(image_hash(file, 0, file->size, view.hash, digest));
	findings_bytes(findings, 0, file->size, "message digest", view.digest);
	if (!hm_bytes_equal(view.digest,
		(struct hm_bytes){ digest, hash_len(view.hash) })) {
		(void)findings_fault(findings, HM_E_IMAGE_HASH, 0,
		    "the file has another %s digest than was signed",
		    hash_name(view.hash));
		return HM_OK;
	}
	return judge_signature(keys, &view, findings);
}
