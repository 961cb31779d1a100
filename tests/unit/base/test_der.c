/* SPDX-License-Identifier: Apache-2.0 */
/* base/der, against the forms of X.690 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/der.h"

static void
closes_elements_of_every_length(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535,
		65536 };
	uint8_t *content = calloc(1, 65536);

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		AUTO(buf) struct buf buf = { 0 };
		struct der_writer out = { .buf = &buf };
		struct der_reader in, inner;
		size_t mark;

		buf_init(&buf, 100000);
		mark = der_begin(&out, DER_SEQUENCE);
		der_put(&out, DER_OCTET_STRING,
		    (struct hm_bytes){ content, lengths[i] });
		der_put_uint(&out, 5);
		der_end(&out, mark);
		assert_int_equal(out.err, HM_OK);
		in = der_reader_of(buf_bytes(&buf));
		inner = der_enter(&in, DER_SEQUENCE);
		assert_int_equal(
		    der_get(&inner, DER_OCTET_STRING).len, lengths[i]);
		assert_int_equal(der_get_positive(&inner, 1).ptr[0], 5);
		der_leave(&in, &inner);
		assert_int_equal(der_close(&in), HM_OK);
	}
	free(content);
}

static void
writes_nothing_after_an_error(void **state)
{
	AUTO(buf) struct buf buf = { 0 };
	struct der_writer out = { .buf = &buf };
	size_t mark;

	(void)state;
	buf_init(&buf, 6);
	mark = der_begin(&out, DER_SEQUENCE);
	der_put_uint(&out, 1);
	der_put(&out, DER_OCTET_STRING, HM_LITERAL("too long"));
	assert_int_equal(out.err, HM_E_TOO_LARGE);
	der_put_uint(&out, 1);
	der_end(&out, mark);
	assert_int_equal(out.err, HM_E_TOO_LARGE);
	assert_true(buf.len <= 6);
}

struct times {
	uint64_t seconds;
	const char *der;
};

static const struct times times[] = {
	{ 0, "\x17\x0d"
	     "700101000000Z" },
	{ UINT64_C(2524607999), "\x17\x0d"
				"491231235959Z" },
	{ UINT64_C(2524608000), "\x18\x0f"
				"20500101000000Z" },
	{ UINT64_C(951782400), "\x17\x0d"
			       "000229000000Z" },
	{ DER_TIME_NEVER, "\x18\x0f"
			  "99991231235959Z" },
};

static void
gives_each_time_its_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		AUTO(buf) struct buf buf = { 0 };
		struct der_writer out = { .buf = &buf };
		struct der_reader in = der_reader_of(hm_bytes_of(times[i].der));

		buf_init(&buf, 64);
		der_put_time(&out, times[i].seconds);
		assert_true(
		    hm_bytes_equal(buf_bytes(&buf), hm_bytes_of(times[i].der)));
		assert_int_equal(der_get_time(&in), times[i].seconds);
		assert_int_equal(der_close(&in), HM_OK);
	}
	{
		AUTO(buf) struct buf buf = { 0 };
		struct der_writer out = { .buf = &buf };

		buf_init(&buf, 64);
		der_put_time(&out, DER_TIME_NEVER + 1);
		assert_int_equal(out.err, HM_E_CERT);
		assert_int_equal(buf.len, 0);
	}
}

static void
refuses_other_forms_of_time(void **state)
{
	static const char *const wrong[] = {
		"\x17\x0b"
		"7001010000Z", /* no seconds */
		"\x17\x11"
		"700101000000+0000",
		"\x17\x0d"
		"701301000000Z", /* month 13 */
		"\x17\x0d"
		"700230000000Z", /* 30 February */
		"\x17\x0d"
		"700101240000Z",
		"\x17\x0d"
		"700101000060Z",
		"\x17\x0d"
		"490101000000X",
		"\x17\x0d"
		"-90101000000Z",
		"\x17\x0d"
		"600101000000Z", /* 1960 */
		"\x18\x0f"
		"20491231235959Z", /* has to be UTCTime */
		"\x18\x11"
		"20500101000000.5Z",
		"\x18\x0d"
		"500101000000Z",
		"\x04\x0d"
		"700101000000Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct der_reader in = der_reader_of(hm_bytes_of(wrong[i]));

		assert_int_equal(der_get_time(&in), 0);
		assert_int_equal(in.err, HM_E_CERT);
	}
}

static void
writes_integers_in_their_shortest_form(void **state)
{
	static const struct {
		uint64_t value;
		struct hm_bytes der;
	} cases[] = {
		{ 0, { (const uint8_t *)"\x02\x01\x00", 3 } },
		{ 127, { (const uint8_t *)"\x02\x01\x7f", 3 } },
		{ 128, { (const uint8_t *)"\x02\x02\x00\x80", 4 } },
		{ 256, { (const uint8_t *)"\x02\x02\x01\x00", 4 } },
		{ UINT64_MAX,
		    { (const uint8_t *)"\x02\x09\x00\xff\xff\xff\xff\xff\xff"
				       "\xff\xff",
			11 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf) struct buf buf = { 0 };
		struct der_writer out = { .buf = &buf };

		buf_init(&buf, 64);
		der_put_uint(&out, cases[i].value);
		assert_true(hm_bytes_equal(buf_bytes(&buf), cases[i].der));
	}
}

#define CASE(text)                                        \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static void
refuses_what_is_not_der(void **state)
{
	static const struct hm_bytes lengths[] = {
		CASE(""), CASE("\x04"), CASE("\x04\x01"), /* content absent */
		CASE("\x04\x80\x00\x00"),                 /* indefinite */
		CASE("\x04\x81\x01\x00"),                 /* not shortest */
		CASE("\x04\x82\x00\x80"),                 /* leading zero */
		CASE("\x04\x84\x00\x00\x00\x01"),         /* too many */
		CASE("\x04\xff\x00"), CASE("\x04\x81"),
		CASE("\x1f\x1f\x01\x00"), /* high tag */
		CASE("\x05\x00"),         /* another tag */
	};
	static const struct hm_bytes positives[] = {
		CASE("\x02\x00"), CASE("\x02\x01\x00"), CASE("\x02\x01\x80"),
		CASE("\x02\x02\x00\x01"),
		CASE("\x02\x03\x01\x00\x00"), /* longer than asked for */
	};
	static const struct hm_bytes oids[] = {
		CASE("\x06\x00"), CASE("\x06\x02\x2b\x80"), /* cut off */
		CASE("\x06\x03\x2b\x80\x01"),               /* leading 80 */
	};
	static const struct hm_bytes bools[] = {
		CASE("\x01\x01\x01"),
		CASE("\x01\x00"),
		CASE("\x01\x02\xff\xff"),
	};
	static const struct hm_bytes bits[] = {
		CASE("\x03\x00"),
		CASE("\x03\x02\x01\xfe"),
	};

	(void)state;
#define REFUSES(cases, call)                                            \
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) { \
		struct der_reader in = der_reader_of(cases[i]);         \
		(void)(call);                                           \
		assert_int_equal(in.err, HM_E_CERT);                    \
		assert_int_equal(der_close(&in), HM_E_CERT);            \
		assert_false(der_more(&in));                            \
	}
	REFUSES(lengths, der_get(&in, DER_OCTET_STRING));
	REFUSES(positives, der_get_positive(&in, 2));
	REFUSES(oids, der_get_oid(&in));
	REFUSES(bools, der_get_bool(&in));
	REFUSES(bits, der_get_bits(&in));
}

static void
refuses_what_is_left_over_inside(void **state)
{
	struct der_reader in =
	    der_reader_of(HM_LITERAL("\x30\x06\x02\x01\x01\x02\x01\x02"));
	struct der_reader inner = der_enter(&in, DER_SEQUENCE);

	(void)state;
	(void)der_get_positive(&inner, 1);
	der_leave(&in, &inner);
	assert_int_equal(der_close(&in), HM_E_CERT);
	in = der_reader_of(HM_LITERAL("\x02\x01\x01\x00"));
	(void)der_get_positive(&in, 1);
	assert_int_equal(der_close(&in), HM_E_CERT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_elements_of_every_length),
		cmocka_unit_test(writes_nothing_after_an_error),
		cmocka_unit_test(gives_each_time_its_one_form),
		cmocka_unit_test(refuses_other_forms_of_time),
		cmocka_unit_test(writes_integers_in_their_shortest_form),
		cmocka_unit_test(refuses_what_is_not_der),
		cmocka_unit_test(refuses_what_is_left_over_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
