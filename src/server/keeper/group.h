/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * group - what is committed together, from handling to proof
 *
 *   fresh -> out -> done -> (commit) -> proving -> ready
 *         `-> later                `------------------^
 */
#include "server/keeper/state.h"

/* Handle what is fresh and what came back from the signer. What it returns
 * means that the group must be taken back. */
HM_MUST hm_err group_run(struct keeper *keeper, uint64_t now_s);
/* Everything that is not committed ends with `err`. */
void group_take_back(struct keeper *keeper, hm_err err);

/* Is it time for a commit? And when, at the latest; UINT64_MAX: not by time. */
bool group_is_due(const struct keeper *keeper);
uint64_t group_due_us(const struct keeper *keeper);
void group_commit(struct keeper *keeper);
/* Receipts of what is committed, once the checkpoint is there. */
void group_prove(struct keeper *keeper);
