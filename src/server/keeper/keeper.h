/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keeper - the one writer: database, ledger, counts of the orders
 *
 * It reads structs of fixed layout from the fronts (server/ask.h), and signed
 * objects, which it verifies before it parses them. What is done meanwhile is
 * committed together, and nothing is answered before the commit:
 *
 *   take: an ask waits - turn: checks; devices go to the signer, and when they
 *   are back: rows and leaves - COMMIT - the checkpoint over the new tree is
 *   signed - answers with receipts - settle: tiles and checkpoint are written,
 *   time-outs, revocation list
 *
 * A refusal leaves nothing behind. If the database or the disk fails, what was
 * not committed is taken back, in memory too, and every ask of it is answered
 * with that error. If the signer fails, devices that were counted stay
 * reserved, and the same request completes them later.
 *
 * One process, one thread. keeper_run() is the process; the rest is the same
 * keeper without a process, for tests and tools. The signer stands behind two
 * functions.
 */

#include "base/buf.h"
#include "base/jail.h"
#include "base/why.h"
#include "server/approvers.h"

#define KEEPER_BATCH_MAX 256 /* asks of one commit, about */
#define KEEPER_ASKS_MAX 512  /* asks under way */
#define KEEPER_SIGN_MS 15000 /* the signer's time for one job, if not told */
#define KEEPER_SIGN_MORE_MS 5000 /* than the signer's own for the token */
#define KEEPER_HOLD_US 4000      /* who is done waits for others, at most */
#define KEEPER_LOCK_MS 20000     /* a killed server's keeper may be at one */
#define KEEPER_CRL_S (7 * 86400) /* a revocation list lasts that long */
#define KEEPER_PATH_MAX 1024     /* of anything in the state folder */

/* The way to the signer: whole messages, in order, until a time of
 * clock_mono_us(). HM_E_TIMEOUT, HM_E_WORKER (it is gone) */
struct keeper_link {
	void *context;
	hm_err (*send)(
	    void *context, struct hm_bytes message, uint64_t deadline_us);
	hm_err (*receive)(void *context, struct hm_span room,
	    uint64_t deadline_us, size_t *ret_len);
};

struct keeper_config {
	const char *state; /* folder: hallmark.db, ledger/, lock */
	const char *vfs;   /* of the database; NULL: the system's */
	uint8_t authority[HM_POINT_LEN];
	const struct approvers *approvers; /* borrowed; NULL: nobody */
	struct keeper_link signer;
	uint32_t lock_within_ms; /* wait that long for another keeper to leave
				  */
	uint32_t hold_us;        /* 0: KEEPER_HOLD_US */
	uint32_t sign_ms;        /* 0: KEEPER_SIGN_MS */
};

struct keeper_options {
	const char *state;
	uint8_t authority[HM_POINT_LEN];   /* must be the signer's too */
	const struct approvers *approvers; /* likewise; NULL: nobody */
	const int *fronts;                 /* channels to them; borrowed */
	uint32_t front_count;              /* 1 or more */
	int signer;                        /* channel to it */
	uint32_t sign_ms;                  /* 0: KEEPER_SIGN_MS */
	int parent;                        /* life line (server/life.h) */
	struct jail jail;                  /* the keeper adds its folder */
};

/*
 * Open, say that it is ready, serve until the parent says stop or is gone; the
 * batch under way is finished. A front that is gone is forgotten. HM_OK after
 * an orderly stop. Else what keeper_open() says, HM_E_JAIL, HM_E_BAD_INPUT (a
 * front broke the rules of ask.h), HM_E_TIMEOUT (one does not take its
 * answers), HM_E_WORKER (the signer died).
 */
HM_MUST hm_err keeper_run(
    const struct keeper_options *options, struct why *why);

struct keeper; /* opaque, heap */

/*
 * Take the lock, open the database, bring the ledger's files up to it, greet
 * the signer and give it products, releases and orders. *why says what is wrong
 * and where. HM_E_FILE, HM_E_IO, HM_E_DATABASE, HM_E_BUSY (another keeper has
 * the folder), HM_E_LOG_ROLLBACK (the ledger's files know more than the
 * database), HM_E_LOG (they differ), HM_E_KEY (the signer's keys are not those
 * of the first entry), the signer's error
 */
HM_MUST hm_err keeper_open(const struct keeper_config *config, uint64_t now_s,
    struct keeper **ret, struct why *why);
/* NULL is fine. */
void keeper_close(struct keeper *keeper);

/* Where answers go: `tag` is what the ask was taken with. HM_E_BUSY: not now,
 * try again in the next turn; any other error ends keeper_turn(). */
struct keeper_outlet {
	void *context;
	hm_err (*answer)(void *context, uint64_t tag, struct hm_bytes message);
};

/* One ask by a front; it is copied. HM_E_BUSY (too many are under way),
 * HM_E_BAD_INPUT and HM_E_RIGHTS (it breaks the rules of ask.h),
 * HM_E_NO_MEMORY */
HM_MUST hm_err keeper_take(
    struct keeper *keeper, struct hm_bytes ask, uint64_t tag);
/* Is anything under way? */
bool keeper_is_busy(const struct keeper *keeper);
/* Do what can be done without waiting; every ask is answered once, in some
 * turn. HM_E_NO_MEMORY, what the outlet says */
HM_MUST hm_err keeper_turn(
    struct keeper *keeper, uint64_t now_s, const struct keeper_outlet *outlet);
/* A turn is due at that time of clock_mono_us() even if nothing comes in;
 * UINT64_MAX: it is not. */
uint64_t keeper_due_us(const struct keeper *keeper);

/*
 * Take `count` (at most KEEPER_BATCH_MAX) asks and turn until all are answered;
 * nothing else is under way. The answer replaces the content of answers[i],
 * whose maximum is ASK_MESSAGE_MAX. If one of them breaks the rules of ask.h,
 * nothing is done. As keeper_take and keeper_turn.
 */
HM_MUST hm_err keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s);

/*
 * What can wait until the answers are out: tiles, published checkpoint,
 * time-outs, revocation list. What fails is logged and tried again next time.
 * Between two commits it is put off to the next turn that allows it.
 */
void keeper_settle(struct keeper *keeper, uint64_t now_s);
/* When there is nothing better to do: the database tidies up. */
void keeper_idle(struct keeper *keeper);
