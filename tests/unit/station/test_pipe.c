/* SPDX-License-Identifier: Apache-2.0 */
/* station/pipe: a real socket, with a played device at its end */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "device.h"
#include "station/pipe.h"
#include "wire/challenge.h"

static char folder[] = "/tmp/hallmark-pipe-XXXXXX";
static char path[64], name[80];
static struct pipe link_;
static int stop[2];

static int
setup(void **state)
{
	(void)state;
	if (pipe(stop) != 0)
		return -1;
	return pipe_open(&link_, name, NULL) == HM_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	pipe_close(&link_);
	close(stop[0]);
	close(stop[1]);
	return 0;
}

static hm_err
ask_within(
    hm_link_type type, struct hm_bytes body, uint64_t ms, struct hm_link *ret)
{
	const struct hm_link question = { .type = type, .body = body };

	return pipe_ask(&link_, &question, clock_mono_us() + ms * 1000, ret);
}

static pid_t
insert(const struct device_plan *plan)
{
	pid_t pid = device_start(path, plan);

	assert_int_equal(pipe_await(&link_, stop[0], NULL), HM_OK);
	return pid;
}

/* Hang up; how many questions the device had heard. */
static int
take_out(pid_t pid)
{
	pipe_hang_up(&link_);
	assert_int_equal(link_.fd, -1);
	return device_end(pid);
}

static void
asks_and_is_answered(void **state)
{
	const struct device_plan plan = { .id = 7 };
	struct hm_link answer;
	struct hm_info info;
	struct stat what;
	pid_t pid;

	(void)state;
	assert_int_equal(stat(path, &what), 0);
	assert_int_equal(what.st_mode & 0777, 0600);
	pid = insert(&plan);
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 5000, &answer),
	    HM_OK);
	assert_int_equal(answer.type, HM_LINK_INFO);
	assert_int_equal(hm_info_decode(answer.body, &info), HM_OK);
	assert_int_equal(info.device_id[0], 7);
	assert_int_equal(take_out(pid), 1);
}

static void
serves_one_device_after_the_other(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		const struct device_plan plan = { .id = i };
		struct hm_link answer;
		pid_t pid = insert(&plan);

		assert_int_equal(ask_within(HM_LINK_HELLO,
				     (struct hm_bytes){ 0 }, 5000, &answer),
		    HM_OK);
		assert_int_equal(take_out(pid), 1);
	}
}

static void
finds_answers_in_noise(void **state)
{
	const struct device_plan plan = { .noise = true };
	struct hm_link answer;
	pid_t pid = insert(&plan);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_within(HM_LINK_HELLO,
				     (struct hm_bytes){ 0 }, 5000, &answer),
		    HM_OK);
	assert_int_equal(take_out(pid), 3);
	assert_true(link_.in.dropped > 0);
}

static void
asks_again_when_a_question_got_lost(void **state)
{
	const struct device_plan plan = { .deaf_once = HM_LINK_HELLO };
	struct hm_link answer;
	pid_t pid = insert(&plan);

	(void)state;
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 20000, &answer),
	    HM_OK);
	assert_int_equal(take_out(pid), 2);
}

static void
passes_over_answers_to_other_questions(void **state)
{
	const struct device_plan plan = { .wrong = true };
	struct hm_link answer;
	pid_t pid = insert(&plan);

	(void)state;
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 5000, &answer),
	    HM_OK);
	assert_int_equal(answer.type, HM_LINK_INFO);
	assert_int_equal(take_out(pid), 1);
}

/* Of a device that says all twice, each second answer waits when the next
 * question is asked; hello in between lets it arrive. */
static void
drops_what_waits_before_it_asks(void **state)
{
	const struct device_plan plan = { .stammers = true };
	struct hm_challenge challenge = { .order = HM_LITERAL("PO-1") };
	static uint8_t before[HM_EVIDENCE_MAX];
	uint8_t room[HM_CHALLENGE_MAX];
	struct hm_link answer;
	pid_t pid = insert(&plan);
	size_t len, before_len = 0;

	(void)state;
	for (uint8_t i = 0; i < 8; i++) {
		assert_int_equal(ask_within(HM_LINK_HELLO,
				     (struct hm_bytes){ 0 }, 5000, &answer),
		    HM_OK);
		challenge.nonce[0] = i;
		assert_int_equal(
		    hm_challenge_encode(&challenge,
			(struct hm_span){ room, sizeof(room) }, &len),
		    HM_OK);
		assert_int_equal(
		    ask_within(HM_LINK_CHALLENGE,
			(struct hm_bytes){ room, len }, 5000, &answer),
		    HM_OK);
		assert_int_equal(answer.type, HM_LINK_EVIDENCE);
		assert_false(answer.body.len == before_len &&
			     memcmp(before, answer.body.ptr, before_len) == 0);
		before_len = answer.body.len;
		memcpy(before, answer.body.ptr, before_len);
	}
	assert_int_equal(take_out(pid), 16);
}

static void
tells_that_the_device_closed(void **state)
{
	const struct device_plan plan = { .leaves_at = HM_LINK_HELLO };
	struct hm_link answer = { .type = HM_LINK_DONE };
	pid_t pid = insert(&plan);

	(void)state;
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 5000, &answer),
	    HM_E_LINK);
	/* It stays gone, and no signal comes of writing to it. */
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 5000, &answer),
	    HM_E_LINK);
	assert_int_equal(take_out(pid), 1);
}

static void
keeps_its_deadline(void **state)
{
	const struct device_plan plan = { .silent_at = HM_LINK_HELLO };
	uint64_t begin_us = clock_mono_us();
	struct hm_link answer;
	pid_t pid = insert(&plan);

	(void)state;
	assert_int_equal(
	    ask_within(HM_LINK_HELLO, (struct hm_bytes){ 0 }, 100, &answer),
	    HM_E_TIMEOUT);
	assert_true(clock_mono_us() - begin_us >= 100000);
	assert_int_equal(take_out(pid), 1);
}

static void
takes_a_problem_for_an_answer(void **state)
{
	const struct device_plan plan = { .refuses = HM_LINK_STAMP,
		.err = HM_E_STAMP_FOREIGN };
	struct hm_link answer;
	pid_t pid = insert(&plan);

	(void)state;
	assert_int_equal(
	    ask_within(HM_LINK_STAMP, HM_LITERAL("stamp"), 5000, &answer),
	    HM_OK);
	assert_int_equal(answer.type, HM_LINK_PROBLEM);
	assert_int_equal(take_out(pid), 1);
}

static void
stops_waiting_when_told(void **state)
{
	(void)state;
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(pipe_await(&link_, stop[0], NULL), HM_E_STOPPING);
	assert_int_equal(link_.fd, -1);
}

/* In a child: answers a hello with each of these ids, and is gone. */
static _Noreturn void
answer_hellos(int master, const uint8_t *ids, size_t count)
{
	uint8_t room[256], body[128], message[160], frame[256], byte;
	struct hm_frame_in in;
	struct hm_bytes question;
	size_t len;

	hm_frame_in_init(&in, (struct hm_span){ room, sizeof(room) });
	for (size_t i = 0; i < count && read(master, &byte, 1) == 1;) {
		struct hm_info info = { .device_id = { ids[i] },
			.scheme = HM_SCHEME_SOFT };
		struct hm_link link = { .type = HM_LINK_INFO };

		if (!hm_frame_put(&in, byte, &question))
			continue;
		if (hm_info_encode(&info,
			(struct hm_span){ body, sizeof(body) }, &len) != HM_OK)
			_exit(100);
		link.body = (struct hm_bytes){ body, len };
		if (hm_link_encode(&link,
			(struct hm_span){ message, sizeof(message) },
			&len) != HM_OK ||
		    hm_frame_encode((struct hm_bytes){ message, len },
			(struct hm_span){ frame, sizeof(frame) },
			&len) != HM_OK ||
		    write(master, frame, len) != (ssize_t)len)
			_exit(101);
		i++;
	}
	_exit((int)count);
}

static void
takes_the_next_device_on_a_serial_line_not_the_same_again(void **state)
{
	static const uint8_t ids[] = { 1, 1, 1, 2 };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
	static struct pipe tty; /* large */
	char line[80];
	pid_t pid;

	(void)state;
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	assert_true(
	    snprintf(line, sizeof(line), "tty:%s", ptsname(master)) > 4);
	assert_int_equal(pipe_open(&tty, line, NULL), HM_OK);
	pid = fork();
	if (pid == 0)
		answer_hellos(master, ids, sizeof(ids));
	assert_int_equal(pipe_await(&tty, stop[0], NULL), HM_OK);
	assert_int_equal(tty.served[0], 1);
	pipe_hang_up(&tty);
	assert_int_equal(pipe_await(&tty, stop[0], NULL), HM_OK);
	assert_int_equal(tty.served[0], 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), sizeof(ids));
	pipe_close(&tty);
	close(master);
}

/* A pseudo terminal has all that a serial line has but the wire. */
static void
finds_a_device_on_a_serial_line_when_it_answers(void **state)
{
	struct why why = { 0 };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	static struct pipe tty; /* large */
	char line[80];

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	assert_true(
	    snprintf(line, sizeof(line), "tty:%s", ptsname(master)) > 4);
	assert_int_equal(pipe_open(&tty, line, &why), HM_OK);
	assert_true(tty.is_tty);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(pipe_await(&tty, stop[0], NULL), HM_E_STOPPING);
	pipe_hang_up(&tty); /* nothing to hang up */
	assert_true(tty.fd >= 0);
	pipe_close(&tty);
	assert_int_equal(tty.fd, -1);
	close(master);
}

static void
refuses_links_of_another_form(void **state)
{
	static const char *const bad[] = { "", "unix:", "tty:", "tcp:1.2.3.4",
		"/dev/ttyS0", "unix" };
	char longest[200];
	static struct pipe one; /* large */

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct why why = { 0 };

		assert_int_equal(pipe_open(&one, bad[i], &why), HM_E_USAGE);
		assert_int_equal(why.err, HM_E_USAGE);
		assert_int_equal(one.fd, -1);
		assert_int_equal(one.listener, -1);
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "unix:/", 6);
	longest[5 + 108] = 0;
	assert_int_equal(pipe_open(&one, longest, NULL), HM_E_USAGE);
	assert_int_equal(
	    pipe_open(&one, "unix:/nowhere/at/all", NULL), HM_E_IO);
	assert_int_equal(pipe_open(&one, "tty:/dev/null", NULL), HM_E_IO);
	assert_int_equal(pipe_open(&one, "tty:/nowhere", NULL), HM_E_IO);
}

static void
leaves_no_socket_behind(void **state)
{
	(void)state;
	assert_int_equal(access(path, F_OK), 0);
	pipe_close(&link_);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(link_.listener, -1);
}

/* The worker of a station that was killed ends a little later than it. */
static void
leaves_the_socket_of_its_successor(void **state)
{
	static struct pipe next;
	struct stat found;

	(void)state;
	assert_int_equal(pipe_open(&next, name, NULL), HM_OK);
	pipe_close(&link_);
	assert_int_equal(stat(path, &found), 0);
	pipe_close(&next);
	assert_int_equal(stat(path, &found), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_and_is_answered),
		TEST(serves_one_device_after_the_other),
		TEST(finds_answers_in_noise),
		TEST(asks_again_when_a_question_got_lost),
		TEST(passes_over_answers_to_other_questions),
		TEST(drops_what_waits_before_it_asks),
		TEST(tells_that_the_device_closed),
		TEST(keeps_its_deadline),
		TEST(takes_a_problem_for_an_answer),
		TEST(stops_waiting_when_told),
		TEST(finds_a_device_on_a_serial_line_when_it_answers),
		TEST(takes_the_next_device_on_a_serial_line_not_the_same_again),
		TEST(refuses_links_of_another_form),
		TEST(leaves_no_socket_behind),
		TEST(leaves_the_socket_of_its_successor),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/slot", folder);
	(void)snprintf(name, sizeof(name), "unix:%s", path);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(folder);
	return failed;
}
