/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mps2 - what the files of this port know of one another, and what firmware
 * calls besides hallmark/port.h and flash.h
 *
 * A board runs in an emulator that gives it arguments by semihosting, on a
 * line such as  fw cut=120 torn=1 exit=1
 *
 *   cut=N      power goes at the N-th operation on flash since it came,
 *              resets or not
 *   torn=1     and that operation is done by half
 *   entropy=0  there is none
 *   exit=1     a program that has done its work ends the emulation
 *   fail=N     the self-test of product N.0.0 finds something
 *   report=1   what a program used is said on the console
 */

#include "core/bytes.h"
#include "hallmark/port.h"

/* How the emulation ends, as its exit status. */
enum mps2_exit {
	MPS2_EXIT_OK = 0,
	MPS2_EXIT_FAULT = 3,
	MPS2_EXIT_PANIC = 4,
	MPS2_EXIT_NOTHING = 5,   /* the boot loader found nothing to start */
	MPS2_EXIT_CUT = 0x55,    /* the cut that was asked for */
	MPS2_EXIT_BREACH = 0x66, /* the rules of the flash were broken */
};

/* Once, first of all: arguments, UART, time, watchdog. */
void mps2_start(void);
/* The same for a boot loader, which has no link. */
void mps2_start_boot(void);
/* The value of an argument, or `otherwise`. */
uint32_t mps2_argument(const char *name, uint32_t otherwise);
HM_NORETURN void mps2_exit(int status);
HM_NORETURN void mps2_reset(void);
/* Text for the emulator's console, not for the line. */
void mps2_say(const char *text);
/* Bytes of stack that were in use at the same time since the reset, or since
 * the stack was painted anew; that tells how many are in use now. */
size_t mps2_stack_used(void);
size_t mps2_stack_paint(void);
/* "name number\n" on the console. */
void mps2_report(const char *name, uint32_t number);
/* Ticks of the processor's clock since the reset, and the same in ms. */
uint64_t mps2_ticks(void);
uint32_t mps2_ms(void);
/* Like hm_port_link_read(), but HM_E_TIMEOUT after `wait_ms` of silence. */
HM_MUST hm_err mps2_link_wait(
    struct hm_span room, uint32_t wait_ms, size_t *ret_len);

/* ---- semihost.c: the host ---- */
void semihost_arguments(char *room, size_t size);
HM_MUST hm_err semihost_random(struct hm_span ret);

/* ---- nor.c: flash with its rules, and power cuts ---- */
void nor_start(void);
/* Where it can be read, and code in it runs. */
const uint8_t *nor_at(uint32_t at);
/* `at` and `len` in whole units that were erased. */
void nor_program(uint32_t at, const uint8_t *bytes, uint32_t len);
/* Further bits of one unit: what is 0 stays 0. Fuses only. */
void nor_burn(uint32_t at, uint64_t zeros);
void nor_erase(uint32_t at, uint32_t size);

/* ---- uart.c, time.c ---- */
void uart_start(void);
void time_start(void);

/* ---- interrupts; a program without the one or the other has no handler ----
 */
__attribute__((weak)) void irq_uart(void);
__attribute__((weak)) void irq_tick(void);
