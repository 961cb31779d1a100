/* SPDX-License-Identifier: Apache-2.0 */
/* What of the port neither nor.c and derive.c nor the vault is. */
#include "product.h"

#include <stdio.h>
#include <string.h>

#include "../plug.h"
#include "derive.h"

#define KIB 1024u

struct product product;

static const struct nor_chip chip = { .name = "product",
	.areas = {
	    { HM_AREA_JOURNAL, { 8 * KIB, 4 * KIB, 8, 0xff } },
	    { HM_AREA_VAULT, { 64 * KIB, 4 * KIB, 8, 0xff } },
	    { HM_AREA_SLOT_A, { 256 * KIB, 4 * KIB, 8, 0xff } },
	    { HM_AREA_SLOT_B, { 256 * KIB, 4 * KIB, 8, 0xff } },
	    { HM_AREA_FACTORY, { 128 * KIB, 4 * KIB, 8, 0xff } },
	} };

hm_err
product_path(const char *name, char *ret, struct why *why)
{
	int n = snprintf(ret, PRODUCT_PATH_MAX, "%s/%s", product.dir, name);

	if (n < 0 || n >= PRODUCT_PATH_MAX)
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	return HM_OK;
}

hm_err
product_open(const char *dir, struct why *why)
{
	char path[PRODUCT_PATH_MAX];

	product.link = -1;
	if (strlen(dir) >= sizeof(product.dir))
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	memcpy(product.dir, dir, strlen(dir) + 1);
	HM_TRY(product_path("secret", path, why));
	if (derive_open(path) != HM_OK)
		return WHY(why, HM_E_FILE,
		    "%s: not 32 bytes that its owner alone may read", path);
	HM_TRY(product_path("flash", path, why));
	if (nor_open_file(&chip, path) != HM_OK)
		return WHY(why, HM_E_IO, "%s: cannot be opened", path);
	return HM_OK;
}

/* ---- the port ---- */

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	memcpy(ret, product.image.digest, HM_DIGEST_LEN);
	return HM_OK;
}

void
hm_port_watchdog(void)
{
}

uint32_t
hm_port_ms(void)
{
	return 0;
}

hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	return plug_read(
	    product.link, product.timeout_ms, room, ret_len, &product.why);
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	return plug_write(product.link, bytes);
}

void
hm_port_boot_jump(const struct hm_image *image)
{
	product.image = *image;
	longjmp(product.jump, 1);
}

void
hm_port_boot_failed(hm_err err)
{
	product.failure = err;
	longjmp(product.jump, 2);
}
