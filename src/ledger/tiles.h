/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tiles - the log as files: tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>],
 * checkpoint (C2SP tlog-tiles)
 *
 * The files are a published copy of what the database has. Whoever owns the
 * log adds entries in memory (tiles_add: root and proofs can be had at once),
 * commits them to the database, then flushes: entries, tiles, and last the
 * checkpoint, each file synced, renamed into place and its folder synced. After
 * a crash the files may be behind the database, never ahead: tiles_tree() says
 * how far they go, and the owner adds the rest again. Files that are ahead of
 * the database, or a published checkpoint that does not fit the tiles, mean
 * that something was rolled back or altered: nobody repairs that silently.
 *
 * A flush touches the last bundle and the last tile of each level that grew:
 * two files for most batches. The right edge of every level is kept in memory,
 * so proofs for recent entries read nothing; older tiles come from the files
 * through a small cache.
 *
 * A partial tile stays until its full tile is part of a published checkpoint:
 * whoever reads by an older checkpoint finds the widths that it promises. So
 * there are never more than 255 partial files a level beyond what is full.
 *
 * One owner writes; any number of others may read the files meanwhile.
 */
#include "base/buf.h"
#include "base/why.h"
#include "ledger/tree.h"

#define TILE_WIDTH 256U

#define TILE_ENTRIES 64  /* level of the entry bundles */
#define TILE_PATH_MAX 64 /* bytes of any path, with NUL */
#define TILE_LEN (TILE_WIDTH * TREE_HASH_LEN)
#define TILE_BUNDLE_MAX (TILE_WIDTH * (2 + 65535))

/* "tile/0/x001/x234/067.p/8"; level 64 means entries. width 256: full.
 * HM_E_BAD_INPUT (level, width), HM_E_NO_ROOM */
HM_MUST hm_err tile_path(
    unsigned level, uint64_t index, unsigned width, char *ret, size_t size);
/* Only the canonical form. HM_E_BAD_INPUT */
HM_MUST hm_err tile_path_parse(struct hm_bytes path, unsigned *ret_level,
    uint64_t *ret_index, unsigned *ret_width);
/* Take the next entry off the front of a bundle: u16 length, bytes.
 * HM_E_BAD_INPUT: it runs past the end; nothing is taken then. */
HM_MUST hm_err tile_take_entry(struct hm_bytes *bundle, struct hm_bytes *ret);

struct tiles; /* opaque, heap: a folder and the edge of the tree */

/* Open the log below `folder` (made if missing) and read how far the tiles go.
 * HM_E_LOG if what lies there does not fit together: *why names the place. */
HM_MUST hm_err tiles_open(
    const char *folder, struct tiles **ret, struct why *why);
/* To read only: nothing is made, mended or removed; the rest of the folder may
 * be on a medium that cannot be written. HM_E_FILE (no folder), HM_E_LOG (no
 * checkpoint).
 */
HM_MUST hm_err tiles_open_readonly(
    const char *folder, struct tiles **ret, struct why *why);
void tiles_free(struct tiles *tiles);
/* Size of the checkpoint that is published; 0 if none is. */
uint64_t tiles_published(const struct tiles *tiles);
/* The tree as of all added entries. */
const struct tree *tiles_tree(const struct tiles *tiles);
/* Take one entry into memory. HM_E_TOO_LARGE, HM_E_NO_MEMORY: nothing was
 * added. */
HM_MUST hm_err tiles_add(struct tiles *tiles, struct hm_bytes entry);
/* Forget entries added since the last flush: a batch that the database did not
 * take. Never after a flush that failed: its files must be caught up with. */
void tiles_rollback(struct tiles *tiles);
/* Write what was added, durably: entries, then tiles. HM_E_IO, HM_E_FILE,
 * HM_E_NO_MEMORY: nothing is lost; flush again. */
HM_MUST hm_err tiles_flush(struct tiles *tiles, struct why *why);
/* Publish a checkpoint note (after a flush). HM_E_BAD_INPUT, HM_E_LOG (it is
 * not of this tree, or not flushed yet), HM_E_LOG_ROLLBACK (smaller than what
 * is published), HM_E_IO: the old one stands. */
HM_MUST hm_err tiles_publish(
    struct tiles *tiles, struct hm_bytes note, struct why *why);
/* A tree_reader over the folder and what is in memory (context: the tiles).
 * HM_E_NOT_FOUND beyond the tree, HM_E_LOG (a tile is missing or not whole),
 * HM_E_IO, HM_E_NO_MEMORY */
hm_err tiles_reader(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret);
/* Append one entry to *ret. As tiles_reader. */
HM_MUST hm_err tiles_entry(
    struct tiles *tiles, uint64_t index, struct buf *ret);
