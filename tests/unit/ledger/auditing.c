/* SPDX-License-Identifier: Apache-2.0 */
#include "auditing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const char *folder;
struct factory factory;
struct tiles *tiles;
struct note_policy policy;
struct audit_options options;

int
setup(void **state)
{
	(void)state;
	folder = testlog_folder();
	assert_int_equal(tiles_open(folder, &tiles, NULL), HM_OK);
	factory_init(&factory, tiles);
	policy = (struct note_policy){ .log = testlog_key() };
	options = (struct audit_options){ .folder = folder, .policy = &policy };
	return 0;
}

int
teardown(void **state)
{
	(void)state;
	factory_done(&factory);
	tiles_free(tiles);
	testlog_folder_done();
	return 0;
}

void
again(void)
{
	factory_done(&factory);
	tiles_free(tiles);
	testlog_folder_clear();
	assert_int_equal(tiles_open(folder, &tiles, NULL), HM_OK);
	factory_init(&factory, tiles);
}

void
start(uint32_t quota, uint32_t returns)
{
	factory_begin(&factory);
	factory_order(&factory, "PO-A", quota, returns, 100);
	factory_issue(&factory, "PO-A", 100);
}

void
noise(void)
{
	assert_int_equal(tiles_add(tiles, HM_LITERAL("noise")), HM_OK);
}

void
run_audit(struct audit_result *ret)
{
	struct why why = { 0 };

	if (audit_run(&options, ret, &why) != HM_OK)
		fail_msg("%s: %s", why.where, why.text);
}

void
print(const struct audit_result *result)
{
	for (uint32_t i = 0; i < result->kept; i++)
		print_error("%s %s: %s\n",
		    result->findings[i].note ? "note" : "finding",
		    result->findings[i].place, result->findings[i].words);
}

void
assert_found(const char *place, const char *words)
{
	struct audit_result result;

	run_audit(&result);
	if (result.finding_count != 1 ||
	    !strstr(result.findings[0].place, place) ||
	    !strstr(result.findings[0].words, words)) {
		print(&result);
		fail_msg("not found: %s %s", place, words);
	}
	audit_result_done(&result);
}

void
assert_clean(void)
{
	struct audit_result result;

	run_audit(&result);
	if (result.finding_count + result.note_count > 0) {
		print(&result);
		fail_msg("not clean");
	}
	audit_result_done(&result);
}
