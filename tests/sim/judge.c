/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper must know after it was started on what the disk still has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "server/keeper/state.h"
#include "shift.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define BULK_EACH 64 /* one of so many credentials is asked for again */

/* The next row, if there is one. */
static bool
step(struct shift *shift, struct db_stmt *q)
{
	struct why why = { 0 };
	bool row = false;

	if (db_step(q, &row, &why) == HM_OK)
		return row;
	shift_violation(shift, "the database does not answer: %s", why.text);
	return false;
}

/* The log as the database has it. */
struct log_view {
	uint64_t size;
	struct tree_hash *roots; /* [n]: of the first n leaves */
	struct buf *leaves;
};

static void
view_done(struct log_view *view)
{
	for (uint64_t i = 0; i < view->size; i++)
		buf_done(&view->leaves[i]);
	free(view->leaves);
	free(view->roots);
}

static void
view_make(struct shift *shift, struct log_view *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	struct db *db = shift->plant.keeper->db;
	struct tree tree = { 0 };
	struct tree_hash leaf;
	size_t room = plant_size(&shift->plant) + 1;
	bool row = false;

	*ret = (struct log_view){ 0 };
	ret->roots = calloc(room, sizeof(*ret->roots));
	ret->leaves = calloc(room, sizeof(*ret->leaves));
	hm_assert(ret->roots != NULL && ret->leaves != NULL);
	MUST(db_prepare(
	    db, "SELECT idx, entry FROM leaf ORDER BY idx", &q, NULL));
	for (;;) {
		row = step(shift, &q);
		if (!row || ret->size + 1 >= room)
			break;
		if (db_uint(&q, 0) != ret->size)
			shift_violation(shift, "the leaves have a gap");
		buf_init(&ret->leaves[ret->size], HM_ENTRY_MAX);
		MUST(buf_add(&ret->leaves[ret->size], db_bytes(&q, 1)));
		tree_leaf(db_bytes(&q, 1), &leaf);
		tree_add(&tree, &leaf);
		ret->size++;
		tree_root(&tree, &ret->roots[ret->size]);
	}
	if (row || ret->size + 1 != room)
		shift_violation(shift, "rows and leaves differ in number");
}

static bool
is_root(const struct log_view *view, uint64_t size, const uint8_t *root)
{
	return size <= view->size &&
	       memcmp(view->roots[size].bytes, root, TREE_HASH_LEN) == 0;
}

/* ---- what the database says of itself ---- */

static void
check_checkpoints(struct shift *shift, const struct log_view *view)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	uint64_t last = 0;
	bool row = false;

	MUST(db_prepare(shift->plant.keeper->db,
	    "SELECT size, root FROM checkpoint ORDER BY size", &q, NULL));
	for (;;) {
		row = step(shift, &q);
		if (!row)
			break;
		last = db_uint(&q, 0);
		if (!is_root(view, last, db_bytes(&q, 1).ptr))
			shift_violation(shift, "a stored root is wrong");
	}
	if (last != view->size)
		shift_violation(shift, "leaves without a checkpoint");
}

static int64_t
ask_number(struct shift *shift, const char *sql)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row = false;

	MUST(db_prepare(shift->plant.keeper->db, sql, &q, NULL));
	row = step(shift, &q);
	return row ? db_int(&q, 0) : 0;
}

/* Books against the rows that they count. */
static void
check_books(struct shift *shift)
{
	if (ask_number(shift,
		"SELECT count(*) FROM book WHERE reserved !="
		" (SELECT count(*) FROM device WHERE book = book.id AND"
		"  state = 1)") != 0)
		shift_violation(shift, "reserved units are not those counted");
	if (ask_number(shift,
		"SELECT count(*) FROM book WHERE used !="
		" (SELECT count(*) FROM device WHERE book = book.id AND"
		"  stamp IS NOT NULL AND state != 10)") != 0)
		shift_violation(shift, "used units are not those counted");
	if (ask_number(shift,
		"SELECT count(*) FROM device WHERE stamp IS NOT NULL"
		" AND id NOT IN (SELECT device FROM stamp)") != 0)
		shift_violation(shift, "a device lacks its stamp");
}

/* ---- what had left ---- */

/* Nothing else was ever signed for a size that exists. */
static void
check_notes(struct shift *shift, const struct log_view *view)
{
	for (size_t i = 0; i < shift->note_count; i++) {
		const struct shift_signed *note = &shift->notes[i];

		if (!shift_has_left(shift, note->era, note->left))
			continue;
		if (!is_root(view, note->size, note->root.bytes))
			shift_violation(shift,
			    "a fork: a checkpoint of %llu leaves was signed, "
			    "there are %llu",
			    (unsigned long long)note->size,
			    (unsigned long long)view->size);
	}
}

static void
check_leaves(struct shift *shift, const struct log_view *view)
{
	for (size_t i = 0; i < shift->answer_count; i++) {
		const struct shift_answer *answer = &shift->answers[i];

		if (!shift_has_left(shift, answer->era, answer->left))
			continue;
		if (answer->index >= view->size ||
		    !hm_bytes_equal(
			answer->entry, buf_bytes(&view->leaves[answer->index])))
			shift_violation(shift,
			    "an answer of kind %d left, its leaf %llu is lost",
			    answer->kind, (unsigned long long)answer->index);
		if (!is_root(view, answer->size, answer->root.bytes))
			shift_violation(shift,
			    "a receipt left that the tree does not have");
	}
}

/* A device that has gone on since is not given its stamp again. */
static bool
has_gone_on(struct shift *shift, const struct shift_answer *answer)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	uint8_t digest[HM_DIGEST_LEN];
	bool row = false;

	MUST(db_prepare(shift->plant.keeper->db,
	    "SELECT state, stamp, confirm_idx FROM device WHERE device_id = ?",
	    &q, NULL));
	db_bind_bytes(&q, 1, HM_BYTES(answer->device_id));
	row = step(shift, &q);
	if (!row)
		return false;
	if (answer->kind == ASK_ISSUE) {
		sha256_one(answer->stamp, digest);
		if (!hm_bytes_equal(HM_BYTES(digest), db_bytes(&q, 1)))
			return false;
	}
	return db_int(&q, 0) != HM_STATE_ISSUED;
}

static void
compare_again(struct shift *shift, const struct shift_answer *answer,
    struct hm_bytes again)
{
	struct ask_head head;

	memcpy(&head, again.ptr, sizeof(head));
	if (hm_bytes_equal(again, buf_bytes(&answer->answer)))
		return;
	if ((answer->kind == ASK_ISSUE || answer->kind == ASK_CONFIRM) &&
	    head.err != HM_OK && has_gone_on(shift, answer))
		return;
	shift_violation(shift,
	    "an answer of kind %d left, and is another now (HM-%04u)",
	    answer->kind, head.err);
}

static bool
is_asked_again(const struct shift *shift, size_t at)
{
	const struct shift_answer *answer = &shift->answers[at];

	return shift_has_left(shift, answer->era, answer->left) &&
	       (answer->kind != ASK_OBJECT || at % BULK_EACH == 0);
}

/* The same messages, in one batch; the same answers. */
static void
ask_again(struct shift *shift)
{
	static struct hm_bytes asks[KEEPER_BATCH_MAX];
	static struct buf answers[KEEPER_BATCH_MAX];
	static size_t places[KEEPER_BATCH_MAX];
	size_t count = 0;

	for (size_t i = 0; i < shift->answer_count; i++) {
		if (!is_asked_again(shift, i))
			continue;
		hm_assert(count < KEEPER_BATCH_MAX);
		asks[count] = buf_bytes(&shift->answers[i].message);
		buf_init(&answers[count], ASK_MESSAGE_MAX);
		places[count++] = i;
	}
	MUST(keeper_batch(
	    shift->plant.keeper, asks, answers, count, shift->plant.now_s));
	for (size_t i = 0; i < count; i++) {
		compare_again(
		    shift, &shift->answers[places[i]], buf_bytes(&answers[i]));
		buf_done(&answers[i]);
	}
}

/* ---- going on ---- */

static bool
has_order(struct shift *shift, const char *name)
{
	return plan_order(&shift->plant.keeper->plan, hm_bytes_of(name)) !=
	       NULL;
}

/* A device more, from first to last. */
static void
go_on(struct shift *shift)
{
	struct buf message;
	uint32_t at;

	if (!has_order(shift, "PO-1"))
		return;
	(void)shift_chip(shift, &at);
	shift_issue_message(shift, "PO-1", at, &message);
	shift_ask(shift, &message, HM_OK);
	if (shift->issued[at].stamp.len == 0)
		return;
	shift_confirm_message(shift, at, &message);
	shift_ask(shift, &message, HM_OK);
}

static void
check_published(struct shift *shift)
{
	plant_settle(&shift->plant);
	if (plant_published(&shift->plant) != plant_size(&shift->plant))
		shift_violation(shift, "the ledger is not published");
	if (plant_findings(&shift->plant) != 0)
		shift_violation(shift, "the audit has findings");
}

static void
check_database(struct shift *shift)
{
	static struct why why; /* large */

	why = (struct why){ 0 };
	if (db_check(shift->plant.keeper->db, &why) != HM_OK)
		shift_violation(shift, "damaged: %s", why.text);
}

static void
look(struct shift *shift, bool thorough)
{
	struct log_view view;

	if (thorough)
		check_database(shift);
	view_make(shift, &view);
	check_checkpoints(shift, &view);
	check_books(shift);
	check_notes(shift, &view);
	check_leaves(shift, &view);
	view_done(&view);
	ask_again(shift);
	go_on(shift);
	if (thorough)
		check_published(shift);
	else
		plant_settle(&shift->plant);
}

void
shift_judge(struct shift *shift, bool thorough)
{
	static struct why why; /* large */
	hm_err err;

	why = (struct why){ 0 };
	err = plant_open(&shift->plant, &why);
	if (err != HM_OK)
		shift_violation(shift, "it does not start: HM-%04d %s (%s)",
		    err, why.text, why.where);
	else
		look(shift, thorough);
	plant_close(&shift->plant);
}
