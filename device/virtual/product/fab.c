/* SPDX-License-Identifier: Apache-2.0 */
#include "product.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/input.h"
#include "base/report.h"
#include "base/text.h"
#include "hallmark/vault.h"

#define PEM_LINE 48u /* bytes of DER */

static hm_err
make_folder(const char *dir, struct why *why)
{
	uint8_t secret[32];
	char path[PRODUCT_PATH_MAX];
	hm_err err;

	if (strlen(dir) >= sizeof(product.dir))
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	memcpy(product.dir, dir, strlen(dir) + 1);
	if (mkdir(dir, 0700) != 0)
		return WHY(why, errno == EEXIST ? HM_E_EXISTS : HM_E_IO,
		    "%s: %s", dir, strerror(errno));
	HM_TRY(hm_port_random((struct hm_span){ secret, sizeof(secret) }));
	err = product_path("secret", path, why);
	if (err == HM_OK)
		err = file_write(path, HM_BYTES(secret), 0600, why);
	hm_wipe(secret, sizeof(secret));
	return err;
}

/* As a programmer does: whole sectors, the last one filled up. */
static hm_err
program(hm_area area, const char *file, struct why *why)
{
	AUTO(input) struct input image = { .fd = -1 };
	static uint8_t sector[128 * 1024];
	struct hm_flash flash;

	HM_TRY(hm_port_flash(area, &flash));
	HM_TRY(input_open(file, flash.size, &image, why));
	for (uint32_t at = 0; at < image.size; at += flash.sector) {
		uint64_t left = image.size - at;
		size_t n = left < flash.sector ? left : flash.sector;

		memset(sector, flash.erased, flash.sector);
		HM_TRY(input_read(&image, at, (struct hm_span){ sector, n }));
		HM_TRY(hm_port_flash_erase(area, at));
		HM_TRY(hm_port_flash_program(
		    area, at, (struct hm_bytes){ sector, flash.sector }));
	}
	return HM_OK;
}

static hm_err
burn(const struct options *given, struct why *why)
{
	uint8_t hash[HM_DIGEST_LEN];

	for (size_t i = 0; i < options_count(given, "boot-key"); i++) {
		const char *text = options_at(given, "boot-key", i);

		if (i >= HM_BOOT_KEYS ||
		    hex_parse(hm_bytes_of(text), hash, sizeof(hash)) != HM_OK)
			return WHY(why, HM_E_USAGE,
			    "--boot-key takes %zu bytes in hex, up to %d times",
			    sizeof(hash), HM_BOOT_KEYS);
		HM_TRY(hm_port_boot_key_add((uint32_t)i, hash));
	}
	HM_TRY(hm_port_counter_raise((uint32_t)options_int(given, "counter")));
	return hm_port_lock_raise(HM_LOCK_CLOSED);
}

/* The key for which updates are encrypted, for others to use. */
static hm_err
export_kem(struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };
	uint8_t point[HM_POINT_LEN], spki[HM_SPKI_LEN];
	char path[PRODUCT_PATH_MAX];

	HM_TRY(hm_vault_init());
	HM_TRY(hm_port_key_make(HM_KEY_KEM));
	HM_TRY(hm_port_key_public(HM_KEY_KEM, point));
	hm_spki_encode(point, spki);
	buf_init(&pem, 1024);
	HM_TRY(buf_add(&pem, HM_LITERAL("-----BEGIN PUBLIC KEY-----\n")));
	for (size_t at = 0; at < sizeof(spki); at += PEM_LINE) {
		size_t left = sizeof(spki) - at;

		HM_TRY(buf_add_base64(
		    &pem, (struct hm_bytes){
			      spki + at, left < PEM_LINE ? left : PEM_LINE }));
		HM_TRY(buf_add(&pem, HM_LITERAL("\n")));
	}
	HM_TRY(buf_add(&pem, HM_LITERAL("-----END PUBLIC KEY-----\n")));
	HM_TRY(product_path("kem.pub", path, why));
	return file_write(path, buf_bytes(&pem), 0644, why);
}

static hm_err
make(const struct options *given, struct why *why)
{
	const char *factory = options_text(given, "factory");

	HM_TRY(make_folder(options_text(given, "dir"), why));
	HM_TRY(product_open(options_text(given, "dir"), why));
	HM_TRY(burn(given, why));
	HM_TRY(program(HM_AREA_SLOT_A, options_text(given, "image"), why));
	if (factory != NULL)
		HM_TRY(program(HM_AREA_FACTORY, factory, why));
	return export_kem(why);
}

static int
fab(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = make(given, &why);

	nor_close();
	return report_failure(err, &why);
}

static const struct option_spec options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "new folder" },
	{ "boot-key", OPTION_TEXT, .required = true, .repeated = true,
	    .metavar = "HEX",
	    .help = "SHA-256 of a public key (DER) that signs its images" },
	{ "image", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "what it runs first, MCUboot format" },
	{ "factory", OPTION_PATH, .metavar = "FILE",
	    .help = "its recovery image" },
	{ "counter", OPTION_INT, .fallback = "0", .min = 0, .max = 65535,
	    .metavar = "N", .help = "its security counter" },
	{ 0 }
};

const struct verb_spec product_fab = { .name = "fab",
	.words = "make a product that is finished and locked",
	.options = options,
	.run = fab };
