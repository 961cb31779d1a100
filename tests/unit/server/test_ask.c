/* SPDX-License-Identifier: Apache-2.0 */
/* server/ask: one table holds for every message between processes */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "server/ask.h"

static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
static const uint8_t zeros[ASK_MESSAGE_MAX];

#define ROOM ((struct hm_span){ room, sizeof(room) })

static struct hm_bytes
request(ask_kind kind, size_t tail)
{
	struct hm_bytes message = { room, 0 };

	assert_int_equal(
	    ask_request(kind, 42, zeros, (struct hm_bytes){ zeros, tail }, ROOM,
		&message.len),
	    HM_OK);
	return message;
}

static hm_err
check(struct hm_bytes message, ask_party by)
{
	struct ask_head head = { .id = 1 };
	const void *body = NULL;
	struct hm_bytes tail = { 0 };
	hm_err err = ask_check_request(message, by, &head, &body, &tail);

	if (err != HM_OK) { /* nothing was given */
		assert_int_equal(head.id, 1);
		assert_null(body);
	}
	return err;
}

static void
takes_every_kind_from_its_party_only(void **state)
{
	uint32_t kinds = 0;

	(void)state;
	for (uint32_t kind = 0; kind < 256; kind++) {
		const struct ask_rule *rule = ask_rule(kind);
		ask_party other;
		struct hm_bytes message;

		if (rule == NULL)
			continue;
		kinds++;
		other = rule->by == ASK_BY_FRONT ? ASK_BY_KEEPER : ASK_BY_FRONT;
		message = request(rule->kind, rule->request_tail_max);
		assert_int_equal(check(message, rule->by), HM_OK);
		assert_int_equal(check(message, other), HM_E_RIGHTS);
		message = request(rule->kind, 0);
		assert_int_equal(check(message, rule->by), HM_OK);
	}
	assert_int_equal(kinds, 20);
}

static void
answers_every_kind_with_its_lengths(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < 256; kind++) {
		const struct ask_rule *rule = ask_rule(kind);
		struct ask_head head = { .kind = kind, .id = 9 }, got;
		struct hm_bytes message = { room, 0 }, tail;
		const void *body;

		if (rule == NULL)
			continue;
		assert_int_equal(
		    ask_answer(&head, HM_OK, zeros,
			(struct hm_bytes){ zeros, rule->answer_tail_max }, ROOM,
			&message.len),
		    HM_OK);
		assert_int_equal(
		    ask_check_answer(message, &got, &body, &tail), HM_OK);
		assert_int_equal(got.id, 9);
		assert_int_equal(tail.len, rule->answer_tail_max);
		assert_int_equal(
		    ask_answer(&head, HM_E_QUOTA, NULL, (struct hm_bytes){ 0 },
			ROOM, &message.len),
		    HM_OK);
		assert_int_equal(
		    ask_check_answer(message, &got, &body, &tail), HM_OK);
		assert_int_equal(got.err, HM_E_QUOTA);
		assert_memory_equal(body, zeros, rule->answer_len);
	}
}

static void
refuses_any_other_length(void **state)
{
	struct hm_bytes message = request(ASK_VOID, 100);
	struct ask_head head;

	(void)state;
	for (size_t len = 0; len < message.len; len++)
		assert_int_equal(
		    check((struct hm_bytes){ room, len }, ASK_BY_FRONT),
		    HM_E_BAD_INPUT);
	/* A head that lies about its tail. */
	memcpy(&head, room, sizeof(head));
	head.tail = 99;
	memcpy(room, &head, sizeof(head));
	assert_int_equal(check(message, ASK_BY_FRONT), HM_E_BAD_INPUT);
	head.tail = UINT32_MAX - 23;
	memcpy(room, &head, sizeof(head));
	assert_int_equal(check(message, ASK_BY_FRONT), HM_E_BAD_INPUT);
	/* A tail over the maximum of its kind. */
	message = request(ASK_OBJECT, HM_VOID_MAX + 1);
	memcpy(&head, room, sizeof(head));
	head.kind = ASK_VOID;
	memcpy(room, &head, sizeof(head));
	assert_int_equal(check(message, ASK_BY_FRONT), HM_E_BAD_INPUT);
}

static void
refuses_unknown_kinds_and_requests_with_an_error(void **state)
{
	struct hm_bytes message = request(ASK_HEALTH, 0);
	struct ask_head head;

	(void)state;
	memcpy(&head, room, sizeof(head));
	head.err = HM_E_QUOTA;
	memcpy(room, &head, sizeof(head));
	assert_int_equal(check(message, ASK_BY_FRONT), HM_E_BAD_INPUT);
	head.err = 0;
	head.kind = 13;
	memcpy(room, &head, sizeof(head));
	assert_int_equal(check(message, ASK_BY_FRONT), HM_E_BAD_INPUT);
	assert_null(ask_rule(0));
	assert_null(ask_rule(UINT32_MAX));
}

static void
says_when_the_room_is_too_small(void **state)
{
	struct hm_span small = { room, 23 };
	struct ask_head head = { .kind = ASK_HEALTH };
	size_t len = 77;

	(void)state;
	assert_int_equal(ask_request(ASK_HEALTH, 1, NULL,
			     (struct hm_bytes){ 0 }, small, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(ask_answer(&head, HM_OK, zeros, (struct hm_bytes){ 0 },
			     small, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(len, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_kind_from_its_party_only),
		cmocka_unit_test(answers_every_kind_with_its_lengths),
		cmocka_unit_test(refuses_any_other_length),
		cmocka_unit_test(
		    refuses_unknown_kinds_and_requests_with_an_error),
		cmocka_unit_test(says_when_the_room_is_too_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
