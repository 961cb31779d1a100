/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plain scalars the readers of YAML 1.1 and 1.2 take for something else
 * than text: https://yaml.org/type/ and the core schema of 1.2.
 */
#include <string.h>

#include "base/config_parts.h"

#define DIGITS "0123456789"

static bool
is_word(const char *text)
{
	static const char *const words[] = { "y", "Y", "n", "N", "yes", "Yes",
		"YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
		"true", "True", "TRUE", "false", "False", "FALSE", "null",
		"Null", "NULL", "~", "=", "<<", ".inf", ".Inf", ".INF", "-.inf",
		"+.inf", ".nan", ".NaN", ".NAN" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

/* 0x1F, 0b11, 0o17 */
static bool
is_prefixed(const char *text)
{
	const char *digits = DIGITS "abcdefABCDEF_";

	if (text[0] != '0' || text[1] == '\0' || strchr("xbo", text[1]) == NULL)
		return false;
	return text[2] != '\0' && text[2 + strspn(text + 2, digits)] == '\0';
}

/* 12, 1_000, 1.10, .5, 1e3 */
static bool
is_decimal(const char *text)
{
	size_t whole = strspn(text, DIGITS "_"), part = 0;

	if (whole > 0 && text[0] == '_')
		return false;
	text += whole;
	if (*text == '.') {
		part = strspn(text + 1, DIGITS "_");
		text += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-' ? 1 : 0;
		if (strspn(text, DIGITS) == 0)
			return false;
		text += strspn(text, DIGITS);
	}
	return *text == '\0';
}

/* 12:30:45, base 60 to YAML 1.1 */
static bool
is_sexagesimal(const char *text)
{
	size_t parts = 0;

	for (;; text++, parts++) {
		size_t len = strspn(text, DIGITS "_");

		if (len == 0)
			return false;
		text += len;
		if (*text != ':')
			break;
	}
	if (*text == '.')
		text += 1 + strspn(text + 1, DIGITS "_");
	return parts > 0 && *text == '\0';
}

/* 2026-11-21, and anything that goes on like a time */
static bool
is_date(const char *text)
{
	size_t month, day;

	if (strspn(text, DIGITS) != 4 || text[4] != '-')
		return false;
	month = strspn(text + 5, DIGITS);
	if (month == 0 || month > 2 || text[5 + month] != '-')
		return false;
	text += 6 + month;
	day = strspn(text, DIGITS);
	if (day == 0 || day > 2)
		return false;
	return text[day] == '\0' || strchr("Tt ", text[day]) != NULL;
}

bool
config_looks_typed(const char *text)
{
	if (is_word(text) || is_date(text))
		return true;
	if (text[0] == '+' || text[0] == '-')
		text++;
	return is_prefixed(text) || is_decimal(text) || is_sexagesimal(text);
}
