/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/pkey: every kind signs, verifies, goes out and comes in again */
#include "hex.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "crypto/pkey.h"

static const struct {
	pkey_type type;
	unsigned bits;
	pkey_scheme scheme;
	hash_kind hash;
	const char *name;
} kinds[] = {
	{ PKEY_RSA, 2048, PKEY_PSS, HASH_SHA256, "rsa-2048" },
	{ PKEY_RSA, 3072, PKEY_PKCS1, HASH_SHA256, "rsa-3072" },
	{ PKEY_P192, 0, PKEY_ECDSA, HASH_SHA256, "p192" },
	{ PKEY_P256, 0, PKEY_ECDSA, HASH_SHA256, "p256" },
	{ PKEY_P384, 0, PKEY_ECDSA, HASH_SHA384, "p384" },
	{ PKEY_ED25519, 0, PKEY_EDDSA, HASH_SHA256, "ed25519" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct pkey *keys[KINDS];

static int
make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		assert_int_equal(
		    pkey_generate(kinds[i].type, kinds[i].bits, &keys[i]),
		    HM_OK);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		pkey_free(keys[i]);
	return 0;
}

static struct pkey_input
input_for(size_t i, const uint8_t digest[static HASH_MAX])
{
	return (struct pkey_input){ .scheme = kinds[i].scheme,
		.hash = kinds[i].hash,
		.bytes = { digest, hash_len(kinds[i].hash) } };
}

static void
signs_and_finds_what_was_altered(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		uint8_t digest[HASH_MAX] = { 1, 2, 3 };
		uint8_t signature[PKEY_SIGNATURE_MAX];
		struct pkey_input input = input_for(i, digest);
		size_t len;
		struct hm_bytes signed_by = { signature, 0 };

		assert_string_equal(pkey_name(keys[i]), kinds[i].name);
		assert_int_equal(
		    pkey_sign(keys[i], &input,
			(struct hm_span){ signature, sizeof(signature) }, &len),
		    HM_OK);
		assert_int_equal(len, pkey_signature_len(keys[i]));
		signed_by.len = len;
		assert_int_equal(
		    pkey_verify(keys[i], &input, signed_by), HM_OK);
		for (size_t at = 0; at < len; at += 7) {
			signature[at] ^= 0x10;
			assert_int_equal(
			    pkey_verify(keys[i], &input, signed_by),
			    HM_E_SIGNATURE);
			signature[at] ^= 0x10;
		}
		digest[5] ^= 1;
		assert_int_equal(
		    pkey_verify(keys[i], &input, signed_by), HM_E_SIGNATURE);
		signed_by.len--;
		assert_int_equal(
		    pkey_verify(keys[i], &input, signed_by), HM_E_SIGNATURE);
	}
}

static void
takes_its_own_schemes_only(void **state)
{
	uint8_t digest[HASH_MAX] = { 0 }, room[PKEY_SIGNATURE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		for (size_t j = 0; j < KINDS; j++) {
			struct pkey_input input = input_for(j, digest);
			bool same = (kinds[i].type == PKEY_RSA) ==
					(kinds[j].type == PKEY_RSA) &&
				    (kinds[i].type == PKEY_ED25519) ==
					(kinds[j].type == PKEY_ED25519);

			assert_int_equal(
			    pkey_sign(keys[i], &input,
				(struct hm_span){ room, sizeof(room) }, &len),
			    same ? HM_OK : HM_E_KEY);
		}
}

/* PEM of a key, as OpenSSL writes it; read again, it is the same. */
static void
comes_in_from(void (*write)(BIO *, EVP_PKEY *), EVP_PKEY *evp, pkey_type type)
{
	uint8_t digest[HASH_MAX] = { 7 }, room[PKEY_SIGNATURE_MAX];
	struct pkey_input input = {
		.scheme = type == PKEY_ED25519 ? PKEY_EDDSA : PKEY_ECDSA,
		.hash = HASH_SHA256,
		.bytes = { digest, 32 },
	};
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf ours = { .max = 1024 };
	struct pkey *key;
	uint8_t *theirs = NULL;
	char *at;
	long len;
	int spki;
	size_t signature_len;

	write(bio, evp);
	len = BIO_get_mem_data(bio, &at);
	assert_int_equal(
	    pkey_from_pem((struct hm_bytes){ (uint8_t *)at, (size_t)len }, NULL,
		&key, NULL),
	    HM_OK);
	assert_int_equal(pkey_kind(key), type);
	assert_int_equal(pkey_spki(key, &ours), HM_OK);
	spki = i2d_PUBKEY(evp, &theirs);
	assert_int_equal(ours.len, spki);
	assert_memory_equal(ours.ptr, theirs, ours.len);
	if (pkey_is_private(key) && type != PKEY_X25519) {
		assert_int_equal(
		    pkey_sign(key, &input,
			(struct hm_span){ room, sizeof(room) }, &signature_len),
		    HM_OK);
		assert_int_equal(pkey_verify(key, &input,
				     (struct hm_bytes){ room, signature_len }),
		    HM_OK);
	}
	OPENSSL_free(theirs);
	buf_wipe(&ours);
	pkey_free(key);
	BIO_free(bio);
}

static void
write_pkcs8(BIO *bio, EVP_PKEY *evp)
{
	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, evp, NULL, NULL, 0, NULL, NULL),
	    1);
}

static void
write_sec1(BIO *bio, EVP_PKEY *evp)
{
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(
			     bio, evp, NULL, NULL, 0, NULL, NULL),
	    1);
}

static void
write_public(BIO *bio, EVP_PKEY *evp)
{
	assert_int_equal(PEM_write_bio_PUBKEY(bio, evp), 1);
}

static void
reads_and_writes_what_openssl_does(void **state)
{
	static const struct {
		const char *kind, *group;
		pkey_type type;
	} rows[] = {
		{ "EC", "prime192v1", PKEY_P192 },
		{ "EC", "prime256v1", PKEY_P256 },
		{ "EC", "secp384r1", PKEY_P384 },
		{ "ED25519", NULL, PKEY_ED25519 },
		{ "X25519", NULL, PKEY_X25519 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		EVP_PKEY *evp =
		    EVP_PKEY_Q_keygen(NULL, NULL, rows[i].kind, rows[i].group);

		assert_non_null(evp);
		comes_in_from(write_pkcs8, evp, rows[i].type);
		comes_in_from(write_public, evp, rows[i].type);
		if (rows[i].group != NULL)
			comes_in_from(write_sec1, evp, rows[i].type);
		EVP_PKEY_free(evp);
	}
}

/* What differs from the usual shape is read by OpenSSL: a scalar of zero, one
 * of the order, a point that is not on the curve. */
static void
refuses_numbers_of_no_key_in_the_usual_shape(void **state)
{
	static const char *const sec1[] = {
		"307702010104200000000000000000000000000000000000000000000000"
		"000000000000000000a00a06082a8648ce3d030107a144034200046b17d1"
		"f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964f"
		"e342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51"
		"f5",
		"30770201010420ffffffff00000000ffffffffffffffffbce6faada7179e"
		"84f3b9cac2fc632551a00a06082a8648ce3d030107a144034200046b17d1"
		"f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964f"
		"e342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51"
		"f5",
		"307702010104200000000000000000000000000000000000000000000000"
		"000000000000000001a00a06082a8648ce3d030107a144034200046b17d1"
		"f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964f"
		"e342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51"
		"f6",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sec1) / sizeof(sec1[0]); i++) {
		uint8_t der[121];
		BIO *bio = BIO_new(BIO_s_mem());
		struct pkey *key = NULL;
		char *at;
		long len;

		unhex(sec1[i], der, sizeof(der));
		assert_true(PEM_write_bio(bio, "EC PRIVATE KEY", "", der,
				sizeof(der)) > 0);
		len = BIO_get_mem_data(bio, &at);
		assert_int_equal(pkey_from_pem((struct hm_bytes){ (uint8_t *)at,
						   (size_t)len },
				     NULL, &key, NULL),
		    HM_E_KEY);
		BIO_free(bio);
	}
}

static void
a_signature_that_is_remembered_is_no_other(void **state)
{
	uint8_t digest[HASH_MAX] = { 1 }, other[HASH_MAX] = { 2 };
	uint8_t room[PKEY_SIGNATURE_MAX];

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct pkey_input input = input_for(i, digest);
		struct pkey_input another = input_for(i, other);
		struct hm_bytes signature = { room, 0 };

		assert_int_equal(
		    pkey_sign(keys[i], &input,
			(struct hm_span){ room, sizeof(room) }, &signature.len),
		    HM_OK);
		for (size_t turn = 0; turn < 2; turn++) {
			assert_int_equal(
			    pkey_verify(keys[i], &input, signature), HM_OK);
			assert_int_equal(
			    pkey_verify(keys[i], &another, signature),
			    HM_E_SIGNATURE);
			room[signature.len - 1] ^= 1;
			assert_int_equal(
			    pkey_verify(keys[i], &input, signature),
			    HM_E_SIGNATURE);
			room[signature.len - 1] ^= 1;
		}
		input.scheme =
		    kinds[i].scheme == PKEY_PSS ? PKEY_PKCS1 : PKEY_PSS;
		assert_int_not_equal(
		    pkey_verify(keys[i], &input, signature), HM_OK);
	}
}

static void
goes_out_and_comes_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct buf der = { .max = 1024 }, point = { .max = 1024 };
		struct pkey *again;

		assert_int_equal(pkey_spki(keys[i], &der), HM_OK);
		assert_int_equal(pkey_from_der(buf_bytes(&der), &again), HM_OK);
		assert_true(pkey_equal(keys[i], again));
		assert_false(pkey_is_private(again));
		pkey_free(again);
		der.len--;
		assert_int_equal(
		    pkey_from_der(buf_bytes(&der), &again), HM_E_KEY);
		if (kinds[i].type == PKEY_RSA) {
			assert_int_equal(pkey_modulus(keys[i], &point), HM_OK);
			assert_int_equal(
			    pkey_from_modulus(buf_bytes(&point), &again),
			    HM_OK);
		} else {
			assert_int_equal(pkey_point(keys[i], &point), HM_OK);
			assert_int_equal(pkey_from_point(kinds[i].type,
					     buf_bytes(&point), &again),
			    HM_OK);
		}
		assert_true(pkey_equal(keys[i], again));
		assert_false(pkey_equal(keys[(i + 1) % KINDS], again));
		pkey_free(again);
		buf_done(&der);
		buf_done(&point);
	}
}

static void
refuses_weak_keys_and_points_off_the_curve(void **state)
{
	uint8_t modulus[256], point[65] = { 4, 1 };
	struct pkey *key;
	EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(small, &der);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(
	    pkey_from_der((struct hm_bytes){ der, (size_t)len }, &key),
	    HM_E_KEY_WEAK);
	OPENSSL_free(der);
	EVP_PKEY_free(small);
	memset(modulus, 0xfe, sizeof(modulus)); /* even */
	assert_int_equal(
	    pkey_from_modulus(HM_BYTES(modulus), &key), HM_E_KEY_WEAK);
	assert_int_equal(
	    pkey_from_point(PKEY_P256, HM_BYTES(point), &key), HM_E_KEY);
}

static void
der_of_a_signature_is_minimal(void **state)
{
	uint8_t raw[96] = { 0 }, der[PKEY_DER_MAX], back[96];
	struct hm_span room = { der, sizeof(der) };
	size_t len, back_len;

	(void)state;
	raw[47] = 0x80; /* r = 128, s = 1 */
	raw[95] = 1;
	assert_int_equal(
	    pkey_sig_to_der(keys[4], HM_BYTES(raw), room, &len), HM_OK);
	assert_int_equal(len, 9);
	assert_memory_equal(der, "\x30\x07\x02\x02\x00\x80\x02\x01\x01", 9);
	assert_int_equal(
	    pkey_sig_from_der(keys[4], (struct hm_bytes){ der, len },
		(struct hm_span){ back, sizeof(back) }, &back_len),
	    HM_OK);
	assert_memory_equal(back, raw, 96);
	assert_int_equal(
	    pkey_sig_from_der(keys[4], (struct hm_bytes){ der, len - 1 },
		(struct hm_span){ back, sizeof(back) }, &back_len),
	    HM_E_BAD_INPUT);
}

/* n * n0 = -1 mod 2^32. R^2 is compared in the tests of the formats. */
static void
montgomery_constants_fit_their_modulus(void **state)
{
	struct buf n = { .max = 512 };
	uint8_t r2[384];
	uint32_t n0;

	(void)state;
	assert_int_equal(pkey_modulus(keys[1], &n), HM_OK);
	assert_int_equal(
	    pkey_montgomery(keys[1], (struct hm_span){ r2, 384 }, &n0), HM_OK);
	assert_int_equal((uint32_t)(hm_get_u32(n.ptr + 380) * n0), UINT32_MAX);
	assert_int_equal(
	    pkey_montgomery(keys[0], (struct hm_span){ r2, 384 }, &n0),
	    HM_E_KEY);
	buf_done(&n);
}

static void
agrees_and_encrypts(void **state)
{
	uint8_t a[48], b[48], cipher[256], plain[256], key[32] = { 9 };
	size_t a_len, b_len, len;

	(void)state;
	for (pkey_type type = PKEY_P256; type <= PKEY_X25519; type++) {
		struct pkey *one, *two;
		hm_err want = type == PKEY_ED25519 ? HM_E_KEY : HM_OK;

		assert_int_equal(pkey_generate(type, 0, &one), HM_OK);
		assert_int_equal(pkey_generate(type, 0, &two), HM_OK);
		assert_int_equal(pkey_agree(one, two,
				     (struct hm_span){ a, sizeof(a) }, &a_len),
		    want);
		assert_int_equal(pkey_agree(two, one,
				     (struct hm_span){ b, sizeof(b) }, &b_len),
		    want);
		if (want == HM_OK)
			assert_memory_equal(a, b, a_len);
		pkey_free(one);
		pkey_free(two);
	}
	for (pkey_padding padding = PKEY_OAEP; padding <= PKEY_PKCS1_V15;
	     padding++) {
		assert_int_equal(pkey_encrypt(keys[0], padding, HM_BYTES(key),
				     (struct hm_span){ cipher, 256 }, &len),
		    HM_OK);
		assert_int_equal(
		    pkey_decrypt(keys[0], padding, HM_BYTES(cipher),
			(struct hm_span){ plain, 256 }, &len),
		    HM_OK);
		assert_int_equal(len, 32);
		assert_memory_equal(plain, key, 32);
	}
	cipher[9] ^= 1;
	assert_int_equal(pkey_decrypt(keys[0], PKEY_OAEP, HM_BYTES(cipher),
			     (struct hm_span){ plain, 256 }, &len),
	    HM_E_OPEN);
}

/* ---- PEM ---- */

static struct buf
pem_of(EVP_PKEY *key, bool encrypted)
{
	struct buf pem = { .max = 8192 };
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;
	long len;

	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, key,
		encrypted ? EVP_aes_256_cbc() : NULL,
		encrypted ? "tulip" : NULL, encrypted ? 5 : 0, NULL, NULL),
	    1);
	len = BIO_get_mem_data(bio, &at);
	assert_int_equal(
	    buf_add(&pem, (struct hm_bytes){ (uint8_t *)at, (size_t)len }),
	    HM_OK);
	BIO_free(bio);
	return pem;
}

static void
reads_one_key_of_a_file(void **state)
{
	EVP_PKEY *evp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	struct buf plain = pem_of(evp, false), locked = pem_of(evp, true);
	struct buf two = { .max = 8192 };
	struct secret right = { .len = 5 }, wrong = { .len = 5 };
	struct pkey *key;
	struct why why = { 0 };

	(void)state;
	memcpy(right.bytes, "tulip", 5);
	memcpy(wrong.bytes, "tulep", 5);
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&plain), NULL, &key, &why), HM_OK);
	assert_true(pkey_is_private(key));
	pkey_free(key);
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&locked), NULL, &key, &why), HM_E_KEY);
	assert_non_null(strstr(why.text, "encrypted"));
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&locked), &wrong, &key, NULL), HM_E_KEY);
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&locked), &right, &key, NULL), HM_OK);
	pkey_free(key);
	assert_int_equal(buf_add(&two, buf_bytes(&plain)), HM_OK);
	assert_int_equal(buf_add(&two, buf_bytes(&plain)), HM_OK);
	why = (struct why){ 0 };
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&two), NULL, &key, &why), HM_E_KEY);
	assert_string_equal(why.text, "more than one key");
	assert_int_equal(
	    pkey_from_pem(HM_LITERAL("hello"), NULL, &key, NULL), HM_E_KEY);
	buf_done(&plain);
	buf_done(&locked);
	buf_done(&two);
	EVP_PKEY_free(evp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_finds_what_was_altered),
		cmocka_unit_test(takes_its_own_schemes_only),
		cmocka_unit_test(goes_out_and_comes_in),
		cmocka_unit_test(reads_and_writes_what_openssl_does),
		cmocka_unit_test(refuses_numbers_of_no_key_in_the_usual_shape),
		cmocka_unit_test(a_signature_that_is_remembered_is_no_other),
		cmocka_unit_test(refuses_weak_keys_and_points_off_the_curve),
		cmocka_unit_test(der_of_a_signature_is_minimal),
		cmocka_unit_test(montgomery_constants_fit_their_modulus),
		cmocka_unit_test(agrees_and_encrypts),
		cmocka_unit_test(reads_one_key_of_a_file),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
