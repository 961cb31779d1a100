/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * efuse - the one-time bits of ESP32 chips: a plan is tried before it is burned
 *
 * A virtual chip holds what the registers of its eFuse controller would show,
 * in the form of Espressif's emulator: the register space as one big-endian
 * number, so the word of register r stands at size - 4 - r. Burning follows the
 * hardware: bits only go from 0 to 1, a coded block is written once, what is
 * write-protected stays, what is read-protected shows zeros.
 *
 * On top of that stand rules of the boot code, which a factory finds out too
 * late: a key that must not be read is burned before secure boot is switched on
 * (that takes the right to read-protect away), locks of the download mode come
 * last, digest slots that are not used are revoked.
 */
#include "image/image.h"

#define EFUSE_FILE_MAX 512
#define EFUSE_KEYS_MAX 6
#define EFUSE_CODED 32  /* data bytes of a Reed-Solomon block */
#define EFUSE_PARITY 12 /* RS(44,32), polynomial 0x11D, roots from alpha^0 */

/* Parity of 32 data bytes in register order. */
void efuse_parity(
    const uint8_t data[static EFUSE_CODED], uint8_t ret[static EFUSE_PARITY]);

/* What a key block is for. Numbers are those of the tables of the chips. */
typedef enum efuse_use {
	EFUSE_USER = 0,
	EFUSE_ECDSA_P256,
	EFUSE_XTS256_1,
	EFUSE_XTS256_2,
	EFUSE_XTS128,
	EFUSE_HMAC_DOWN_ALL,
	EFUSE_HMAC_DOWN_JTAG,
	EFUSE_HMAC_DOWN_DS,
	EFUSE_HMAC_UP,
	EFUSE_DIGEST0,
	EFUSE_DIGEST1,
	EFUSE_DIGEST2,
	EFUSE_KM_INIT,
	EFUSE_PSRAM256_1,
	EFUSE_PSRAM256_2,
	EFUSE_PSRAM128,
	EFUSE_ECDSA_P192,
	EFUSE_P384_L,
	EFUSE_P384_H,
	EFUSE_SDC_DIGEST,
} efuse_use;

struct efuse_field {
	const char *name;
	uint16_t bit; /* in block 0, its first word is WR_DIS */
	uint8_t bits;
	int8_t lock; /* bit of WR_DIS, which may lock others, too; -1: none */
};

struct efuse_chip {
	const char *name;
	const struct efuse_field *fields; /* ends with a NULL name */
	uint16_t size;                    /* bytes of the register space */
	uint16_t block0, key0;            /* registers */
	uint8_t keys;                     /* blocks */
	uint8_t key_lock;          /* bit of WR_DIS of the first key block */
	uint8_t hidden_len;        /* bytes of key that a bit of RD_DIS hides */
	uint8_t use_bits, digests; /* of a purpose; slots of digests */
	bool is_coded;             /* key blocks are Reed-Solomon coded */
	uint32_t uses;             /* a bit for each purpose it has */
	uint32_t not_in_5;       /* those that BLOCK_KEY5 cannot hold: a bug */
	const char *not_both[2]; /* fields that exclude each other, or NULL */
};
/* With or without hyphens, as esp_chip_named(). NULL: not one of them. */
const struct efuse_chip *efuse_chip_named(const char *name);

struct efuse; /* a virtual chip; opaque, heap */
/* A fresh one. HM_E_NO_MEMORY */
HM_MUST hm_err efuse_new(const struct efuse_chip *chip, struct efuse **ret);
void efuse_free(struct efuse *efuse);
/* HM_E_IMAGE_FORMAT (size of another chip), HM_E_IO */
HM_MUST hm_err efuse_load(struct efuse *efuse, const struct input *file);
HM_MUST hm_err efuse_save(const struct efuse *efuse, struct output *out);

/* The value of a field of block 0. HM_E_USAGE: no such field. */
HM_MUST hm_err efuse_get(
    const struct efuse *efuse, const char *field, uint32_t *ret);
/* Can anything be burned still? Asked before fields that go together: a lock of
 * the download mode may be any of them. HM_E_IMAGE_PLAN */
HM_MUST hm_err efuse_check_open(const struct efuse *efuse, struct why *why);
/* Burn a field, open or not. HM_E_USAGE, HM_E_IMAGE_PLAN */
HM_MUST hm_err efuse_burn(
    struct efuse *efuse, const char *field, uint32_t value, struct why *why);
/* No more bits of that field (or of block BLOCK_KEYn). */
HM_MUST hm_err efuse_write_protect(
    struct efuse *efuse, const char *field, struct why *why);
HM_MUST hm_err efuse_read_protect(
    struct efuse *efuse, const char *field, struct why *why);

/* Keys that are burned in one go, the highest block first. */
struct efuse_key {
	unsigned block;      /* 0 to 5 */
	const char *purpose; /* as Espressif's tool names it */
	struct hm_bytes value;
};
struct efuse_keys {
	const struct efuse_key *keys;
	size_t count;
	bool keep_readable, keep_writable;
};
/* HM_E_USAGE, HM_E_KEY (its length), HM_E_IMAGE_PLAN */
HM_MUST hm_err efuse_burn_keys(
    struct efuse *efuse, const struct efuse_keys *keys, struct why *why);

/* A plan, one burn a line, in the words of Espressif's tool:
 *   burn-key BLOCK_KEY0 FILE PURPOSE [BLOCK FILE PURPOSE]...
 *[--no-read-protect]
 *	      [--no-write-protect]
 *   burn-efuse FIELD VALUE [FIELD VALUE]...
 *   write-protect-efuse FIELD...     read-protect-efuse FIELD...
 * Files are read by `load`. HM_E_USAGE, HM_E_IMAGE_PLAN with the line. */
typedef hm_err efuse_load_file(
    void *context, const char *path, struct buf *ret, struct why *why);
struct efuse_plan {
	char *text; /* changed by reading */
	efuse_load_file *load;
	void *context;
};
HM_MUST hm_err efuse_run(
    struct efuse *efuse, const struct efuse_plan *plan, struct why *why);

/* Every field that is set; faults: what must not leave a factory so. */
HM_MUST hm_err efuse_judge(
    const struct efuse *efuse, struct findings *findings);
