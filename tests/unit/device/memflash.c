/* SPDX-License-Identifier: Apache-2.0 */
#include "memflash.h"

#include <string.h>

#include "core/check.h"

struct memflash flash;

void
memflash_reset(void)
{
	memset(&flash, 0, sizeof(flash));
	flash.size = 65536;
	memset(flash.a, 0xFF, sizeof(flash.a));
	memset(flash.b, 0xFF, sizeof(flash.b));
	memset(flash.factory, 0xFF, sizeof(flash.factory));
	for (size_t i = 0; i < HM_BOOT_KEYS; i++)
		flash.row_errors[i] = HM_E_NOT_FOUND;
}

static uint8_t *
place(hm_area area)
{
	return area == HM_AREA_SLOT_A    ? flash.a
	       : area == HM_AREA_SLOT_B  ? flash.b
	       : area == HM_AREA_FACTORY ? flash.factory
					 : NULL;
}

void
memflash_put(hm_area area, struct hm_bytes image)
{
	uint8_t *at = place(area);

	hm_assert(at != NULL && image.len <= MEMFLASH_SIZE);
	memset(at, 0xFF, MEMFLASH_SIZE);
	if (image.len > 0)
		memcpy(at, image.ptr, image.len);
}

void
memflash_trust(uint32_t row, struct hm_bytes der)
{
	hm_sha256(der, flash.rows[row]);
	flash.row_errors[row] = HM_OK;
}

hm_err
hm_port_flash(hm_area area, struct hm_flash *ret)
{
	if (place(area) == NULL ||
	    (area == HM_AREA_FACTORY && flash.no_factory))
		return HM_E_NOT_FOUND;
	*ret = (struct hm_flash){ flash.size, 4096, 8, 0xFF };
	return HM_OK;
}

hm_err
hm_port_flash_read(hm_area area, uint32_t at, struct hm_span ret)
{
	if (++flash.reads == flash.fail_at)
		return HM_E_IO;
	hm_assert(at <= flash.size && ret.len <= flash.size - at);
	flash.unfed += ret.len;
	flash.bitten |= flash.patience != 0 && flash.unfed > flash.patience;
	memcpy(ret.ptr, place(area) + at, ret.len);
	return HM_OK;
}

void
hm_port_watchdog(void)
{
	flash.unfed = 0;
	if (flash.fed != NULL)
		flash.fed();
}

hm_err
hm_port_boot_key(uint32_t index, uint8_t ret[static HM_DIGEST_LEN])
{
	hm_assert(index < HM_BOOT_KEYS);
	if (flash.row_errors[index] == HM_OK)
		memcpy(ret, flash.rows[index], HM_DIGEST_LEN);
	return flash.row_errors[index];
}

struct hm_bytes
hm_port_boot_public(uint32_t index)
{
	hm_assert(index < HM_BOOT_KEYS);
	return flash.publics[index];
}

hm_err
hm_port_image_version(uint32_t id, struct hm_image_version *ret)
{
	if (id >= 4 || !flash.has_version[id])
		return HM_E_NOT_FOUND;
	*ret = flash.versions[id];
	return HM_OK;
}
