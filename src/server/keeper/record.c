/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "core/check.h"
#include "ledger/receipt.h"

#define CHECKPOINT_MAX 8192 /* bytes of a signed one */

/* ---- the table ---- */

static hm_err
count_leaves(struct db *db, uint64_t *ret, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT coalesce(max(idx) + 1, 0) FROM leaf", &q, why));
	HM_TRY(db_step(&q, &row, why));
	*ret = db_uint(&q, 0);
	return HM_OK;
}

hm_err
record_entry(struct record *record, uint64_t index, struct buf *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    record->db, "SELECT entry FROM leaf WHERE idx = ?", &q, NULL));
	db_bind_uint(&q, 1, index);
	HM_TRY(db_step(&q, &row, NULL));
	if (!row)
		return HM_E_NOT_FOUND;
	return buf_add(ret, db_bytes(&q, 0));
}

/* The first checkpoint that covers `size` leaves. */
static hm_err
find_checkpoint(struct db *db, uint64_t size, struct checkpoint *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db,
	    "SELECT size, root FROM checkpoint WHERE size >= ?"
	    " ORDER BY size LIMIT 1",
	    &q, NULL));
	db_bind_uint(&q, 1, size);
	HM_TRY(db_step(&q, &row, NULL));
	if (!row)
		return HM_E_NOT_FOUND;
	ret->size = db_uint(&q, 0);
	return db_fixed(&q, 1, ret->root.bytes, sizeof(ret->root.bytes));
}

/* ---- opening ---- */

/* The root of the first `size` leaves, from the table. */
static hm_err
compute_root(struct record *record, uint64_t size, struct tree_hash *ret,
    struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	struct tree tree = { 0 };
	struct tree_hash leaf;
	bool row;

	HM_TRY(db_prepare(record->db,
	    "SELECT entry FROM leaf WHERE idx < ? ORDER BY idx", &q, why));
	db_bind_uint(&q, 1, size);
	for (;;) {
		HM_TRY(db_step(&q, &row, why));
		if (!row)
			break;
		tree_leaf(db_bytes(&q, 0), &leaf);
		tree_add(&tree, &leaf);
	}
	if (tree.size != size)
		return WHY(why, HM_E_LOG,
		    "the table of leaves has gaps: %" PRIu64 " of %" PRIu64,
		    tree.size, size);
	tree_root(&tree, ret);
	return HM_OK;
}

/* Are the roots at `size` the same in the database and in `root`? */
static hm_err
compare_root(struct record *record, uint64_t size, const struct tree_hash *root,
    struct why *why)
{
	struct checkpoint known = { 0 };
	hm_err err;

	if (size == 0)
		return HM_OK;
	err = find_checkpoint(record->db, size, &known);
	if (err == HM_E_NOT_FOUND || (err == HM_OK && known.size != size))
		err = compute_root(record, size, &known.root, why);
	HM_TRY(err);
	if (memcmp(known.root.bytes, root->bytes, sizeof(root->bytes)) == 0)
		return HM_OK;
	why_where(why, "%s", record->folder);
	return WHY(why, HM_E_LOG,
	    "the tree of %" PRIu64 " entries is another than the database's",
	    size);
}

/* Tell the tiles every leaf that they do not have. */
static hm_err
catch_up(struct record *record, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(record->db,
	    "SELECT entry FROM leaf WHERE idx >= ? ORDER BY idx", &q, why));
	db_bind_uint(&q, 1, tiles_tree(record->tiles)->size);
	for (;;) {
		HM_TRY(db_step(&q, &row, why));
		if (!row)
			break;
		HM_TRY(tiles_add(record->tiles, db_bytes(&q, 0)));
	}
	if (tiles_tree(record->tiles)->size == record->size)
		return HM_OK;
	return WHY(why, HM_E_LOG, "the table of leaves has gaps");
}

/* Are the last entries in the files those of the table? */
static hm_err
compare_end(struct record *record, struct why *why)
{
	uint64_t end = tiles_tree(record->tiles)->size;
	uint64_t at = end > TILE_WIDTH ? end - TILE_WIDTH : 0;

	for (; at < end; at++) {
		AUTO(buf) struct buf ours = { 0 }, theirs = { 0 };

		buf_init(&ours, HM_ENTRY_MAX);
		buf_init(&theirs, HM_ENTRY_MAX);
		HM_TRY(tiles_entry(record->tiles, at, &theirs));
		HM_TRY(record_entry(record, at, &ours));
		if (hm_bytes_equal(buf_bytes(&ours), buf_bytes(&theirs)))
			continue;
		why_where(why, "%s", record->folder);
		return WHY(why, HM_E_LOG,
		    "entry %" PRIu64 " is another than the database's", at);
	}
	return HM_OK;
}

hm_err
record_open(struct record *record, const char *folder, struct db *db,
    struct signer *signer, struct why *why)
{
	struct tree_hash root;
	uint64_t have;

	*record = (struct record){ .db = db, .signer = signer };
	buf_init(&record->note, CHECKPOINT_MAX);
	buf_init(&record->scratch, HM_ENTRY_MAX);
	HM_TRY(path_join(
	    record->folder, sizeof(record->folder), folder, "ledger"));
	HM_TRY(count_leaves(db, &record->size, why));
	HM_TRY(tiles_open(record->folder, &record->tiles, why));

	have = tiles_tree(record->tiles)->size;
	record->flushed = have;
	if (have > record->size) {
		why_where(why, "%s", record->folder);
		return WHY(why, HM_E_LOG_ROLLBACK,
		    "the ledger's files hold %" PRIu64
		    " entries, the database only %" PRIu64,
		    have, record->size);
	}
	tree_root(tiles_tree(record->tiles), &root);
	HM_TRY(compare_root(record, have, &root, why));
	HM_TRY(compare_end(record, why));
	HM_TRY(catch_up(record, why));
	tree_root(tiles_tree(record->tiles), &root);
	return compare_root(record, record->size, &root, why);
}

void
record_done(struct record *record)
{
	tiles_free(record->tiles);
	record->tiles = NULL;
	buf_done(&record->note);
	buf_done(&record->scratch);
}

/* The published checkpoint must be one of ours. */
static hm_err
compare_published(struct record *record, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	struct note_policy policy = { .log = &record->key };
	struct checkpoint seen;
	char path[sizeof(record->folder) + 16];
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), record->folder, "checkpoint"));
	if (!file_exists(path))
		return HM_OK;
	buf_init(&file, CHECKPOINT_MAX);
	HM_TRY(file_read(path, CHECKPOINT_MAX, &file, why));
	err = checkpoint_open(buf_bytes(&file), &policy, &seen, NULL);
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_LOG,
		    "the checkpoint is not signed by this log's key");
	}
	if (seen.size > record->size) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_LOG_ROLLBACK,
		    "a checkpoint over %" PRIu64
		    " entries was signed, the database has %" PRIu64,
		    seen.size, record->size);
	}
	record->published = seen.size;
	return compare_root(record, seen.size, &seen.root, why);
}

hm_err
record_name(struct record *record, struct hm_bytes origin,
    const uint8_t key[static 32], struct why *why)
{
	if (origin.len == 0 || origin.len >= sizeof(record->origin))
		return WHY(why, HM_E_BAD_INPUT, "the log has no proper name");
	memcpy(record->origin, origin.ptr, origin.len);
	record->origin[origin.len] = '\0';
	HM_TRY(note_key_make(record->origin, 1, key, &record->key));
	return compare_published(record, why);
}

/* ---- adding ---- */

static hm_err
encode(struct record *record, const struct hm_entry *entry)
{
	struct buf *scratch = &record->scratch;
	struct hm_span room = { NULL, HM_ENTRY_MAX };

	buf_clear(scratch);
	HM_TRY(buf_reserve(scratch, room.len, &room.ptr));
	return hm_entry_encode(entry, room, &scratch->len);
}

hm_err
record_add(struct record *record, const struct hm_entry *entry,
    uint64_t *ret_index, struct buf *ret_entry)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	uint64_t index = tiles_tree(record->tiles)->size;

	HM_TRY(encode(record, entry));
	HM_TRY(db_prepare(record->db,
	    "INSERT INTO leaf (idx, entry) VALUES (?, ?)", &q, NULL));
	db_bind_uint(&q, 1, index);
	db_bind_bytes(&q, 2, buf_bytes(&record->scratch));
	HM_TRY(db_run(&q, NULL));
	HM_TRY(tiles_add(record->tiles, buf_bytes(&record->scratch)));
	if (ret_entry != NULL)
		HM_TRY(buf_add(ret_entry, buf_bytes(&record->scratch)));
	if (ret_index != NULL)
		*ret_index = index;
	return HM_OK;
}

hm_err
record_seal(struct record *record)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	const struct tree *tree = tiles_tree(record->tiles);
	struct tree_hash root;

	if (tree->size == record->size)
		return HM_OK;
	tree_root(tree, &root);
	HM_TRY(db_prepare(record->db,
	    "INSERT INTO checkpoint (size, root) VALUES (?, ?)", &q, NULL));
	db_bind_uint(&q, 1, tree->size);
	db_bind_bytes(&q, 2, HM_BYTES(root.bytes));
	return db_run(&q, NULL);
}

void
record_committed(struct record *record)
{
	const struct tree *tree = tiles_tree(record->tiles);

	if (tree->size == record->size)
		return;
	record->last_from = record->size;
	record->last.size = tree->size;
	tree_root(tree, &record->last.root);
	record->size = tree->size;
}

/* After a flush that failed the files may be further than the tiles know. */
static hm_err
forget_leaves(struct record *record)
{
	struct tiles *tiles;

	if (record->flushed == record->size) {
		tiles_rollback(record->tiles);
		return HM_OK;
	}
	HM_TRY(tiles_open(record->folder, &tiles, NULL));
	tiles_free(record->tiles);
	record->tiles = tiles;
	record->flushed = tiles_tree(tiles)->size;
	return HM_OK;
}

hm_err
record_rolled_back(struct record *record)
{
	uint64_t size;

	/* A commit may have been made that was said to have failed: what came
	 * last is then another. */
	record->last = (struct checkpoint){ 0 };
	HM_TRY(forget_leaves(record));
	HM_TRY(count_leaves(record->db, &size, NULL));
	record->size = size;
	return catch_up(record, NULL);
}

/* ---- proving ---- */

/* The signed checkpoint of `at`, into record->note. */
static hm_err
sign_note(struct record *record, const struct checkpoint *at)
{
	struct ask_sign_checkpoint ask = { .size = at->size };

	if (record->note_size == at->size && at->size > 0)
		return HM_OK;
	memcpy(ask.root, at->root.bytes, sizeof(ask.root));
	record->note_size = 0;
	HM_TRY(sign_call(record->signer, ASK_SIGN_CHECKPOINT, &ask,
	    (struct hm_bytes){ 0 }, NULL, &record->note));
	record->note_size = at->size;
	return HM_OK;
}

void
record_want_note(struct record *record, struct sign_job *job)
{
	struct ask_sign_checkpoint ask = { .size = record->last.size };

	*job = (struct sign_job){ .tail = &record->note };
	if (ask.size == 0 || record->note_size == ask.size)
		return;
	memcpy(ask.root, record->last.root.bytes, sizeof(ask.root));
	record->note_size = 0;
	sign_send(record->signer, ASK_SIGN_CHECKPOINT, &ask, job);
}

void
record_took_note(struct record *record, const struct sign_job *job)
{
	record->note_size = job->err == HM_OK ? record->last.size : 0;
}

hm_err
record_receipt(struct record *record, uint64_t index, struct buf *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	struct checkpoint at = { 0 };
	uint32_t count;

	if (index >= record->size)
		return HM_E_NOT_FOUND;
	if (record->last.size > 0 && index >= record->last_from)
		at = record->last;
	else
		HM_TRY(find_checkpoint(record->db, index + 1, &at));
	HM_TRY(sign_note(record, &at));
	HM_TRY(tree_prove(
	    index, at.size, tiles_reader, record->tiles, proof, &count));
	return receipt_format(
	    index, proof, count, buf_bytes(&record->note), ret);
}

hm_err
record_growth(struct record *record, uint64_t from, struct buf *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	struct checkpoint at = { 0 };
	uint32_t count = 0;

	HM_TRY(find_checkpoint(record->db, record->size, &at));
	HM_TRY(sign_note(record, &at));
	if (from > 0 && from < at.size)
		HM_TRY(tree_prove_growth(
		    from, at.size, tiles_reader, record->tiles, proof, &count));
	return growth_format(from, proof, count, buf_bytes(&record->note), ret);
}

hm_err
record_publish(struct record *record, struct why *why)
{
	struct checkpoint last = { 0 };

	if (record->published == record->size)
		return HM_OK;
	/* A tile cannot be taken back: nobody would start on it. */
	hm_assert(tiles_tree(record->tiles)->size == record->size);
	HM_TRY(find_checkpoint(record->db, record->size, &last));
	HM_TRY(sign_note(record, &last));
	HM_TRY(tiles_flush(record->tiles, why));
	record->flushed = record->size;
	HM_TRY(tiles_publish(record->tiles, buf_bytes(&record->note), why));
	record->published = record->size;
	return HM_OK;
}
