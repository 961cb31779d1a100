/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   test_power_device                      a sample: all stories, chips, tears
 *   test_power_device --depth 2            every operation, and again every one
 *       [--chip NAME] [--story NAME] [--step N] [--inner N] [--seed N]
 * [--whole]
 *       [--find]
 *
 * --step: every so many operations; --inner: of those of the recovery; --whole:
 * of a download, too, whose recoveries are else cut 23 times less often;
 * --find: it has to find something. The last line is one of JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "power_device.h"

struct options {
	const char *chip, *story;
	uint64_t depth, step, inner, seed;
	bool whole, find;
};

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
print(const char *what, const struct power_figures *figures, double spent)
{
	printf("{\"power_cuts\": \"%s\", \"cuts\": %" PRIu64
	       ", \"lives\": %" PRIu64 ", \"depth\": %" PRIu64
	       ", \"bricks\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"cpu_s\": %.1f, \"cuts_per_minute\": %.0f}\n",
	    what, figures->cuts, figures->lives, figures->deepest,
	    figures->bricks, figures->lost, spent,
	    spent > 0 ? (double)figures->cuts * 60 / spent : 0);
}

static void
add(struct power_figures *all, const struct power_figures *some)
{
	all->cuts += some->cuts;
	all->lives += some->lives;
	all->bricks += some->bricks;
	all->lost += some->lost;
	if (all->deepest < some->deepest)
		all->deepest = some->deepest;
}

/* One story on one chip, in all ways of tearing. */
static void
tell(const struct options *options, const struct nor_chip *chip,
    const struct power_story *story, struct power_figures *all)
{
	struct power_figures some = { 0 };
	const double begun = seconds();
	char what[96];

	for (nor_tear tear = NOR_CLEAN; tear <= NOR_LATE; tear++) {
		struct power_sweep sweep = { .chip = chip,
			.story = story,
			.tear = tear,
			.depth = (unsigned)options->depth,
			.step = { options->step, options->inner, options->inner,
			    options->inner },
			.seed = options->seed + (uint64_t)tear,
			.is_whole = options->whole,
			.is_talkative = !options->find };

		power_sweep(&sweep, &some);
	}
	(void)snprintf(what, sizeof(what), "%s, %s", story->name, chip->name);
	print(what, &some, seconds() - begun);
	add(all, &some);
}

static bool
is_wanted(const char *wish, const char *name)
{
	return wish == NULL || strcmp(wish, name) == 0;
}

static void
tell_all(const struct options *options, struct power_figures *all)
{
	for (const struct nor_chip *chip = nor_chips; chip->name != NULL;
	     chip++) {
		if (!is_wanted(options->chip, chip->name))
			continue;
		for (size_t i = 0; power_stories[i] != NULL; i++)
			if (is_wanted(options->story, power_stories[i]->name))
				tell(options, chip, power_stories[i], all);
	}
}

static int
read_options(int argc, char **argv, struct options *ret)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--find") == 0) {
			ret->find = true;
			continue;
		}
		if (strcmp(argv[i], "--whole") == 0) {
			ret->whole = true;
			continue;
		}
		if (strcmp(argv[i], "--chip") == 0)
			ret->chip = value;
		else if (strcmp(argv[i], "--story") == 0)
			ret->story = value;
		else if (strcmp(argv[i], "--depth") == 0)
			ret->depth = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--step") == 0)
			ret->step = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--inner") == 0)
			ret->inner = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			ret->seed = strtoull(value, NULL, 10);
		else
			return 2;
		i++;
	}
	return ret->depth > 0 && ret->depth <= 4 && ret->step > 0 &&
		       ret->inner > 0
		   ? 0
		   : 2;
}

int
main(int argc, char **argv)
{
	struct options options = {
		.depth = 1, .step = 1, .inner = 1, .seed = 1
	};
	struct power_figures all = { 0 };
	const double begun = seconds();
	bool is_bad;

	if (read_options(argc, argv, &options) != 0) {
		fprintf(stderr, "see the head of test_power_device.c\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	nor_open(&nor_chips[0]);
	tell_all(&options, &all);
	print("all", &all, seconds() - begun);
	is_bad = all.bricks + all.lost > 0 || all.cuts == 0;
	return is_bad == options.find ? 0 : 1;
}
