/* SPDX-License-Identifier: Apache-2.0 */
/* base/config: every refusal with its place, defaults, cuts, the template */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/config.h"

static const struct config_key clock_keys[] = {
	{ "source", CONFIG_ENUM, .choices = "chrony|tpm|server|manual",
	    .fallback = "chrony", .words = "who sets the clock" },
	{ "max_error_ms", CONFIG_INT, .min = 1, .max = 60000,
	    .fallback = "5000", .unit = "ms", .words = "refused above" },
	{ 0 },
};

static const struct config_key slot_keys[] = {
	{ "baud", CONFIG_INT, .min = 300, .max = 4000000, .fallback = "115200",
	    .words = "speed of the line" },
	{ "name", CONFIG_NAME, .required = true, .example = "A1",
	    .words = "as printed on the fixture" },
	{ "usb_path", CONFIG_STRING, .required = true, .example = "1-1.2",
	    .words = "where it is plugged in" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "name", CONFIG_NAME, .required = true, .example = "LINE2-A",
	    .words = "this station" },
	{ "server", CONFIG_URI, .example = "https://hallmark.example:8443",
	    .words = "where it reports" },
	{ "clock", CONFIG_MAP, .keys = clock_keys, .words = "the clock" },
	{ "slots", CONFIG_MAP, .list = true, .items_max = 3, .keys = slot_keys,
	    .words = "holders of devices" },
	{ "sites", CONFIG_NAME, .list = true, .items_min = 1, .example = "SZ",
	    .words = "where it may stand" },
	{ "serial", CONFIG_SERIAL, .example = "0123", .words = "a serial" },
	{ "mac", CONFIG_MAC, .example = "7c:ac:b2:10:00:00",
	    .words = "an address" },
	{ "key", CONFIG_HEX, .min = 2, .max = 4, .example = "beef01",
	    .words = "some bytes" },
	{ "mask", CONFIG_HEXINT, .min = 0, .max = 255, .fallback = "0xff",
	    .words = "some bits" },
	{ "lock", CONFIG_BOOL, .fallback = "true", .words = "lock it" },
	{ "since", CONFIG_TIME, .example = "2026-11-21", .words = "a day" },
	{ "note", CONFIG_TEXT, .example = "hand | with care",
	    .words = "for people" },
	{ "label", CONFIG_STRING, .max = 12, .example = "x",
	    .words = "a word" },
	{ "file", CONFIG_PATH, .example = "/x", .words = "a path" },
	{ 0 },
};

static const struct config_schema schema = { "station", 1, keys,
	"the line computer" };

static struct config_faults faults;

static hm_err
parse(const char *text, size_t len, struct config *ret, struct why *why)
{
	return config_parse("f.yaml",
	    (struct hm_bytes){ (const uint8_t *)text, len }, &schema, ret,
	    &faults, why);
}

#define HEAD "schema: 1\nname: \"L\"\n"

struct bad {
	const char *text;
	size_t len; /* 0: strlen */
	hm_err err;
	const char *at; /* line:col */
};

#define BAD(text, err, at)                           \
	{                                            \
		text, sizeof(text) - 1, HM_##err, at \
	}

static const struct bad bad[] = {
	/* bytes: facts 6.2 */
	BAD(HEAD "label: \"a\0b\"\n", E_CONFIG_BYTE, "3:10"),
	BAD(HEAD "label: \"a\x01\"\n", E_CONFIG_BYTE, "3:10"),
	BAD(HEAD "label: \"a\x7f\"\n", E_CONFIG_BYTE, "3:10"),
	BAD(HEAD "label: \"\xc2\x85\"\n", E_CONFIG_BYTE, "3:9"),
	BAD(HEAD "label: \"\xe2\x80\xa8\"\n", E_CONFIG_BYTE, "3:9"),
	BAD(HEAD "label: \"\xe2\x80\xa9\"\n", E_CONFIG_BYTE, "3:9"),
	BAD(HEAD "label:\tx\n", E_CONFIG_BYTE, "3:7"),
	BAD("schema: 1\r\n", E_CONFIG_BYTE, "1:10"),
	BAD("\xef\xbb\xbf" HEAD, E_CONFIG_BYTE, "1:1"),
	BAD(HEAD "label: \"\xe4\xb8\xad\xff\"\n", E_CONFIG_BYTE, "3:10"),
	BAD(HEAD "label: \"\xed\xa0\x80\"\n", E_CONFIG_BYTE, "3:9"),
	BAD("\xff\xfes\0c\0", E_CONFIG_BYTE, "1:1"),
	BAD("\0s\0c\0h", E_CONFIG_BYTE, "1:1"),
	/* escapes */
	BAD(HEAD "label: \"\\0\"\n", E_CONFIG_BYTE, "3:8"),
	BAD(HEAD "label: \"a\\n\"\n", E_CONFIG_BYTE, "3:8"),
	BAD(HEAD "label: \"\\x85\"\n", E_CONFIG_BYTE, "3:8"),
	BAD(HEAD "\"la\\tbel\": x\n", E_CONFIG_BYTE, "3:1"),
	/* parts of YAML that are not in the subset */
	BAD(HEAD "label: &a x\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "label: &a x\nfile: *a\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "file: *a\n", E_CONFIG_YAML, "3:7"),
	BAD(HEAD "slots: &a\n  - name: b\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "clock: &a\n  source: tpm\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "<<: x\n", E_CONFIG_YAML, "3:1"),
	BAD(HEAD "label: !!str x\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "label: ! x\n", E_CONFIG_YAML, "3:8"),
	BAD("%YAML 1.1\n---\n" HEAD, E_CONFIG_YAML, "1:1"),
	BAD("%FOO x\n---\n" HEAD, E_CONFIG_YAML, "1:1"),
	BAD(HEAD "---\nschema: 1\n", E_CONFIG_YAML, "3:1"),
	BAD("# x\n---\n" HEAD, E_CONFIG_YAML, "2:1"),
	BAD(HEAD "...\n", E_CONFIG_YAML, "3:1"),
	BAD(HEAD "? label\n: x\n", E_CONFIG_YAML, "3:3"),
	BAD(HEAD "?\n  label\n: x\n", E_CONFIG_YAML, "4:3"),
	BAD(HEAD "? [a]\n: x\n", E_CONFIG_YAML, "3:3"),
	BAD(HEAD ": x\n", E_CONFIG_SYNTAX, "3:1"),
	BAD(HEAD "\"\": x\n", E_CONFIG_YAML, "3:1"),
	BAD(HEAD "clock: {source: tpm}\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "sites: [a: b]\n", E_CONFIG_YAML, "3:9"),
	BAD(HEAD "sites: [a, [b]]\n", E_CONFIG_YAML, "3:12"),
	BAD(HEAD "sites: [a,\n  b]\n", E_CONFIG_YAML, "4:4"),
	BAD(HEAD "label: x\n  y\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "label: \"x\n  y\"\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "label: 'x\n  y'\n", E_CONFIG_YAML, "3:8"),
	BAD(HEAD "label: |\n  x\n", E_CONFIG_YAML, "3:8"),
	/* size and depth */
	BAD(HEAD "label: \"abcdefghijklm\"\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "a123456789012345678901234567890123456789012345678901234567"
		 "89012345: x\n",
	    E_CONFIG_SIZE, "3:1"),
	/* keys */
	BAD(HEAD "serail: \"1\"\n", E_CONFIG_KEY, "3:1"),
	BAD(HEAD "clock:\n  sorce: tpm\n", E_CONFIG_KEY, "4:3"),
	BAD(HEAD "label: a\nlabel: b\n", E_CONFIG_TWICE, "4:1"),
	BAD(HEAD "label: a\n\"label\": b\n", E_CONFIG_TWICE, "4:1"),
	BAD(HEAD "label: a\n\"l\\x61bel\": b\n", E_CONFIG_TWICE, "4:1"),
	BAD(HEAD "schema: 1\n", E_CONFIG_TWICE, "3:1"),
	BAD("schema: 1\nlabel: x\n", E_CONFIG_MISSING, "1:1"),
	BAD("name: \"L\"\n", E_CONFIG_MISSING, "1:1"),
	BAD(HEAD "slots:\n  - usb_path: \"1-1\"\n", E_CONFIG_MISSING, "4:5"),
	BAD("", E_CONFIG_MISSING, "1:1"),
	BAD("# only a comment\n", E_CONFIG_MISSING, "1:1"),
	BAD("- a\n", E_CONFIG_MISSING, "1:1"),
	BAD("word\n", E_CONFIG_MISSING, "1:1"),
	BAD("schema: 2\nname: \"L\"\n", E_VERSION, "1:9"),
	BAD("schema: \"1\"\nname: \"L\"\n", E_CONFIG_TYPE, "1:9"),
	/* empty values */
	BAD(HEAD "label:\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "label: ~\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "label: null\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "lock:\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "clock:\n", E_CONFIG_TYPE, "3:7"),
	/* types */
	BAD(HEAD "lock: yes\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "lock: True\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "lock: \"true\"\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "clock:\n  max_error_ms: 0\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 60001\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 010\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: +1\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 1_0\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 1e3\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 0x1\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 30 s\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: \"5\"\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: 99999999999999999999\n",
	    E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  max_error_ms: -1\n", E_CONFIG_TYPE, "4:17"),
	BAD(HEAD "clock:\n  source: sundial\n", E_CONFIG_TYPE, "4:11"),
	BAD(HEAD "clock: x\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "mask: 0x1F\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "mask: 31\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "mask: 0x100\n", E_CONFIG_TYPE, "3:7"),
	BAD(HEAD "mac: \"7C:ac:b2:10:00:00\"\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "mac: \"7c:ac:b2:10:00\"\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "key: \"bee\"\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "key: \"be\"\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "key: \"beefbeefbe\"\n", E_CONFIG_TYPE, "3:6"),
	BAD(HEAD "since: \"2026-02-29\"\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "server: \"nowhere\"\n", E_CONFIG_TYPE, "3:9"),
	BAD(HEAD "sites: a\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "sites: []\n", E_CONFIG_TYPE, "3:8"),
	BAD(HEAD "sites: [a, \"b c\"]\n", E_CONFIG_TYPE, "3:12"),
	BAD(HEAD "label: [a]\n", E_CONFIG_TYPE, "3:8"),
	BAD("schema: 1\nname: -x\n", E_CONFIG_TYPE, "2:7"),
	/* what other readers would change: facts 6.1 */
	BAD(HEAD "mac: 12:30:45:10:20:30\n", E_CONFIG_QUOTES, "3:6"),
	BAD(HEAD "serial: 0123\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 1.10\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: no\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 0x1F\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 0b11\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 1_000\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: +1\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: .5\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 2026-11-21\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 1:2\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: =\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "serial: 12e03\n", E_CONFIG_QUOTES, "3:9"),
	BAD(HEAD "key: 123456\n", E_CONFIG_QUOTES, "3:6"),
	BAD(HEAD "since: 2026-11-21\n", E_CONFIG_QUOTES, "3:8"),
	/* syntax, and files that were cut */
	BAD(HEAD "label: \"x\n", E_CONFIG_SYNTAX, "4:1"),
	BAD(HEAD "sites: [a\n", E_CONFIG_SYNTAX, "4:1"),
	BAD(HEAD "label: a: b\n", E_CONFIG_SYNTAX, "3:9"),
	BAD(HEAD "  label: a\n", E_CONFIG_SYNTAX, "3:3"),
	BAD(HEAD "clock:\n  max_error_ms: 50", E_CONFIG_SYNTAX, "4:19"),
};

static void
refuses_each_bad_file_and_names_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config config = { 0 };
		struct why why = { 0 };
		char place[64];
		hm_err err = parse(bad[i].text, bad[i].len, &config, &why);

		snprintf(place, sizeof(place), "f.yaml:%s", bad[i].at);
		if (err != bad[i].err || strcmp(why.where, place) != 0)
			print_error("%s\n-> %d %s %s, not %d %s\n", bad[i].text,
			    (int)err, why.where, why.text, (int)bad[i].err,
			    place);
		assert_int_equal(err, bad[i].err);
		assert_int_equal(why.err, err);
		assert_string_equal(why.where, place);
		assert_null(config.tree);
		assert_true(faults.errors > 0);
	}
}

static const char good[] = "---\n"
			   "schema: 1   # comes first\n"
			   "name: \"LINE2-A\"\n"
			   "server: https://hallmark.acme.example:8443\n"
			   "clock:\n"
			   "  source: tpm\n"
			   "slots:\n"
			   "  - name: A1\n"
			   "    usb_path: 1-1.2\n"
			   "    baud: 921600\n"
			   "  - name: 'A2'\n"
			   "    usb_path: \"1-1.3\"\n"
			   "sites: [SZ, \"HK\"]\n"
			   "serial: \"0123\"\n"
			   "mac: \"12:30:45:10:20:30\"\n"
			   "key: \"00ff10\"\n"
			   "mask: 0x1f\n"
			   "since: \"2026-11-21\"\n"
			   "note: |\n"
			   "  two\n"
			   "  lines\n"
			   "label: \"\xe4\xb8\xad \\u00e9\"\n";

static void
gives_every_value_as_it_stands_there(void **state)
{
	AUTO(config) struct config config = { 0 };
	struct why why = { 0 };
	const struct config_node *top;
	uint8_t bytes[6];

	(void)state;
	if (parse(good, sizeof(good) - 1, &config, &why) != HM_OK)
		fail_msg("%s %s", why.where, why.text);
	assert_int_equal(faults.count, 0);
	top = config_top(&config);
	assert_string_equal(config_text(top, "name"), "LINE2-A");
	assert_string_equal(config_text(top, "clock.source"), "tpm");
	assert_int_equal(config_int(top, "clock.max_error_ms"), 5000);
	assert_int_equal(config_count(top, "slots"), 2);
	assert_string_equal(
	    config_text(config_item(top, "slots", 0), "usb_path"), "1-1.2");
	assert_int_equal(
	    config_int(config_item(top, "slots", 0), "baud"), 921600);
	assert_int_equal(
	    config_int(config_item(top, "slots", 1), "baud"), 115200);
	assert_int_equal(config_count(top, "sites"), 2);
	assert_string_equal(config_text_at(top, "sites", 1), "HK");
	assert_string_equal(config_text(top, "serial"), "0123");
	assert_int_equal(config_hex(top, "mac", bytes, 6), 6);
	assert_int_equal(bytes[0], 0x12);
	assert_int_equal(bytes[5], 0x30);
	assert_int_equal(config_hex(top, "key", bytes, 2), 3);
	assert_int_equal(config_int(top, "mask"), 0x1f);
	assert_true(config_bool(top, "lock"));
	assert_false(config_has(top, "lock"));
	assert_true(config_has(top, "mask"));
	assert_int_equal(config_time(top, "since"), 1795219200);
	assert_string_equal(config_text(top, "note"), "two\nlines\n");
	assert_string_equal(config_text(top, "label"), "\xe4\xb8\xad \xc3\xa9");
	assert_null(config_text(top, "file"));
}

static void
gives_defaults_inside_an_absent_mapping(void **state)
{
	AUTO(config) struct config config = { 0 };
	const struct config_node *top;

	(void)state;
	assert_int_equal(parse(HEAD, sizeof(HEAD) - 1, &config, NULL), HM_OK);
	top = config_top(&config);
	assert_string_equal(config_text(top, "clock.source"), "chrony");
	assert_string_equal(
	    config_text(config_map(top, "clock"), "source"), "chrony");
	assert_false(config_has(top, "clock"));
	assert_int_equal(config_count(top, "slots"), 0);
	assert_int_equal(config_int(top, "mask"), 255);
}

static void
warns_of_plain_text_that_looks_typed(void **state)
{
	static const char text[] = HEAD "label: 1.10\nfile: /ok\n";
	AUTO(config) struct config config = { 0 };

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &config, NULL), HM_OK);
	assert_int_equal(faults.count, 1);
	assert_int_equal(faults.errors, 0);
	assert_true(faults.is_warning[0]);
	assert_int_equal(faults.fault[0].err, HM_E_CONFIG_QUOTES);
	assert_string_equal(faults.fault[0].where, "f.yaml:3:8");
}

static void
shows_the_line_with_a_caret_and_the_nearest_key(void **state)
{
	static const char text[] =
	    HEAD "slots:\n  - name: A1\n    usb_pth: \"1-1\"\n";
	struct config config = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(
	    parse(text, sizeof(text) - 1, &config, &why), HM_E_CONFIG_KEY);
	assert_string_equal(why.where, "f.yaml:5:5");
	assert_string_equal(why.excerpt, "usb_pth: \"1-1\"\n^~~~~~~");
	assert_string_equal(why.act,
	    "did you mean \"usb_path\"? allowed here: baud, name, usb_path");
}

static void
puts_the_caret_below_wide_characters(void **state)
{
	static const char text[] =
	    HEAD "note: \"\xe4\xb8\xad\xe6\x96\x87\"   # \xe4\xb8\xad\n"
		 "sites: [\"\xe4\xb8\xad\", a]\n";
	struct config config = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(
	    parse(text, sizeof(text) - 1, &config, &why), HM_E_CONFIG_TYPE);
	assert_string_equal(why.where, "f.yaml:4:9");
	assert_string_equal(
	    why.excerpt, "sites: [\"\xe4\xb8\xad\", a]\n        ^~~~");
}

static void
collects_twenty_errors_at_most(void **state)
{
	AUTO(buf) struct buf text = { .max = 4096 };
	struct config config = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(buf_print(&text, HEAD), HM_OK);
	for (int i = 0; i < 30; i++)
		assert_int_equal(buf_print(&text, "bad%d: x\n", i), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, &why),
	    HM_E_CONFIG_KEY);
	assert_int_equal(faults.errors, CONFIG_FAULTS_MAX);
	assert_string_equal(faults.fault[19].where, "f.yaml:22:1");
	assert_string_equal(why.where, "f.yaml:3:1");
}

/* depth, number of values, length of a scalar and of the file */
static void
refuses_what_is_too_large(void **state)
{
	AUTO(buf) struct buf text = { .max = 4 * 1024 * 1024 };
	struct config config = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(buf_print(&text, HEAD "x:\n"), HM_OK);
	for (int i = 0; i < 20; i++)
		assert_int_equal(
		    buf_print(&text, "%*sx:\n", 2 * i + 2, ""), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, &why),
	    HM_E_CONFIG_SIZE);
	assert_string_equal(why.where, "f.yaml:19:33");

	buf_clear(&text);
	assert_int_equal(buf_print(&text, HEAD "sites:\n"), HM_OK);
	for (int i = 0; i < 32768; i++)
		assert_int_equal(buf_print(&text, "  - a\n"), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, NULL),
	    HM_E_CONFIG_SIZE);

	buf_clear(&text);
	assert_int_equal(
	    buf_print(&text, HEAD "file: \"%04097d\"\n", 1), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, NULL),
	    HM_E_CONFIG_SIZE);

	buf_clear(&text);
	assert_int_equal(
	    buf_print(&text, HEAD "note: \"%065537d\"\n", 1), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, NULL),
	    HM_E_CONFIG_SIZE);

	buf_clear(&text);
	assert_int_equal(buf_print(&text, HEAD "#%01048576d\n", 1), HM_OK);
	assert_int_equal(parse((const char *)text.ptr, text.len, &config, NULL),
	    HM_E_CONFIG_SIZE);
	assert_null(config.tree);
}

/* Whatever is missing at the end, no value differs from the whole file's. */
static void
never_takes_a_cut_value(void **state)
{
	static const char *const names[] = { "name", "server", "serial", "mac",
		"label" };
	AUTO(config) struct config whole = { 0 };
	size_t taken = 0;

	(void)state;
	assert_int_equal(parse(good, sizeof(good) - 1, &whole, NULL), HM_OK);
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		AUTO(config) struct config cut = { 0 };
		char *copy = malloc(len + 1); /* so that ASan sees its end */

		memcpy(copy, good, len);
		if (parse(copy, len, &cut, NULL) == HM_OK) {
			taken++;
			assert_int_equal(good[len - 1], '\n');
			for (size_t i = 0; i < 5; i++) {
				const struct config_node *top =
				    config_top(&cut);

				if (!config_has(top, names[i]))
					continue;
				assert_string_equal(config_text(top, names[i]),
				    config_text(config_top(&whole), names[i]));
			}
		}
		free(copy);
	}
	assert_true(taken > 5);
}

static void
prints_a_template_that_is_valid(void **state)
{
	AUTO(config) struct config config = { 0 };
	AUTO(buf) struct buf text = { .max = 65536 };
	struct why why = { 0 };
	char *at;

	(void)state;
	assert_int_equal(config_template(&schema, &text), HM_OK);
	if (config_parse("template", buf_bytes(&text), &schema, &config,
		&faults, &why) != HM_OK)
		fail_msg("%s %s\n%s", why.where, why.text, buf_text(&text));
	assert_int_equal(faults.count, 0);
	assert_string_equal(
	    config_text(config_top(&config), "name"), "LINE2-A");

	/* Also with all that it shows switched on. */
	at = strstr((char *)text.ptr, "schema:");
	for (; (at = strstr(at, "\n#")) != NULL; at++)
		if (at[2] != ' ' || at[3] == ' ')
			memmove(at + 1, at + 2, strlen(at + 2) + 1);
	if (config_parse("template", hm_bytes_of((char *)text.ptr), &schema,
		&config, &faults, &why) != HM_OK)
		fail_msg("%s %s\n%s", why.where, why.text, buf_text(&text));
	assert_string_equal(config_text(config_top(&config), "serial"), "0123");
	assert_int_equal(config_count(config_top(&config), "slots"), 1);
}

static void
prints_a_reference_of_every_key(void **state)
{
	AUTO(buf) struct buf text = { .max = 65536 };

	(void)state;
	assert_int_equal(config_reference(&schema, &text), HM_OK);
	assert_non_null(strstr(buf_text(&text),
	    "| `clock.max_error_ms` | number, 1 to 60000 ms | `5000` | "
	    "refused above |\n"));
	assert_non_null(strstr(buf_text(&text),
	    "| `slots[].name` | name | required | as printed on the fixture "
	    "|\n"));
}

static void
loads_a_file_and_says_which_is_missing(void **state)
{
	AUTO(config) struct config config = { 0 };
	char path[] = "/tmp/hallmark-config-XXXXXX";
	struct why why = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, HEAD, strlen(HEAD)), (long)strlen(HEAD));
	close(fd);
	assert_int_equal(
	    config_load(path, &schema, &config, NULL, &why), HM_OK);
	assert_string_equal(config_text(config_top(&config), "name"), "L");
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(
	    config_load(path, &schema, &config, NULL, NULL), HM_E_FILE);
	unlink(path);
	assert_int_equal(
	    config_load(path, &schema, &config, NULL, &why), HM_E_FILE);
	assert_string_equal(why.where, path);
	/* The one that was loaded before is still whole. */
	assert_string_equal(config_text(config_top(&config), "name"), "L");
}

static void
points_at_a_value_for_later_checks(void **state)
{
	AUTO(config) struct config config = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(parse(good, sizeof(good) - 1, &config, NULL), HM_OK);
	config_point(config_top(&config), "clock.source", &why);
	assert_string_equal(why.where, "f.yaml:6:11");
	assert_string_equal(why.excerpt, "source: tpm\n        ^~~");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_each_bad_file_and_names_its_place),
		cmocka_unit_test(gives_every_value_as_it_stands_there),
		cmocka_unit_test(gives_defaults_inside_an_absent_mapping),
		cmocka_unit_test(warns_of_plain_text_that_looks_typed),
		cmocka_unit_test(
		    shows_the_line_with_a_caret_and_the_nearest_key),
		cmocka_unit_test(puts_the_caret_below_wide_characters),
		cmocka_unit_test(collects_twenty_errors_at_most),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(never_takes_a_cut_value),
		cmocka_unit_test(prints_a_template_that_is_valid),
		cmocka_unit_test(prints_a_reference_of_every_key),
		cmocka_unit_test(loads_a_file_and_says_which_is_missing),
		cmocka_unit_test(points_at_a_value_for_later_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
