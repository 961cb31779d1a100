/* SPDX-License-Identifier: Apache-2.0 */
/* base/doc: JSON, written in order and read strictly */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/doc.h"

static void
writes_keys_in_their_order(void **state)
{
	AUTO_DOC struct doc *doc = doc_new("hallmark.test/1");
	AUTO(buf) struct buf text = { .max = 1000 };
	struct doc *list, *part;

	(void)state;
	doc_text(doc, "z", "last \"first\"");
	doc_text(doc, "absent", NULL);
	doc_uint(doc, "a", 7);
	doc_int(doc, "b", -7);
	doc_bool(doc, "c", true);
	doc_hex(doc, "d", HM_LITERAL("\x01\xff"));
	doc_time(doc, "e", 0);
	doc_real(doc, "f", 0.1);
	list = doc_array(doc, "g");
	doc_uint(list, NULL, 1);
	part = doc_object(list, NULL);
	doc_text(part, "h", "\xe4\xb8\xad");
	assert_int_equal(doc_write(doc, false, &text), HM_OK);
	assert_string_equal(buf_text(&text),
	    "{\"schema\":\"hallmark.test/1\",\"z\":\"last \\\"first\\\"\","
	    "\"a\":7,\"b\":-7,\"c\":true,\"d\":\"01ff\","
	    "\"e\":\"1970-01-01T00:00:00Z\",\"f\":0.1,"
	    "\"g\":[1,{\"h\":\"\xe4\xb8\xad\"}]}");
}

static void
says_at_the_end_that_a_text_was_not_utf8(void **state)
{
	AUTO_DOC struct doc *doc = doc_new(NULL);
	AUTO(buf) struct buf text = { .max = 1000 };

	(void)state;
	doc_text(doc, "a", "\xff");
	doc_text(doc, "b", "fine");
	assert_int_equal(doc_write(doc, false, &text), HM_E_BAD_INPUT);
	assert_int_equal(text.len, 0);
}

static void
refuses_to_write_beyond_the_maximum_and_changes_nothing(void **state)
{
	AUTO_DOC struct doc *doc = doc_new("x");
	AUTO(buf) struct buf text = { .max = 10 };

	(void)state;
	assert_int_equal(buf_print(&text, "ab"), HM_OK);
	assert_int_equal(doc_write(doc, true, &text), HM_E_TOO_LARGE);
	assert_string_equal(buf_text(&text), "ab");
}

static void
nothing_is_a_document_that_takes_everything(void **state)
{
	AUTO(buf) struct buf text = { .max = 10 };

	(void)state;
	doc_text(NULL, "a", "b");
	doc_hex(NULL, "a", HM_LITERAL("b"));
	assert_null(doc_object(NULL, "a"));
	assert_null(doc_array(NULL, "a"));
	assert_null(doc_get(NULL, "a"));
	assert_int_equal(doc_count(NULL), 0);
	assert_int_equal(doc_write(NULL, false, &text), HM_E_NO_MEMORY);
	doc_free(NULL);
}

static struct doc *
parsed(const char *text)
{
	struct doc *doc = NULL;

	assert_int_equal(doc_parse(hm_bytes_of(text), &doc, NULL), HM_OK);
	return doc;
}

static void
reads_what_is_there_and_falls_back_where_nothing_is(void **state)
{
	AUTO_DOC struct doc *doc = parsed(
	    "{\"t\":\"x\",\"i\":-5,\"r\":1.5,\"b\":true,"
	    "\"l\":[\"p\",\"q\"],\"o\":{\"k\":\"v\"},\"m\":[{\"n\":3}]}");

	(void)state;
	assert_string_equal(doc_get_text(doc, "t", "-"), "x");
	assert_string_equal(doc_get_text(doc, "none", "-"), "-");
	assert_int_equal(doc_get_int(doc, "i", 1), -5);
	assert_int_equal(doc_get_int(doc, "none", 1), 1);
	assert_true(doc_get_real(doc, "r", 0) > 1.4);
	assert_true(doc_get_bool(doc, "b", false));
	assert_int_equal(doc_count(doc_get(doc, "l")), 2);
	assert_string_equal(doc_text_at(doc_get(doc, "l"), 1), "q");
	assert_null(doc_text_at(doc_get(doc, "l"), 2));
	assert_string_equal(doc_get_text(doc_get(doc, "o"), "k", "-"), "v");
	assert_int_equal(doc_get_int(doc_at(doc_get(doc, "m"), 0), "n", 0), 3);
	assert_null(doc_get(doc, "none"));
	assert_int_equal(doc_check(doc, NULL), HM_OK);
}

static void
remembers_the_first_value_of_a_wrong_type(void **state)
{
	AUTO_DOC struct doc *doc =
	    parsed("{\"t\":5,\"i\":\"5\",\"f\":1.5,\"o\":[1]}");
	struct why why = { 0 };

	(void)state;
	assert_int_equal(doc_get_int(doc, "i", 9), 9);
	assert_string_equal(doc_get_text(doc, "t", "-"), "-");
	assert_int_equal(doc_check(doc, &why), HM_E_BAD_INPUT);
	assert_string_equal(why.text, "i wants a whole number");
}

static void
a_fraction_is_no_whole_number_and_a_list_no_object(void **state)
{
	AUTO_DOC struct doc *a = parsed("{\"f\":1.5}");
	AUTO_DOC struct doc *b = parsed("{\"o\":[1]}");

	(void)state;
	assert_int_equal(doc_get_int(a, "f", 9), 9);
	assert_int_equal(doc_check(a, NULL), HM_E_BAD_INPUT);
	assert_null(doc_get_text(doc_get(b, "o"), "x", NULL));
	assert_int_equal(doc_check(b, NULL), HM_E_BAD_INPUT);
}

static void
refuses_what_is_not_strict(void **state)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "{}x",
		"{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{'a':1}",
		"{\"a\":01}", "5", "nul", "{\"a\":1,}" };
	struct doc *doc = NULL;
	struct why why = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    doc_parse(hm_bytes_of(bad[i]), &doc, &why), HM_E_BAD_INPUT);
	assert_null(doc);
	assert_string_equal(why.where, "1:0");
}

static void
goes_sixteen_levels_down_and_no_further(void **state)
{
	struct doc *doc = NULL;

	(void)state;
	assert_int_equal(doc_parse(HM_LITERAL("[[[[[[[[[[[[[[[["
					      "]]]]]]]]]]]]]]]]"),
			     &doc, NULL),
	    HM_OK);
	doc_free(doc);
	doc = NULL;
	assert_int_equal(doc_parse(HM_LITERAL("[[[[[[[[[[[[[[[[["
					      "]]]]]]]]]]]]]]]]]"),
			     &doc, NULL),
	    HM_E_BAD_INPUT);
	/* Brackets in a text are no levels. */
	assert_int_equal(
	    doc_parse(HM_LITERAL("[\"\\\"[[[[[[[[[[[[[[[[[\"]"), &doc, NULL),
	    HM_OK);
	doc_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_keys_in_their_order),
		cmocka_unit_test(says_at_the_end_that_a_text_was_not_utf8),
		cmocka_unit_test(
		    refuses_to_write_beyond_the_maximum_and_changes_nothing),
		cmocka_unit_test(nothing_is_a_document_that_takes_everything),
		cmocka_unit_test(
		    reads_what_is_there_and_falls_back_where_nothing_is),
		cmocka_unit_test(remembers_the_first_value_of_a_wrong_type),
		cmocka_unit_test(
		    a_fraction_is_no_whole_number_and_a_list_no_object),
		cmocka_unit_test(refuses_what_is_not_strict),
		cmocka_unit_test(goes_sixteen_levels_down_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
