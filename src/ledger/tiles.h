/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tiles - the log as files: tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>],
 * checkpoint (C2SP tlog-tiles)
 *
 * Written in the order entries, tiles, then the checkpoint, each durably. The
 * writer is told every entry again after a crash (from the database, which is
 * the record) and rewrites what is missing: the files are a published copy.
 */
#include "base/buf.h"
#include "base/why.h"
#include "ledger/tree.h"

#define TILE_WIDTH 256

/* "tile/0/x001/234/067.p/8"; level 64 means entries. width 256: full. */
HM_MUST hm_err tile_path(
    unsigned level, uint64_t index, unsigned width, char *ret, size_t size);
/* Only the canonical form. HM_E_BAD_INPUT */
HM_MUST hm_err tile_path_parse(struct hm_bytes path, unsigned *ret_level,
    uint64_t *ret_index, unsigned *ret_width);
#define TILE_ENTRIES 64

struct tiles; /* opaque, heap: a folder and the edge of the tree */

/* Open the log below `folder` (made if missing) and read how far the tiles go.
 * HM_E_LOG if what lies there does not fit together: *why names the place. */
HM_MUST hm_err tiles_open(
    const char *folder, struct tiles **ret, struct why *why);
void tiles_free(struct tiles *tiles);
/* The tree as of all added entries. */
const struct tree *tiles_tree(const struct tiles *tiles);
/* Take one entry into memory. */
HM_MUST hm_err tiles_add(struct tiles *tiles, struct hm_bytes entry);
/* Forget entries added since the last flush (a rolled-back batch). */
void tiles_rollback(struct tiles *tiles);
/* Write what was added, durably: entries, then tiles. */
HM_MUST hm_err tiles_flush(struct tiles *tiles, struct why *why);
/* Publish a checkpoint note (after a flush). */
HM_MUST hm_err tiles_publish(
    struct tiles *tiles, struct hm_bytes note, struct why *why);
/* A tree_reader over the folder and what is in memory (context: the tiles). */
hm_err tiles_reader(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret);
/* One entry. HM_E_NOT_FOUND, HM_E_LOG */
HM_MUST hm_err tiles_entry(
    struct tiles *tiles, uint64_t index, struct buf *ret);
