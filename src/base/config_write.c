/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/auto.h"
#include "base/config_parts.h"
#include "base/file.h"
#include "core/check.h"

#define ROW_MAX 1024

static const char *
type_name(config_type type)
{
	static const char *const names[] = {
		[CONFIG_NONE] = "",
		[CONFIG_STRING] = "string",
		[CONFIG_SERIAL] = "string in quotes",
		[CONFIG_NAME] = "name",
		[CONFIG_INT] = "number",
		[CONFIG_HEXINT] = "number, 0x...",
		[CONFIG_BOOL] = "true or false",
		[CONFIG_ENUM] = "word",
		[CONFIG_PATH] = "path",
		[CONFIG_URI] = "URI",
		[CONFIG_HEX] = "hex",
		[CONFIG_MAC] = "MAC address",
		[CONFIG_TIME] = "time, UTC",
		[CONFIG_TEXT] = "text",
		[CONFIG_MAP] = "mapping",
	};

	return names[type];
}

/* "a, b or c" of "a|b|c" */
static hm_err
put_choices(struct buf *ret, const char *choices)
{
	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");
		const char *rest = choices + len;

		HM_TRY(buf_print(ret, "%.*s", (int)len, choices));
		if (*rest == '|')
			HM_TRY(buf_print(ret, "%s",
			    strchr(rest + 1, '|') != NULL ? ", " : " or "));
		choices = rest + (*rest == '|' ? 1 : 0);
	}
	return HM_OK;
}

/* "number, 1 to 60000 ms", "list of name" */
static hm_err
put_type(struct buf *ret, const struct config_key *key)
{
	bool ranged = key->min != 0 || key->max != 0;

	HM_TRY(buf_print(ret, "%s", key->list ? "list of " : ""));
	if (key->type == CONFIG_ENUM)
		return put_choices(ret, key->choices);
	HM_TRY(buf_print(ret, "%s", type_name(key->type)));
	if (ranged)
		HM_TRY(buf_print(ret, ", %lld to %lld", (long long)key->min,
		    (long long)key->max));
	if (ranged && key->unit == NULL && key->type != CONFIG_INT &&
	    key->type != CONFIG_HEXINT)
		return buf_print(ret, " bytes");
	if (key->unit != NULL)
		return buf_print(ret, " %s", key->unit);
	return HM_OK;
}

/* What stands behind the colon, in quotes if the type takes them. */
static hm_err
put_value(struct buf *ret, const struct config_key *key)
{
	const char *value =
	    key->fallback != NULL ? key->fallback : key->example;
	bool bare = key->type == CONFIG_INT || key->type == CONFIG_HEXINT ||
		    key->type == CONFIG_BOOL;

	/* The template of a table without examples would not be valid. */
	hm_assert(!key->required || value != NULL);
	value = value != NULL ? value : "";
	HM_TRY(buf_print(ret, "%s", bare ? "" : "\""));
	for (; *value != '\0'; value++)
		HM_TRY(*value == '"' || *value == '\\'
			   ? buf_print(ret, "\\%c", *value)
			   : buf_print(ret, "%c", *value));
	return buf_print(ret, "%s", bare ? "" : "\"");
}

static hm_err put_keys(struct buf *ret, const struct config_key *keys,
    unsigned level, bool off, bool item);

static hm_err
put_remark(struct buf *ret, const struct config_key *key, unsigned level)
{
	HM_TRY(buf_print(ret, "%*s# %s (", (int)(2 * level), "",
	    key->words != NULL ? key->words : key->name));
	HM_TRY(put_type(ret, key));
	return buf_print(ret, "%s)\n", key->required ? "; required" : "");
}

/* One key at `level`; `dash` puts the mark of a list's item before it. */
static hm_err
put_key(struct buf *ret, const struct config_key *key, unsigned level, bool off,
    bool dash)
{
	unsigned indent = 2 * (level - (dash ? 1 : 0));

	off = off || !key->required;
	HM_TRY(buf_print(ret, "%s%*s%s%s:", off ? "#" : "", (int)indent, "",
	    dash ? "- " : "", key->name));
	if (key->type == CONFIG_MAP) {
		HM_TRY(buf_print(ret, "\n"));
		return put_keys(ret, key->keys, level + 1, off, key->list);
	}
	HM_TRY(buf_print(ret, "%s", key->list ? " [" : " "));
	HM_TRY(put_value(ret, key));
	return buf_print(ret, "%s\n", key->list ? "]" : "");
}

/* The keys of an item begin with those that cannot be commented out. */
static hm_err
put_keys(struct buf *ret, const struct config_key *keys, unsigned level,
    bool off, bool item)
{
	bool dash = item;

	level += item ? 1 : 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (const struct config_key *key = keys; key->name != NULL;
		     key++) {
			if (pass == (item && !key->required ? 0u : 1u))
				continue;
			HM_TRY(put_remark(ret, key, level));
			HM_TRY(put_key(ret, key, level, off, dash));
			dash = false;
		}
	return HM_OK;
}

hm_err
config_template(const struct config_schema *schema, struct buf *ret)
{
	HM_TRY(buf_print(ret,
	    "# %s: %s\n# Take the \"#\" away from what is to differ from its "
	    "default.\nschema: %u\n",
	    schema->name, schema->words, schema->version));
	return put_keys(ret, schema->keys, 0, false, false);
}

hm_err
config_template_print(const struct config_schema *schema, struct why *why)
{
	AUTO(buf) struct buf text = { .max = CONFIG_FILE_MAX };

	HM_TRY(config_template(schema, &text));
	return file_write("-", buf_bytes(&text), 0644, why);
}

/* A '|' would end a cell of the table. */
static hm_err
put_cell(struct buf *ret, const char *text)
{
	for (; *text != '\0'; text++)
		HM_TRY(*text == '|' ? buf_print(ret, "\\|")
				    : buf_print(ret, "%c", *text));
	return HM_OK;
}

static hm_err
put_rows(struct buf *ret, const struct config_key *keys, const char *above)
{
	for (; keys->name != NULL; keys++) {
		AUTO(buf) struct buf path = { .max = ROW_MAX };

		HM_TRY(buf_print(&path, "%s%s%s", above, keys->name,
		    keys->list && keys->type == CONFIG_MAP ? "[]" : ""));
		HM_TRY(buf_print(ret, "| `%s` | ", buf_text(&path)));
		HM_TRY(put_type(ret, keys));
		HM_TRY(buf_print(ret, " | "));
		if (keys->fallback != NULL)
			HM_TRY(buf_print(ret, "`%s`", keys->fallback));
		else
			HM_TRY(buf_print(
			    ret, "%s", keys->required ? "required" : ""));
		HM_TRY(buf_print(ret, " | "));
		HM_TRY(put_cell(ret, keys->words != NULL ? keys->words : ""));
		HM_TRY(buf_print(ret, " |\n"));
		if (keys->type != CONFIG_MAP)
			continue;
		HM_TRY(buf_print(&path, "."));
		HM_TRY(put_rows(ret, keys->keys, buf_text(&path)));
	}
	return HM_OK;
}

hm_err
config_reference(const struct config_schema *schema, struct buf *ret)
{
	HM_TRY(buf_print(ret,
	    "## %s\n\n%s. First key: `schema: %u`.\n\n"
	    "| key | type | default | meaning |\n|---|---|---|---|\n",
	    schema->name, schema->words, schema->version));
	return put_rows(ret, schema->keys, "");
}
