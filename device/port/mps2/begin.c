/* SPDX-License-Identifier: Apache-2.0 */
#include "mps2.h"

void
mps2_start(void)
{
	mps2_start_boot();
	time_start();
	uart_start();
}
