/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * receipt - what a log proves to others: an entry is in it; it has only grown
 *
 * A receipt is a C2SP tlog-proof. A growth proof is the same for a checkpoint
 * that somebody has seen before, and has our own first line:
 *
 *   hallmark-growth-v1
 *   from 1234                  entries of the checkpoint that was seen
 *   base64(hash)               consistency proof of RFC 9162, bottom up
 *   (empty line)
 *   checkpoint note            of the log as it is now
 *
 * A log that is shorter than `from` has no hashes to show; its checkpoint is
 * then signed evidence of a roll-back.
 */
#include "ledger/note.h"

/* Append the text. HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err receipt_format(uint64_t index, const struct tree_hash *proof,
    uint32_t count, struct hm_bytes checkpoint_note, struct buf *ret);
/* HM_E_BAD_INPUT, HM_E_LOG_PROOF. *ret_index may be NULL. */
HM_MUST hm_err receipt_verify(struct hm_bytes receipt, struct hm_bytes entry,
    const struct note_policy *policy, uint64_t *ret_index,
    struct checkpoint *ret);
/* The checkpoint note at the end of a text; only its place is looked for.
 * HM_E_BAD_INPUT */
HM_MUST hm_err receipt_note(struct hm_bytes receipt, struct hm_bytes *ret);
HM_MUST hm_err growth_note(struct hm_bytes growth, struct hm_bytes *ret);

/* Append the text. HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err growth_format(uint64_t from, const struct tree_hash *proof,
    uint32_t count, struct hm_bytes checkpoint_note, struct buf *ret);
/*
 * Has the log of `policy` grown from what was seen (size 0: nothing) to the
 * checkpoint in `growth`? HM_E_BAD_INPUT (form, or about another size),
 * HM_E_LOG_PROOF (not signed by the log), HM_E_LOG_ROLLBACK (it has fewer
 * entries now), HM_E_LOG (what was seen is not its past). *ret, which borrows
 * from `growth`, is written once the signature is good.
 */
HM_MUST hm_err growth_verify(struct hm_bytes growth,
    const struct note_policy *policy, const struct checkpoint *seen,
    struct checkpoint *ret);
