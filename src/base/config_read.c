/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events become a tree; everything that the subset does not have is
 * refused on the way. The library's positions count from 0, ours from 1.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/config_parts.h"

struct reading {
	struct config_reader *reader;
	yaml_parser_t parser;
	struct config_node *open[CONFIG_DEPTH_MAX + 1];
	size_t depth;
	/* The key whose value comes next. */
	char name[CONFIG_KEY_MAX + 1];
	unsigned name_line, name_column;
	bool named;
	bool flow; /* within [ ] */
	bool seen; /* a document was there */
	/* The library counts characters; this is where one of them begins. */
	size_t index, offset;
};

static unsigned
line_at(const yaml_mark_t *mark)
{
	return (unsigned)mark->line + 1;
}

static unsigned
column_at(const yaml_mark_t *mark)
{
	return (unsigned)mark->column + 1;
}

static hm_err
refuse(struct reading *reading, const yaml_mark_t *mark, hm_err err,
    const char *words)
{
	struct config_reader *reader = reading->reader;
	struct why *why =
	    config_fault(reader, line_at(mark), column_at(mark), 1);

	(void)WHY(why, err, "%s", words);
	config_fault_end(reader, false);
	return err;
}

struct config_node *
config_node_new(struct config_tree *tree, node_kind kind, struct hm_bytes text)
{
	struct config_node *node = calloc(1, sizeof(*node) + text.len + 1);

	if (node == NULL)
		return NULL;
	node->kind = kind;
	node->tree = tree;
	node->len = text.len;
	if (text.len > 0)
		memcpy(node->text, text.ptr, text.len);
	node->older = tree->newest;
	tree->newest = node;
	tree->nodes++;
	return node;
}

void
config_node_add(struct config_node *parent, struct config_node *child)
{
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->count++;
}

/* The byte at which a character begins; only forwards, so linear in all. */
static size_t
offset_of(struct reading *reading, size_t index)
{
	const struct config_tree *tree = reading->reader->tree;

	while (reading->index < index && reading->offset < tree->len) {
		size_t at = reading->offset + 1;

		while (at < tree->len && (tree->source[at] & 0xc0) == 0x80)
			at++;
		reading->offset = at;
		reading->index++;
	}
	return reading->offset;
}

/* "? key" is not seen in the events: look at what stands before the key. */
static bool
is_complex_key(struct reading *reading, size_t index)
{
	const char *source = reading->reader->tree->source;
	size_t at = offset_of(reading, index);

	while (at > 0 && (source[at - 1] == ' ' || source[at - 1] == '\n'))
		at--;
	if (at == 0 || source[--at] != '?')
		return false;
	while (at > 0 && (source[at - 1] == ' ' || source[at - 1] == '-'))
		at--;
	return at == 0 || source[at - 1] == '\n';
}

/* An escape of a quoted scalar may yield what the file may not have. */
static bool
has_foreign(const char *text, size_t len, bool is_block)
{
	for (size_t i = 0, step; i < len; i += step) {
		uint32_t c = config_decode(text + i, len - i, &step);

		if (step == 0 || config_is_foreign(c))
			return true;
		if (c == '\n' && !is_block)
			return true;
	}
	return false;
}

static bool
is_block(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	       event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
}

/* Rules that hold for keys and values alike. */
static hm_err
check_scalar(struct reading *reading, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark;

	if (event->data.scalar.anchor != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "an anchor");
	if (event->data.scalar.tag != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "a tag");
	if (!is_block(event) && start->line != event->end_mark.line)
		return refuse(reading, start, HM_E_CONFIG_YAML,
		    "a value of several lines");
	if (event->data.scalar.length > CONFIG_TEXT_MAX)
		return refuse(
		    reading, start, HM_E_CONFIG_SIZE, "a value is too long");
	if (has_foreign((const char *)event->data.scalar.value,
		event->data.scalar.length, is_block(event)))
		return refuse(reading, start, HM_E_CONFIG_BYTE,
		    "an escape gives a control character");
	return HM_OK;
}

static hm_err
take_key(struct reading *reading, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	const yaml_mark_t *start = &event->start_mark;

	HM_TRY(check_scalar(reading, event));
	if (event->data.scalar.length > CONFIG_KEY_MAX)
		return refuse(
		    reading, start, HM_E_CONFIG_SIZE, "a key is too long");
	if (event->data.scalar.length == 0)
		return refuse(reading, start, HM_E_CONFIG_YAML, "an empty key");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    strcmp(text, "<<") == 0)
		return refuse(reading, start, HM_E_CONFIG_YAML, "a merge key");
	if (is_complex_key(reading, start->index) || is_block(event))
		return refuse(
		    reading, start, HM_E_CONFIG_YAML, "a complex key");
	memcpy(reading->name, text, event->data.scalar.length + 1);
	reading->name_line = line_at(start);
	reading->name_column = column_at(start);
	reading->named = true;
	return HM_OK;
}

/* Put a node where the document is at; the first becomes the top. */
static hm_err
place(
    struct reading *reading, struct config_node *node, const yaml_mark_t *start)
{
	struct config_tree *tree = reading->reader->tree;

	if (node == NULL)
		return HM_E_NO_MEMORY;
	if (tree->nodes > CONFIG_NODES_MAX)
		return refuse(
		    reading, start, HM_E_CONFIG_SIZE, "more than 32768 values");
	node->line = line_at(start);
	node->column = column_at(start);
	if (reading->named) {
		memcpy(node->name, reading->name, sizeof(node->name));
		node->name_line = reading->name_line;
		node->name_column = reading->name_column;
		reading->named = false;
	}
	if (reading->depth > 0)
		config_node_add(reading->open[reading->depth - 1], node);
	else
		tree->top = node;
	return HM_OK;
}

static bool
wants_key(const struct reading *reading)
{
	return reading->depth > 0 && !reading->named &&
	       reading->open[reading->depth - 1]->kind == NODE_MAP;
}

static hm_err
take_scalar(struct reading *reading, const yaml_event_t *event)
{
	struct hm_bytes text = { event->data.scalar.value,
		event->data.scalar.length };
	struct config_node *node;

	if (wants_key(reading))
		return take_key(reading, event);
	HM_TRY(check_scalar(reading, event));
	node = config_node_new(reading->reader->tree, NODE_SCALAR, text);
	HM_TRY(place(reading, node, &event->start_mark));
	if (is_block(event))
		node->style = STYLE_BLOCK;
	else if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		node->style = STYLE_QUOTED;
	return HM_OK;
}

static hm_err
enter(struct reading *reading, const yaml_event_t *event, node_kind kind)
{
	const yaml_mark_t *start = &event->start_mark;
	struct hm_bytes none = { 0 };
	struct config_node *node;

	if (wants_key(reading))
		return refuse(
		    reading, start, HM_E_CONFIG_YAML, "a complex key");
	if (reading->flow)
		return refuse(reading, start, HM_E_CONFIG_YAML,
		    "a list in brackets holds more than scalars");
	if (reading->depth == CONFIG_DEPTH_MAX)
		return refuse(
		    reading, start, HM_E_CONFIG_SIZE, "nested too deep");
	node = config_node_new(reading->reader->tree, kind, none);
	HM_TRY(place(reading, node, start));
	reading->open[reading->depth++] = node;
	return HM_OK;
}

static hm_err
take_list(struct reading *reading, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark;

	if (event->data.sequence_start.anchor != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "an anchor");
	if (event->data.sequence_start.tag != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "a tag");
	HM_TRY(enter(reading, event, NODE_LIST));
	if (event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE)
		reading->flow = true;
	return HM_OK;
}

static hm_err
take_map(struct reading *reading, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark;

	if (event->data.mapping_start.anchor != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "an anchor");
	if (event->data.mapping_start.tag != NULL)
		return refuse(reading, start, HM_E_CONFIG_YAML, "a tag");
	if (event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE)
		return refuse(
		    reading, start, HM_E_CONFIG_YAML, "a mapping in braces");
	return enter(reading, event, NODE_MAP);
}

static int
by_name(const void *left, const void *right)
{
	const struct config_node *const *a = left, *const *b = right;
	int order = strcmp((*a)->name, (*b)->name);

	if (order != 0)
		return order;
	return (*a)->name_line < (*b)->name_line ? -1 : 1;
}

static void
refuse_twice(struct config_reader *reader, const struct config_node *first,
    const struct config_node *second)
{
	struct why *why = config_fault(reader, second->name_line,
	    second->name_column, (unsigned)strlen(second->name));

	(void)WHY(why, HM_E_CONFIG_TWICE,
	    "key \"%s\" is given twice, first at line %u:%u", second->name,
	    first->name_line, first->name_column);
	config_fault_end(reader, false);
}

/* Sorted, not compared each with each: a file may hold thousands of keys. */
static hm_err
check_twice(struct config_reader *reader, const struct config_node *map)
{
	struct config_node **sorted;
	size_t count = 0;

	if (map->count < 2)
		return HM_OK;
	sorted = calloc(map->count, sizeof(struct config_node *));
	if (sorted == NULL)
		return HM_E_NO_MEMORY;
	for (struct config_node *at = map->first; at != NULL; at = at->next)
		sorted[count++] = at;
	qsort(sorted, count, sizeof(struct config_node *), by_name);
	for (size_t i = 1; i < count && !config_is_hopeless(reader); i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			refuse_twice(reader, sorted[i - 1], sorted[i]);
	free(sorted);
	return HM_OK;
}

static hm_err
leave(struct reading *reading, const yaml_event_t *event)
{
	struct config_node *node = reading->open[--reading->depth];

	if (node->kind == NODE_MAP)
		return check_twice(reading->reader, node);
	if (reading->flow && node->line != line_at(&event->end_mark))
		return refuse(reading, &event->start_mark, HM_E_CONFIG_YAML,
		    "a list in brackets goes over several lines");
	reading->flow = false;
	return HM_OK;
}

static hm_err
take_document(struct reading *reading, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark;

	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		return refuse(reading, start, HM_E_CONFIG_YAML, "a directive");
	if (reading->seen)
		return refuse(
		    reading, start, HM_E_CONFIG_YAML, "a second document");
	if (!event->data.document_start.implicit && start->index != 0)
		return refuse(reading, start, HM_E_CONFIG_YAML,
		    "\"---\" elsewhere than in the first line");
	reading->seen = true;
	return HM_OK;
}

static hm_err
take_event(struct reading *reading, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return take_document(reading, event);
	case YAML_DOCUMENT_END_EVENT:
		if (!event->data.document_end.implicit)
			return refuse(
			    reading, start, HM_E_CONFIG_YAML, "\"...\"");
		return HM_OK;
	case YAML_ALIAS_EVENT:
		return refuse(reading, start, HM_E_CONFIG_YAML, "an alias");
	case YAML_SCALAR_EVENT:
		return take_scalar(reading, event);
	case YAML_SEQUENCE_START_EVENT:
		return take_list(reading, event);
	case YAML_MAPPING_START_EVENT:
		return take_map(reading, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return leave(reading, event);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
		break;
	}
	return HM_OK;
}

static hm_err
refuse_syntax(struct reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;

	if (parser->error == YAML_MEMORY_ERROR)
		return HM_E_NO_MEMORY;
	return refuse(reading, &parser->problem_mark, HM_E_CONFIG_SYNTAX,
	    parser->problem != NULL ? parser->problem : "not valid YAML");
}

static hm_err
read_events(struct reading *reading)
{
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT) {
		yaml_event_t event;
		hm_err err;

		if (yaml_parser_parse(&reading->parser, &event) == 0)
			return refuse_syntax(reading);
		type = event.type;
		err = take_event(reading, &event);
		yaml_event_delete(&event);
		HM_TRY(err);
	}
	return HM_OK;
}

/* Unknown directives would be a mere syntax error to the library. */
static hm_err
refuse_directives(struct reading *reading)
{
	const struct config_tree *tree = reading->reader->tree;
	yaml_mark_t mark = { 0 };

	for (size_t i = 0; i < tree->len; i++) {
		if (tree->source[i] == '%' &&
		    (i == 0 || tree->source[i - 1] == '\n'))
			return refuse(
			    reading, &mark, HM_E_CONFIG_YAML, "a directive");
		if (tree->source[i] == '\n')
			mark.line++;
	}
	return HM_OK;
}

hm_err
config_read(struct config_reader *reader)
{
	struct reading reading = { .reader = reader };
	hm_err err;

	HM_TRY(refuse_directives(&reading));
	if (yaml_parser_initialize(&reading.parser) == 0)
		return HM_E_NO_MEMORY;
	yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading.parser,
	    (const unsigned char *)reader->tree->source, reader->tree->len);
	err = read_events(&reading);
	yaml_parser_delete(&reading.parser);
	HM_TRY(err);
	return reader->err;
}
