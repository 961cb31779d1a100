/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader's own verification against the provider's, and at edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "image_parts.h"

static uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
	0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };

/* What both say; they say the same. */
static hm_verdict
both(const uint8_t *key, const uint8_t *digest, const uint8_t *signature)
{
	hm_verdict ours = image_p256_small(key, digest, signature);

	assert_int_equal(ours, hm_p256_verify(key, digest, signature));
	return ours;
}

/* Bytes that follow from a number. */
static void
draw(uint32_t number, uint8_t label, uint8_t ret[static 32])
{
	uint8_t seed[5] = { label };

	hm_put_u32(seed + 1, number);
	hm_sha256(HM_BYTES(seed), ret);
}

static void
agrees_on_signatures_and_on_altered_ones(void **unused)
{
	uint8_t scalar[32], digest[32], key[65], signature[64];
	size_t at;

	(void)unused;
	for (uint32_t i = 0; i < 128; i++) {
		draw(i, 1, scalar);
		draw(i, 2, digest);
		assert_int_equal(hm_p256_public(scalar, key), HM_OK);
		assert_int_equal(
		    hm_p256_sign(scalar, digest, signature), HM_OK);
		assert_int_equal(both(key, digest, signature), HM_VERDICT_YES);
		at = i % 64;
		signature[at] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(both(key, digest, signature), HM_VERDICT_NO);
		signature[at] ^= (uint8_t)(1 << i % 8);
		digest[i % 32] ^= 0x10;
		assert_int_equal(both(key, digest, signature), HM_VERDICT_NO);
		key[1 + at] ^= 1; /* mostly not on the curve */
		assert_int_equal(both(key, digest, signature), HM_VERDICT_NO);
	}
}

/* Private keys near 0 and n: sums meet equal points, opposite ones, and
 * infinity on the way. */
static void
agrees_where_points_meet(void **unused)
{
	uint8_t scalar[32], digest[32], key[65], signature[64];

	(void)unused;
	for (uint32_t i = 1; i < 60; i++) {
		memset(scalar, 0, sizeof(scalar));
		scalar[31] = (uint8_t)i;
		if (i >= 30) { /* n - 1, n - 2 ... */
			memcpy(scalar, order, sizeof(scalar));
			scalar[31] = (uint8_t)(scalar[31] - (i - 29));
		}
		assert_int_equal(hm_p256_public(scalar, key), HM_OK);
		for (uint8_t k = 0; k < 6; k++) {
			draw(i, k, digest);
			if (k < 4)
				memset(digest, k == 0 ? 0 : 0xFF, 32 - k);
			assert_int_equal(
			    hm_p256_sign(scalar, digest, signature), HM_OK);
			/* some providers refuse a digest of zeros */
			assert_int_equal(
			    k == 0 ? image_p256_small(key, digest, signature)
				   : both(key, digest, signature),
			    HM_VERDICT_YES);
			/* e = r: the same multiple of both points */
			(void)both(key, signature, signature);
			(void)both(key, signature + 32, signature);
		}
	}
}

static void
small_numbers_and_the_order(void **unused)
{
	uint8_t scalar[32] = { 0 }, digest[32], key[65], signature[64];

	(void)unused;
	for (uint32_t i = 0; i < 256; i++) {
		draw(i, 9, scalar);
		if (i % 2 == 0) {
			memset(scalar, 0, 31);
			scalar[31] = (uint8_t)(i / 2 + 1);
		}
		assert_int_equal(hm_p256_public(scalar, key), HM_OK);
		draw(i, 10, digest);
		memset(signature, 0, sizeof(signature));
		signature[31] = (uint8_t)i;
		signature[63] = (uint8_t)(i >> 4);
		if (i % 3 == 1)
			memcpy(signature, order, 32);
		if (i % 3 == 2)
			memcpy(signature + 32, order, 32);
		signature[31] = (uint8_t)(signature[31] + (i & 3) - 1);
		if (i % 5 == 0)
			memcpy(digest, order, 32);
		(void)both(key, digest, signature);
	}
}

static void
hex(const json_t *row, const char *name, uint8_t *ret, size_t len)
{
	const char *text = json_string_value(json_object_get(row, name));

	assert_int_equal(strlen(text), 2 * len);
	assert_int_equal(hex_parse(hm_bytes_of(text), ret, len), HM_OK);
}

static void
edges_get_their_verdicts(void **unused)
{
	json_t *all = json_load_file(EDGES, 0, NULL), *row;
	uint8_t key[65], digest[32], signature[64];
	size_t at, count = 0;

	(void)unused;
	assert_non_null(all);
	json_array_foreach(json_object_get(all, "rows"), at, row)
	{
		const char *alg =
		    json_string_value(json_object_get(row, "alg"));
		const json_t *expect = json_object_get(row, "expect");

		if (strcmp(alg, "p256") != 0 || json_is_null(expect))
			continue;
		hex(row, "key", key, sizeof(key));
		hex(row, "message", digest, sizeof(digest));
		hex(row, "signature", signature, sizeof(signature));
		count++;
		assert_int_equal(image_p256_small(key, digest, signature),
		    json_is_true(expect) ? HM_VERDICT_YES : HM_VERDICT_NO);
	}
	json_decref(all);
	assert_true(count >= 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_signatures_and_on_altered_ones),
		cmocka_unit_test(agrees_where_points_meet),
		cmocka_unit_test(small_numbers_and_the_order),
		cmocka_unit_test(edges_get_their_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
