/* SPDX-License-Identifier: Apache-2.0 */
/* core/cbor: the strict form, every rule of it, both ways */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/cbor.h"

#define C(text) HM_LITERAL(text)

/* On the heap, so that a read beyond the end is caught. */
static hm_err
check(struct hm_bytes message)
{
	uint8_t *copy = malloc(message.len ? message.len : 1);
	hm_err err;

	assert_non_null(copy);
	memcpy(copy, message.ptr, message.len);
	err = hm_cbor_check((struct hm_bytes){ copy, message.len });
	free(copy);
	return err;
}

/* tests/vectors/cose/cbor-decoder.json, row by row */
static void
decides_as_the_shared_vectors(void **state)
{
	const struct {
		const char *id;
		bool accept;
		struct hm_bytes cbor;
	} vectors[] = {
		{ "cbor-ok-int0", true, HM_LITERAL("\x00") },
		{ "cbor-ok-int23", true, HM_LITERAL("\x17") },
		{ "cbor-ok-int24", true, HM_LITERAL("\x18\x18") },
		{ "cbor-ok-int-1", true, HM_LITERAL("\x20") },
		{ "cbor-ok-bstr", true, HM_LITERAL("\x43\x01\x02\x03") },
		{ "cbor-ok-tstr", true, HM_LITERAL("\x64\x49\x45\x54\x46") },
		{ "cbor-ok-arr", true, HM_LITERAL("\x83\x01\x02\x03") },
		{ "cbor-ok-map", true, HM_LITERAL("\xa2\x01\x02\x03\x04") },
		{ "cbor-ok-null", true, HM_LITERAL("\xf6") },
		{ "cbor-ok-true", true, HM_LITERAL("\xf5") },
		{ "cbor-bad-nonmin24", false, HM_LITERAL("\x18\x05") },
		{ "cbor-bad-indef-arr", false, HM_LITERAL("\x9f\x01\x02\xff") },
		{ "cbor-bad-indef-map", false, HM_LITERAL("\xbf\x01\x02\xff") },
		{ "cbor-bad-dup", false, HM_LITERAL("\xa2\x01\x02\x01\x03") },
		{ "cbor-bad-trunc", false, HM_LITERAL("\x44\x01") },
		{ "cbor-bad-utf8", false, HM_LITERAL("\x61\xff") },
		{ "cbor-bad-trail", false, HM_LITERAL("\x00\x00") },
		{ "cbor-bad-resv", false, HM_LITERAL("\x1c") },
		{ "cbor-bad-break", false, HM_LITERAL("\xff") },
		{ "cbor-bad-hugelen", false,
		    HM_LITERAL("\x5b\x80\x00\x00\x00\x00\x00\x00\x00") },
		{ "cbor-bad-float", false, HM_LITERAL("\xf9\x3c\x00") },
		{ "cbor-bad-oddmap", false, HM_LITERAL("\xa1\x01") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (check(vectors[i].cbor) !=
		    (vectors[i].accept ? HM_OK : HM_E_BAD_INPUT))
			fail_msg("%s", vectors[i].id);
}

static void
takes_only_the_shortest_heads(void **state)
{
	const struct hm_bytes good[] = {
		C("\x17"),
		C("\x18\x18"),
		C("\x18\xff"),
		C("\x19\x01\x00"),
		C("\x19\xff\xff"),
		C("\x1a\x00\x01\x00\x00"),
		C("\x1a\xff\xff\xff\xff"),
		C("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
		C("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
		C("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
		C("\xd8\x18\x00"),
	};
	const struct hm_bytes bad[] = {
		C("\x18\x00"),
		C("\x18\x17"),
		C("\x19\x00\x00"),
		C("\x19\x00\xff"),
		C("\x1a\x00\x00\x00\x00"),
		C("\x1a\x00\x00\xff\xff"),
		C("\x1b\x00\x00\x00\x00\x00\x00\x00\x00"),
		C("\x1b\x00\x00\x00\x00\xff\xff\xff\xff"),
		C("\x38\x17"),
		C("\x58\x01\x00"),
		C("\x78\x01\x61"),
		C("\x98\x01\x00"),
		C("\xb8\x01\x00\x00"),
		C("\xd8\x17\x00"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check(good[i]), HM_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(bad[i]), HM_E_BAD_INPUT);
}

/* All first bytes, with nothing after them. */
static void
takes_only_known_first_bytes(void **state)
{
	(void)state;
	for (int first = 0; first < 256; first++) {
		uint8_t byte[1] = { (uint8_t)first };
		int info = first & 0x1f;
		bool want = false;

		switch (first >> 5) {
		case 0:
		case 1:
			want = info < 24;
			break;
		case 6:
			break;
		case 7:
			want = info >= 20 && info <= 22;
			break;
		default:
			want = info == 0;
		}
		assert_int_equal(
		    check(HM_BYTES(byte)), want ? HM_OK : HM_E_BAD_INPUT);
	}
}

static void
refuses_floats_and_other_simple_values(void **state)
{
	const struct hm_bytes bad[] = {
		C("\xe0"),
		C("\xf3"),
		C("\xf7"),
		C("\xf8\x14"),
		C("\xf8\x20"),
		C("\xf8\xff"),
		C("\xf9\x00\x00"),
		C("\xfa\x00\x00\x00\x00"),
		C("\xfb\x00\x00\x00\x00\x00\x00\x00\x00"),
		/* simple values that would pass by their number alone */
		C("\xf9\x01\x00"),
		C("\xf8\x15"),
		C("\xf8\x16"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(bad[i]), HM_E_BAD_INPUT);
}

static void
map_keys_ascend_by_their_bytes(void **state)
{
	const struct hm_bytes good[] = {
		C("\xa0"),
		C("\xa2\x01\x00\x02\x00"),
		C("\xa3\x17\x00\x18\x18\x00\x20\x00"),
		C("\xa3\x0a\x01\x41\x00\x01\x61\x61\x01"),
		C("\xa2\x61\x62\x00\x62\x61\x61\x00"), /* shorter text first */
		C("\xa2\x81\x01\x00\x81\x02\x00"),     /* arrays as keys */
		C("\xa2\xa0\x00\xa1\x01\x01\x00"),     /* maps as keys */
		C("\xa1\xa2\x01\x00\x02\x00\x00"),
	};
	const struct hm_bytes bad[] = {
		C("\xa2\x02\x00\x01\x00"),
		C("\xa2\x01\x00\x01\x00"),
		C("\xa3\x01\x00\x02\x00\x02\x00"),
		C("\xa2\x20\x00\x17\x00"),
		C("\xa2\x62\x61\x61\x00\x61\x62\x00"),
		C("\xa2\x81\x02\x00\x81\x01\x00"),
		C("\xa2\x81\x01\x00\x81\x01\x00"),
		C("\xa1\xa2\x02\x00\x01\x00\x00"), /* inside a key */
		C("\xa1\x00\xa2\x02\x00\x01\x00"), /* inside a value */
		C("\x81\xa2\x02\x00\x01\x00"),
		C("\xc1\xa2\x01\x00\x01\x00"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check(good[i]), HM_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(bad[i]), HM_E_BAD_INPUT);
}

static void
counts_nesting_and_stops_at_the_maximum(void **state)
{
	static const uint8_t opens[] = { 0x81, 0xc1, 0xa1 };
	uint8_t deep[3 * HM_CBOR_DEPTH_MAX];

	(void)state;
	for (size_t kind = 0; kind < sizeof(opens); kind++)
		for (size_t depth = 1; depth <= HM_CBOR_DEPTH_MAX + 2;
		     depth++) {
			size_t len = 0;

			for (size_t i = 0; i < depth; i++) {
				deep[len++] = opens[kind];
				if (opens[kind] == 0xa1)
					deep[len++] = 0;
			}
			deep[len++] = 0;
			assert_int_equal(check((struct hm_bytes){ deep, len }),
			    depth <= HM_CBOR_DEPTH_MAX ? HM_OK
						       : HM_E_TOO_LARGE);
		}
	memset(deep, 0x81, HM_CBOR_DEPTH_MAX);
	deep[HM_CBOR_DEPTH_MAX] = 0x80; /* empty, and one too deep */
	assert_int_equal(
	    check((struct hm_bytes){ deep, HM_CBOR_DEPTH_MAX + 1 }),
	    HM_E_TOO_LARGE);
}

static void
is_not_fooled_by_long_or_missing_contents(void **state)
{
	const struct hm_bytes bad[] = {
		C(""),
		C("\x82\x00"),
		C("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\x00"),
		C("\x9a\xff\xff\xff\xff\x00"),
		C("\xbb\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00"),
		C("\xa2\x00\x00\x01"),
		C("\x7b\xff\xff\xff\xff\xff\xff\xff\xff\x61"),
		C("\x5a\x00\x01\x00\x00\x61"),
		C("\xc1"),
		C("\x81\xc1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check(bad[i]), HM_E_BAD_INPUT);
}

static void
takes_one_item_and_leaves_the_rest(void **state)
{
	struct hm_bytes message = C("\xa1\x01\x82\x02\x03\x61\x78");
	struct hm_cbor_in in;
	struct hm_bytes item;

	(void)state;
	hm_cbor_in_init(&in, message);
	item = hm_cbor_get_any(&in);
	assert_true(hm_bytes_equal(item, C("\xa1\x01\x82\x02\x03")));
	assert_int_equal(hm_cbor_in_end(&in), HM_E_BAD_INPUT);
	item = hm_cbor_get_any(&in);
	assert_true(hm_bytes_equal(item, C("\x61\x78")));
	assert_int_equal(hm_cbor_in_end(&in), HM_OK);
	item = hm_cbor_get_any(&in);
	assert_int_equal(item.len, 0);
	assert_int_equal(hm_cbor_in_end(&in), HM_E_BAD_INPUT);
}

static void
reads_what_it_wrote(void **state)
{
	static const uint64_t numbers[] = { 0, 23, 24, 255, 256, 65535, 65536,
		UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };
	static const int64_t ints[] = { INT64_MIN, -4294967297, -257, -256, -25,
		-24, -1, 0, 1, INT64_MAX };
	uint8_t room[256];
	struct hm_cbor_out out;
	struct hm_cbor_in in;
	size_t len;

	(void)state;
	hm_cbor_out_init(&out, (struct hm_span){ room, sizeof(room) });
	hm_cbor_put_array(&out, 27);
	for (size_t i = 0; i < 10; i++) {
		hm_cbor_put_uint(&out, numbers[i]);
		hm_cbor_put_int(&out, ints[i]);
	}
	hm_cbor_put_bytes(&out, C("\x00\xff"));
	hm_cbor_put_text(&out, C("h\xc3\xa4llo"));
	hm_cbor_put_map(&out, 1);
	hm_cbor_put_uint(&out, 5);
	hm_cbor_put_raw(&out, C("\x81\x06"));
	hm_cbor_put_tag(&out, 1000);
	hm_cbor_put_null(&out);
	hm_cbor_put_bool(&out, true);
	hm_cbor_put_bool(&out, false);
	hm_cbor_put_bytes_head(&out, 1);
	hm_cbor_put_raw(&out, C("b"));
	assert_int_equal(hm_cbor_out_end(&out, &len), HM_OK);
	assert_int_equal(hm_cbor_check((struct hm_bytes){ room, len }), HM_OK);

	hm_cbor_in_init(&in, (struct hm_bytes){ room, len });
	assert_int_equal(hm_cbor_get_array(&in, 27), 27);
	for (size_t i = 0; i < 10; i++) {
		assert_true(hm_cbor_get_uint(&in, UINT64_MAX) == numbers[i]);
		assert_true(hm_cbor_get_int(&in) == ints[i]);
	}
	assert_true(
	    hm_bytes_equal(hm_cbor_get_bytes(&in, 2, 2), C("\x00\xff")));
	assert_true(
	    hm_bytes_equal(hm_cbor_get_text(&in, 0, 10), C("h\xc3\xa4llo")));
	assert_int_equal(hm_cbor_get_map(&in, 9), 1);
	hm_cbor_key(&in, 5);
	assert_int_equal(hm_cbor_get_array(&in, 1), 1);
	assert_int_equal(hm_cbor_get_uint(&in, 6), 6);
	hm_cbor_get_tag(&in, 1000);
	hm_cbor_get_null(&in);
	assert_true(hm_cbor_get_bool(&in));
	assert_false(hm_cbor_get_bool(&in));
	assert_true(hm_bytes_equal(hm_cbor_get_bytes(&in, 1, 1), C("b")));
	assert_int_equal(hm_cbor_in_end(&in), HM_OK);
}

/* One call of each kind on `message`; the error it leaves. */
#define FAILS(message, call)                                          \
	do {                                                          \
		struct hm_cbor_in in_, *in = &in_;                    \
		hm_cbor_in_init(in, message);                         \
		const uint8_t *at = in->at;                           \
		call;                                                 \
		assert_int_equal(hm_cbor_in_end(in), HM_E_BAD_INPUT); \
		assert_int_equal(in->err, HM_E_BAD_INPUT);            \
		assert_ptr_equal(in->at, at);                         \
	} while (0)

static void
each_call_takes_its_own_kind_only(void **state)
{
	uint8_t four[4];

	(void)state;
	FAILS(C("\x20"), assert_int_equal(hm_cbor_get_uint(in, 9), 0));
	FAILS(C("\x0a"), assert_int_equal(hm_cbor_get_uint(in, 9), 0));
	FAILS(C("\x40"), assert_int_equal(hm_cbor_get_int(in), 0));
	FAILS(C("\x1b\x80\x00\x00\x00\x00\x00\x00\x00"),
	    assert_int_equal(hm_cbor_get_int(in), 0));
	FAILS(C("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"),
	    assert_int_equal(hm_cbor_get_int(in), 0));
	FAILS(C("\x61x"), assert_null(hm_cbor_get_bytes(in, 0, 9).ptr));
	FAILS(C("\x41x"), assert_null(hm_cbor_get_text(in, 0, 9).ptr));
	FAILS(C("\x41x"), assert_null(hm_cbor_get_bytes(in, 2, 9).ptr));
	FAILS(C("\x43xyz"), assert_null(hm_cbor_get_bytes(in, 0, 2).ptr));
	FAILS(C("\x43xy"), assert_null(hm_cbor_get_bytes(in, 0, 9).ptr));
	FAILS(C("\x61\xff"), assert_null(hm_cbor_get_text(in, 0, 9).ptr));
	FAILS(C("\x80"), assert_int_equal(hm_cbor_get_map(in, 9), 0));
	FAILS(C("\xa0"), assert_int_equal(hm_cbor_get_array(in, 9), 0));
	FAILS(C("\x82\x00\x00"), assert_int_equal(hm_cbor_get_array(in, 1), 0));
	FAILS(C("\x82\x00"), assert_int_equal(hm_cbor_get_array(in, 9), 0));
	FAILS(C("\xa1\x00"), assert_int_equal(hm_cbor_get_map(in, 9), 0));
	FAILS(C("\xc1\x00"), hm_cbor_get_tag(in, 2));
	FAILS(C("\x01\x00"), hm_cbor_get_tag(in, 1));
	FAILS(C("\xf6"), assert_false(hm_cbor_get_bool(in)));
	FAILS(C("\xf5"), hm_cbor_get_null(in));
	FAILS(C("\x02"), hm_cbor_key(in, 1));
	FAILS(C("\x21"), hm_cbor_key(in, 1));
	FAILS(C("\x82\x00"), assert_null(hm_cbor_get_any(in).ptr));
	memset(four, 0xa5, 4);
	FAILS(C("\x43xyz"), hm_cbor_get_fixed(in, four, 4));
	assert_memory_equal(four, "\0\0\0\0", 4);
	memset(four, 0xa5, 4);
	FAILS(C("\x45xyzab"), hm_cbor_get_fixed(in, four, 4));
	assert_memory_equal(four, "\0\0\0\0", 4);
}

static void
optional_items_are_consumed_only_if_there(void **state)
{
	struct hm_cbor_in in;

	(void)state;
	hm_cbor_in_init(&in, C("\x02\xf6\x03"));
	assert_false(hm_cbor_key_if(&in, 1));
	assert_false(hm_cbor_null_if(&in));
	assert_true(hm_cbor_key_if(&in, 2));
	assert_false(hm_cbor_key_if(&in, 2));
	assert_true(hm_cbor_null_if(&in));
	assert_true(hm_cbor_key_if(&in, 3));
	assert_false(hm_cbor_key_if(&in, 4));
	assert_false(hm_cbor_null_if(&in));
	assert_int_equal(hm_cbor_in_end(&in), HM_OK);
}

static void
the_first_error_sticks_and_nothing_moves(void **state)
{
	struct hm_cbor_in in;
	uint8_t byte = 1;

	(void)state;
	hm_cbor_in_init(&in, C("\x01\xf6\x41\x05\x81\x81\x81\x81"));
	assert_null(hm_cbor_get_text(&in, 0, 9).ptr);
	assert_int_equal(hm_cbor_get_uint(&in, 9), 0);
	assert_false(hm_cbor_key_if(&in, 1));
	assert_false(hm_cbor_null_if(&in));
	assert_int_equal(hm_cbor_get_int(&in), 0);
	hm_cbor_get_fixed(&in, &byte, 1);
	assert_int_equal(byte, 0);
	assert_null(hm_cbor_get_any(&in).ptr);
	assert_int_equal(*in.at, 1);
	assert_int_equal(in.err, HM_E_BAD_INPUT);
	assert_int_equal(hm_cbor_in_end(&in), HM_E_BAD_INPUT);
}

static void
too_deep_sticks_as_such(void **state)
{
	struct hm_cbor_in in;

	(void)state;
	hm_cbor_in_init(&in, C("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x00"));
	assert_null(hm_cbor_get_any(&in).ptr);
	assert_null(hm_cbor_get_bytes(&in, 0, 9).ptr);
	assert_int_equal(hm_cbor_in_end(&in), HM_E_TOO_LARGE);
}

static void
counts_on_when_the_room_ends(void **state)
{
	struct hm_cbor_out out;
	uint8_t *room = malloc(3);
	size_t len = 0;

	(void)state;
	assert_non_null(room);
	hm_cbor_out_init(&out, (struct hm_span){ room, 3 });
	hm_cbor_put_uint(&out, 1);
	hm_cbor_put_bytes(&out, C("abc"));
	hm_cbor_put_uint(&out, 2); /* must not slip into what is left */
	assert_int_equal(hm_cbor_out_end(&out, &len), HM_E_NO_ROOM);
	assert_int_equal(len, 6);
	assert_int_equal(room[0], 1);
	assert_int_equal(room[1], 0x43);
	free(room);

	hm_cbor_out_init(&out, (struct hm_span){ NULL, 0 });
	hm_cbor_put_text(&out, C("abc"));
	assert_int_equal(hm_cbor_out_end(&out, &len), HM_E_NO_ROOM);
	assert_int_equal(len, 4);
	out.len = SIZE_MAX - 1;
	hm_cbor_put_text(&out, C("abc"));
	assert_int_equal(hm_cbor_out_end(&out, &len), HM_E_NO_ROOM);
	assert_true(len == SIZE_MAX);
}

static void
does_not_write_text_that_is_not_utf8(void **state)
{
	struct hm_cbor_out out;
	uint8_t room[8];
	size_t len = 77;

	(void)state;
	hm_cbor_out_init(&out, (struct hm_span){ room, sizeof(room) });
	hm_cbor_put_text(&out, C("\xed\xa0\x80"));
	hm_cbor_put_null(&out);
	assert_int_equal(hm_cbor_out_end(&out, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
}

static void
an_empty_string_has_a_place(void **state)
{
	struct hm_cbor_in in;
	struct hm_bytes value;
	uint8_t none;

	(void)state;
	hm_cbor_in_init(&in, C("\x40\x60\x40"));
	value = hm_cbor_get_bytes(&in, 0, 9);
	assert_non_null(value.ptr);
	assert_int_equal(value.len, 0);
	value = hm_cbor_get_text(&in, 0, 9);
	assert_int_equal(value.len, 0);
	hm_cbor_get_fixed(&in, &none, 0);
	assert_int_equal(hm_cbor_in_end(&in), HM_OK);
	hm_cbor_in_init(&in, (struct hm_bytes){ 0 });
	assert_int_equal(hm_cbor_in_end(&in), HM_OK);
	assert_int_equal(hm_cbor_get_uint(&in, 9), 0);
	assert_int_equal(hm_cbor_in_end(&in), HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_shared_vectors),
		cmocka_unit_test(takes_only_the_shortest_heads),
		cmocka_unit_test(takes_only_known_first_bytes),
		cmocka_unit_test(refuses_floats_and_other_simple_values),
		cmocka_unit_test(map_keys_ascend_by_their_bytes),
		cmocka_unit_test(counts_nesting_and_stops_at_the_maximum),
		cmocka_unit_test(is_not_fooled_by_long_or_missing_contents),
		cmocka_unit_test(takes_one_item_and_leaves_the_rest),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(each_call_takes_its_own_kind_only),
		cmocka_unit_test(optional_items_are_consumed_only_if_there),
		cmocka_unit_test(the_first_error_sticks_and_nothing_moves),
		cmocka_unit_test(too_deep_sticks_as_such),
		cmocka_unit_test(counts_on_when_the_room_ends),
		cmocka_unit_test(does_not_write_text_that_is_not_utf8),
		cmocka_unit_test(an_empty_string_has_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
