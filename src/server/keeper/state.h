/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * state - the keeper from inside: its parts, and one ask under way
 *
 * Each part knows its own business only (record.h, people.h, plan.h, crl.h,
 * sign.h, device.h); here they are together, with what the families of asks
 * share. A family is one file: a handler for each ask, all in the table of
 * batch.c.
 */

#include "server/keeper/crl.h"
#include "server/keeper/device.h"
#include "server/keeper/people.h"
#include "server/keeper/plan.h"

/* An issue that needs the signer. */
struct issue_job {
	struct sign_job sign;
	struct ask_sign_issue_answer answer;
	struct planned *order;
	struct device device; /* the row as it will be; id 0: a new one */
	bool again;           /* it was reserved by an earlier request */
	bool is_hole;         /* its number is in the table of holes */
	bool own_key;         /* the evidence key belongs to one chip */
	uint8_t identity[HM_DIGEST_LEN], kem[HM_DIGEST_LEN];
	uint8_t key[HM_DIGEST_LEN], reuse[HM_DIGEST_LEN];
	uint8_t binding[HM_DIGEST_LEN], release[HM_DIGEST_LEN];
	uint8_t evidence[HM_DIGEST_LEN]; /* of the message */
};

typedef enum work_step {
	WORK_NEW,
	WORK_OUT,   /* its device is with the signer */
	WORK_LATER, /* it depends on one that is: once more, afterwards */
	WORK_DONE,
} work_step;

/* One ask under way; in exactly one queue. */
struct work {
	struct work *next;
	uint64_t tag;   /* whose it is: the caller's */
	struct buf ask; /* the message */
	struct ask_head head;
	const void *body;     /* borrowed from the message */
	struct hm_bytes tail; /* likewise */
	uint64_t now_s;
	work_step step;
	hm_err err;
	union {
		struct ask_peer_answer peer;
		struct ask_challenge_answer challenge;
		struct ask_issue_answer issue;
		struct ask_entry_answer entry;
		struct ask_order_answer order;
		struct ask_release_answer release;
		struct ask_device_answer device;
		struct ask_quarantine_answer quarantine;
		struct ask_part_answer part;
		struct ask_health_answer health;
	} answer;
	struct buf out;   /* tail of the answer: a stamp, a list ... */
	struct buf entry; /* behind it, if the answer proves a leaf */
	uint64_t index;   /* that leaf, or NO_LEAF */
	struct issue_job job;
};

/* Works in the order in which they came. */
struct queue {
	struct work *first, *last;
	uint32_t count;
};

void queue_add(struct queue *queue, struct work *work);
/* As the first. */
void queue_push(struct queue *queue, struct work *work);
/* NULL if it is empty. */
struct work *queue_pop(struct queue *queue);
/* `work` is in it. */
void queue_remove(struct queue *queue, struct work *work);
/* All of `from` behind what is there; `from` is empty then. */
void queue_join(struct queue *queue, struct queue *from);

/* Transactions (txn.c): counters and checkpoint with the commit; on failure
 * memory is as the database again. */
struct keeper_txn {
	struct db_txn db;
};

/* What is committed together next. */
struct group {
	struct keeper_txn txn;
	bool open;
	bool rules;        /* orders or rights changed in it */
	uint64_t since_us; /* when its first work was done, or later */
	uint32_t wanted;   /* works that it should have, by its predecessors */
	uint32_t reached;  /* how often that many came in time */
};

struct keeper {
	struct db *db;
	int lock;
	struct signer signer;
	struct record record;
	struct people people;
	struct plan plan;
	struct crl crl;
	uint8_t authority[HM_POINT_LEN];
	struct approvers approvers;
	hm_err database, token; /* how the last use went */
	bool stale;           /* memory must be read again from the database */
	struct work *works;   /* KEEPER_ASKS_MAX; owned */
	struct queue idle;    /* of no use now */
	struct queue fresh;   /* to be handled */
	struct queue later;   /* when something is back from the signer */
	struct queue out;     /* with the signer */
	struct queue done;    /* in the group: after its commit */
	struct queue proving; /* committed: after the checkpoint is signed */
	struct queue ready;   /* to be answered */
	struct group group;
	struct sign_job note; /* the checkpoint of those that are proving */
	bool draining;        /* nothing new goes to the signer */
	bool settle_due;      /* it was not possible when it was asked for */
	uint32_t hold_us;
	struct buf answer;
};

/* A handler. HM_OK with work->step left at WORK_NEW: done. A refusal has
 * written nothing, but for alarms. */
typedef hm_err (*keeper_handler)(struct keeper *keeper, struct work *work);

hm_err keeper_peer(struct keeper *keeper, struct work *work);
hm_err keeper_challenge(struct keeper *keeper, struct work *work);
hm_err keeper_issue(struct keeper *keeper, struct work *work);
hm_err keeper_confirm(struct keeper *keeper, struct work *work);
hm_err keeper_void(struct keeper *keeper, struct work *work);
hm_err keeper_object(struct keeper *keeper, struct work *work);
hm_err keeper_order(struct keeper *keeper, struct work *work);
hm_err keeper_release(struct keeper *keeper, struct work *work);
hm_err keeper_device(struct keeper *keeper, struct work *work);
hm_err keeper_quarantine(struct keeper *keeper, struct work *work);
hm_err keeper_crl(struct keeper *keeper, struct work *work);
hm_err keeper_file(struct keeper *keeper, struct work *work);
hm_err keeper_health(struct keeper *keeper, struct work *work);
hm_err keeper_growth(struct keeper *keeper, struct work *work);

/* Is this device with the signer? What would change it must wait. */
bool keeper_is_out(
    const struct keeper *keeper, const uint8_t device_id[static HM_DIGEST_LEN]);
/* The signer is done with a device: rows and leaf, or nothing; work->err is
 * what it said. Fails only if that could not be stored. */
HM_MUST hm_err keeper_issued(struct keeper *keeper, struct work *work);
/* Does the signer hold such an object too? */
bool keeper_is_loaded(const struct hm_object *object);
/* A command that was verified and is a leaf already (`digest`). */
HM_MUST hm_err keeper_check_command(
    struct keeper *keeper, const struct hm_command *command);
HM_MUST hm_err keeper_do_command(struct keeper *keeper,
    const struct hm_command *command,
    const uint8_t digest[static HM_DIGEST_LEN], uint64_t now_s);
/* Time-outs that have passed, within a transaction; *ret_count of them. */
HM_MUST hm_err keeper_do_timeouts(
    struct keeper *keeper, uint64_t now_s, uint32_t *ret_count);

/* Who asks, with one of the roles (a mask of ROLE_BIT)? HM_E_RIGHTS too */
#define ROLE_BIT(role) (1u << (role))
HM_MUST hm_err keeper_admit(struct keeper *keeper, const struct work *work,
    const uint8_t key[static HM_POINT_LEN], unsigned roles,
    const struct person **ret);
/* Who makes devices, by the door that it came in by. As keeper_admit */
HM_MUST hm_err keeper_maker(struct keeper *keeper, const struct work *work,
    const uint8_t key[static HM_POINT_LEN], uint32_t door,
    const struct person **ret);
/* A device speaks for itself only: is that its identity key? HM_E_RIGHTS. Of a
 * station nothing is asked. */
HM_MUST hm_err keeper_is_itself(
    const struct person *person, const uint8_t identity[static HM_POINT_LEN]);
/* The order of that name, which must name the station, or be the one that the
 * device was made for. HM_E_BAD_INPUT,
 * HM_E_NO_ORDER, HM_E_ORDER_STATION */
HM_MUST hm_err keeper_station_order(struct keeper *keeper,
    const struct person *station, struct hm_bytes name, struct planned **ret);
/* A name as it came in a struct. HM_E_BAD_INPUT */
HM_MUST hm_err keeper_name(const ask_name name, struct hm_bytes *ret);
/* The device goes from its state to `to`, by a command or (zeros) a time-out:
 * a leaf; the caller stores the row. HM_E_WRONG_STATE */
HM_MUST hm_err keeper_change_state(struct keeper *keeper, struct device *device,
    hm_device_state to, const uint8_t command[static HM_DIGEST_LEN],
    uint64_t now_s);
/* Its answer is leaf `index`, which was written before. */
HM_MUST hm_err keeper_repeat(
    struct keeper *keeper, struct work *work, uint64_t index);

/* Whatever was taken back is out of memory too, or there is an error: then
 * nothing of it may be believed or published. */
HM_MUST hm_err keeper_refresh(struct keeper *keeper);
HM_MUST hm_err keeper_begin(struct keeper *keeper, struct keeper_txn *ret);
HM_MUST hm_err keeper_commit(struct keeper *keeper, struct keeper_txn *txn);
void keeper_abort(struct keeper *keeper, struct keeper_txn *txn);
/* As keeper_abort, for a breakdown, which is logged. */
void keeper_fail(struct keeper *keeper, struct keeper_txn *txn, hm_err err,
    const struct why *why);

/* What is with the signer counts no more: memory was read again. */
void keeper_forget_out(struct keeper *keeper, hm_err err);
