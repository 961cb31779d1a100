/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/stamp_row.h"

#include "base/file.h"
#include "cmd/point_file.h"
#include "seal/sign1.h"

hm_err
stamp_row_read(const struct options *given, const struct csv_row *row,
    const char *path, struct buf *message, struct hm_stamp *ret,
    struct why *why)
{
	const char *key = options_text(given, "stamp-key");
	uint8_t point[HM_POINT_LEN];
	struct hm_bytes payload;

	if (key == NULL)
		return csv_bad(row, why, "a row stamp wants --stamp-key");
	HM_TRY(point_read(key, point, why));
	HM_TRY(file_read(path, HM_STAMP_MAX, message, why));
	if (sign1_open(buf_bytes(message), HM_STAMP_MAX,
		HM_LITERAL(HM_AAD_STAMP), point, &payload) != HM_OK ||
	    hm_stamp_decode(payload, ret) != HM_OK)
		return csv_bad(row, why, "not a stamp by the --stamp-key");
	return HM_OK;
}
