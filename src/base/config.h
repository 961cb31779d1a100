/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - files that people write, read by a table and never by looks
 *
 * A strict subset of YAML: block mappings and lists, one-line lists of scalars,
 * scalars on one line (block scalars only for CONFIG_TEXT), comments. Anchors,
 * tags, flow mappings, tabs, CR and second documents are refused. A scalar is
 * the text that stands there; the schema says what it must be, so that a serial
 * number 0123 or a MAC 12:30:45:10:20:30 never becomes another number. Secrets
 * do not belong into files: a key may say "credential:NAME" (see secret.h).
 *
 *	static const struct config_key clock_keys[] = {
 *		{ "source", CONFIG_ENUM, .choices = "chrony|server|manual",
 *		    .fallback = "chrony", .words = "who sets the clock" },
 *		{ "max_error_ms", CONFIG_INT, .min = 1, .max = 60000,
 *		    .fallback = "5000", .unit = "ms", .words = "refuse above" },
 *		{ 0 }
 *	};
 *	static const struct config_key keys[] = {
 *		{ "name", CONFIG_NAME, .required = true, .example = "LINE2-A",
 *		    .words = "this station" },
 *		{ "clock", CONFIG_MAP, .keys = clock_keys, .words = "..." },
 *		{ "slots", CONFIG_MAP, .list = true, .items_max = 64,
 *		    .keys = slot_keys, .words = "device holders" },
 *		{ 0 }
 *	};
 *	const struct config_schema station_schema = { "station", 1, keys,
 *		"the line computer" };
 *
 *	AUTO(config) struct config config = { 0 };
 *	HM_TRY(config_load(path, &station_schema, &config, NULL, why));
 *	const struct config_node *top = config_top(&config);
 *	const char *source = config_text(top, "clock.source");
 *	for (size_t i = 0; i < config_count(top, "slots"); i++)
 *		use(config_text(config_item(top, "slots", i), "usb_path"));
 *
 * Every file begins with `schema: 1`, which the reader itself demands. An
 * absent key has its default, also inside a mapping that is absent. Asking for
 * a key that the schema does not have, or by another type, is a mistake of
 * ours. The same table prints the template and the reference.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/why.h"

#define CONFIG_FILE_MAX (1024 * 1024) /* bytes */
#define CONFIG_DEPTH_MAX 16
#define CONFIG_NODES_MAX 32768
#define CONFIG_KEY_MAX 64           /* bytes */
#define CONFIG_SCALAR_MAX 4096      /* bytes */
#define CONFIG_TEXT_MAX (64 * 1024) /* bytes of a CONFIG_TEXT */
#define CONFIG_FAULTS_MAX 20

typedef enum config_type {
	CONFIG_NONE,   /* ends a table */
	CONFIG_STRING, /* one line; min..max bytes (max 0: 4096) */
	CONFIG_SERIAL, /* as STRING, and must be quoted if it looks typed */
	CONFIG_NAME,   /* [A-Za-z0-9][A-Za-z0-9._-]*, at most 64 bytes */
	CONFIG_INT,    /* decimal, min..max (both 0: 0 to INT64_MAX) */
	CONFIG_HEXINT, /* 0x..., min..max */
	CONFIG_BOOL,   /* true or false */
	CONFIG_ENUM,   /* one of choices, "a|b|c" */
	CONFIG_PATH,
	CONFIG_URI,  /* scheme:... */
	CONFIG_HEX,  /* lower-case hex of min..max bytes */
	CONFIG_MAC,  /* 7c:ac:b2:10:00:00 */
	CONFIG_TIME, /* 2026-11-21 or 2026-11-21T03:31:07Z, quoted */
	CONFIG_TEXT, /* may be a block scalar */
	CONFIG_MAP,  /* a mapping with `keys` */
} config_type;

struct config_key {
	const char *name; /* NULL ends the table */
	config_type type;
	bool list; /* of items_min..items_max (0: 1024) values of that type */
	bool required;
	unsigned items_min, items_max;
	int64_t min, max;
	const char *choices;
	const char *fallback;          /* its text form; not for lists, maps */
	const char *example;           /* for the template, if no fallback */
	const char *unit;              /* "ms", for the documents */
	const struct config_key *keys; /* CONFIG_MAP */
	const char *words;             /* lower case, no full stop */
};

struct config_schema {
	const char *name;
	unsigned version; /* `schema:` must be this */
	const struct config_key *keys;
	const char *words;
};

struct config_node;

struct config {
	struct config_tree *tree; /* heap; NULL is empty */
};

/* All that is wrong with a file, in its order; 27 KiB, so not on the stack. */
struct config_faults {
	size_t count;  /* errors and warnings together */
	size_t errors; /* of which errors */
	struct why fault[CONFIG_FAULTS_MAX];
	bool is_warning[CONFIG_FAULTS_MAX];
};

/*
 * Read and check. *why tells the first error, with place and excerpt; *faults
 * (or NULL) all of them, and the warnings of a good file too. HM_E_CONFIG_*,
 * HM_E_FILE (missing, or writable by anyone), HM_E_IO, HM_E_NO_MEMORY
 */
HM_MUST hm_err config_load(const char *path, const struct config_schema *schema,
    struct config *ret, struct config_faults *faults, struct why *why);
/* The same of a text that is there already; `name` stands in its errors. */
HM_MUST hm_err config_parse(const char *name, struct hm_bytes text,
    const struct config_schema *schema, struct config *ret,
    struct config_faults *faults, struct why *why);
void config_done(struct config *config);

/* Everything below lives as long as the struct config. */
const struct config_node *config_top(const struct config *config);

/* `path` is a key or "key.key". Lists: config_count() and the *_at forms. */
bool config_has(const struct config_node *at, const char *path);
/* Every scalar type but INT and BOOL as its text; NULL if absent. */
const char *config_text(const struct config_node *at, const char *path);
/* The same into an array; its size must be above the schema's `max`. */
void config_copy(
    const struct config_node *at, const char *path, char *ret, size_t size);
/* CONFIG_INT, CONFIG_HEXINT; 0 if absent without a default. */
int64_t config_int(const struct config_node *at, const char *path);
bool config_bool(const struct config_node *at, const char *path);
/* CONFIG_TIME, in seconds since 1970; 0 if absent. */
uint64_t config_time(const struct config_node *at, const char *path);
/* CONFIG_HEX and CONFIG_MAC as bytes: how many there are; at most `size` are
 * written. 0 if absent. */
size_t config_hex(
    const struct config_node *at, const char *path, uint8_t *ret, size_t size);

/* A mapping as a node of its own; never NULL: an absent one has defaults. */
const struct config_node *config_map(
    const struct config_node *at, const char *path);
size_t config_count(const struct config_node *at, const char *path);
/* The i-th mapping, or scalar's text, of a list (i < count). */
const struct config_node *config_item(
    const struct config_node *at, const char *path, size_t i);
const char *config_text_at(
    const struct config_node *at, const char *path, size_t i);
int64_t config_int_at(const struct config_node *at, const char *path, size_t i);

/* Point at a value, for checks that go beyond the schema. Sets where and
 * excerpt of `why`; then WHY() says what is wrong. */
void config_point(
    const struct config_node *at, const char *path, struct why *why);

/* A commented file with every key, which is itself valid. */
HM_MUST hm_err config_template(
    const struct config_schema *schema, struct buf *ret);
/* The same, to standard output. HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err config_template_print(
    const struct config_schema *schema, struct why *why);
/* A Markdown section with a table of the keys. */
HM_MUST hm_err config_reference(
    const struct config_schema *schema, struct buf *ret);
