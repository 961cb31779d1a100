/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * board - a BBC micro:bit: nRF51822, Cortex-M0, 256 KiB of flash, 16 KiB of RAM
 *
 *   0x00000  boot loader   32 KiB
 *   0x08000  journal       2 pages of 1 KiB
 *   0x08800  fuses         1 KiB, written once: this chip has no OTP of its own
 *   0x09000  vault         2 sectors of 16 pages
 *   0x11000  slot A        94 KiB
 *   0x28800  slot B        94 KiB
 *   0x40000  end
 *
 * The fuses (the production tester writes uid, secret and stamp key, closes the
 * chip, and raises the counter to what the first release states; the rest is
 * the library's):
 *
 *   +0x000 uid 16 | secret 32 | stamp key 65, 15 free
 *   +0x080 life cycle: one word for closed, one for locked
 *   +0x100 security counter: one bit a step, from bit 0 of word 0; 256 steps
 *   +0x200 boot keys: 4 rows of 64 (hash 32, whole 4, revoked 4, 24 free)
 *
 * A product on this chip would protect boot loader and fuses by the chip's
 * region 0 (UICR.CLENR0 and RBPCONF), which the emulator does not model.
 */
#include "core/bytes.h"

#define PAGE 1024u
#define JOURNAL_AT 0x08000u
#define JOURNAL_SIZE 0x00800u
#define FUSES_AT 0x08800u
#define VAULT_AT 0x09000u
#define VAULT_SIZE 0x08000u
#define VAULT_SECTOR 0x04000u
#define SLOT_A_AT 0x11000u
#define SLOT_B_AT 0x28800u
#define SLOT_SIZE 0x17800u

#define RAM_AT 0x20000000u
#define RAM_END 0x20004000u
#define HANDOVER_AT (RAM_END - 64) /* what the boot loader measured */

struct fuses {
	uint8_t uid[16], secret[32], stamp_key[65], free[15];
	uint32_t life[2], free2[30];
	uint32_t counter[8], free3[56];
	struct {
		uint8_t hash[32];
		uint32_t whole, revoked, free[6];
	} keys[4];
};
_Static_assert(offsetof(struct fuses, life) == 0x80, "as drawn");
_Static_assert(offsetof(struct fuses, counter) == 0x100, "as drawn");
_Static_assert(offsetof(struct fuses, keys) == 0x200, "as drawn");

struct handover {
	uint32_t magic;
	uint8_t digest[32]; /* of the image that runs, as signed */
	uint32_t at, size;  /* all of it, in flash */
	uint32_t crc;
};

static inline volatile uint32_t *
reg(uint32_t block, uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(block + offset);
}

static inline const struct fuses *
fuses(void)
{
	return (const struct fuses *)(uintptr_t)FUSES_AT;
}

/* What is programmed once: `word` at `at`, which was erased. */
void flash_word(uint32_t at, uint32_t word);
/* hm_port_link_read(), but HM_E_TIMEOUT after so many microseconds of silence;
 * 0: never. */
HM_MUST hm_err board_link_wait(
    struct hm_span room, uint32_t wait_us, size_t *ret_len);
/* NULL: the boot loader has not run. */
const struct handover *handover(void);
HM_NORETURN void board_reset(void);
