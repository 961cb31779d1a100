/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stamp_row - rows of a table that take their value from a device's stamp
 *
 * What a stamp says openly: who the device is and what certifies it. Its
 * secrets are sealed for the device and stay so.
 */
#include "base/options.h"
#include "cmd/csv.h"
#include "wire/stamp.h"

/* The stamp in the file `path`, verified with the key of --stamp-key. `message`
 * is empty before, holds what *ret borrows, and is the caller's to free.
 * HM_E_USAGE, with the line; as file_read() */
HM_MUST hm_err stamp_row_read(const struct options *given,
    const struct csv_row *row, const char *path, struct buf *message,
    struct hm_stamp *ret, struct why *why);
