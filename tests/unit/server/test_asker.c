/* SPDX-License-Identifier: Apache-2.0 */
/* server/front/asker: asks under way, with a played keeper at the other end */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/process.h"
#include "server/front/asker.h"

static struct loop *loop;
static struct asker *asker;
static int ends[2]; /* the front's, the keeper's */
static int broken;
static struct ask_health_answer health;

/* What a callback was told. */
struct told {
	int times;
	hm_err err;
	uint64_t size;
	bool had_body;
};
static struct told told[ASKER_MAX + 1];
static size_t wanted, arrived;

static void
on_broken(void *context)
{
	assert_ptr_equal(context, &broken);
	broken++;
	loop_stop(loop);
}

static void
on_done(void *context, hm_err err, const void *body, struct hm_bytes tail)
{
	const struct ask_health_answer *answer = body;
	struct told *one = context;

	(void)tail;
	one->times++;
	one->err = err;
	one->had_body = body != NULL;
	if (body != NULL)
		one->size = answer->size;
	if (++arrived == wanted)
		loop_stop(loop);
}

static int
setup(void **state)
{
	(void)state;
	memset(told, 0, sizeof(told));
	broken = 0;
	wanted = arrived = 0;
	return loop_new(&loop) != HM_OK || channel_pair(ends, NULL) != HM_OK ||
	       asker_new(loop, ends[0], on_broken, &broken, &asker) != HM_OK;
}

static int
teardown(void **state)
{
	(void)state;
	asker_free(asker);
	loop_free(loop);
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

static hm_err
ask(size_t i)
{
	return asker_send(
	    asker, ASK_HEALTH, NULL, (struct hm_bytes){ 0 }, on_done, &told[i]);
}

/* ---- the keeper ---- */

static struct ask_head
hear(void)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	struct ask_head head;
	struct hm_bytes tail;
	const void *body;
	size_t len;

	assert_int_equal(
	    channel_recv(
		ends[1], (struct hm_span){ room, sizeof(room) }, 0, &len, NULL),
	    HM_OK);
	assert_int_equal(ask_check_request((struct hm_bytes){ room, len },
			     ASK_BY_FRONT, &head, &body, &tail),
	    HM_OK);
	return head;
}

static void
say(const struct ask_head *request, hm_err err)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	size_t len;

	assert_int_equal(ask_answer(request, err, err == HM_OK ? &health : NULL,
			     (struct hm_bytes){ 0 },
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(channel_send(ends[1], (struct hm_bytes){ room, len },
			     CHANNEL_FOREVER, NULL),
	    HM_OK);
}

/* Let the front hear until `count` answers more have come, or it breaks. */
static void
listen_for(size_t count)
{
	wanted = arrived + count;
	assert_int_equal(loop_run(loop), HM_OK);
}

/* ---- tests ---- */

static void
gives_each_answer_to_who_asked_in_any_order(void **state)
{
	static const size_t order[] = { 2, 0, 3, 1 };
	struct ask_head heads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ask(i), HM_OK);
	for (size_t i = 0; i < 4; i++)
		heads[i] = hear();
	for (size_t i = 0; i < 4; i++) {
		health.size = 100 + order[i];
		say(&heads[order[i]], HM_OK);
	}
	assert_int_equal(told[0].times, 0); /* never before the loop */
	listen_for(4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(told[i].times, 1);
		assert_int_equal(told[i].err, HM_OK);
		assert_int_equal(told[i].size, 100 + i);
	}
	assert_int_equal(broken, 0);
}

static void
passes_a_refusal_on_without_a_body(void **state)
{
	struct ask_head head;

	(void)state;
	assert_int_equal(ask(0), HM_OK);
	head = hear();
	say(&head, HM_E_QUOTA);
	listen_for(1);
	assert_int_equal(told[0].err, HM_E_QUOTA);
	assert_false(told[0].had_body);
}

static void
breaks_on_an_answer_that_nobody_asked_for(void **state)
{
	struct ask_head head;

	(void)state;
	assert_int_equal(ask(0), HM_OK);
	head = hear();
	head.id += 1;
	say(&head, HM_OK);
	listen_for(1);
	assert_int_equal(broken, 1);
	assert_int_equal(told[0].times, 0);
	assert_int_equal(ask(1), HM_E_STOPPING);
}

static void
breaks_on_a_second_answer(void **state)
{
	struct ask_head head;

	(void)state;
	assert_int_equal(ask(0), HM_OK);
	head = hear();
	say(&head, HM_OK);
	say(&head, HM_OK);
	listen_for(2);
	assert_int_equal(broken, 1);
	assert_int_equal(told[0].times, 1);
}

/* The slot is taken again, but its number of before fits no more. */
static void
breaks_on_a_late_answer_to_an_ask_of_before(void **state)
{
	struct ask_head first, second;

	(void)state;
	assert_int_equal(ask(0), HM_OK);
	first = hear();
	say(&first, HM_OK);
	listen_for(1);
	assert_int_equal(ask(1), HM_OK);
	second = hear();
	assert_int_not_equal(first.id, second.id);
	say(&first, HM_OK);
	listen_for(1);
	assert_int_equal(broken, 1);
	assert_int_equal(told[1].times, 0);
}

static void
breaks_on_an_answer_of_another_kind_and_on_nonsense(void **state)
{
	struct ask_head head;

	(void)state;
	assert_int_equal(ask(0), HM_OK);
	head = hear();
	head.kind = ASK_CRL;
	say(&head, HM_E_NOT_FOUND);
	listen_for(1);
	assert_int_equal(broken, 1);
	assert_int_equal(told[0].times, 0);
	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(setup(NULL), 0);
	assert_int_equal(
	    channel_send(ends[1], HM_LITERAL("nonsense"), 0, NULL), HM_OK);
	listen_for(1);
	assert_int_equal(broken, 1);
}

static void
breaks_once_when_the_keeper_is_gone(void **state)
{
	(void)state;
	assert_int_equal(ask(0), HM_OK);
	close(ends[1]);
	ends[1] = -1;
	listen_for(1);
	assert_int_equal(broken, 1);
	assert_int_equal(ask(1), HM_E_STOPPING);
	assert_int_equal(told[1].times, 0);
	/* Who still waits hears of it when the front lets go. */
	asker_free(asker);
	asker = NULL;
	assert_int_equal(told[0].times, 1);
	assert_int_equal(told[0].err, HM_E_STOPPING);
	assert_false(told[0].had_body);
	assert_int_equal(broken, 1);
}

static void
takes_so_many_and_calls_itself_busy(void **state)
{
	struct ask_head head;
	int room = 1 << 23;

	(void)state;
	/* As much as all of them need; else the socket is full first. */
	(void)setsockopt(
	    ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	head = (struct ask_head){ 0 };
	for (size_t i = 0; i < ASKER_MAX; i++) {
		assert_int_equal(ask(i), HM_OK);
		head = hear();
	}
	assert_int_equal(ask(ASKER_MAX), HM_E_BUSY);
	/* One that comes back makes room for one. */
	say(&head, HM_OK);
	listen_for(1);
	assert_int_equal(told[ASKER_MAX - 1].times, 1);
	assert_int_equal(ask(ASKER_MAX), HM_OK);
	assert_int_equal(ask(0), HM_E_BUSY);
	assert_int_equal(told[ASKER_MAX].times, 0);
}

/* A keeper that reads nothing: the channel fills up before the slots do. */
static void
is_busy_when_the_keeper_does_not_read(void **state)
{
	static uint8_t tail[ASK_TAIL_MAX];
	const struct ask_from from = { { 4 } };
	struct hm_bytes most = { tail, ask_rule(ASK_OBJECT)->request_tail_max };
	size_t taken = 0;
	hm_err err;

	(void)state;
	do {
		err = asker_send(
		    asker, ASK_OBJECT, &from, most, on_done, &told[taken]);
		taken += err == HM_OK;
	} while (err == HM_OK && taken < ASKER_MAX);
	assert_int_equal(err, HM_E_BUSY);
	assert_true(taken > 0 && taken < ASKER_MAX);
	assert_int_equal(broken, 0);
	asker_free(asker);
	asker = NULL;
	for (size_t i = 0; i < taken; i++)
		assert_int_equal(told[i].err, HM_E_STOPPING);
	assert_int_equal(told[taken].times, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_each_answer_to_who_asked_in_any_order),
		TEST(passes_a_refusal_on_without_a_body),
		TEST(breaks_on_an_answer_that_nobody_asked_for),
		TEST(breaks_on_a_second_answer),
		TEST(breaks_on_a_late_answer_to_an_ask_of_before),
		TEST(breaks_on_an_answer_of_another_kind_and_on_nonsense),
		TEST(breaks_once_when_the_keeper_is_gone),
		TEST(takes_so_many_and_calls_itself_busy),
		TEST(is_busy_when_the_keeper_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
