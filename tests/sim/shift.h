/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shift - everything that a keeper does, once, on a disk that is watched
 *
 * shift_prepare() is the first start of a server, with so many credentials that
 * the first tile is nearly full. shift_work() is a day: devices in batches,
 * confirmations, a void, a clone, commands, a signer that fails, time-outs,
 * revocation lists, a tile that becomes full, a checkpoint of the WAL, a stop
 * and a start. Whatever is answered, or signed, is written down together with
 * the number of the disk's operation after which it left.
 *
 * Then, for any state that the disk may be in: shift_judge() starts a keeper
 * there and says what is wrong. What had left before must be in it.
 *
 * Eras: a second disk that goes on where the first was cut has era 1. `limits`
 * says up to which operation of each era things have happened.
 */
#include "../unit/server/plant.h"
#include "disk.h"
#include "ledger/tree.h"

#define SHIFT_CHIPS 32
#define SHIFT_ERAS 3

struct shift_answer {
	unsigned era;
	size_t left; /* operations of the disk by then */
	uint64_t now_s;
	ask_kind kind;
	struct buf message, answer;   /* owned */
	struct hm_bytes entry, stamp; /* borrow from answer */
	uint64_t index, size;         /* leaf, tree of the receipt */
	struct tree_hash root;
	uint8_t device_id[HM_DEVICE_ID_LEN]; /* of an issue, a confirmation */
};

struct shift_signed {
	unsigned era;
	size_t left;
	uint64_t size;
	struct tree_hash root;
};

struct shift {
	struct plant plant;
	struct disk *disk; /* that is mounted; borrowed */
	unsigned era;
	size_t limits[SHIFT_ERAS];
	struct shift_answer *answers;
	size_t answer_count, answer_room;
	struct shift_signed *notes;
	size_t note_count, note_room;
	struct chip chips[SHIFT_CHIPS];
	struct said issued[SHIFT_CHIPS];
	uint32_t next_chip;
	bool patient; /* what breaks down is asked again */
	/* Answers that said so, and starts that failed; by their error. */
	struct {
		hm_err err;
		size_t count;
	} ids[16];
	size_t id_count;
	const char *label; /* of what is tried, for violations */
	size_t violations;
};

void shift_init(struct shift *shift);
void shift_done(struct shift *shift);
/* The keeper's folder is `root`/state from now on; its disk is mounted. */
void shift_mount(struct shift *shift, struct disk *disk, unsigned era);
void shift_unmount(struct shift *shift);
/* The keeper runs afterwards / is stopped afterwards. */
void shift_prepare(struct shift *shift);
void shift_work(struct shift *shift);
/* A first start with faults; what is loaded then meets none. */
void shift_begin(struct shift *shift);
/* Start a keeper on the mounted disk and look at everything; stop it. */
void shift_judge(struct shift *shift, bool thorough);
/* Forget what was written down beyond so many answers and notes. */
void shift_forget(struct shift *shift, size_t answers, size_t notes);
/* It has happened, as far as the limits go. */
bool shift_has_left(const struct shift *shift, unsigned era, size_t left);

/* For the files of the shift: something is not as it must be. */
void shift_violation(struct shift *shift, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* One batch of messages; each must be answered by its wanted error, if not by a
 * breakdown; the messages are released. */
void shift_batch(struct shift *shift, struct buf *messages,
    const hm_err *wanted, size_t count);
/* The same for one. */
void shift_ask(struct shift *shift, struct buf *message, hm_err wanted);
/* A new chip, and the message that asks for it. */
struct chip *shift_chip(struct shift *shift, uint32_t *ret_at);
void shift_issue_message(
    struct shift *shift, const char *order, uint32_t at, struct buf *ret);
void shift_confirm_message(struct shift *shift, uint32_t at, struct buf *ret);
