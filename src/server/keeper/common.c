/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <string.h>

#include "wire/challenge.h"

hm_err
keeper_admit(struct keeper *keeper, const struct work *work,
    const uint8_t key[static HM_POINT_LEN], unsigned roles,
    const struct person **ret)
{
	const struct person *person;

	HM_TRY(people_admit(&keeper->people, key, work->now_s, &person));
	if ((ROLE_BIT(person->role) & roles) == 0)
		return HM_E_RIGHTS;
	*ret = person;
	return HM_OK;
}

hm_err
keeper_maker(struct keeper *keeper, const struct work *work,
    const uint8_t key[static HM_POINT_LEN], uint32_t door,
    const struct person **ret)
{
	unsigned roles = 0;

	if (door == ASK_DOOR_LINE)
		roles = ROLE_BIT(HM_ROLE_STATION);
	if (door == ASK_DOOR_DEVICES)
		roles = ROLE_BIT(HM_ROLE_DEVICE);
	return keeper_admit(keeper, work, key, roles, ret);
}

hm_err
keeper_is_itself(
    const struct person *person, const uint8_t identity[static HM_POINT_LEN])
{
	if (person->role != HM_ROLE_DEVICE)
		return HM_OK;
	return memcmp(person->key, identity, HM_POINT_LEN) == 0 ? HM_OK
								: HM_E_RIGHTS;
}

/* A station makes what names it, a device the order that it was made for. */
static bool
may_make(const struct person *person, const struct planned *order)
{
	return person->role == HM_ROLE_DEVICE
		   ? strcmp(person->bound, order->name) == 0
		   : plan_names_station(order, person->name);
}

hm_err
keeper_name(const ask_name name, struct hm_bytes *ret)
{
	struct hm_bytes text = { (const uint8_t *)name,
		strnlen(name, sizeof(ask_name)) };

	if (!hm_is_name(text))
		return HM_E_BAD_INPUT;
	*ret = text;
	return HM_OK;
}

hm_err
keeper_station_order(struct keeper *keeper, const struct person *station,
    struct hm_bytes name, struct planned **ret)
{
	struct planned *order = plan_order(&keeper->plan, name);

	if (order == NULL)
		return HM_E_NO_ORDER;
	if (!may_make(station, order))
		return HM_E_ORDER_STATION;
	*ret = order;
	return HM_OK;
}

hm_err
keeper_change_state(struct keeper *keeper, struct device *device,
    hm_device_state to, const uint8_t command[static HM_DIGEST_LEN],
    uint64_t now_s)
{
	struct hm_entry entry = { .type = HM_ENTRY_STATE, .time_s = now_s };

	if (!hm_state_may(device->state, to))
		return HM_E_WRONG_STATE;
	memcpy(entry.state.device_id, device->device_id, HM_DEVICE_ID_LEN);
	entry.state.from = device->state;
	entry.state.to = to;
	memcpy(entry.state.command, command, HM_DIGEST_LEN);
	HM_TRY(record_add(&keeper->record, &entry, NULL, NULL));
	device->state = to;
	return HM_OK;
}

hm_err
keeper_repeat(struct keeper *keeper, struct work *work, uint64_t index)
{
	buf_clear(&work->entry);
	HM_TRY(record_entry(&keeper->record, index, &work->entry));
	work->index = index;
	return HM_OK;
}
