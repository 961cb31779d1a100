/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tiles_inner - what tiles.c (grow, write) and tiles_load.c (read) share
 *
 * Level l of the tree belongs to tile level l / 8. For each level the hashes
 * from the start of the tile that was last when it was flushed up to now are in
 * memory: rows[l] holds the complete subtrees of 2^l leaves number base,
 * base + 1 ... below tree.size >> l. How many there are follows from the size
 * of the tree, so taking entries back is setting the tree back. The last entry
 * bundle is held in the same way.
 */
#include "ledger/tiles.h"

#define TILES_LEVELS 8 /* tile levels that a tree of 2^63 can have */
#define TILES_CACHE 16
#define TILES_FOLDER_MAX 512
#define TILES_PLACE_MAX (2 * TILES_FOLDER_MAX) /* of a file or its folder */

struct row {
	struct tree_hash *ptr;
	size_t room;
	uint64_t base;
};

/* A full tile with all that lies between it and the hash above it: 256 hashes,
 * 128, 64 ... 1. */
struct pyramid {
	unsigned level;
	uint64_t index;
	bool used;
	struct tree_hash hashes[2 * TILE_WIDTH - 1];
};

struct tiles {
	char folder[TILES_FOLDER_MAX];
	bool readonly;
	bool mend; /* what is flushed was read from longer files: write again */
	struct tree tree, flushed;
	uint64_t published;
	struct row rows[64];
	struct buf bundle; /* entries from rows[0].base on */
	size_t *ends;      /* where each of them ends */
	size_t ends_room;
	struct pyramid *cache; /* TILES_CACHE of them */
	size_t cache_next;
	/* The folder of each level that was made last; of entries: the last. */
	char made[TILES_LEVELS + 1][TILES_PLACE_MAX];
};

/* The first subtree of a level that belongs to the tile of the right edge. */
uint64_t tiles_edge_base(unsigned level, uint64_t size);
/* HM_E_NO_MEMORY */
HM_MUST hm_err tiles_row_room(
    struct tiles *tiles, unsigned level, size_t count);
HM_MUST hm_err tiles_ends_room(struct tiles *tiles, size_t count);
/* Where the row of a level has the hash; it must be in memory. */
struct tree_hash *tiles_row_at(
    struct tiles *tiles, unsigned level, uint64_t index);

/* Read a file of the log: what is missing is HM_E_LOG. */
HM_MUST hm_err tiles_read(const struct tiles *tiles, const char *path,
    size_t max, struct buf *ret, struct why *why);
/* A full tile from cache or file. HM_E_LOG, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err tiles_pyramid(struct tiles *tiles, unsigned level,
    uint64_t index, const struct pyramid **ret, struct why *why);
/* Where level s (0 to 8) of a pyramid begins. */
size_t tiles_pyramid_at(unsigned s);
