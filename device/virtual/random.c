/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of every virtual device. */
#include <errno.h>
#include <sys/random.h>

#include "hallmark/port.h"

hm_err
hm_port_random(struct hm_span ret)
{
	size_t done = 0;

	while (done < ret.len) {
		ssize_t got = getrandom(ret.ptr + done, ret.len - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			hm_wipe(ret.ptr, ret.len);
			return HM_E_NO_ENTROPY;
		}
		done += (size_t)got;
	}
	return HM_OK;
}
