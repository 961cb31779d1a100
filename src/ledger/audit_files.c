/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/walk.h"

/* --- which files are there? --- */

struct listing {
	struct audit *audit;
	struct audit_files *files;
};

static hm_err
list_file(void *context, const char *path, struct why *why)
{
	struct listing *listing = context;
	struct audit_files *files = listing->files;
	const char *name = strrchr(path, '/');
	unsigned level, width;
	uint64_t index;

	(void)why;
	if (name && name[1] == '.' && strstr(name, ".tmp-")) {
		audit_noted(listing->audit, path, "an unfinished file");
		return HM_OK;
	}
	if (tile_path_parse(hm_bytes_of(path), &level, &index, &width) !=
		HM_OK ||
	    (level >= AUDIT_LEVELS && level != TILE_ENTRIES)) {
		audit_found(listing->audit, path,
		    "a file that does not belong into a log");
		return HM_OK;
	}
	if (files->count == files->room) {
		size_t room = files->room < 1024 ? 1024 : 2 * files->room;
		struct audit_file *list =
		    reallocarray(files->list, room, sizeof(*list));

		if (!list)
			return HM_E_NO_MEMORY;
		files->list = list;
		files->room = room;
	}
	files->list[files->count++] = (struct audit_file){ .index = index,
		.width = (uint16_t)width,
		.level =
		    level == TILE_ENTRIES ? AUDIT_LEVELS : (uint8_t)level };
	return HM_OK;
}

static int
compare(const void *a, const void *b)
{
	const struct audit_file *x = a, *y = b;

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (int)x->width - (int)y->width;
}

hm_err
audit_files_list(struct audit *audit, struct why *why)
{
	struct audit_files *files = &audit->files;
	struct listing listing = { audit, files };
	size_t at = 0;
	hm_err err =
	    walk(audit->options->folder, "tile", list_file, &listing, why);

	if (err != HM_OK && err != HM_E_FILE)
		return err;
	if (files->count > 0)
		qsort(files->list, files->count, sizeof(*files->list), compare);
	for (unsigned level = 0; level <= AUDIT_LEVELS; level++) {
		files->next[level] = at;
		while (at < files->count && files->list[at].level == level)
			at++;
		files->end[level] = at;
	}
	return HM_OK;
}

static void
path_of(unsigned level, uint64_t index, unsigned width,
    char ret[static TILE_PATH_MAX])
{
	if (tile_path(level == AUDIT_LEVELS ? TILE_ENTRIES : level, index,
		width, ret, TILE_PATH_MAX) != HM_OK)
		ret[0] = '\0'; /* no path is that long */
}

/* The next file of a tile, and whether there is one; none of a tile before it
 * is left, but for files that do not belong there. */
static bool
next_file(
    struct audit *audit, unsigned level, uint64_t index, struct audit_file *ret)
{
	struct audit_files *files = &audit->files;
	size_t *at = &files->next[level];

	if (*at == files->end[level] || files->list[*at].index != index)
		return false;
	*ret = files->list[(*at)++];
	return true;
}

/* --- entries --- */

/* Where each of the first `width` entries ends; what is behind them is wrong
 * too. */
static bool
split_bundle(struct audit *audit, const char *path, unsigned width)
{
	struct hm_bytes rest = buf_bytes(&audit->bundle), entry;

	for (unsigned i = 0; i < width; i++) {
		if (tile_take_entry(&rest, &entry) != HM_OK) {
			audit_found(audit, path,
			    "it ends in its entry %u of %u", i, width);
			return false;
		}
		audit->ends[i + 1] = audit->bundle.len - rest.len;
	}
	if (rest.len == 0)
		return true;
	audit_found(
	    audit, path, "%zu bytes behind its %u entries", rest.len, width);
	return true;
}

/* The leaves as the tile has them: better than to stop. */
static hm_err
leaves_from_tile(
    struct audit *audit, uint64_t index, unsigned width, struct why *why)
{
	char path[TILE_PATH_MAX];
	bool there;

	path_of(0, index, width, path);
	memset(audit->rows[0], 0, sizeof(audit->rows[0]));
	HM_TRY(audit_read(audit, path, TILE_LEN, &audit->file, &there, why));
	if (there && audit->file.len == width * TREE_HASH_LEN)
		memcpy(audit->rows[0], audit->file.ptr, audit->file.len);
	return HM_OK;
}

hm_err
audit_bundle(struct audit *audit, uint64_t index, unsigned width,
    bool *ret_readable, struct why *why)
{
	char path[TILE_PATH_MAX];
	bool there;

	memset(audit->ends, 0, sizeof(audit->ends));
	path_of(AUDIT_LEVELS, index, width, path);
	HM_TRY(audit_read(
	    audit, path, TILE_BUNDLE_MAX, &audit->bundle, &there, why));
	if (!there)
		audit_found(audit, path, "the file is missing");
	*ret_readable = there && split_bundle(audit, path, width);
	if (!*ret_readable) {
		audit->ends[width] = 0;
		return leaves_from_tile(audit, index, width, why);
	}
	for (unsigned i = 0; i < width; i++) {
		struct hm_bytes entry = { audit->bundle.ptr + audit->ends[i] +
					      2,
			audit->ends[i + 1] - audit->ends[i] - 2 };

		tree_leaf(entry, &audit->rows[0][i]);
	}
	return HM_OK;
}

bool
audit_bundles_end(const struct audit *audit, uint64_t index)
{
	const struct audit_files *files = &audit->files;
	size_t at = files->next[AUDIT_LEVELS];

	return at == files->end[AUDIT_LEVELS] ||
	       (files->list[at].index > index &&
		   files->list[at].index - index > AUDIT_GAP);
}

void
audit_no_bundle(struct audit *audit, uint64_t index)
{
	uint64_t left = audit->result.size - index * TILE_WIDTH;
	char path[TILE_PATH_MAX];

	path_of(AUDIT_LEVELS, index,
	    left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH, path);
	audit_found(audit, path,
	    "the file is missing: the checkpoint has %" PRIu64
	    " entries, the files only %" PRIu64,
	    audit->result.size, audit->tree.size);
}

/* Other bundles of the same entries are a part of this one, or go beyond it. */
static hm_err
check_other_bundles(struct audit *audit, uint64_t index, unsigned width,
    bool readable, struct why *why)
{
	struct audit_file other;
	char path[TILE_PATH_MAX];
	bool there;

	while (next_file(audit, AUDIT_LEVELS, index, &other)) {
		size_t len;

		if (other.width == width || !readable)
			continue;
		path_of(AUDIT_LEVELS, index, other.width, path);
		if (other.width > width) {
			audit_noted(
			    audit, path, "it goes beyond the checkpoint");
			continue;
		}
		HM_TRY(audit_read(
		    audit, path, TILE_BUNDLE_MAX, &audit->file, &there, why));
		len = audit->ends[other.width];
		if (there &&
		    (audit->file.len != len ||
			memcmp(audit->file.ptr, audit->bundle.ptr, len) != 0))
			audit_found(
			    audit, path, "it differs from the later bundle");
	}
	return HM_OK;
}

/* --- tiles --- */

static hm_err
check_file(struct audit *audit, unsigned level, const struct audit_file *file,
    unsigned width, struct why *why)
{
	char path[TILE_PATH_MAX];
	size_t len = (size_t)file->width * TREE_HASH_LEN;
	const struct tree_hash *hashes;
	bool there;

	path_of(level, file->index, file->width, path);
	if (file->width > width) {
		audit_noted(audit, path, "it goes beyond the checkpoint");
		return HM_OK;
	}
	HM_TRY(audit_read(audit, path, TILE_LEN, &audit->file, &there, why));
	if (!there)
		return HM_OK; /* that was said, or it went away just now */
	if (audit->file.len != len) {
		audit_found(audit, path, "it has %zu bytes instead of %zu",
		    audit->file.len, len);
		return HM_OK;
	}
	if (memcmp(audit->file.ptr, audit->rows[level], len) == 0)
		return HM_OK;
	hashes = (const struct tree_hash *)audit->file.ptr;
	for (unsigned i = 0; i < file->width; i++) {
		if (memcmp(&hashes[i], &audit->rows[level][i], TREE_HASH_LEN) ==
		    0)
			continue;
		audit_found(audit, path,
		    "its hash %u is not that of %s %" PRIu64, i,
		    level == 0 ? "entry" : "the tile below, number",
		    file->index * TILE_WIDTH + i);
		break;
	}
	return HM_OK;
}

hm_err
audit_tile(struct audit *audit, unsigned level, uint64_t index, unsigned width,
    struct why *why)
{
	struct audit_file file;
	char path[TILE_PATH_MAX];
	bool seen = false;

	while (next_file(audit, level, index, &file)) {
		HM_TRY(check_file(audit, level, &file, width, why));
		seen |= file.width == width;
	}
	if (!seen) {
		path_of(level, index, width, path);
		audit_found(audit, path, "the file is missing");
	}
	if (level == 0)
		HM_TRY(check_other_bundles(
		    audit, index, width, audit->ends[width] > 0, why));
	return HM_OK;
}

void
audit_files_rest(struct audit *audit)
{
	struct audit_files *files = &audit->files;
	char path[TILE_PATH_MAX];

	bool is_whole = audit->tree.size == audit->result.size;

	for (unsigned level = 0; level <= AUDIT_LEVELS; level++)
		for (size_t i = files->next[level]; i < files->end[level];
		     i++) {
			path_of(level, files->list[i].index,
			    files->list[i].width, path);
			audit_noted(audit, path,
			    is_whole ? "it goes beyond the checkpoint"
				     : "it lies behind what is missing");
		}
}
