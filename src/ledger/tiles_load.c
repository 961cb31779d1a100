/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening is two looks at the folder: names first, which say how far each level
 * goes and whether a tile is missing (8 thousand names for a million entries,
 * some milliseconds), then the content of the last tile of each level.
 *
 * A crash in the middle of a flush leaves entries ahead of level 0, and level 0
 * ahead of level 1. The log is opened at the largest size that every level
 * covers; what lies beyond is written again when the owner has added it.
 */
#include "ledger/tiles_inner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "core/check.h"
#include "ledger/note.h"
#include "ledger/walk.h"

/* --- files --- */

/* Say what is wrong with a file of the log. */
static hm_err
wrong(const struct tiles *tiles, const char *path, const char *what,
    struct why *w)
{
	why_where(w, "%s/%s", tiles->folder, path);
	return WHY(w, HM_E_LOG, "%s", what);
}

hm_err
tiles_read(const struct tiles *tiles, const char *path, size_t max,
    struct buf *ret, struct why *why)
{
	char full[TILES_FOLDER_MAX + TILE_PATH_MAX + 1];
	struct why words = { 0 };
	hm_err err;

	HM_TRY(path_join(full, sizeof(full), tiles->folder, path));
	if (access(full, F_OK) != 0 && errno == ENOENT) {
		why_where(why, "%s", full);
		return WHY(why, HM_E_LOG, "a file of the log is missing");
	}
	err = file_read(full, max, ret, &words);
	if (err == HM_E_TOO_LARGE)
		return wrong(tiles, path, "a file of the log is too long", why);
	/* It is there: the disk or its descriptors are at fault. */
	if (err == HM_E_FILE)
		err = HM_E_IO;
	if (err != HM_OK) {
		why_where(why, "%s", full);
		return WHY(why, err, "%s", words.text);
	}
	return HM_OK;
}

size_t
tiles_pyramid_at(unsigned s)
{
	return 2 * TILE_WIDTH - (2 * TILE_WIDTH >> s);
}

static void
build_pyramid(struct pyramid *pyramid)
{
	for (unsigned s = 0; s < 8; s++) {
		const struct tree_hash *from =
		    &pyramid->hashes[tiles_pyramid_at(s)];
		struct tree_hash *to =
		    &pyramid->hashes[tiles_pyramid_at(s + 1)];

		for (unsigned i = 0; i < TILE_WIDTH >> (s + 1); i++)
			tree_node(&from[2 * i], &from[2 * i + 1], &to[i]);
	}
}

hm_err
tiles_pyramid(struct tiles *tiles, unsigned level, uint64_t index,
    const struct pyramid **ret, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	char path[TILE_PATH_MAX];
	struct pyramid *slot = tiles->cache;

	for (size_t i = 0; i < TILES_CACHE; i++) {
		slot = &tiles->cache[i];
		if (slot->used && slot->level == level &&
		    slot->index == index) {
			*ret = slot;
			return HM_OK;
		}
	}
	HM_TRY(tile_path(level, index, TILE_WIDTH, path, sizeof(path)));
	HM_TRY(tiles_read(tiles, path, TILE_LEN, &file, why));
	if (file.len != TILE_LEN)
		return wrong(tiles, path, "a full tile is too short", why);

	slot = &tiles->cache[tiles->cache_next++ % TILES_CACHE];
	slot->used = true;
	slot->level = level;
	slot->index = index;
	memcpy(slot->hashes, file.ptr, TILE_LEN);
	build_pyramid(slot);
	*ret = slot;
	return HM_OK;
}

/* --- names --- */

struct names {
	uint64_t full, full_end; /* how many; one after the last */
	uint64_t partial;        /* index of the last partial tile */
	uint64_t oldest;         /* of the first one */
	unsigned width;          /* the widest of the last; 0: none */
};

struct scan {
	const struct tiles *tiles;
	struct names levels[TILES_LEVELS + 1]; /* the last: entries */
	bool temporary;             /* unfinished files of a crash are there */
	char synced[WALK_PATH_MAX]; /* the folder that was synced last */
};

static size_t
place_of(unsigned level)
{
	return level == TILE_ENTRIES ? TILES_LEVELS : level;
}

static bool
is_temporary(const char *path)
{
	const char *name = strrchr(path, '/');

	return file_is_temp(name ? name + 1 : path);
}

/*
 * Whoever wrote a file may have been killed before its name was synced: then a
 * power cut after we have built on it would take it away again.
 */
static hm_err
sync_names(struct scan *scan, const char *path, struct why *why)
{
	char place[TILES_PLACE_MAX];
	const char *end = strrchr(path, '/');
	size_t len = end ? (size_t)(end - path) : 0;
	bool same = strncmp(scan->synced, path, len) == 0 &&
		    scan->synced[len] == '\0' && scan->synced[0] != '\0';

	if (scan->tiles->readonly || same)
		return HM_OK;
	hm_assert(len < sizeof(scan->synced));
	memcpy(scan->synced, path, len);
	scan->synced[len] = '\0';
	HM_TRY(
	    path_join(place, sizeof(place), scan->tiles->folder, scan->synced));
	return file_sync_dir(place, why);
}

static hm_err
note_name(void *context, const char *path, struct why *why)
{
	struct scan *scan = context;
	struct names *names;
	uint64_t index;
	unsigned level, width;

	if (is_temporary(path)) {
		scan->temporary = true;
		return HM_OK;
	}
	HM_TRY(sync_names(scan, path, why));
	if (strncmp(path, "tile/", 5) != 0)
		return HM_OK; /* the checkpoint, and what others keep here */
	if (tile_path_parse(hm_bytes_of(path), &level, &index, &width) !=
		HM_OK ||
	    place_of(level) > TILES_LEVELS)
		return wrong(scan->tiles, path,
		    "a file that does not belong into a log", why);
	names = &scan->levels[place_of(level)];
	if (width == TILE_WIDTH) {
		names->full++;
		if (index >= names->full_end)
			names->full_end = index + 1;
		return HM_OK;
	}
	if (names->width == 0 || index < names->oldest)
		names->oldest = index;
	if (names->width == 0 || index > names->partial ||
	    (index == names->partial && width > names->width)) {
		names->partial = index;
		names->width = width;
	}
	return HM_OK;
}

/* How many items a level has; HM_E_LOG if a tile before them is missing. */
static hm_err
count_items(
    const struct scan *scan, unsigned level, uint64_t *ret, struct why *why)
{
	const struct names *names = &scan->levels[place_of(level)];
	uint64_t full = names->full_end, end = full;
	char path[TILE_PATH_MAX];
	char place[TILES_FOLDER_MAX + TILE_PATH_MAX + 1];

	if (names->width > 0 && names->partial > end)
		end = names->partial;
	for (uint64_t i = 0; names->full < end && i < end; i++) {
		HM_TRY(tile_path(level, i, TILE_WIDTH, path, sizeof(path)));
		HM_TRY(
		    path_join(place, sizeof(place), scan->tiles->folder, path));
		if (!file_exists(place))
			return wrong(
			    scan->tiles, path, "a full tile is missing", why);
	}
	*ret = full * TILE_WIDTH;
	if (names->width > 0 && names->partial == full)
		*ret += names->width;
	return HM_OK;
}

/* The largest size that entries and all levels cover. */
static hm_err
find_size(const struct scan *scan, uint64_t *ret, struct why *why)
{
	uint64_t size, count;

	HM_TRY(count_items(scan, TILE_ENTRIES, &size, why));
	for (unsigned level = 0; level < TILES_LEVELS; level++) {
		uint64_t leaves = (uint64_t)1 << 8 * level, limit;

		HM_TRY(count_items(scan, level, &count, why));
		if (__builtin_mul_overflow(count + 1, leaves, &limit))
			continue;
		if (size > limit - 1)
			size = limit - 1;
	}
	*ret = size;
	return HM_OK;
}

/* --- content --- */

/* A tile or bundle that holds at least `width` items of the edge: as wide as
 * asked for, or full, or the widest there is. */
static hm_err
find_wide(const struct scan *scan, unsigned level, uint64_t index,
    unsigned width, char ret[static TILE_PATH_MAX], bool *ret_longer)
{
	char place[TILES_FOLDER_MAX + TILE_PATH_MAX + 1];
	unsigned widths[] = { width, TILE_WIDTH,
		scan->levels[place_of(level)].width };

	for (size_t i = 0; i < 3; i++) {
		if (widths[i] < width || widths[i] == 0)
			continue;
		HM_TRY(tile_path(level, index, widths[i], ret, TILE_PATH_MAX));
		HM_TRY(
		    path_join(place, sizeof(place), scan->tiles->folder, ret));
		if (file_exists(place)) {
			*ret_longer |= widths[i] != width;
			return HM_OK;
		}
	}
	return tile_path(level, index, width, ret, TILE_PATH_MAX);
}

/* The hashes of the last tile of a level, and what lies between. */
static hm_err
load_edge(struct tiles *tiles, const struct scan *scan, unsigned level,
    struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	char path[TILE_PATH_MAX];
	uint64_t count = tiles->tree.size >> 8 * level;
	unsigned width = count % TILE_WIDTH;

	for (unsigned l = 8 * level; l < 8 * level + 8 && l < 64; l++)
		tiles->rows[l].base = tiles_edge_base(l, tiles->tree.size);
	if (width == 0)
		return HM_OK;
	HM_TRY(find_wide(
	    scan, level, count / TILE_WIDTH, width, path, &tiles->mend));
	HM_TRY(tiles_read(tiles, path, TILE_LEN, &file, why));
	if (file.len < width * TREE_HASH_LEN || file.len % TREE_HASH_LEN != 0)
		return wrong(tiles, path, "a tile has the wrong length", why);

	HM_TRY(tiles_row_room(tiles, 8 * level, width));
	memcpy(tiles->rows[8 * level].ptr, file.ptr, width * TREE_HASH_LEN);
	for (unsigned s = 1; s < 8; s++) {
		const struct tree_hash *from =
		    tiles->rows[8 * level + s - 1].ptr;

		HM_TRY(tiles_row_room(tiles, 8 * level + s, width >> s));
		for (unsigned i = 0; i < width >> s; i++)
			tree_node(&from[2 * i], &from[2 * i + 1],
			    &tiles->rows[8 * level + s].ptr[i]);
	}
	return HM_OK;
}

/* The first `width` entries of a bundle must have the hashes of a tile. */
static hm_err
check_entries(const struct tiles *tiles, const char *path,
    struct hm_bytes bundle, const struct tree_hash *leaves, unsigned width,
    struct why *why)
{
	struct hm_bytes entry;
	struct tree_hash leaf;

	for (unsigned i = 0; i < width; i++) {
		if (tile_take_entry(&bundle, &entry) != HM_OK)
			return wrong(
			    tiles, path, "an entry bundle is too short", why);
		tree_leaf(entry, &leaf);
		if (memcmp(&leaf, &leaves[i], sizeof(leaf)) != 0) {
			why_where(why, "%s/%s, entry %u of the bundle",
			    tiles->folder, path, i);
			return WHY(why, HM_E_LOG,
			    "an entry does not have the hash in its tile");
		}
	}
	return HM_OK;
}

static hm_err
load_bundle(struct tiles *tiles, const struct scan *scan, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	char path[TILE_PATH_MAX];
	uint64_t size = tiles->tree.size;
	unsigned width = size % TILE_WIDTH;
	struct hm_bytes rest, entry = { 0 };

	if (width == 0)
		return HM_OK;
	HM_TRY(find_wide(
	    scan, TILE_ENTRIES, size / TILE_WIDTH, width, path, &tiles->mend));
	HM_TRY(tiles_read(tiles, path, TILE_BUNDLE_MAX, &file, why));
	HM_TRY(check_entries(
	    tiles, path, buf_bytes(&file), tiles->rows[0].ptr, width, why));
	HM_TRY(tiles_ends_room(tiles, width));
	rest = buf_bytes(&file);
	for (unsigned i = 0; i < width; i++) {
		HM_TRY(tile_take_entry(&rest, &entry));
		tiles->ends[i] = file.len - rest.len;
	}
	return buf_add(&tiles->bundle,
	    (struct hm_bytes){ file.ptr, tiles->ends[width - 1] });
}

static void
set_edge(struct tiles *tiles)
{
	uint64_t size = tiles->tree.size;

	for (unsigned level = 0; level < 64; level++)
		if (size >> level & 1)
			tiles->tree.edge[level] =
			    *tiles_row_at(tiles, level, (size >> level) - 1);
}

/* --- do they fit together? --- */

/* The last full bundle has the hashes of its tile. */
static hm_err
check_last_bundle(struct tiles *tiles, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	const struct pyramid *tile;
	char path[TILE_PATH_MAX];
	uint64_t full = tiles->tree.size / TILE_WIDTH;

	if (full == 0)
		return HM_OK;
	HM_TRY(
	    tile_path(TILE_ENTRIES, full - 1, TILE_WIDTH, path, sizeof(path)));
	HM_TRY(tiles_read(tiles, path, TILE_BUNDLE_MAX, &file, why));
	HM_TRY(tiles_pyramid(tiles, 0, full - 1, &tile, why));
	return check_entries(
	    tiles, path, buf_bytes(&file), tile->hashes, TILE_WIDTH, why);
}

/* The last hash of each level is that of the full tile below it. */
static hm_err
check_links(struct tiles *tiles, struct why *why)
{
	for (unsigned level = 1; level < TILES_LEVELS; level++) {
		uint64_t count = tiles->tree.size >> 8 * level;
		const struct pyramid *below;
		struct tree_hash hash;
		char path[TILE_PATH_MAX];

		if (count == 0)
			break;
		HM_TRY(tiles_pyramid(tiles, level - 1, count - 1, &below, why));
		HM_TRY(tiles_reader(tiles, 8 * level, count - 1, &hash));
		if (memcmp(&hash, &below->hashes[tiles_pyramid_at(8)],
			sizeof(hash)) == 0)
			continue;
		HM_TRY(tile_path(
		    level - 1, count - 1, TILE_WIDTH, path, sizeof(path)));
		return wrong(tiles, path,
		    "a tile does not have the hash in the tile above", why);
	}
	return HM_OK;
}

static hm_err
check_published(struct tiles *tiles, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct checkpoint checkpoint;
	struct hm_bytes text;
	struct tree_hash root;
	char words[128];

	HM_TRY(tiles_read(tiles, "checkpoint", NOTE_MAX, &note, why));
	if (note_text(buf_bytes(&note), &text) != HM_OK ||
	    checkpoint_parse(text, &checkpoint) != HM_OK)
		return wrong(
		    tiles, "checkpoint", "the checkpoint is malformed", why);
	if (checkpoint.size > tiles->tree.size) {
		(void)snprintf(words, sizeof(words),
		    "the checkpoint has %" PRIu64
		    " entries, but the tiles only %" PRIu64,
		    checkpoint.size, tiles->tree.size);
		return wrong(tiles, "checkpoint line 2", words, why);
	}
	tiles->published = checkpoint.size;
	if (checkpoint.size == 0)
		return HM_OK;
	HM_TRY(tree_root_at(checkpoint.size, tiles_reader, tiles, &root));
	if (memcmp(&root, &checkpoint.root, sizeof(root)) != 0)
		return wrong(tiles, "checkpoint line 3",
		    "the root is not that of the tiles", why);
	return HM_OK;
}

/* --- tidying --- */

/* The full tile of a partial one is part of the published checkpoint. */
static bool
is_superseded(const struct tiles *tiles, unsigned level, uint64_t index)
{
	unsigned above = level == TILE_ENTRIES ? 8 : 8 * level + 8;

	return above < 64 && index < tiles->published >> above;
}

/* Is there anything to remove? Only then is a second walk worth it. */
static bool
is_untidy(const struct tiles *tiles, const struct scan *scan)
{
	for (unsigned i = 0; i <= TILES_LEVELS; i++) {
		const struct names *names = &scan->levels[i];

		if (names->width > 0 &&
		    is_superseded(tiles, i == TILES_LEVELS ? TILE_ENTRIES : i,
			names->oldest))
			return true;
	}
	return scan->temporary;
}

static hm_err
tidy_file(void *context, const char *path, struct why *why)
{
	const struct tiles *tiles = context;
	char place[TILES_FOLDER_MAX + WALK_PATH_MAX + 1];
	uint64_t index;
	unsigned level, width;

	(void)why;
	if (!is_temporary(path) &&
	    (tile_path_parse(hm_bytes_of(path), &level, &index, &width) !=
		    HM_OK ||
		width == TILE_WIDTH || !is_superseded(tiles, level, index)))
		return HM_OK;
	/* Leftovers do no harm: what cannot be removed stays. */
	HM_TRY(path_join(place, sizeof(place), tiles->folder, path));
	(void)unlink(place);
	*strrchr(place, '/') = '\0';
	(void)rmdir(place); /* if that was the last */
	return HM_OK;
}

/* --- opening --- */

static hm_err
load(struct tiles *tiles, const struct scan *scan, struct why *why)
{
	HM_TRY(find_size(scan, &tiles->tree.size, why));
	for (unsigned level = 0; level < TILES_LEVELS; level++)
		HM_TRY(load_edge(tiles, scan, level, why));
	HM_TRY(load_bundle(tiles, scan, why));
	set_edge(tiles);
	tiles->flushed = tiles->tree;
	HM_TRY(check_last_bundle(tiles, why));
	HM_TRY(check_links(tiles, why));
	return HM_OK;
}

static void
tiles_done(struct tiles **tiles)
{
	tiles_free(*tiles);
}

static hm_err
open_folder(
    const char *folder, bool readonly, struct tiles **ret, struct why *why)
{
	AUTO(tiles) struct tiles *tiles = calloc(1, sizeof(*tiles));
	struct scan scan = { .tiles = tiles };
	char place[TILES_FOLDER_MAX + 16];

	if (!tiles)
		return HM_E_NO_MEMORY;
	tiles->readonly = readonly;
	buf_init(&tiles->bundle, SIZE_MAX / 4);
	tiles->cache = calloc(TILES_CACHE, sizeof(*tiles->cache));
	if (!tiles->cache)
		return HM_E_NO_MEMORY;
	if (strlen(folder) >= sizeof(tiles->folder))
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	memcpy(tiles->folder, folder, strlen(folder) + 1);
	if (!readonly)
		HM_TRY(file_mkdir(folder, 0755, why));

	HM_TRY(walk(folder, "", note_name, &scan, why));
	HM_TRY(load(tiles, &scan, why));
	HM_TRY(path_join(place, sizeof(place), folder, "checkpoint"));
	if (readonly || file_exists(place))
		HM_TRY(check_published(tiles, why));
	if (!readonly && is_untidy(tiles, &scan))
		HM_TRY(walk(folder, "", tidy_file, tiles, why));
	*ret = tiles;
	tiles = NULL;
	return HM_OK;
}

hm_err
tiles_open(const char *folder, struct tiles **ret, struct why *why)
{
	return open_folder(folder, false, ret, why);
}

hm_err
tiles_open_readonly(const char *folder, struct tiles **ret, struct why *why)
{
	return open_folder(folder, true, ret, why);
}
