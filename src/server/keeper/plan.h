/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * plan - what is to be made: products, releases, orders and their counters
 *
 * All are held decoded in memory. An order's counters (quota/book.h) are
 * changed in memory and written once at the end of the transaction; after a
 * rollback everything is read again. A number that was given but never signed
 * is a hole, and is given first. Units that are lent (reserved, with the
 * signer) are counted in memory only: in the table they are holes until the
 * device's row is there.
 *
 * Approvals and revocations are no things of their own here: they stand at the
 * release that they speak of.
 */

#include "quota/book.h"
#include "server/keeper/record.h"

/* "name@version", "product/release", the name of an order; of an approval
 * "digest/approver" in hex; of a revocation its target */
#define PLAN_NAME_MAX (2 * HM_DIGEST_LEN + 1 + HM_NAME_MAX)
#define PLAN_APPROVALS_MAX 8 /* of one release */

struct plan_approval {
	char by[HM_NAME_MAX + 1];
	uint64_t at_s; /* as the approver signed */
};

struct planned {
	int64_t id; /* of its row */
	uint8_t digest[HM_DIGEST_LEN];
	char name[PLAN_NAME_MAX + 1];
	uint8_t *bytes; /* the COSE_Sign1; owned */
	size_t len;
	struct hm_object object; /* borrows from bytes */
	/* of a release: */
	struct plan_approval approvals[PLAN_APPROVALS_MAX];
	uint32_t approval_count;
	bool revoked;
	bool stopping; /* it will be, once no device of it is with the signer */
	/* of an order: */
	const struct planned *product, *release;
	struct book book;
	bool dirty;      /* the counters differ from their row */
	uint32_t out;    /* devices that are with the signer */
	uint32_t lent;   /* of these: reserved in memory only */
	uint32_t *holes; /* owned */
	uint32_t hole_count, hole_room;
};

struct plan {
	struct planned **list; /* owned; sorted by kind and name */
	uint32_t count, room;
	struct planned *last; /* the order that was found last */
};

void plan_done(struct plan *plan);
/* Read all from the database, in place of what is there. */
HM_MUST hm_err plan_load(
    struct plan *plan, struct record *record, struct why *why);

/* NULL if there is none. */
struct planned *plan_order(struct plan *plan, struct hm_bytes name);
struct planned *plan_order_of(const struct plan *plan, int64_t id);
const struct planned *plan_by_digest(const struct plan *plan,
    hm_object_kind kind, const uint8_t digest[static HM_DIGEST_LEN]);
/* NULL if there is none. */
struct planned *plan_release(
    const struct plan *plan, const uint8_t digest[static HM_DIGEST_LEN]);
const struct planned *plan_by_name(
    const struct plan *plan, hm_object_kind kind, struct hm_bytes name);
/* Is a device of that release with the signer? */
bool plan_is_out(const struct plan *plan, const struct planned *release);
/* The name under which an object is unique; "" for those that have none. */
void plan_name(
    const struct hm_object *object, char ret[static PLAN_NAME_MAX + 1]);
bool plan_names_station(const struct planned *order, const char *station);

/*
 * May this new object come in? HM_E_NOT_FOUND (an order's product or release,
 * an approval's release, what a release was promoted from), HM_E_BAD_INPUT (of
 * different products), HM_E_CHANNEL, HM_E_COUNTER (below another release's, or
 * that of an earlier order), HM_E_PROMOTION, HM_E_APPROVALS, HM_E_TWICE (by
 * that approver), HM_E_TOO_LARGE (as many as there can be),
 * HM_E_RELEASE_REVOKED, HM_E_TWICE_SERIAL, HM_E_TWICE_MAC (ranges overlap)
 */
HM_MUST hm_err plan_check_new(
    const struct plan *plan, const struct hm_object *object);
/* Take it in; its row is there. `message` is copied. An approval or revocation
 * is noted at its release, other commands are not for here. */
HM_MUST hm_err plan_add(struct plan *plan, int64_t id, struct hm_bytes message);
/* The row of a new order's counters. */
HM_MUST hm_err plan_open_book(struct db *db, int64_t id);

/* A unit and its number. As book_reserve. */
HM_MUST hm_err plan_reserve(
    struct planned *order, struct db *db, uint64_t now_s, uint32_t *ret_number);
/* It was never signed: both go back. HM_E_COUNTS: nothing changed */
HM_MUST hm_err plan_unreserve(
    struct planned *order, struct db *db, uint32_t number);
/* In the table only: a number is free, if this is the last that is heard of
 * it; or not free any more. */
HM_MUST hm_err plan_add_hole(
    const struct planned *order, struct db *db, uint32_t number);
HM_MUST hm_err plan_fill_hole(
    const struct planned *order, struct db *db, uint32_t number);
/* Write the counters that changed. */
HM_MUST hm_err plan_save(struct plan *plan, struct db *db);
