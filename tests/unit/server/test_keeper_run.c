/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: the process, over real channels; the signer is played here */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/process.h"
#include "plant.h"
#include "server/life.h"

static struct plant plant;
static int front[2], signer[2], life[2]; /* [0]: ours, [1]: the keeper's */
static pid_t child;

static uint64_t
soon(void)
{
	return clock_mono_us() + 20000000;
}

/* The child's whole life; no leak check can run in its jail. */
static _Noreturn void
be_keeper(void)
{
	struct keeper_options options = { .state = plant.folder,
		.fronts = &front[1],
		.front_count = 1,
		.signer = signer[1],
		.parent = life[1] };

	p256_pair_point(plant.play.authority, options.authority);
	close(front[0]);
	close(signer[0]);
	close(life[0]);
	_exit(keeper_run(&options, NULL) == HM_OK ? 0 : 1);
}

/* Play the signer until there is something to read on `fd`. */
static void
serve_until(int fd)
{
	static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
	struct hm_span space = { room, sizeof(room) };
	struct keeper_link link = play_link(&plant.play);
	struct pollfd watch[2] = { { fd, POLLIN, 0 },
		{ signer[0], POLLIN, 0 } };

	for (;;) {
		struct hm_bytes message = { room, 0 };

		assert_true(poll(watch, 2, 20000) > 0);
		if (watch[0].revents != 0)
			return;
		assert_int_equal(
		    channel_recv(signer[0], space, soon(), &message.len, NULL),
		    HM_OK);
		assert_int_equal(link.send(link.context, message, 0), HM_OK);
		assert_int_equal(
		    link.receive(link.context, space, 0, &message.len), HM_OK);
		assert_int_equal(
		    channel_send(signer[0], message, soon(), NULL), HM_OK);
	}
}

static void
start(void)
{
	assert_int_equal(channel_pair(front, NULL), HM_OK);
	assert_int_equal(channel_pair(signer, NULL), HM_OK);
	assert_int_equal(channel_pair(life, NULL), HM_OK);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		be_keeper();
	plant.play.head = plant.play.count = 0;
	close(front[1]);
	close(signer[1]);
	close(life[1]);
	serve_until(life[0]);
	assert_int_equal(life_poll(life[0]), LIFE_READY);
}

/* The child has ended by itself, or will. Its wait status. */
static int
end(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	close(signer[0]);
	close(life[0]);
	return status;
}

/* An order comes in through a front; its receipt goes back. */
static void
load_order(const char *name, struct said *ret)
{
	AUTO(buf) struct buf message = { 0 }, signed_ = { 0 };
	static struct hm_object object;
	struct hm_span room = { NULL, ASK_MESSAGE_MAX };
	struct ask_from from;

	object = (struct hm_object){ .kind = HM_OBJECT_ORDER, .made_s = T0 };
	object.order = plant.order;
	object.order.name = hm_bytes_of(name);
	object.order.serial_first = 100000;
	object.order.has_macs = false;
	memset(object.order.mac_first, 0, HM_MAC_LEN);
	memcpy(object.order.product, plant.product_digest, HM_DIGEST_LEN);
	memcpy(object.order.release, plant.release_digest, HM_DIGEST_LEN);
	plant_sign(&plant, &object, &signed_);
	p256_pair_point(plant.stranger, from.peer);
	plant_message(ASK_OBJECT, &from, buf_bytes(&signed_), &message);
	assert_int_equal(
	    channel_send(front[0], buf_bytes(&message), soon(), NULL), HM_OK);
	serve_until(front[0]);
	buf_init(&ret->message, ASK_MESSAGE_MAX);
	assert_int_equal(
	    buf_reserve(&ret->message, room.len, &room.ptr), HM_OK);
	assert_int_equal(
	    channel_recv(front[0], room, soon(), &ret->message.len, NULL),
	    HM_OK);
	said_split(ret);
}

static int
setup(void **state)
{
	(void)state;
	plant_new(&plant, 4);
	/* The process keeps real time: a planner for ever. */
	plant.until_s = UINT64_C(100000000000);
	assert_int_equal(plant_credential(&plant, plant.planner, "ever",
			     HM_ROLE_PLANNER, plant.stranger),
	    HM_OK);
	plant_close(&plant);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_done(&plant);
	return 0;
}

static void
serves_until_the_parent_says_stop(void **state)
{
	AUTO(said) struct said said = { 0 };

	(void)state;
	start();
	load_order("PO-2", &said);
	assert_int_equal(said.err, HM_OK);
	assert_int_equal(plant_verify(&plant, &said), HM_OK);
	/* A front that leaves first is no reason to fail. */
	close(front[0]);
	life_stop(life[0]);
	serve_until(life[0]);
	assert_int_equal(end(), 0);
	assert_int_equal(plant_reopen(&plant, NULL), HM_OK);
	assert_int_equal(plant_counts(&plant, "PO-2").left, 4);
	plant_settle(&plant);
	assert_int_equal(plant_audit(&plant, HM_ENTRY_GENESIS), 1);
}

static void
loses_nothing_that_was_answered_when_it_is_killed(void **state)
{
	AUTO(said) struct said said = { 0 };

	(void)state;
	start();
	load_order("PO-2", &said);
	assert_int_equal(said.err, HM_OK);
	assert_int_equal(kill(child, SIGKILL), 0);
	close(front[0]);
	(void)end();
	assert_int_equal(plant_reopen(&plant, NULL), HM_OK);
	assert_int_equal(plant_counts(&plant, "PO-2").left, 4);
	assert_int_equal(plant_verify(&plant, &said), HM_OK);
}

static void
leaves_when_the_signer_is_gone(void **state)
{
	(void)state;
	start();
	close(signer[0]);
	signer[0] = -1;
	assert_int_equal(WEXITSTATUS(end()), 1);
	close(front[0]);
	assert_int_equal(plant_reopen(&plant, NULL), HM_OK);
}

static void
leaves_when_a_front_breaks_the_rules(void **state)
{
	static const uint8_t nonsense[64];

	(void)state;
	start();
	assert_int_equal(
	    channel_send(front[0], HM_BYTES(nonsense), soon(), NULL), HM_OK);
	assert_int_equal(WEXITSTATUS(end()), 1);
	close(front[0]);
	assert_int_equal(plant_reopen(&plant, NULL), HM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    serves_until_the_parent_says_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    loses_nothing_that_was_answered_when_it_is_killed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    leaves_when_the_signer_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    leaves_when_a_front_breaks_the_rules, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
