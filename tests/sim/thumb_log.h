/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* thumb_log - what one run reads and writes, to tell others that join it */
#include <stddef.h>
#include <stdint.h>

/* From now on the traced run is written down. */
void log_begin(uint32_t ram_at);
/* It has ended: is_same() may be asked. */
void log_end(void);
/* How many places in time there are to join it at. */
size_t log_moments(void);
