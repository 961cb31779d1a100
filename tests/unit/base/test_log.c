/* SPDX-License-Identifier: Apache-2.0 */
/* base/log: whole lines of JSON */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/doc.h"
#include "base/log.h"

static char written[3 * 4096];
static int pipes[2], real_stderr;

/* What the log writes between the two calls. */
static void
listen_in(void)
{
	assert_int_equal(pipe(pipes), 0);
	real_stderr = dup(2);
	dup2(pipes[1], 2);
}

static size_t
heard(void)
{
	ssize_t len;

	dup2(real_stderr, 2);
	close(real_stderr);
	close(pipes[1]);
	len = read(pipes[0], written, sizeof(written) - 1);
	close(pipes[0]);
	written[len] = '\0';
	return (size_t)len;
}

static struct doc *
parsed(void)
{
	struct doc *doc = NULL;

	assert_int_equal(doc_parse(hm_bytes_of(written), &doc, NULL), HM_OK);
	return doc;
}

static void
writes_one_object_a_line(void **state)
{
	AUTO_DOC struct doc *doc = NULL;

	(void)state;
	log_init("keeper", LOG_INFO);
	listen_in();
	log_event(LOG_INFO, "issue", "order", "PO-1", "left", NULL, "slot",
	    "A1", NULL);
	assert_true(heard() > 0);
	assert_int_equal(strcspn(written, "\n"), strlen(written) - 1);
	doc = parsed();
	assert_string_equal(doc_get_text(doc, "level", ""), "info");
	assert_string_equal(doc_get_text(doc, "process", ""), "keeper");
	assert_string_equal(doc_get_text(doc, "event", ""), "issue");
	assert_string_equal(doc_get_text(doc, "order", ""), "PO-1");
	assert_string_equal(doc_get_text(doc, "slot", ""), "A1");
	assert_null(doc_get_text(doc, "left", NULL));
}

static void
escapes_what_would_break_the_line(void **state)
{
	AUTO_DOC struct doc *doc = NULL;

	(void)state;
	listen_in();
	log_event(
	    LOG_WARN, "x", "a", "q\"b\\n\n\x01\x7f\xff\xe4\xb8\xad", NULL);
	assert_true(heard() > 0);
	assert_int_equal(strcspn(written, "\n"), strlen(written) - 1);
	doc = parsed();
	assert_string_equal(doc_get_text(doc, "a", ""),
	    "q\"b\\n\n\x01\x7f\xef\xbf\xbd\xe4\xb8\xad");
}

static void
says_nothing_below_its_level(void **state)
{
	(void)state;
	log_init("keeper", LOG_WARN);
	listen_in();
	log_event(LOG_INFO, "quiet", NULL);
	log_event(LOG_ERROR, "loud", NULL);
	assert_true(heard() > 0);
	assert_null(strstr(written, "quiet"));
	assert_non_null(strstr(written, "loud"));
	log_init("keeper", LOG_INFO);
}

static void
names_the_error_and_the_first_reason(void **state)
{
	AUTO_DOC struct doc *doc = NULL;
	struct why why = { 0 };

	(void)state;
	why_where(&why, "/x");
	(void)WHY(&why, HM_E_IO, "disk full");
	listen_in();
	log_failure(LOG_ERROR, "commit", HM_E_IO, &why, "n", "3", NULL);
	assert_true(heard() > 0);
	doc = parsed();
	assert_string_equal(doc_get_text(doc, "error", ""), "HM-9004");
	assert_string_equal(doc_get_text(doc, "class", ""), "transient");
	assert_string_equal(doc_get_text(doc, "text", ""), "disk full");
	assert_string_equal(doc_get_text(doc, "where", ""), "/x");
	assert_string_equal(doc_get_text(doc, "n", ""), "3");
}

static void
cuts_a_line_that_a_pipe_would_tear_and_keeps_it_json(void **state)
{
	static char long_text[5000];

	(void)state;
	memset(long_text, '"', sizeof(long_text) - 1);
	for (size_t len = 1; len < sizeof(long_text); len += 7) {
		AUTO_DOC struct doc *doc = NULL;

		long_text[sizeof(long_text) - 1] = '\0';
		listen_in();
		log_event(LOG_INFO, "x", "first", "kept", "long",
		    long_text + sizeof(long_text) - 1 - len, "last", "z", NULL);
		assert_true(heard() <= 4096);
		doc = parsed();
		assert_string_equal(doc_get_text(doc, "first", ""), "kept");
		if (doc_get_text(doc, "last", NULL) == NULL)
			assert_true(doc_get_bool(doc, "cut", false));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_one_object_a_line),
		cmocka_unit_test(escapes_what_would_break_the_line),
		cmocka_unit_test(says_nothing_below_its_level),
		cmocka_unit_test(names_the_error_and_the_first_reason),
		cmocka_unit_test(
		    cuts_a_line_that_a_pipe_would_tear_and_keeps_it_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
