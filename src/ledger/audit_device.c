/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_inner.h"

#include <inttypes.h>
#include <string.h>

#include "wire/cose.h"
#include "wire/void.h"

#define NAME(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static const uint8_t zeros[HM_DIGEST_LEN];

static struct audit_device *
find_device(
    struct audit *audit, const uint8_t device_id[static HM_DEVICE_ID_LEN])
{
	const struct audit_slot *slot;
	uint8_t key[AUDIT_KEY_LEN];

	audit_key((struct hm_bytes){ device_id, HM_DEVICE_ID_LEN }, key);
	slot = audit_table_find(&audit->ids, key);
	return slot ? &audit->devices.list[slot->value - 1] : NULL;
}

static hm_err
add_device(struct audit *audit,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], uint32_t order,
    struct audit_device **ret)
{
	uint32_t index = audit->devices.count, old;
	uint8_t key[AUDIT_KEY_LEN];
	bool is_new;

	HM_TRY(AUDIT_GROW(&audit->devices));
	audit_key((struct hm_bytes){ device_id, HM_DEVICE_ID_LEN }, key);
	HM_TRY(audit_table_add(&audit->ids, key, index, &old, &is_new));
	audit->devices.count++;
	*ret = &audit->devices.list[index];
	(*ret)->order = order;
	return HM_OK;
}

/* May this order have one more device, now? */
static void
check_grant(struct audit *audit, uint32_t at, uint64_t time_s)
{
	const struct audit_grant *grant = &audit->grants.list[at];
	const struct audit_order *order = &audit->orders.list[at];

	if (grant->counted > order->ordered)
		audit_entry_found(audit,
		    "unit %" PRIu32 " of the order %s, which allows %" PRIu32,
		    grant->counted, order->name, order->ordered);
	if (order->closed)
		audit_entry_found(
		    audit, "the order %s was closed before", order->name);
	if (time_s < grant->not_before_s || time_s >= grant->not_after_s)
		audit_entry_found(
		    audit, "outside the dates of the order %s", order->name);
}

/* Find the order, or say that there is none. */
static uint32_t
order_of(struct audit *audit, struct hm_bytes name)
{
	uint32_t order = audit_find_order(audit, name);

	if (order == UINT32_MAX)
		audit_entry_found(audit,
		    "the order %.*s is not in the log before", NAME(name));
	return order;
}

/* A unit goes back to its order. */
static void
give_back(struct audit *audit, const struct audit_device *device)
{
	struct audit_grant *grant = &audit->grants.list[device->order];

	if (grant->counted > 0)
		grant->counted--;
	if (device->state == HM_STATE_RESERVED)
		audit->orders.list[device->order].reserved--;
}

/* Returned before anything was signed for it, a device is as new. */
static bool
is_unused(const struct audit_device *device)
{
	return device->state == HM_STATE_RETURNED && !device->issued;
}

/* --- reserve and issue --- */

hm_err
audit_reserve(struct audit *audit, const struct hm_entry *entry)
{
	const struct hm_entry_reserve *reserve = &entry->reserve;
	uint32_t order = order_of(audit, reserve->order);
	struct audit_device *device = find_device(audit, reserve->device_id);

	if (order != UINT32_MAX)
		audit_check_station(audit, order, reserve->station);
	if (device && !is_unused(device)) {
		audit_entry_found(audit, "the device is %s already",
		    hm_state_name((hm_device_state)device->state));
		return HM_OK;
	}
	if (!device)
		HM_TRY(add_device(audit, reserve->device_id, order, &device));
	device->order = order;
	device->state = HM_STATE_RESERVED;
	if (order != UINT32_MAX) {
		audit->grants.list[order].counted++;
		audit->orders.list[order].reserved++;
		check_grant(audit, order, entry->time_s);
	}
	return HM_OK;
}

/* The serial number must be the prefix and digits of a number of the order. */
static bool
find_number(const struct audit_grant *grant, struct hm_bytes serial,
    uint64_t *ret_number)
{
	size_t prefix = strlen(grant->prefix);
	uint64_t value = 0;

	if (serial.len != prefix + grant->digits ||
	    memcmp(serial.ptr, grant->prefix, prefix) != 0)
		return false;
	for (size_t i = prefix; i < serial.len; i++) {
		if (serial.ptr[i] < '0' || serial.ptr[i] > '9')
			return false;
		value = 10 * value + (uint64_t)(serial.ptr[i] - '0');
	}
	*ret_number = value - grant->first;
	return value >= grant->first;
}

static uint64_t
mac_number(const uint8_t mac[static HM_MAC_LEN])
{
	uint8_t wide[8] = { 0 };

	memcpy(wide + 2, mac, HM_MAC_LEN);
	return hm_get_u64(wide);
}

static void
check_numbers(
    struct audit *audit, uint32_t at, const struct hm_entry_issue *issue)
{
	const struct audit_grant *grant = &audit->grants.list[at];
	const struct audit_order *order = &audit->orders.list[at];
	uint64_t number;

	if (!find_number(grant, issue->serial, &number) ||
	    number >= (uint64_t)order->ordered + order->returns) {
		audit_entry_found(audit,
		    "the serial number %.*s is not one of the order %s",
		    NAME(issue->serial), order->name);
		return;
	}
	if (issue->has_mac != grant->has_macs ||
	    (issue->has_mac &&
		mac_number(issue->mac) != grant->mac_first + number))
		audit_entry_found(audit,
		    "the MAC address is not the one of serial number %.*s",
		    NAME(issue->serial));
}

static hm_err
check_once(struct audit *audit, struct audit_table *table,
    const uint8_t key[static AUDIT_KEY_LEN], const char *what)
{
	uint32_t old;
	bool is_new;

	HM_TRY(audit_table_add(
	    table, key, (uint32_t)audit->tree.size, &old, &is_new));
	if (!is_new)
		audit_entry_found(
		    audit, "the %s of entry %" PRIu32 " again", what, old);
	return HM_OK;
}

static hm_err
check_unique(struct audit *audit, const struct hm_entry_issue *issue)
{
	uint8_t key[AUDIT_KEY_LEN], mac[AUDIT_KEY_LEN] = { 0 };

	audit_key(issue->serial, key);
	memcpy(mac, issue->mac, HM_MAC_LEN);
	HM_TRY(check_once(audit, &audit->serials, key, "serial number"));
	HM_TRY(check_once(
	    audit, &audit->identities, issue->identity, "identity key"));
	HM_TRY(
	    check_once(audit, &audit->evidences, issue->evidence, "evidence"));
	HM_TRY(check_once(
	    audit, &audit->certificates, issue->certificate, "certificate"));
	HM_TRY(check_once(audit, &audit->stamps, issue->stamp, "stamp"));
	if (!issue->has_mac)
		return HM_OK;
	return check_once(audit, &audit->macs, mac, "MAC address");
}

static void
check_issue(struct audit *audit, uint32_t at, const struct hm_entry *entry)
{
	const struct audit_grant *grant = &audit->grants.list[at];
	const struct hm_entry_issue *issue = &entry->issue;

	audit_check_station(audit, at, issue->station);
	if (memcmp(issue->product, grant->product, HM_DIGEST_LEN) != 0)
		audit_entry_found(
		    audit, "it is of another product than the order");
	if (memcmp(issue->release, grant->image, HM_DIGEST_LEN) != 0)
		audit_entry_found(
		    audit, "it runs another firmware than the order's release");
	if (grant->release != UINT32_MAX &&
	    audit->releases.list[grant->release].revoked)
		audit_entry_found(
		    audit, "it was made after its release was revoked");
	check_numbers(audit, at, issue);
}

/* Count a unit that was not reserved before, or take up the one that was. */
static void
count_issue(struct audit *audit, struct audit_device *device, uint32_t order,
    const struct hm_entry *entry)
{
	if (device->state == HM_STATE_RESERVED) {
		if (device->order != order)
			audit_entry_found(
			    audit, "the device was reserved for another order");
		else if (order != UINT32_MAX)
			audit->orders.list[order].reserved--;
	} else if (order != UINT32_MAX) {
		audit->grants.list[order].counted++;
		check_grant(audit, order, entry->time_s);
	}
	if (order != UINT32_MAX)
		audit->orders.list[order].issued++;
}

hm_err
audit_issue(struct audit *audit, const struct hm_entry *entry)
{
	const struct hm_entry_issue *issue = &entry->issue;
	uint32_t order = order_of(audit, issue->order);
	struct audit_device *device = find_device(audit, issue->device_id);

	if (order != UINT32_MAX)
		check_issue(audit, order, entry);
	HM_TRY(check_unique(audit, issue));
	if (!device)
		HM_TRY(add_device(audit, issue->device_id, order, &device));
	else if (device->state != HM_STATE_RESERVED && !is_unused(device))
		audit_entry_found(audit,
		    "the device was issued before: it is %s",
		    hm_state_name((hm_device_state)device->state));
	count_issue(audit, device, order, entry);
	device->order = order;
	device->state = HM_STATE_ISSUED;
	device->issued = true;
	memcpy(device->stamp, issue->stamp, AUDIT_KEY_LEN);
	return HM_OK;
}

/* --- what comes after --- */

/* The device that an entry speaks of, if it is of that order. */
static struct audit_device *
known_device(struct audit *audit,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], struct hm_bytes order)
{
	struct audit_device *device = find_device(audit, device_id);

	if (!device) {
		audit_entry_found(audit, "the device is not in the log before");
		return NULL;
	}
	if (device->order == UINT32_MAX ||
	    audit_find_order(audit, order) != device->order) {
		audit_entry_found(
		    audit, "the device is not of the order %.*s", NAME(order));
		return NULL;
	}
	return device;
}

static void
move(struct audit *audit, struct audit_device *device, hm_device_state to)
{
	hm_device_state from = (hm_device_state)device->state;

	if (!hm_state_may(from, to))
		audit_entry_found(audit, "the device cannot go from %s to %s",
		    hm_state_name(from), hm_state_name(to));
	if (to == HM_STATE_HELD)
		device->held_from = device->state;
	device->state = (uint8_t)to;
}

void
audit_confirm(struct audit *audit, const struct hm_entry *entry)
{
	const struct hm_entry_confirm *confirm = &entry->confirm;
	struct audit_device *device =
	    known_device(audit, confirm->device_id, confirm->order);

	if (!device)
		return;
	audit_check_station(audit, device->order, confirm->station);
	if (memcmp(device->stamp, confirm->stamp, AUDIT_KEY_LEN) != 0)
		audit_entry_found(
		    audit, "it confirms another stamp than the issued one");
	if (confirm->lock < audit->grants.list[device->order].lock_min)
		audit_entry_found(
		    audit, "the device is less locked than its product allows");
	/* Late, out of quarantine, is no other way than in time. */
	if (device->state == HM_STATE_HELD && !device->quarantine)
		audit_entry_found(audit, "the device was held by a command");
	move(audit, device, HM_STATE_CONFIRMED);
	audit->orders.list[device->order].confirmed++;
}

static void
check_void(struct audit *audit, const struct hm_entry_void *voided)
{
	struct hm_bytes payload;
	struct hm_void said;

	if (audit_open_by_station(audit, voided->station,
		HM_LITERAL(HM_AAD_VOID), voided->void_, &payload) != HM_OK)
		audit_entry_found(audit, "the station %.*s did not sign it",
		    NAME(voided->station));
	else if (hm_void_decode(payload, &said) != HM_OK ||
		 !hm_bytes_equal(said.order, voided->order) ||
		 memcmp(said.device_id, voided->device_id, HM_DEVICE_ID_LEN) !=
		     0)
		audit_entry_found(
		    audit, "the station signed it for another device or order");
}

/* Until it is confirmed; a time-out makes no difference. */
static bool
may_void(const struct audit_device *device)
{
	return device->state == HM_STATE_RESERVED ||
	       device->state == HM_STATE_ISSUED ||
	       (device->state == HM_STATE_HELD && device->quarantine);
}

void
audit_void(struct audit *audit, const struct hm_entry *entry)
{
	const struct hm_entry_void *voided = &entry->voided;
	struct audit_device *device =
	    known_device(audit, voided->device_id, voided->order);
	struct audit_order *order;

	if (!device)
		return;
	order = &audit->orders.list[device->order];
	audit_check_station(audit, device->order, voided->station);
	check_void(audit, voided);
	if (device->state == HM_STATE_RESERVED) {
		if (!voided->returned)
			audit_entry_found(
			    audit, "a unit that was only reserved must return");
	} else if (voided->returned) {
		order->returned++;
		if (order->returned > order->returns)
			audit_entry_found(audit,
			    "return %" PRIu32 " of the order %s, which allows "
			    "%" PRIu32,
			    order->returned, order->name, order->returns);
	}
	if (!may_void(device)) {
		audit_entry_found(audit, "the device is %s: too late to void",
		    hm_state_name((hm_device_state)device->state));
		return;
	}
	if (voided->returned)
		give_back(audit, device);
	move(audit, device,
	    voided->returned ? HM_STATE_RETURNED : HM_STATE_SCRAPPED);
}

static hm_device_state
state_of(hm_verb verb)
{
	switch (verb) {
	case HM_VERB_SCRAP:
		return HM_STATE_SCRAPPED;
	case HM_VERB_REVOKE:
		return HM_STATE_REVOKED;
	case HM_VERB_HOLD:
		return HM_STATE_HELD;
	case HM_VERB_REWORK:
		return HM_STATE_REWORK;
	case HM_VERB_RMA:
		return HM_STATE_RMA;
	case HM_VERB_CLOSE_ORDER:
	case HM_VERB_RELEASE_HOLD:
	case HM_VERB_REVOKE_CREDENTIAL:
	case HM_VERB_REVOKE_RELEASE:
		break;
	}
	return HM_STATE_NEW;
}

/* A change by command needs the command, for this device, once. */
static void
check_command(struct audit *audit, const struct hm_entry_state *state)
{
	const struct audit_slot *slot =
	    audit_table_find(&audit->command_digests, state->command);
	struct audit_command *command =
	    slot ? &audit->commands.list[slot->value - 1] : NULL;
	uint8_t device[AUDIT_KEY_LEN];

	audit_key(HM_BYTES(state->device_id), device);
	if (!command ||
	    memcmp(command->digest, state->command, HM_DIGEST_LEN) != 0) {
		audit_entry_found(
		    audit, "its command is not in the log before");
		return;
	}
	if (memcmp(command->device, device, sizeof(device)) != 0)
		audit_entry_found(audit, "its command is for another device");
	if (command->used)
		audit_entry_found(audit, "its command was used before");
	command->used = true;
	if (command->verb == HM_VERB_RELEASE_HOLD
		? state->from != HM_STATE_HELD && state->from != HM_STATE_REWORK
		: state_of(command->verb) != state->to)
		audit_entry_found(audit, "its command says something else");
}

/* Changes that need no command: time-outs, and the receipt handed out. */
static bool
needs_command(const struct hm_entry_state *state)
{
	if (state->from == HM_STATE_ISSUED && state->to == HM_STATE_HELD)
		return false;
	if (state->from == HM_STATE_RESERVED && state->to == HM_STATE_RETURNED)
		return false;
	return state->to != HM_STATE_ACTIVE ||
	       (state->from != HM_STATE_CONFIRMED &&
		   state->from != HM_STATE_REWORK);
}

/* Changes that have an entry of their own. */
static bool
has_own_entry(const struct hm_entry_state *state)
{
	if (state->from == HM_STATE_RESERVED)
		return state->to != HM_STATE_RETURNED;
	return state->from == HM_STATE_NEW || state->to == HM_STATE_RETURNED ||
	       (state->from == HM_STATE_ISSUED &&
		   state->to == HM_STATE_CONFIRMED);
}

void
audit_state(struct audit *audit, const struct hm_entry *entry)
{
	const struct hm_entry_state *state = &entry->state;
	struct audit_device *device = find_device(audit, state->device_id);
	bool by_command = memcmp(state->command, zeros, sizeof(zeros)) != 0;

	if (!device) {
		audit_entry_found(audit, "the device is not in the log before");
		return;
	}
	if (device->state != state->from)
		audit_entry_found(audit, "the device is %s, not %s",
		    hm_state_name((hm_device_state)device->state),
		    hm_state_name(state->from));
	if (by_command)
		check_command(audit, state);
	else if (needs_command(state))
		audit_entry_found(audit, "it needs a command");
	if (has_own_entry(state))
		audit_entry_found(audit, "from %s to %s has another entry",
		    hm_state_name(state->from), hm_state_name(state->to));
	if (state->from == HM_STATE_HELD &&
	    hm_state_may(state->to, state->from) &&
	    state->to != device->held_from)
		audit_entry_found(audit, "it was held while %s, not %s",
		    hm_state_name((hm_device_state)device->held_from),
		    hm_state_name(state->to));
	if (device->state == HM_STATE_RESERVED &&
	    state->to == HM_STATE_RETURNED && device->order != UINT32_MAX)
		give_back(audit, device);
	move(audit, device, state->to);
	device->quarantine = state->to == HM_STATE_HELD && !by_command;
}

void
audit_count(struct audit *audit)
{
	struct audit_order *total = &audit->result.total;

	for (uint32_t i = 0; i < audit->devices.count; i++) {
		const struct audit_device *device = &audit->devices.list[i];

		if (device->order == UINT32_MAX)
			continue;
		if (device->state == HM_STATE_SCRAPPED)
			audit->orders.list[device->order].scrapped++;
		if (device->state == HM_STATE_REVOKED)
			audit->orders.list[device->order].revoked++;
	}
	for (uint32_t i = 0; i < audit->orders.count; i++) {
		const struct audit_order *order = &audit->orders.list[i];

		total->ordered += order->ordered;
		total->returns += order->returns;
		total->reserved += order->reserved;
		total->issued += order->issued;
		total->confirmed += order->confirmed;
		total->returned += order->returned;
		total->scrapped += order->scrapped;
		total->revoked += order->revoked;
	}
}
