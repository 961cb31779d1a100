/* SPDX-License-Identifier: Apache-2.0 */
/* base/report: one form for results and errors */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/report.h"

static char said[2][8192];

/* Runs `deed` in a child whose standard output and error are listened to. */
static int
listened(int (*deed)(void))
{
	int out[2], error[2], status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(error), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		dup2(error[1], 2);
		status = deed();
		fflush(NULL);
		_exit(status);
	}
	close(out[1]);
	close(error[1]);
	waitpid(pid, &status, 0);
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? out[0] : error[0];
		ssize_t len = read(fd, said[i], sizeof(said[i]) - 1);

		said[i][len > 0 ? len : 0] = '\0';
		close(fd);
	}
	return WEXITSTATUS(status);
}

static struct why
full_reason(void)
{
	struct why why = { 0 };

	why_where(&why, "/etc/hallmark/station.yaml:12:5");
	snprintf(why.excerpt, sizeof(why.excerpt), "serail: \"x\"\n^~~~~~");
	why_do(&why, "did you mean \"serial\"?");
	(void)WHY(&why, HM_E_CONFIG_KEY, "unknown key \"serail\"");
	return why;
}

static void
a_failure_has_one_form(void **state)
{
	struct why why = full_reason();
	AUTO(buf) struct buf text = { .max = 4096 };

	(void)state;
	assert_int_equal(
	    report_text("error", HM_E_CONFIG_KEY, &why, false, &text), HM_OK);
	assert_string_equal(buf_text(&text),
	    "hallmark: error[HM-1301]: unknown key \"serail\"\n"
	    "hallmark:   where: /etc/hallmark/station.yaml:12:5\n"
	    "hallmark:         serail: \"x\"\n"
	    "hallmark:         ^~~~~~\n"
	    "hallmark:   why: unknown key\n"
	    "hallmark:   do: did you mean \"serial\"?\n"
	    "hallmark:   more: hallmark help HM-1301\n");
}

static void
the_list_speaks_where_nobody_else_did(void **state)
{
	AUTO(buf) struct buf text = { .max = 4096 };

	(void)state;
	assert_int_equal(
	    report_text("warning", HM_E_QUOTA, NULL, true, &text), HM_OK);
	assert_string_equal(buf_text(&text),
	    "hallmark: \033[1;33mwarning[HM-6101]:\033[0m "
	    "\033[1mthe order is used up\033[0m\n"
	    "hallmark:   do: ask the OEM for a further order\n"
	    "hallmark:   more: hallmark help HM-6101\n");
}

static void
the_json_form_says_the_same(void **state)
{
	struct why why = full_reason();
	AUTO(buf) struct buf text = { .max = 4096 };

	(void)state;
	assert_int_equal(report_error_doc(HM_E_CONFIG_KEY, &why, &text), HM_OK);
	assert_string_equal(buf_text(&text),
	    "{\"schema\":\"hallmark.error/1\",\"id\":\"HM-1301\","
	    "\"class\":\"permanent\",\"exit\":3,"
	    "\"text\":\"unknown key \\\"serail\\\"\","
	    "\"where\":\"/etc/hallmark/station.yaml:12:5\","
	    "\"why\":\"unknown key\",\"do\":\"did you mean \\\"serial\\\"?\"}");
}

static int
fails_as_text(void)
{
	report_init(&(struct report_setup){ .program = "hallmark" });
	report_line("before");
	return report_failure(HM_E_QUOTA, NULL);
}

static int
fails_as_json(void)
{
	setenv("HALLMARK_ERROR_FORMAT", "json", 1);
	return fails_as_text();
}

static void
errors_go_to_standard_error_with_their_status(void **state)
{
	(void)state;
	assert_int_equal(listened(fails_as_text), HM_EXIT_QUOTA);
	assert_string_equal(said[0], "before\n");
	assert_non_null(strstr(said[1], "error[HM-6101]"));
	assert_int_equal(listened(fails_as_json), HM_EXIT_QUOTA);
	assert_memory_equal(said[1], "{\"schema\":\"hallmark.error/1\"", 28);
}

static int
succeeds(void)
{
	return report_failure(HM_OK, NULL);
}

static void
success_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(listened(succeeds), 0);
	assert_string_equal(said[0], "");
	assert_string_equal(said[1], "");
}

static int
runs_with_json(void)
{
	AUTO_DOC struct doc *doc = NULL;

	report_init(&(struct report_setup){ .program = "x", .json = true });
	report_line("silent");
	doc = report_doc("hallmark.event/1");
	doc_text(doc, "slot", "A1");
	return report_event(doc) + report_end(doc);
}

static int
runs_with_text(void)
{
	report_init(&(struct report_setup){ .program = "x" });
	report_line("slot %s", "A1");
	return report_end(report_doc("hallmark.event/1"));
}

static void
results_are_text_or_json_but_not_both(void **state)
{
	(void)state;
	assert_int_equal(listened(runs_with_json), 0);
	assert_string_equal(said[0],
	    "{\"schema\":\"hallmark.event/1\",\"slot\":\"A1\"}\n"
	    "{\"schema\":\"hallmark.event/1\",\"slot\":\"A1\"}\n");
	assert_int_equal(listened(runs_with_text), 0);
	assert_string_equal(said[0], "slot A1\n");
}

static int
notes_quietly(void)
{
	report_init(&(struct report_setup){ .program = "x", .quiet = true });
	report_note("hidden");
	report_detail(0, "hidden");
	report_warning(HM_E_CLOCK, NULL);
	return report_progress_style() == REPORT_PROGRESS_NONE ? 0 : 1;
}

static int
notes_for_a_script(void)
{
	report_init(&(struct report_setup){ .program = "x", .json = true });
	report_note("hidden");
	return 0;
}

static int
notes_aloud(void)
{
	report_init(&(struct report_setup){ .program = "x", .verbose = 1 });
	report_note("note");
	report_detail(1, "detail");
	report_detail(2, "too much");
	return report_progress_style() == REPORT_PROGRESS_LINE ? 0 : 1;
}

static void
quiet_silences_notes_but_no_warnings(void **state)
{
	(void)state;
	assert_int_equal(listened(notes_quietly), 0);
	assert_null(strstr(said[1], "hidden"));
	assert_non_null(strstr(said[1], "warning[HM-8101]"));
	assert_int_equal(listened(notes_for_a_script), 0);
	assert_string_equal(said[1], "");
	assert_int_equal(listened(notes_aloud), 0);
	assert_string_equal(said[1], "x: note\nx: detail\n");
}

static int
writes_to_a_full_disk(void)
{
	dup2(open("/dev/full", O_WRONLY), 1);
	report_init(&(struct report_setup){ .program = "x" });
	report_line("lost");
	return report_end(NULL);
}

static void
a_full_disk_is_not_success(void **state)
{
	(void)state;
	assert_int_equal(listened(writes_to_a_full_disk), HM_EXIT_RETRY);
	assert_non_null(strstr(said[1], "error[HM-9004]"));
}

static void
colour_follows_terminal_environment_and_option(void **state)
{
	struct report_setup setup = { .program = "hallmark" };
	int fd = open("/dev/null", O_WRONLY);

	(void)state;
	unsetenv("NO_COLOR");
	unsetenv("CLICOLOR_FORCE");
	report_init(&setup);
	assert_false(report_color(fd));
	setenv("CLICOLOR_FORCE", "1", 1);
	assert_true(report_color(fd));
	setenv("NO_COLOR", "1", 1);
	assert_false(report_color(fd));
	setup.color = REPORT_ALWAYS;
	report_init(&setup);
	assert_true(report_color(fd));
	setup.color = REPORT_NEVER;
	report_init(&setup);
	unsetenv("NO_COLOR");
	assert_false(report_color(fd));
	close(fd);
}

static void
explains_known_errors_only(void **state)
{
	static const char *const bad[] = { "HM-0000", "HM-4321", "6101", "HM-",
		"HM-6101x", "hm-6101" };
	AUTO(buf) struct buf text = { .max = 4096 };
	struct why why = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(
		    report_explain(bad[i], &text, &why), HM_E_USAGE);
	assert_int_equal(text.len, 0);
	assert_int_equal(report_explain("HM-6101", &text, NULL), HM_OK);
	assert_non_null(strstr(buf_text(&text), "exit    6\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_has_one_form),
		cmocka_unit_test(the_list_speaks_where_nobody_else_did),
		cmocka_unit_test(the_json_form_says_the_same),
		cmocka_unit_test(errors_go_to_standard_error_with_their_status),
		cmocka_unit_test(success_says_nothing),
		cmocka_unit_test(results_are_text_or_json_but_not_both),
		cmocka_unit_test(quiet_silences_notes_but_no_warnings),
		cmocka_unit_test(a_full_disk_is_not_success),
		cmocka_unit_test(
		    colour_follows_terminal_environment_and_option),
		cmocka_unit_test(explains_known_errors_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
