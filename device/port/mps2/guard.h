/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * guard - what a boot loader may not do until it has decided
 */
#include "mps2.h"

/* First of all in a program that calls guard_leave(); others have none. */
__attribute__((weak)) void guard_on(void);
/* To an image whose vectors are there; their first two words must be these. */
HM_NORETURN void guard_leave(uint32_t vectors, uint32_t stack, uint32_t start);
