/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * plant - a keeper with an OEM, two stations, and chips to make
 *
 * plant_new() opens a keeper in a fresh folder and loads credentials
 * ("planner", "auditor", "st-a", "st-b"), a product, a release and the order
 * "PO-1" for station st-a.
 */
#include "play.h"

#define T0 UINT64_C(1800000000) /* now, unless a test says otherwise */

struct chip {
	struct p256_pair *identity, *kem, *root; /* root: of trust */
	struct attest_case kase;
};

/* The answer to one ask. */
struct said {
	hm_err err;
	struct buf message;
	struct ask_head head;
	const void *body;                      /* borrowed from message */
	struct hm_bytes stamp, entry, receipt; /* likewise */
	struct hm_bytes tail;
};

struct plant {
	char folder[64];
	struct play play;
	struct keeper *keeper;
	uint64_t now_s;
	uint64_t until_s; /* credentials end */
	uint32_t hold_us; /* of the keeper that is opened next; sign_ms too */
	uint32_t sign_ms;
	const struct approvers *approvers; /* pinned; borrowed; may be NULL */
	struct p256_pair *planner, *auditor, *st_a, *st_b, *stranger;
	/* What the next plant_order() and plant_product() make. */
	struct hm_product product;
	struct hm_release release;
	struct hm_order order;
	uint8_t product_digest[HM_DIGEST_LEN], release_digest[HM_DIGEST_LEN];
	/* Every answer, as it leaves; may be NULL. */
	void (*heard)(
	    void *context, struct hm_bytes message, const struct said *said);
	void *context;
};

void plant_new(struct plant *plant, uint32_t quota);
/* Its parts: keys and plans; a keeper in plant->folder; what it is told. */
void plant_init(struct plant *plant, uint32_t quota);
void plant_folder(struct plant *plant);
hm_err plant_open(struct plant *plant, struct why *why);
void plant_load(struct plant *plant);
/* What an auditor finds in the published ledger; printed. */
size_t plant_findings(struct plant *plant);
void plant_done(struct plant *plant);
/* The keeper goes and comes again, the signer too. */
hm_err plant_reopen(struct plant *plant, struct why *why);
void plant_close(struct plant *plant);
void plant_settle(struct plant *plant);

void said_done(struct said *said);
/* Read the parts of said->message. */
void said_split(struct said *said);
/* One ask alone. */
hm_err plant_ask(struct plant *plant, ask_kind kind, const void *body,
    struct hm_bytes tail, struct said *ret);
/* Several as one batch: messages made by plant_message(). */
void plant_message(
    ask_kind kind, const void *body, struct hm_bytes tail, struct buf *ret);
hm_err plant_batch(struct plant *plant, const struct buf *messages,
    size_t count, struct said *ret);

/* Sign by the authority and send as `by`. `digest` may be NULL. */
hm_err plant_object(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, uint8_t *ret_digest);
hm_err plant_object_said(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, struct said *ret);
void plant_object_message(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, struct buf *ret);
hm_err plant_credential(struct plant *plant, struct p256_pair *by,
    const char *name, hm_role role, struct p256_pair *key);
hm_err plant_order(struct plant *plant, const char *name);
hm_err plant_command(struct plant *plant, hm_verb verb, const char *target);
hm_err plant_device_command(
    struct plant *plant, hm_verb verb, const struct chip *chip);
/* Signed bytes of an object. */
void plant_sign(
    struct plant *plant, const struct hm_object *object, struct buf *ret);

/* A chip with keys of its own; `number` makes its id. */
void chip_new(struct chip *chip, const struct plant *plant, uint32_t number);
void chip_done(struct chip *chip);
/* Fresh evidence over the claims as they stand. */
void chip_prove(struct chip *chip);

void plant_fill_issue(struct plant *plant, struct p256_pair *by,
    const char *order, const struct chip *chip, struct ask_issue *ret);
hm_err plant_issue(
    struct plant *plant, const struct chip *chip, struct said *ret);
hm_err plant_issue_as(struct plant *plant, struct p256_pair *by,
    const char *order, const struct chip *chip, struct said *ret);
/* Confirm what `issued` holds. */
void plant_fill_confirm(struct plant *plant, const struct chip *chip,
    struct hm_bytes stamp, struct ask_confirm *ret);
hm_err plant_confirm(struct plant *plant, const struct chip *chip,
    struct hm_bytes stamp, struct said *ret);
void plant_void_message(struct plant *plant, const char *order,
    const struct chip *chip, struct buf *ret);
hm_err plant_void(struct plant *plant, const char *order,
    const struct chip *chip, struct said *ret);

/* The counters of an order; asserts that they add up. */
struct ask_order_answer plant_counts(struct plant *plant, const char *order);
struct ask_device_answer plant_device(
    struct plant *plant, const struct chip *chip);
uint64_t plant_size(struct plant *plant);      /* of the ledger */
uint64_t plant_published(struct plant *plant); /* of the checkpoint file */
/* Does the receipt prove the entry? */
hm_err plant_verify(struct plant *plant, const struct said *said);
/* Entries of the published log, by type; verifies the whole tree. */
size_t plant_audit(struct plant *plant, hm_entry_type type);
