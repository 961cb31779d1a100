/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "wire/stamp.h"

#define READERS (ROLE_BIT(HM_ROLE_PLANNER) | ROLE_BIT(HM_ROLE_AUDITOR))
#define EVERYBODY \
	(READERS | ROLE_BIT(HM_ROLE_STATION) | ROLE_BIT(HM_ROLE_APPROVER))

static void
put_name(ask_name ret, struct hm_bytes name)
{
	memcpy(ret, name.ptr, name.len);
	ret[name.len] = '\0';
}

/* Planner and auditor see everything, a station the orders that name it; an
 * approver sees releases. */
static hm_err
check_sight(const struct person *person, const struct planned *order)
{
	if (person->role == HM_ROLE_APPROVER)
		return HM_E_RIGHTS;
	if (person->role == HM_ROLE_STATION &&
	    !plan_names_station(order, person->name))
		return HM_E_ORDER_STATION;
	return HM_OK;
}

hm_err
keeper_peer(struct keeper *keeper, struct work *work)
{
	const struct ask_peer *ask = work->body;
	const struct person *person;

	HM_TRY(keeper_admit(keeper, work, ask->key, EVERYBODY, &person));
	memcpy(work->answer.peer.name, person->name, sizeof(ask_name));
	work->answer.peer.role = (uint32_t)person->role;
	return HM_OK;
}

/*
 * The dates are no reason to refuse a challenge while a device of the order is
 * under way: it may have lost power before it had its stamp.
 */
hm_err
keeper_challenge(struct keeper *keeper, struct work *work)
{
	const struct ask_challenge *ask = work->body;
	const struct person *station;
	struct planned *order;
	struct hm_bytes name;

	HM_TRY(keeper_name(ask->order, &name));
	HM_TRY(keeper_maker(keeper, work, ask->peer, ask->door, &station));
	HM_TRY(keeper_station_order(keeper, station, name, &order));
	if (order->book.reserved == 0 &&
	    order->book.used == order->book.confirmed) {
		HM_TRY(book_check(&order->book, work->now_s));
		if (order->release->revoked)
			return HM_E_RELEASE_REVOKED;
	}
	memcpy(work->answer.challenge.release,
	    hm_release_measured(&order->release->object.release)->digest,
	    HM_DIGEST_LEN);
	memcpy(work->answer.challenge.station, station->name, sizeof(ask_name));
	return HM_OK;
}

hm_err
keeper_order(struct keeper *keeper, struct work *work)
{
	const struct ask_order *ask = work->body;
	struct ask_order_answer *ret = &work->answer.order;
	const struct person *person;
	const struct planned *order;
	struct hm_bytes name;

	HM_TRY(keeper_name(ask->order, &name));
	HM_TRY(keeper_admit(keeper, work, ask->peer, EVERYBODY, &person));
	order = plan_order(&keeper->plan, name);
	if (order == NULL)
		return HM_E_NO_ORDER;
	HM_TRY(check_sight(person, order));
	put_name(ret->order, order->object.order.name);
	put_name(ret->product, order->product->object.product.name);
	put_name(ret->release, order->release->object.release.name);
	ret->channel = (uint32_t)order->object.order.channel;
	ret->closed = order->book.closed;
	ret->quota = order->book.quota;
	ret->used = order->book.used;
	ret->reserved = order->book.reserved;
	ret->returned = order->book.returned;
	ret->confirmed = order->book.confirmed;
	ret->scrapped = order->book.scrapped;
	ret->left = book_left(&order->book);
	ret->not_before_s = order->book.not_before_s;
	ret->not_after_s = order->book.not_after_s;
	memcpy(ret->digest, order->digest, sizeof(ret->digest));
	return HM_OK;
}

/* ---- a release ---- */

static const struct planned *
find_release(const struct plan *plan, const struct ask_release *ask)
{
	struct hm_bytes name = { (const uint8_t *)ask->name,
		strnlen(ask->name, sizeof(ask->name)) };

	if (name.len == 0)
		return plan_by_digest(plan, HM_OBJECT_RELEASE, ask->digest);
	return plan_by_name(plan, HM_OBJECT_RELEASE, name);
}

static void
put_release(const struct planned *release, struct ask_release_answer *ret)
{
	const struct hm_release *r = &release->object.release;

	put_name(ret->name, r->name);
	put_name(ret->product, r->product);
	ret->channel = (uint32_t)r->channel;
	ret->counter = r->counter;
	ret->revoked = release->revoked;
	memcpy(ret->digest, release->digest, HM_DIGEST_LEN);
	memcpy(ret->promoted, r->promoted, HM_DIGEST_LEN);
	for (uint32_t i = 0; i < release->approval_count; i++) {
		struct ask_approval *one = &ret->approvals[i];

		memcpy(one->by, release->approvals[i].by, sizeof(one->by));
		one->at_s = release->approvals[i].at_s;
	}
	ret->approval_count = release->approval_count;
}

hm_err
keeper_release(struct keeper *keeper, struct work *work)
{
	const struct ask_release *ask = work->body;
	const struct planned *release;
	const struct person *person;

	_Static_assert(ASK_APPROVALS_MAX == PLAN_APPROVALS_MAX, "all fit");
	HM_TRY(keeper_admit(keeper, work, ask->peer, EVERYBODY, &person));
	release = find_release(&keeper->plan, ask);
	if (release == NULL)
		return HM_E_NOT_FOUND;
	put_release(release, &work->answer.release);
	return buf_add(
	    &work->out, (struct hm_bytes){ release->bytes, release->len });
}

/* ---- one device ---- */

static hm_err
find_device(
    struct keeper *keeper, const struct ask_device *ask, struct device *ret)
{
	struct hm_bytes serial = { (const uint8_t *)ask->serial,
		strnlen(ask->serial, sizeof(ask->serial)) };
	bool found;

	if (serial.len == 0)
		HM_TRY(device_find(keeper->db, ask->device_id, ret, &found));
	else if (!hm_is_serial(serial))
		return HM_E_BAD_INPUT;
	else
		HM_TRY(device_find_serial(keeper->db, serial, ret, &found));
	return found ? HM_OK : HM_E_NOT_FOUND;
}

/* The certificate from the stamp. */
static hm_err
add_certificate(
    struct keeper *keeper, struct work *work, const struct device *device)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_sign1 sign1;
	struct hm_stamp stamp;

	buf_init(&message, HM_STAMP_MAX);
	HM_TRY(stamp_load(keeper->db, device->id, &message));
	HM_TRY(hm_sign1_decode(buf_bytes(&message), HM_STAMP_MAX, &sign1));
	HM_TRY(hm_stamp_decode(sign1.payload, &stamp));
	return buf_add(&work->out, stamp.certificate);
}

static void
put_device(const struct device *device, const struct planned *order,
    struct ask_device_answer *ret)
{
	memcpy(ret->device_id, device->device_id, sizeof(ret->device_id));
	put_name(ret->order, order->object.order.name);
	memcpy(ret->station, device->station, sizeof(ret->station));
	memcpy(ret->serial, device->serial, sizeof(ret->serial));
	memcpy(ret->mac, device->mac, sizeof(ret->mac));
	ret->has_mac = device->has_mac;
	ret->state = (uint32_t)device->state;
	memcpy(ret->cert_serial, device->cert_serial, sizeof(ret->cert_serial));
	memcpy(ret->stamp, device->stamp, sizeof(ret->stamp));
	ret->issued_s = device->issued_s;
	ret->confirmed_s = device->confirmed_s;
	ret->issue_index = device->issue_index;
	ret->confirm_index = device->confirm_index;
}

hm_err
keeper_device(struct keeper *keeper, struct work *work)
{
	const struct ask_device *ask = work->body;
	const struct person *person;
	const struct planned *order;
	struct device device;

	HM_TRY(keeper_admit(keeper, work, ask->peer, EVERYBODY, &person));
	HM_TRY(find_device(keeper, ask, &device));
	order = plan_order_of(&keeper->plan, device.order);
	if (order == NULL)
		return HM_E_DATABASE;
	HM_TRY(check_sight(person, order));
	put_device(&device, order, &work->answer.device);
	sha256_one(HM_BYTES(device.identity), work->answer.device.identity);
	return device.has_stamp ? add_certificate(keeper, work, &device)
				: HM_OK;
}

/* ---- lists and files ---- */

static hm_err
put_quarantined(
    struct keeper *keeper, struct work *work, const struct db_stmt *q)
{
	struct ask_quarantined one;
	const struct planned *order =
	    plan_order_of(&keeper->plan, db_int(q, 1));

	if (order == NULL)
		return HM_E_DATABASE;
	memset(&one, 0, sizeof(one));
	HM_TRY(db_fixed(q, 0, one.device_id, sizeof(one.device_id)));
	put_name(one.order, order->object.order.name);
	strncat(one.station, db_text(q, 2), HM_NAME_MAX);
	strncat(one.serial, db_text(q, 3), HM_SERIAL_MAX);
	one.issued_s = db_uint(q, 4);
	return buf_add(
	    &work->out, (struct hm_bytes){ (uint8_t *)&one, sizeof(one) });
}

hm_err
keeper_quarantine(struct keeper *keeper, struct work *work)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	const struct ask_quarantine *ask = work->body;
	struct ask_quarantine_answer *ret = &work->answer.quarantine;
	const struct person *person;
	bool row;

	if (ask->after > INT64_MAX)
		return HM_E_BAD_INPUT;
	HM_TRY(keeper_admit(keeper, work, ask->peer, READERS, &person));
	HM_TRY(db_prepare(keeper->db,
	    "SELECT device_id, book, station, serial, issued_s FROM device"
	    " WHERE quarantine > 0 ORDER BY id LIMIT ? OFFSET ?",
	    &q, NULL));
	db_bind_int(&q, 1, ASK_LIST_MAX + 1);
	db_bind_uint(&q, 2, ask->after);
	for (;;) {
		HM_TRY(db_step(&q, &row, NULL));
		if (!row)
			return HM_OK;
		if (ret->count == ASK_LIST_MAX)
			break;
		HM_TRY(put_quarantined(keeper, work, &q));
		ret->count++;
	}
	ret->more = 1;
	return HM_OK;
}

/* The part of `whole` that was asked for. */
static hm_err
put_part(struct work *work, struct hm_bytes whole)
{
	const struct ask_part *ask = work->body;

	if (ask->offset > whole.len)
		return HM_E_BAD_INPUT;
	work->answer.part.total = whole.len;
	whole.ptr += ask->offset;
	whole.len -= (size_t)ask->offset;
	if (whole.len > ASK_TAIL_MAX)
		whole.len = ASK_TAIL_MAX;
	return buf_add(&work->out, whole);
}

hm_err
keeper_crl(struct keeper *keeper, struct work *work)
{
	AUTO(buf) struct buf der = { 0 };
	const struct ask_part *ask = work->body;
	const struct person *person;

	HM_TRY(keeper_admit(keeper, work, ask->peer, EVERYBODY, &person));
	buf_init(&der, CRL_DER_MAX);
	HM_TRY(crl_der(keeper->db, &der));
	return put_part(work, buf_bytes(&der));
}

static hm_err
file_path(const struct keeper *keeper, const struct ask_part *ask, char *ret,
    size_t size)
{
	char name[128] = "checkpoint";

	if (ask->level != ASK_CHECKPOINT)
		HM_TRY(tile_path(
		    ask->level, ask->index, ask->width, name, sizeof(name)));
	return path_join(ret, size, keeper->record.folder, name);
}

hm_err
keeper_file(struct keeper *keeper, struct work *work)
{
	const struct ask_part *ask = work->body;
	const struct person *person;
	char path[KEEPER_PATH_MAX];
	hm_err err;

	HM_TRY(keeper_admit(keeper, work, ask->peer,
	    ask->level == ASK_CHECKPOINT ? EVERYBODY : READERS, &person));
	HM_TRY(file_path(keeper, ask, path, sizeof(path)));
	err = file_read_part(path, ask->offset, ASK_TAIL_MAX, &work->out,
	    &work->answer.part.total, NULL);
	if (err == HM_E_FILE)
		return HM_E_NOT_FOUND;
	HM_TRY(err);
	return ask->offset > work->answer.part.total ? HM_E_BAD_INPUT : HM_OK;
}

hm_err
keeper_health(struct keeper *keeper, struct work *work)
{
	struct ask_health_answer *ret = &work->answer.health;

	ret->size = keeper->record.size;
	ret->database = (uint32_t)keeper->database;
	ret->token = (uint32_t)keeper->token;
	return HM_OK;
}

/* The proof itself is made after the commit, over what is then there. */
hm_err
keeper_growth(struct keeper *keeper, struct work *work)
{
	const struct ask_growth *ask = work->body;
	const struct person *person;

	if (ask->from > INT64_MAX)
		return HM_E_BAD_INPUT;
	return keeper_admit(keeper, work, ask->peer, EVERYBODY, &person);
}
