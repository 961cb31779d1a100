/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which words does the boot loader put on its stack, and how much does it do?
 *
 *   stack_run FLASH LOW HIGH
 *
 * FLASH is the content of the board's flash; addresses from LOW to before HIGH
 * count. A line "ADDRESS WORD" in hexadecimal for each
 * instruction and each word that it wrote there, once; but for small numbers,
 * and for addresses of ROM, RAM and flash, which every program has on its
 * stack. Which of them are an image's is found by comparing two images. The
 * last line is "instructions N M": of that start, and of one more, which finds
 * in flash what the first has left there.
 */
#include "stack_run.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "thumb_run.h"

#define SEEN (1u << 22)
#define SMALL 0x10000u

static uint8_t flash[FLASH_LEN];
static uint64_t seen[SEEN]; /* a table by hash; 0: free */
static uint32_t low, high, count;
uint64_t stack_instructions;

run_end
thumb_traced(void)
{
	return thumb_fast();
}

static bool
is_address(uint32_t word)
{
	return word - ROM_AT < ROM_LEN || word - RAM_AT < RAM_LEN ||
	       word - FLASH_AT < FLASH_LEN;
}

static bool
is_new(uint32_t half, uint32_t word)
{
	const uint64_t key = (uint64_t)(half + 1) << 32 | word;
	uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 42) % SEEN;

	while (seen[at] != 0 && seen[at] != key)
		at = (at + 1) % SEEN;
	if (seen[at] == key)
		return false;
	if (++count > SEEN / 2)
		abort();
	seen[at] = key;
	return true;
}

uint32_t
stack_word(uint32_t half, uint32_t address, uint32_t word)
{
	if (address >= low && address < high && word + SMALL >= 2 * SMALL &&
	    !is_address(word) && is_new(half, word))
		printf("%x %x\n", ROM_AT + 2 * half, word);
	return word;
}

/* Instructions until something starts, or nothing can; 0: neither. */
static uint64_t
start(void)
{
	const uint64_t before = stack_instructions;
	uint32_t vectors[2];
	run_end end;

	memset(machine_room(RAM_AT), 0, RAM_LEN);
	memcpy(vectors, machine_at(ROM_AT), sizeof(vectors));
	memset(&cpu, 0, sizeof(cpu));
	cpu.r[13] = vectors[0];
	cpu.r[14] = UINT32_MAX;
	cpu.where = (vectors[1] - 1 - ROM_AT) / 2;
	cpu.fuel = UINT64_MAX;
	end = run_fast();
	return end == SAFE || end == OUTSIDE ? stack_instructions - before : 0;
}

int
main(int argc, char **argv)
{
	FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
	uint64_t first, second;

	if (file == NULL || fread(flash, 1, FLASH_LEN, file) == 0) {
		perror("stack_run FLASH LOW HIGH");
		return 2;
	}
	(void)fclose(file);
	low = (uint32_t)strtoul(argv[2], NULL, 16);
	high = (uint32_t)strtoul(argv[3], NULL, 16);
	machine_open();
	machine_flash(true);
	memcpy(machine_room(FLASH_AT), flash, FLASH_LEN);
	machine_flash(false);
	first = start();
	high = low; /* of one start only */
	second = start();
	printf("instructions %llu %llu\n", (unsigned long long)first,
	    (unsigned long long)second);
	return first != 0 && second != 0 ? 0 : 1;
}
