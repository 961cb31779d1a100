/* SPDX-License-Identifier: Apache-2.0 */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/check.h"

/* vsnprintf cuts and terminates, which is what a message needs. */
__attribute__((format(printf, 3, 0))) static void
say(char *room, size_t size, const char *format, va_list values)
{
	if (vsnprintf(room, size, format, values) < 0)
		room[0] = '\0';
}

hm_err
why_set(struct why *why, hm_err err, const char *file, int line,
    const char *format, ...)
{
	va_list values;

	hm_assert(err != HM_OK);
	if (why == NULL || why->err != HM_OK)
		return err;
	why->err = err;
	why->file = file;
	why->line = line;
	va_start(values, format);
	say(why->text, sizeof(why->text), format, values);
	va_end(values);
	return err;
}

void
why_where(struct why *why, const char *format, ...)
{
	va_list values;

	if (why == NULL || why->where[0] != '\0')
		return;
	va_start(values, format);
	say(why->where, sizeof(why->where), format, values);
	va_end(values);
}

void
why_do(struct why *why, const char *format, ...)
{
	va_list values;

	if (why == NULL || why->act[0] != '\0')
		return;
	va_start(values, format);
	say(why->act, sizeof(why->act), format, values);
	va_end(values);
}
