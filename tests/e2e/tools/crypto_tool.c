/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_tool - our cryptography, a line at a time, for tests in other
 * languages
 *
 * Reads "VERB HEX HEX ..." lines ("-" is an empty value), answers each with a
 * line of hex values or with the error, "HM-nnnn". It is a test's tool: private
 * keys come in as arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/schemes.h"
#include "base/buf.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/p384.h"
#include "seal/hpke.h"
#include "seal/sign1.h"

#define ARGS_MAX 8
#define ARG_MAX 32768
#define LINE_MAX_LEN (4 * ARG_MAX)

static struct hm_bytes args[ARGS_MAX];
static uint8_t room[ARGS_MAX][ARG_MAX];

static void
answer(const uint8_t *bytes, size_t len)
{
	if (len == 0)
		printf("- ");
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	printf(" ");
}

/* Argument `at` if it has `len` bytes; else the verb fails. */
static const uint8_t *
fixed(size_t at, size_t len)
{
	return args[at].len == len ? args[at].ptr : NULL;
}

static struct p256_pair *
pair_of(size_t at)
{
	const uint8_t *scalar = fixed(at, P256_SCALAR_LEN);
	struct p256_pair *pair = NULL;

	if (scalar == NULL || p256_pair_from(scalar, &pair) != HM_OK)
		return NULL;
	return pair;
}

/* AEAD RECIPIENT INFO AAD PLAIN -> ENC CIPHER */
static hm_err
do_seal(void)
{
	const uint8_t *recipient = fixed(1, P256_POINT_LEN);
	static uint8_t out[ARG_MAX + 16];
	uint8_t enc[P256_POINT_LEN];

	if (recipient == NULL)
		return HM_E_KEY;
	HM_TRY(hpke_seal(&(struct hpke_message){ (hpke_aead)args[0].ptr[0],
			     args[2], args[3], args[4] },
	    recipient, enc, out));
	answer(enc, sizeof(enc));
	answer(out, args[4].len + 16);
	return HM_OK;
}

/* AEAD EPHEMERAL RECIPIENT INFO AAD PLAIN -> ENC CIPHER */
static hm_err
do_seal_with(void)
{
	const uint8_t *recipient = fixed(2, P256_POINT_LEN);
	static uint8_t out[ARG_MAX + 16];
	uint8_t enc[P256_POINT_LEN];
	struct p256_pair *pair = pair_of(1);
	hm_err err = HM_E_KEY;

	if (recipient != NULL && pair != NULL)
		err = hpke_seal_with(
		    &(struct hpke_message){
			(hpke_aead)args[0].ptr[0], args[3], args[4], args[5] },
		    pair, recipient, enc, out);
	p256_pair_free(pair);
	if (err == HM_OK) {
		answer(enc, sizeof(enc));
		answer(out, args[5].len + 16);
	}
	return err;
}

/* AEAD SCALAR ENC INFO AAD CIPHER -> PLAIN */
static hm_err
do_open(void)
{
	const uint8_t *enc = fixed(2, P256_POINT_LEN);
	static uint8_t out[ARG_MAX];
	struct p256_pair *pair = pair_of(1);
	hm_err err = HM_E_KEY;

	if (enc != NULL && pair != NULL)
		err =
		    hpke_open(&(struct hpke_message){ (hpke_aead)args[0].ptr[0],
				  args[3], args[4], args[5] },
			pair, enc, out);
	p256_pair_free(pair);
	if (err == HM_OK)
		answer(out, args[5].len - 16);
	return err;
}

/* SCALAR KID AAD PAYLOAD -> MESSAGE */
static hm_err
do_sign1_make(void)
{
	struct p256_pair *pair = pair_of(0);
	struct buf message;
	hm_err err = HM_E_KEY;

	buf_init(&message, ARG_MAX);
	if (pair != NULL)
		err = sign1_make(args[1], args[2], args[3], p256_pair_signer,
		    pair, &message);
	if (err == HM_OK)
		answer(message.ptr, message.len);
	buf_done(&message);
	p256_pair_free(pair);
	return err;
}

/* POINT AAD MESSAGE -> PAYLOAD */
static hm_err
do_sign1_open(void)
{
	const uint8_t *point = fixed(0, P256_POINT_LEN);
	struct hm_bytes payload;

	if (point == NULL)
		return HM_E_KEY;
	HM_TRY(sign1_open(args[2], ARG_MAX, args[1], point, &payload));
	answer(payload.ptr, payload.len);
	return HM_OK;
}

/* POINT -> KID */
static hm_err
do_kid(void)
{
	const uint8_t *point = fixed(0, P256_POINT_LEN);
	uint8_t kid[HM_KID_LEN];

	if (point == NULL)
		return HM_E_KEY;
	sign1_kid(point, kid);
	answer(kid, sizeof(kid));
	return HM_OK;
}

/* SCALAR DIGEST -> POINT SIGNATURE DER */
static hm_err
do_sign(void)
{
	const uint8_t *digest = fixed(1, 32);
	struct p256_pair *pair = pair_of(0);
	uint8_t point[P256_POINT_LEN], signature[P256_SIGNATURE_LEN];
	uint8_t der[ECDSA_DER_MAX];
	hm_err err = HM_E_KEY;

	if (digest != NULL && pair != NULL)
		err = p256_pair_sign(pair, digest, signature);
	if (err == HM_OK) {
		p256_pair_point(pair, point);
		answer(point, sizeof(point));
		answer(signature, sizeof(signature));
		answer(der, ecdsa_to_der(signature, der));
	}
	p256_pair_free(pair);
	return err;
}

/* POINT DIGEST DER -> -; the curve is that of the point's length */
static hm_err
do_verify(void)
{
	uint8_t signature[P384_SIGNATURE_LEN];

	if (args[0].len == P384_POINT_LEN && args[1].len == 48) {
		HM_TRY(p384_from_der(args[2], signature));
		HM_TRY(p384_verify(args[0].ptr, args[1].ptr, signature));
	} else if (args[0].len == P256_POINT_LEN && args[1].len == 32) {
		HM_TRY(ecdsa_from_der(args[2], signature));
		HM_TRY(p256_verify(args[0].ptr, args[1].ptr, signature));
	} else {
		return HM_E_KEY;
	}
	answer(NULL, 0);
	return HM_OK;
}

/* SCALAR POINT -> X */
static hm_err
do_agree(void)
{
	const uint8_t *point = fixed(1, P256_POINT_LEN);
	struct p256_pair *pair = pair_of(0);
	uint8_t x[32];
	hm_err err = HM_E_KEY;

	if (point != NULL && pair != NULL)
		err = p256_pair_agree(pair, point, x);
	if (err == HM_OK)
		answer(x, sizeof(x));
	p256_pair_free(pair);
	return err;
}

/* -> SCALAR PEM(private) SEC1 PEM(public) */
static hm_err
do_generate(void)
{
	uint8_t scalar[P256_SCALAR_LEN], point[P256_POINT_LEN];
	uint8_t pem[P256_PEM_MAX], sec1[P256_SEC1_LEN];
	struct hm_span span = { pem, sizeof(pem) };
	struct p256_pair *pair;
	size_t len;

	HM_TRY(p256_pair_new(&pair));
	p256_pair_scalar(pair, scalar);
	p256_pair_point(pair, point);
	answer(scalar, sizeof(scalar));
	hm_assert(p256_pair_pem(pair, span, &len) == HM_OK);
	answer(pem, len);
	hm_assert(p256_pair_sec1(pair, (struct hm_span){ sec1, sizeof(sec1) },
		      &len) == HM_OK);
	answer(sec1, len);
	hm_assert(p256_point_pem(point, span, &len) == HM_OK);
	answer(pem, len);
	p256_pair_free(pair);
	return HM_OK;
}

/* PEM(private) -> SCALAR */
static hm_err
do_read_pem(void)
{
	uint8_t scalar[P256_SCALAR_LEN];
	struct p256_pair *pair;

	HM_TRY(p256_pair_from_pem(args[0], &pair));
	p256_pair_scalar(pair, scalar);
	answer(scalar, sizeof(scalar));
	p256_pair_free(pair);
	return HM_OK;
}

/* SEED MESSAGE -> KEY SIGNATURE */
static hm_err
do_ed25519_sign(void)
{
	const uint8_t *seed = fixed(0, 32);
	uint8_t key[ED25519_KEY_LEN], signature[ED25519_SIGNATURE_LEN];

	if (seed == NULL)
		return HM_E_KEY;
	HM_TRY(ed25519_public(seed, key));
	HM_TRY(ed25519_sign(seed, args[1], signature));
	answer(key, sizeof(key));
	answer(signature, sizeof(signature));
	return HM_OK;
}

/* SALT IKM INFO LEN -> OKM */
static hm_err
do_hkdf(void)
{
	uint8_t prk[SHA256_LEN], out[255];

	hkdf_extract(args[0], &args[1], 1, prk);
	hkdf_expand(prk, &args[2], 1, (struct hm_span){ out, args[3].ptr[0] });
	answer(out, args[3].ptr[0]);
	return HM_OK;
}

/* MPMR MESSAGE KEY SIGNATURE -> - */
static hm_err
do_imx_mp(void)
{
	const uint8_t *mpmr = fixed(0, HM_MPMR_LEN), *key = fixed(2, 64);
	const uint8_t *signature = fixed(3, HM_SIGNATURE_LEN);

	if (mpmr == NULL || key == NULL || signature == NULL)
		return HM_E_BAD_INPUT;
	HM_TRY(imx_mp_verify(mpmr, args[1], key, signature));
	answer(NULL, 0);
	return HM_OK;
}

static const struct {
	const char *verb;
	size_t args;
	hm_err (*run)(void);
} verbs[] = {
	{ "seal", 5, do_seal },
	{ "seal-with", 6, do_seal_with },
	{ "open", 6, do_open },
	{ "sign1-make", 4, do_sign1_make },
	{ "sign1-open", 3, do_sign1_open },
	{ "kid", 1, do_kid },
	{ "sign", 2, do_sign },
	{ "verify", 3, do_verify },
	{ "agree", 2, do_agree },
	{ "generate", 0, do_generate },
	{ "read-pem", 1, do_read_pem },
	{ "ed25519-sign", 2, do_ed25519_sign },
	{ "hkdf", 4, do_hkdf },
	{ "imx-mp", 4, do_imx_mp },
};

static hm_err
run(char *line)
{
	char *rest = line, *verb = strsep(&rest, " \n"), *word;
	size_t count = 0;

	while ((word = strsep(&rest, " \n")) != NULL) {
		size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;

		if (*word == '\0')
			continue;
		if (count == ARGS_MAX || len > ARG_MAX)
			return HM_E_USAGE;
		args[count] = (struct hm_bytes){ room[count], len };
		if (len > 0)
			HM_TRY(hex_parse(hm_bytes_of(word), room[count], len));
		count++;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].verb) == 0 && count == verbs[i].args)
			return verbs[i].run();
	}
	return HM_E_USAGE;
}

int
main(void)
{
	static char line[LINE_MAX_LEN];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		hm_err err = run(line);

		if (err != HM_OK)
			printf("HM-%d", err);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
