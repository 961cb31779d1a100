/* SPDX-License-Identifier: Apache-2.0 */
#include "mps2.h"

#include <string.h>

/* Arm's semihosting: operation and parameter block. */
#define SYS_OPEN 0x01
#define SYS_WRITE0 0x04
#define SYS_READ 0x06
#define SYS_GET_CMDLINE 0x15
#define SYS_EXIT_EXTENDED 0x20
#define REASON_EXIT 0x20026
#define MODE_RB 1

static int
call(int operation, const void *block)
{
	register int r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = block;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

void
semihost_arguments(char *room, size_t size)
{
	uintptr_t block[] = { (uintptr_t)room, size - 1 };

	if (call(SYS_GET_CMDLINE, block) != 0)
		block[1] = 0;
	room[block[1] < size ? block[1] : 0] = 0;
}

void
mps2_exit(int status)
{
	const uintptr_t block[] = { REASON_EXIT, (uintptr_t)status };

	for (;;)
		(void)call(SYS_EXIT_EXTENDED, block); /* does not return */
}

void
mps2_say(const char *text)
{
	(void)call(SYS_WRITE0, text); /* nobody may be there to read */
}

void
mps2_report(const char *name, uint32_t number)
{
	char text[12], *at = text + sizeof(text) - 1;

	*at = 0;
	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	mps2_say(name);
	mps2_say(" ");
	mps2_say(at);
}

/* The models of these boards have no random source: the host's is taken. */
hm_err
semihost_random(struct hm_span ret)
{
	static const char path[] = "/dev/urandom";
	const uintptr_t open[] = { (uintptr_t)path, MODE_RB, sizeof(path) - 1 };
	static int file = -1;
	uintptr_t read[3];

	if (file < 0)
		file = call(SYS_OPEN, open);
	read[0] = (uintptr_t)file;
	read[1] = (uintptr_t)ret.ptr;
	read[2] = ret.len;
	if (file < 0 || call(SYS_READ, read) != 0) {
		hm_wipe(ret.ptr, ret.len);
		return HM_E_NO_ENTROPY;
	}
	return HM_OK;
}
