/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/demo_say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/report.h"

static uint64_t step_us; /* when the step under way began */

const char *
demo_paint(const char *colour)
{
	return report_color(STDOUT_FILENO) ? colour : "";
}

void
demo_begin(void)
{
	step_us = clock_mono_us();
}

void
demo_say(const char *what, const char *format, ...)
{
	char text[300];
	va_list values;
	uint64_t now_us = clock_mono_us();

	va_start(values, format);
	(void)vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	report_line("  %-9s %-56s %sok%s %4.1f s", what, text,
	    demo_paint("\033[32m"), demo_paint("\033[0m"),
	    (double)(now_us - step_us) / 1e6);
	(void)fflush(stdout); /* the end reports a full disk */
	step_us = now_us;
}
