/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CBOR "Content-Type: application/cbor\r\n"
#define FIVE "Content-Length: 5\r\n"

static struct hm_http_answer said;

static hm_err
parse(const char *text)
{
	said = (struct hm_http_answer){ .status = 7 };
	return hm_http_parse(hm_bytes_of(text), &said);
}

#define REFUSES(text)                                             \
	do {                                                      \
		assert_int_equal(parse(text), HM_E_HTTP);         \
		assert_int_equal(said.status, 7); /* as it was */ \
	} while (0)

static void
takes_the_answers_of_our_server(void **state)
{
	(void)state;
	assert_int_equal(parse(OK_LINE CBOR FIVE "\r\nhello"), HM_OK);
	assert_int_equal(said.status, 200);
	assert_int_equal(said.length, 5);
	assert_int_equal(said.head_len, strlen(OK_LINE CBOR FIVE "\r\n"));
	assert_true(said.is_cbor);
	assert_false(said.close);
	assert_int_equal(parse("HTTP/1.1 503 Service Unavailable\r\n"
			       "retry-after: 1\r\nCONNECTION: close\r\n"
			       "content-LENGTH:0\r\n\r\n"),
	    HM_OK);
	assert_int_equal(said.status, 503);
	assert_int_equal(said.length, 0);
	assert_true(said.close);
	assert_false(said.is_cbor);
}

static void
waits_for_the_whole_head(void **state)
{
	static const char whole[] = OK_LINE CBOR FIVE "\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		assert_int_equal(
		    hm_http_parse(
			(struct hm_bytes){ (const uint8_t *)whole, len },
			&said),
		    HM_E_NOT_FOUND);
	assert_int_equal(parse(whole), HM_OK);
}

static void
refuses_what_can_be_read_in_two_ways(void **state)
{
	(void)state;
	REFUSES(OK_LINE FIVE FIVE "\r\n");
	REFUSES(OK_LINE FIVE "Content-Length: 6\r\n\r\n");
	REFUSES(OK_LINE "Transfer-Encoding: chunked\r\n\r\n");
	REFUSES(OK_LINE FIVE "transfer-encoding: identity\r\n\r\n");
	REFUSES(OK_LINE FIVE " folded\r\n\r\n");
	REFUSES(OK_LINE "Content-Length : 5\r\n\r\n");
	REFUSES(OK_LINE CBOR "\r\n");
	REFUSES(OK_LINE CBOR CBOR FIVE "\r\n");
	REFUSES(OK_LINE FIVE "Connection: close\r\nConnection: close\r\n\r\n");
	REFUSES(OK_LINE FIVE "Expect: 100-continue\r\n\r\n");
	REFUSES(OK_LINE FIVE "Trailer: X\r\n\r\n");
	REFUSES(OK_LINE FIVE "Upgrade: h2c\r\n\r\n");
	REFUSES(OK_LINE FIVE "Content-Encoding: gzip\r\n\r\n");
	REFUSES("HTTP/1.1 200 OK\nContent-Length: 5\n\n");
	REFUSES("HTTP/1.1 200 OK\rContent-Length: 5\r\r");
	REFUSES(OK_LINE FIVE "X: a\x01"
			     "b\r\n\r\n");
	REFUSES(OK_LINE FIVE "X: \x80\r\n\r\n");
	REFUSES("\r\n" OK_LINE FIVE "\r\n");
}

static void
refuses_numbers_that_are_none(void **state)
{
	static const char *const lengths[] = { "", "-1", "+1", "0x5", "5 5",
		"5,5", "1000001", "10000000", "99999999999999999999", "5a" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    OK_LINE "Content-Length: %s\r\n\r\n", lengths[i]);
		REFUSES(text);
	}
	REFUSES("HTTP/1.1 99 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 100 Continue\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 199 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 200\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 600 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 2000 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.0 200 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1  200 OK\r\n" FIVE "\r\n");
	REFUSES("http/1.1 200 OK\r\n" FIVE "\r\n");
	REFUSES("HTTP/1.1 200OK\r\n" FIVE "\r\n");
	assert_int_equal(
	    parse(OK_LINE "Content-Length: 1000000\r\n\r\n"), HM_OK);
}

static void
a_head_has_an_end(void **state)
{
	static char text[HM_HTTP_HEAD_MAX + 64];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, OK_LINE "X:", strlen(OK_LINE "X:"));
	text[HM_HTTP_HEAD_MAX - 1] = 0;
	assert_int_equal(parse(text), HM_E_NOT_FOUND);
	text[HM_HTTP_HEAD_MAX - 1] = 'a';
	text[HM_HTTP_HEAD_MAX] = 0;
	REFUSES(text);
}

static void
a_request_is_one_post(void **state)
{
	uint8_t room[256];
	size_t len = 0;
	static const char wanted[] =
	    "POST /v1/issue HTTP/1.1\r\n"
	    "Host: a.example:8444\r\n" CBOR "Content-Length: 1234\r\n\r\n";

	(void)state;
	assert_int_equal(hm_http_request("a.example:8444", "/v1/issue", 1234,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(len, sizeof(wanted) - 1);
	assert_memory_equal(room, wanted, len);
	assert_int_equal(hm_http_request("a.example:8444", "/v1/issue", 1234,
			     (struct hm_span){ room, len - 1 }, &len),
	    HM_E_NO_ROOM);
}

static void
a_request_carries_no_second_line(void **state)
{
	static const char *const bad[] = { "", "a b", "a\r\nX: y", "a\n",
		"a%20", "a?b", "\x80" };
	uint8_t room[256];
	struct hm_span span = { room, sizeof(room) };
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(hm_http_request(bad[i], "/v1", 0, span, &len),
		    HM_E_BAD_INPUT);
		assert_int_equal(hm_http_request("a", bad[i], 0, span, &len),
		    HM_E_BAD_INPUT);
	}
	assert_int_equal(
	    hm_http_request("a", "v1", 0, span, &len), HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_answers_of_our_server),
		cmocka_unit_test(waits_for_the_whole_head),
		cmocka_unit_test(refuses_what_can_be_read_in_two_ways),
		cmocka_unit_test(refuses_numbers_that_are_none),
		cmocka_unit_test(a_head_has_an_end),
		cmocka_unit_test(a_request_is_one_post),
		cmocka_unit_test(a_request_carries_no_second_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
