/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_crypto - what our doors to libcrypto cost beside its bare primitives
 *
 * One JSON line a figure: CPU time of one call, the bare primitive in the same
 * run, and their ratio. "Bare" is the EVP call that does the mathematics, with
 * keys and contexts made before. Figures in comments are quoted from here.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/init.h"
#include "crypto/p256.h"
#include "crypto/ed25519_fixed.h"
#include "crypto/p256_fixed.h"
#include "seal/hpke.h"

#define ROUNDS 7 /* the median of them counts */
#define ROUND_US 60000.0

static struct {
	struct p256_pair *pair;
	struct p256_public *kept;
	struct p256_fixed *fixed;
	struct ed25519_fixed *ed_fixed;
	uint8_t ed_key[ED25519_KEY_LEN], ed_signature[ED25519_SIGNATURE_LEN];
	uint8_t point[P256_POINT_LEN], digest[32];
	uint8_t signature[P256_SIGNATURE_LEN];
	uint8_t text[1024], out[1024 + 16];
	EVP_PKEY *key;
	EVP_PKEY_CTX *sign, *verify, *derive, *generate;
	EVP_MAC_CTX *mac;
	EVP_MD *md;
	EVP_MD_CTX *md_ctx;
	uint8_t der[ECDSA_DER_MAX];
	size_t der_len;
} t;

static void
must(int said)
{
	hm_assert(said == 1);
}

static double
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double
run_us(void (*work)(void))
{
	double start = now_us(), spent;
	unsigned count = 0;

	do {
		for (int i = 0; i < 16; i++)
			work();
		count += 16;
		spent = now_us() - start;
	} while (spent < ROUND_US);
	return spent / count;
}

static double
median_us(void (*work)(void))
{
	double found[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double us = run_us(work);
		int at = i;

		for (; at > 0 && found[at - 1] > us; at--)
			found[at] = found[at - 1];
		found[at] = us;
	}
	return found[ROUNDS / 2];
}

/* ---- bare ---- */

static void
bare_sign(void)
{
	size_t len = sizeof(t.der);

	must(EVP_PKEY_sign(t.sign, t.der, &len, t.digest, 32));
}

static void
bare_verify(void)
{
	must(EVP_PKEY_verify(t.verify, t.der, t.der_len, t.digest, 32));
}

static void
bare_agree(void)
{
	uint8_t x[32];
	size_t len = sizeof(x);

	must(EVP_PKEY_derive(t.derive, x, &len));
}

static void
bare_generate(void)
{
	EVP_PKEY *key = NULL;

	must(EVP_PKEY_generate(t.generate, &key));
	EVP_PKEY_free(key);
}

static void
bare_seal(void)
{
	bare_generate();
	bare_agree();
}

static void
bare_sha256(void)
{
	must(EVP_DigestInit_ex(t.md_ctx, t.md, NULL));
	must(EVP_DigestUpdate(t.md_ctx, t.text, sizeof(t.text)));
	must(EVP_DigestFinal_ex(t.md_ctx, t.out, NULL));
}

static void
bare_hmac(void)
{
	size_t len;

	must(EVP_MAC_init(t.mac, t.digest, sizeof(t.digest), NULL));
	must(EVP_MAC_update(t.mac, t.text, 256));
	must(EVP_MAC_final(t.mac, t.out, &len, sizeof(t.out)));
}

/* ---- ours ---- */

static void
our_sign(void)
{
	hm_assert(p256_pair_sign(t.pair, t.digest, t.out) == HM_OK);
}

static void
our_verify_raw(void)
{
	hm_assert(p256_verify(t.point, t.digest, t.signature) == HM_OK);
}

static void
our_verify_kept(void)
{
	hm_assert(p256_verify_with(t.kept, t.digest, t.signature) == HM_OK);
}

static void
our_verify_fixed(void)
{
	hm_assert(p256_fixed_verify(t.fixed, t.digest, t.signature) == HM_OK);
}

static void
our_fixed_new(void)
{
	struct p256_fixed *fixed;

	hm_assert(p256_fixed_new(t.point, &fixed) == HM_OK);
	p256_fixed_free(fixed);
}

static void
our_ed25519_fixed(void)
{
	hm_assert(ed25519_fixed_verify(
		      t.ed_fixed, HM_BYTES(t.digest), t.ed_signature) == HM_OK);
}

/* The library's own call, with its key made anew. */
static void
bare_ed25519(void)
{
	hm_assert(ed25519_verify(
		      t.ed_key, HM_BYTES(t.digest), t.ed_signature) == HM_OK);
}

static void
our_ed25519_new(void)
{
	struct ed25519_fixed *fixed;

	hm_assert(ed25519_fixed_new(t.ed_key, &fixed) == HM_OK);
	ed25519_fixed_free(fixed);
}

static void
our_check(void)
{
	hm_assert(p256_check(t.point) == HM_OK);
}

static void
our_agree(void)
{
	hm_assert(p256_pair_agree(t.pair, t.point, t.out) == HM_OK);
}

static void
our_generate(void)
{
	struct p256_pair *pair;

	hm_assert(p256_pair_new(&pair) == HM_OK);
	p256_pair_free(pair);
}

static void
our_seal(void)
{
	const struct hpke_message message = { HPKE_AES_128_GCM,
		HM_LITERAL("info"), HM_LITERAL("aad"), { t.text, 256 } };
	uint8_t enc[P256_POINT_LEN];

	hm_assert(hpke_seal(&message, t.point, enc, t.out) == HM_OK);
}

static void
our_sha256(void)
{
	sha256_one(HM_BYTES(t.text), t.out);
}

static void
our_hmac(void)
{
	struct hm_bytes piece = { t.text, 256 };

	hmac_sha256(HM_BYTES(t.digest), &piece, 1, t.out);
}

static const struct {
	const char *name;
	void (*ours)(void), (*bare)(void);
} figures[] = {
	{ "p256_sign", our_sign, bare_sign },
	{ "p256_verify_raw_point", our_verify_raw, bare_verify },
	{ "p256_verify_kept_key", our_verify_kept, bare_verify },
	{ "p256_verify_fixed_key", our_verify_fixed, bare_verify },
	{ "p256_fixed_new", our_fixed_new, NULL },
	{ "ed25519_verify_fixed_key", our_ed25519_fixed, bare_ed25519 },
	{ "ed25519_fixed_new", our_ed25519_new, NULL },
	{ "p256_check", our_check, NULL },
	{ "p256_agree_raw_point", our_agree, bare_agree },
	{ "p256_generate", our_generate, bare_generate },
	{ "hpke_seal_256", our_seal, bare_seal },
	{ "sha256_1024", our_sha256, bare_sha256 },
	{ "hmac_sha256_256", our_hmac, bare_hmac },
};

static void
start(void)
{
	OSSL_PARAM params[3] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	hm_assert(crypto_init() == HM_OK);
	hm_assert(p256_pair_new(&t.pair) == HM_OK);
	p256_pair_point(t.pair, t.point);
	hm_assert(p256_public_new(t.point, &t.kept) == HM_OK);
	hm_assert(p256_fixed_new(t.point, &t.fixed) == HM_OK);
	sha256_one(HM_BYTES(t.text), t.digest);
	hm_assert(ed25519_public(t.digest, t.ed_key) == HM_OK);
	hm_assert(ed25519_sign(t.digest, HM_BYTES(t.digest), t.ed_signature) ==
		  HM_OK);
	hm_assert(ed25519_fixed_new(t.ed_key, &t.ed_fixed) == HM_OK);
	our_sign();
	memcpy(t.signature, t.out, sizeof(t.signature));

	t.key = EVP_EC_gen("P-256");
	t.sign = EVP_PKEY_CTX_new_from_pkey(NULL, t.key, NULL);
	t.verify = EVP_PKEY_CTX_new_from_pkey(NULL, t.key, NULL);
	t.derive = EVP_PKEY_CTX_new_from_pkey(NULL, t.key, NULL);
	t.generate = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	must(EVP_PKEY_sign_init(t.sign));
	must(EVP_PKEY_verify_init(t.verify));
	must(EVP_PKEY_derive_init(t.derive));
	must(EVP_PKEY_derive_set_peer_ex(t.derive, t.key, 0));
	must(EVP_PKEY_keygen_init(t.generate));
	must(EVP_PKEY_CTX_set_params(t.generate, params));
	t.der_len = sizeof(t.der);
	must(EVP_PKEY_sign(t.sign, t.der, &t.der_len, t.digest, 32));
	t.md = EVP_MD_fetch(NULL, "SHA256", NULL);
	t.md_ctx = EVP_MD_CTX_new();
	t.mac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0);
	must(EVP_MAC_CTX_set_params(t.mac, params));
}

int
main(void)
{
	start();
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		double ours = median_us(figures[i].ours);

		printf(
		    "{\"figure\": \"%s\", \"us\": %.2f", figures[i].name, ours);
		if (figures[i].bare != NULL) {
			double bare;

			/* bare_sign() writes other lengths over it */
			t.der_len = sizeof(t.der);
			must(EVP_PKEY_sign(
			    t.sign, t.der, &t.der_len, t.digest, 32));
			bare = median_us(figures[i].bare);
			printf(", \"bare_us\": %.2f, \"ratio\": %.2f", bare,
			    ours / bare);
		}
		printf("}\n");
	}
	return 0;
}
