/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMSDK UART. Received bytes go to a ring by interrupt; whoever waits for them
 * sleeps. When the ring is full the interrupt is switched off until there is
 * room: bytes then wait in the host, a real line would lose them and ask again.
 *
 * The interrupt is acknowledged before the data register is read: the other
 * order loses a byte that comes in between, under load only.
 */
#include "mps2.h"

#include "board.h"
#include "hallmark/flash.h"

#define DATA 0x00
#define STATE 0x04
#define CTRL 0x08
#define INTCLEAR 0x0c
#define BAUDDIV 0x10
#define TX_FULL 0x1u
#define RX_FULL 0x2u
#define ENABLE 0x3u
#define RX_IRQ 0x8u
#define CLEAR_RX 0x2u

#define RING 1024u /* a power of 2 */
#define NVIC_ISER 0xe000e100u

static volatile uint32_t head, tail; /* head - tail bytes wait */
static uint8_t ring[RING];

void
irq_uart(void)
{
	*board_reg(BOARD_UART, INTCLEAR) = CLEAR_RX;
	while ((*board_reg(BOARD_UART, STATE) & RX_FULL) != 0) {
		if (head - tail == RING) {
			*board_reg(BOARD_UART, CTRL) = ENABLE;
			return;
		}
		ring[head % RING] = (uint8_t)*board_reg(BOARD_UART, DATA);
		head = head + 1;
	}
}

void
uart_start(void)
{
	*board_reg(BOARD_UART, BAUDDIV) = 16;
	*board_reg(BOARD_UART, INTCLEAR) = CLEAR_RX;
	*board_reg(BOARD_UART, CTRL) = ENABLE | RX_IRQ;
	*board_reg(NVIC_ISER, 4 * (BOARD_UART_IRQ / 32)) =
	    1u << (BOARD_UART_IRQ % 32);
}

/* Sleep until an interrupt, unless a byte is there already: checked with
 * interrupts off, for one that comes before the WFI wakes it all the same. */
static void
sleep_unless_ready(void)
{
	__asm__ volatile("cpsid i" ::: "memory");
	if (head == tail)
		__asm__ volatile("wfi" ::: "memory");
	__asm__ volatile("cpsie i" ::: "memory");
}

static size_t
take(struct hm_span room)
{
	size_t len = 0;

	while (len < room.len && head != tail) {
		room.ptr[len++] = ring[tail % RING];
		tail = tail + 1;
	}
	/* What waits in the register raises no interrupt of its own. */
	__asm__ volatile("cpsid i" ::: "memory");
	*board_reg(BOARD_UART, CTRL) = ENABLE | RX_IRQ;
	irq_uart();
	__asm__ volatile("cpsie i" ::: "memory");
	return len;
}

hm_err
mps2_link_wait(struct hm_span room, uint32_t wait_ms, size_t *ret_len)
{
	uint32_t begin_ms = mps2_ms();

	while (head == tail) {
		if (wait_ms != 0 && mps2_ms() - begin_ms >= wait_ms)
			return HM_E_TIMEOUT;
		hm_port_watchdog();
		sleep_unless_ready();
	}
	*ret_len = take(room);
	return HM_OK;
}

hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	return mps2_link_wait(room, 0, ret_len);
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		while ((*board_reg(BOARD_UART, STATE) & TX_FULL) != 0)
			continue; /* a byte's time */
		*board_reg(BOARD_UART, DATA) = bytes.ptr[i];
	}
	return HM_OK;
}
