/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nor - NOR flash and OTP of a simulated chip, with power that can be cut
 *
 * It defines all of hallmark/flash.h but hm_port_derive (derive.h) and what
 * only a board has (hm_port_watchdog, hm_port_ms), over one chip that
 * lives in memory or in a file. Whoever programs a unit twice without an erase
 * in between, or breaks geometry, is stopped by hm_panic; but if the first made
 * it what an erased one is, which nobody can see, it is LATE from then on.
 *
 * Operations are counted: each unit that is programmed, each sector erased,
 * each step of the OTP. Power goes at operation `cut_at`:
 *
 *   CLEAN  before it
 *   TORN   in its middle: the unit (of an erase: each unit of the sector) holds
 *          anything, and keeps it
 *   DAILY  it reads as something else after each nor_power_on
 *   LATE   it reads as something else each time
 *
 * "Anything" is drawn from the seed: all as before, all as it should have
 * become, bits of both, the first part only, or noise; with `ecc` also a read
 * error. Only an erase that completes makes such a unit sound: one that reads
 * as erased, and is programmed, is not to be relied on (it reads as LATE).
 * A cut step of the OTP is done, or not, or half (flash.h says what that is).
 *
 * nor_mark and nor_rewind go back in time, nested, at the cost of the pages
 * that were touched. One chip a process, one thread.
 */

#include <stdbool.h>

#include "hallmark/flash.h"

#define NOR_AREAS 5
#define NOR_LEVELS 8 /* marks at one time */

struct nor_area {
	hm_area area;
	struct hm_flash flash; /* `size` 0: there is no such area */
};

struct nor_chip {
	const char *name;
	struct nor_area areas[NOR_AREAS];
	bool ecc; /* a torn unit may give a read error */
};

typedef enum nor_tear {
	NOR_CLEAN,
	NOR_TORN,
	NOR_DAILY,
	NOR_LATE,
} nor_tear;
#define NOR_TEARS 4

/* Write-once memory; blank: all zero. */
struct nor_otp {
	uint32_t counter;
	hm_lock lock;
	struct {
		uint8_t hash[HM_DIGEST_LEN];
		bool is_written, is_dead; /* dead: torn or revoked */
	} keys[HM_BOOT_KEYS];
};

/* What tests set and read. */
struct nor {
	uint64_t operations; /* since nor_power_on */
	uint64_t cut_at;     /* the operation, from 1 on; 0: never */
	nor_tear tear;       /* how */
	uint64_t seed;       /* what a torn unit holds follows from it */
	void (*cut)(void);   /* power goes: must not return */
	uint64_t fail_at;    /* this operation gives HM_E_IO; 0: none */
	uint64_t total;      /* operations ever, for figures */
	uint64_t erases;     /* of these: sectors erased */
	struct nor_otp *otp; /* to look at, or to start from */
};

extern struct nor nor;

/*
 * Chips to choose from; the last has no name. Slots are of two sectors or 8
 * KiB, whichever is more; journal 2 sectors, vault 2 sectors or 64 KiB; a
 * factory image has the room of a slot.
 */
extern const struct nor_chip nor_chips[];

/* A new chip, all erased, power on. `chip` is borrowed until nor_close. */
void nor_open(const struct nor_chip *chip);
/* The chip in the file `path`, which is made if it is not there; what was
 * programmed is in the file whenever the process ends. HM_E_IO */
HM_MUST hm_err nor_open_file(const struct nor_chip *chip, const char *path);
void nor_close(void);
/* A new day: counts from 0, cut_at and fail_at are 0, DAILY units change. */
void nor_power_on(void);

/* Remember the chip as it is; at most NOR_LEVELS at a time. */
void nor_mark(void);
/* As it was at the last mark, which stays. */
void nor_rewind(void);
/* Forget the last mark; the chip stays as it is. */
void nor_unmark(void);

/* Sectors of `area` that are not entirely erased, and sound. For tests. */
uint32_t nor_used(hm_area area);
/* The next random number that follows from nor.seed. */
uint64_t nor_random(void);
