/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/config_parts.h"

#define EXCERPT_BYTES 160 /* of the user's line; the caret line is as long */
#define BEFORE_CARET 60

bool
config_is_foreign(uint32_t c)
{
	if (c < 0x20)
		return c != '\n';
	if (c >= 0x7f && c <= 0x9f)
		return true;
	return c == 0x2028 || c == 0x2029 || c == 0xfeff;
}

uint32_t
config_decode(const char *at, size_t left, size_t *ret_len)
{
	const uint8_t *bytes = (const uint8_t *)at;
	uint32_t c = 0;

	*ret_len = 0;
	for (size_t len = 1; len <= 4 && len <= left && *ret_len == 0; len++)
		if (hm_is_utf8((struct hm_bytes){ bytes, len }))
			*ret_len = len;
	if (*ret_len <= 1)
		return *ret_len == 1 ? bytes[0] : 0;
	c = bytes[0] & (0x7fu >> *ret_len);
	for (size_t i = 1; i < *ret_len; i++)
		c = c << 6 | (bytes[i] & 0x3fu);
	return c;
}

/* As wcwidth() would say, whatever the locale: CJK takes two columns. */
static unsigned
width_of(uint32_t c)
{
	static const uint32_t wide[][2] = { { 0x1100, 0x115f },
		{ 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff },
		{ 0x20000, 0x3fffd } };

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (c >= wide[i][0] && c <= wide[i][1])
			return 2;
	return 1;
}

/* Start and length of a line of the file. */
static struct hm_bytes
line_of(const struct config_tree *tree, unsigned line)
{
	const char *at = tree->source, *end = at + tree->len, *stop;

	while (line > 1 && at < end) {
		stop = memchr(at, '\n', (size_t)(end - at));
		at = stop != NULL ? stop + 1 : end;
		line--;
	}
	stop = memchr(at, '\n', (size_t)(end - at));
	return (struct hm_bytes){ (const uint8_t *)at,
		(size_t)((stop != NULL ? stop : end) - at) };
}

/* One line being shown: what it shows, and where the caret comes below it. */
struct excerpt {
	char text[EXCERPT_BYTES + 1];
	size_t len;
	unsigned before, under; /* columns of the screen */
};

static void
show(struct excerpt *excerpt, const char *at, size_t len, uint32_t c)
{
	if (excerpt->len + len > EXCERPT_BYTES)
		return;
	if (len == 1 && config_is_foreign(c))
		at = "?";
	memcpy(excerpt->text + excerpt->len, at, len);
	excerpt->len += len;
}

/* Show the line from its first letter, or from somewhat before the caret. */
static void
excerpt_of(
    struct hm_bytes line, unsigned column, unsigned marked, struct excerpt *ret)
{
	const char *text = (const char *)line.ptr;
	unsigned at = 1, from = 1;
	bool shown = false;

	*ret = (struct excerpt){ 0 };
	if (column > BEFORE_CARET)
		from = column - BEFORE_CARET;
	for (size_t i = 0, len; i < line.len; i += len, at++) {
		uint32_t c = config_decode(text + i, line.len - i, &len);
		unsigned width = len == 0 ? 1 : width_of(c);

		shown = shown || (at >= from && (c != ' ' || at == column));
		if (len == 0)
			c = 1; /* not a character: shown as one '?' */
		len = len == 0 ? 1 : len;
		if (!shown)
			continue;
		show(ret, text + i, len, len == 1 ? c : ' ');
		if (at < column)
			ret->before += width;
		else if (at < column + marked)
			ret->under += width;
	}
}

void
config_locate(struct why *why, const struct config_tree *tree, unsigned line,
    unsigned column, unsigned len)
{
	struct excerpt excerpt;
	int put;

	if (why == NULL)
		return;
	why_where(why, "%s:%u:%u", tree->name, line, column);
	excerpt_of(line_of(tree, line), column, len, &excerpt);
	if (excerpt.len == 0 || why->excerpt[0] != '\0')
		return;
	if (excerpt.before > EXCERPT_BYTES)
		excerpt.before = EXCERPT_BYTES;
	if (excerpt.under > EXCERPT_BYTES - excerpt.before)
		excerpt.under = EXCERPT_BYTES - excerpt.before;
	put = snprintf(why->excerpt, sizeof(why->excerpt), "%s\n%*s^",
	    excerpt.text, (int)excerpt.before, "");
	for (unsigned i = 1; put > 0 && i < excerpt.under; i++)
		why->excerpt[put++] = '~';
	why->excerpt[put] = '\0';
}

unsigned
config_width(const struct config_node *node)
{
	unsigned width = node->style == STYLE_QUOTED ? 2 : 0;

	if (node->kind != NODE_SCALAR || node->style == STYLE_BLOCK)
		return 1;
	for (size_t i = 0; i < node->len; i++)
		width += (node->text[i] & 0xc0) != 0x80 ? 1 : 0;
	return width > 0 ? width : 1;
}

struct why *
config_fault(
    struct config_reader *reader, unsigned line, unsigned column, unsigned len)
{
	reader->scratch = (struct why){ 0 };
	config_locate(&reader->scratch, reader->tree, line, column, len);
	return &reader->scratch;
}

void
config_fault_end(struct config_reader *reader, bool is_warning)
{
	struct config_faults *faults = reader->faults;

	if (!is_warning && reader->errors++ == 0) {
		reader->err = reader->scratch.err;
		if (reader->why != NULL && reader->why->err == HM_OK)
			*reader->why = reader->scratch;
	}
	if (faults == NULL || faults->count == CONFIG_FAULTS_MAX)
		return;
	faults->is_warning[faults->count] = is_warning;
	faults->fault[faults->count++] = reader->scratch;
	faults->errors += is_warning ? 0 : 1;
}

bool
config_is_hopeless(const struct config_reader *reader)
{
	return reader->errors >= CONFIG_FAULTS_MAX;
}

static hm_err
refuse_byte(struct config_reader *reader, unsigned line, unsigned column,
    uint32_t c, bool is_utf8)
{
	struct why *why = config_fault(reader, line, column, 1);

	if (!is_utf8)
		(void)WHY(why, HM_E_CONFIG_BYTE, "a byte that is not UTF-8");
	else if (c == '\t')
		(void)WHY(why, HM_E_CONFIG_BYTE, "a tab");
	else if (c == '\r')
		(void)WHY(why, HM_E_CONFIG_BYTE, "a carriage return");
	else
		(void)WHY(why, HM_E_CONFIG_BYTE,
		    "the character U+%04X does not belong here", (unsigned)c);
	config_fault_end(reader, false);
	return HM_E_CONFIG_BYTE;
}

static hm_err
refuse_end(struct config_reader *reader, unsigned line, unsigned column)
{
	struct why *why = config_fault(reader, line, column, 1);

	why_do(why, "end the last line; look whether the rest of the file is "
		    "missing");
	(void)WHY(why, HM_E_CONFIG_SYNTAX,
	    "the file ends within a line: it may have been cut off");
	config_fault_end(reader, false);
	return HM_E_CONFIG_SYNTAX;
}

hm_err
config_scan(struct config_reader *reader)
{
	const struct config_tree *tree = reader->tree;
	unsigned line = 1, column = 1;

	for (size_t i = 0, len; i < tree->len; i += len, column++) {
		uint32_t c =
		    config_decode(tree->source + i, tree->len - i, &len);

		if (len == 0 || config_is_foreign(c))
			return refuse_byte(reader, line, column, c, len != 0);
		if (c == '\n') {
			line++;
			column = 0;
		}
	}
	if (tree->len > 0 && tree->source[tree->len - 1] != '\n')
		return refuse_end(reader, line, column);
	return HM_OK;
}
