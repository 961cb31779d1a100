/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * power - the chip under test_power.c, whose power is cut: storage in memory
 * (power_memory.c), or the vault on simulated flash (power_vault.c)
 */
#include <setjmp.h>

#include "memport.h"

/* How the messages go: test_power.c. */
typedef enum power_way {
	POWER_STAMPED,
	POWER_DELIVERED,
	POWER_LEAVES,
} power_way;
#define POWER_WAYS 3

/* Of the steps, every how many-th is tried; and how many there are at least. */
extern const unsigned power_every, power_every_nested, power_least[POWER_WAYS];

/* A new chip. Different numbers: different draws. */
void power_chip(uint64_t number, const uint8_t stamp_key[static 65]);
/* Power is on, and goes at step `cut_at` from now (0: never) to `off`. */
void power_on(unsigned cut_at, jmp_buf *off);
/* What firmware does before the agent. */
void power_start(void);
