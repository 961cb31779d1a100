/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ossl.h"

#include <stdbool.h>

#include <openssl/err.h>

hm_err
ossl_failed(hm_err refusal)
{
	hm_err err = refusal;
	unsigned long code;

	while ((code = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			err = HM_E_NO_MEMORY;
	}
	return err;
}

hm_err
ossl_failed_import(void)
{
	bool off_curve = false, no_memory = false;
	unsigned long code;

	while ((code = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			no_memory = true;
		else if (ERR_GET_LIB(code) == ERR_LIB_EC)
			off_curve = true;
	}
	return off_curve && !no_memory ? HM_E_KEY : HM_E_NO_MEMORY;
}
