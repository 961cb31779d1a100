/* SPDX-License-Identifier: Apache-2.0 */
#include "station/records.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ledger/receipt.h"
#include "wire/conformance.h"
#include "wire/cose.h"

static hm_err
open_stamp(struct hm_bytes message, struct hm_stamp *ret)
{
	struct hm_sign1 sign1;

	/* The device verifies the signature; nobody can fool it through us. */
	HM_TRY(hm_sign1_decode(message, HM_STAMP_MAX, &sign1));
	return hm_stamp_decode(sign1.payload, ret);
}

hm_err
records_serial(struct hm_bytes stamp, char ret[static HM_SERIAL_MAX + 1])
{
	struct hm_stamp content;

	HM_TRY(open_stamp(stamp, &content));
	memcpy(ret, content.serial.ptr, content.serial.len);
	ret[content.serial.len] = 0;
	/* It becomes a file name; the decoder takes what is fit for one. */
	return HM_OK;
}

hm_err
records_check(const struct note_key *log_key, struct hm_bytes entry,
    struct hm_bytes receipt)
{
	struct note_policy policy = { .log = log_key };
	struct checkpoint checkpoint;

	if (log_key == NULL)
		return HM_OK;
	return receipt_verify(receipt, entry, &policy, NULL, &checkpoint);
}

static hm_err
put(const char *folder, const char *serial, const char *suffix,
    struct hm_bytes bytes)
{
	char name[HM_SERIAL_MAX + 32], path[FILE_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%s%s", serial, suffix);
	HM_TRY(path_join(path, sizeof(path), folder, name));
	return file_write(path, bytes, 0644, NULL) == HM_OK ? HM_OK
							    : HM_E_JOURNAL;
}

hm_err
records_write(const char *folder, const char *serial,
    struct hm_bytes issue_answer, struct hm_bytes confirm_answer)
{
	struct hm_confirm_answer confirmed;
	struct hm_issue_answer issued;
	struct hm_stamp stamp;

	HM_TRY(hm_issue_answer_decode(issue_answer, &issued));
	HM_TRY(hm_confirm_answer_decode(confirm_answer, &confirmed));
	HM_TRY(open_stamp(issued.stamp, &stamp));
	HM_TRY(put(folder, serial, ".der", stamp.certificate));
	HM_TRY(put(folder, serial, ".issue.entry", issued.entry));
	HM_TRY(put(folder, serial, ".issue.tlog-proof", issued.receipt));
	HM_TRY(put(folder, serial, ".confirm.entry", confirmed.entry));
	return put(folder, serial, ".confirm.tlog-proof", confirmed.receipt);
}
