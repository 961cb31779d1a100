/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create */
#include "thumb_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

#define PAGE 0x1000u
#define SPAN (((uint64_t)1 << 32) + PAGE)
#define ROM_SPAN 0x400000u
#define RAM_SPAN 0x200000u
#define CODE_REGION 0x800000u /* device/port/mps2/guard.c, or more */
#define RAM_REGION 0x2000000u
#define PROCESSOR_AT 0xe0000000u /* its registers: never in a region */
#define PROCESSOR_LEN 0x100000u
#define MPU_CTRL 0xe000ed94u
#define VTOR 0xe000ed08u
#define SYS_WRITE0 0x04
#define SYS_GET_CMDLINE 0x15
#define SYS_EXIT_EXTENDED 0x20

struct cpu cpu;
bool flash_written;
static const uint8_t rom[ROM_LEN] = { ROM_BYTES };
static sigjmp_buf fault;

/* ---- memory ---- */

const uint8_t *
machine_at(uint32_t address)
{
	return (const uint8_t *)(READ_AT + (uint64_t)address);
}

uint8_t *
machine_room(uint32_t address)
{
	return (uint8_t *)(WRITE_AT + (uint64_t)address);
}

/* Of what both boards certainly have not. */
static bool
is_hole(uint64_t address)
{
	return (address >= 0x60000000 && address < 0x80000000) ||
	       (address >= 0x90000000 && address < 0xe0000000) ||
	       address >= 0xf8000000;
}

static bool
is_near_device(uint64_t address)
{
	static const uint32_t devices[] = { DEVICES };

	for (unsigned i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (address >> 20 == devices[i] >> 20)
			return true;
	return false;
}

struct machine_settings
machine_settings(void)
{
	struct machine_settings settings;

	memcpy(&settings.guard, machine_room(MPU_CTRL), 4);
	memcpy(&settings.vectors, machine_room(VTOR), 4);
	return settings;
}

void
machine_set(struct machine_settings settings)
{
	memcpy(machine_room(MPU_CTRL), &settings.guard, 4);
	memcpy(machine_room(VTOR), &settings.vectors, 4);
}

bool
machine_is_guarded(void)
{
	return (machine_settings().guard & 1) != 0;
}

run_end
machine_fault(void)
{
	return machine_settings().vectors == 0 ? FAULT : UNKNOWN;
}

static bool
lies_in(uint64_t address, uint64_t at, uint64_t len)
{
	return address >= at && address < at + len;
}

/* With the guard on: surely outside of all regions; flash and RAM are for
 * data, code for reading. What is nearly so QEMU decides. */
bool
machine_refuses(uint64_t address, bool is_write, bool is_code)
{
	if (is_hole(address) || !machine_is_guarded())
		return is_hole(address);
	if (lies_in(address, ROM_AT, CODE_REGION))
		return is_write && address < (uint64_t)ROM_AT + ROM_SPAN;
	if (lies_in(address, FLASH_AT, FLASH_LEN) ||
	    lies_in(address, RAM_AT, RAM_SPAN))
		return is_code;
	return !lies_in(address, RAM_AT, RAM_REGION) &&
	       !lies_in(address, FLASH_AT, RAM_REGION) &&
	       !lies_in(address, PROCESSOR_AT, PROCESSOR_LEN) &&
	       !is_near_device(address);
}

static void
must(bool is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	exit(2);
}

void
machine_flash(bool is_ours)
{
	must(mprotect(machine_room(FLASH_AT), FLASH_LEN,
		 is_ours ? PROT_READ | PROT_WRITE : PROT_NONE) == 0,
	    "mprotect");
	flash_written = false;
}

static void
on_fault(int number, siginfo_t *info, void *context)
{
	const uint64_t at = (uint64_t)(uintptr_t)info->si_addr;
	const bool is_write = at >= WRITE_AT;
	const uint64_t address = at - (is_write ? WRITE_AT : READ_AT);

	(void)number;
	(void)context;
	if (is_write && !flash_written && address >= FLASH_AT &&
	    address < FLASH_AT + FLASH_LEN) {
		machine_flash(true);
		flash_written = true;
		return;
	}
	siglongjmp(
	    fault, machine_refuses(address, is_write, false) ? FAULT : UNKNOWN);
}

static void
reserve(uint64_t at, int file)
{
	must(mmap((void *)at, SPAN, PROT_NONE, MAP_SHARED | MAP_FIXED, file,
		 0) != MAP_FAILED,
	    "mmap");
}

static void
allow(uint64_t base, uint32_t address, uint32_t len)
{
	const uint64_t low = base + (address & ~(PAGE - 1));

	must(mprotect((void *)low, base + address + len - low,
		 PROT_READ | PROT_WRITE) == 0,
	    "mprotect");
}

void
machine_open(void)
{
	static const uint32_t devices[] = { DEVICES };
	struct sigaction action = { .sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER };
	const int file = memfd_create("machine", MFD_CLOEXEC);

	must(file >= 0 && ftruncate(file, SPAN) == 0, "memory");
	reserve(READ_AT, file);
	reserve(WRITE_AT, file);
	(void)close(file);
	allow(READ_AT, RAM_AT, RAM_SPAN);
	allow(READ_AT, FLASH_AT, FLASH_LEN);
	allow(READ_AT, ROM_AT, ROM_SPAN);
	allow(WRITE_AT, RAM_AT, RAM_LEN);
	allow(WRITE_AT, ROM_AT, ROM_LEN);
	memcpy(machine_room(ROM_AT), rom, ROM_LEN);
	must(mprotect(machine_room(ROM_AT), ROM_LEN, PROT_NONE) == 0,
	    "mprotect");
	for (unsigned i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		allow(WRITE_AT, devices[i], PAGE);
	must(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
	must(sigaction(SIGBUS, &action, NULL) == 0, "sigaction");
}

run_end
thumb_semihost(uint32_t *what, uint32_t block)
{
	static const char line[] = "fw exit=1";
	uint32_t room;

	if (*what == SYS_EXIT_EXTENDED)
		return SAFE;
	if (*what == SYS_WRITE0)
		return SAME;
	if (*what != SYS_GET_CMDLINE || cpu.fuel == 0)
		return UNKNOWN;
	memcpy(&room, machine_at(block), 4);
	memcpy(machine_room(room), line, sizeof(line));
	room = sizeof(line) - 1;
	memcpy(machine_room(block + 4), &room, 4);
	if (cpu.is_logged) /* what it writes kills nothing: that is safe */
		log_memory(block, 8, false);
	*what = 0;
	return SAME;
}

static run_end
guarded(run_end (*run)(void))
{
	int end = sigsetjmp(fault, 0);

	if (end == 0)
		end = (int)run();
	return end == FAULT ? machine_fault() : (run_end)end;
}

run_end
run_fast(void)
{
	return guarded(thumb_fast);
}

run_end
run_traced(void)
{
	return guarded(thumb_traced);
}
