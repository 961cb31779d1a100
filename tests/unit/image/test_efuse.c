/* SPDX-License-Identifier: Apache-2.0 */
/* image/efuse: the Reed-Solomon coder, against two others' answers */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "image/efuse.h"

static const struct {
	const char *data, *parity;
} answers[] = {
	{ "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc",
	    "caa8eb68598a020eeb25d020" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000" },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "13a36292597404257375e0aa" },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	    "a04c470d3ffcb203dae9f413" },
	{ "22632fb8eef317a5762ac19b2571ef8b9d0892b77c6862d564d4d33eef1e338d",
	    "6ad62810413019ba82f87517" },
	{ "0000000000000000000000000000000000000000000000000000000000000001",
	    "44774376dc1f07545c7fd561" },
};

static void
knows_the_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		uint8_t data[EFUSE_CODED], want[EFUSE_PARITY];
		uint8_t got[EFUSE_PARITY];

		assert_int_equal(
		    hex_parse(hm_bytes_of(answers[i].data), data, sizeof(data)),
		    HM_OK);
		assert_int_equal(hex_parse(hm_bytes_of(answers[i].parity), want,
				     sizeof(want)),
		    HM_OK);
		efuse_parity(data, got);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void
tables_do_not_overlap(void **state)
{
	static const char *const names[] = { "esp32", "esp32s2", "esp32s3",
		"esp32c2", "esp32c3", "esp32c5", "esp32c6", "esp32c61",
		"esp32h2", "esp32h21", "esp32h4", "esp32p4", "esp32s31" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct efuse_chip *chip = efuse_chip_named(names[i]);
		bool seen[288] = { false };

		assert_non_null(chip);
		for (const struct efuse_field *f = chip->fields;
		     f->name != NULL; f++)
			for (size_t bit = 0; bit < f->bits; bit++) {
				assert_false(seen[f->bit + bit]);
				seen[f->bit + bit] = true;
			}
		assert_true(chip->key0 + chip->keys * 32u <= chip->size);
	}
	assert_null(efuse_chip_named("esp8266"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_answers),
		cmocka_unit_test(tables_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
