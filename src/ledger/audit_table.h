/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * audit_table - from 128-bit keys to numbers, for the audit
 *
 * Open addressing with linear probing, at most 7/8 full, grown by half: 20
 * bytes a slot, some 30 a key. Keys may be chosen by whoever wrote the log, so
 * the slot is found with a random seed. All-zero is empty.
 */
#include "core/bytes.h"

#define AUDIT_KEY_LEN 16

struct audit_slot {
	uint32_t key[4];
	uint32_t value; /* plus one; 0: the slot is free */
};

struct audit_table {
	struct audit_slot *slots;
	size_t room, count;
	uint64_t seed;
};

void audit_table_done(struct audit_table *table);
/* Values end at UINT32_MAX - 1. NULL if the key is not there. The pointer holds
 * until the next add; do not write through it. */
const struct audit_slot *audit_table_find(
    const struct audit_table *table, const uint8_t key[static AUDIT_KEY_LEN]);
/* If the key is there already, *ret_old is its value, *ret_new is false, and
 * nothing changes. HM_E_NO_MEMORY, HM_E_NO_ENTROPY */
HM_MUST hm_err audit_table_add(struct audit_table *table,
    const uint8_t key[static AUDIT_KEY_LEN], uint32_t value, uint32_t *ret_old,
    bool *ret_new);
