/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_csv - any text as a table: rows end, cells lie in it and end */
#include <string.h>

#include "base/auto.h"
#include "cmd/csv.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf text = { .max = 1 << 16 };
	struct csv csv;
	struct csv_row row;
	bool more = true;
	unsigned rows = 0, line = 0;

	if (buf_add(&text, (struct hm_bytes){ data, size }) != HM_OK ||
	    csv_begin(&text, &csv, NULL) != HM_OK)
		return 0;
	while (csv_next(&csv, &row, &more, NULL) == HM_OK && more) {
		fuzz_must(++rows <= size && row.line > line);
		fuzz_must(row.count >= 1 && row.count <= CSV_COLUMNS_MAX);
		line = row.line;
		for (size_t i = 0; i < row.count; i++) {
			const char *end = (const char *)text.ptr + text.len;

			fuzz_must(row.cells[i] >= (const char *)text.ptr);
			fuzz_must(row.cells[i] + strlen(row.cells[i]) <= end);
		}
	}
	return 0;
}
