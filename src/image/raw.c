/* SPDX-License-Identifier: Apache-2.0 */
#include "image/raw.h"

#include <stdlib.h>
#include <string.h>

/* What a key signs: a digest, or for Ed25519 the message in `room`. */
struct to_sign {
	uint8_t digest[HASH_MAX];
	uint8_t *message; /* NULL: none; freed by done() */
	struct pkey_input input;
};

static void
to_sign_done(struct to_sign *what)
{
	free(what->message);
}

static hm_err
read_message(const struct input *file, struct to_sign *ret, struct why *why)
{
	if (file->size > RAW_MESSAGE_MAX)
		return WHY(why, HM_E_TOO_LARGE,
		    "Ed25519 signs files of up to %u bytes; sign a digest of "
		    "it, or use another key",
		    RAW_MESSAGE_MAX);
	ret->message = malloc(file->size > 0 ? (size_t)file->size : 1);
	if (ret->message == NULL)
		return HM_E_NO_MEMORY;
	ret->input = (struct pkey_input){ .scheme = PKEY_EDDSA,
		.hash = HASH_SHA512,
		.bytes = { ret->message, (size_t)file->size } };
	return input_read(
	    file, 0, (struct hm_span){ ret->message, (size_t)file->size });
}

static hm_err
prepare(const struct raw_how *how, const struct pkey *key,
    const struct input *file, struct to_sign *ret, struct why *why)
{
	*ret = (struct to_sign){ 0 };
	if (pkey_kind(key) == PKEY_X25519)
		return WHY(why, HM_E_KEY, "an x25519 key signs nothing");
	if (pkey_kind(key) == PKEY_ED25519)
		return read_message(file, ret, why);
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
	return pkey_kind(key) >= PKEY_P192 && pkey_kind(key) <= PKEY_P384;
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
	hm_err err;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	err = prepare(how, signer->key, file, &what, why);
	if (err == HM_OK)
		err = sign_and_add(how, signer, &what.input, out, why);
	to_sign_done(&what);
	return err;
}

/* HM_OK, HM_E_SIGNATURE, or a breakdown. */
static hm_err
verify_by(const struct raw_how *how, struct pkey *key, const struct input *file,
    struct hm_bytes signature)
{
	uint8_t fixed[PKEY_SIGNATURE_MAX];
	struct to_sign what;
	hm_err err;

	if (is_ecdsa(key) && !how->is_fixed) {
		if (pkey_sig_from_der(key, signature,
			(struct hm_span){ fixed, sizeof(fixed) },
			&signature.len) != HM_OK)
			return HM_E_SIGNATURE;
		signature.ptr = fixed;
	}
	err = prepare(how, key, file, &what, NULL);
	if (err == HM_OK)
		err = pkey_verify(key, &what.input, signature);
	to_sign_done(&what);
	return err == HM_E_KEY || err == HM_E_TOO_LARGE ? HM_E_SIGNATURE : err;
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
			    "by the %s key %zu", pkey_name(key), i);
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
