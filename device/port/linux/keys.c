/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <string.h>

static const struct keys *const rows[] = {
	&keys_soft,
#ifdef HM_LINUX_TPM
	&keys_tpm,
#endif
#ifdef HM_LINUX_P11
	&keys_p11,
#endif
};

hm_err
keys_find(const char *text, const struct keys **ret, const char **ret_where)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i]->name) != len ||
		    strncmp(rows[i]->name, text, len) != 0)
			continue;
		*ret = rows[i];
		*ret_where = text[len] == ':' ? text + len + 1 : "";
		return HM_OK;
	}
	return HM_E_USAGE;
}
