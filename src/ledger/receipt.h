/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * receipt - C2SP tlog-proof: one entry is in the log
 */
#include "ledger/note.h"

/* Append the text. HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err receipt_format(uint64_t index, const struct tree_hash *proof,
    uint32_t count, struct hm_bytes checkpoint_note, struct buf *ret);
/* HM_E_BAD_INPUT, HM_E_LOG_PROOF. *ret_index may be NULL. */
HM_MUST hm_err receipt_verify(struct hm_bytes receipt, struct hm_bytes entry,
    const struct note_policy *policy, uint64_t *ret_index,
    struct checkpoint *ret);
