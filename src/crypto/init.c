/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD */
#include "crypto/init.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/ec.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"

/* Signed, verified and agreed with itself. */
static hm_err
try_pair(struct p256_pair *pair)
{
	uint8_t point[P256_POINT_LEN], signature[P256_SIGNATURE_LEN];
	uint8_t digest[SHA256_LEN], x[32];
	hm_err err;

	p256_pair_point(pair, point);
	sha256_one(HM_BYTES(point), digest);
	HM_TRY(p256_pair_sign(pair, digest, signature));
	err = p256_verify(point, digest, signature);
	if (err == HM_OK)
		err = p256_pair_agree(pair, point, x);
	hm_wipe(x, sizeof(x));
	return err;
}

static hm_err
try_p256(void)
{
	struct p256_pair *pair;
	hm_err err;

	HM_TRY(p256_pair_new(&pair));
	err = try_pair(pair);
	p256_pair_free(pair);
	return err;
}

static hm_err
try_ed25519(const uint8_t seed[static 32])
{
	uint8_t key[ED25519_KEY_LEN], signature[ED25519_SIGNATURE_LEN];
	struct hm_bytes message = HM_BYTES(key);

	HM_TRY(ed25519_public(seed, key));
	HM_TRY(ed25519_sign(seed, message, signature));
	return ed25519_verify(key, message, signature);
}

static hm_err
try_gcm(const uint8_t key[static 32])
{
	struct hm_bytes none = { 0 }, keys = { key, 32 };
	uint8_t tag[GCM_TAG_LEN], nothing[1];

	HM_TRY(gcm_seal(keys, key, none, none, tag));
	HM_TRY(gcm_open(keys, key, none, HM_BYTES(tag), nothing));
	keys.len = 16;
	return gcm_seal(keys, key, none, none, tag);
}

static hm_err
try_all(void)
{
	uint8_t seed[32];

	HM_TRY(random_bytes((struct hm_span){ seed, sizeof(seed) }));
	HM_TRY(random_secret((struct hm_span){ seed, sizeof(seed) }));
	HM_TRY(try_p256());
	HM_TRY(try_ed25519(seed));
	return try_gcm(seed);
}

hm_err
crypto_init(void)
{
	hm_err err = try_all();

	if (err == HM_OK || err == HM_E_NO_MEMORY || err == HM_E_NO_ENTROPY)
		return err;
	return HM_E_BUG;
}

void
crypto_done(void)
{
	gcm_stop();
	p256_desk_stop();
	p256_pair_stop();
	ec_stop(&ec_p256);
	ec_stop(&ec_p384);
}

/* 1: all of it; 0 is libcrypto's word for a failure. */
static int
kernel_bytes(unsigned char *to, int len)
{
	while (len > 0) {
		ssize_t got = getrandom(to, (size_t)len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		to += got;
		len -= (int)got;
	}
	return 1;
}

static int
kernel_is_ready(void)
{
	return 1; /* getrandom() waits until it is */
}

static const RAND_METHOD kernel = { .bytes = kernel_bytes,
	.pseudorand = kernel_bytes,
	.status = kernel_is_ready };

void
crypto_random_of_kernel(void)
{
	(void)RAND_set_rand_method(&kernel);
}

void
crypto_init_brief(void)
{
	crypto_random_of_kernel();
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
				      OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
				      OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
				      OPENSSL_INIT_NO_ATEXIT,
	    NULL);
}
