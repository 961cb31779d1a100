/* SPDX-License-Identifier: Apache-2.0 */
/* attest/nonce: bound to order, station and time */
#include "../crypto/hex.h"

#include <openssl/rand.h>

#include "attest/nonce.h"
#include "crypto/digest.h"

#define NOW 1700000000

static const uint8_t key[NONCE_KEY_LEN] = { 1, 2, 3 };
static uint8_t nonce[HM_NONCE_LEN];

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(nonce_make(key, HM_LITERAL("PO-1"),
			     HM_LITERAL("line-1"), NOW, nonce),
	    HM_OK);
	return 0;
}

static hm_err
check(const char *order, const char *station, uint64_t now_s)
{
	return nonce_check(
	    key, hm_bytes_of(order), hm_bytes_of(station), now_s, nonce);
}

static void
is_good_for_its_order_station_and_time(void **state)
{
	(void)state;
	assert_int_equal(check("PO-1", "line-1", NOW), HM_OK);
	assert_int_equal(check("PO-1", "line-1", NOW + NONCE_VALID_S), HM_OK);
	assert_int_equal(check("PO-1", "line-1", NOW - 5), HM_OK);
}

static void
is_worth_nothing_for_another_order_or_station(void **state)
{
	uint8_t other[NONCE_KEY_LEN] = { 1, 2, 4 };

	(void)state;
	assert_int_equal(check("PO-2", "line-1", NOW), HM_E_NONCE);
	assert_int_equal(check("PO-1", "line-2", NOW), HM_E_NONCE);
	assert_int_equal(check("PO-1l", "ine-1", NOW), HM_E_NONCE);
	assert_int_equal(check("PO-1", "", NOW), HM_E_NONCE);
	assert_int_equal(nonce_check(other, HM_LITERAL("PO-1"),
			     HM_LITERAL("line-1"), NOW, nonce),
	    HM_E_NONCE);
}

static void
is_refused_with_any_bit_changed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(nonce); bit++) {
		nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check("PO-1", "line-1", NOW), HM_E_NONCE);
		nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
grows_stale_and_does_not_come_from_the_future(void **state)
{
	(void)state;
	assert_int_equal(
	    check("PO-1", "line-1", NOW + NONCE_VALID_S + 1), HM_E_NONCE_STALE);
	assert_int_equal(check("PO-1", "line-1", NOW - 6), HM_E_NONCE_STALE);
	assert_int_equal(check("PO-1", "line-1", 0), HM_E_NONCE_STALE);
	/* The reason of a foreign one is that it is foreign. */
	assert_int_equal(check("PO-2", "line-1", 0), HM_E_NONCE);
}

static void
has_the_layout_of_challenge_h_and_differs_each_time(void **state)
{
	struct hm_bytes pieces[] = { { nonce, 16 },
		HM_LITERAL("PO-1\0line-1") };
	uint8_t mac[SHA256_LEN], first[HM_NONCE_LEN];

	assert_int_equal(hm_get_u32(nonce), NOW);
	hmac_sha256(HM_BYTES(key), pieces, 2, mac);
	assert_memory_equal(nonce + 16, mac, 16);
	memcpy(first, nonce, sizeof(first));
	setup(state);
	assert_memory_not_equal(first + 4, nonce + 4, 12);
}

static int
no_bytes(unsigned char *ret, int len)
{
	(void)ret, (void)len;
	return 0;
}

static void
is_not_made_without_entropy(void **state)
{
	static const RAND_METHOD broken = { .bytes = no_bytes };
	uint8_t before[HM_NONCE_LEN];

	(void)state;
	memcpy(before, nonce, sizeof(before));
	RAND_set_rand_method(&broken);
	assert_int_equal(nonce_make(key, HM_LITERAL("PO-1"),
			     HM_LITERAL("line-1"), NOW, nonce),
	    HM_E_NO_ENTROPY);
	RAND_set_rand_method(NULL);
	assert_memory_equal(before, nonce, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_good_for_its_order_station_and_time),
		TEST(is_worth_nothing_for_another_order_or_station),
		TEST(is_refused_with_any_bit_changed),
		TEST(grows_stale_and_does_not_come_from_the_future),
		TEST(has_the_layout_of_challenge_h_and_differs_each_time),
		TEST(is_not_made_without_entropy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
