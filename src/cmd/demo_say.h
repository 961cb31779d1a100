/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* demo_say - the demo's story: a line a step, with the time that it took */

/* The clock of the first step starts. */
void demo_begin(void);
/* A step is done. */
__attribute__((format(printf, 2, 3))) void demo_say(
    const char *what, const char *format, ...);
/* An escape sequence where colour is wanted, else nothing. */
const char *demo_paint(const char *colour);
