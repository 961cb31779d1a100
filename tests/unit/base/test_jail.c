/* SPDX-License-Identifier: Apache-2.0 */
/* base/jail: a child goes in, and tries what it may not */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errtext.h"
#include "base/jail.h"
#include "base/process.h"
#include "core/check.h"

#define FINE 42 /* exit status of a child that found all as it should be */
#define UNJAILED 43

static const struct jail front = { .role = JAIL_FRONT };
static const struct jail signer = { .role = JAIL_SIGNER,
	.readable = { "/etc" } };
static char folder[] = "/tmp/hallmark-jail-XXXXXX";
static int channel[2];

/* Exit status of a jailed child that runs `deed`, or 128 + its signal. */
static int
jailed(const struct jail *jail, int (*deed)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct why why = { 0 };

		if (jail_enter(jail, &why) == HM_OK)
			_exit(deed());
		dprintf(2, "%s %s\n", why.text, why.where);
		_exit(UNJAILED);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

#define DIES (128 + SIGSYS)

static int
opens(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
}

static int
makes_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int
executes(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 ? 0 : errno;
}

static int
traces(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) == 0 ? 0 : errno;
}

/* A socket in it may block whoever closes it last, for as long as we like. */
static int
passes_a_descriptor(void)
{
	int ends[2] = { 0, 1 };

	if (channel_send(channel[0], HM_LITERAL("words"), 0, NULL) != HM_OK)
		return 1;
	return channel_send_fds(
		   channel[0], HM_LITERAL("x"), ends, 2, 0, NULL) == HM_OK
		   ? 2
		   : 3;
}

/* What a front does all day. */
static int
works(void)
{
	struct timespec now;
	char *memory = malloc(1000000);
	int pipes[2], fd = dup(2);
	struct rlimit limit;
	struct stat found;
	struct tm calendar;
	time_t zero = 0;

	if (memory == NULL || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 1;
	memset(memory, 1, 1000000);
	free(memory);
	if (gmtime_r(&zero, &calendar) == NULL || fd < 0 || close(fd) != 0)
		return 2;
	if (fstat(2, &found) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 5;
	if (pipe(pipes) != 0 || write(pipes[1], "x", 1) != 1)
		return 3;
	return getrandom(&calendar, sizeof(calendar), 0) > 0 ? FINE : 4;
}

static int
is_closed_up(void)
{
	struct rlimit core;

	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0)
		return 3;
	return strstr(jail_describe(), "seccomp") != NULL ? FINE : 4;
}

static void
front_dies_of_files_sockets_and_programs(void **state)
{
	(void)state;
	assert_int_equal(jailed(&front, opens), DIES);
	assert_int_equal(jailed(&front, makes_a_socket), DIES);
	assert_int_equal(jailed(&front, executes), DIES);
	assert_int_equal(jailed(&front, forks), DIES);
	assert_int_equal(jailed(&front, traces), DIES);
}

static void
nobody_passes_descriptors_on(void **state)
{
	(void)state;
	assert_int_equal(channel_pair(channel, NULL), HM_OK);
	assert_int_equal(jailed(&front, passes_a_descriptor), DIES);
	assert_int_equal(jailed(&signer, passes_a_descriptor), DIES);
	close(channel[0]);
	close(channel[1]);
}

static void
front_can_do_its_work(void **state)
{
	(void)state;
	assert_int_equal(jailed(&front, works), FINE);
}

static void
signer_dies_of_sockets_and_programs(void **state)
{
	(void)state;
	assert_int_equal(jailed(&signer, makes_a_socket), DIES);
	assert_int_equal(jailed(&signer, executes), DIES);
	assert_int_equal(jailed(&signer, forks), DIES);
	assert_int_equal(jailed(&signer, traces), DIES);
	assert_int_equal(jailed(&signer, works), FINE);
	assert_int_equal(jailed(&signer, opens), 0);
}

static void
signer_with_a_network_token_may_connect(void **state)
{
	struct jail jail = signer;

	(void)state;
	jail.network = true;
	assert_int_equal(jailed(&jail, makes_a_socket), 0);
}

static void
keeper_dies_of_sockets_and_programs(void **state)
{
	const struct jail keeper = { .role = JAIL_KEEPER,
		.writable = { folder } };

	(void)state;
	assert_int_equal(jailed(&keeper, makes_a_socket), DIES);
	assert_int_equal(jailed(&keeper, executes), DIES);
	assert_int_equal(jailed(&keeper, forks), DIES);
	assert_int_equal(jailed(&keeper, traces), DIES);
	assert_int_equal(jailed(&keeper, is_closed_up), FINE);
}

/* Runs in the jail: EACCES comes from Landlock, for root too. */
static int
sees_only_its_folder(void)
{
	char inside[64];
	int fd;

	snprintf(inside, sizeof(inside), "%s/x", folder);
	fd = open(inside, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0)
		return 1;
	if (unlink(inside) != 0)
		return 2;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 3;
	if (open("/tmp/x", O_RDWR | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return 4;
	return FINE;
}

static bool
has_landlock(void)
{
	return syscall(444, NULL, 0, 1) > 0;
}

static void
landlock_hides_all_but_the_folder(void **state)
{
	const struct jail keeper = { .role = JAIL_KEEPER,
		.writable = { folder } };

	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(jailed(&keeper, sees_only_its_folder), FINE);
}

static int
reads_but_does_not_write(void)
{
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0)
		return 1;
	if (open("/etc/passwd", O_WRONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 2;
	return FINE;
}

static void
landlock_makes_readable_folders_read_only(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(jailed(&signer, reads_but_does_not_write), FINE);
}

static int
is_nobody_and_stays_so(void)
{
	if (getuid() != 65534 || geteuid() != 65534 || getgid() != 65534)
		return 1;
	return getgroups(0, NULL) == 0 ? FINE : 2;
}

static void
becomes_another_user_without_groups(void **state)
{
	const struct jail keeper = { .role = JAIL_KEEPER, .user = "65534" };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(jailed(&keeper, is_nobody_and_stays_so), FINE);
}

static int
tells_of_its_chroot(void)
{
	return strstr(jail_describe(), "chroot") != NULL &&
		       strstr(jail_describe(), "uid 65534") != NULL
		   ? FINE
		   : 1;
}

static void
front_of_root_lives_in_an_empty_root(void **state)
{
	const struct jail jail = { .role = JAIL_FRONT, .user = "nobody" };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(jailed(&jail, tells_of_its_chroot), FINE);
}

static void
refuses_unknown_users_and_root(void **state)
{
	struct jail jail = { .role = JAIL_KEEPER, .user = "no such user" };

	(void)state;
	assert_int_equal(jailed(&jail, works), UNJAILED);
	jail.user = "0";
	if (geteuid() == 0)
		assert_int_equal(jailed(&jail, works), UNJAILED);
}

static void
refuses_a_folder_that_is_not_there(void **state)
{
	const struct jail keeper = { .role = JAIL_KEEPER,
		.writable = { "/nowhere/at/all" } };

	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(jailed(&keeper, works), UNJAILED);
}

static void
makes_a_folder_for_a_user_and_leaves_what_is_there(void **state)
{
	char path[80];
	struct stat found;

	(void)state;
	snprintf(path, sizeof(path), "%s/ours", folder);
	assert_int_equal(
	    jail_folder(path, geteuid() == 0 ? "65534" : NULL, NULL), HM_OK);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0700);
	assert_int_equal(found.st_uid, geteuid() == 0 ? 65534 : geteuid());
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(jail_folder(path, "no such user", NULL), HM_OK);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0750);
	rmdir(path);
	if (geteuid() == 0)
		assert_int_equal(
		    jail_folder(path, "no such user", NULL), HM_E_JAIL);
	rmdir(path);
}

static int
tells_of_its_memory(void)
{
	return strstr(jail_describe(), "locked") != NULL ? FINE : 1;
}

static void
says_whether_memory_is_locked(void **state)
{
	struct jail jail = front;

	(void)state;
	jail.lock_memory = true;
	assert_int_equal(jailed(&jail, tells_of_its_memory), FINE);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

/* What a jailed child says before it ends by `deed`; its status as above. */
static int
last_words(int (*deed)(void), char *ret, size_t size)
{
	int words[2], saved = dup(STDERR_FILENO), status;
	ssize_t got;

	assert_int_equal(pipe2(words, O_CLOEXEC), 0);
	assert_true(dup2(words[1], STDERR_FILENO) >= 0);
	status = jailed(&front, deed);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(words[1]);
	got = read(words[0], ret, size - 1);
	close(words[0]);
	assert_true(got >= 0);
	ret[got] = '\0';
	return status;
}

static int
runs_out_of_memory(void)
{
	process_out_of_memory("a test");
}

static int
meets_a_bug(void)
{
	hm_panic("here.c", 7, "two == three");
}

static void
tells_its_end_from_inside(void **state)
{
	char words[300];

	(void)state;
	assert_int_equal(last_words(runs_out_of_memory, words, sizeof(words)),
	    err_info(HM_E_NO_MEMORY)->exit_status);
	assert_non_null(strstr(words, "HM-9002]: no memory for a test\n"));
	assert_int_equal(
	    last_words(meets_a_bug, words, sizeof(words)), 128 + SIGABRT);
	assert_non_null(strstr(words, "HM-9001]: here.c:7: two == three\n"));
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(front_dies_of_files_sockets_and_programs),
		cmocka_unit_test(nobody_passes_descriptors_on),
		cmocka_unit_test(front_can_do_its_work),
		cmocka_unit_test(signer_dies_of_sockets_and_programs),
		cmocka_unit_test(signer_with_a_network_token_may_connect),
		cmocka_unit_test(keeper_dies_of_sockets_and_programs),
		cmocka_unit_test(landlock_hides_all_but_the_folder),
		cmocka_unit_test(landlock_makes_readable_folders_read_only),
		cmocka_unit_test(becomes_another_user_without_groups),
		cmocka_unit_test(front_of_root_lives_in_an_empty_root),
		cmocka_unit_test(refuses_unknown_users_and_root),
		cmocka_unit_test(refuses_a_folder_that_is_not_there),
		cmocka_unit_test(
		    makes_a_folder_for_a_user_and_leaves_what_is_there),
		cmocka_unit_test(says_whether_memory_is_locked),
		cmocka_unit_test(tells_its_end_from_inside),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
