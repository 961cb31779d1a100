/* SPDX-License-Identifier: Apache-2.0 */
/* base/process: channels of whole messages, and children */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

static uint8_t room[CHANNEL_MAX + 1];
static const struct hm_span all = { room, sizeof(room) };

static void
a_message_arrives_whole(void **state)
{
	int ends[2];
	size_t len = 0;

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(
	    channel_send(ends[0], HM_LITERAL("one"), 0, NULL), HM_OK);
	assert_int_equal(
	    channel_send(ends[0], HM_LITERAL("three"), 0, NULL), HM_OK);
	assert_int_equal(channel_recv(ends[1], all, 0, &len, NULL), HM_OK);
	assert_int_equal(len, 3);
	assert_memory_equal(room, "one", 3);
	assert_int_equal(channel_recv(ends[1], all, 0, &len, NULL), HM_OK);
	assert_int_equal(len, 5);
	close(ends[0]);
	close(ends[1]);
}

static void
the_largest_message_fits_and_a_larger_one_does_not(void **state)
{
	struct hm_bytes most = { room, CHANNEL_MAX };
	struct hm_bytes more = { room, CHANNEL_MAX + 1 };
	size_t len = 0;
	int ends[2];

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(channel_send(ends[0], most, 0, NULL), HM_OK);
	assert_int_equal(channel_recv(ends[1], all, 0, &len, NULL), HM_OK);
	assert_int_equal(len, CHANNEL_MAX);
	assert_int_equal(channel_send(ends[0], more, 0, NULL), HM_E_TOO_LARGE);
	close(ends[0]);
	close(ends[1]);
}

static void
a_message_without_room_is_lost_and_the_next_is_not(void **state)
{
	struct hm_span small = { room, 4 };
	size_t len = 77;
	int ends[2];

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(
	    channel_send(ends[0], HM_LITERAL("12345"), 0, NULL), HM_OK);
	assert_int_equal(
	    channel_send(ends[0], HM_LITERAL("ab"), 0, NULL), HM_OK);
	assert_int_equal(
	    channel_recv(ends[1], small, 0, &len, NULL), HM_E_TOO_LARGE);
	assert_int_equal(len, 77);
	assert_int_equal(channel_recv(ends[1], small, 0, &len, NULL), HM_OK);
	assert_int_equal(len, 2);
	close(ends[0]);
	close(ends[1]);
}

static void
waiting_ends_at_the_deadline(void **state)
{
	uint64_t before = clock_mono_us();
	struct hm_bytes some = { room, 50000 };
	hm_err err = HM_OK;
	size_t len = 77;
	int ends[2];

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(
	    channel_recv(ends[1], all, 0, &len, NULL), HM_E_TIMEOUT);
	assert_int_equal(channel_recv(ends[1], all, before + 20000, &len, NULL),
	    HM_E_TIMEOUT);
	assert_true(clock_mono_us() >= before + 20000);
	assert_int_equal(len, 77);
	/* Nobody reads: the channel fills up. */
	for (int i = 0; i < 100 && err == HM_OK; i++)
		err = channel_send(ends[0], some, 0, NULL);
	assert_int_equal(err, HM_E_TIMEOUT);
	close(ends[0]);
	close(ends[1]);
}

static void
the_death_of_the_peer_is_seen_by_both_calls(void **state)
{
	size_t len = 77;
	int ends[2];

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	close(ends[0]);
	assert_int_equal(
	    channel_recv(ends[1], all, CHANNEL_FOREVER, &len, NULL),
	    HM_E_WORKER);
	assert_int_equal(
	    channel_send(ends[1], HM_LITERAL("x"), 0, NULL), HM_E_WORKER);
	assert_int_equal(len, 77);
	close(ends[1]);
}

static void
descriptors_travel_with_a_message(void **state)
{
	struct channel_fds fds = { 0 };
	int ends[2], pipes[2], two[2];
	char byte = 0;
	size_t len;

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(pipe(pipes), 0);
	two[0] = pipes[0];
	two[1] = pipes[1];
	assert_int_equal(
	    channel_send_fds(ends[0], HM_LITERAL("take"), two, 2, 0, NULL),
	    HM_OK);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(
	    channel_recv_fds(ends[1], all, 0, &len, &fds, NULL), HM_OK);
	assert_int_equal(fds.count, 2);
	assert_int_equal(fcntl(fds.fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fds.fd[1], "z", 1), 1);
	assert_int_equal(read(fds.fd[0], &byte, 1), 1);
	assert_int_equal(byte, 'z');
	close(fds.fd[0]);
	close(fds.fd[1]);
	close(ends[0]);
	close(ends[1]);
}

static void
uninvited_descriptors_are_closed(void **state)
{
	int ends[2], pipes[2];
	size_t len;
	char byte;

	(void)state;
	assert_int_equal(channel_pair(ends, NULL), HM_OK);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(channel_send_fds(ends[0], HM_LITERAL("take"),
			     &pipes[1], 1, 0, NULL),
	    HM_OK);
	close(pipes[1]);
	assert_int_equal(channel_recv(ends[1], all, 0, &len, NULL), HM_OK);
	/* No writer is left. */
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(ends[0]);
	close(ends[1]);
}

static int
run(const char *script, const int *fds, size_t count)
{
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)script, NULL };
	int status = -1;
	pid_t pid;

	assert_int_equal(
	    process_spawn("/bin/sh", argv, fds, count, &pid, NULL), HM_OK);
	assert_int_equal(
	    process_wait(pid, CHANNEL_FOREVER, &status, NULL), HM_OK);
	return status;
}

static void
a_child_has_the_descriptors_that_it_was_given_and_no_other(void **state)
{
	int extra = fcntl(0, F_DUPFD, 9); /* not close-on-exec */
	int pipes[2], swapped[2];
	char text[3] = "";

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	/* In an order in which one stands where another has to go. */
	swapped[0] = pipes[1];
	swapped[1] = pipes[0];
	assert_int_equal(run("printf ok >&3", swapped, 2), 0);
	assert_int_equal(read(pipes[0], text, 2), 2);
	assert_string_equal(text, "ok");
	assert_int_equal(
	    run("[ -e /proc/$$/fd/4 ] && [ ! -e /proc/$$/fd/5 ] && "
		"[ ! -e /proc/$$/fd/9 ]",
		swapped, 2),
	    0);
	assert_int_not_equal(run("[ -e /proc/$$/fd/4 ]", swapped, 1), 0);
	close(extra);
	close(pipes[0]);
	close(pipes[1]);
}

static void
tells_how_a_child_ended(void **state)
{
	(void)state;
	assert_int_equal(run("exit 7", NULL, 0), 7);
	assert_int_equal(run("kill -9 $$", NULL, 0), 128 + SIGKILL);
}

static void
a_child_starts_with_default_signals(void **state)
{
	(void)state;
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(run("kill -15 $$", NULL, 0), 128 + SIGTERM);
	signal(SIGTERM, SIG_DFL);
}

static void
says_which_program_cannot_be_started(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "x", NULL };
	struct why why = { 0 };
	pid_t pid = 77;

	(void)state;
	assert_int_equal(
	    process_spawn("/nowhere/x", argv, NULL, 0, &pid, &why), HM_E_FILE);
	assert_string_equal(why.where, "/nowhere/x");
	assert_int_equal(pid, 77);
	/* Nothing is left to wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
waiting_for_a_child_has_a_deadline(void **state)
{
	char *argv[] = { (char *)(uintptr_t) "cat", NULL };
	int status = 77, pipes[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	status = dup(0);
	dup2(pipes[0], 0);
	assert_int_equal(
	    process_spawn("/bin/cat", argv, NULL, 0, &pid, NULL), HM_OK);
	dup2(status, 0);
	close(status);
	status = 77;
	assert_int_equal(
	    process_wait(pid, clock_mono_us() + 5000, &status, NULL),
	    HM_E_TIMEOUT);
	assert_int_equal(status, 77);
	close(pipes[1]);
	assert_int_equal(
	    process_wait(pid, CHANNEL_FOREVER, &status, NULL), HM_OK);
	assert_int_equal(status, 0);
	close(pipes[0]);
}

static void
knows_its_own_program(void **state)
{
	char path[512];

	(void)state;
	assert_int_equal(process_self(path, sizeof(path), NULL), HM_OK);
	assert_non_null(strstr(path, "test_base_process"));
	assert_int_equal(process_self(path, 3, NULL), HM_E_TOO_LARGE);
}

static void
gets_as_many_files_as_there_are(void **state)
{
	struct rlimit before, now, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ 50, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(process_want_files(50, NULL), HM_OK);
	assert_int_equal(process_want_files(60, NULL), HM_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 60);
	/* beyond fs.nr_open, so not even for root */
	assert_int_equal(
	    process_want_files(UINT32_MAX, NULL), HM_E_CONFIG_TYPE);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 60);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void *
own_policy(void *ret)
{
	*(int *)ret = sched_getscheduler(0);
	return NULL;
}

/* The policy of a thread that is started after process_take_turns(), where
 * `before` was the policy; in a child, so that the tests go on as they were. */
static int
policy_after(int before)
{
	struct sched_param none = { 0 };
	int policy = -1, status = 0;
	pthread_t thread;
	pid_t pid = fork();

	if (pid == 0) {
		if (sched_setscheduler(0, before, &none) != 0)
			_exit(100);
		process_take_turns();
		if (pthread_create(&thread, NULL, own_policy, &policy) != 0)
			_exit(101);
		pthread_join(thread, NULL);
		_exit(policy);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
takes_turns_unless_it_was_told_otherwise(void **state)
{
	(void)state;
	assert_int_equal(policy_after(SCHED_OTHER), SCHED_BATCH);
	assert_int_equal(policy_after(SCHED_BATCH), SCHED_BATCH);
	assert_int_equal(policy_after(SCHED_IDLE), SCHED_IDLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_whole),
		cmocka_unit_test(
		    the_largest_message_fits_and_a_larger_one_does_not),
		cmocka_unit_test(
		    a_message_without_room_is_lost_and_the_next_is_not),
		cmocka_unit_test(waiting_ends_at_the_deadline),
		cmocka_unit_test(the_death_of_the_peer_is_seen_by_both_calls),
		cmocka_unit_test(descriptors_travel_with_a_message),
		cmocka_unit_test(uninvited_descriptors_are_closed),
		cmocka_unit_test(
		    a_child_has_the_descriptors_that_it_was_given_and_no_other),
		cmocka_unit_test(tells_how_a_child_ended),
		cmocka_unit_test(a_child_starts_with_default_signals),
		cmocka_unit_test(says_which_program_cannot_be_started),
		cmocka_unit_test(waiting_for_a_child_has_a_deadline),
		cmocka_unit_test(knows_its_own_program),
		cmocka_unit_test(gets_as_many_files_as_there_are),
		cmocka_unit_test(takes_turns_unless_it_was_told_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
