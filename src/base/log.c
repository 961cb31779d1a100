/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line has at most PIPE_BUF bytes, so that lines of several processes stay
 * whole in a pipe too. What does not fit is cut, and the line says "cut":true;
 * its JSON is whole in any case.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "base/text.h"

#define LINE_MAX_LEN 4096 /* PIPE_BUF of Linux */
#define TAIL "\"cut\":true}\n"

struct line {
	char text[LINE_MAX_LEN];
	size_t len;
	bool cut;
};

static const char *process = "hallmark";
static log_level least = LOG_INFO;

void
log_init(const char *name, log_level from)
{
	process = name;
	least = from;
}

/* All or nothing, and never into the room of the tail. */
static void
put(struct line *line, const char *text, size_t len)
{
	if (line->cut || len > sizeof(line->text) - sizeof(TAIL) - line->len) {
		line->cut = true;
		return;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void
put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Length of the well-formed UTF-8 character at `at`, 0 if there is none. */
static size_t
utf8_len(const char *at, size_t left)
{
	for (size_t len = 1; len <= 4 && len <= left; len++)
		if (hm_is_utf8((struct hm_bytes){ (const uint8_t *)at, len }))
			return len;
	return 0;
}

static void
put_char(struct line *line, const char *at, size_t *ret_len, size_t left)
{
	unsigned char c = (unsigned char)*at;
	char escaped[8];

	*ret_len = utf8_len(at, left);
	if (*ret_len == 0) {
		*ret_len = 1;
		put_text(line, "\\ufffd");
	} else if (c == '"' || c == '\\') {
		escaped[0] = '\\';
		escaped[1] = *at;
		put(line, escaped, 2);
	} else if (c < 0x20 || c == 0x7f) {
		snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		put_text(line, escaped);
	} else {
		put(line, at, *ret_len);
	}
}

static void
put_string(struct line *line, const char *text)
{
	size_t left = strlen(text), len;

	put_text(line, "\"");
	for (; left > 0; text += len, left -= len)
		put_char(line, text, &len, left);
	put_text(line, "\"");
}

/* "key":"value", whole or not at all. */
static void
put_pair(struct line *line, const char *key, const char *value)
{
	size_t before = line->len;

	if (value == NULL || line->cut)
		return;
	put_string(line, key);
	put_text(line, ":");
	put_string(line, value);
	put_text(line, ",");
	if (line->cut)
		line->len = before;
}

static void
begin(struct line *line, log_level level, const char *event)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char now[TIME_TEXT_LEN];

	time_format(clock_now_s(), now);
	line->len = 0;
	line->cut = false;
	put_text(line, "{");
	put_pair(line, "t", now);
	put_pair(line, "level", names[level]);
	put_pair(line, "process", process);
	put_pair(line, "event", event);
}

static void
put_pairs(struct line *line, va_list pairs)
{
	const char *key;

	while ((key = va_arg(pairs, const char *)) != NULL)
		put_pair(line, key, va_arg(pairs, const char *));
}

static void
end(struct line *line)
{
	if (line->cut) {
		memcpy(line->text + line->len, TAIL, sizeof(TAIL) - 1);
		line->len += sizeof(TAIL) - 1;
	} else {
		line->text[line->len - 1] = '}'; /* was the last comma */
		line->text[line->len++] = '\n';
	}
	/* Nobody is left to tell if the log itself fails. */
	(void)!write(2, line->text, line->len);
}

void
log_event(log_level level, const char *event, ...)
{
	static _Thread_local struct line line;
	va_list pairs;

	if (level < least)
		return;
	begin(&line, level, event);
	va_start(pairs, event);
	put_pairs(&line, pairs);
	va_end(pairs);
	end(&line);
}

void
log_failure(
    log_level level, const char *event, hm_err err, const struct why *why, ...)
{
	const struct err_info *info = err_info(err);
	static _Thread_local struct line line;
	char id[16];
	va_list pairs;

	if (level < least)
		return;
	begin(&line, level, event);
	snprintf(id, sizeof(id), "HM-%04u", (unsigned)err);
	put_pair(&line, "error", id);
	put_pair(&line, "class", err_class_name(info->class));
	if (why != NULL && why->err != HM_OK)
		put_pair(&line, "text", why->text);
	else
		put_pair(&line, "text", info->words);
	if (why != NULL && why->where[0] != '\0')
		put_pair(&line, "where", why->where);
	va_start(pairs, why);
	put_pairs(&line, pairs);
	va_end(pairs);
	end(&line);
}
