/* SPDX-License-Identifier: Apache-2.0 */
/* crypto: threads do not meet in what the room keeps between calls */
#include "hex.h"

#include <pthread.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "crypto/init.h"
#include "crypto/p256.h"
#include "crypto/p256_fixed.h"
#include "crypto/p384.h"

#define THREADS 4
#define ROUNDS 40

/* SHA-256 and HMAC-SHA-256 (RFC 4231, case 2) */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define JEFE "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

static struct p256_pair *shared;
static uint8_t shared_point[P256_POINT_LEN], digest[SHA256_LEN];
static uint8_t signature[P256_SIGNATURE_LEN];
static struct p256_fixed *fixed;

static bool
digests(void)
{
	struct hm_bytes text = HM_LITERAL("what do ya want for nothing?");
	uint8_t wanted[SHA256_LEN], got[SHA256_LEN];

	unhex(ABC, wanted, sizeof(wanted));
	sha256_one(HM_LITERAL("abc"), got);
	if (memcmp(got, wanted, sizeof(got)) != 0)
		return false;
	unhex(JEFE, wanted, sizeof(wanted));
	hmac_sha256(HM_LITERAL("Jefe"), &text, 1, got);
	return memcmp(got, wanted, sizeof(got)) == 0;
}

static bool
seals(void)
{
	uint8_t key[16], nonce[GCM_NONCE_LEN] = { 0 }, text[64] = { 1 };
	uint8_t sealed[sizeof(text) + GCM_TAG_LEN], opened[sizeof(text)];

	return random_secret((struct hm_span){ key, sizeof(key) }) == HM_OK &&
	       gcm_seal(HM_BYTES(key), nonce, HM_LITERAL("aad"), HM_BYTES(text),
		   sealed) == HM_OK &&
	       gcm_open(HM_BYTES(key), nonce, HM_LITERAL("aad"),
		   HM_BYTES(sealed), opened) == HM_OK &&
	       memcmp(text, opened, sizeof(text)) == 0;
}

/* With a key of its own: sign, verify, agree with ourselves. */
static bool
does_p256(struct p256_pair *pair)
{
	uint8_t point[P256_POINT_LEN], own[P256_SIGNATURE_LEN], x[32];
	uint8_t elsewhere[P384_POINT_LEN] = { 4 };

	p256_pair_point(pair, point);
	return p256_pair_sign(pair, digest, own) == HM_OK &&
	       p256_verify(point, digest, own) == HM_OK &&
	       p256_verify(shared_point, digest, own) == HM_E_SIGNATURE &&
	       p256_verify(shared_point, digest, signature) == HM_OK &&
	       p256_pair_agree(pair, shared_point, x) == HM_OK &&
	       p256_fixed_verify(fixed, digest, signature) == HM_OK &&
	       p256_fixed_verify(fixed, digest, own) == HM_E_SIGNATURE &&
	       p384_check(elsewhere) == HM_E_KEY;
}

static bool
does_all(void)
{
	struct p256_pair *pair;
	bool good;

	if (p256_pair_new(&pair) != HM_OK)
		return false;
	good = does_p256(pair) && digests() && seals();
	p256_pair_free(pair);
	return good;
}

static void *
work(void *context)
{
	size_t *good = context;

	if (crypto_init() == HM_OK)
		for (int i = 0; i < ROUNDS; i++)
			*good += does_all();
	crypto_done();
	/* It may be used again after that. */
	*good += does_all();
	crypto_done();
	return NULL;
}

static void
does_everything_in_many_threads_at_once(void **state)
{
	pthread_t threads[THREADS];
	size_t good[THREADS] = { 0 };

	(void)state;
	assert_int_equal(p256_pair_new(&shared), HM_OK);
	p256_pair_point(shared, shared_point);
	sha256_one(HM_LITERAL("one for all"), digest);
	assert_int_equal(p256_pair_sign(shared, digest, signature), HM_OK);
	assert_int_equal(p256_fixed_new(shared_point, &fixed), HM_OK);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work, &good[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(good[i], ROUNDS + 1);
	}
	p256_fixed_free(fixed);
	p256_pair_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_everything_in_many_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
