/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From reset to main, and from every fault to the end. The stack is painted
 * first, so that its use can be told.
 */
#include "mps2.h"

#include "board.h"
#include "core/check.h"
#include "guard.h"

#define PAINT 0x5aa5c33cu
#define SCS 0xe000e000u
#define AIRCR 0xd0cu
#define AIRCR_RESET 0x05fa0004u

extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];
extern uint32_t stack_low[], stack_top[];

int main(void);
void reset(void);
void fault(void);

void
mps2_reset(void)
{
	__asm__ volatile("dsb" ::: "memory");
	*board_reg(SCS, AIRCR) = AIRCR_RESET;
	for (;;)
		__asm__ volatile("dsb");
}

void
hm_panic(const char *file, int line, const char *what)
{
	(void)line; /* no printf in firmware */
	mps2_say("panic: ");
	mps2_say(file);
	mps2_say(": ");
	mps2_say(what);
	mps2_say("\n");
	mps2_exit(MPS2_EXIT_PANIC);
}

/* Fault status and program counter tell why; a debugger reads them. */
void
fault(void)
{
	mps2_say("fault\n");
	mps2_exit(MPS2_EXIT_FAULT);
}

/* Of all interrupts only one is ever enabled. */
static void
any(void)
{
	uint32_t exception;

	__asm__ volatile("mrs %0, ipsr" : "=r"(exception));
	if (exception == BOARD_UART_IRQ + 16 && irq_uart != NULL) {
		irq_uart();
		return;
	}
	mps2_say("an interrupt that nobody asked for\n");
	mps2_exit(MPS2_EXIT_FAULT);
}

/* Places that the linker names are arrays of their own to the language: as
 * numbers they can be compared. */
static uint32_t
words_to(const uint32_t *at, const uint32_t *end)
{
	return ((uint32_t)(uintptr_t)end - (uint32_t)(uintptr_t)at) / 4;
}

void
reset(void)
{
	uint32_t data = words_to(data_start, data_end);
	uint32_t bss = words_to(bss_start, bss_end);

	if (guard_on != NULL)
		guard_on();
	(void)mps2_stack_paint();
	for (uint32_t i = 0; i < data; i++)
		data_start[i] = data_load[i];
	for (uint32_t i = 0; i < bss; i++)
		bss_start[i] = 0;
	(void)main(); /* never comes back */
	mps2_exit(MPS2_EXIT_OK);
}

size_t
mps2_stack_used(void)
{
	uint32_t left = words_to(stack_low, stack_top);

	for (const uint32_t *at = stack_low; left > 0 && *at == PAINT; at++)
		left--;
	return left * sizeof(*stack_low);
}

size_t
mps2_stack_paint(void)
{
	register uint32_t *sp __asm__("sp");

	for (uint32_t *at = stack_low; at < sp - 8; at++)
		*at = PAINT;
	return (size_t)(stack_top - sp) * sizeof(*sp);
}

/* Stack pointer, then one entry for each exception and interrupt. */
struct vectors {
	uint32_t *stack;
	void (*exceptions[15])(void);
	void (*irqs[BOARD_IRQS])(void);
};

extern const struct vectors vectors;
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
	.stack = stack_top,
	/* reset, watchdog, faults, and at last the tick */
	.exceptions = { reset, mps2_reset, fault, fault, fault, fault, fault,
	    any, any, any, any, any, any, any, irq_tick },
	.irqs = { [0 ... BOARD_IRQS - 1] = any },
};
