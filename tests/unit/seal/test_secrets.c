/* SPDX-License-Identifier: Apache-2.0 */
/* seal/secrets: each kind, opened as the device does; every way to fail */
#include "../crypto/hex.h"

#include <openssl/rand.h>

#include "base/auto.h"
#include "crypto/p256.h"
#include "seal/hpke.h"
#include "seal/secrets.h"

static struct p256_pair *device;
static struct hm_claims claims;
static struct hm_product product;
static uint8_t binding[HM_DIGEST_LEN], enc[HM_POINT_LEN];
static uint8_t plain[HM_SEALED_MAX];
static struct buf sealed;
static hm_err shared_says;

static hm_err
shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len)
{
	assert_ptr_equal(context, &product);
	assert_in_range(room.len, label.len + 1, HM_SECRET_MAX);
	if (shared_says != HM_OK)
		return shared_says;
	room.ptr[0] = '<';
	memcpy(room.ptr + 1, label.ptr, label.len);
	*ret_len = label.len + 1;
	return HM_OK;
}

static void
ask(uint32_t at, const char *name, hm_secret_kind kind, uint32_t size,
    const char *source)
{
	product.secrets[at] = (struct hm_secret_spec){
		.name = hm_bytes_of(name),
		.kind = kind,
		.size = size,
		.source = hm_bytes_of(source),
	};
	product.secret_count = at + 1;
}

static int
setup(void **state)
{
	(void)state;
	memset(&claims, 0, sizeof(claims));
	memset(&product, 0, sizeof(product));
	memset(binding, 3, sizeof(binding));
	memset(claims.device_id, 5, sizeof(claims.device_id));
	memset(enc, 0x5a, sizeof(enc));
	assert_int_equal(p256_pair_new(&device), HM_OK);
	p256_pair_point(device, claims.kem);
	buf_init(&sealed, HM_SEALED_MAX);
	shared_says = HM_OK;
	ask(0, "disk", HM_SECRET_RANDOM, 32, NULL);
	ask(1, "pin", HM_SECRET_PASSCODE, 8, NULL);
	ask(2, "wifi", HM_SECRET_SHARED, 0, "fleet-wifi");
	ask(3, "cloud", HM_SECRET_KEY, 0, NULL);
	ask(4, "root", HM_SECRET_CERTIFICATE, 0, "DER");
	ask(5, "url", HM_SECRET_LITERAL, 0, "https://example.org");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_done(&sealed);
	p256_pair_free(device);
	return 0;
}

static hm_err
seal(void)
{
	const struct secrets_owner owner = { &claims, HM_LITERAL("PO-1"),
		HM_LITERAL("SN001"), binding };
	const struct secrets_vault vault = { shared, &product };

	return secrets_seal(&product, &owner, &vault, enc, &sealed);
}

/* As the device does, with info and aad put together by hand. */
static hm_err
open_as(const char *order, const char *serial)
{
	uint8_t info[128], aad[128], *at = info;
	size_t aad_len = 0, serial_len = strlen(serial);

	memcpy(at, "hallmark-seal-v1", 16);
	at += 16;
	memcpy(at, order, strlen(order) + 1); /* with its NUL */
	at += strlen(order) + 1;
	memcpy(at, claims.device_id, HM_DEVICE_ID_LEN);
	at += HM_DEVICE_ID_LEN;
	memcpy(at, binding, HM_DIGEST_LEN);
	at += HM_DIGEST_LEN;
	memcpy(aad, "\x83\x73hallmark-secrets-v1\x58\x20", 23);
	memcpy(aad + 23, claims.device_id, HM_DEVICE_ID_LEN);
	aad_len = 23 + HM_DEVICE_ID_LEN;
	aad[aad_len++] = (uint8_t)(0x60 + serial_len);
	memcpy(aad + aad_len, serial, serial_len);
	aad_len += serial_len;
	return hpke_open(&(struct hpke_message){ HPKE_AES_128_GCM,
			     { info, (size_t)(at - info) }, { aad, aad_len },
			     buf_bytes(&sealed) },
	    device, enc, plain);
}

static uint32_t
open_all(struct hm_secret ret[static HM_SECRETS_MAX])
{
	uint32_t count;

	assert_int_equal(open_as("PO-1", "SN001"), HM_OK);
	assert_int_equal(
	    hm_secrets_decode(
		(struct hm_bytes){ plain, sealed.len - 16 }, ret, &count),
	    HM_OK);
	return count;
}

static void
makes_every_kind(void **state)
{
	struct hm_secret secrets[HM_SECRETS_MAX];

	(void)state;
	assert_int_equal(seal(), HM_OK);
	assert_int_equal(open_all(secrets), 6);
	for (uint32_t i = 0; i < 6; i++) {
		assert_true(
		    hm_bytes_equal(secrets[i].name, product.secrets[i].name));
		assert_int_equal(secrets[i].kind, product.secrets[i].kind);
	}
	assert_int_equal(secrets[0].value.len, 32);
	assert_int_equal(secrets[1].value.len, 8);
	for (size_t i = 0; i < 8; i++)
		assert_in_range(secrets[1].value.ptr[i], '0', '9');
	assert_true(
	    hm_bytes_equal(secrets[2].value, HM_LITERAL("<fleet-wifi")));
	assert_true(hm_bytes_equal(secrets[4].value, HM_LITERAL("DER")));
	assert_true(hm_bytes_equal(
	    secrets[5].value, HM_LITERAL("https://example.org")));
}

static void
a_key_is_a_key(void **state)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	struct p256_pair *pair;
	uint8_t sec1[P256_SEC1_LEN];
	size_t len;

	(void)state;
	assert_int_equal(seal(), HM_OK);
	open_all(secrets);
	assert_int_equal(secrets[3].value.len, P256_SEC1_LEN);
	assert_int_equal(
	    p256_pair_from(secrets[3].value.ptr + 7, &pair), HM_OK);
	assert_int_equal(
	    p256_pair_sec1(pair, (struct hm_span){ sec1, sizeof(sec1) }, &len),
	    HM_OK);
	assert_memory_equal(sec1, secrets[3].value.ptr, sizeof(sec1));
	p256_pair_free(pair);
}

static void
makes_new_ones_each_time(void **state)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint8_t disk[32], key[P256_SEC1_LEN];

	(void)state;
	assert_int_equal(seal(), HM_OK);
	open_all(secrets);
	memcpy(disk, secrets[0].value.ptr, sizeof(disk));
	memcpy(key, secrets[3].value.ptr, sizeof(key));
	buf_clear(&sealed);
	assert_int_equal(seal(), HM_OK);
	open_all(secrets);
	assert_memory_not_equal(disk, secrets[0].value.ptr, sizeof(disk));
	assert_memory_not_equal(key, secrets[3].value.ptr, sizeof(key));
}

static void
opens_for_this_order_serial_and_device_only(void **state)
{
	(void)state;
	assert_int_equal(seal(), HM_OK);
	assert_int_equal(open_as("PO-1", "SN001"), HM_OK);
	assert_int_equal(open_as("PO-2", "SN001"), HM_E_OPEN);
	assert_int_equal(open_as("PO-1", "SN002"), HM_E_OPEN);
	binding[0] ^= 1;
	assert_int_equal(open_as("PO-1", "SN001"), HM_E_OPEN);
	binding[0] ^= 1;
	claims.device_id[0] ^= 1;
	assert_int_equal(open_as("PO-1", "SN001"), HM_E_OPEN);
}

/* 10,000 digits: a bias as of `byte % 10` (26 : 25) would not show, one of a
 * wrong bound would. Each count is within 6 standard deviations (30). */
static void
digits_are_even(void **state)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	int counts[10] = { 0 };

	(void)state;
	product.secret_count = 0;
	for (uint32_t i = 0; i < 4; i++)
		ask(i,
		    i == 0   ? "a"
		    : i == 1 ? "b"
		    : i == 2 ? "c"
			     : "d",
		    HM_SECRET_PASSCODE, 1000, NULL);
	for (int turn = 0; turn < 3; turn++) {
		buf_clear(&sealed);
		assert_int_equal(seal(), HM_OK);
		open_all(secrets);
		for (size_t i = 0; i < 4000; i++)
			counts[secrets[i / 1000].value.ptr[i % 1000] - '0']++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(counts[i], 1200 - 200, 1200 + 200);
}

/* Bytes of 250 and above are thrown away: fed with them and then with 0..249,
 * the digits are those of the rest, each equally often. */
static unsigned feed;

static int
count_up(unsigned char *ret, int len)
{
	for (int i = 0; i < len; i++)
		ret[i] = (unsigned char)feed++;
	return 1;
}

static void
digits_have_no_modulo_bias(void **state)
{
	static const RAND_METHOD counting = { .bytes = count_up };
	struct hm_secret secrets[HM_SECRETS_MAX];
	struct hm_bytes digits;
	int counts[10] = { 0 };

	(void)state;
	product.secret_count = 0;
	ask(0, "pin", HM_SECRET_PASSCODE, 1000, NULL);
	feed = 250;
	RAND_set_rand_method(&counting);
	assert_int_equal(seal(), HM_OK);
	RAND_set_rand_method(NULL);
	open_all(secrets);
	digits = secrets[0].value;
	assert_int_equal(digits.len, 1000);
	for (size_t i = 0; i < digits.len; i++)
		counts[digits.ptr[i] - '0']++;
	for (int i = 0; i < 10; i++)
		assert_int_equal(counts[i], 100);
}

static void
assert_fails(hm_err err)
{
	uint8_t before[HM_POINT_LEN];

	memset(before, 0x5a, sizeof(before));
	assert_int_equal(seal(), err);
	assert_int_equal(sealed.len, 0);
	assert_memory_equal(enc, before, sizeof(before));
}

static void
forwards_what_the_token_says_and_changes_nothing(void **state)
{
	(void)state;
	shared_says = HM_E_TOKEN_MATCH;
	assert_fails(HM_E_TOKEN_MATCH);
}

static void
refuses_a_kem_key_that_is_no_point(void **state)
{
	(void)state;
	claims.kem[64] ^= 1;
	assert_fails(HM_E_KEY);
}

static void
refuses_more_than_fits_a_stamp(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		ask(i,
		    i == 0   ? "a"
		    : i == 1 ? "b"
		    : i == 2 ? "c"
		    : i == 3 ? "d"
			     : "e",
		    HM_SECRET_RANDOM, HM_SECRET_MAX, NULL);
	assert_fails(HM_E_TOO_LARGE);
	/* 1 + 5 names and heads of 7 bytes: 4044 of 4080 are left for values */
	for (uint32_t i = 0; i < 5; i++)
		product.secrets[i].size = i < 3 ? 1000 : 522;
	product.secrets[4].size++;
	assert_fails(HM_E_TOO_LARGE);
	product.secrets[4].size--;
	assert_int_equal(seal(), HM_OK);
	assert_int_equal(sealed.len, HM_SEALED_MAX);
}

static void
refuses_more_than_the_callers_buffer(void **state)
{
	(void)state;
	buf_init(&sealed, 64);
	assert_fails(HM_E_TOO_LARGE);
}

static void
refuses_kinds_and_sizes_that_no_product_has(void **state)
{
	(void)state;
	ask(0, "disk", (hm_secret_kind)9, 32, NULL);
	assert_fails(HM_E_BAD_INPUT);
	ask(0, "disk", HM_SECRET_RANDOM, 0, NULL);
	assert_fails(HM_E_BAD_INPUT);
	ask(0, "disk", HM_SECRET_RANDOM, HM_SECRET_MAX + 1, NULL);
	assert_fails(HM_E_BAD_INPUT);
	ask(0, "disk", HM_SECRET_PASSCODE, HM_SECRET_MAX + 1, NULL);
	assert_fails(HM_E_BAD_INPUT);
	product.secret_count = HM_SECRETS_MAX + 1;
	assert_fails(HM_E_BAD_INPUT);
}

static int
no_bytes(unsigned char *ret, int len)
{
	(void)ret, (void)len;
	return 0;
}

static void
seals_nothing_without_entropy(void **state)
{
	static const RAND_METHOD broken = { .bytes = no_bytes };

	(void)state;
	RAND_set_rand_method(&broken);
	assert_fails(HM_E_NO_ENTROPY);
	ask(0, "pin", HM_SECRET_PASSCODE, 8, NULL);
	assert_fails(HM_E_NO_ENTROPY);
	product.secret_count = 0; /* the ephemeral key still needs it */
	assert_fails(HM_E_NO_ENTROPY);
	RAND_set_rand_method(NULL);
}

static void
seals_an_empty_list_for_a_product_without_secrets(void **state)
{
	struct hm_secret secrets[HM_SECRETS_MAX];

	(void)state;
	product.secret_count = 0;
	assert_int_equal(seal(), HM_OK);
	assert_int_equal(open_all(secrets), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_every_kind),
		TEST(a_key_is_a_key),
		TEST(makes_new_ones_each_time),
		TEST(opens_for_this_order_serial_and_device_only),
		TEST(digits_are_even),
		TEST(digits_have_no_modulo_bias),
		TEST(forwards_what_the_token_says_and_changes_nothing),
		TEST(refuses_a_kem_key_that_is_no_point),
		TEST(refuses_more_than_fits_a_stamp),
		TEST(refuses_more_than_the_callers_buffer),
		TEST(refuses_kinds_and_sizes_that_no_product_has),
		TEST(seals_nothing_without_entropy),
		TEST(seals_an_empty_list_for_a_product_without_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
