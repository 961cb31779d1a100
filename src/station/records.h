/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * records - what stays at the factory of a finished unit
 *
 *   SERIAL.der                  identity certificate
 *   SERIAL.issue.entry          ledger entry of the issue, and its
 *   SERIAL.issue.tlog-proof     receipt
 *   SERIAL.confirm.entry        ledger entry of the confirmation, and its
 *   SERIAL.confirm.tlog-proof   receipt
 *
 * `hallmark audit verify LEDGER --records FOLDER` checks them against the log.
 */

#include "ledger/note.h"
#include "wire/stamp.h"

/* The serial number in a stamp. HM_E_BAD_INPUT */
HM_MUST hm_err records_serial(
    struct hm_bytes stamp, char ret[static HM_SERIAL_MAX + 1]);

/* Does the receipt prove the entry? No key: only its form is not looked at.
 * HM_E_BAD_INPUT, HM_E_LOG_PROOF */
HM_MUST hm_err records_check(const struct note_key *log_key,
    struct hm_bytes entry, struct hm_bytes receipt);

/* Write all five, durably. HM_E_JOURNAL */
HM_MUST hm_err records_write(const char *folder, const char *serial,
    struct hm_bytes issue_answer, struct hm_bytes confirm_answer);
