/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * vault_scan - what a bank of the vault holds, as it reads now
 *
 * A cut leaves the units before it as they were meant, one unit that reads as
 * anything, and erased flash behind it. So an entry behind which something was
 * programmed is on flash for good: proven. The last one may be unproven: it
 * reads well, and may not tomorrow. Whatever else is wrong no cut explains, and
 * it is reported instead of taken for the end of the log.
 */

#include "vault_entry.h"

#define VAULT_NOWHERE UINT32_MAX

typedef enum vault_state {
	VAULT_NOTHING,  /* blank, or never completed, or noise */
	VAULT_DAMAGED,  /* has entries, and damage that no cut explains */
	VAULT_UNPROVEN, /* complete as it reads now */
	VAULT_COMPLETE,
} vault_state;

struct vault_bank {
	vault_state state;
	bool blank; /* nothing was ever programmed, or so it reads */
	bool clean; /* nothing to finish: no remains, no superseded secret */
	bool tomb;  /* all records are gone */
	uint32_t end;
	uint64_t sequence;                /* of the last entry; 0: none */
	uint32_t at[HM_RECORD_COUNT + 1]; /* newest of each, or NOWHERE */
	uint8_t unproven; /* record whose newest may not read well again; 0 */
	uint32_t before;  /* the one before it, or NOWHERE */
};

/* Look at bank 0 or 1. Needs no more stack than one piece. */
void vault_scan(
    const struct vault_area *area, uint32_t bank, struct vault_bank *ret);
