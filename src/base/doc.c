/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part is a handle on jansson's value. Handles hang in a chain at the root,
 * which also keeps the sticky error of building and of reading.
 */
#include "base/doc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/check.h"

#define DEPTH_MAX 16
#define INTEGER_MAX ((uint64_t)INT64_MAX)

struct doc {
	json_t *json;      /* owned by the root */
	struct doc *root;  /* itself, for the root */
	struct doc *parts; /* the chain; owned by the root */
	hm_err err;        /* of the root: building */
	char wrong[100];   /* of the root: key whose value has a wrong type */
};

static struct doc *
handle_new(struct doc *root, json_t *json)
{
	struct doc *doc;

	if (json == NULL)
		return NULL;
	doc = calloc(1, sizeof(*doc));
	if (doc == NULL) {
		if (root != NULL)
			root->err = HM_E_NO_MEMORY;
		return NULL;
	}
	doc->json = json;
	doc->root = root != NULL ? root : doc;
	if (root != NULL) {
		doc->parts = root->parts;
		root->parts = doc;
	}
	return doc;
}

struct doc *
doc_new(const char *schema)
{
	json_t *json = json_object();
	struct doc *doc = handle_new(NULL, json);

	if (doc == NULL)
		json_decref(json);
	doc_text(doc, "schema", schema);
	return doc;
}

void
doc_free(struct doc *root)
{
	if (root == NULL)
		return;
	hm_assert(root->root == root);
	while (root->parts != NULL) {
		struct doc *part = root->parts;

		root->parts = part->parts;
		free(part);
	}
	json_decref(root->json);
	free(root);
}

void
doc_clean(struct doc **root)
{
	doc_free(*root);
}

/* Takes over `value`; NULL is a lack of memory. */
static void
put(struct doc *at, const char *key, json_t *value)
{
	int failure;

	if (at == NULL) {
		json_decref(value);
		return;
	}
	if (key == NULL)
		failure = json_array_append_new(at->json, value);
	else
		failure = json_object_set_new(at->json, key, value);
	if (failure != 0 && at->root->err == HM_OK)
		at->root->err = HM_E_NO_MEMORY;
}

void
doc_bytes(struct doc *at, const char *key, struct hm_bytes utf8)
{
	if (at == NULL)
		return;
	if (!hm_is_utf8(utf8)) {
		at->root->err = HM_E_BAD_INPUT;
		return;
	}
	put(at, key,
	    json_stringn(utf8.len > 0 ? (const char *)utf8.ptr : "", utf8.len));
}

void
doc_text(struct doc *at, const char *key, const char *utf8)
{
	if (utf8 != NULL)
		doc_bytes(at, key, hm_bytes_of(utf8));
}

void
doc_hex(struct doc *at, const char *key, struct hm_bytes bytes)
{
	char *hex;

	if (at == NULL)
		return;
	hex = malloc(2 * bytes.len + 1);
	if (hex == NULL) {
		at->root->err = HM_E_NO_MEMORY;
		return;
	}
	hex_format(bytes, hex);
	doc_text(at, key, hex);
	free(hex);
}

void
doc_uint(struct doc *at, const char *key, uint64_t value)
{
	hm_assert(value <= INTEGER_MAX);
	put(at, key, json_integer((json_int_t)value));
}

void
doc_int(struct doc *at, const char *key, int64_t value)
{
	put(at, key, json_integer(value));
}

void
doc_real(struct doc *at, const char *key, double value)
{
	put(at, key, json_real(value));
}

void
doc_bool(struct doc *at, const char *key, bool value)
{
	put(at, key, json_boolean(value));
}

void
doc_time(struct doc *at, const char *key, uint64_t seconds)
{
	char text[TIME_TEXT_LEN];

	time_format(seconds, text);
	doc_text(at, key, text);
}

static struct doc *
put_part(struct doc *at, const char *key, json_t *value)
{
	put(at, key, value);
	if (at == NULL || at->root->err != HM_OK)
		return NULL;
	return handle_new(at->root, value);
}

struct doc *
doc_object(struct doc *at, const char *key)
{
	return at == NULL ? NULL : put_part(at, key, json_object());
}

struct doc *
doc_array(struct doc *at, const char *key)
{
	return at == NULL ? NULL : put_part(at, key, json_array());
}

struct sink {
	struct buf *buf;
	hm_err err;
};

static int
append(const char *text, size_t len, void *context)
{
	struct sink *sink = context;

	sink->err =
	    buf_add(sink->buf, (struct hm_bytes){ (const uint8_t *)text, len });
	return sink->err == HM_OK ? 0 : -1;
}

hm_err
doc_write(const struct doc *root, bool indented, struct buf *ret)
{
	struct sink sink = { ret, HM_OK };
	size_t before = ret->len;
	size_t flags = indented ? JSON_INDENT(2) : JSON_COMPACT;
	int failure;

	if (root == NULL)
		return HM_E_NO_MEMORY;
	HM_TRY(root->root->err);
	failure = json_dump_callback(root->json, append, &sink,
	    flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (failure == 0 && indented)
		failure = append("\n", 1, &sink);
	if (failure == 0)
		return HM_OK;
	ret->len = before;
	return sink.err != HM_OK ? sink.err : HM_E_NO_MEMORY;
}

/* jansson would go 2048 levels down. */
static bool
is_too_deep(struct hm_bytes text)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

hm_err
doc_parse(struct hm_bytes text, struct doc **ret, struct why *why)
{
	json_error_t error;
	struct doc *doc;
	json_t *json;

	if (is_too_deep(text))
		return WHY(why, HM_E_BAD_INPUT, "JSON nested too deep");
	json = json_loadb(text.len > 0 ? (const char *)text.ptr : "", text.len,
	    JSON_REJECT_DUPLICATES, &error);
	if (json == NULL && json_error_code(&error) == json_error_out_of_memory)
		return HM_E_NO_MEMORY;
	if (json == NULL) {
		why_where(why, "%d:%d", error.line, error.column);
		return WHY(
		    why, HM_E_BAD_INPUT, "not valid JSON: %s", error.text);
	}
	doc = handle_new(NULL, json);
	if (doc == NULL) {
		json_decref(json);
		return HM_E_NO_MEMORY;
	}
	*ret = doc;
	return HM_OK;
}

static void
note_wrong(struct doc *at, const char *key, const char *wanted)
{
	struct doc *root = at->root;

	if (root->wrong[0] == '\0')
		snprintf(root->wrong, sizeof(root->wrong), "%.60s wants %.30s",
		    key, wanted);
}

/* The value of a key; NULL if there is none, or if `at` is no object. */
static json_t *
value_of(struct doc *at, const char *key)
{
	if (at == NULL)
		return NULL;
	if (!json_is_object(at->json))
		note_wrong(at, key, "an object around it");
	return json_object_get(at->json, key);
}

const char *
doc_get_text(struct doc *at, const char *key, const char *fallback)
{
	json_t *value = value_of(at, key);

	if (json_is_string(value))
		return json_string_value(value);
	if (value != NULL)
		note_wrong(at, key, "a text");
	return fallback;
}

int64_t
doc_get_int(struct doc *at, const char *key, int64_t fallback)
{
	json_t *value = value_of(at, key);

	if (json_is_integer(value))
		return json_integer_value(value);
	if (value != NULL)
		note_wrong(at, key, "a whole number");
	return fallback;
}

double
doc_get_real(struct doc *at, const char *key, double fallback)
{
	json_t *value = value_of(at, key);

	if (json_is_number(value))
		return json_number_value(value);
	if (value != NULL)
		note_wrong(at, key, "a number");
	return fallback;
}

bool
doc_get_bool(struct doc *at, const char *key, bool fallback)
{
	json_t *value = value_of(at, key);

	if (json_is_boolean(value))
		return json_boolean_value(value);
	if (value != NULL)
		note_wrong(at, key, "true or false");
	return fallback;
}

struct doc *
doc_get(struct doc *at, const char *key)
{
	json_t *value = value_of(at, key);

	if (json_is_object(value) || json_is_array(value))
		return handle_new(at->root, value);
	if (value != NULL)
		note_wrong(at, key, "an object or a list");
	return NULL;
}

size_t
doc_count(struct doc *at)
{
	return at == NULL ? 0 : json_array_size(at->json);
}

struct doc *
doc_at(struct doc *at, size_t i)
{
	json_t *value = at == NULL ? NULL : json_array_get(at->json, i);

	if (json_is_object(value) || json_is_array(value))
		return handle_new(at->root, value);
	if (value != NULL)
		note_wrong(at, "a list", "objects or lists");
	return NULL;
}

const char *
doc_text_at(struct doc *at, size_t i)
{
	json_t *value = at == NULL ? NULL : json_array_get(at->json, i);

	if (value != NULL && !json_is_string(value))
		note_wrong(at, "a list", "texts");
	return json_string_value(value);
}

hm_err
doc_check(const struct doc *root, struct why *why)
{
	if (root->root->err != HM_OK)
		return root->root->err;
	if (root->root->wrong[0] != '\0')
		return WHY(why, HM_E_BAD_INPUT, "%s", root->root->wrong);
	return HM_OK;
}
