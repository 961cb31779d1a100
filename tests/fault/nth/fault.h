/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fault - the n-th call fails, for n = 1.. until a whole life is untouched
 *
 * A part (keeper, signer, front, slot, device library) is a life: a driver that
 * starts the part as a process of its own, makes it do all that it can do and
 * stops it. fault_main() lives it again and again, in a child each time, with
 * another call failing. A driver is told nothing of the fault: it asks again
 * when it was refused for a breakdown, and starts the part again when that
 * ended (fault_reap()), and in the end everything must be as if nothing had
 * happened: same answers, same counts, a clean audit.
 *
 * What is tried: a kind of call (nth.h) made by the part itself or by one of
 * its libraries; that call alone, or all from it on until the part is started
 * again. A part that crashes, ends in another way than with an error of the
 * list, leaks or hangs is a failure, and so is every assertion of the driver.
 *
 *   nth_PART [--part NAME] [--kind K [--by LIBRARY]] [--lasting] [--n N]
 *       [--stride S]
 *
 * prints a line {"part":..,"kind":..,"by":..,"mode":..,"build":..,"calls":..,
 * "failures":..} for each kind; what was said in a life that failed goes to
 * standard error. --n lives the life once and shows what it says.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

/* The clock stands (plant.h has the same). */
#define FAULT_NOW_S UINT64_C(1800000000)

/* Calls of one kind, made by one library (a part of its file name) or, if NULL,
 * by the program. Where there are tens of thousands, every `sparse`-th is
 * tried; 0: all. */
struct fault_class {
	const char *kind, *by;
	unsigned sparse;
	/* The library itself leaks or crashes then, which is not ours to mend:
	 * the part may, but must be in order again when it was restarted. */
	bool careless;
};

struct fault_part {
	const char *name;
	const struct fault_class *classes; /* ended by a kind of NULL */
	unsigned life_s;                   /* longer is a hang */
	void (*prepare)(void); /* once, before the first life; or NULL */
	void (*life)(void);
	void (*finish)(void);          /* once, after the last; or NULL */
	const struct fault_part *next; /* another life of it; or NULL */
};

/* main() of a part's program: all lives from this one on, or the one that
 * --part names. */
int fault_main(const struct fault_part *part, int argc, char **argv);

/*
 * Start what is under test: `run` in a process of its own, which dies with the
 * driver. The first one of a life has the fault. What only stands around it has
 * none, and may be started once for all lives.
 */
pid_t fault_start(hm_err (*run)(void *context), void *context);
pid_t fault_start_around(hm_err (*run)(void *context), void *context);
/* Wait for its end. Anything but HM_OK or an error of the list, without a leak,
 * fails the life. Its error. */
hm_err fault_reap(pid_t pid);
/* In a driver that holds the room under test in its own process: from here on,
 * up to fault_disarm(), calls count. */
void fault_arm(void);
void fault_disarm(void);
/* Did a call fail in this life? */
bool fault_fired(void);
/* Ends the life with these words. */
__attribute__((format(printf, 1, 2))) _Noreturn void fault_lost(
    const char *format, ...);
