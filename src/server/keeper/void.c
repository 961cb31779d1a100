/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "crypto/digest.h"
#include "seal/sign1.h"
#include "wire/void.h"

struct voiding {
	const struct person *station;
	struct hm_void said; /* borrows from the message */
	uint8_t digest[HM_DIGEST_LEN];
	struct planned *order;
	struct device device;
	bool returned;
};

/* ---- what was signed before ---- */

static hm_err
find_before(struct db *db, const uint8_t *digest, uint64_t *ret_index)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT idx FROM voided WHERE digest = ?", &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ digest, HM_DIGEST_LEN });
	HM_TRY(db_step(&q, &row, NULL));
	*ret_index = row ? db_uint(&q, 0) : NO_LEAF;
	return HM_OK;
}

static hm_err
remember(struct db *db, const uint8_t *digest, uint64_t index)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(
	    db, "INSERT INTO voided (digest, idx) VALUES (?, ?)", &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ digest, HM_DIGEST_LEN });
	db_bind_uint(&q, 2, index);
	return db_run(&q, NULL);
}

/* ---- the counts ---- */

/* A unit that nothing was signed for: all of it goes back. */
static hm_err
return_reserved(struct keeper *keeper, struct voiding *v)
{
	struct device *device = &v->device;

	v->returned = true;
	device->state = HM_STATE_RETURNED;
	device->serial[0] = '\0';
	device->has_mac = false;
	return plan_unreserve(v->order, keeper->db, device->number);
}

/* A unit with a certificate: back while the order's returns last. */
static hm_err
return_issued(struct keeper *keeper, struct work *work, struct voiding *v)
{
	struct device *device = &v->device;

	hm_err err = HM_E_RETURNS;

	if (hm_state_may(device->state, HM_STATE_RETURNED))
		err = book_return(&v->order->book);
	if (err == HM_E_COUNTS)
		return err;
	v->returned = err == HM_OK;
	if (!v->returned)
		v->order->book.scrapped++;
	v->order->dirty = true;
	device->state = v->returned ? HM_STATE_RETURNED : HM_STATE_SCRAPPED;
	return crl_add(&keeper->crl, keeper->db, device->cert_serial,
	    work->now_s, CRL_CESSATION);
}

static hm_err
store(struct keeper *keeper, struct work *work, struct voiding *v)
{
	struct device *device = &v->device;
	struct hm_entry entry = { .type = HM_ENTRY_VOID,
		.time_s = work->now_s };

	if (device->has_stamp)
		HM_TRY(return_issued(keeper, work, v));
	else
		HM_TRY(return_reserved(keeper, v));
	entry.voided.order = v->order->object.order.name;
	entry.voided.station = hm_bytes_of(v->station->name);
	entry.voided.void_ = work->tail;
	entry.voided.returned = v->returned;
	memcpy(entry.voided.device_id, device->device_id, HM_DEVICE_ID_LEN);
	buf_clear(&work->entry);
	HM_TRY(record_add(&keeper->record, &entry, &work->index, &work->entry));
	device->void_index = work->index;
	device->due_s = 0;
	device->quarantine = false;
	HM_TRY(device_store(keeper->db, device));
	return remember(keeper->db, v->digest, work->index);
}

/* ---- the checks ---- */

static hm_err
read_message(struct keeper *keeper, struct work *work, struct voiding *ret)
{
	const struct ask_from *from = work->body;
	struct hm_bytes payload;

	HM_TRY(keeper_admit(keeper, work, from->peer, ROLE_BIT(HM_ROLE_STATION),
	    &ret->station));
	HM_TRY(sign1_open(work->tail, HM_VOID_MAX, HM_LITERAL(HM_AAD_VOID),
	    ret->station->key, &payload));
	HM_TRY(hm_void_decode(payload, &ret->said));
	sha256_one(work->tail, ret->digest);
	return keeper_station_order(
	    keeper, ret->station, ret->said.order, &ret->order);
}

static hm_err
check_state(const struct device *device)
{
	if (device->confirm_index != NO_LEAF)
		return HM_E_WRONG_STATE;
	if (hm_state_may(device->state, HM_STATE_RETURNED))
		return HM_OK;
	/* Held by its time-out: it is given up, but not given back. */
	return device->state == HM_STATE_HELD && device->quarantine
		   ? HM_OK
		   : HM_E_WRONG_STATE;
}

hm_err
keeper_void(struct keeper *keeper, struct work *work)
{
	struct voiding v = { 0 };
	uint64_t before;
	bool found;

	HM_TRY(read_message(keeper, work, &v));
	if (keeper_is_out(keeper, v.said.device_id)) {
		work->step = WORK_LATER;
		return HM_OK;
	}
	HM_TRY(find_before(keeper->db, v.digest, &before));
	if (before != NO_LEAF)
		return keeper_repeat(keeper, work, before);
	HM_TRY(device_find(keeper->db, v.said.device_id, &v.device, &found));
	if (!found || v.device.order != v.order->id)
		return HM_E_NOT_FOUND;
	/* Voided already: a second signature changes nothing. */
	if (v.device.void_index != NO_LEAF)
		return keeper_repeat(keeper, work, v.device.void_index);
	HM_TRY(check_state(&v.device));
	return store(keeper, work, &v);
}
