/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memport - hallmark/port.h in memory: a chip that fails where a test says
 *
 * Software keys, scheme soft, storage that replaces atomically. Every write has
 * two steps, before it and after it, at which power may go (power_cut); each
 * kind of call can be told to fail. Storage and write-once memory are files of
 * their own: a program that links a vault, or simulated flash, has theirs.
 */
#include <setjmp.h>

#include "hallmark/port.h"

struct memrecord {
	bool there;
	size_t len;
	uint8_t bytes[HM_LINK_MAX];
};

struct memport {
	struct memrecord records[HM_RECORD_COUNT + 1];
	uint8_t uid[16];
	uint8_t root[32];      /* private key of its root of trust */
	uint8_t stamp_key[65]; /* pinned */
	uint8_t release[32];
	uint32_t counter;
	hm_lock lock;
	unsigned writes;  /* so far */
	unsigned fail_at; /* the write, from 1 on, that fails; 0: none */
	bool fail_after;  /* it is stored nevertheless */
	bool fail_read, fail_random, fail_attest;
	bool fail_derive;
	bool stuck_random; /* all ones */
	bool fail_uid, fail_firmware, fail_counter, fail_lock;
	uint64_t seed;      /* random numbers follow from it */
	unsigned steps;     /* so far */
	unsigned cut_at;    /* the step, from 1 on, at which power goes */
	jmp_buf *power_cut; /* where it goes to */
	uint8_t out[8192];  /* what was written to the link */
	size_t out_len;
	const uint8_t *in; /* what there is to read from it */
	size_t in_len;
	bool link_broken;
};

extern struct memport chip;

/* Private stamp key of conversations that are written down. */
void memport_stamp_scalar(uint8_t ret[static 32]);
/* A fresh chip, with its own id and keys, that pins `stamp_key`. */
void memport_reset(uint64_t seed, const uint8_t stamp_key[static 65]);
