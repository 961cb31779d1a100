/* SPDX-License-Identifier: Apache-2.0 */
/* net/head: the one form, and what is not of it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/head.h"

static void
reads_a_request(void **state)
{
	static const char text[] =
	    "POST /api/v1/x-y_z.~/ HTTP/1.1\r\nhOST: a:1\r\n"
	    "Content-Length:   42 \t\r\nContent-Type: application/cbor\r\n"
	    "Connection: keep-alive ,CLOSE\r\nX:\r\n\r\n";
	struct head head;

	(void)state;
	assert_int_equal(head_parse_request(hm_bytes_of(text), &head), HM_OK);
	assert_int_equal(head.method, NET_POST);
	assert_int_equal(head.length, 42);
	assert_true(head.close);
	assert_true(hm_bytes_equal(head.path, HM_LITERAL("/api/v1/x-y_z.~/")));
	assert_true(hm_bytes_equal(head.type, HM_LITERAL("application/cbor")));
	assert_int_equal(head.query.len, 0);
	assert_int_equal(
	    head_parse_request(
		hm_bytes_of("GET /?a=%20&b=c/d HTTP/1.1\r\nHost:\r\n\r\n"),
		&head),
	    HM_OK);
	assert_int_equal(head.method, NET_GET);
	assert_int_equal(head.length, 0);
	assert_false(head.close);
	assert_true(hm_bytes_equal(head.path, HM_LITERAL("/")));
	assert_true(hm_bytes_equal(head.query, HM_LITERAL("a=%20&b=c/d")));
}

static void
reads_an_answer(void **state)
{
	struct head head;

	(void)state;
	assert_int_equal(
	    head_parse_answer(
		hm_bytes_of("HTTP/1.1 503 \r\nContent-Length: 0\r\n"
			    "Connection: close\r\n\r\n"),
		&head),
	    HM_OK);
	assert_int_equal(head.status, 503);
	assert_true(head.close);
}

/* Everything that a request or an answer may not be; test_net.py has them all
 * again, on the wire. */
static const char *const requests[] = {
	"",
	"\r\n",
	"GET / HTTP/1.1\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n\r\nx",
	"GET / HTTP/1.1\r\nHost: a\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
	"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\n\r\n",
	"get / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET //a HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a/./b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\n"
	"Content-Length: 1000000000000000000\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	"Content-Length: 1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	"Transfer-Encoding: chunked\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	"Expect: 100-continue\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nTrailer: x\r\n\r\n",
};
static const char *const answers[] = { "", "HTTP/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 100 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" };

static void
refuses_other_forms_and_changes_nothing(void **state)
{
	const struct head untouched = { .status = 777 };

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct head head = untouched;
		if (head_parse_request(hm_bytes_of(requests[i]), &head) !=
		    HM_E_HTTP)
			fail_msg("taken: %s", requests[i]);
		assert_int_equal(head.status, 777);
	}
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct head head = untouched;
		if (head_parse_answer(hm_bytes_of(answers[i]), &head) !=
		    HM_E_HTTP)
			fail_msg("taken: %s", answers[i]);
		assert_int_equal(head.status, 777);
	}
}

static void
takes_64_fields_and_no_more(void **state)
{
	char text[1024];
	struct head head;

	(void)state;
	for (unsigned fields = 63; fields <= 65; fields++) {
		size_t n = (size_t)snprintf(
		    text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (unsigned i = 1; i < fields; i++, n += 6)
			memcpy(text + n, "A: b\r\n", 6);
		memcpy(text + n, "\r\n", 2);
		assert_int_equal(
		    head_parse_request(
			(struct hm_bytes){ (uint8_t *)text, n + 2 }, &head),
		    fields <= HEAD_FIELDS_MAX ? HM_OK : HM_E_HTTP);
	}
}

static void
takes_a_path_of_512_bytes_and_a_type_of_63_and_no_more(void **state)
{
	char text[1024], path[600], type[80];
	struct head head;

	(void)state;
	memset(path, 'a', sizeof path);
	memset(type, 't', sizeof type);
	for (int more = 0; more <= 1; more++) {
		snprintf(text, sizeof text,
		    "GET /%.*s HTTP/1.1\r\nHost: a\r\n\r\n",
		    HEAD_PATH_MAX - 1 + more, path);
		assert_int_equal(head_parse_request(hm_bytes_of(text), &head),
		    more ? HM_E_HTTP : HM_OK);
		snprintf(text, sizeof text,
		    "GET / HTTP/1.1\r\nHost: a\r\nContent-Type: %.*s\r\n\r\n",
		    HEAD_TYPE_MAX + more, type);
		assert_int_equal(head_parse_request(hm_bytes_of(text), &head),
		    more ? HM_E_HTTP : HM_OK);
	}
}

static void
finds_the_end_of_a_head(void **state)
{
	static const char text[] = "A\r\nB: c\r\n\r\nmore";
	static uint8_t large[HEAD_MAX + 4];
	size_t len = 99;

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		assert_int_equal(
		    head_find_end((struct hm_bytes){ (const uint8_t *)text, n },
			n ? n - 1 : 0, &len),
		    HM_OK);
		assert_int_equal(len, n == 11 ? 11 : 0);
	}
	assert_int_equal(head_find_end(hm_bytes_of(text), 0, &len), HM_OK);
	assert_int_equal(len, 11);
	assert_int_equal(head_find_end(HM_LITERAL("A\nB"), 0, &len), HM_E_HTTP);
	assert_int_equal(head_find_end(HM_LITERAL("A\rB"), 0, &len), HM_E_HTTP);
	assert_int_equal(head_find_end(HM_LITERAL("\n"), 0, &len), HM_E_HTTP);
	assert_int_equal(head_find_end(HM_LITERAL("A\0B"), 0, &len), HM_E_HTTP);
	memset(large, 'a', sizeof large);
	assert_int_equal(
	    head_find_end((struct hm_bytes){ large, HEAD_MAX - 1 }, 0, &len),
	    HM_OK);
	assert_int_equal(
	    head_find_end((struct hm_bytes){ large, HEAD_MAX }, 0, &len),
	    HM_E_TOO_LARGE);
	memcpy(large + HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(
	    head_find_end((struct hm_bytes){ large, sizeof large }, 0, &len),
	    HM_OK);
	assert_int_equal(len, HEAD_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(reads_an_answer),
		cmocka_unit_test(refuses_other_forms_and_changes_nothing),
		cmocka_unit_test(takes_64_fields_and_no_more),
		cmocka_unit_test(
		    takes_a_path_of_512_bytes_and_a_type_of_63_and_no_more),
		cmocka_unit_test(finds_the_end_of_a_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
