/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chip - a folder that stands for one chip on its board
 *
 *   chip.json     fuses and identity, mode 0600: it holds the chip's secret
 *   firmware.bin  what is programmed; measured at every start
 *   nvm/          the records of hallmark/port.h, one file each
 *
 * The root of trust is that of port/model/root.h; MPMR, 32 bytes of boot
 * state, stands in front of whatever it signs. An open (unfused) chip has the
 * known MPMR as well. Who copies a chip's visible id has its other key, unless
 * he also read the secret (chip_clone).
 */
#include "base/why.h"
#include "hallmark/crypto.h"
#include "wire/evidence.h"

#define CHIP_PATH_MAX 512
#define CHIP_BOARD_MAX 8 /* characters of a board's name, with NUL */

struct chip {
	char dir[CHIP_PATH_MAX];
	char board[CHIP_BOARD_MAX]; /* "an385" ...; "": no board (board.h) */
	uint8_t uid[HM_UNIQUE_ID_MAX];
	size_t uid_len;
	uint8_t secret[32];
	hm_scheme scheme;
	hm_lock lock;
	uint8_t mpmr[HM_MPMR_LEN];
	uint32_t counter;
	uint8_t stamp_key[HM_POINT_LEN];
	uint8_t release[HM_DIGEST_LEN]; /* measured, not stored */
};

void chip_done(struct chip *chip); /* wipes */

/* Put `chip` into the new folder `dir` and program `firmware` into it.
 * HM_E_EXISTS, HM_E_IO, HM_E_FILE, HM_E_TOO_LARGE */
HM_MUST hm_err chip_make(
    struct chip *chip, const char *dir, const char *firmware, struct why *why);
/* Also erases what writes that were cut left in nvm/. HM_E_FILE,
 * HM_E_BAD_INPUT, HM_E_IO */
HM_MUST hm_err chip_load(const char *dir, struct chip *ret, struct why *why);

/* An open chip has the MPMR that its loader fills in, whatever was asked. */
void chip_open_mpmr(uint8_t ret[static HM_MPMR_LEN]);
/* "state" ...: the file of a record, "DIR/nvm/state". HM_E_TOO_LARGE */
HM_MUST hm_err chip_record_path(
    const struct chip *chip, hm_record record, char *ret, size_t size);

/* The key that signs its evidence. */
void chip_evidence_key(const struct chip *chip, uint8_t ret[static 32]);
HM_MUST hm_err chip_evidence_public(
    const struct chip *chip, uint8_t ret[static HM_POINT_LEN]);
void chip_device_id(
    const struct chip *chip, uint8_t ret[static HM_DEVICE_ID_LEN]);
