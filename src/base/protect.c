/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from jail.c: who only protects itself needs no filter's library. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/jail.h"

static hm_err
failed(const char *what, struct why *why)
{
	return WHY(why, HM_E_JAIL, "cannot %s: %s", what, strerror(errno));
}

hm_err
process_protect(struct why *why)
{
	struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return failed("switch core dumps off", why);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failed("close the process to debuggers", why);
	return HM_OK;
}
