/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <string.h>

#include "core/check.h"

#define KIB 1024u

struct board board;

const struct nor_chip board_chip = { .name = "board",
	.areas = {
	    { HM_AREA_JOURNAL, { 4 * KIB, 2 * KIB, 8, 0xff } },
	    { HM_AREA_SLOT_A, { 32 * KIB, 2 * KIB, 8, 0xff } },
	    { HM_AREA_SLOT_B, { 32 * KIB, 2 * KIB, 8, 0xff } },
	    { HM_AREA_FACTORY, { 16 * KIB, 2 * KIB, 8, 0xff } },
	} };

void
board_new(const struct nor_chip *chip)
{
	uint8_t scalar[32], hash[HM_DIGEST_LEN];

	nor_close();
	nor_open(chip);
	hm_journal_reset();
	memset(&board, 0, sizeof(board));
	maker_scalar(200, board.kem);
	maker_scalar(1, scalar);
	maker_key_hash(scalar, hash);
	hm_assert(hm_port_boot_key_add(0, hash) == HM_OK);
	hm_assert(hm_port_lock_raise(HM_LOCK_CLOSED) == HM_OK);
}

void
board_program(hm_area area, const struct made *made)
{
	static uint8_t bytes[MAKER_ROOM];
	struct hm_flash flash;
	uint32_t len;

	hm_assert(hm_port_flash(area, &flash) == HM_OK);
	hm_assert(made->len <= flash.size);
	memset(bytes, flash.erased, sizeof(bytes));
	memcpy(bytes, made->bytes, made->len);
	len = (made->len + flash.unit - 1) / flash.unit * flash.unit;
	for (uint32_t at = 0; at < len; at += flash.sector) {
		uint32_t n = len - at < flash.sector ? len - at : flash.sector;

		hm_assert(hm_port_flash_erase(area, at) == HM_OK);
		hm_assert(hm_port_flash_program(area, at,
			      (struct hm_bytes){ bytes + at, n }) == HM_OK);
	}
}

void
board_runs(hm_area area, const struct made *made)
{
	struct hm_journal journal;
	struct hm_image image;

	board_program(area, made);
	hm_assert(hm_image_read(area, &image) == HM_OK);
	memcpy(board.firmware, image.digest, sizeof(board.firmware));
	hm_assert(hm_journal_load(&journal) == HM_OK);
	journal.confirmed = area;
	journal.trial = HM_AREA_NONE;
	hm_assert(hm_journal_store(&journal) == HM_OK);
}

static void
add_area(struct hm_sha256 *sha, hm_area area)
{
	uint8_t piece[256];
	struct hm_flash flash;

	if (hm_port_flash(area, &flash) != HM_OK)
		return;
	for (uint32_t at = 0; at < flash.size; at += sizeof(piece)) {
		hm_assert(
		    hm_port_flash_read(area, at,
			(struct hm_span){ piece, sizeof(piece) }) == HM_OK);
		hm_sha256_add(sha, HM_BYTES(piece));
	}
}

void
board_fingerprint(uint8_t ret[static HM_DIGEST_LEN])
{
	struct hm_sha256 sha;

	hm_sha256_init(&sha);
	add_area(&sha, HM_AREA_JOURNAL);
	add_area(&sha, HM_AREA_SLOT_A);
	add_area(&sha, HM_AREA_SLOT_B);
	add_area(&sha, HM_AREA_FACTORY);
	hm_sha256_add(&sha,
	    (struct hm_bytes){ (const uint8_t *)nor.otp, sizeof(*nor.otp) });
	hm_sha256_end(&sha, ret);
}

/* ---- the port ---- */

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	if (board.fail_firmware)
		return HM_E_IO;
	memcpy(ret, board.firmware, HM_DIGEST_LEN);
	return HM_OK;
}

hm_err
hm_port_key_agree(hm_key key, const uint8_t point[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	hm_assert(key == HM_KEY_KEM);
	return hm_p256_agree(board.kem, point, ret);
}

void
hm_port_watchdog(void)
{
	board.fed++;
}

uint32_t
hm_port_ms(void)
{
	return 0;
}

/* A few bytes at a time, so that frames come in pieces. */
hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	size_t len = board.in.len < 7 ? board.in.len : 7;

	if (len == 0 || room.len < len)
		return HM_E_LINK;
	memcpy(room.ptr, board.in.ptr, len);
	board.in.ptr += len;
	board.in.len -= len;
	*ret_len = len;
	return HM_OK;
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	if (bytes.len > sizeof(board.out) - board.out_len)
		return HM_E_LINK;
	memcpy(board.out + board.out_len, bytes.ptr, bytes.len);
	board.out_len += bytes.len;
	return HM_OK;
}

/* A test calls hm_boot_choose(), and starts what it says. */
void
hm_port_boot_jump(const struct hm_image *image)
{
	(void)image;
	hm_panic(__FILE__, __LINE__, "nothing to jump to");
}

void
hm_port_boot_failed(hm_err err)
{
	(void)err;
	hm_panic(__FILE__, __LINE__, "nothing to start");
}
