/* SPDX-License-Identifier: Apache-2.0 */
/* server/config: the template is valid, and says what is then read */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/config.h"
#include "server/config.h"

static char folder[] = "/tmp/hallmark-config-XXXXXX";
static char path[64];
static struct server_config config; /* large */

static hm_err
load(const char *old, const char *new, struct why *why)
{
	AUTO(buf) struct buf text = { .max = CONFIG_FILE_MAX };
	AUTO(buf) struct buf changed = { .max = CONFIG_FILE_MAX };
	const char *whole, *at;

	assert_int_equal(config_template(&server_schema, &text), HM_OK);
	whole = buf_text(&text);
	at = old == NULL ? NULL : strstr(whole, old);
	if (at == NULL) {
		assert_null(old);
		assert_int_equal(buf_print(&changed, "%s", whole), HM_OK);
	} else {
		assert_int_equal(
		    buf_print(&changed, "%.*s%s%s", (int)(at - whole), whole,
			new, at + strlen(old)),
		    HM_OK);
	}
	assert_int_equal(
	    file_write(path, buf_bytes(&changed), 0600, NULL), HM_OK);
	return server_config_load(path, &config, why);
}

static void
takes_its_own_template(void **state)
{
	struct why why = { 0 };

	(void)state;
	assert_int_equal(load(NULL, NULL, &why), HM_OK);
	assert_true(config.listen[0] != 0);
	assert_true(config.state[0] != 0);
	assert_true(config.origin[0] != 0);
	assert_true(config.tls.certificate[0] != 0);
	assert_true(config.token.uri[0] != 0);
	assert_true(config.token.pin[0] != 0);
	assert_true(config.connections_max > 0);
}

static void
reads_what_differs(void **state)
{
	(void)state;
	assert_int_equal(load("\nstate:", "\nfronts: 3\nstate:", NULL), HM_OK);
	assert_int_equal(config.fronts, 3);
}

static void
points_at_what_is_wrong(void **state)
{
	struct why why = { 0 };

	(void)state;
	config.fronts = 77;
	assert_int_not_equal(
	    load("\nstate:", "\nfronts: 65000\nstate:", &why), HM_OK);
	assert_memory_equal(why.where, path, strlen(path));
	assert_non_null(strchr(why.excerpt, '^'));
	assert_int_equal(config.fronts, 77); /* untouched */
	why = (struct why){ 0 };
	assert_int_not_equal(load("\nstate:", "\nstat:", &why), HM_OK);
	assert_int_equal(config.fronts, 77);
	assert_int_equal(
	    server_config_load("/nowhere.yaml", &config, NULL), HM_E_FILE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_its_own_template),
		cmocka_unit_test(reads_what_differs),
		cmocka_unit_test(points_at_what_is_wrong),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/hallmarkd.yaml", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(folder);
	return failed;
}
