/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errtext.h"

#include <stddef.h>

static const struct err_info rows[] = {
#define ROW(name, id, http, ex, class, words, act) \
	{ HM_##name, #name, http, HM_EXIT_##ex, ERR_##class, words, act },
	HM_ERR_LIST(ROW)
#undef ROW
	    { HM_OK, NULL, 0, 0, ERR_PERMANENT, NULL, NULL },
};

static const struct err_info *
find(unsigned number)
{
	for (const struct err_info *row = rows; row->name != NULL; row++)
		if ((unsigned)row->err == number)
			return row;
	return NULL;
}

const struct err_info *
err_info(hm_err err)
{
	const struct err_info *row = find((unsigned)err);

	return row != NULL ? row : find((unsigned)HM_E_BUG);
}

bool
err_is_known(unsigned number)
{
	return find(number) != NULL;
}

const char *
err_class_name(err_class class)
{
	switch (class) {
	case ERR_TRANSIENT:
		return "transient";
	case ERR_PERMANENT:
		return "permanent";
	case ERR_HOLD:
		return "hold";
	case ERR_SECURITY:
		return "security";
	}
	return "permanent";
}

const struct err_info *
err_all(void)
{
	return rows;
}
