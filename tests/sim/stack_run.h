/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Of the instruction at the halfword `half` of ROM; `word`. */
uint32_t stack_word(uint32_t half, uint32_t address, uint32_t word);
/* Executed so far. */
extern uint64_t stack_instructions;
