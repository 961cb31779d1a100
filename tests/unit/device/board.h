/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * board - what a device needs besides the simulated flash of nor.h
 *
 * The rest of hallmark/port.h and flash.h that boot, image and update call, in
 * memory, and images in the slots as a boot loader would have started them.
 */
#include "hallmark/update.h"
#include "maker.h"
#include "nor.h"

struct board {
	uint8_t firmware[HM_DIGEST_LEN]; /* measured */
	uint8_t kem[32];                 /* private scalar of HM_KEY_KEM */
	unsigned fed;                    /* the watchdog, so often */
	bool fail_firmware;
	uint8_t out[4096]; /* what was written to the link */
	size_t out_len;
	struct hm_bytes in; /* what there is to read from it */
};

extern struct board board;

/* 16 sectors of 2 KiB a slot, units of 8 bytes; a factory area, too. */
extern const struct nor_chip board_chip;

/* A new board with that chip, its key 1 trusted and its life cycle closed. */
void board_new(const struct nor_chip *chip);
/* Put an image where it is, as a programmer does. */
void board_program(hm_area area, const struct made *made);
/* The journal says that it is confirmed, and it is what was measured. */
void board_runs(hm_area area, const struct made *made);
/* SHA-256 over all flash and write-once memory. */
void board_fingerprint(uint8_t ret[static HM_DIGEST_LEN]);
