/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader's own SHA-256 against the provider's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hallmark/crypto.h"

#define LONGEST 300u

static uint8_t message[LONGEST];

/* In two pieces. */
static void
hash(size_t len, size_t cut, uint8_t ret[static HM_DIGEST_LEN])
{
	struct hm_sha256 sha;

	hm_sha256_init(&sha);
	hm_sha256_add(&sha, (struct hm_bytes){ message, cut });
	hm_sha256_add(&sha, (struct hm_bytes){ message + cut, len - cut });
	hm_sha256_end(&sha, ret);
	for (size_t i = 0; i < sizeof(sha.state) / sizeof(*sha.state); i++)
		assert_int_equal(sha.state[i], 0);
}

static void
says_what_the_provider_says_however_it_is_cut(void **unused)
{
	uint8_t ours[HM_DIGEST_LEN], theirs[HM_DIGEST_LEN];

	(void)unused;
	for (size_t i = 0; i < LONGEST; i++)
		message[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= LONGEST; len++) {
		hm_sha256((struct hm_bytes){ message, len }, theirs);
		for (size_t cut = 0; cut <= len; cut += cut < 70 ? 1 : 61) {
			hash(len, cut, ours);
			assert_memory_equal(ours, theirs, sizeof(ours));
		}
	}
}

/* FIPS 180-2, appendix B.1 */
static void
hashes_abc(void **unused)
{
	static const uint8_t want[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01,
		0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10,
		0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	uint8_t ours[HM_DIGEST_LEN];

	(void)unused;
	memcpy(message, "abc", 3);
	hash(3, 1, ours);
	assert_memory_equal(ours, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_provider_says_however_it_is_cut),
		cmocka_unit_test(hashes_abc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
