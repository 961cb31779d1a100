/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * board - a chip on one of QEMU's Cortex-M boards: real firmware, no model
 *
 *   chip.json   as any chip's, with "board": an385 or an505
 *   flash.img   the board's flash, as port/mps2/map.h draws it: it is what
 *               survives power cuts, and holds fuses, keys and images
 *   start.elf   what stands in the chip's ROM
 *
 * The emulator is qemu-system-arm of Debian. It runs as a child with the link
 * as its UART; when the station hangs up, the chip is given a moment to end by
 * itself, and then loses power.
 */
#include "chip.h"
#include "fault.h"

#define BOARD_KEYS 4    /* rows of boot keys */
#define BOARD_NOTHING 5 /* status: the boot loader has nothing to start */

struct board {
	const char *start;    /* program for the ROM, ELF; borrowed */
	const char *firmware; /* image for slot A; borrowed */
	const char *second;   /* for slot B, or NULL; borrowed */
	uint8_t keys[BOARD_KEYS][HM_DIGEST_LEN];
	uint32_t key_count;
};

/* Add flash.img and start.elf to the folder `dir` of `chip`. HM_E_EXISTS,
 * HM_E_IO, HM_E_FILE, HM_E_TOO_LARGE */
HM_MUST hm_err board_make(const struct chip *chip, const char *dir,
    const struct board *board, struct why *why);
/* What the UART is connected to. */
struct board_line {
	int fd;           /* with `path`: -1 */
	const char *path; /* a socket that the emulator connects to, and again
			     whenever it was closed; borrowed */
	bool serves;      /* the product goes on after its start */
};

/*
 * Emulate until the firmware ends or the other side of line->fd hangs up.
 * *ret_status is the emulator's exit status; 128 + signal if it was ended.
 * HM_E_FILE (no emulator), HM_E_IO, HM_E_USAGE (a fault that boards have not)
 */
HM_MUST hm_err board_run(const struct chip *chip, const struct fault *fault,
    const struct board_line *line, int *ret_status, struct why *why);
