/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * flash - what vault, boot and update need from a port besides port.h
 *
 *   +---------+---------+----------+----------+----------+
 *   | journal | vault   | slot A   | slot B   | factory  |
 *   +---------+---------+----------+----------+----------+
 *
 * An area has sectors of one size, which are erased one at a time, and write
 * units, which are programmed once after each erase. Offsets count from the
 * start of the area. The areas may lie on different chips, and `factory` may be
 * absent.
 *
 * Power may go at every program and every erase. What is promised then is no
 * more than real parts promise: the units of that call that come before the
 * cut are programmed, those behind it are not, and the unit at the cut holds
 * anything, even something else each time that it is read; a sector whose
 * erase was cut is anything throughout. Nothing else changes.
 *
 * As in port.h: plain functions that the linker resolves, one thread, may
 * block, no pointer is kept, *ret is untouched on failure.
 */

#include "hallmark/config.h"
#include "hallmark/port.h"

HM_C_BEGIN

/* Numbers are in the journal: they only grow. No two differ in one bit. */
typedef enum hm_area {
	HM_AREA_NONE = 0,
	HM_AREA_JOURNAL = 0x03, /* at least 2 sectors */
	HM_AREA_VAULT = 0x05,   /* at least 2 sectors */
	HM_AREA_SLOT_A = 0x06,
	HM_AREA_SLOT_B = 0x09,
	HM_AREA_FACTORY = 0x0A, /* the recovery image; may be absent */
} hm_area;

#define HM_FLASH_UNIT_MAX 32 /* bytes */

struct hm_flash {
	uint32_t size;   /* bytes, a multiple of `sector` */
	uint32_t sector; /* bytes, a multiple of `unit`, at most 128 KiB */
	uint32_t unit;   /* bytes: 1, 2, 4, 8, 16 or 32 */
	uint8_t erased;  /* what every byte reads after an erase */
};

/* HM_E_NOT_FOUND: this product has no such area */
HM_MUST hm_err hm_port_flash(hm_area area, struct hm_flash *ret);
/* HM_E_IO: the part reports an error (ECC of a torn unit); `ret` is undefined.
 * Reading beyond the end is a mistake of the caller's: hm_panic. */
HM_MUST hm_err hm_port_flash_read(
    hm_area area, uint32_t at, struct hm_span ret);
/* `at` and bytes.len are multiples of the unit; every unit was erased. HM_E_IO
 */
HM_MUST hm_err hm_port_flash_program(
    hm_area area, uint32_t at, struct hm_bytes bytes);
/* The sector that starts at `at`. HM_E_IO */
HM_MUST hm_err hm_port_flash_erase(hm_area area, uint32_t at);

/*
 * What can only go one way: OTP bits, or an NV counter.
 *
 * Raise the security counter (hm_port_counter) to `to`; less than it is now
 * changes nothing. Cut by power it is the old or the new value, or in between;
 * never less than the old. HM_E_IO
 */
HM_MUST hm_err hm_port_counter_raise(uint32_t to);
/* Move the life cycle forward; backward is HM_E_WRONG_STATE. HM_E_IO */
HM_MUST hm_err hm_port_lock_raise(hm_lock to);

/*
 * Trust in images: SHA-256 of the DER public key (as in MCUboot's KEYHASH) in
 * write-once memory. HM_E_NOT_FOUND: row `index` is empty. HM_E_KEY: revoked.
 */
HM_MUST hm_err hm_port_boot_key(
    uint32_t index, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* Write an empty row; the same hash again is fine. Cut by power, the row is
 * empty, or complete, or dead: dead ones are HM_E_KEY ever after. HM_E_EXISTS
 */
HM_MUST hm_err hm_port_boot_key_add(
    uint32_t index, const uint8_t hash[HM_STATIC HM_DIGEST_LEN]);
/* For good. HM_E_IO */
HM_MUST hm_err hm_port_boot_key_revoke(uint32_t index);

/*
 * 32 bytes that follow from a secret of this chip alone and from `label` (at
 * most 32 bytes), the same each time: the vault's key. Secret: the caller wipes
 * it. HM_E_IO
 */
HM_MUST hm_err hm_port_derive(struct hm_bytes label, uint8_t ret[HM_STATIC 32]);

/*
 * Start the watchdog, or feed it; it resets the chip after the time that the
 * port was made for. A chip without one does nothing. While the library works
 * on flash or images it calls this before each piece (HM_FLASH_PIECE) that is
 * hashed, each signature that is verified and each piece that is programmed
 * into a slot: that time must be longer than one verification, and than one
 * erase with what an update notes in the journal.
 */
void hm_port_watchdog(void);
/* Milliseconds since reset; wraps. A port without time returns 0. */
uint32_t hm_port_ms(void);

HM_C_END
