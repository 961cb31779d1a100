/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "base/text.h"

/* What a verb does to a device. */
struct turn {
	hm_verb verb;
	hm_device_state to; /* NEW: back to where it was held */
	bool revokes;       /* its certificate onto the list */
	uint8_t reason;
};

static const struct turn turns[] = {
	{ HM_VERB_SCRAP, HM_STATE_SCRAPPED, true, CRL_CESSATION },
	{ HM_VERB_REVOKE, HM_STATE_REVOKED, true, CRL_UNSPECIFIED },
	{ HM_VERB_HOLD, HM_STATE_HELD, false, 0 },
	{ HM_VERB_RELEASE_HOLD, HM_STATE_NEW, false, 0 },
	{ HM_VERB_REWORK, HM_STATE_REWORK, false, 0 },
	{ HM_VERB_RMA, HM_STATE_RMA, false, 0 },
};

static const struct turn *
turn_of(hm_verb verb)
{
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
		if (turns[i].verb == verb)
			return &turns[i];
	return NULL;
}

/* ---- devices ---- */

static hm_err
find_device(
    struct keeper *keeper, const struct hm_command *command, struct device *ret)
{
	uint8_t device_id[HM_DEVICE_ID_LEN];
	bool found;

	HM_TRY(hex_parse(command->target, device_id, sizeof(device_id)));
	if (keeper_is_out(keeper, device_id))
		return HM_E_BUSY;
	HM_TRY(device_find(keeper->db, device_id, ret, &found));
	return found ? HM_OK : HM_E_NOT_FOUND;
}

static hm_err
target_state(
    const struct turn *turn, const struct device *device, hm_device_state *ret)
{
	if (turn == NULL)
		return HM_E_BAD_INPUT; /* a verb that is none for devices */
	if (turn->to != HM_STATE_NEW)
		*ret = turn->to;
	else if (device->state == HM_STATE_HELD)
		*ret = device->held_from;
	else
		return HM_E_WRONG_STATE;
	/* A unit that nothing was signed for has a time-out, no fate. */
	if (!device->has_stamp)
		return HM_E_WRONG_STATE;
	return hm_state_may(device->state, *ret) ? HM_OK : HM_E_WRONG_STATE;
}

static hm_err
check_device(struct keeper *keeper, const struct hm_command *command)
{
	struct device device;
	hm_device_state to;

	HM_TRY(find_device(keeper, command, &device));
	return target_state(turn_of(command->verb), &device, &to);
}

static hm_err
change_device(struct keeper *keeper, const struct hm_command *command,
    const uint8_t *digest, uint64_t now_s)
{
	const struct turn *turn = turn_of(command->verb);
	struct planned *order;
	struct device device;
	hm_device_state to;

	HM_TRY(find_device(keeper, command, &device));
	HM_TRY(target_state(turn, &device, &to));
	order = plan_order_of(&keeper->plan, device.order);
	if (order == NULL)
		return HM_E_DATABASE;
	if (to == HM_STATE_HELD)
		device.held_from = device.state;
	HM_TRY(keeper_change_state(keeper, &device, to, digest, now_s));
	device.quarantine = false;
	device.due_s = 0;
	if (to == HM_STATE_ISSUED)
		device.due_s = now_s + order->object.order.confirm_within_s;
	if (to == HM_STATE_SCRAPPED) {
		order->book.scrapped++;
		order->dirty = true;
	}
	if (turn->revokes)
		HM_TRY(crl_add(&keeper->crl, keeper->db, device.cert_serial,
		    now_s, turn->reason));
	return device_store(keeper->db, &device);
}

/* ---- orders and credentials ---- */

static hm_err
check_close(struct keeper *keeper, const struct hm_command *command)
{
	const struct planned *order =
	    plan_order(&keeper->plan, command->target);

	if (order == NULL)
		return HM_E_NO_ORDER;
	return order->book.closed ? HM_E_ORDER_CLOSED : HM_OK;
}

static hm_err
check_revoke(struct keeper *keeper, const struct hm_command *command)
{
	const struct person *person =
	    people_by_name(&keeper->people, command->target);

	if (person == NULL)
		return HM_E_NOT_FOUND;
	return person->revoked ? HM_E_UNKNOWN_PEER : HM_OK;
}

static hm_err
find_release(struct keeper *keeper, const struct hm_command *command,
    struct planned **ret)
{
	uint8_t digest[HM_DIGEST_LEN];

	HM_TRY(hex_parse(command->target, digest, sizeof(digest)));
	*ret = plan_release(&keeper->plan, digest);
	return *ret != NULL ? HM_OK : HM_E_NOT_FOUND;
}

/* From now on nothing is made with it; what is with the signer comes first, so
 * that no device stands in the ledger behind the revocation. */
static hm_err
check_revoke_release(struct keeper *keeper, const struct hm_command *command)
{
	struct planned *release;

	HM_TRY(find_release(keeper, command, &release));
	if (release->revoked)
		return HM_E_RELEASE_REVOKED;
	release->stopping = true;
	return plan_is_out(&keeper->plan, release) ? HM_E_BUSY : HM_OK;
}

static hm_err
revoke_release(struct keeper *keeper, const struct hm_command *command)
{
	struct planned *release;

	HM_TRY(find_release(keeper, command, &release));
	release->revoked = true;
	return HM_OK;
}

hm_err
keeper_check_command(struct keeper *keeper, const struct hm_command *command)
{
	if (command->verb == HM_VERB_REVOKE_RELEASE)
		return check_revoke_release(keeper, command);
	if (command->verb == HM_VERB_CLOSE_ORDER)
		return check_close(keeper, command);
	if (command->verb == HM_VERB_REVOKE_CREDENTIAL)
		return check_revoke(keeper, command);
	return check_device(keeper, command);
}

hm_err
keeper_do_command(struct keeper *keeper, const struct hm_command *command,
    const uint8_t digest[static HM_DIGEST_LEN], uint64_t now_s)
{
	struct planned *order;

	if (command->verb == HM_VERB_CLOSE_ORDER) {
		order = plan_order(&keeper->plan, command->target);
		order->book.closed = true;
		order->dirty = true;
		return HM_OK;
	}
	if (command->verb == HM_VERB_REVOKE_CREDENTIAL)
		return people_revoke(keeper->db,
		    people_by_name(&keeper->people, command->target));
	if (command->verb == HM_VERB_REVOKE_RELEASE)
		return revoke_release(keeper, command);
	return change_device(keeper, command, digest, now_s);
}

/* ---- time-outs ---- */

/* Never signed: back to the order. Never confirmed: onto the list. */
static hm_err
time_out(struct keeper *keeper, struct device *device, uint64_t now_s)
{
	static const uint8_t nobody[HM_DIGEST_LEN];
	struct planned *order = plan_order_of(&keeper->plan, device->order);
	bool reserved = device->state == HM_STATE_RESERVED;

	if (order == NULL)
		return HM_E_DATABASE;
	if (reserved)
		HM_TRY(plan_unreserve(order, keeper->db, device->number));
	device->held_from = device->state;
	HM_TRY(keeper_change_state(keeper, device,
	    reserved ? HM_STATE_RETURNED : HM_STATE_HELD, nobody, now_s));
	device->due_s = 0;
	device->quarantine = !reserved;
	if (reserved) {
		device->serial[0] = '\0';
		device->has_mac = false;
	}
	return device_store(keeper->db, device);
}

hm_err
keeper_do_timeouts(struct keeper *keeper, uint64_t now_s, uint32_t *ret_count)
{
	struct device device;
	bool found;

	*ret_count = 0;
	while (*ret_count < KEEPER_BATCH_MAX) {
		HM_TRY(device_find_due(keeper->db, now_s, &device, &found));
		if (!found)
			break;
		HM_TRY(time_out(keeper, &device, now_s));
		++*ret_count;
	}
	return HM_OK;
}
