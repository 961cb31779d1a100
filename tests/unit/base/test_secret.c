/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret: where a PIN may come from, and what may not be */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/secret.h"

static char folder[] = "/tmp/hallmark-secret-XXXXXX";
static char path[128];

static void
put(const char *text, mode_t mode)
{
	assert_int_equal(
	    file_write(path, hm_bytes_of(text), 0600, NULL), HM_OK);
	assert_int_equal(chmod(path, mode), 0);
}

static hm_err
load_path(struct secret *ret, struct why *why)
{
	char source[160];

	snprintf(source, sizeof(source), "file:%s", path);
	return secret_load(source, ret, why);
}

static void
loads_a_private_file_without_its_newline(void **state)
{
	AUTO(secret) struct secret pin = { 0 };

	(void)state;
	put("1234\n", 0600);
	assert_int_equal(load_path(&pin, NULL), HM_OK);
	assert_true(hm_bytes_equal(secret_bytes(&pin), HM_LITERAL("1234")));
	put("12\n\n", 0400);
	assert_int_equal(load_path(&pin, NULL), HM_OK);
	assert_true(hm_bytes_equal(secret_bytes(&pin), HM_LITERAL("12\n")));
}

static void
refuses_a_file_open_to_others_and_changes_nothing(void **state)
{
	AUTO(secret) struct secret pin = { .len = 1, .bytes = "x" };
	struct why why = { 0 };

	(void)state;
	put("1234", 0640);
	assert_int_equal(load_path(&pin, &why), HM_E_FILE);
	assert_string_equal(why.where, path);
	put("1234", 0604);
	assert_int_equal(load_path(&pin, NULL), HM_E_FILE);
	assert_int_equal(pin.len, 1);
	assert_int_equal(pin.bytes[0], 'x');
}

static void
refuses_a_file_of_somebody_else(void **state)
{
	AUTO(secret) struct secret pin = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	put("1234", 0600);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(load_path(&pin, NULL), HM_E_FILE);
	assert_int_equal(pin.len, 0);
	unlink(path);
}

static void
refuses_empty_and_too_long_secrets(void **state)
{
	AUTO(secret) struct secret pin = { 0 };
	char text[SECRET_MAX + 2];

	(void)state;
	put("", 0600);
	assert_int_equal(load_path(&pin, NULL), HM_E_FILE);
	put("\n", 0600);
	assert_int_equal(load_path(&pin, NULL), HM_E_FILE);
	memset(text, 'a', sizeof(text));
	text[SECRET_MAX + 1] = '\0';
	put(text, 0600);
	assert_int_equal(load_path(&pin, NULL), HM_E_FILE);
	assert_int_equal(pin.len, 0);
	text[SECRET_MAX] = '\0';
	put(text, 0600);
	assert_int_equal(load_path(&pin, NULL), HM_OK);
	assert_int_equal(pin.len, SECRET_MAX);
}

static void
reads_a_descriptor_to_its_end(void **state)
{
	AUTO(secret) struct secret pin = { 0 };
	char source[16];
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "56", 2), 2);
	assert_int_equal(write(pipes[1], "78\n", 3), 3);
	close(pipes[1]);
	snprintf(source, sizeof(source), "fd:%d", pipes[0]);
	assert_int_equal(secret_load(source, &pin, NULL), HM_OK);
	assert_true(hm_bytes_equal(secret_bytes(&pin), HM_LITERAL("5678")));
	close(pipes[0]);
	assert_int_equal(secret_load(source, &pin, NULL), HM_E_FILE);
}

static void
reads_a_credential_of_systemd(void **state)
{
	AUTO(secret) struct secret pin = { 0 };

	(void)state;
	put("cred", 0640); /* systemd sees to the mode of the folder */
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_int_equal(secret_load("credential:pin", &pin, NULL), HM_OK);
	assert_true(hm_bytes_equal(secret_bytes(&pin), HM_LITERAL("cred")));
	assert_int_equal(
	    secret_load("credential:../pin", &pin, NULL), HM_E_USAGE);
	assert_int_equal(secret_load("credential:", &pin, NULL), HM_E_USAGE);
	assert_int_equal(secret_load("credential:no", &pin, NULL), HM_E_FILE);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(secret_load("credential:pin", &pin, NULL), HM_E_FILE);
}

/* A PIN typed into the wrong place must not come back in a message. */
static void
refuses_a_secret_itself_and_does_not_repeat_it(void **state)
{
	AUTO(secret) struct secret pin = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(secret_load("987654", &pin, &why), HM_E_USAGE);
	assert_null(strstr(why.text, "987654"));
	assert_null(strstr(why.where, "987654"));
	assert_null(strstr(why.act, "987654"));
	assert_int_equal(secret_load("fd:x", &pin, NULL), HM_E_USAGE);
	assert_int_equal(secret_load("env:PIN", &pin, NULL), HM_E_USAGE);
}

static void
wipes_what_it_held(void **state)
{
	struct secret pin = { .len = 3, .bytes = "abc" };
	static const struct secret none;

	(void)state;
	secret_done(&pin);
	assert_memory_equal(&pin, &none, sizeof(pin));
}

static void
never_prompts_without_a_terminal(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		AUTO(secret) struct secret pin = { 0 };

		setsid(); /* no terminal any more */
		_exit(secret_load("prompt", &pin, NULL) == HM_E_NO_TERMINAL
			  ? 0
			  : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* Child of a new terminal: prints what it got, as a person never should. */
_Noreturn static void
ask_on(const char *terminal)
{
	AUTO(secret) struct secret pin = { 0 };

	setsid();
	if (open(terminal, O_RDWR) < 0)
		_exit(1);
	if (secret_load("prompt", &pin, NULL) != HM_OK)
		_exit(2);
	_exit(hm_bytes_equal(secret_bytes(&pin), HM_LITERAL("s3cret")) ? 0 : 3);
}

static void
asks_on_the_terminal_without_echo(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status, keep;
	char seen[400] = "";
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	(void)state;
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	keep = open(ptsname(master), O_RDWR | O_NOCTTY);
	pid = fork();
	if (pid == 0)
		ask_on(ptsname(master));
	/* Typed after the question, when echo is off. */
	while (strchr(seen, ':') == NULL) {
		got = read(master, seen + len, sizeof(seen) - len - 1);
		assert_true(got > 0);
		len += (size_t)got;
	}
	for (struct termios now;;) {
		assert_int_equal(tcgetattr(keep, &now), 0);
		if ((now.c_lflag & ECHO) == 0)
			break;
	}
	assert_int_equal(write(master, "s3cret\n", 7), 7);
	waitpid(pid, &status, 0);
	got = read(master, seen + len, sizeof(seen) - len - 1);
	assert_true(got > 0);
	assert_int_equal(status, 0);
	assert_null(strstr(seen, "s3cret"));
	close(keep);
	close(master);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pin", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_a_private_file_without_its_newline),
		cmocka_unit_test(
		    refuses_a_file_open_to_others_and_changes_nothing),
		cmocka_unit_test(refuses_a_file_of_somebody_else),
		cmocka_unit_test(refuses_empty_and_too_long_secrets),
		cmocka_unit_test(reads_a_descriptor_to_its_end),
		cmocka_unit_test(reads_a_credential_of_systemd),
		cmocka_unit_test(
		    refuses_a_secret_itself_and_does_not_repeat_it),
		cmocka_unit_test(wipes_what_it_held),
		cmocka_unit_test(never_prompts_without_a_terminal),
		cmocka_unit_test(asks_on_the_terminal_without_echo),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
