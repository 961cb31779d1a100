/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate: where a request ends, however its bytes come */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "net/gate.h"

struct seen {
	unsigned judged;
	uint64_t length;
	hm_err verdict;
};

static hm_err
judge(void *context, const struct head *head)
{
	struct seen *seen = context;

	seen->judged++;
	seen->length = head->length;
	return seen->verdict;
}

static const char two[] = "POST /a HTTP/1.1\r\nHost: x\r\n"
			  "Content-Length: 5\r\n\r\nhello"
			  "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

/* Feed in pieces of `step` and stop at each request as a server would. */
static unsigned
requests_in(struct hm_bytes bytes, size_t step, struct seen *seen)
{
	struct gate gate;
	unsigned found = 0;
	size_t at = 0;

	gate_init(&gate, judge, seen);
	while (at < bytes.len) {
		size_t n = bytes.len - at < step ? bytes.len - at : step;
		size_t took =
		    gate_feed(&gate, (struct hm_bytes){ bytes.ptr + at, n });
		at += took;
		if (gate.state == GATE_REFUSED)
			break;
		assert_true(took == n || gate.state == GATE_WHOLE);
		if (gate.state == GATE_WHOLE) {
			found++;
			gate_next(&gate);
			assert_int_equal(gate.state, GATE_IDLE);
		}
	}
	gate_done(&gate);
	return found;
}

static void
finds_the_same_requests_however_the_bytes_come(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof two; step++) {
		struct seen seen = { 0 };
		assert_int_equal(requests_in(hm_bytes_of(two), step, &seen), 2);
		assert_int_equal(seen.judged, 2);
	}
}

static void
stops_at_the_end_of_a_request(void **state)
{
	struct seen seen = { 0 };
	struct gate gate;
	size_t n;

	(void)state;
	gate_init(&gate, judge, &seen);
	n = gate_feed(&gate, hm_bytes_of(two));
	assert_int_equal(gate.state, GATE_WHOLE);
	assert_memory_equal(two + n, "GET /b", 6);
	assert_int_equal(gate_feed(&gate, hm_bytes_of(two)), 0);
	assert_true(hm_bytes_equal(gate.head.path, HM_LITERAL("/a")));
	gate_next(&gate);
	assert_int_equal(
	    gate_feed(&gate, hm_bytes_of(two + n)), sizeof two - 1 - n);
	assert_int_equal(gate.state, GATE_WHOLE);
	assert_true(hm_bytes_equal(gate.head.path, HM_LITERAL("/b")));
	gate_done(&gate);
}

static void
asks_for_the_verdict_before_a_byte_of_the_body(void **state)
{
	static const char head[] = "POST /a HTTP/1.1\r\nHost: x\r\n"
				   "Content-Length: 500\r\n\r\n";
	struct seen seen = { .verdict = HM_E_TOO_LARGE };
	struct gate gate;

	(void)state;
	gate_init(&gate, judge, &seen);
	gate_feed(&gate, hm_bytes_of(head));
	assert_int_equal(seen.judged, 1);
	assert_int_equal(seen.length, 500);
	assert_int_equal(gate.state, GATE_REFUSED);
	assert_int_equal(gate.err, HM_E_TOO_LARGE);
	gate_done(&gate);
}

static void
a_refusal_is_for_good(void **state)
{
	struct seen seen = { 0 };
	struct gate gate;

	(void)state;
	gate_init(&gate, judge, &seen);
	gate_feed(&gate, HM_LITERAL("GET / HTTP/1.1\n"));
	assert_int_equal(gate.state, GATE_REFUSED);
	assert_int_equal(gate.err, HM_E_HTTP);
	gate_next(&gate);
	assert_int_equal(gate_feed(&gate, hm_bytes_of(two)), 0);
	assert_int_equal(gate.state, GATE_REFUSED);
	assert_int_equal(seen.judged, 0);
	gate_done(&gate);
}

static void
refuses_an_endless_head(void **state)
{
	static uint8_t endless[3 * HEAD_MAX];

	(void)state;
	memset(endless, 'a', sizeof endless);
	for (size_t step = 1; step < sizeof endless; step = step * 7 + 1) {
		struct seen seen = { 0 };
		struct gate gate;

		gate_init(&gate, judge, &seen);
		for (size_t at = 0; at < sizeof endless; at += step) {
			size_t n = sizeof endless - at;
			gate_feed(&gate, (struct hm_bytes){ endless + at,
					     n < step ? n : step });
		}
		assert_int_equal(gate.err, HM_E_TOO_LARGE);
		assert_true(gate.text.len <= HEAD_MAX);
		gate_done(&gate);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    finds_the_same_requests_however_the_bytes_come),
		cmocka_unit_test(stops_at_the_end_of_a_request),
		cmocka_unit_test(
		    asks_for_the_verdict_before_a_byte_of_the_body),
		cmocka_unit_test(a_refusal_is_for_good),
		cmocka_unit_test(refuses_an_endless_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
