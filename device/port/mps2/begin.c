/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/flash.h"
#include "mps2.h"

void
mps2_start_boot(void)
{
	nor_start();
	hm_port_watchdog();
}

void
mps2_start(void)
{
	mps2_start_boot();
	time_start();
	uart_start();
}
