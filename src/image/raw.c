/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw.h"

/* What a key signs: a digest, or for Ed25519 the file. Not copied. */
struct to_sign {
	uint8_t digest[HASH_MAX];
	struct input file;
	struct ed25519_message message;
	struct pkey_input input;
};

static hm_err
walk_file(void *context, input_walker *each, void *each_context)
{
	const struct input *file = context;

	return input_walk(file, 0, file->size, each, each_context);
}

hm_err
raw_key_check(const struct pkey *key, struct why *why)
{
	if (pkey_kind(key) == PKEY_X25519)
		return WHY(why, HM_E_KEY, "an x25519 key signs nothing");
	if (pkey_kind(key) == PKEY_P192)
		return WHY(why, HM_E_KEY_WEAK,
		    "p192 is for boot loaders of ESP32 that know nothing else");
	return HM_OK;
}

static hm_err
prepare(const struct raw_how *how, const struct pkey *key,
    const struct input *file, struct to_sign *ret, struct why *why)
{
	*ret = (struct to_sign){ .file = *file };
	HM_TRY(raw_key_check(key, why));
	if (pkey_kind(key) == PKEY_ED25519) {
		ret->message = (struct ed25519_message){ file->size, walk_file,
			&ret->file };
		ret->input = (struct pkey_input){ .scheme = PKEY_EDDSA,
			.hash = HASH_SHA512,
			.stream = &ret->message };
		return HM_OK;
	}
	ret->input = (struct pkey_input){ .scheme = PKEY_ECDSA,
		.hash = how->hash,
		.bytes = { ret->digest, hash_len(how->hash) } };
	if (pkey_kind(key) == PKEY_RSA)
		ret->input.scheme = how->is_pkcs1 ? PKEY_PKCS1 : PKEY_PSS;
	return image_hash(file, 0, file->size, how->hash, ret->digest);
}

static bool
is_ecdsa(const struct pkey *key)
{
	return pkey_kind(key) == PKEY_P256 || pkey_kind(key) == PKEY_P384;
}

static hm_err
sign_and_add(const struct raw_how *how, const struct image_signer *signer,
    const struct pkey_input *input, struct output *out, struct why *why)
{
	uint8_t made[PKEY_SIGNATURE_MAX], der[PKEY_DER_MAX];
	struct hm_bytes signature = { made, 0 };

	HM_TRY(image_sign(signer, input, (struct hm_span){ made, sizeof(made) },
	    &signature.len, why));
	if (is_ecdsa(signer->key) && !how->is_fixed) {
		HM_TRY(pkey_sig_to_der(signer->key, signature,
		    (struct hm_span){ der, sizeof(der) }, &signature.len));
		signature.ptr = der;
	}
	return output_add(out, signature);
}

hm_err
raw_sign(const struct raw_how *how, const struct image_signer *signer,
    const struct input *file, struct output *out, struct why *why)
{
	struct to_sign what;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	HM_TRY(prepare(how, signer->key, file, &what, why));
	return sign_and_add(how, signer, &what.input, out, why);
}

/* HM_OK, HM_E_SIGNATURE, or a breakdown. */
static hm_err
verify_by(const struct raw_how *how, struct pkey *key, const struct input *file,
    struct hm_bytes signature)
{
	uint8_t fixed[PKEY_SIGNATURE_MAX];
	struct to_sign what;
	hm_err err = prepare(how, key, file, &what, NULL);

	if (err != HM_OK)
		return err == HM_E_KEY ? HM_E_SIGNATURE : err;
	if (is_ecdsa(key) && !how->is_fixed) {
		if (pkey_sig_from_der(key, signature,
			(struct hm_span){ fixed, sizeof(fixed) },
			&signature.len) != HM_OK)
			return HM_E_SIGNATURE;
		signature.ptr = fixed;
	}
	err = pkey_verify(key, &what.input, signature);
	return err == HM_E_KEY ? HM_E_SIGNATURE : err;
}

hm_err
raw_verify(const struct raw_how *how, const struct image_keys *keys,
    const struct input *file, struct hm_bytes signature,
    struct findings *findings)
{
	for (size_t i = 0; i < keys->trusted_count; i++) {
		struct pkey *key = keys->trusted[i];
		hm_err err = verify_by(how, key, file, signature);

		if (err == HM_OK) {
			findings_part(findings, 0, file->size, "signed",
			    "by trusted key %zu (%s)", i + 1, pkey_name(key));
			return HM_OK;
		}
		if (err != HM_E_SIGNATURE)
			return err;
	}
	if (keys->trusted_count == 0)
		(void)findings_fault(findings, HM_E_IMAGE_UNTRUSTED, 0,
		    "no key was given to trust");
	else
		(void)findings_fault(findings, HM_E_IMAGE_SIGNATURE, 0,
		    "none of the %zu keys made this signature over the file",
		    keys->trusted_count);
	return HM_OK;
}
