/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * thumb_run - a program that thumb.py has translated, in memory of its own
 *
 * The machine's memory is there twice: where it reads, and where it writes. So
 * devices can be written, and ROM read, only. What the board has not is an
 * exception; what it has and we have not ends the run as UNKNOWN: what a device
 * answers, what is written to ROM, which is RAM on the boards of QEMU, RAM that
 * the program does not own. Flash is watched: the first write to it is noted.
 * One machine a process.
 *
 * The program is there twice as well: as fast as may be, and traced. The traced
 * one stops where it is told to, and can write down what it reads and writes.
 */
#include <stdbool.h>
#include <stdint.h>

#define READ_AT 0x100000000000u
#define WRITE_AT 0x110000000000u
#define SPECIAL_AT 0xf0000000u /* a jump there may be a return from more */
#define RAM_LEN 0x21000u       /* of program and handover */
#define FLASH_LEN 0x1000000u

typedef enum run_end {
	SAFE,    /* it said that nothing starts, or began anew */
	SAME,    /* it is where a run without a skip was, and as that was */
	FAULT,   /* an exception */
	HANG,    /* it goes on for much longer than it should */
	OUTSIDE, /* it runs what is no ROM: cpu.pc says where */
	UNKNOWN, /* an instruction that is not translated, a write to ROM */
	TRAPPED, /* traced: at cpu.where, which has not been executed */
	RUN_ENDS
} run_end;

struct cpu {
	uint32_t r[15], res, c, v;
	uint32_t where; /* place to go on at */
	int32_t next;   /* TRAPPED: the place behind it; -1: not known */
	uint32_t pc;    /* OUTSIDE */
	uint64_t fuel;  /* jumps backwards until HANG; counts down */
	/* traced: stop at the trap[half]-th execution from now, or at the
	 * moment-th instruction */
	uint32_t *trap;
	uint64_t moment;
	bool is_logged;
};

extern struct cpu cpu;
extern bool flash_written;

/* Map memory; ROM is filled, the rest is zero. */
void machine_open(void);
/* The host's address of the machine's: to read, to write. */
const uint8_t *machine_at(uint32_t address);
uint8_t *machine_room(uint32_t address);
/* The processor's own registers that decide what happens: the memory protection
 * of device/port/mps2/guard.c, and where the vectors are, 0 if not moved. */
struct machine_settings {
	uint32_t guard, vectors;
};
struct machine_settings machine_settings(void);
void machine_set(struct machine_settings settings);
bool machine_is_guarded(void);
/* FAULT; UNKNOWN if another program's handler would see it. */
run_end machine_fault(void);
/* Surely a fault: the board has nothing there, or the guard refuses it. */
bool machine_refuses(uint64_t address, bool is_write, bool is_code);
/* Flash may be written by us, and is no machine's write. */
void machine_flash(bool is_ours);
/* From cpu.where on. */
run_end run_fast(void);
run_end run_traced(void);

/* ---- of the translated program ---- */

run_end thumb_fast(void);
run_end thumb_traced(void);
/* SAME: it goes on. */
run_end thumb_semihost(uint32_t *what, uint32_t block);

/* ---- what thumb_log.c brings ---- */

/* An instruction, by masks of the locals that it reads and writes. */
void log_step(uint32_t reads, uint32_t writes);
void log_memory(uint32_t address, uint32_t size, bool is_write);
/* A place at which runs may be compared. */
void log_sync(uint32_t where);
/* Is all that the first run would read from here on as it was then? */
bool is_same(uint32_t where);
