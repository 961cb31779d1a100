/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sign1: made and opened for one key and one purpose */
#include "../crypto/hex.h"

#include "base/auto.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "seal/sign1.h"
#include "wire/claims.h"

#define PAYLOAD "what is signed"
#define MAX 1024

static struct p256_pair *pair;
static uint8_t point[HM_POINT_LEN], kid[HM_KID_LEN];
static struct buf message;

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, point);
	sign1_kid(point, kid);
	buf_init(&message, MAX);
	assert_int_equal(
	    sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_STAMP),
		HM_LITERAL(PAYLOAD), p256_pair_signer, pair, &message),
	    HM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_done(&message);
	p256_pair_free(pair);
	return 0;
}

static hm_err
open_for(const char *aad, struct hm_bytes *ret)
{
	return sign1_open(
	    buf_bytes(&message), MAX, hm_bytes_of(aad), point, ret);
}

static void
opens_what_it_made(void **state)
{
	struct hm_bytes payload;

	(void)state;
	assert_int_equal(open_for(HM_AAD_STAMP, &payload), HM_OK);
	assert_true(hm_bytes_equal(payload, HM_LITERAL(PAYLOAD)));
	assert_in_range(
	    payload.ptr - message.ptr, 1, message.len - payload.len);
	/* 18([h'a20126 04 48 kid', {}, payload, signature]) */
	assert_hex(message.ptr, 8, "d2844da201260448");
	assert_memory_equal(message.ptr + 8, kid, sizeof(kid));
}

static void
appends_behind_what_is_there(void **state)
{
	size_t len = message.len;
	struct hm_bytes payload, none = { 0 };

	(void)state;
	assert_int_equal(sign1_make(none, HM_LITERAL(HM_AAD_VOID), none,
			     p256_pair_signer, pair, &message),
	    HM_OK);
	assert_int_equal(sign1_open((struct hm_bytes){ message.ptr + len,
					message.len - len },
			     MAX, HM_LITERAL(HM_AAD_VOID), point, &payload),
	    HM_OK);
	assert_int_equal(payload.len, 0);
}

static void
is_worth_nothing_for_another_purpose_or_key(void **state)
{
	struct hm_bytes payload = HM_LITERAL("untouched");
	struct p256_pair *other;

	(void)state;
	assert_int_equal(
	    open_for(HM_AAD_CONFORMANCE, &payload), HM_E_SIGNATURE);
	assert_int_equal(open_for("", &payload), HM_E_SIGNATURE);
	assert_int_equal(p256_pair_new(&other), HM_OK);
	p256_pair_point(other, point);
	p256_pair_free(other);
	assert_int_equal(open_for(HM_AAD_STAMP, &payload), HM_E_SIGNATURE);
	point[64] ^= 1;
	assert_int_equal(open_for(HM_AAD_STAMP, &payload), HM_E_KEY);
	assert_true(hm_bytes_equal(payload, HM_LITERAL("untouched")));
}

static void
no_bit_can_be_changed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * message.len; bit++) {
		struct hm_bytes payload;
		hm_err err;

		message.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = open_for(HM_AAD_STAMP, &payload);
		assert_true(err == HM_E_BAD_INPUT || err == HM_E_SIGNATURE);
		message.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
refuses_what_is_too_long_or_cut(void **state)
{
	struct hm_bytes payload;

	(void)state;
	assert_int_equal(sign1_open(buf_bytes(&message), message.len - 1,
			     HM_LITERAL(HM_AAD_STAMP), point, &payload),
	    HM_E_BAD_INPUT);
	message.len--;
	assert_int_equal(open_for(HM_AAD_STAMP, &payload), HM_E_BAD_INPUT);
	message.len++;
}

static hm_err
no_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	(void)digest, (void)ret;
	++*(int *)context;
	return HM_E_TOKEN_GONE;
}

static void
forwards_the_signers_error_and_appends_nothing(void **state)
{
	size_t len = message.len;
	struct hm_bytes payload;
	int calls = 0;

	(void)state;
	assert_int_equal(sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_STAMP),
			     HM_LITERAL(PAYLOAD), no_signer, &calls, &message),
	    HM_E_TOKEN_GONE);
	assert_int_equal(calls, 1);
	assert_int_equal(message.len, len);
	assert_int_equal(open_for(HM_AAD_STAMP, &payload), HM_OK);
}

static void
signs_nothing_that_does_not_fit(void **state)
{
	static const uint8_t large[MAX];
	AUTO(buf) struct buf small = { 0 };
	int calls = 0;

	(void)state;
	buf_init(&small, sizeof(PAYLOAD) + 60);
	assert_int_equal(sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_STAMP),
			     HM_LITERAL(PAYLOAD), no_signer, &calls, &small),
	    HM_E_TOO_LARGE);
	assert_int_equal(sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_STAMP),
			     HM_BYTES(large), no_signer, &calls, &small),
	    HM_E_TOO_LARGE);
	assert_int_equal(small.len, 0);
	assert_int_equal(calls, 0);
}

static void
refuses_a_key_id_of_another_length(void **state)
{
	size_t len = message.len;
	uint8_t digest[32], large[HM_COSE_HEAD_MAX] = { 0 };
	int calls = 0;

	(void)state;
	assert_int_equal(
	    sign1_make((struct hm_bytes){ kid, 7 }, HM_LITERAL(HM_AAD_STAMP),
		HM_LITERAL(PAYLOAD), no_signer, &calls, &message),
	    HM_E_BAD_INPUT);
	assert_int_equal(calls, 0);
	assert_int_equal(message.len, len);
	assert_int_equal(sign1_digest(HM_BYTES(kid), HM_BYTES(large),
			     HM_LITERAL(PAYLOAD), digest),
	    HM_E_NO_ROOM);
}

static void
its_digest_is_of_the_sig_structure(void **state)
{
	uint8_t head[] = "\x84\x6aSignature1\x43\xa1\x01\x26\x41x\x42pq";
	uint8_t a[32], b[32];

	(void)state;
	sha256_one((struct hm_bytes){ head, sizeof(head) - 1 }, a);
	assert_int_equal(sign1_digest((struct hm_bytes){ 0 }, HM_LITERAL("x"),
			     HM_LITERAL("pq"), b),
	    HM_OK);
	assert_memory_equal(a, b, sizeof(a));
}

static void
a_key_id_is_of_the_spki(void **state)
{
	uint8_t spki[HM_SPKI_LEN], digest[SHA256_LEN];

	(void)state;
	hm_spki_encode(point, spki);
	sha256_one(HM_BYTES(spki), digest);
	assert_memory_equal(kid, digest, sizeof(kid));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_it_made),
		TEST(appends_behind_what_is_there),
		TEST(is_worth_nothing_for_another_purpose_or_key),
		TEST(no_bit_can_be_changed),
		TEST(refuses_what_is_too_long_or_cut),
		TEST(forwards_the_signers_error_and_appends_nothing),
		TEST(signs_nothing_that_does_not_fit),
		TEST(refuses_a_key_id_of_another_length),
		TEST(its_digest_is_of_the_sig_structure),
		TEST(a_key_id_is_of_the_spki),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
