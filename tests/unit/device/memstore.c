/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of the chip in memory. Left out where a vault is linked. */
#include "memport.h"

#include <string.h>

/* One step: power goes here, if it was ordered. */
static void
step(void)
{
	if (++chip.steps == chip.cut_at)
		longjmp(*chip.power_cut, 1);
}

hm_err
hm_port_store_read(hm_record record, struct hm_span room, size_t *ret_len)
{
	const struct memrecord *from = &chip.records[record];

	if (chip.fail_read)
		return HM_E_STORAGE;
	if (!from->there)
		return HM_E_NOT_FOUND;
	if (room.len < from->len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, from->bytes, from->len);
	*ret_len = from->len;
	return HM_OK;
}

hm_err
hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	struct memrecord *to = &chip.records[record];
	bool fails = ++chip.writes == chip.fail_at;

	if (bytes.len > sizeof(to->bytes) || (fails && !chip.fail_after))
		return HM_E_STORAGE;
	step();
	if (bytes.len > 0)
		memcpy(to->bytes, bytes.ptr, bytes.len);
	to->len = bytes.len;
	to->there = true;
	step();
	return fails ? HM_E_STORAGE : HM_OK;
}
