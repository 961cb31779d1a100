/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper where power goes at every operation of the disk.
 *
 *   test_power_keeper [--each N] [--modes N] [--nested N] [--seed N]
 *                     [--lie PATTERN]
 *
 * --each: every N-th operation (1); --modes: so many choices of what survives,
 * of each kind (0: one, at random); --nested: a second cut in every N-th
 * recovery (0: none). --lie: as disk_lie(): then a violation must be found, and
 * the first one ends the run, with exit status 0. The last line is JSON.
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
	struct disk disk;
	char root[64];
	size_t each, modes, nested, seed;
	const char *lie;
	size_t cuts, kills, nested_cuts;
};

/* The hour of what was answered last. */
static uint64_t
time_of(const struct shift *shift, size_t ops)
{
	uint64_t ret = T0;

	for (size_t i = 0; i < shift->answer_count; i++)
		if (shift->answers[i].era == 0 && shift->answers[i].left <= ops)
			ret = shift->answers[i].now_s;
	return ret;
}

struct cut {
	const struct disk *from;
	size_t at;
	disk_mode mode;
	uint64_t seed;
	unsigned era; /* of the keeper that is started then */
};

/* Cut, start again and look. The disk that this leaves is *ret. */
static void
try_cut(struct run *run, const struct cut *cut, struct disk *ret)
{
	struct shift *shift = &run->shift;
	char root[96], label[96];

	(void)snprintf(root, sizeof(root), "%s/%u", run->root, cut->era);
	(void)snprintf(label, sizeof(label), "era %u, cut %zu %s seed %llu",
	    cut->era, cut->at, disk_mode_name(cut->mode),
	    (unsigned long long)cut->seed);
	hm_assert(mkdir(root, 0700) == 0);
	disk_survive(cut->from, cut->at, cut->mode, cut->seed, root, ret);
	shift->label = label;
	shift->limits[cut->era - 1] = cut->at;
	shift_mount(shift, ret, cut->era);
	shift_judge(shift, cut->seed % 4 == 0);
	shift_unmount(shift);
	shift->limits[cut->era - 1] = SIZE_MAX;
	shift->label = "after";
	disk_wipe(root);
}

static void
cut_again(struct run *run, const struct disk *disk, size_t first, uint64_t seed)
{
	struct cut cut = { .from = disk, .seed = seed, .era = 2 };
	struct disk left;

	cut.at = first + seed % (disk->count - first + 1);
	cut.mode = (disk_mode)(seed / 7 % DISK_KILLED);
	try_cut(run, &cut, &left);
	disk_done(&left);
	run->nested_cuts++;
}

static void
cut_at(struct run *run, size_t at, disk_mode mode, uint64_t seed)
{
	struct cut cut = { &run->disk, at, mode, seed, 1 };
	size_t answers = run->shift.answer_count;
	size_t notes = run->shift.note_count;
	size_t violations = run->shift.violations;
	struct disk left;

	run->shift.plant.now_s = time_of(&run->shift, at);
	try_cut(run, &cut, &left);
	if (mode == DISK_KILLED)
		run->kills++;
	else
		run->cuts++;
	if (run->shift.violations != violations && run->lie == NULL)
		disk_say(&run->disk, at > 12 ? at - 12 : 0, at);
	/* A process that was killed and came again has synced nothing yet. */
	if (mode == DISK_KILLED ||
	    (run->nested > 0 && seed % run->nested == 0)) {
		run->shift.limits[0] = at;
		cut_again(run, &left, mode == DISK_KILLED ? at : left.base,
		    seed * 31 + at);
		run->shift.limits[0] = SIZE_MAX;
	}
	disk_done(&left);
	shift_forget(&run->shift, answers, notes);
}

/* One cut of each kind so many times; or one of any kind. */
static void
cut_often(struct run *run, size_t at, uint64_t *seed)
{
	if (run->modes == 0) {
		cut_at(run, at, (disk_mode)(*seed * 5 % DISK_MODES), *seed);
		++*seed;
		return;
	}
	for (disk_mode mode = 0; mode < DISK_MODES; mode++)
		for (size_t i = 0; i < run->modes; i++)
			cut_at(run, at, mode, (*seed)++);
}

static void
cut_everywhere(struct run *run)
{
	uint64_t seed = run->seed;

	for (size_t at = 0; at <= run->disk.count; at += run->each) {
		if (run->lie != NULL && run->shift.violations > 0)
			break;
		cut_often(run, at, &seed);
	}
}

static void
take_options(struct run *run, int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		size_t number = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--each") == 0)
			run->each = number;
		else if (strcmp(argv[i], "--modes") == 0)
			run->modes = number;
		else if (strcmp(argv[i], "--nested") == 0)
			run->nested = number;
		else if (strcmp(argv[i], "--seed") == 0)
			run->seed = number;
		else if (strcmp(argv[i], "--lie") == 0)
			run->lie = argv[i + 1];
		else
			exit(2);
	}
}

static int
report(const struct run *run)
{
	size_t found = run->shift.violations;

	(void)printf("{\"operations\":%zu,\"answers\":%zu,\"cuts\":%zu,"
		     "\"kills\":%zu,\"nested\":%zu,\"violations\":%zu%s%s%s}\n",
	    run->disk.count, run->shift.answer_count, run->cuts, run->kills,
	    run->nested_cuts, found, run->lie != NULL ? ",\"lie\":\"" : "",
	    run->lie != NULL ? run->lie : "", run->lie != NULL ? "\"" : "");
	return (found > 0) == (run->lie != NULL) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static struct run run = { .each = 1, .nested = 4, .seed = 1 };
	char root[96];
	int status;

	take_options(&run, argc, argv);
	disk_top(run.root);
	(void)snprintf(root, sizeof(root), "%s/0", run.root);
	hm_assert(mkdir(root, 0700) == 0);
	disk_new(&run.disk, root);
	disk_lie(run.lie);
	shift_init(&run.shift);
	shift_mount(&run.shift, &run.disk, 0);
	shift_prepare(&run.shift);
	plant_close(&run.shift.plant);
	shift_work(&run.shift);
	shift_unmount(&run.shift);
	cut_everywhere(&run);
	status = report(&run);
	shift_done(&run.shift);
	disk_done(&run.disk);
	disk_wipe(run.root);
	return status;
}
