/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/report.h"

#define WIDTH 40
#define AGAIN_US 100000

static struct {
	const char *words; /* NULL: nothing is drawn */
	uint64_t total, done, next_us;
} bar;

void
progress_begin_slow(const char *words, uint64_t bytes)
{
	memset(&bar, 0, sizeof(bar));
	if (report_progress_style() != REPORT_PROGRESS_BAR)
		return;
	bar.words = words;
	bar.total = bytes;
}

void
progress_begin(const char *words, uint64_t bytes)
{
	progress_begin_slow(words, bytes);
	if (bytes < PROGRESS_LEAST)
		bar.words = NULL;
}

static void
draw(void)
{
	/* The total is an estimate: who is not done does not say so. */
	uint64_t percent =
	    bar.done < bar.total ? bar.done * 100 / bar.total : 99;
	int full = (int)(percent * WIDTH / 100);

	fprintf(stderr, "\r%-10s [%.*s%*s] %2u %%", bar.words, full,
	    "########################################", WIDTH - full, "",
	    (unsigned)percent);
	fflush(stderr);
}

void
progress_add(uint64_t bytes)
{
	uint64_t now_us;

	if (bar.words == NULL)
		return;
	bar.done += bytes;
	now_us = clock_mono_us();
	if (now_us < bar.next_us)
		return;
	bar.next_us = now_us + AGAIN_US;
	draw();
}

void
progress_end(void)
{
	if (bar.words != NULL && bar.next_us != 0) {
		fprintf(stderr, "\r%*s\r", WIDTH + 20, "");
		fflush(stderr);
	}
	bar.words = NULL;
}
