/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tile_path - any text as the path of a tile, any bytes as a bundle
 *
 * A path that is taken is the one that its numbers make; the entries of a
 * bundle and what is left of it are all of it.
 */
#include "fuzz.h"
#include "ledger/tiles.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size }, rest = input, entry;
	char path[TILE_PATH_MAX];
	unsigned level, width;
	uint64_t index;
	size_t sum = 0;

	if (tile_path_parse(input, &level, &index, &width) == HM_OK) {
		fuzz_must(tile_path(level, index, width, path, sizeof(path)) ==
			  HM_OK);
		fuzz_must(hm_bytes_equal(input, hm_bytes_of(path)));
	}
	while (tile_take_entry(&rest, &entry) == HM_OK)
		sum += 2 + entry.len;
	fuzz_must(sum + rest.len == size);
	return 0;
}
