/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper where calls to the disk fail: every one, by every kind of fault,
 * once, and from then on until the disk is mended.
 *
 *   test_disk_errors [--each N] [--kind N [--nth N]] [--seed N]
 *
 * What is asked then is answered, or refused with an error that says so; asked
 * again later it is answered, by the same keeper. At the end the power goes:
 * what a failed sync may have lost is lost, and whatever was answered is there.
 *
 * --each: every N-th call (1); --kind, --nth: that kind, that call only. The
 * last line is JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "shift.h"

struct run {
	struct shift shift;
	struct disk disk; /* before the work */
	char root[64];
	size_t each, seed, nth;
	int kind; /* one only; -1: all */
	size_t answers, notes;
	size_t runs, faults, calls, cuts;
};

struct fault {
	disk_fault_kind kind;
	uint64_t nth;
	bool lasts, first; /* on an empty disk */
};

static void
put_label(struct run *run, const struct fault *fault)
{
	static char label[96];

	(void)snprintf(label, sizeof(label), "%s%s at call %llu%s",
	    fault->first ? "first start, " : "", disk_fault_name(fault->kind),
	    (unsigned long long)fault->nth, fault->lasts ? " and after" : "");
	run->shift.label = label;
}

/* Lose what is not certain, and look. */
static void
cut(struct run *run, const struct disk *disk, const struct fault *fault)
{
	struct disk left;
	char root[96];
	disk_mode mode = fault->nth % 2 == 0
			     ? DISK_NONE
			     : (disk_mode)(fault->nth / 2 % DISK_KILLED);

	(void)snprintf(root, sizeof(root), "%s/2", run->root);
	hm_assert(mkdir(root, 0700) == 0);
	disk_survive(
	    disk, disk->count, mode, run->seed + fault->nth, root, &left);
	run->shift.limits[1] = disk->count;
	shift_mount(&run->shift, &left, 2);
	shift_judge(&run->shift, true);
	if (run->nth > 0)
		disk_say(disk, disk->base, disk->count);
	shift_unmount(&run->shift);
	run->shift.limits[1] = SIZE_MAX;
	run->cuts++;
	disk_wipe(root);
	disk_done(&left);
}

/* A day with one fault; false: it was over before that. */
static bool
try_fault(struct run *run, const struct fault *fault)
{
	struct shift *shift = &run->shift;
	uint64_t last = fault->lasts                ? UINT64_MAX
			: fault->kind == DISK_SHORT ? fault->nth + 1
						    : fault->nth;
	uint64_t hits;
	struct disk disk;
	char root[96];

	(void)snprintf(root, sizeof(root), "%s/1", run->root);
	hm_assert(mkdir(root, 0700) == 0);
	disk_survive(&run->disk, fault->first ? 0 : run->disk.count, DISK_ALL,
	    1, root, &disk);
	shift->limits[0] = fault->first ? 0 : SIZE_MAX;
	put_label(run, fault);
	shift->plant.now_s = T0;
	shift->plant.hold_us = UINT32_MAX;
	shift->next_chip = 0;
	shift_mount(shift, &disk, 1);
	disk_fail(fault->kind, fault->nth, last);
	if (fault->first)
		shift_begin(shift);
	else
		shift_work(shift);
	hits = disk_hits();
	disk_mend();
	shift_unmount(shift);
	run->runs++;
	run->faults += hits;
	if (hits > 0)
		cut(run, &disk, fault);
	shift_forget(shift, run->answers, run->notes);
	disk_wipe(root);
	disk_done(&disk);
	return hits > 0;
}

static void
try_all(struct run *run, disk_fault_kind kind, bool lasts, bool first)
{
	struct fault fault = { kind, 1 + run->seed % run->each, lasts, first };

	if (run->nth > 0)
		fault.nth = run->nth;
	while (try_fault(run, &fault) && run->nth == 0)
		fault.nth += run->each;
	if (!lasts)
		run->calls += fault.nth;
}

static void
take_options(struct run *run, int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		size_t number = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--each") == 0)
			run->each = number;
		else if (strcmp(argv[i], "--kind") == 0)
			run->kind = (int)number;
		else if (strcmp(argv[i], "--nth") == 0)
			run->nth = number;
		else if (strcmp(argv[i], "--seed") == 0)
			run->seed = number;
		else
			exit(2);
	}
}

static int
report(const struct run *run)
{
	const struct shift *shift = &run->shift;

	(void)printf("{\"calls\":%zu,\"runs\":%zu,\"faults\":%zu,\"cuts\":%zu,"
		     "\"breakdowns\":{",
	    run->calls, run->runs, run->faults, run->cuts);
	for (size_t i = 0; i < shift->id_count; i++)
		(void)printf("%s\"HM-%04d\":%zu", i > 0 ? "," : "",
		    shift->ids[i].err, shift->ids[i].count);
	(void)printf("},\"violations\":%zu}\n", shift->violations);
	return shift->violations == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static struct run run = { .each = 1, .kind = -1 };
	char root[96];
	int status;

	take_options(&run, argc, argv);
	disk_top(run.root);
	(void)snprintf(root, sizeof(root), "%s/0", run.root);
	hm_assert(mkdir(root, 0700) == 0);
	disk_new(&run.disk, root);
	shift_init(&run.shift);
	shift_mount(&run.shift, &run.disk, 0);
	shift_prepare(&run.shift);
	shift_unmount(&run.shift);
	run.shift.patient = true;
	run.answers = run.shift.answer_count;
	run.notes = run.shift.note_count;
	for (int kind = 0; kind < DISK_FAULTS; kind++) {
		if (run.kind >= 0 && kind != run.kind)
			continue;
		for (int how = 0; how < 4; how++)
			try_all(
			    &run, (disk_fault_kind)kind, how % 2 == 1, how < 2);
	}
	status = report(&run);
	shift_done(&run.shift);
	disk_done(&run.disk);
	disk_wipe(run.root);
	return status;
}
