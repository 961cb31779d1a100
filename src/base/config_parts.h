/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config_parts - the stages of the reader of configuration files; base/ only
 *
 * config_scan looks at the bytes, config_read makes a tree of libyaml's events,
 * config_check compares the tree with the schema, config.c gives it out.
 */
#include "base/config.h"

typedef enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP } node_kind;
typedef enum node_style { STYLE_PLAIN, STYLE_QUOTED, STYLE_BLOCK } node_style;

struct config_node {
	struct config_node *older; /* chain of all nodes of the tree */
	struct config_node *next;  /* the one behind it in its parent */
	struct config_node *first, *last;
	const struct config_tree *tree;
	const struct config_key *key;  /* its row; set by config_check */
	const struct config_key *keys; /* of a mapping: the rows below */
	node_kind kind;
	node_style style;
	bool absent; /* a mapping that is not in the file */
	size_t count;
	unsigned line, column;           /* from 1; columns in code points */
	unsigned name_line, name_column; /* of its key */
	char name[CONFIG_KEY_MAX + 1];   /* its key; empty in a list */
	size_t len;
	char text[]; /* of a scalar, with a NUL */
};

struct config_tree {
	struct config_node *newest, *top;
	char *name;   /* of the file */
	char *source; /* its text, for excerpts */
	size_t len;
	size_t nodes;
};

struct config_reader {
	struct config_tree *tree;
	const struct config_schema *schema;
	struct config_faults *faults; /* or NULL */
	struct why *why;              /* or NULL: the first error */
	hm_err err;                   /* of the first error */
	unsigned errors;
	struct why scratch;
};

/* Start to tell of a fault: place and excerpt are set, `len` code points are
 * underlined. The caller says WHY() and why_do(), then ends it. */
struct why *config_fault(
    struct config_reader *reader, unsigned line, unsigned column, unsigned len);
void config_fault_end(struct config_reader *reader, bool is_warning);
/* Were there so many that looking further helps nobody? */
bool config_is_hopeless(const struct config_reader *reader);
/* Set the place and excerpt of a node's value. */
void config_locate(struct why *why, const struct config_tree *tree,
    unsigned line, unsigned column, unsigned len);

/* How many characters of the file a node takes, for underlining. */
unsigned config_width(const struct config_node *node);

/* A character that no configuration file has, wherever it stands. */
bool config_is_foreign(uint32_t character);
/* Code point of the UTF-8 character at `at`; *ret_len is 0 if there is none. */
uint32_t config_decode(const char *at, size_t left, size_t *ret_len);

/* Each gives HM_OK or the first error; more may have been collected. */
HM_MUST hm_err config_scan(struct config_reader *reader);
HM_MUST hm_err config_read(struct config_reader *reader);
HM_MUST hm_err config_check(struct config_reader *reader);

/* The value of a key in a mapping; NULL if it is not there. */
const struct config_node *config_child(
    const struct config_node *map, const char *name);

/* A new node of the tree, not linked to a parent. NULL: no memory. */
struct config_node *config_node_new(
    struct config_tree *tree, node_kind kind, struct hm_bytes text);
void config_node_add(struct config_node *parent, struct config_node *child);

/* Would other readers of YAML make something else of this plain scalar? */
bool config_looks_typed(const char *text);
/* Decimal or 0x... as the type says. HM_E_BAD_INPUT */
HM_MUST hm_err config_number(
    const struct config_key *key, const char *text, int64_t *ret);
