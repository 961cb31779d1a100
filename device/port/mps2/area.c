/* SPDX-License-Identifier: Apache-2.0 */
/* The areas of hallmark/flash.h on the one flash of map.h. */
#include "mps2.h"

#include <string.h>

#include "core/check.h"
#include "hallmark/flash.h"
#include "map.h"

struct place {
	hm_area area;
	uint32_t at, size, sector;
};

static const struct place places[] = {
	{ HM_AREA_JOURNAL, MPS2_JOURNAL_AT, MPS2_JOURNAL_SIZE, MPS2_SECTOR },
	{ HM_AREA_VAULT, MPS2_VAULT_AT, MPS2_VAULT_SIZE, MPS2_VAULT_SECTOR },
	{ HM_AREA_SLOT_A, MPS2_SLOT_A_AT, MPS2_SLOT_SIZE, MPS2_SECTOR },
	{ HM_AREA_SLOT_B, MPS2_SLOT_B_AT, MPS2_SLOT_SIZE, MPS2_SECTOR },
	{ HM_AREA_FACTORY, MPS2_FACTORY_AT, MPS2_SLOT_SIZE, MPS2_SECTOR },
};

static const struct place *
find(hm_area area)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].area == area)
			return &places[i];
	return NULL;
}

/* `len` bytes from `at` on, which the area must have. */
static uint32_t
within(hm_area area, uint32_t at, size_t len)
{
	const struct place *place = find(area);

	hm_assert(
	    place != NULL && at <= place->size && len <= place->size - at);
	return place->at + at;
}

hm_err
hm_port_flash(hm_area area, struct hm_flash *ret)
{
	const struct place *place = find(area);

	if (place == NULL)
		return HM_E_NOT_FOUND;
	*ret = (struct hm_flash){ .size = place->size,
		.sector = place->sector,
		.unit = MPS2_UNIT,
		.erased = MPS2_ERASED };
	return HM_OK;
}

hm_err
hm_port_flash_read(hm_area area, uint32_t at, struct hm_span ret)
{
	memcpy(ret.ptr, nor_at(within(area, at, ret.len)), ret.len);
	return HM_OK;
}

hm_err
hm_port_flash_program(hm_area area, uint32_t at, struct hm_bytes bytes)
{
	nor_program(
	    within(area, at, bytes.len), bytes.ptr, (uint32_t)bytes.len);
	return HM_OK;
}

hm_err
hm_port_flash_erase(hm_area area, uint32_t at)
{
	uint32_t sector = find(area) != NULL ? find(area)->sector : 1;

	nor_erase(within(area, at, sector), sector);
	return HM_OK;
}
