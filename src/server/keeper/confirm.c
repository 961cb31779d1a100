/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/p256.h"
#include "seal/sign1.h"

struct confirm {
	const struct ask_confirm *ask;
	const struct person *station;
	struct planned *order;
	struct device device;
	uint8_t digest[HM_DIGEST_LEN]; /* of the COSE_Sign1 */
};

/* SHA-256 of the message as the device sent it, put together again. */
static hm_err
make_digest(const struct confirm *confirm, struct hm_bytes kid,
    struct hm_bytes payload, uint8_t *ret)
{
	struct hm_sign1 sign1 = { .kid = kid, .payload = payload };
	uint8_t room[HM_CONFORMANCE_MAX];
	struct hm_bytes message = { room, 0 };

	memcpy(
	    sign1.signature, confirm->ask->signature, sizeof(sign1.signature));
	HM_TRY(hm_sign1_encode(
	    &sign1, (struct hm_span){ room, sizeof(room) }, &message.len));
	sha256_one(message, ret);
	return HM_OK;
}

/* Did the device's identity key sign this conformance? */
static hm_err
verify_signature(struct confirm *confirm)
{
	const struct ask_confirm *ask = confirm->ask;
	const uint8_t *key = confirm->device.identity;
	uint8_t room[HM_CONFORMANCE_MAX], digest[32], kid[HM_KID_LEN];
	struct hm_bytes payload = { room, 0 };
	struct hm_bytes named = { ask->kid, 0 };

	if (ask->has_kid != 0) {
		sign1_kid(key, kid);
		if (memcmp(kid, ask->kid, sizeof(kid)) != 0)
			return HM_E_SIGNATURE;
		named.len = sizeof(ask->kid);
	}
	HM_TRY(hm_conformance_encode(&ask->conformance,
	    (struct hm_span){ room, sizeof(room) }, &payload.len));
	HM_TRY(sign1_digest(
	    named, HM_LITERAL(HM_AAD_CONFORMANCE), payload, digest));
	HM_TRY(p256_verify(key, digest, ask->signature));
	return make_digest(confirm, named, payload, confirm->digest);
}

/* Does it hold what it was given, and run what it should? */
static hm_err
check_content(const struct confirm *confirm)
{
	const struct hm_conformance *said = &confirm->ask->conformance;
	const struct hm_release *release =
	    &confirm->order->release->object.release;

	if (memcmp(said->stamp, confirm->device.stamp, HM_DIGEST_LEN) != 0)
		return HM_E_CONFORMANCE;
	if (memcmp(said->release, hm_release_measured(release)->digest,
		HM_DIGEST_LEN) != 0)
		return HM_E_CONFORMANCE;
	if (said->counter < confirm->device.counter ||
	    said->lock < confirm->device.lock)
		return HM_E_CONFORMANCE;
	return HM_OK;
}

static hm_err
store(struct keeper *keeper, struct work *work, struct confirm *confirm)
{
	const struct ask_confirm *ask = confirm->ask;
	struct device *device = &confirm->device;
	struct hm_entry entry = { .type = HM_ENTRY_CONFIRM,
		.time_s = work->now_s };

	HM_TRY(book_confirm(&confirm->order->book));
	confirm->order->dirty = true;
	entry.confirm.order = confirm->order->object.order.name;
	entry.confirm.station = hm_bytes_of(confirm->station->name);
	entry.confirm.lock = ask->conformance.lock;
	memcpy(entry.confirm.device_id, device->device_id, HM_DEVICE_ID_LEN);
	memcpy(entry.confirm.stamp, device->stamp, HM_DIGEST_LEN);
	memcpy(entry.confirm.conformance, confirm->digest, HM_DIGEST_LEN);
	buf_clear(&work->entry);
	HM_TRY(record_add(&keeper->record, &entry, &work->index, &work->entry));
	device->state = HM_STATE_CONFIRMED;
	device->confirmed_s = work->now_s;
	device->confirm_index = work->index;
	device->due_s = 0;
	device->quarantine = false;
	return device_store_state(keeper->db, device);
}

static hm_err
look_up(struct keeper *keeper, struct work *work, struct confirm *ret)
{
	struct hm_bytes name;
	bool found;

	ret->ask = work->body;
	HM_TRY(keeper_name(ret->ask->order, &name));
	HM_TRY(keeper_maker(
	    keeper, work, ret->ask->peer, ret->ask->door, &ret->station));
	HM_TRY(keeper_station_order(keeper, ret->station, name, &ret->order));
	HM_TRY(device_find(
	    keeper->db, ret->ask->conformance.device_id, &ret->device, &found));
	if (!found || ret->device.order != ret->order->id)
		return HM_E_NOT_FOUND;
	HM_TRY(keeper_is_itself(ret->station, ret->device.identity));
	return ret->device.has_stamp ? HM_OK : HM_E_WRONG_STATE;
}

hm_err
keeper_confirm(struct keeper *keeper, struct work *work)
{
	struct confirm confirm = { 0 };
	const struct device *device = &confirm.device;

	HM_TRY(look_up(keeper, work, &confirm));
	HM_TRY(check_content(&confirm));
	HM_TRY(verify_signature(&confirm));
	if (device->confirm_index != NO_LEAF)
		return keeper_repeat(keeper, work, device->confirm_index);
	/* Held by its time-out it may come late; by a command it may not. */
	if (!hm_state_may(device->state, HM_STATE_CONFIRMED) ||
	    (device->state == HM_STATE_HELD && !device->quarantine))
		return HM_E_WRONG_STATE;
	return store(keeper, work, &confirm);
}
