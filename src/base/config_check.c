/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/config_parts.h"
#include "base/options.h"
#include "base/text.h"
#include "core/check.h"

#define ITEMS_MAX 1024
#define NAMES_MAX 128
#define MAC_LEN 6

static const struct config_key version_key = { "schema", CONFIG_INT,
	.required = true, .min = 1, .max = UINT32_MAX,
	.words = "version of this kind of file" };

static struct why *
fault_at(struct config_reader *reader, const struct config_node *node)
{
	return config_fault(
	    reader, node->line, node->column, config_width(node));
}

/* The words stand in `why` already, or are these. */
static void
refuse(struct config_reader *reader, const struct config_node *node, hm_err err,
    const char *words)
{
	struct why *why = fault_at(reader, node);

	(void)WHY(why, err, "\"%s\" %s",
	    node->key != NULL ? node->key->name : node->name, words);
	config_fault_end(reader, false);
}

/* Warnings are looked for only if somebody wants to hear of them. */
static void
warn(struct config_reader *reader, const struct config_node *node,
    const char *words)
{
	struct config_faults *faults = reader->faults;

	if (faults == NULL || faults->count == CONFIG_FAULTS_MAX)
		return;
	(void)WHY(fault_at(reader, node), HM_E_CONFIG_QUOTES, "\"%s\" %s",
	    node->key->name, words);
	config_fault_end(reader, true);
}

hm_err
config_number(const struct config_key *key, const char *text, int64_t *ret)
{
	bool negative = text[0] == '-';
	uint64_t magnitude = 0;

	if (key->type == CONFIG_HEXINT) {
		size_t len = strspn(text, "0x") == 0 ? 0 : strlen(text);

		if (len < 3 || len > 18 || strncmp(text, "0x", 2) != 0 ||
		    strspn(text + 2, "0123456789abcdef") != len - 2)
			return HM_E_BAD_INPUT;
		for (text += 2; *text != '\0'; text++)
			magnitude = magnitude << 4 |
				    (uint64_t)(*text <= '9' ? *text - '0'
							    : *text - 'a' + 10);
		if (magnitude > INT64_MAX)
			return HM_E_BAD_INPUT;
		*ret = (int64_t)magnitude;
		return HM_OK;
	}
	HM_TRY(uint_parse(
	    hm_bytes_of(text + (negative ? 1 : 0)), INT64_MAX, &magnitude));
	*ret = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return HM_OK;
}

static const char *
bad_number(const struct config_key *key, const struct config_node *node)
{
	bool free = key->min == 0 && key->max == 0;
	int64_t value;

	if (node->style != STYLE_PLAIN)
		return "wants a number without quotes";
	if (config_number(key, node->text, &value) != HM_OK)
		return key->type == CONFIG_INT
			   ? "wants a decimal number"
			   : "wants a number like 0x1f, in lower case";
	if (value < key->min || value > (free ? INT64_MAX : key->max))
		return "is out of its range";
	return NULL;
}

static const char *
bad_bool(const struct config_node *node)
{
	if (node->style != STYLE_PLAIN)
		return "wants true or false without quotes";
	if (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0)
		return "wants true or false";
	return NULL;
}

/* Length in bytes, within min..max of the key; 0 as max means `most`. */
static const char *
bad_length(const struct config_key *key, size_t len, size_t most)
{
	if (len < (size_t)key->min)
		return "is too short";
	if (len > (key->max != 0 ? (size_t)key->max : most))
		return "is too long";
	return NULL;
}

static const char *
bad_name(const struct config_key *key, const char *text, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char all[sizeof(letters) + 3];

	snprintf(all, sizeof(all), "%s._-", letters);
	if (strspn(text, letters) == 0 || strspn(text, all) != len)
		return "wants letters, digits, '.', '_' and '-', the first a "
		       "letter or digit";
	return bad_length(key, len, 64);
}

static const char *
bad_hex(const struct config_key *key, const char *text, size_t len)
{
	if (len % 2 != 0 || strspn(text, "0123456789abcdef") != len)
		return "wants pairs of lower-case hex digits";
	return bad_length(key, len / 2, CONFIG_SCALAR_MAX / 2);
}

static const char *
bad_mac(const char *text, size_t len)
{
	bool good = len == 3 * MAC_LEN - 1;

	for (size_t i = 0; good && i < len; i++)
		good = i % 3 == 2 ? text[i] == ':'
				  : strchr("0123456789abcdef", text[i]) != NULL;
	return good ? NULL : "wants a MAC address like 7c:ac:b2:10:00:00";
}

static const char *
bad_uri(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme == 0 || text[scheme] != ':' || text[scheme + 1] == '\0' ||
	    strchr(text, ' ') != NULL)
		return "wants a URI like https://host/path";
	return NULL;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = choices;; at++) {
		size_t word = strcspn(at, "|");

		if (len > 0 && word == len && memcmp(at, text, len) == 0)
			return true;
		at += word;
		if (*at == '\0')
			return false;
	}
}

static const char *
bad_text(const struct config_key *key, const struct config_node *node)
{
	const char *text = node->text;
	uint64_t seconds;

	switch (key->type) {
	case CONFIG_NAME:
		return bad_name(key, text, node->len);
	case CONFIG_ENUM:
		return is_choice(key->choices, text) ? NULL
						     : "is none of its words";
	case CONFIG_URI:
		return bad_uri(text);
	case CONFIG_HEX:
		return bad_hex(key, text, node->len);
	case CONFIG_MAC:
		return bad_mac(text, node->len);
	case CONFIG_TIME:
		return time_parse(hm_bytes_of(text), &seconds) == HM_OK
			   ? NULL
			   : "wants a date like \"2026-11-21\" or a time like "
			     "\"2026-11-21T03:31:07Z\"";
	case CONFIG_TEXT:
		return bad_length(key, node->len, CONFIG_TEXT_MAX);
	case CONFIG_STRING:
	case CONFIG_SERIAL:
	case CONFIG_PATH:
		return bad_length(key, node->len, CONFIG_SCALAR_MAX);
	case CONFIG_INT:
	case CONFIG_HEXINT:
	case CONFIG_BOOL:
	case CONFIG_MAP:
	case CONFIG_NONE:
		break;
	}
	return NULL;
}

static const char *
bad_value(const struct config_key *key, const struct config_node *node)
{
	if (key->type == CONFIG_INT || key->type == CONFIG_HEXINT)
		return bad_number(key, node);
	if (key->type == CONFIG_BOOL)
		return bad_bool(node);
	return bad_text(key, node);
}

static bool
is_null(const struct config_node *node)
{
	static const char *const words[] = { "~", "null", "Null", "NULL" };

	if (node->len == 0)
		return true;
	for (size_t i = 0; node->style == STYLE_PLAIN && i < 4; i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return false;
}

static bool
is_identity(config_type type)
{
	return type == CONFIG_SERIAL || type == CONFIG_HEX ||
	       type == CONFIG_MAC || type == CONFIG_TIME;
}

static bool
is_quotable(config_type type)
{
	return type != CONFIG_INT && type != CONFIG_HEXINT &&
	       type != CONFIG_BOOL;
}

/* "a|b|c" or the range, as advice below an error. */
static void
advise(const struct config_key *key, struct why *why)
{
	bool ranged = key->min != 0 || key->max != 0;

	if (key->type == CONFIG_ENUM)
		why_do(why, "one of %s", key->choices);
	else if (key->type == CONFIG_INT && ranged)
		why_do(why, "%lld to %lld%s%s", (long long)key->min,
		    (long long)key->max, key->unit != NULL ? " " : "",
		    key->unit != NULL ? key->unit : "");
}

static void
check_scalar(struct config_reader *reader, struct config_node *node)
{
	const struct config_key *key = node->key;
	const char *words = NULL;
	struct why *why;

	if (node->kind != NODE_SCALAR) {
		refuse(reader, node, HM_E_CONFIG_TYPE, "wants one value");
		return;
	}
	if (key->type != CONFIG_TEXT && node->style == STYLE_BLOCK) {
		refuse(reader, node, HM_E_CONFIG_YAML,
		    "may not be a block of text");
		return;
	}
	if (key->type != CONFIG_TEXT && node->len > CONFIG_SCALAR_MAX) {
		refuse(reader, node, HM_E_CONFIG_SIZE, "is too long");
		return;
	}
	if (key->type != CONFIG_TEXT && is_null(node))
		words = "is empty";
	if (words == NULL && is_identity(key->type) &&
	    node->style == STYLE_PLAIN && config_looks_typed(node->text)) {
		refuse(reader, node, HM_E_CONFIG_QUOTES,
		    "must be in quotes: other readers would change it");
		return;
	}
	words = words != NULL ? words : bad_value(key, node);
	if (words == NULL && is_quotable(key->type) &&
	    node->style == STYLE_PLAIN && config_looks_typed(node->text))
		warn(reader, node,
		    "should be in quotes: other readers would change it");
	if (words == NULL)
		return;
	why = fault_at(reader, node);
	advise(key, why);
	(void)WHY(why, HM_E_CONFIG_TYPE, "\"%s\" %s", key->name, words);
	config_fault_end(reader, false);
}

static const struct config_key *
find_key(const struct config_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

/* `did you mean "serial"? allowed here: baud, name, ...` */
static void
refuse_unknown(struct config_reader *reader, const struct config_node *node,
    const struct config_key *keys)
{
	struct why *why = config_fault(reader, node->name_line,
	    node->name_column, (unsigned)strlen(node->name));
	const char *names[NAMES_MAX], *near;
	size_t count = 0, len = 0;
	char all[sizeof(why->act)] = "";

	for (; keys->name != NULL && count < NAMES_MAX; keys++)
		names[count++] = keys->name;
	near = nearest_word(node->name, names, count);
	for (size_t i = 0; i < count && len < sizeof(all); i++) {
		int put = snprintf(all + len, sizeof(all) - len, "%s%s",
		    i > 0 ? ", " : "", names[i]);

		len += put > 0 ? (size_t)put : 0;
	}
	if (near != NULL)
		why_do(why, "did you mean \"%s\"? allowed here: %s", near, all);
	else
		why_do(why, "allowed here: %s", all);
	(void)WHY(why, HM_E_CONFIG_KEY, "unknown key \"%s\"", node->name);
	config_fault_end(reader, false);
}

static hm_err check_node(struct config_reader *reader, struct config_node *node,
    const struct config_key *key);

/* An absent mapping stands in the tree all the same, for its defaults. */
static hm_err
add_absent(struct config_reader *reader, struct config_node *map,
    const struct config_key *key)
{
	struct hm_bytes none = { 0 };
	struct config_node *node =
	    config_node_new(reader->tree, NODE_MAP, none);

	if (node == NULL)
		return HM_E_NO_MEMORY;
	snprintf(node->name, sizeof(node->name), "%s", key->name);
	node->absent = true;
	node->line = map->line;
	node->column = map->column;
	node->key = key;
	node->keys = key->keys;
	config_node_add(map, node);
	for (const struct config_key *at = key->keys; at->name != NULL; at++)
		if (at->type == CONFIG_MAP && !at->list)
			HM_TRY(add_absent(reader, node, at));
	return HM_OK;
}

static hm_err
check_absent(struct config_reader *reader, struct config_node *map)
{
	for (const struct config_key *key = map->keys; key->name != NULL;
	     key++) {
		if (config_child(map, key->name) != NULL)
			continue;
		if (key->required) {
			struct why *why =
			    config_fault(reader, map->line, map->column, 1);

			(void)WHY(why, HM_E_CONFIG_MISSING,
			    "key \"%s\" is missing", key->name);
			config_fault_end(reader, false);
		}
		if (key->type == CONFIG_MAP && !key->list)
			HM_TRY(add_absent(reader, map, key));
	}
	return HM_OK;
}

static hm_err
check_map(struct config_reader *reader, struct config_node *map,
    const struct config_key *keys)
{
	bool is_top = map == reader->tree->top;

	if (map->kind != NODE_MAP) {
		refuse(reader, map, HM_E_CONFIG_TYPE, "wants keys of its own");
		return HM_OK;
	}
	map->keys = keys;
	for (struct config_node *at = map->first;
	     at != NULL && !config_is_hopeless(reader); at = at->next) {
		const struct config_key *key = find_key(keys, at->name);

		if (is_top && strcmp(at->name, version_key.name) == 0)
			continue;
		if (key == NULL)
			refuse_unknown(reader, at, keys);
		else
			HM_TRY(check_node(reader, at, key));
	}
	return check_absent(reader, map);
}

static hm_err
check_value(struct config_reader *reader, struct config_node *node,
    const struct config_key *key)
{
	node->key = key;
	if (key->type == CONFIG_MAP)
		return check_map(reader, node, key->keys);
	check_scalar(reader, node);
	return HM_OK;
}

static hm_err
check_list(struct config_reader *reader, struct config_node *list,
    const struct config_key *key)
{
	unsigned most = key->items_max != 0 ? key->items_max : ITEMS_MAX;

	list->key = key;
	if (list->kind != NODE_LIST) {
		refuse(reader, list, HM_E_CONFIG_TYPE, "wants a list");
		return HM_OK;
	}
	if (list->count < key->items_min || list->count > most)
		refuse(reader, list, HM_E_CONFIG_TYPE,
		    list->count > most ? "has too many items"
				       : "has too few items");
	for (struct config_node *at = list->first;
	     at != NULL && !config_is_hopeless(reader); at = at->next)
		HM_TRY(check_value(reader, at, key));
	return HM_OK;
}

static hm_err
check_node(struct config_reader *reader, struct config_node *node,
    const struct config_key *key)
{
	return key->list ? check_list(reader, node, key)
			 : check_value(reader, node, key);
}

/* An unknown version makes all else that could be said a guess. */
static hm_err
check_version(struct config_reader *reader, struct config_node *top)
{
	struct config_node *node = top->first;
	int64_t version = 0;
	struct why *why;

	while (node != NULL && strcmp(node->name, version_key.name) != 0)
		node = node->next;
	if (node == NULL) {
		why = config_fault(reader, top->line, top->column, 1);
		why_do(
		    why, "begin with \"schema: %u\"", reader->schema->version);
		(void)WHY(
		    why, HM_E_CONFIG_MISSING, "key \"schema\" is missing");
		config_fault_end(reader, false);
		return HM_OK;
	}
	node->key = &version_key;
	check_scalar(reader, node);
	if (reader->errors > 0 ||
	    config_number(&version_key, node->text, &version) != HM_OK ||
	    version == reader->schema->version)
		return HM_OK;
	why = fault_at(reader, node);
	(void)WHY(why, HM_E_VERSION, "schema %s of \"%s\" is not known here",
	    node->text, reader->schema->name);
	config_fault_end(reader, false);
	return HM_E_VERSION;
}

hm_err
config_check(struct config_reader *reader)
{
	struct config_node *top = reader->tree->top;

	if (top == NULL || top->kind != NODE_MAP) {
		struct why *why = config_fault(reader, 1, 1, 1);

		(void)WHY(why, HM_E_CONFIG_MISSING,
		    top == NULL ? "the file is empty"
				: "the file is not a mapping of keys");
		config_fault_end(reader, false);
		return HM_E_CONFIG_MISSING;
	}
	HM_TRY(check_version(reader, top));
	HM_TRY(check_map(reader, top, reader->schema->keys));
	return reader->err;
}
