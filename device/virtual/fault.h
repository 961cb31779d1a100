/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fault - what goes wrong, on order
 *
 * The library under test knows nothing of this: faults sit in the port, below
 * it. Power is cut at a step; a step is one system call that writes nvm/ (a
 * write is cut in its middle), or one answer on the link (cut likewise), from 1
 * on. A cut is _exit(FAULT_EXIT), nothing is flushed or tidied up.
 *
 *   power-cut=N     at step N
 *   wrong-mpmr      the boot state that is signed is another
 *   wrong-release   the firmware that runs is another
 *   alter-claims    the KEM key is replaced after the evidence was signed
 *   reuse-r         all evidence of this chip is signed with one k
 *   record=FILE     evidence is written there
 *   replay=FILE     evidence is answered from there
 *   corrupt-link=N  a bit is flipped in every N-th frame
 *   deaf            nothing is answered
 *   slow-ms=N       every answer takes so much longer
 *
 * Boards have power-cut=N, at the N-th operation on flash, torn, and
 * bad-version=N: the self-test of product N.0.0 finds something.
 */
#include "base/why.h"
#include "core/bytes.h"

#define FAULT_EXIT 85

struct fault {
	uint64_t cut_at; /* 0: never */
	uint64_t steps;
	uint64_t corrupt_each; /* 0: never */
	uint64_t frames;
	uint64_t slow_ms;
	const char *record, *replay; /* borrowed from argv */
	bool wrong_mpmr, wrong_release, alter_claims, reuse_r, deaf;
	bool torn; /* boards only: the operation is cut in its middle */
	uint64_t bad_version; /* boards only: whose self-test fails */
};

/* Add the one that `text` orders. HM_E_USAGE */
HM_MUST hm_err fault_parse(
    const char *text, struct fault *fault, struct why *why);
/* Count nvm/ writes from here on. `fault` must outlive all of them. */
void fault_arm(struct fault *fault);
/* Count one step; true if it is the one at which power goes. */
bool fault_step(struct fault *fault);
_Noreturn void fault_die(void);
/*
 * What really goes onto the wire for `frame`: *ret borrows from memory of this
 * file until the next call; empty: nothing. HM_E_BAD_INPUT, and of files
 */
HM_MUST hm_err fault_frame(struct fault *fault, struct hm_bytes frame,
    struct hm_bytes *ret, struct why *why);
