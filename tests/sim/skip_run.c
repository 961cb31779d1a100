/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which image starts if one instruction of the boot loader is not executed?
 *
 *   skip_run FLASH --entry ADDRESS [--fine ADDRESS] [--all N] [--ends N]
 *            [--gap N] [--seed N] [--part I/N] [--list] [--alone]
 *            [--states PREFIX [--replayed N] [--check N]]
 *
 * FLASH is the content of the board's flash, ADDRESS where the image in it
 * begins to run; --fine is where another one begins, that may start. A run
 * without a skip comes first. Then each instruction that it executes at most
 * --all times is left out at each of them; one that it executes more often at
 * its first and at its last --ends executions; and any of them at moments that
 * are drawn, about one in --gap instructions. The run before the skip is never
 * repeated: a second machine goes on from there. It is left where it has become
 * what the first run was (thumb_log.c). A machine that has written flash and
 * started nothing is switched on again, up to four times.
 *
 * A bypass is a jump to anywhere in flash but --fine. The last line is one of
 * JSON; before it stands a line for each point that is one, or that was not
 * known here; with --list for all. With --states the state of the machine
 * before the skip is written to PREFIX and a number, where somebody else cannot
 * get there by counting: of what was not known behind the --replayed-th
 * execution, and of each --check-th moment that was drawn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program.h"
#include "thumb_log.h"
#include "thumb_run.h"

#define NEVER UINT32_MAX
#define STARTS 4
#define STATE_FLASH 0x120000 /* FLASH_USED of tests/e2e/skips.py */

struct options {
	const char *flash, *states;
	uint32_t entry, fine, part, parts, all, ends, replayed, check;
	uint64_t gap, seed;
	bool is_list, is_alone;
};
/* An instruction that is left out. */
struct point {
	uint32_t half, count;
	bool is_drawn;
	uint32_t state; /* number of its file; 0: none */
};

static const char *const names[RUN_ENDS] = { "safe", "same", "fault", "hang",
	"outside", "unknown", "trapped" };
static struct options options = { .parts = 1, .ends = 1, .replayed = NEVER };
static uint8_t flash[FLASH_LEN], then[FLASH_LEN], before[RAM_LEN];
static const uint16_t half_of[PLACES] = { PLACE_HALVES };
static const uint8_t it_of[PLACES] = { PLACE_ITS };
/* executions in the run without a skip, and the one to stop at next */
static uint32_t total[HALVES], due[HALVES], trap[HALVES];
static uint64_t points, bypasses, ends[RUN_ENDS], longest, drawn, instructions;
static uint32_t states;

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t
draw(void)
{
	options.seed ^= options.seed << 13;
	options.seed ^= options.seed >> 7;
	options.seed ^= options.seed << 17;
	return options.gap == 0 ? UINT64_MAX
				: 1 + options.seed % (2 * options.gap);
}

static void
reset(void)
{
	uint32_t vectors[2];

	memset(machine_room(RAM_AT), 0, RAM_LEN);
	machine_set((struct machine_settings){ 0 });
	memcpy(vectors, machine_at(ROM_AT), sizeof(vectors));
	memset(&cpu, 0, sizeof(cpu));
	cpu.r[13] = vectors[0];
	cpu.r[14] = UINT32_MAX;
	cpu.where = (vectors[1] - 1 - ROM_AT) / 2;
	cpu.trap = trap;
}

static void
power_on(void)
{
	machine_flash(true);
	memcpy(machine_room(FLASH_AT), flash, FLASH_LEN);
	machine_flash(false);
	reset();
	cpu.fuel = UINT64_MAX;
	for (uint32_t i = 0; i < HALVES; i++)
		trap[i] = NEVER;
}

/* Without a skip. */
static run_end
look(void)
{
	run_end end;

	power_on();
	if (!options.is_alone)
		log_begin(RAM_AT);
	end = run_traced();
	log_end();
	longest = UINT64_MAX - cpu.fuel;
	for (uint32_t i = 0; i < HALVES; i++) {
		total[i] = NEVER - trap[i];
		instructions += total[i] != 0;
	}
	return end;
}

static bool
is_fine(run_end end)
{
	return end == OUTSIDE && cpu.pc == options.fine;
}

/* In flash, where all is what somebody sent. */
static bool
is_bypass(run_end end)
{
	return end == OUTSIDE && cpu.pc - FLASH_AT < FLASH_LEN && !is_fine(end);
}

static const char *
name_of(run_end end)
{
	if (is_fine(end))
		return "fine";
	return is_bypass(end) && cpu.pc == options.entry ? "bypass"
							 : names[end];
}

static void
tell(const struct point *point, run_end end)
{
	points++;
	drawn += point->is_drawn;
	bypasses += is_bypass(end);
	ends[is_fine(end) ? SAFE : end]++;
	if (options.is_list || is_bypass(end) || end == UNKNOWN)
		printf("{\"at\": %u, \"count\": %u, \"drawn\": %s, "
		       "\"end\": \"%s\", \"pc\": %u, \"bypass\": %s, "
		       "\"state\": %u}\n",
		    ROM_AT + 2 * point->half, point->count,
		    point->is_drawn ? "true" : "false", name_of(end),
		    end == OUTSIDE ? cpu.pc : 0,
		    is_bypass(end) ? "true" : "false", point->state);
}

/* As it is behind the instruction that is left out: r0 to r14, flags as in
 * xPSR, state of an IT block, place to go on at, 0 if we do not know it; RAM;
 * flash, if it was written.
 */
static void
write_state(struct point *point, const struct cpu *at)
{
	const uint32_t place = at->next < 0 ? 0 : (uint32_t)at->next;
	uint32_t words[18];
	char path[512];
	FILE *file;

	memcpy(words, at->r, sizeof(at->r));
	words[15] = (at->res & 0x80000000u) | (at->res == 0) << 30 |
		    at->c << 29 | at->v << 28;
	words[16] = at->next < 0 ? 0 : it_of[place];
	words[17] = at->next < 0 ? 0 : ROM_AT + 2 * (uint32_t)half_of[place];
	point->state = ++states;
	(void)snprintf(path, sizeof(path), "%s%u", options.states, states);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(words, sizeof(words), 1, file) != 1 ||
	    fwrite(before, RAM_LEN, 1, file) != 1 ||
	    (flash_written && fwrite(then, STATE_FLASH, 1, file) != 1) ||
	    fclose(file) != 0) {
		perror(path);
		exit(2);
	}
}

static bool
is_state_due(const struct point *point, bool is_guarded, run_end end)
{
	static uint32_t turn;

	/* The emulator that becomes it has its guard on. */
	if (options.states == NULL || !is_guarded)
		return false;
	if (end == UNKNOWN && point->count > options.replayed)
		return true;
	return point->is_drawn && options.check != 0 &&
	       ++turn % options.check == 0;
}

static bool
has_changed(void)
{
	return flash_written &&
	       memcmp(machine_at(FLASH_AT), flash, FLASH_LEN) != 0;
}

/* Nothing is to be left behind in flash that starts later. */
static run_end
again(run_end end)
{
	for (unsigned i = 0; i < STARTS && has_changed(); i++) {
		if (end != SAFE && end != FAULT && end != HANG)
			break;
		reset();
		cpu.fuel = longest + 1000000;
		end = run_fast();
	}
	return end;
}

static run_end
go_on(void)
{
	run_end end;

	if (cpu.next < 0)
		return UNKNOWN;
	cpu.where = (uint32_t)cpu.next;
	cpu.fuel = longest + 1000000;
	end = again(run_fast());
	if (end != OUTSIDE)
		return end;
	if (machine_refuses(cpu.pc, false, true))
		return machine_fault();
	return cpu.pc - FLASH_AT < FLASH_LEN ? OUTSIDE : UNKNOWN;
}

/* The machine stands before an instruction: go on behind it. */
static void
skip(struct point *point)
{
	const struct cpu now = cpu;
	const bool was_written = flash_written;
	const struct machine_settings settings = machine_settings();
	const bool was_guarded = machine_is_guarded();
	struct cpu later;
	run_end end;

	memcpy(before, machine_at(RAM_AT), RAM_LEN);
	if (was_written)
		memcpy(then, machine_at(FLASH_AT), FLASH_LEN);
	end = go_on();
	later = cpu;
	if (flash_written) {
		memcpy(machine_room(FLASH_AT), was_written ? then : flash,
		    FLASH_LEN);
		if (!was_written)
			machine_flash(false);
	}
	memcpy(machine_room(RAM_AT), before, RAM_LEN);
	machine_set(settings);
	if (is_state_due(point, was_guarded, end))
		write_state(point, &now);
	cpu = later;
	tell(point, end);
	cpu = now;
}

/* The execution to stop at behind that one. */
static uint32_t
next_due(uint32_t half, uint32_t count)
{
	const uint32_t all = total[half];

	if (count >= all)
		return NEVER;
	if (all <= options.all || count < options.ends ||
	    count + options.ends >= all)
		return count + 1;
	return options.ends == 0 ? NEVER : all - options.ends + 1;
}

/* The traced run has stopped. Skip, if it is our turn, and set the next trap.
 * What is executed now is counted once more. */
static void
trapped(void)
{
	static uint64_t turns;
	const uint32_t half = half_of[cpu.where];
	struct point point = { .half = half, .is_drawn = trap[half] != 0 };

	point.count = due[half] - trap[half];
	if (point.is_drawn)
		cpu.moment = draw() + 1;
	else
		due[half] = next_due(half, point.count);
	trap[half] = due[half] - point.count + 1;
	if (turns++ % options.parts == options.part)
		skip(&point);
}

static void
campaign(void)
{
	run_end end;

	power_on();
	for (uint32_t i = 0; i < HALVES; i++)
		trap[i] = due[i] = next_due(i, 0);
	cpu.moment = draw();
	do {
		end = run_traced();
		if (end == TRAPPED)
			trapped();
	} while (end == TRAPPED);
}

static void
read_flash(void)
{
	FILE *file = fopen(options.flash, "rb");

	if (file == NULL || fread(flash, 1, FLASH_LEN, file) == 0) {
		perror(options.flash);
		exit(2);
	}
	(void)fclose(file);
}

static bool
read_option(const char *name, const char *value)
{
	const uint64_t number = strtoull(value, NULL, 0);
	const char *rest = strpbrk(value, ":/");

	if (strcmp(name, "--entry") == 0)
		options.entry = (uint32_t)number;
	else if (strcmp(name, "--fine") == 0)
		options.fine = (uint32_t)number;
	else if (strcmp(name, "--all") == 0)
		options.all = (uint32_t)number;
	else if (strcmp(name, "--ends") == 0)
		options.ends = (uint32_t)number;
	else if (strcmp(name, "--states") == 0)
		options.states = value;
	else if (strcmp(name, "--replayed") == 0)
		options.replayed = (uint32_t)number;
	else if (strcmp(name, "--check") == 0)
		options.check = (uint32_t)number;
	else if (strcmp(name, "--gap") == 0)
		options.gap = number;
	else if (strcmp(name, "--seed") == 0 && number != 0)
		options.seed = number;
	else if (strcmp(name, "--part") == 0 && rest != NULL) {
		options.part = (uint32_t)number;
		options.parts = (uint32_t)strtoull(rest + 1, NULL, 0);
	} else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	run_end end;
	bool is_understood = argc > 1;

	options.seed = 1;
	for (int i = 2; is_understood && i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			options.is_list = true;
		else if (strcmp(argv[i], "--alone") == 0)
			options.is_alone = true;
		else
			is_understood = i + 1 < argc &&
					read_option(argv[i], argv[i + 1]) &&
					++i > 0;
	}
	if (!is_understood || options.parts == 0) {
		fprintf(stderr, "see the head of skip_run.c\n");
		return 2;
	}
	options.flash = argv[1];
	read_flash();
	machine_open();
	end = look();
	printf("{\"end\": \"%s\", \"pc\": %u, \"moments\": %zu, "
	       "\"instructions\": %llu}\n",
	    name_of(end), cpu.pc, log_moments(),
	    (unsigned long long)instructions);
	campaign();
	printf("{\"points\": %llu, \"drawn\": %llu, \"safe\": %llu, "
	       "\"same\": %llu, \"fault\": %llu, \"hang\": %llu, "
	       "\"unknown\": %llu, \"bypasses\": %llu, \"cpu_s\": %.1f}\n",
	    (unsigned long long)points, (unsigned long long)drawn,
	    (unsigned long long)ends[SAFE], (unsigned long long)ends[SAME],
	    (unsigned long long)ends[FAULT], (unsigned long long)ends[HANG],
	    (unsigned long long)ends[UNKNOWN], (unsigned long long)bypasses,
	    seconds());
	return 0;
}
