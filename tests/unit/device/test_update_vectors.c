/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypted images that imgtool made, and altered ones (tests/vectors/images):
 * a device with the vectors' keys takes the good one, and refuses the others
 * before it erases anything, or when all of it has come.
 */
#include "board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

/* enc-p256 of the vectors, and the DER of sig-p256; keys of tests. */
static const uint8_t kem[32] = { 0x77, 0x4e, 0x5f, 0x8e, 0x4a, 0xc8, 0xdb, 0x2d,
	0x1b, 0x56, 0x8e, 0x2d, 0x4f, 0xaa, 0xae, 0x55, 0x79, 0xc6, 0xa5, 0x89,
	0xd6, 0x57, 0xda, 0x6f, 0x5b, 0x09, 0x7a, 0xc9, 0xdd, 0x6e, 0x08,
	0xee };
static const uint8_t spki[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0xd6, 0xd2, 0xb4, 0x64,
	0x02, 0x91, 0x05, 0xb6, 0x97, 0x1b, 0xc4, 0x14, 0x7d, 0x37, 0xc0, 0x51,
	0x7c, 0xba, 0xde, 0x62, 0x7b, 0xcf, 0x2c, 0x45, 0x3b, 0x3d, 0x9e, 0x58,
	0xa2, 0xb6, 0x02, 0xa1, 0x56, 0x27, 0x5f, 0x4e, 0x4d, 0xd5, 0x09, 0x12,
	0xa5, 0x08, 0x16, 0xca, 0x28, 0x08, 0x93, 0xe2, 0x4e, 0xb1, 0xae, 0x75,
	0x15, 0x82, 0xd8, 0x59, 0x93, 0x3f, 0xb5, 0x5d, 0x0c, 0x96, 0x88,
	0x17 };

static struct hm_update update;

/* Its images name the key by hash alone. */
struct hm_bytes
hm_port_boot_public(uint32_t index)
{
	return index == 1 ? HM_BYTES(spki) : (struct hm_bytes){ 0 };
}

static int
set_up(void **unused)
{
	uint8_t hash[HM_DIGEST_LEN];

	(void)unused;
	board_new(&board_chip);
	memcpy(board.kem, kem, sizeof(kem));
	hm_sha256(HM_BYTES(spki), hash);
	memset(&update, 0, sizeof(update));
	return hm_port_boot_key_add(1, hash) == HM_OK ? 0 : -1;
}

static int
tear_down(void **unused)
{
	(void)unused;
	nor_close();
	return 0;
}

static size_t
load(const char *name, uint8_t *ret, size_t size)
{
	char path[1024];
	FILE *file;
	size_t len;

	(void)snprintf(path, sizeof(path), VECTORS "/%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(ret, 1, size, file);
	assert_int_equal(fclose(file), 0);
	assert_in_range(len, 512, size - 1);
	return len;
}

/* Header of 512 bytes, payload of 512: what is behind them are TLVs. */
static hm_err
receive(const char *name)
{
	static uint8_t image[2048];
	const size_t len = load(name, image, sizeof(image));

	HM_TRY(hm_update_announce(
	    &update, image, (struct hm_bytes){ image + 1024, len - 1024 }));
	for (uint32_t at = hm_update_received(&update); at < 1024; at += 62)
		HM_TRY(hm_update_write(
		    &update, (struct hm_bytes){ image + at,
				 1024 - at < 62 ? 1024 - at : 62 }));
	return hm_update_finish(&update);
}

static void
opens_what_imgtool_encrypted(void **unused)
{
	static uint8_t wanted[2048], found[512];

	(void)unused;
	assert_int_equal(receive("p256-ecies-aes256.bin"), HM_OK);
	assert_int_equal(hm_port_flash_read(HM_AREA_SLOT_A, 512,
			     (struct hm_span){ found, sizeof(found) }),
	    HM_OK);
	assert_int_equal(load("payloads/p512.bin", wanted, 2048), 512);
	assert_memory_equal(found, wanted, sizeof(found));
	assert_int_equal(hm_update_install(&update), HM_OK);
}

static void
refuses_one_without_a_counter(void **unused)
{
	(void)unused;
	assert_int_equal(receive("p256-ecies-aes128.bin"), HM_E_COUNTER);
}

static void
refuses_each_that_was_altered(void **unused)
{
	static const struct {
		const char *what;
		hm_err err;
	} rows[] = {
		{ "flip-payload-mid", HM_E_IMAGE_HASH },
		{ "flip-sig-mid", HM_E_IMAGE_SIGNATURE },
		{ "flip-enctlv-last", HM_E_IMAGE_OPEN },
		{ "flip-mac", HM_E_IMAGE_OPEN },
		{ "flip-point", HM_E_IMAGE_OPEN },
		{ "point-compressed", HM_E_IMAGE_OPEN },
		{ "no-enctlv", HM_E_IMAGE_FIELD },
		{ "flags-both", HM_E_IMAGE_FIELD },
		{ "flags-none", HM_E_IMAGE_FIELD },
		{ "append-5", HM_E_IMAGE_TRAILING },
		{ "cut-1", HM_E_IMAGE_SHORT },
	};
	char name[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(set_up(unused), 0);
		(void)snprintf(name, sizeof(name),
		    "bad/p256-ecies-aes256.%s.bin", rows[i].what);
		assert_int_equal(receive(name), rows[i].err);
	}
}

static void
refuses_what_is_for_another_key(void **unused)
{
	(void)unused;
	board.kem[31] ^= 1;
	assert_int_equal(receive("p256-ecies-aes256.bin"), HM_E_IMAGE_OPEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_what_imgtool_encrypted),
		TEST(refuses_one_without_a_counter),
		TEST(refuses_each_that_was_altered),
		TEST(refuses_what_is_for_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
