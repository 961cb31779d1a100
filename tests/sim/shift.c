/* SPDX-License-Identifier: Apache-2.0 */
#include "shift.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/text.h"
#include "core/check.h"
#include "ledger/receipt.h"
#include "server/keeper/state.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define BULK 236           /* leaves before the work begins: 245 */
#define VIOLATIONS_MAX 100 /* that are printed */
#define PATIENCE 3         /* times that something is asked */
#define TURNS_MAX 10000    /* within which an ask is answered */

void
shift_violation(struct shift *shift, const char *format, ...)
{
	va_list list;

	if (++shift->violations > VIOLATIONS_MAX)
		return;
	(void)fprintf(stderr, "VIOLATION (%s): ", shift->label);
	va_start(list, format);
	(void)vfprintf(stderr, format, list);
	va_end(list);
	(void)fputc('\n', stderr);
}

bool
shift_has_left(const struct shift *shift, unsigned era, size_t left)
{
	return left <= shift->limits[era];
}

/* ---- writing down ---- */

static void *
more(void *old, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return old;
	*room = *room == 0 ? 64 : *room * 2;
	old = reallocarray(old, *room, size);
	hm_assert(old != NULL);
	return old;
}

static void
copy(struct hm_bytes bytes, struct buf *ret)
{
	buf_init(ret, ASK_MESSAGE_MAX);
	MUST(buf_add(ret, bytes));
}

/* Where a part of the message lies in its copy. */
static struct hm_bytes
moved(struct hm_bytes part, const struct buf *from, const struct buf *to)
{
	if (part.len == 0)
		return (struct hm_bytes){ 0 };
	return (struct hm_bytes){ to->ptr + (part.ptr - from->ptr), part.len };
}

static void
note_device(struct shift_answer *answer, const void *body)
{
	const struct ask_confirm *confirm = body;
	const struct ask_issue *issue = body;

	if (answer->kind == ASK_ISSUE)
		memcpy(answer->device_id, issue->kase.claims.device_id, 32);
	if (answer->kind == ASK_CONFIRM)
		memcpy(answer->device_id, confirm->conformance.device_id, 32);
}

static void
check_receipt(
    struct shift *shift, struct shift_answer *answer, const struct said *said)
{
	struct note_policy policy = { .log = &shift->plant.play.log };
	struct checkpoint at = { 0 };

	if (receipt_verify(said->receipt, said->entry, &policy, &answer->index,
		&at) != HM_OK)
		shift_violation(shift, "a receipt does not prove its entry");
	answer->size = at.size;
	answer->root = at.root;
}

static void
heard(void *context, struct hm_bytes message, const struct said *said)
{
	struct shift *shift = context;
	struct shift_answer *answer;
	struct hm_bytes tail;
	struct ask_head head;
	const void *body;

	if (said->err != HM_OK || said->head.kind < ASK_ISSUE ||
	    said->head.kind > ASK_OBJECT)
		return;
	MUST(ask_check_request(message, ASK_BY_FRONT, &head, &body, &tail));
	shift->answers = more(shift->answers, shift->answer_count,
	    &shift->answer_room, sizeof(*shift->answers));
	answer = &shift->answers[shift->answer_count++];
	*answer = (struct shift_answer){ .era = shift->era,
		.left = shift->disk->count,
		.now_s = shift->plant.now_s,
		.kind = (ask_kind)head.kind };
	copy(message, &answer->message);
	copy(buf_bytes(&said->message), &answer->answer);
	answer->entry = moved(said->entry, &said->message, &answer->answer);
	answer->stamp = moved(said->stamp, &said->message, &answer->answer);
	note_device(answer, body);
	check_receipt(shift, answer, said);
}

static void
on_checkpoint(void *context, uint64_t size, const uint8_t *root)
{
	struct shift *shift = context;
	struct shift_signed *note;

	shift->notes = more(shift->notes, shift->note_count, &shift->note_room,
	    sizeof(*shift->notes));
	note = &shift->notes[shift->note_count++];
	*note = (struct shift_signed){
		.era = shift->era, .left = shift->disk->count, .size = size
	};
	memcpy(note->root.bytes, root, sizeof(note->root.bytes));
}

void
shift_forget(struct shift *shift, size_t answers, size_t notes)
{
	while (shift->answer_count > answers) {
		struct shift_answer *last =
		    &shift->answers[--shift->answer_count];

		buf_done(&last->message);
		buf_done(&last->answer);
	}
	shift->note_count = notes;
}

/* ---- the whole ---- */

void
shift_init(struct shift *shift)
{
	memset(shift, 0, sizeof(*shift)); /* too large for a literal */
	plant_init(&shift->plant, 1000);
	shift->plant.heard = heard;
	shift->plant.context = shift;
	shift->plant.play.on_checkpoint = on_checkpoint;
	shift->plant.play.context = shift;
	shift->label = "work";
	for (unsigned i = 0; i < SHIFT_ERAS; i++)
		shift->limits[i] = SIZE_MAX;
}

void
shift_done(struct shift *shift)
{
	shift_forget(shift, 0, 0);
	free(shift->answers);
	free(shift->notes);
	for (size_t i = 0; i < SHIFT_CHIPS; i++) {
		chip_done(&shift->chips[i]);
		said_done(&shift->issued[i]);
	}
	shift->plant.folder[0] = '\0';
	plant_done(&shift->plant);
}

void
shift_mount(struct shift *shift, struct disk *disk, unsigned era)
{
	int len = snprintf(shift->plant.folder, sizeof(shift->plant.folder),
	    "%s/state", disk->root);

	hm_assert(len > 0 && (size_t)len < sizeof(shift->plant.folder));
	shift->disk = disk;
	shift->era = era;
	disk_mount(disk);
}

void
shift_unmount(struct shift *shift)
{
	plant_close(&shift->plant);
	disk_mount(NULL);
}

/* ---- asking ---- */

static bool
is_breakdown(hm_err err)
{
	return err_info(err)->http >= 500;
}

static void
count_breakdown(struct shift *shift, hm_err err)
{
	size_t at = 0;

	while (at < shift->id_count && shift->ids[at].err != err)
		at++;
	hm_assert(at < sizeof(shift->ids) / sizeof(shift->ids[0]));
	shift->ids[at].err = err;
	shift->ids[at].count++;
	if (at == shift->id_count)
		shift->id_count++;
}

/* An error that a client gets must have an id and be of the right class. */
static bool
take_answer(struct shift *shift, hm_err err, hm_err wanted)
{
	if (err == wanted)
		return true;
	if (shift->patient && is_breakdown(err)) {
		count_breakdown(shift, err);
		return false;
	}
	shift_violation(shift, "HM-%04d instead of HM-%04d", err, wanted);
	return true;
}

/* The chip that an answer is for; SHIFT_CHIPS: none of ours any more. */
static size_t
owner_of(const struct shift *shift, const struct shift_answer *answer)
{
	size_t at = 0;

	while (
	    at < SHIFT_CHIPS && memcmp(shift->chips[at].kase.claims.device_id,
				    answer->device_id, HM_DEVICE_ID_LEN) != 0)
		at++;
	return at;
}

/* What each chip was given is needed to confirm it. */
static void
keep_issued(struct shift *shift, struct said *said)
{
	size_t at = SHIFT_CHIPS;

	if (said->err != HM_OK || said->head.kind != ASK_ISSUE)
		return;
	for (size_t i = shift->answer_count; i-- > 0 && at == SHIFT_CHIPS;)
		if (shift->answers[i].kind == ASK_ISSUE &&
		    hm_bytes_equal(shift->answers[i].stamp, said->stamp))
			at = owner_of(shift, &shift->answers[i]);
	if (at == SHIFT_CHIPS)
		return;
	said_done(&shift->issued[at]);
	shift->issued[at] = *said;
	*said = (struct said){ 0 };
}

void
shift_batch(struct shift *shift, struct buf *messages, const hm_err *wanted,
    size_t count)
{
	struct said *said = calloc(count, sizeof(*said));
	bool good = false;

	hm_assert(said != NULL);
	for (int turn = 0; turn < PATIENCE && !good; turn++) {
		if (turn == PATIENCE - 1)
			disk_mend();
		MUST(plant_batch(&shift->plant, messages, count, said));
		good = true;
		for (size_t i = 0; i < count; i++) {
			hm_err want = wanted != NULL ? wanted[i] : HM_OK;

			good &= take_answer(shift, said[i].err, want);
			keep_issued(shift, &said[i]);
			said_done(&said[i]);
		}
	}
	if (!good)
		shift_violation(shift, "it does not recover");
	for (size_t i = 0; i < count; i++)
		buf_done(&messages[i]);
	free(said);
}

void
shift_ask(struct shift *shift, struct buf *message, hm_err wanted)
{
	shift_batch(shift, message, &wanted, 1);
}

/* ---- messages ---- */

struct chip *
shift_chip(struct shift *shift, uint32_t *ret_at)
{
	uint32_t at = shift->next_chip++;
	struct chip *chip = &shift->chips[at % SHIFT_CHIPS];

	chip_done(chip);
	said_done(&shift->issued[at % SHIFT_CHIPS]);
	shift->issued[at % SHIFT_CHIPS] = (struct said){ 0 };
	chip_new(chip, &shift->plant, at);
	*ret_at = at % SHIFT_CHIPS;
	return chip;
}

void
shift_issue_message(
    struct shift *shift, const char *order, uint32_t at, struct buf *ret)
{
	static struct ask_issue ask; /* large */

	plant_fill_issue(
	    &shift->plant, shift->plant.st_a, order, &shift->chips[at], &ask);
	plant_message(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, ret);
}

void
shift_confirm_message(struct shift *shift, uint32_t at, struct buf *ret)
{
	static struct ask_confirm ask;

	plant_fill_confirm(
	    &shift->plant, &shift->chips[at], shift->issued[at].stamp, &ask);
	plant_message(ASK_CONFIRM, &ask, (struct hm_bytes){ 0 }, ret);
}

static void
command_message(
    struct shift *shift, hm_verb verb, const char *target, struct buf *ret)
{
	struct hm_object object = { .kind = HM_OBJECT_COMMAND, .made_s = T0 };

	object.command.verb = verb;
	object.command.target = hm_bytes_of(target);
	object.command.reason = HM_LITERAL("a test");
	plant_object_message(&shift->plant, shift->plant.planner, &object, ret);
}

static void
command_device(struct shift *shift, hm_verb verb, uint32_t at)
{
	char target[2 * HM_DEVICE_ID_LEN + 1];
	struct buf message;

	hex_format(HM_BYTES(shift->chips[at].kase.claims.device_id), target);
	command_message(shift, verb, target, &message);
	shift_ask(shift, &message, HM_OK);
}

static void
settle(struct shift *shift)
{
	plant_settle(&shift->plant);
}

/* ---- the first start ---- */

static void
load_bulk(struct shift *shift)
{
	static struct buf messages[BULK];
	struct p256_pair *key;
	char name[16];

	for (size_t i = 0; i < BULK; i++) {
		struct hm_object object = { .kind = HM_OBJECT_CREDENTIAL,
			.made_s = T0 };

		(void)snprintf(name, sizeof(name), "w-%03zu", i);
		object.credential.name = hm_bytes_of(name);
		object.credential.role = HM_ROLE_AUDITOR;
		object.credential.site = HM_LITERAL("plant 1");
		object.credential.not_after_s = shift->plant.until_s;
		MUST(p256_pair_new(&key));
		p256_pair_point(key, object.credential.key);
		p256_pair_free(key);
		plant_object_message(
		    &shift->plant, shift->plant.planner, &object, &messages[i]);
	}
	shift_batch(shift, messages, NULL, BULK);
}

void
shift_prepare(struct shift *shift)
{
	struct plant *plant = &shift->plant;

	MUST(plant_open(plant, NULL));
	settle(shift);
	plant_load(plant);
	plant->order.quota = 2;
	plant->order.serial_first = 100000;
	plant->order.mac_first[3] = 1;
	MUST(plant_order(plant, "PO-2"));
	load_bulk(shift);
	settle(shift);
}

/* ---- a day ---- */

static void
start(struct shift *shift)
{
	struct why why = { 0 };
	hm_err err = HM_OK;

	for (int turn = 0; turn < PATIENCE; turn++) {
		if (turn == PATIENCE - 1)
			disk_mend();
		why = (struct why){ 0 };
		err = plant_open(&shift->plant, &why);
		if (err == HM_OK)
			return;
		count_breakdown(shift, err);
		if (!shift->patient || why.text[0] == '\0')
			shift_violation(shift,
			    "it does not start: HM-%04d %s (%s)", err, why.text,
			    why.where);
		plant_close(&shift->plant);
	}
	shift_violation(shift, "it does not start any more: %s", why.text);
	abort(); /* nothing that follows would mean anything */
}

/* `count` new devices in one batch; the first is chip *ret_at. */
static void
issue_many(struct shift *shift, size_t count, uint32_t *ret_at)
{
	struct buf messages[8];

	hm_assert(count <= 8);
	*ret_at = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t at;

		(void)shift_chip(shift, &at);
		if (i == 0)
			*ret_at = at;
		shift_issue_message(shift, "PO-1", at, &messages[i]);
	}
	shift_batch(shift, messages, NULL, count);
}

static void
confirm_one(struct shift *shift, uint32_t at)
{
	struct buf message;

	shift_confirm_message(shift, at, &message);
	shift_ask(shift, &message, HM_OK);
}

static void
make_devices(struct shift *shift)
{
	struct buf messages[3];
	uint32_t at = 0, next;

	start(shift);
	issue_many(shift, 3, &at);
	settle(shift);
	(void)shift_chip(shift, &next);
	shift_confirm_message(shift, at, &messages[0]);
	shift_issue_message(shift, "PO-1", next, &messages[1]);
	shift_confirm_message(shift, at + 1, &messages[2]);
	shift_batch(shift, messages, NULL, 3);
	plant_void_message(
	    &shift->plant, "PO-1", &shift->chips[at + 2], &messages[0]);
	shift_ask(shift, messages, HM_OK);
	settle(shift);
	command_device(shift, HM_VERB_HOLD, next);
	command_device(shift, HM_VERB_RELEASE_HOLD, next);
	command_device(shift, HM_VERB_SCRAP, at);
	settle(shift);
}

static void
meet_a_clone(struct shift *shift)
{
	struct buf message;
	struct chip *chip;
	uint32_t at;

	chip = shift_chip(shift, &at);
	memcpy(chip->kase.claims.device_id,
	    shift->chips[0].kase.claims.device_id, HM_DEVICE_ID_LEN);
	chip_prove(chip);
	shift_issue_message(shift, "PO-1", at, &message);
	/* Its place is free for others: no two chips of one id are looked up.
	 */
	chip->kase.claims.device_id[0] ^= 1;
	shift_ask(shift, &message, HM_E_CLONE);
}

static void
use_up_an_order(struct shift *shift)
{
	const hm_err wanted[] = { HM_OK, HM_OK, HM_E_QUOTA };
	struct buf messages[3];

	for (size_t i = 0; i < 3; i++) {
		uint32_t at;

		(void)shift_chip(shift, &at);
		shift_issue_message(shift, "PO-2", at, &messages[i]);
	}
	shift_batch(shift, messages, wanted, 3);
	command_message(shift, HM_VERB_CLOSE_ORDER, "PO-2", &messages[0]);
	shift_ask(shift, messages, HM_OK);
}

/* Counted, not signed; then completed. */
static void
lack_the_signer(struct shift *shift)
{
	struct buf message, again;
	uint32_t at;

	(void)shift_chip(shift, &at);
	shift_issue_message(shift, "PO-1", at, &message);
	shift_issue_message(shift, "PO-1", at, &again);
	shift->plant.play.fail_issue = HM_E_TOKEN_GONE;
	shift_ask(shift, &message, HM_E_TOKEN_GONE);
	shift->plant.play.fail_issue = HM_OK;
	shift_ask(shift, &again, HM_OK);
}

/* An answer of a single turn; tags count from 0. */
struct outlet {
	struct shift *shift;
	const struct buf *messages;
	bool has[2];
};

static hm_err
take_out(void *context, uint64_t tag, struct hm_bytes message)
{
	struct outlet *outlet = context;
	struct said said = { 0 };

	copy(message, &said.message);
	said_split(&said);
	heard(outlet->shift, buf_bytes(&outlet->messages[tag]), &said);
	(void)take_answer(outlet->shift, said.err, HM_OK);
	said_done(&said);
	outlet->has[tag] = true;
	return HM_OK;
}

static void
turn_until(struct shift *shift, struct outlet *outlet, uint64_t tag)
{
	struct keeper_outlet to = { outlet, take_out };

	for (int i = 0; i < TURNS_MAX && !outlet->has[tag]; i++)
		MUST(keeper_turn(shift->plant.keeper, shift->plant.now_s, &to));
	if (!outlet->has[tag])
		shift_violation(shift, "an ask has no answer");
}

/* One device is with the signer while the next is confirmed and committed. */
static void
commit_while_one_is_out(struct shift *shift, uint32_t confirmed)
{
	struct buf messages[2];
	struct outlet outlet = { .shift = shift, .messages = messages };
	uint32_t at;

	(void)shift_chip(shift, &at);
	shift_issue_message(shift, "PO-1", at, &messages[0]);
	shift_confirm_message(shift, confirmed, &messages[1]);
	shift->plant.play.busy = true;
	MUST(keeper_take(shift->plant.keeper, buf_bytes(&messages[0]), 0));
	MUST(keeper_turn(shift->plant.keeper, shift->plant.now_s,
	    &(struct keeper_outlet){ &outlet, take_out }));
	MUST(keeper_take(shift->plant.keeper, buf_bytes(&messages[1]), 1));
	turn_until(shift, &outlet, 1);
	shift->plant.play.busy = false;
	turn_until(shift, &outlet, 0);
	shift_batch(shift, messages, NULL, 2);
}

void
shift_begin(struct shift *shift)
{
	start(shift);
	settle(shift);
	disk_mend();
	plant_load(&shift->plant);
	plant_close(&shift->plant);
}

void
shift_work(struct shift *shift)
{
	uint32_t at;

	make_devices(shift);
	meet_a_clone(shift);
	/* As keeper_idle() does beyond 1000 pages. */
	if (db_exec(shift->plant.keeper->db, "PRAGMA wal_checkpoint(PASSIVE)",
		NULL) != HM_OK)
		hm_assert(shift->patient); /* it is tried when it is closed */
	use_up_an_order(shift);
	lack_the_signer(shift);
	shift->plant.now_s += 700;
	settle(shift);
	issue_many(shift, 6, &at);
	confirm_one(shift, at);
	settle(shift);
	plant_close(&shift->plant);
	shift->plant.hold_us = 1;
	start(shift);
	issue_many(shift, 2, &at);
	commit_while_one_is_out(shift, at + 1);
	settle(shift);
	plant_close(&shift->plant);
}
