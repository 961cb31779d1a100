/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo with real firmware: machines that QEMU emulates. Their release is
 * two MCUboot images, for manufacturing and for the product; ROM and fuses come
 * with the machine, and the fuses hold the hash of the production key alone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "cmd/demo.h"
#include "cmd/run.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "wire/claims.h"

#define EMULATOR "/usr/bin/qemu-system-arm" /* hallmark-vdevice starts it */
#define IMAGE_MAX (1u << 20)
#define ALTERED_AT 0x300 /* in the payload, behind a header of 0x200 */

enum { START, MANUFACTURE, PRODUCT, PROGRAMS };

static char programs[PROGRAMS][FILE_PATH_MAX];
static char boot_key[2 * SHA256_LEN + 1];

const char *
demo_board_name(const struct demo_world *world)
{
	return strcmp(world->board, "an505") == 0 ? "Cortex-M33 (mps2-an505)"
						  : "Cortex-M3 (mps2-an385)";
}

hm_err
demo_board_find(struct demo_world *world, struct why *why)
{
	static const char *const ends[PROGRAMS] = { "boot.elf",
		"manufacture.bin", "product-1b.bin" };
	char name[64];

	if (access(EMULATOR, X_OK) != 0) {
		why_where(why, "%s", EMULATOR);
		why_do(why, "apt install qemu-system-arm; "
			    "or ./demo --device cortex-m, which does it");
		return WHY(why, HM_E_FILE, "no emulator of Cortex-M machines");
	}
	for (unsigned i = 0; i < PROGRAMS; i++) {
		(void)snprintf(
		    name, sizeof(name), "%s-%s", world->board, ends[i]);
		if (run_find_firmware(name, programs[i]))
			continue;
		why_where(why, "%s", name);
		why_do(why, "./demo --device cortex-m builds it; or "
			    "tools/install firmware, then build with "
			    "-Dfirmware=enabled");
		return WHY(why, HM_E_FILE, "no firmware for the machines");
	}
	return HM_OK;
}

/* ---- images ---- */

static hm_err
sign_images(struct demo_world *world, struct why *why)
{
	HM_TRY(demo_sign(world, programs[MANUFACTURE], "maker.dev.bin",
	    "--custom-tlv", "0x48a0=0x66", why));
	return demo_sign(
	    world, programs[PRODUCT], "app.dev.bin", NULL, NULL, why);
}

/* What the fuses of the machines trust. */
static hm_err
hash_key(struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };
	uint8_t point[P256_POINT_LEN], spki[HM_SPKI_LEN], hash[SHA256_LEN];

	HM_TRY(file_read_text("prod-image.pub", 4096, &pem, why));
	HM_TRY(p256_point_from_pem(buf_bytes(&pem), point));
	hm_spki_encode(point, spki);
	sha256_one(HM_BYTES(spki), hash);
	hex_format(HM_BYTES(hash), boot_key);
	return HM_OK;
}

/* A copy with another bit in what is signed. */
static hm_err
alter(const char *from, const char *to, struct why *why)
{
	AUTO(buf) struct buf image = { 0 };

	buf_init(&image, IMAGE_MAX);
	HM_TRY(file_read(from, IMAGE_MAX, &image, why));
	if (image.len <= ALTERED_AT)
		return HM_E_IMAGE_SHORT;
	image.ptr[ALTERED_AT] ^= 1;
	return file_write(to, buf_bytes(&image), 0644, why);
}

hm_err
demo_board_release(struct demo_world *world, struct why *why)
{
	static const struct demo_image images[2] = { { "maker", NULL },
		{ "app", NULL } };

	HM_TRY(sign_images(world, why));
	HM_TRY(demo_publish(
	    world, images, "MCUboot images: manufacturing, product", why));
	HM_TRY(alter("firmware/maker", "altered-maker.bin", why));
	HM_TRY(alter("firmware/app", "altered-app.bin", why));
	HM_TRY(hash_key(why));
	world->firmware = "firmware/maker";
	return HM_OK;
}

/* ---- machines ---- */

size_t
demo_board_words(const struct demo_world *world, const struct demo_unit *unit,
    const char **ret, size_t size)
{
	const char *const words[] = { "--firmware",
		unit->is_altered ? "altered-maker.bin" : world->firmware,
		"--board", world->board, "--start", programs[START], "--second",
		unit->is_altered ? "altered-app.bin" : "firmware/app",
		"--boot-key", boot_key };
	const size_t count = sizeof(words) / sizeof(words[0]);

	hm_assert(count <= size);
	memcpy(ret, words, sizeof(words));
	return count;
}
