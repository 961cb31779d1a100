/* SPDX-License-Identifier: Apache-2.0 */
/* station/config and event: the template is valid, names are told apart */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../ledger/testlog.h"
#include "base/auto.h"
#include "base/config.h"
#include "station/config.h"
#include "station/event.h"

static char path[FILE_PATH_MAX];
static struct station_config config; /* large */

static int
setup(void **state)
{
	(void)state;
	memset(&config, 0x5a, sizeof(config));
	(void)snprintf(path, sizeof(path), "%s/station.yaml", testlog_folder());
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testlog_folder_done();
	return 0;
}

static const char start[] = "schema: 1\n"
			    "name: LINE2-A\n"
			    "server:\n"
			    "  url: https://oem.example:8443\n"
			    "  ca: /ca.pem\n"
			    "  certificate: /station.pem\n"
			    "  key: /station.key\n"
			    "journal: /j\n"
			    "records: /r\n";

static hm_err
load(const char *rest, struct why *why)
{
	AUTO(buf) struct buf text = { .max = CONFIG_FILE_MAX };

	assert_int_equal(buf_print(&text, "%s%s", start, rest), HM_OK);
	assert_int_equal(file_write(path, buf_bytes(&text), 0600, NULL), HM_OK);
	return station_config_load(path, &config, why);
}

static void
takes_its_own_template(void **state)
{
	AUTO(buf) struct buf text = { .max = CONFIG_FILE_MAX };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(config_template(&station_schema, &text), HM_OK);
	assert_int_equal(file_write(path, buf_bytes(&text), 0600, NULL), HM_OK);
	assert_int_equal(station_config_load(path, &config, &why), HM_OK);
	assert_string_equal(config.name, "LINE2-A");
	assert_string_equal(config.slots[0].name, "A1");
}

static void
reads_every_key(void **state)
{
	(void)state;
	assert_int_equal(load("log_key: \"origin+01020304+AAAA\"\n"
			      "device_timeout_ms: 700\n"
			      "slots:\n"
			      "  - name: A1\n    link: unix:/run/a1\n"
			      "  - name: A2\n    link: tty:/dev/ttyS0\n",
			     NULL),
	    HM_OK);
	assert_string_equal(config.server.url, "https://oem.example:8443");
	assert_string_equal(config.server.ca, "/ca.pem");
	assert_string_equal(config.server.certificate, "/station.pem");
	assert_string_equal(config.server.key, "/station.key");
	assert_int_equal(config.server.deadline_ms, 15000);
	assert_int_equal(config.server.patience_ms, 60000);
	assert_string_equal(config.log_key, "origin+01020304+AAAA");
	assert_string_equal(config.journal, "/j");
	assert_string_equal(config.records, "/r");
	assert_int_equal(config.device_timeout_ms, 700);
	assert_int_equal(config.slot_count, 2);
	assert_string_equal(config.slots[1].name, "A2");
	assert_string_equal(config.slots[1].link, "tty:/dev/ttyS0");
}

static void
refuses_two_slots_of_one_name_and_shows_the_second(void **state)
{
	struct why why = { 0 };
	char where[FILE_PATH_MAX + 8];

	(void)state;
	assert_int_equal(load("slots:\n"
			      "  - name: A1\n    link: unix:/run/a1\n"
			      "  - name: A1\n    link: unix:/run/a2\n",
			     &why),
	    HM_E_CONFIG_TWICE);
	(void)snprintf(where, sizeof(where), "%s:13:", path);
	assert_memory_equal(why.where, where, strlen(where));
	assert_non_null(strchr(why.excerpt, '^'));
}

static void
refuses_a_line_without_slots(void **state)
{
	struct why why = { 0 };

	(void)state;
	assert_int_not_equal(load("slots: []\n", &why), HM_OK);
	assert_int_not_equal(load("", NULL), HM_OK);
}

static void
names_every_step_and_state(void **state)
{
	static const char *const names[] = { "wait", "hello", "challenge",
		"attest", "issue", "stamp", "confirm", "receipt", "done" };
	static const char *const states[] = { "empty", "run", "pass", "fail",
		"hold" };

	(void)state;
	assert_int_equal(STEP_COUNT, 9);
	for (unsigned i = 0; i < STEP_COUNT; i++)
		assert_string_equal(
		    station_step_name((station_step)i), names[i]);
	for (unsigned i = 0; i <= UNIT_HOLD; i++)
		assert_string_equal(unit_state_name((unit_state)i), states[i]);
	assert_string_equal(station_step_name(STEP_COUNT), "?");
	assert_string_equal(unit_state_name((unit_state)(UNIT_HOLD + 1)), "?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_its_own_template),
		TEST(reads_every_key),
		TEST(refuses_two_slots_of_one_name_and_shows_the_second),
		TEST(refuses_a_line_without_slots),
		TEST(names_every_step_and_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
