/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "crypto/digest.h"
#include "seal/sign1.h"

/* An object on its way in. */
struct incoming {
	const struct person *planner;  /* NULL: somebody's own credential */
	const struct person *approver; /* who signed; NULL: the authority */
	struct hm_object object;       /* borrows from the message */
	uint8_t digest[HM_DIGEST_LEN];
	char name[PLAN_NAME_MAX + 1];
	int64_t row;
};

/* ---- rows ---- */

static hm_err
find_before(struct db *db, const uint8_t *digest, uint64_t *ret_index)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT idx FROM object WHERE digest = ?", &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ digest, HM_DIGEST_LEN });
	HM_TRY(db_step(&q, &row, NULL));
	*ret_index = row ? db_uint(&q, 0) : NO_LEAF;
	return HM_OK;
}

static hm_err
check_name(struct db *db, const struct incoming *in)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	/* What happened to its target tells more of a command. */
	if (in->name[0] == '\0' || in->object.kind == HM_OBJECT_COMMAND)
		return HM_OK;
	HM_TRY(db_prepare(
	    db, "SELECT id FROM object WHERE kind = ? AND name = ?", &q, NULL));
	db_bind_uint(&q, 1, (uint64_t)in->object.kind);
	db_bind_text(&q, 2, hm_bytes_of(in->name));
	HM_TRY(db_step(&q, &row, NULL));
	return row ? HM_E_TWICE : HM_OK;
}

static hm_err
store_row(struct db *db, struct incoming *in, uint64_t index)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "INSERT INTO object (digest, kind, name, idx) VALUES (?, ?, ?, ?)",
	    &q, NULL));
	db_bind_bytes(&q, 1, HM_BYTES(in->digest));
	db_bind_uint(&q, 2, (uint64_t)in->object.kind);
	if (in->name[0] != '\0')
		db_bind_text(&q, 3, hm_bytes_of(in->name));
	db_bind_uint(&q, 4, index);
	HM_TRY(db_run(&q, NULL));
	in->row = db_last_rowid(db);
	return HM_OK;
}

/* ---- enrolment ---- */

/* The product that has an evidence key already, if any. */
static hm_err
check_key(
    struct db *db, const struct hm_enrolment *enrolment, struct hm_bytes digest)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT product FROM enrolled WHERE digest = ?", &q, NULL));
	db_bind_bytes(&q, 1, digest);
	HM_TRY(db_step(&q, &row, NULL));
	if (row &&
	    !hm_bytes_equal(hm_bytes_of(db_text(&q, 0)), enrolment->product))
		return HM_E_TWICE_KEY;
	return HM_OK;
}

static hm_err
check_enrolment(struct keeper *keeper, const struct incoming *in)
{
	const struct hm_enrolment *e = &in->object.enrolment;

	for (size_t at = 0; at < e->digests.len; at += HM_DIGEST_LEN)
		HM_TRY(check_key(keeper->db, e,
		    (struct hm_bytes){ e->digests.ptr + at, HM_DIGEST_LEN }));
	return HM_OK;
}

static hm_err
take_enrolment(struct keeper *keeper, const struct incoming *in, uint64_t now_s)
{
	const struct hm_enrolment *e = &in->object.enrolment;
	AUTO(db_stmt) struct db_stmt q = { 0 };

	(void)now_s;
	HM_TRY(db_prepare(keeper->db,
	    "INSERT INTO enrolled (digest, product) VALUES (?, ?)"
	    " ON CONFLICT DO NOTHING",
	    &q, NULL));
	for (size_t at = 0; at < e->digests.len; at += HM_DIGEST_LEN) {
		db_bind_bytes(&q, 1,
		    (struct hm_bytes){ e->digests.ptr + at, HM_DIGEST_LEN });
		db_bind_text(&q, 2, e->product);
		HM_TRY(db_run(&q, NULL));
	}
	return HM_OK;
}

/* ---- the kinds ---- */

static hm_err
check_planned(struct keeper *keeper, const struct incoming *in)
{
	return plan_check_new(&keeper->plan, &in->object);
}

static hm_err
take_order(struct keeper *keeper, const struct incoming *in, uint64_t now_s)
{
	(void)now_s;
	return plan_open_book(keeper->db, in->row);
}

/* Two approvers are two people: no key of the authority's, and none that the
 * server's administrator does not know. */
static hm_err
check_credential(struct keeper *keeper, const struct incoming *in)
{
	const struct hm_credential *credential = &in->object.credential;

	HM_TRY(people_check_new(&keeper->people, credential));
	if (credential->role != HM_ROLE_APPROVER)
		return HM_OK;
	if (memcmp(credential->key, keeper->authority, HM_POINT_LEN) == 0)
		return HM_E_TWICE_KEY;
	return approvers_have(&keeper->approvers, credential->key)
		   ? HM_OK
		   : HM_E_APPROVER;
}

static hm_err
take_credential(
    struct keeper *keeper, const struct incoming *in, uint64_t now_s)
{
	(void)now_s;
	return people_add(&keeper->people, keeper->db, &in->object.credential);
}

static hm_err
check_approval(struct keeper *keeper, const struct incoming *in)
{
	if (!approvers_have(&keeper->approvers, in->approver->key))
		return HM_E_APPROVER;
	return plan_check_new(&keeper->plan, &in->object);
}

static hm_err
check_command(struct keeper *keeper, const struct incoming *in)
{
	return keeper_check_command(keeper, &in->object.command);
}

static hm_err
take_command(struct keeper *keeper, const struct incoming *in, uint64_t now_s)
{
	return keeper_do_command(
	    keeper, &in->object.command, in->digest, now_s);
}

static const struct {
	hm_object_kind kind;
	bool planned; /* held in memory */
	/* Refuse without a change; then take in what cannot be refused. */
	hm_err (*check)(struct keeper *keeper, const struct incoming *in);
	hm_err (*take)(
	    struct keeper *keeper, const struct incoming *in, uint64_t now_s);
} kinds[] = {
	{ HM_OBJECT_PRODUCT, true, NULL, NULL },
	{ HM_OBJECT_RELEASE, true, check_planned, NULL },
	{ HM_OBJECT_ORDER, true, check_planned, take_order },
	{ HM_OBJECT_CREDENTIAL, false, check_credential, take_credential },
	{ HM_OBJECT_ENROLMENT, false, check_enrolment, take_enrolment },
	{ HM_OBJECT_COMMAND, false, check_command, take_command },
	{ HM_OBJECT_APPROVAL, true, check_approval, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t
kind_of(const struct incoming *in)
{
	size_t i = 0;

	while (i < KINDS && kinds[i].kind != in->object.kind)
		i++;
	return i;
}

/* ---- the way in ---- */

/*
 * A planner loads objects, an approver brings approvals. Somebody without a
 * credential may bring one thing: the authority's signature on its own, which
 * is how the first planner comes in.
 */
static hm_err
admit(struct keeper *keeper, struct work *work, struct incoming *in)
{
	const struct ask_from *from = work->body;
	unsigned roles = ROLE_BIT(HM_ROLE_PLANNER);
	const struct person *approver;
	hm_err err;

	if (in->approver != NULL) {
		roles |= ROLE_BIT(HM_ROLE_APPROVER);
		HM_TRY(people_admit(&keeper->people, in->approver->key,
		    work->now_s, &approver));
	}
	err = keeper_admit(keeper, work, from->peer, roles, &in->planner);
	if (err != HM_E_UNKNOWN_PEER)
		return err;
	if (in->object.kind != HM_OBJECT_CREDENTIAL ||
	    memcmp(in->object.credential.key, from->peer, HM_POINT_LEN) != 0)
		return err;
	return HM_OK;
}

/* By the approver that the key id names, or by the authority. */
static hm_err
open_message(struct keeper *keeper, struct hm_bytes message,
    struct incoming *ret, struct hm_bytes *ret_payload)
{
	struct hm_sign1 sign1;

	HM_TRY(hm_sign1_decode(message, HM_OBJECT_MAX, &sign1));
	ret->approver = people_approver(&keeper->people, sign1.kid);
	if (ret->approver != NULL)
		return sign1_open(message, HM_OBJECT_MAX,
		    HM_LITERAL(HM_AAD_APPROVAL), ret->approver->key,
		    ret_payload);
	return sign1_open(message, HM_OBJECT_MAX, HM_LITERAL(HM_AAD_OBJECT),
	    keeper->authority, ret_payload);
}

/* Nobody decides what is not theirs, or in another's name. */
static bool
is_signers(const struct incoming *in)
{
	if (in->approver == NULL)
		return in->object.kind != HM_OBJECT_APPROVAL;
	return in->object.kind == HM_OBJECT_APPROVAL &&
	       hm_bytes_equal(in->object.approval.approver,
		   hm_bytes_of(in->approver->name));
}

static hm_err
read_message(struct keeper *keeper, struct work *work, struct incoming *ret)
{
	struct hm_bytes payload;

	HM_TRY(open_message(keeper, work->tail, ret, &payload));
	HM_TRY(hm_object_decode(payload, &ret->object));
	if (!is_signers(ret))
		return HM_E_BAD_INPUT;
	sha256_one(work->tail, ret->digest);
	plan_name(&ret->object, ret->name);
	return kind_of(ret) < KINDS ? HM_OK : HM_E_BAD_INPUT;
}

/* Nothing is refused from here on. */
static hm_err
store(struct keeper *keeper, struct work *work, struct incoming *in)
{
	struct hm_entry entry = { .type = HM_ENTRY_OBJECT,
		.time_s = work->now_s,
		.object = work->tail };
	size_t kind = kind_of(in);

	buf_clear(&work->entry);
	HM_TRY(record_add(&keeper->record, &entry, &work->index, &work->entry));
	HM_TRY(store_row(keeper->db, in, work->index));
	if (kinds[kind].take != NULL)
		HM_TRY(kinds[kind].take(keeper, in, work->now_s));
	if (!kinds[kind].planned)
		return HM_OK;
	return plan_add(&keeper->plan, in->row, work->tail);
}

bool
keeper_is_loaded(const struct hm_object *object)
{
	if (object->kind == HM_OBJECT_CREDENTIAL)
		return object->credential.role == HM_ROLE_APPROVER;
	if (object->kind == HM_OBJECT_COMMAND)
		return object->command.verb == HM_VERB_REVOKE_RELEASE ||
		       object->command.verb == HM_VERB_REVOKE_CREDENTIAL;
	return true;
}

hm_err
keeper_object(struct keeper *keeper, struct work *work)
{
	static struct incoming in; /* large; one thread */
	uint64_t before;
	size_t kind;

	memset(&in, 0, sizeof(in));
	HM_TRY(read_message(keeper, work, &in));
	HM_TRY(find_before(keeper->db, in.digest, &before));
	if (before != NO_LEAF) {
		HM_TRY(admit(keeper, work, &in));
		return keeper_repeat(keeper, work, before);
	}
	HM_TRY(admit(keeper, work, &in));
	kind = kind_of(&in);
	HM_TRY(check_name(keeper->db, &in));
	if (kinds[kind].check != NULL) {
		hm_err err = kinds[kind].check(keeper, &in);

		/* It concerns a device that is with the signer. */
		if (err == HM_E_BUSY) {
			work->step = WORK_LATER;
			return HM_OK;
		}
		HM_TRY(err);
	}
	if (keeper_is_loaded(&in.object))
		HM_TRY(sign_call(&keeper->signer, ASK_SIGN_LOAD, NULL,
		    work->tail, NULL, NULL));
	return store(keeper, work, &in);
}
