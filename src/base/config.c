/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/config_parts.h"
#include "base/file.h"
#include "base/text.h"
#include "core/check.h"

static void
tree_free(struct config_tree *tree)
{
	if (tree == NULL)
		return;
	while (tree->newest != NULL) {
		struct config_node *node = tree->newest;

		tree->newest = node->older;
		free(node);
	}
	free(tree->name);
	free(tree->source);
	free(tree);
}

void
config_done(struct config *config)
{
	tree_free(config->tree);
	config->tree = NULL;
}

static struct config_tree *
tree_new(const char *name, struct hm_bytes text)
{
	struct config_tree *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		return NULL;
	tree->name = strdup(name);
	tree->source = malloc(text.len + 1);
	if (tree->name == NULL || tree->source == NULL) {
		tree_free(tree);
		return NULL;
	}
	if (text.len > 0)
		memcpy(tree->source, text.ptr, text.len);
	tree->source[text.len] = '\0';
	tree->len = text.len;
	return tree;
}

static hm_err
run_stages(struct config_reader *reader)
{
	HM_TRY(config_scan(reader));
	HM_TRY(config_read(reader));
	return config_check(reader);
}

hm_err
config_parse(const char *name, struct hm_bytes text,
    const struct config_schema *schema, struct config *ret,
    struct config_faults *faults, struct why *why)
{
	AUTO(config) struct config config = { 0 };
	struct config_reader reader = {
		.schema = schema, .faults = faults, .why = why
	};
	hm_err err;

	if (faults != NULL)
		faults->count = faults->errors = 0;
	if (text.len > CONFIG_FILE_MAX) {
		why_where(why, "%s", name);
		return WHY(why, HM_E_CONFIG_SIZE, "more than 1 MiB");
	}
	config.tree = tree_new(name, text);
	if (config.tree == NULL)
		return HM_E_NO_MEMORY;
	reader.tree = config.tree;
	err = run_stages(&reader);
	/* Of several errors the first is told, and returned. */
	HM_TRY(reader.errors > 0 ? reader.err : err);
	config_done(ret);
	ret->tree = config.tree;
	config.tree = NULL;
	return HM_OK;
}

/* Who may write a program's configuration may run the program. */
static hm_err
check_writers(const char *path, struct why *why)
{
	struct stat found;

	if (strcmp(path, "-") == 0 || stat(path, &found) != 0 ||
	    !S_ISREG(found.st_mode) || (found.st_mode & S_IWOTH) == 0)
		return HM_OK;
	why_where(why, "%s", path);
	why_do(why, "chmod o-w, and see who changed it");
	return WHY(why, HM_E_FILE, "anyone can change the file (mode %04o)",
	    found.st_mode & 07777);
}

hm_err
config_load(const char *path, const struct config_schema *schema,
    struct config *ret, struct config_faults *faults, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	hm_err err = file_read(path, CONFIG_FILE_MAX, &text, why);

	if (faults != NULL)
		faults->count = faults->errors = 0;
	if (err == HM_E_TOO_LARGE) {
		if (why != NULL)
			why->err = HM_OK;
		return WHY(why, HM_E_CONFIG_SIZE, "more than 1 MiB");
	}
	HM_TRY(err);
	HM_TRY(check_writers(path, why));
	return config_parse(path, buf_bytes(&text), schema, ret, faults, why);
}

const struct config_node *
config_top(const struct config *config)
{
	return config->tree != NULL ? config->tree->top : NULL;
}

/* The row and the node of a path; the node is NULL if it is absent. */
struct found {
	const struct config_key *key;
	const struct config_node *node;
};

static const struct config_key *
find_key(const struct config_key *keys, const char *name, size_t len)
{
	for (; keys->name != NULL; keys++)
		if (strncmp(keys->name, name, len) == 0 &&
		    keys->name[len] == '\0')
			return keys;
	return NULL;
}

const struct config_node *
config_child(const struct config_node *map, const char *name)
{
	const struct config_node *at = map->first;

	while (at != NULL && strcmp(at->name, name) != 0)
		at = at->next;
	return at;
}

static struct found
find(const struct config_node *at, const char *path)
{
	struct found found = { NULL, at };

	for (;;) {
		size_t len = strcspn(path, ".");

		hm_assert(found.node != NULL && found.node->keys != NULL);
		found.key = find_key(found.node->keys, path, len);
		hm_assert(found.key != NULL);
		found.node = config_child(found.node, found.key->name);
		if (path[len] == '\0')
			return found;
		path += len + 1;
	}
}

bool
config_has(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);

	return found.node != NULL && !found.node->absent;
}

/* The text of a key that is not a list, or its default, or NULL. */
static const char *
text_of(const struct found *found)
{
	hm_assert(!found->key->list && found->key->type != CONFIG_MAP);
	return found->node != NULL ? found->node->text : found->key->fallback;
}

const char *
config_text(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);

	hm_assert(found.key->type != CONFIG_INT &&
		  found.key->type != CONFIG_HEXINT &&
		  found.key->type != CONFIG_BOOL);
	return text_of(&found);
}

int64_t
config_int(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);
	const char *text = text_of(&found);
	int64_t value = 0;

	hm_assert(
	    found.key->type == CONFIG_INT || found.key->type == CONFIG_HEXINT);
	hm_assert(
	    text == NULL || config_number(found.key, text, &value) == HM_OK);
	return value;
}

bool
config_bool(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);
	const char *text = text_of(&found);

	hm_assert(found.key->type == CONFIG_BOOL);
	return text != NULL && strcmp(text, "true") == 0;
}

uint64_t
config_time(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);
	const char *text = text_of(&found);
	uint64_t seconds = 0;

	hm_assert(found.key->type == CONFIG_TIME);
	hm_assert(
	    text == NULL || time_parse(hm_bytes_of(text), &seconds) == HM_OK);
	return seconds;
}

size_t
config_hex(
    const struct config_node *at, const char *path, uint8_t *ret, size_t size)
{
	struct found found = find(at, path);
	const char *text = text_of(&found);
	size_t count = 0;

	hm_assert(
	    found.key->type == CONFIG_HEX || found.key->type == CONFIG_MAC);
	while (text != NULL && *text != '\0') {
		struct hm_bytes pair = { (const uint8_t *)text, 2 };
		uint8_t byte = 0;

		hm_assert(hex_parse(pair, &byte, 1) == HM_OK);
		if (count < size)
			ret[count] = byte;
		count++;
		text += text[2] == ':' ? 3 : 2;
	}
	return count;
}

const struct config_node *
config_map(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);

	hm_assert(found.key->type == CONFIG_MAP && !found.key->list);
	return found.node;
}

size_t
config_count(const struct config_node *at, const char *path)
{
	struct found found = find(at, path);

	hm_assert(found.key->list);
	return found.node != NULL ? found.node->count : 0;
}

static const struct config_node *
item_of(const struct config_node *at, const char *path, size_t i)
{
	struct found found = find(at, path);
	const struct config_node *item;

	hm_assert(found.key->list && found.node != NULL);
	item = found.node->first;
	while (item != NULL && i-- > 0)
		item = item->next;
	hm_assert(item != NULL);
	return item;
}

const struct config_node *
config_item(const struct config_node *at, const char *path, size_t i)
{
	const struct config_node *item = item_of(at, path, i);

	hm_assert(item->kind == NODE_MAP);
	return item;
}

const char *
config_text_at(const struct config_node *at, const char *path, size_t i)
{
	const struct config_node *item = item_of(at, path, i);

	hm_assert(item->kind == NODE_SCALAR);
	return item->text;
}

int64_t
config_int_at(const struct config_node *at, const char *path, size_t i)
{
	const struct config_node *item = item_of(at, path, i);
	int64_t value = 0;

	hm_assert(config_number(item->key, item->text, &value) == HM_OK);
	return value;
}

void
config_point(const struct config_node *at, const char *path, struct why *why)
{
	struct found found = find(at, path);
	const struct config_node *node = found.node != NULL ? found.node : at;

	config_locate(
	    why, node->tree, node->line, node->column, config_width(node));
}

void
config_copy(
    const struct config_node *at, const char *path, char *ret, size_t size)
{
	const char *text = config_text(at, path);
	size_t len = text == NULL ? 0 : strlen(text);

	hm_assert(len < size);
	if (len != 0)
		memcpy(ret, text, len);
	ret[len] = 0;
}
