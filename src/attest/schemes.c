/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/schemes.h"

static const struct attest_scheme *const rows[] = {
	&attest_soft,
	&attest_imx_mp,
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct attest_scheme *
attest_scheme_row(hm_scheme number)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i]->number == number)
			return rows[i];
	}
	return NULL;
}

const char *
attest_scheme_name(hm_scheme scheme)
{
	const struct attest_scheme *row = attest_scheme_row(scheme);

	return row == NULL ? NULL : row->name;
}

hm_scheme
attest_scheme_of(struct hm_bytes name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (hm_bytes_equal(hm_bytes_of(rows[i]->name), name))
			return rows[i]->number;
	}
	return 0;
}
