/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_line - whole provisionings a second, against what they cost at least
 *
 *   bench_line --stations N --seconds S [--new-connections | --resume]
 *       [--token-delay-ms D] [--sessions N] [--fronts F] [--devices N]
 *       [--rate R] [--half-load] [--idle N] [--count-sessions] [--dir FOLDER]
 * --json
 *
 * The real server with its processes, SoftHSM, mutual TLS; each device asks for
 * a challenge, is issued and confirms; each answer waits for the commit and has
 * a receipt. The last line on standard output is the result, the lines before
 * it are the limit, item by item. docs/performance.md says what the figures
 * mean.
 *
 * --devices N makes so many in one database, with a line for each part of them
 * (with --rate R: of a minute), then restarts the server and audits the ledger.
 * --idle N opens so many connections more afterwards, to see what they take.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "core/check.h"
#include "crypto/init.h"
#include "line/line.h"

#define WARM_DEVICES 600 /* and a few for each station */
#define RESERVE 2.0      /* more devices than will probably be made */
#define QUOTA 16000000
#define PART 50000 /* devices between two lines of --devices */

static _Noreturn void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: bench_line --stations N --seconds S"
	    " [--new-connections | --resume]\n"
	    "    [--token-delay-ms D] [--sessions N] [--fronts F]\n"
	    "    [--devices N] [--rate R]\n"
	    "    [--half-load] [--idle N] [--count-sessions] [--dir FOLDER]"
	    " [--json]\n");
	exit(2);
}

enum option_key {
	KEY_STATIONS = 256,
	KEY_SECONDS,
	KEY_NEW,
	KEY_RESUME,
	KEY_DELAY,
	KEY_FRONTS,
	KEY_SESSIONS,
	KEY_DEVICES,
	KEY_RATE,
	KEY_HALF,
	KEY_IDLE,
	KEY_COUNT,
	KEY_DIR,
	KEY_JSON,
};

static const struct option long_options[] = {
	{ "stations", required_argument, NULL, KEY_STATIONS },
	{ "seconds", required_argument, NULL, KEY_SECONDS },
	{ "new-connections", no_argument, NULL, KEY_NEW },
	{ "resume", no_argument, NULL, KEY_RESUME },
	{ "token-delay-ms", required_argument, NULL, KEY_DELAY },
	{ "sessions", required_argument, NULL, KEY_SESSIONS },
	{ "fronts", required_argument, NULL, KEY_FRONTS },
	{ "devices", required_argument, NULL, KEY_DEVICES },
	{ "rate", required_argument, NULL, KEY_RATE },
	{ "half-load", no_argument, NULL, KEY_HALF },
	{ "idle", required_argument, NULL, KEY_IDLE },
	{ "count-sessions", no_argument, NULL, KEY_COUNT },
	{ "dir", required_argument, NULL, KEY_DIR },
	{ "json", no_argument, NULL, KEY_JSON },
	{ 0 },
};

static uint32_t
number(uint32_t max)
{
	char *end;
	unsigned long n = strtoul(optarg, &end, 10);

	if (*optarg == 0 || *end != 0 || n > max)
		usage();
	return (uint32_t)n;
}

static void
take_option(int key, struct line_options *ret)
{
	switch (key) {
	case KEY_STATIONS:
		ret->stations = number(4096);
		break;
	case KEY_SECONDS:
		ret->seconds = number(86400);
		break;
	case KEY_NEW:
		ret->reuse = LINE_NEW;
		break;
	case KEY_RESUME:
		ret->reuse = LINE_RESUME;
		break;
	case KEY_DELAY:
		ret->token_delay_ms = number(60000);
		break;
	case KEY_FRONTS:
		ret->fronts = number(64);
		break;
	case KEY_SESSIONS:
		ret->sessions = number(32);
		break;
	case KEY_DEVICES:
		ret->devices = number(QUOTA);
		break;
	case KEY_RATE:
		ret->rate = atof(optarg);
		break;
	case KEY_HALF:
		ret->half_load = true;
		break;
	case KEY_IDLE:
		ret->idle = number(9000);
		break;
	case KEY_COUNT:
		ret->count_sessions = true;
		break;
	case KEY_DIR:
		ret->folder = optarg;
		break;
	case KEY_JSON:
		break; /* there is no other form */
	default:
		usage();
	}
}

static void
parse(int argc, char **argv, struct line_options *ret)
{
	int key;

	*ret = (struct line_options){ .stations = 16, .seconds = 10 };
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(key, ret);
	if (optind != argc || ret->stations == 0 || ret->seconds == 0)
		usage();
}

/* One stretch; all of its devices, if its seconds are 0. */
static void
run_stretch(struct line_world *world, struct line_load *load,
    const struct line_stretch *stretch, struct line_result *ret)
{
	line_load_run(load, stretch, ret);
	ret->rate = stretch->rate;
	if (line_world_confirmed(world) != world->made)
		line_fail("the server has confirmed another number of devices");
}

/* The same with devices of its own. */
static void
run(struct line_world *world, struct line_load *load, uint32_t count,
    double seconds, double rate, struct line_result *ret)
{
	struct line_stretch stretch = {
		.count = count, .seconds = seconds, .rate = rate
	};

	stretch.devices = line_devices_new(world, count);
	run_stretch(world, load, &stretch, ret);
	free(stretch.devices);
}

static uint32_t
enough(const struct line_result *top, double seconds, double rate)
{
	double per_s = rate > 0 ? rate : top->done / top->wall_s;

	return (uint32_t)(per_s * seconds * RESERVE) + 100;
}

/* As fast as it goes, or half as fast, or at a rate. */
static void
run_timed(struct line_world *world, struct line_load *load,
    const struct line_options *options, struct line_result *ret)
{
	double rate = options->rate, seconds = options->seconds;
	uint32_t warm = options->token_delay_ms > 0
			    ? 4 * options->stations
			    : WARM_DEVICES + 8 * options->stations;

	run(world, load, warm, 0, 0, ret);
	if (options->half_load) {
		run(world, load, enough(ret, seconds, 0), seconds, 0, ret);
		rate = ret->done / ret->wall_s / 2;
	}
	run(world, load, enough(ret, seconds, rate), seconds, rate, ret);
}

/* Minute by minute, without a pause: all devices are made and enrolled before.
 */
static void
run_paced(struct line_world *world, struct line_load *load,
    const struct line_options *options, struct line_result *ret)
{
	struct line_device *all = line_devices_new(world, options->devices);
	uint32_t part = (uint32_t)(options->rate * 60), done = 0;

	while (done < options->devices) {
		uint32_t left = options->devices - done;
		struct line_stretch stretch = { .devices = all + done,
			.count = left < part ? left : part,
			.rate = options->rate };

		run_stretch(world, load, &stretch, ret);
		line_report_part(world, ret);
		done += stretch.count;
	}
	free(all);
}

/* Part by part; between them keys are made and enrolled, which does not count.
 */
static void
run_many(struct line_world *world, struct line_load *load,
    const struct line_options *options, struct line_result *ret)
{
	uint32_t left = options->devices;
	struct line_many many = { 0 };

	if (options->rate > 0) {
		run_paced(world, load, options, ret);
		line_many_add(&many, ret);
		left = 0;
	}

	while (left > 0) {
		uint32_t count = left < PART ? left : PART;

		run(world, load, count, 0, 0, ret);
		line_report_part(world, ret);
		line_many_add(&many, ret);
		left -= count;
	}
	many.restart_s = line_world_restart(world);
	many.audit_cpu_s = line_world_audit(world, &many.audit_s);
	many.devices = world->made;
	line_report_many(&many);
}

int
main(int argc, char **argv)
{
	static struct line_options options;
	static struct line_world world;
	static struct line_result result;
	struct line_primitives primitives;
	struct line_limit limit;
	struct line_load *load;

	parse(argc, argv, &options);
	process_take_turns(); /* what comes from elsewhere interrupts nobody */
	line_must(crypto_init(), NULL, "libcrypto");
	line_world_make(&world, &options);
	line_limit_measure(&primitives);
	line_world_serve(&world, QUOTA);
	load = line_load_new(&world, &options);
	if (options.devices > 0)
		run_many(&world, load, &options, &result);
	else
		run_timed(&world, load, &options, &result);
	if (options.idle > 0)
		result.idle_kib = line_load_idle(load, options.idle);
	line_limit_measure_again(&primitives);
	line_limit_of(&primitives, &options, &result, &limit);
	line_report(&options, &result, &limit);
	line_load_free(load);
	line_world_done(&world);
	return 0;
}
