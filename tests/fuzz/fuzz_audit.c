/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_audit - any folder as a log
 *
 * The input is turns (turns.h); their kinds, modulo 4:
 *   0, 1  an entry; bundle, tile and checkpoint are made to fit
 *   2     a file: its path to the first line feed, then its content
 *   3     the size in the checkpoint (8 bytes)
 *
 * The folder is in memory. Signatures are taken for good, so that what lies
 * behind them is reached. The audit ends whatever lies there, and what it says
 * may be shown. Then, for even sizes of the input (opening one costs nearly as
 * much as the rest), the same folder is opened as one to read from.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "crypto/p256.h"
#include "fuzz.h"
#include "ledger/audit.h"
#include "ledger/tiles.h"
#include "ledger/walk.h"
#include "turns.h"

#define FOLDER "log"
#define ORIGIN "log.example.com/factory-1"
#define FILES 16
#define ENTRIES 40
#define FINDINGS 16 /* that are kept */

hm_err __wrap_file_read(
    const char *path, size_t max, struct buf *ret, struct why *why);
bool __wrap_file_exists(const char *path);
hm_err __wrap_walk(const char *folder, const char *below, walk_visitor visitor,
    void *context, struct why *why);
hm_err __wrap_random_bytes(struct hm_span ret);
hm_err __wrap_p256_public_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_public **ret);
void __wrap_p256_public_free(struct p256_public *key);
hm_err __wrap_p256_verify_with(struct p256_public *key,
    const uint8_t digest[static 32], const uint8_t signature[static 64]);
hm_err __wrap_ed25519_verify(const uint8_t key[static 32],
    struct hm_bytes message, const uint8_t signature[static 64]);

static struct {
	char path[TILE_PATH_MAX + 1];
	struct hm_bytes content;
} files[FILES];
static size_t file_count;
static struct buf bundle, tile, note;

/* ---- a folder in memory ---- */

static const struct hm_bytes *
find(const char *path)
{
	if (strncmp(path, FOLDER "/", strlen(FOLDER) + 1) != 0)
		return NULL;
	for (size_t i = file_count; i > 0; i--) /* the later one counts */
		if (strcmp(files[i - 1].path, path + strlen(FOLDER) + 1) == 0)
			return &files[i - 1].content;
	return NULL;
}

hm_err
__wrap_file_read(const char *path, size_t max, struct buf *ret, struct why *why)
{
	const struct hm_bytes *file = find(path);

	(void)why;
	if (file == NULL)
		return HM_E_FILE;
	if (file->len > max)
		return HM_E_TOO_LARGE;
	buf_done(ret);
	buf_init(ret, max);
	return buf_add(ret, *file);
}

bool
__wrap_file_exists(const char *path)
{
	return find(path) != NULL;
}

hm_err
__wrap_walk(const char *folder, const char *below, walk_visitor visitor,
    void *context, struct why *why)
{
	fuzz_must(strcmp(folder, FOLDER) == 0);
	for (size_t i = 0; i < file_count; i++)
		if (strncmp(files[i].path, below, strlen(below)) == 0)
			HM_TRY(visitor(context, files[i].path, why));
	return HM_OK;
}

/* Seeds of tables: the same in every run. */
hm_err
__wrap_random_bytes(struct hm_span ret)
{
	memset(ret.ptr, 0x5a, ret.len);
	return HM_OK;
}

/* No key is used, so none is made. */
hm_err
__wrap_p256_public_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_public **ret)
{
	static uint8_t key;

	*ret = (struct p256_public *)&key;
	return point[0] == 4 ? HM_OK : HM_E_KEY;
}

void
__wrap_p256_public_free(struct p256_public *key)
{
	(void)key;
}

hm_err
__wrap_p256_verify_with(struct p256_public *key,
    const uint8_t digest[static 32], const uint8_t signature[static 64])
{
	(void)key;
	(void)digest;
	(void)signature;
	return HM_OK;
}

hm_err
__wrap_ed25519_verify(const uint8_t key[static 32], struct hm_bytes message,
    const uint8_t signature[static 64])
{
	(void)key;
	(void)message;
	(void)signature;
	return HM_OK;
}

static void
add_file(const char *path, size_t path_len, struct hm_bytes content)
{
	if (file_count == FILES || path_len > TILE_PATH_MAX)
		return;
	memcpy(files[file_count].path, path, path_len);
	files[file_count].path[path_len] = '\0';
	files[file_count++].content = content;
}

static void
add_tile(unsigned level, unsigned width, struct hm_bytes content)
{
	char path[TILE_PATH_MAX];

	fuzz_must(tile_path(level, 0, width, path, sizeof(path)) == HM_OK);
	add_file(path, strlen(path), content);
}

/* "path\ncontent" */
static void
add_any(struct hm_bytes bytes)
{
	const uint8_t *end =
	    bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
	size_t len;

	if (end == NULL || memchr(bytes.ptr, '\0', (size_t)(end - bytes.ptr)))
		return;
	len = (size_t)(end - bytes.ptr);
	add_file((const char *)bytes.ptr, len,
	    (struct hm_bytes){ end + 1, bytes.len - len - 1 });
}

/* ---- the log ---- */

static void
add_entry(struct tree *tree, struct hm_bytes entry)
{
	uint8_t len[2];
	struct tree_hash hash;

	hm_put_u16(len, (uint16_t)entry.len);
	fuzz_must(buf_add(&bundle, HM_BYTES(len)) == HM_OK);
	fuzz_must(buf_add(&bundle, entry) == HM_OK);
	tree_leaf(entry, &hash);
	fuzz_must(buf_add(&tile, HM_BYTES(hash.bytes)) == HM_OK);
	tree_add(tree, &hash);
}

static void
make_key(struct note_key *ret)
{
	static const uint8_t key[32] = { 1 };

	fuzz_must(note_key_make(ORIGIN, NOTE_ED25519, key, ret) == HM_OK);
}

static void
finish(const struct tree *tree, uint64_t claimed, const struct note_key *log)
{
	struct checkpoint checkpoint = { .origin = HM_LITERAL(ORIGIN),
		.size = claimed != 0 ? claimed >> 1 : tree->size };
	static const uint8_t signature[64];
	static const struct tree empty;
	struct buf text = { .max = 1024 };

	/* nobody can write one of no entries with the root of some */
	tree_root(checkpoint.size > 0 ? tree : &empty, &checkpoint.root);
	fuzz_must(checkpoint_text(&checkpoint, &text) == HM_OK);
	fuzz_must(
	    note_assemble(buf_bytes(&text), log, signature, &note) == HM_OK);
	buf_done(&text);
	if (tree->size > 0) {
		add_tile(
		    TILE_ENTRIES, (unsigned)tree->size, buf_bytes(&bundle));
		add_tile(0, (unsigned)tree->size, buf_bytes(&tile));
	}
}

/* A few tiles, or far beyond all files: the tree of what is between is long to
 * compute. */
static uint64_t
claim(uint64_t value)
{
	return value >> 41 != 0 ? value : value % 600;
}

static void
read_input(struct hm_bytes input, const struct note_key *log)
{
	struct tree tree = { 0 };
	uint64_t claimed = 0;
	struct turn turn;

	file_count = 0;
	buf_clear(&bundle);
	buf_clear(&tile);
	buf_clear(&note);
	add_file("checkpoint", strlen("checkpoint"), (struct hm_bytes){ 0 });
	while (turns_next(&input, &turn)) {
		if (turn.kind % 4 == 2)
			add_any(turn.bytes);
		else if (turn.kind % 4 == 3 && turn.bytes.len >= 8)
			claimed = claim(hm_get_u64(turn.bytes.ptr));
		else if (turn.kind % 4 < 2 && tree.size < ENTRIES)
			add_entry(&tree, turn.bytes);
	}
	finish(&tree, claimed, log);
	files[0].content = buf_bytes(&note);
}

/* ---- what must hold ---- */

static void
must_be_shown(const char *text)
{
	fuzz_must(hm_is_utf8(hm_bytes_of(text)));
	for (; *text; text++)
		fuzz_must((uint8_t)*text >= ' ' && *text != 0x7f);
}

static void
audit(const struct note_policy *policy)
{
	struct audit_options options = {
		.folder = FOLDER, .policy = policy, .finding_max = FINDINGS
	};
	struct audit_result result;
	struct why why = { 0 };

	fuzz_must(audit_run(&options, &result, &why) == HM_OK);
	fuzz_must(result.kept <= result.finding_count + result.note_count);
	must_be_shown(result.origin);
	for (uint32_t i = 0; i < result.kept; i++) {
		must_be_shown(result.findings[i].words);
		must_be_shown(result.findings[i].place);
	}
	audit_result_done(&result);
}

static void
read_back(void)
{
	struct tiles *tiles = NULL;
	struct buf entry = { .max = 65536 };
	struct tree_hash hash;
	uint64_t size;

	if (tiles_open_readonly(FOLDER, &tiles, NULL) != HM_OK)
		return;
	size = tiles_tree(tiles)->size;
	for (uint64_t i = 0; i < size && i < 4; i++) {
		buf_clear(&entry);
		if (tiles_entry(tiles, i, &entry) == HM_OK)
			fuzz_must(entry.len <= 65535);
		(void)tiles_reader(tiles, 0, i, &hash);
	}
	(void)tiles_reader(tiles, 1, size / 4, &hash);
	buf_done(&entry);
	tiles_free(tiles);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note_key log;
	struct note_policy policy = { .log = &log };

	if (log.name[0] == '\0') {
		make_key(&log);
		buf_init(&bundle, 1 << 22);
		buf_init(&tile, 1 << 16);
		buf_init(&note, 1 << 16);
	}
	read_input((struct hm_bytes){ data, size }, &log);
	audit(&policy);
	if (size % 2 == 0)
		read_back();
	return 0;
}

TURNS_OF(&mutate_cbor)
