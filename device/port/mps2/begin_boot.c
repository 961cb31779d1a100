/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from begin.c, so that a boot loader has no UART and no time. */
#include "hallmark/flash.h"
#include "mps2.h"

void
mps2_start_boot(void)
{
	nor_start();
	hm_port_watchdog();
}
