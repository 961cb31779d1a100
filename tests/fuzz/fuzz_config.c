/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config - any bytes as a configuration file
 *
 * A file that is taken gives all its values; one that is refused has an error
 * of the list with a place in the file. The same text is always judged alike.
 */
#include <string.h>

#include "base/config.h"
#include "fuzz.h"
#include "mutate.h"

static const struct config_key inner[] = {
	{ "name", CONFIG_NAME, .required = true },
	{ "baud", CONFIG_INT, .min = -9, .max = 4000000, .fallback = "9" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "text", CONFIG_TEXT, .list = false },
	{ "string", CONFIG_STRING, .max = 64 },
	{ "serial", CONFIG_SERIAL, .list = false },
	{ "uri", CONFIG_URI, .list = false },
	{ "hexint", CONFIG_HEXINT, .list = false },
	{ "bool", CONFIG_BOOL, .fallback = "true" },
	{ "enum", CONFIG_ENUM, .choices = "a|b|on", .fallback = "a" },
	{ "hex", CONFIG_HEX, .max = 8 },
	{ "mac", CONFIG_MAC, .list = false },
	{ "time", CONFIG_TIME, .list = false },
	{ "map", CONFIG_MAP, .keys = inner },
	{ "maps", CONFIG_MAP, .list = true, .items_max = 4, .keys = inner },
	{ "words", CONFIG_STRING, .list = true },
	{ "numbers", CONFIG_INT, .list = true },
	{ 0 },
};

static const struct config_schema schema = { "fuzz", 1, keys, "any bytes" };

static void
walk(const struct config_node *top)
{
	uint8_t bytes[8];

	fuzz_must(config_bool(top, "bool") || config_has(top, "bool"));
	fuzz_must(config_text(top, "enum") != NULL);
	fuzz_must(config_hex(top, "hex", bytes, sizeof(bytes)) <= 8);
	fuzz_must(config_hex(top, "mac", bytes, sizeof(bytes)) % 6 == 0);
	fuzz_must(config_int(top, "hexint") >= 0);
	(void)config_time(top, "time");
	fuzz_must(config_int(top, "map.baud") <= 4000000);
	for (size_t i = 0; i < config_count(top, "maps"); i++)
		fuzz_must(config_text(config_item(top, "maps", i), "name"));
	for (size_t i = 0; i < config_count(top, "words"); i++)
		fuzz_must(strlen(config_text_at(top, "words", i)) > 0);
	for (size_t i = 0; i < config_count(top, "numbers"); i++)
		fuzz_must(config_int_at(top, "numbers", i) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_faults faults;
	struct hm_bytes text = { data, size };
	struct config config = { 0 };
	struct why why = { 0 };
	hm_err err = config_parse("f", text, &schema, &config, &faults, &why);

	if (err == HM_OK) {
		fuzz_must(faults.errors == 0);
		fuzz_must(size > 0 && data[size - 1] == '\n');
		walk(config_top(&config));
		config_done(&config);
		return 0;
	}
	fuzz_must(config.tree == NULL);
	fuzz_must(why.err == err && why.text[0] != '\0');
	fuzz_must(strncmp(why.where, "f", 1) == 0);
	fuzz_must(memchr(why.excerpt, '\0', sizeof(why.excerpt)) != NULL);
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
