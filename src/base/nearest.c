/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/options.h"

#define EDITS_MAX 2
#define WORD_MAX 64

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, row by row. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return EDITS_MAX + 1;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
			    corner + (a[i - 1] == b[j - 1] ? 0 : 1));
			corner = above;
		}
	}
	return row[b_len];
}

const char *
nearest_word(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;
	size_t best_edits = EDITS_MAX + 1;

	for (size_t i = 0; i < count; i++) {
		size_t edits = distance(word, words[i]);

		/* Two edits make any two-letter word of any other. */
		if (edits < best_edits && edits < strlen(word)) {
			best = words[i];
			best_edits = edits;
		}
	}
	return best;
}
