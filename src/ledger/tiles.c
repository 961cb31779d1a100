/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tiles_inner.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "core/check.h"
#include "ledger/note.h"

/* --- memory --- */

uint64_t
tiles_edge_base(unsigned level, uint64_t size)
{
	unsigned above = (level / 8 + 1) * 8;

	return above >= 64 ? 0 : (size >> above) << (above - level);
}

hm_err
tiles_row_room(struct tiles *tiles, unsigned level, size_t count)
{
	struct row *row = &tiles->rows[level];
	size_t room = row->room > 0 ? row->room : TILE_WIDTH >> level % 8;
	struct tree_hash *ptr;

	while (room < count)
		room *= 2;
	if (room == row->room)
		return HM_OK;
	ptr = reallocarray(row->ptr, room, sizeof(*ptr));
	if (!ptr)
		return HM_E_NO_MEMORY;
	row->ptr = ptr;
	row->room = room;
	return HM_OK;
}

hm_err
tiles_ends_room(struct tiles *tiles, size_t count)
{
	size_t room = tiles->ends_room > 0 ? tiles->ends_room : TILE_WIDTH;
	size_t *ptr;

	while (room < count)
		room *= 2;
	if (room == tiles->ends_room)
		return HM_OK;
	ptr = reallocarray(tiles->ends, room, sizeof(*ptr));
	if (!ptr)
		return HM_E_NO_MEMORY;
	tiles->ends = ptr;
	tiles->ends_room = room;
	return HM_OK;
}

struct tree_hash *
tiles_row_at(struct tiles *tiles, unsigned level, uint64_t index)
{
	struct row *row = &tiles->rows[level];

	hm_assert(index >= row->base && index - row->base < row->room);
	return &row->ptr[index - row->base];
}

void
tiles_free(struct tiles *tiles)
{
	if (!tiles)
		return;
	for (unsigned level = 0; level < 64; level++)
		free(tiles->rows[level].ptr);
	buf_done(&tiles->bundle);
	free(tiles->ends);
	free(tiles->cache);
	free(tiles);
}

const struct tree *
tiles_tree(const struct tiles *tiles)
{
	return &tiles->tree;
}

uint64_t
tiles_published(const struct tiles *tiles)
{
	return tiles->published;
}

/* --- growing --- */

/* How much of the bundle belongs to the first `size` entries of the log. */
static size_t
bundle_len(const struct tiles *tiles, uint64_t size)
{
	uint64_t count = size - tiles->rows[0].base;

	return count > 0 ? tiles->ends[count - 1] : 0;
}

static hm_err
make_room(struct tiles *tiles)
{
	uint64_t size = tiles->tree.size;
	unsigned level = 0;

	HM_TRY(tiles_ends_room(tiles, size - tiles->rows[0].base + 1));
	do {
		uint64_t count = (size >> level) - tiles->rows[level].base;

		HM_TRY(tiles_row_room(tiles, level, count + 1));
	} while (size >> level++ & 1);
	return HM_OK;
}

/* There is room: make_room() saw to it. */
static void
keep_row(
    void *context, unsigned level, uint64_t index, const struct tree_hash *hash)
{
	*tiles_row_at(context, level, index) = *hash;
}

hm_err
tiles_add(struct tiles *tiles, struct hm_bytes entry)
{
	uint8_t *at;
	struct tree_hash leaf;

	hm_assert(!tiles->readonly);
	if (entry.len > UINT16_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(make_room(tiles));
	HM_TRY(buf_reserve(&tiles->bundle, 2 + entry.len, &at));

	hm_put_u16(at, (uint16_t)entry.len);
	if (entry.len > 0)
		memcpy(at + 2, entry.ptr, entry.len);
	tiles->bundle.len += 2 + entry.len;
	tiles->ends[tiles->tree.size - tiles->rows[0].base] = tiles->bundle.len;
	tree_leaf(entry, &leaf);
	tree_add_keeping(&tiles->tree, &leaf, keep_row, tiles);
	return HM_OK;
}

void
tiles_rollback(struct tiles *tiles)
{
	tiles->tree = tiles->flushed;
	tiles->bundle.len = bundle_len(tiles, tiles->flushed.size);
}

/* --- writing --- */

/* The folder of `path`, made unless it was the last one of its level. */
static hm_err
make_folder(
    struct tiles *tiles, unsigned level, const char *path, struct why *why)
{
	char folder[TILES_PLACE_MAX];
	char *made = tiles->made[level < TILES_LEVELS ? level : TILES_LEVELS];
	const char *end = strrchr(path, '/');
	size_t len;

	hm_assert(end != NULL);
	len = (size_t)(end - path);
	hm_assert(len < sizeof(folder));
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (strcmp(folder, made) == 0)
		return HM_OK;
	HM_TRY(file_mkdir(folder, 0755, why));
	memcpy(made, folder, len + 1);
	return HM_OK;
}

static hm_err
write_tile(struct tiles *tiles, unsigned level, uint64_t index, unsigned width,
    struct hm_bytes content, struct why *why)
{
	char name[TILE_PATH_MAX], path[TILES_PLACE_MAX];

	HM_TRY(tile_path(level, index, width, name, sizeof(name)));
	HM_TRY(path_join(path, sizeof(path), tiles->folder, name));
	HM_TRY(make_folder(tiles, level, path, why));
	return file_write(path, content, 0644, why);
}

static struct hm_bytes
bundle_part(const struct tiles *tiles, uint64_t from, uint64_t to)
{
	size_t start = bundle_len(tiles, from);

	return (struct hm_bytes){ tiles->bundle.ptr + start,
		bundle_len(tiles, to) - start };
}

/* Write what grew of one level of tiles from `old` to `count` items. */
static hm_err
write_level(struct tiles *tiles, unsigned level, uint64_t old, uint64_t count,
    struct why *why)
{
	for (uint64_t tile = old / TILE_WIDTH; tile * TILE_WIDTH < count;
	     tile++) {
		uint64_t first = tile * TILE_WIDTH, left = count - first;
		unsigned width =
		    left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
		struct hm_bytes content;

		if (level == TILE_ENTRIES)
			content = bundle_part(tiles, first, first + width);
		else
			content = (struct hm_bytes){
				tiles_row_at(tiles, level * 8, first)->bytes,
				width * sizeof(struct tree_hash)
			};
		HM_TRY(write_tile(tiles, level, tile, width, content, why));
	}
	return HM_OK;
}

/* Forget what lies before the tiles that are now the last ones. */
static void
drop_full(struct tiles *tiles)
{
	uint64_t size = tiles->tree.size;
	size_t dropped = tiles_edge_base(0, size) - tiles->rows[0].base;
	size_t start = bundle_len(tiles, tiles_edge_base(0, size));
	size_t kept = size - tiles_edge_base(0, size);

	if (dropped == 0)
		return;
	memmove(tiles->bundle.ptr, tiles->bundle.ptr + start,
	    tiles->bundle.len - start);
	tiles->bundle.len -= start;
	for (size_t i = 0; i < kept; i++)
		tiles->ends[i] = tiles->ends[dropped + i] - start;

	for (unsigned level = 0; level < 64; level++) {
		struct row *row = &tiles->rows[level];
		uint64_t base = tiles_edge_base(level, size);
		size_t skip = base - row->base, stay = (size >> level) - base;

		if (skip == 0)
			continue;
		memmove(row->ptr, row->ptr + skip, stay * sizeof(*row->ptr));
		row->base = base;
	}
}

hm_err
tiles_flush(struct tiles *tiles, struct why *why)
{
	uint64_t old = tiles->flushed.size, size = tiles->tree.size;

	hm_assert(!tiles->readonly);
	if (size == old && !tiles->mend)
		return HM_OK;
	HM_TRY(write_level(tiles, TILE_ENTRIES, old, size, why));
	for (unsigned level = 0; level < TILES_LEVELS; level++) {
		uint64_t before = old >> 8 * level, now = size >> 8 * level;

		if (before == now && !tiles->mend)
			break; /* nor did anything above */
		HM_TRY(write_level(tiles, level, before, now, why));
	}
	tiles->mend = false;
	tiles->flushed = tiles->tree;
	drop_full(tiles);
	return HM_OK;
}

/* --- publishing --- */

/* Remove the partial files of a tile that is full now, and what a write of one
 * that was cut off has left. There are few: who tries each width tries 255.
 * Whatever fails here is tried again when the log is opened. */
static void
remove_partials(struct tiles *tiles, unsigned level, uint64_t index)
{
	char name[TILE_PATH_MAX], path[TILES_PLACE_MAX];
	struct dirent *item;
	DIR *folder;

	if (tile_path(level, index, 1, name, sizeof(name)) != HM_OK ||
	    path_join(path, sizeof(path), tiles->folder, name) != HM_OK)
		return;
	*strrchr(path, '/') = '\0';
	folder = opendir(path);
	if (folder == NULL)
		return;
	while ((item = readdir(folder)) != NULL)
		(void)unlinkat(dirfd(folder), item->d_name, 0);
	(void)closedir(folder);
	(void)rmdir(path);
}

static void
remove_superseded(struct tiles *tiles, uint64_t old, uint64_t size)
{
	for (unsigned level = 0; level < TILES_LEVELS; level++) {
		uint64_t before = old >> 8 * level, now = size >> 8 * level;

		if (before % TILE_WIDTH == 0 ||
		    before / TILE_WIDTH == now / TILE_WIDTH)
			continue;
		remove_partials(tiles, level, before / TILE_WIDTH);
		if (level == 0)
			remove_partials(
			    tiles, TILE_ENTRIES, before / TILE_WIDTH);
	}
	memset(tiles->made, 0, sizeof(tiles->made));
}

static hm_err
check_checkpoint(
    struct tiles *tiles, const struct checkpoint *checkpoint, struct why *why)
{
	struct tree_hash root;

	if (checkpoint->size < tiles->published)
		return WHY(why, HM_E_LOG_ROLLBACK,
		    "a checkpoint of size %llu after one of size %llu",
		    (unsigned long long)checkpoint->size,
		    (unsigned long long)tiles->published);
	if (checkpoint->size > tiles->flushed.size)
		return WHY(why, HM_E_LOG,
		    "a checkpoint of size %llu, but %llu entries are flushed",
		    (unsigned long long)checkpoint->size,
		    (unsigned long long)tiles->flushed.size);
	if (checkpoint->size == 0)
		return HM_OK; /* its root was checked when it was read */
	HM_TRY(tree_root_at(checkpoint->size, tiles_reader, tiles, &root));
	if (!hm_bytes_equal(
		HM_BYTES(root.bytes), HM_BYTES(checkpoint->root.bytes)))
		return WHY(why, HM_E_LOG,
		    "the root of a checkpoint is not that of the tree");
	return HM_OK;
}

hm_err
tiles_publish(struct tiles *tiles, struct hm_bytes note, struct why *why)
{
	char path[TILES_PLACE_MAX];
	struct checkpoint checkpoint;
	struct hm_bytes text;
	uint64_t old = tiles->published;

	hm_assert(!tiles->readonly);
	HM_TRY(note_text(note, &text));
	HM_TRY(checkpoint_parse(text, &checkpoint));
	HM_TRY(check_checkpoint(tiles, &checkpoint, why));
	HM_TRY(path_join(path, sizeof(path), tiles->folder, "checkpoint"));
	HM_TRY(file_write(path, note, 0644, why));
	tiles->published = checkpoint.size;
	remove_superseded(tiles, old, checkpoint.size);
	return HM_OK;
}

/* --- reading --- */

hm_err
tiles_reader(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret)
{
	struct tiles *tiles = context;
	const struct pyramid *pyramid;
	unsigned s = level % 8;
	uint64_t in_tile = index & ((TILE_WIDTH >> s) - 1);

	if (level >= 64 || index >= tiles->tree.size >> level)
		return HM_E_NOT_FOUND;
	if (index >= tiles->rows[level].base) {
		*ret = *tiles_row_at(tiles, level, index);
		return HM_OK;
	}
	HM_TRY(
	    tiles_pyramid(tiles, level / 8, index >> (8 - s), &pyramid, NULL));
	*ret = pyramid->hashes[tiles_pyramid_at(s) + in_tile];
	return HM_OK;
}

hm_err
tiles_entry(struct tiles *tiles, uint64_t index, struct buf *ret)
{
	AUTO(buf) struct buf file = { 0 };
	char path[TILE_PATH_MAX];
	struct hm_bytes bundle, entry = { 0 };

	if (index >= tiles->tree.size)
		return HM_E_NOT_FOUND;
	if (index >= tiles->rows[0].base) {
		entry = bundle_part(tiles, index, index + 1);
		entry.ptr += 2;
		entry.len -= 2;
		return buf_add(ret, entry);
	}
	HM_TRY(tile_path(
	    TILE_ENTRIES, index / TILE_WIDTH, TILE_WIDTH, path, sizeof(path)));
	HM_TRY(tiles_read(tiles, path, TILE_BUNDLE_MAX, &file, NULL));
	bundle = buf_bytes(&file);
	for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
		if (tile_take_entry(&bundle, &entry) != HM_OK)
			return HM_E_LOG;
	return buf_add(ret, entry);
}
