/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * map - what stands where in the flash of the emulated boards
 *
 * The boards' PSRAM is a file of the host, mapped: it keeps what was written
 * when the emulator is killed, torn writes included. nor.c gives it the rules
 * of NOR flash; nobody else writes there. Offsets in bytes:
 *
 *   0x000000  fuses     4 KiB, written once, never erased (below)
 *   0x001000  -
 *   0x002000  journal   2 sectors of 4 KiB
 *   0x004000  -
 *   0x010000  vault     4 sectors of 32 KiB
 *   0x030000  slot A    sectors of 4 KiB, 320 KiB
 *   0x080000  slot B    the same
 *   0x0d0000  factory   the same
 *   0x120000  end
 *
 * Fuses, little-endian:
 *
 *   +0x000 magic u64 | uid length u32 | scheme u32
 *   +0x010 uid 32 | +0x030 secret 32 | +0x050 MPMR 32
 *   +0x070 stamp key 65, 7 of zero
 *   +0x0b8 CRC-32 of all before u32, 4 of zero
 *   +0x200 life cycle: one unit of 8 for closed, one for locked; any bit that
 *          is programmed counts
 *   +0x400 security counter: 2048 bits, one for each step, from bit 0 of byte 0
 *   +0x800 boot keys: rows of 64 (hash 32, whole 8, revoked 8, 16 free)
 */

#include <stdint.h>

#define MPS2_FLASH_SIZE 0x120000u
#define MPS2_FILE_SIZE 0x1000000u /* all of the PSRAM */
#define MPS2_UNIT 8u
#define MPS2_ERASED 0xffu

#define MPS2_FUSES_AT 0x000000u
#define MPS2_FUSES_SIZE 0x1000u
#define MPS2_JOURNAL_AT 0x002000u
#define MPS2_JOURNAL_SIZE 0x2000u
#define MPS2_VAULT_AT 0x010000u
#define MPS2_VAULT_SIZE 0x20000u
#define MPS2_VAULT_SECTOR 0x8000u
#define MPS2_SLOT_A_AT 0x030000u
#define MPS2_SLOT_B_AT 0x080000u
#define MPS2_FACTORY_AT 0x0d0000u
#define MPS2_SLOT_SIZE 0x50000u
#define MPS2_SECTOR 0x1000u

#define MPS2_MAGIC 0x3153455355464d48u /* "HMFUSES1" */
#define MPS2_LIFE_AT 0x200u
#define MPS2_COUNTER_AT 0x400u
#define MPS2_COUNTER_BITS 2048u
#define MPS2_KEYS_AT 0x800u
#define MPS2_KEY_ROW 64u
#define MPS2_KEY_ROWS 4u
#define MPS2_KEY_WHOLE 32u   /* offset in a row */
#define MPS2_KEY_REVOKED 40u /* offset in a row */

struct mps2_fuses {
	uint64_t magic;
	uint32_t uid_len;
	uint32_t scheme; /* hm_scheme */
	uint8_t uid[32];
	uint8_t secret[32];
	uint8_t mpmr[32];
	uint8_t stamp_key[72]; /* 65 are used */
	uint32_t crc;
	uint32_t zero;
};
_Static_assert(sizeof(struct mps2_fuses) == 0xc0, "as drawn");
