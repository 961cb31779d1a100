/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark/port.h, and start and end of every program on this board. */
#include "board.h"

#include <string.h>

#include "core/check.h"
#include "hallmark/crypto.h"
#include "hallmark/flash.h"
#include "wire/evidence.h"
#include "wire/frame.h"

#define UART 0x40002000u
#define RNG 0x4000D000u
#define TIMER 0x40008000u
#define AIRCR 0xE000ED0Cu

/* ---- from reset to main ---- */

extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];
extern uint32_t stack_top[];

int main(void);
void start(void);

HM_NORETURN void
board_reset(void)
{
	*reg(AIRCR, 0) = 0x05FA0004u;
	for (;;)
		;
}

void
hm_panic(const char *file, int line, const char *what)
{
	(void)file;
	(void)line;
	(void)what; /* nobody could read it */
	board_reset();
}

void
start(void)
{
	const uint32_t *from = data_load;

	for (uint32_t *to = data_start; to < data_end;)
		*to++ = *from++;
	for (uint32_t *to = bss_start; to < bss_end;)
		*to++ = 0;
	*reg(UART, 0x500) = 4; /* on */
	*reg(UART, 0x000) = 1; /* receive */
	*reg(UART, 0x008) = 1; /* send */
	(void)main();
	board_reset();
}

/* The chip has no way to move its vectors: those of the boot loader stand at 0
 * for all, and every fault is a reset. No interrupt is ever enabled. */
struct vectors {
	uint32_t *stack;
	void (*exceptions[15])(void);
};
extern const struct vectors vectors;
__attribute__((section(".vectors"), used))
const struct vectors vectors = { stack_top,
	{ start, board_reset, board_reset, board_reset, board_reset,
	    board_reset, board_reset, board_reset, board_reset, board_reset,
	    board_reset, board_reset, board_reset, board_reset, board_reset } };

/* ---- who it is ---- */

hm_err
hm_port_random(struct hm_span ret)
{
	*reg(RNG, 0x000) = 1;
	for (size_t i = 0; i < ret.len; i++) {
		while (*reg(RNG, 0x100) == 0)
			;
		*reg(RNG, 0x100) = 0;
		ret.ptr[i] = (uint8_t)*reg(RNG, 0x508);
	}
	*reg(RNG, 0x004) = 1;
	return HM_OK;
}

hm_err
hm_port_unique_id(struct hm_span room, size_t *ret_len)
{
	if (room.len < sizeof(fuses()->uid))
		return HM_E_NO_ROOM;
	memcpy(room.ptr, fuses()->uid, sizeof(fuses()->uid));
	*ret_len = sizeof(fuses()->uid);
	return HM_OK;
}

void
hm_port_stamp_key(uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, fuses()->stamp_key, HM_POINT_LEN);
}

hm_scheme
hm_port_scheme(void)
{
	return HM_SCHEME_SOFT; /* this chip has no root of trust */
}

/* v mod (n - 1) + 1 is what the library makes of 32 bytes that are a key. */
hm_err
hm_port_attest(const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	struct hm_proof_soft proof;
	uint8_t scalar[32], digest[HM_DIGEST_LEN];
	hm_err err;

	HM_TRY(hm_port_derive(HM_LITERAL("evidence"), scalar));
	hm_sha256((struct hm_bytes){ binding, HM_DIGEST_LEN }, digest);
	err = hm_p256_public(scalar, proof.key);
	if (err == HM_OK)
		err = hm_p256_sign(scalar, digest, proof.signature);
	hm_wipe(scalar, sizeof(scalar));
	HM_TRY(err);
	return hm_proof_soft_encode(&proof, room, ret_len);
}

/* ---- what runs ---- */

const struct handover *
handover(void)
{
	const struct handover *from =
	    (const struct handover *)(uintptr_t)HANDOVER_AT;
	struct hm_bytes body = { (const uint8_t *)from,
		offsetof(struct handover, crc) };

	return from->magic == 0x4D484F42u && from->crc == hm_crc32(body) ? from
									 : NULL;
}

/* ---- the line, and time ---- */

static bool
has_byte(void)
{
	return *reg(UART, 0x108) != 0;
}

/* Microseconds since board_link_wait began. */
static uint32_t
waited_us(void)
{
	*reg(TIMER, 0x040) = 1; /* capture */
	return *reg(TIMER, 0x540);
}

hm_err
board_link_wait(struct hm_span room, uint32_t wait_us, size_t *ret_len)
{
	size_t len = 0;

	*reg(TIMER, 0x508) = 3; /* 32 bits */
	*reg(TIMER, 0x510) = 4; /* of 1 MHz */
	*reg(TIMER, 0x00C) = 1; /* from 0 */
	*reg(TIMER, 0x000) = 1; /* on */
	while (!has_byte()) {
		if (wait_us != 0 && waited_us() >= wait_us)
			return HM_E_TIMEOUT;
		hm_port_watchdog();
	}
	while (len < room.len && has_byte()) {
		*reg(UART, 0x108) = 0;
		room.ptr[len++] = (uint8_t)*reg(UART, 0x518);
	}
	*ret_len = len;
	return HM_OK;
}

hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	return board_link_wait(room, 0, ret_len);
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		*reg(UART, 0x51C) = bytes.ptr[i];
		while (*reg(UART, 0x11C) == 0)
			;
		*reg(UART, 0x11C) = 0;
	}
	return HM_OK;
}

/* WDT, at 0x40010000; the emulator has none. */
void
hm_port_watchdog(void)
{
}

uint32_t
hm_port_ms(void)
{
	return 0;
}
