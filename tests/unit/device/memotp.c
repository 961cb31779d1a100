/* SPDX-License-Identifier: Apache-2.0 */
/* Write-once memory of the chip. Left out where simulated flash brings its own.
 */
#include "memport.h"

hm_err
hm_port_counter(uint32_t *ret)
{
	if (chip.fail_counter)
		return HM_E_IO;
	*ret = chip.counter;
	return HM_OK;
}

hm_err
hm_port_lock(hm_lock *ret)
{
	if (chip.fail_lock)
		return HM_E_IO;
	*ret = chip.lock;
	return HM_OK;
}
