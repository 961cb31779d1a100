/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * guard - what a boot loader may not do until it has decided
 */
#include "mps2.h"

/* First of all in a program that calls guard_off(); others have none. */
__attribute__((weak)) void guard_on(void);
/* Just before an image is jumped to; in force with the next barrier. */
void guard_off(void);
