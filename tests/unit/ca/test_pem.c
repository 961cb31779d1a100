/* SPDX-License-Identifier: Apache-2.0 */
/* ca: PEM */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "ca/ca.h"

static void
gives_back_what_was_put_in_at_every_length(void **state)
{
	uint8_t der[200];

	(void)state;
	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(i * 7);
	for (size_t len = 1; len <= sizeof(der); len++) {
		AUTO(buf) struct buf pem = { 0 };
		AUTO(buf) struct buf back = { 0 };

		buf_init(&pem, 1000);
		buf_init(&back, len);
		assert_int_equal(pem_format("CERTIFICATE",
				     (struct hm_bytes){ der, len }, &pem),
		    HM_OK);
		assert_int_equal(
		    pem_parse("CERTIFICATE", buf_bytes(&pem), &back), HM_OK);
		assert_int_equal(back.len, len);
		assert_memory_equal(back.ptr, der, len);
	}
}

static void
takes_the_first_block_of_the_label(void **state)
{
	static const char text[] = "hello\r\n"
				   "-----BEGIN X509 CRL-----\r\nAAAA\r\n"
				   "-----END X509 CRL-----\r\n"
				   "-----BEGIN CERTIFICATE-----\r\nAQID\r\n"
				   "BA==\r\n"
				   "-----END CERTIFICATE-----\r\n"
				   "-----BEGIN CERTIFICATE-----\nBBBB\n"
				   "-----END CERTIFICATE-----";
	AUTO(buf) struct buf back = { 0 };

	(void)state;
	buf_init(&back, 100);
	assert_int_equal(
	    pem_parse("CERTIFICATE", hm_bytes_of(text), &back), HM_OK);
	assert_int_equal(back.len, 4);
	assert_memory_equal(back.ptr, "\1\2\3\4", 4);
}

static void
refuses_what_is_not_pem_and_changes_nothing(void **state)
{
	static const char *const wrong[] = {
		"",
		"AQID",
		"-----BEGIN CERTIFICATE-----\nAQID\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAQI\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAQ*D\n"
		"-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nX: y\n\nAQID\n"
		"-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAQID\n-----END PUBLIC KEY-----\n",
		" -----BEGIN CERTIFICATE-----\nAQID\n"
		"-----END CERTIFICATE-----\n",
	};
	AUTO(buf) struct buf back = { 0 };

	(void)state;
	buf_init(&back, 100);
	assert_int_equal(buf_add(&back, HM_LITERAL("kept")), HM_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(
		    pem_parse("CERTIFICATE", hm_bytes_of(wrong[i]), &back),
		    HM_E_CERT);
		assert_int_equal(back.len, 4);
	}
}

static void
keeps_the_maximum_of_the_buffer(void **state)
{
	AUTO(buf) struct buf small = { 0 };

	(void)state;
	buf_init(&small, 40);
	assert_int_equal(pem_format("CERTIFICATE", HM_LITERAL("abc"), &small),
	    HM_E_TOO_LARGE);
	assert_int_equal(small.len, 0);
	buf_done(&small);
	buf_init(&small, 2);
	assert_int_equal(
	    pem_parse("X",
		HM_LITERAL("-----BEGIN X-----\nAQID\n-----END X-----"), &small),
	    HM_E_TOO_LARGE);
	assert_int_equal(small.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_put_in_at_every_length),
		cmocka_unit_test(takes_the_first_block_of_the_label),
		cmocka_unit_test(refuses_what_is_not_pem_and_changes_nothing),
		cmocka_unit_test(keeps_the_maximum_of_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
