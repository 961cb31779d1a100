/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out is a breakdown, never a verdict on someone's signature:
 * the n-th allocation of libcrypto fails, for n = 1 .. until the run passes.
 */
#include "hex.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/ed25519_fixed.h"
#include "crypto/init.h"
#include "crypto/p256.h"
#include "crypto/p256_fixed.h"

#define MOST 5000 /* allocations of one call */

static long countdown = -1; /* below zero: nothing fails */

static bool
is_due(void)
{
	if (countdown < 0)
		return false;
	return countdown == 0 || --countdown == 0;
}

static void *
take(size_t len, const char *file, int line)
{
	(void)file, (void)line;
	return is_due() ? NULL : malloc(len);
}

static void *
retake(void *at, size_t len, const char *file, int line)
{
	(void)file, (void)line;
	return is_due() ? NULL : realloc(at, len);
}

static void
give(void *at, const char *file, int line)
{
	(void)file, (void)line;
	free(at);
}

struct things {
	uint8_t point[P256_POINT_LEN], digest[32];
	uint8_t signature[P256_SIGNATURE_LEN];
	struct p256_pair *pair;
	struct p256_public *key;
	struct p256_fixed *fixed;
	uint8_t ed25519_signature[ED25519_SIGNATURE_LEN];
	struct ed25519_fixed *ed25519;
};

static hm_err
verify(struct things *things)
{
	return p256_verify(things->point, things->digest, things->signature);
}

static hm_err
verify_with(struct things *things)
{
	return p256_verify_with(things->key, things->digest, things->signature);
}

static hm_err
verify_fixed(struct things *things)
{
	return p256_fixed_verify(
	    things->fixed, things->digest, things->signature);
}

static hm_err
fix(struct things *things)
{
	struct p256_fixed *fixed;
	hm_err err = p256_fixed_new(things->point, &fixed);

	if (err == HM_OK)
		p256_fixed_free(fixed);
	return err;
}

static hm_err
sign(struct things *things)
{
	uint8_t signature[P256_SIGNATURE_LEN];

	return p256_pair_sign(things->pair, things->digest, signature);
}

static hm_err
agree(struct things *things)
{
	uint8_t x[32];

	return p256_pair_agree(things->pair, things->point, x);
}

static hm_err
agree_once(struct things *things)
{
	uint8_t own[P256_POINT_LEN], x[32];

	return p256_agree_once(things->point, own, x);
}

static hm_err
generate(struct things *things)
{
	struct p256_pair *pair;
	hm_err err = p256_pair_new(&pair);

	(void)things;
	if (err == HM_OK)
		p256_pair_free(pair);
	return err;
}

static hm_err
rebuild(struct things *things)
{
	struct p256_pair *pair;
	hm_err err = p256_pair_from(things->digest, &pair);

	if (err == HM_OK)
		p256_pair_free(pair);
	return err;
}

static hm_err
seal(struct things *things)
{
	uint8_t out[32 + GCM_TAG_LEN];

	return gcm_seal(HM_BYTES(things->digest), things->point,
	    HM_BYTES(things->point), HM_BYTES(things->digest), out);
}

static hm_err
sign_ed25519(struct things *things)
{
	uint8_t signature[ED25519_SIGNATURE_LEN];

	return ed25519_sign(things->digest, HM_BYTES(things->point), signature);
}

static hm_err
verify_ed25519_fixed(struct things *things)
{
	return ed25519_fixed_verify(things->ed25519, HM_BYTES(things->point),
	    things->ed25519_signature);
}

static void
make_ed25519(struct things *things)
{
	uint8_t key[ED25519_KEY_LEN];

	assert_int_equal(ed25519_public(things->digest, key), HM_OK);
	assert_int_equal(ed25519_sign(things->digest, HM_BYTES(things->point),
			     things->ed25519_signature),
	    HM_OK);
	assert_int_equal(ed25519_fixed_new(key, &things->ed25519), HM_OK);
}

static void
runs_out(hm_err (*work)(struct things *), struct things *things)
{
	hm_err err = HM_E_BUG;
	long n;

	for (n = 1; n < MOST && err != HM_OK; n++) {
		countdown = n;
		err = work(things);
		countdown = -1;
		if (err != HM_OK && err != HM_E_NO_MEMORY &&
		    err != HM_E_NO_ENTROPY)
			fail_msg("allocation %ld: HM-%d", n, err);
	}
	if (err != HM_OK)
		fail_msg("still HM-%d after %ld allocations", err, n);
	assert_int_equal(work(things), HM_OK);
}

static void
running_out_of_memory_is_never_a_verdict(void **state)
{
	hm_err (*const works[])(struct things *) = { verify, verify_with,
		verify_fixed, fix, sign, agree, agree_once, generate, rebuild,
		seal, sign_ed25519, verify_ed25519_fixed };
	struct things things = { .digest = { 1 } };

	(void)state;
	assert_int_equal(crypto_init(), HM_OK);
	assert_int_equal(p256_pair_new(&things.pair), HM_OK);
	p256_pair_point(things.pair, things.point);
	assert_int_equal(p256_public_new(things.point, &things.key), HM_OK);
	assert_int_equal(p256_fixed_new(things.point, &things.fixed), HM_OK);
	assert_int_equal(
	    p256_pair_sign(things.pair, things.digest, things.signature),
	    HM_OK);
	make_ed25519(&things);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		runs_out(works[i], &things);
	ed25519_fixed_free(things.ed25519);
	p256_fixed_free(things.fixed);
	p256_public_free(things.key);
	p256_pair_free(things.pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_is_never_a_verdict),
	};

	if (CRYPTO_set_mem_functions(take, retake, give) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
