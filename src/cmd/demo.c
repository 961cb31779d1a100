/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark demo: a whole OEM and a factory line in one folder */
#include "cmd/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/report.h"
#include "cmd/demo_say.h"
#include "cmd/nouns.h"
#include "cmd/run.h"

#define EXTRAS 4
#define CUT_AT 7    /* the device that loses power */
#define DEVICES 100 /* without --devices */
#define MACHINES 12 /* the same, of real firmware */
#define FIRMWARE "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

/* ---- the plan: who must pass, who must not ---- */

struct extra {
	const char *name, *fault;
	hm_err want;
};

static void
plan_extras(struct demo_unit *units, const struct extra *extras)
{
	for (uint32_t i = 0; i < EXTRAS; i++) {
		(void)snprintf(units[i].dir, sizeof(units[i].dir), "devices/%s",
		    extras[i].name);
		units[i].fault = extras[i].fault;
		units[i].want = extras[i].want;
		units[i].is_altered = extras[i].want == HM_E_BOOT_NONE;
		units[i].is_extra = true;
	}
}

/* Real firmware does not replay; what it must not do is start once altered. */
static void
plan_units(struct demo_unit *units, uint32_t quota, bool is_virtual)
{
	static const struct extra virtual[EXTRAS] = {
		{ "clone", NULL, HM_E_CLONE },
		{ "replay", "replay=evidence.bin", HM_E_ALREADY_MADE },
		{ "open", NULL, HM_E_EVIDENCE_DUMMY },
		{ "beyond", NULL, HM_E_QUOTA },
	};
	static const struct extra machines[EXTRAS] = {
		{ "clone", NULL, HM_E_CLONE },
		{ "altered", NULL, HM_E_BOOT_NONE },
		{ "open", NULL, HM_E_EVIDENCE_DUMMY },
		{ "beyond", NULL, HM_E_QUOTA },
	};
	uint32_t cut = quota > CUT_AT ? CUT_AT : quota - 1;

	for (uint32_t i = 0; i < quota; i++) {
		(void)snprintf(units[i].dir, sizeof(units[i].dir),
		    "devices/%06" PRIu32, i + 1);
		units[i].want = HM_OK;
	}
	units[0].fault = is_virtual ? "record=evidence.bin" : NULL;
	units[cut].fault = is_virtual ? "power-cut=27" : "power-cut=99";
	plan_extras(units + quota, is_virtual ? virtual : machines);
}

/* ---- the verdict ---- */

static const char *
words_of(const struct demo_unit *unit)
{
	switch ((int)unit->want) {
	case HM_E_CLONE:
		return "clone";
	case HM_E_ALREADY_MADE:
		return "replay";
	case HM_E_EVIDENCE_DUMMY:
		return "open chip";
	case HM_E_QUOTA:
		return "one more";
	case HM_E_BOOT_NONE:
		return "altered";
	}
	return "?";
}

static void
tell_unit(const struct demo_unit *unit, struct doc *list)
{
	struct doc *item = list == NULL ? NULL : doc_object(list, NULL);
	bool good = unit->is_done && unit->got == unit->want;
	char id[16];

	(void)snprintf(id, sizeof(id), "HM-%04d", unit->got);
	doc_text(item, "what", words_of(unit));
	doc_text(item, "error", id);
	doc_bool(item, "expected", good);
	report_line("  %s%-8s%s  %-10s %s %s",
	    demo_paint(good ? "\033[32m" : "\033[1;31m"),
	    good ? "refused" : "WRONG", demo_paint("\033[0m"), words_of(unit),
	    id, err_info(unit->got)->words);
}

/* How many did not end as they must. A good machine ends in its product. */
static uint32_t
count_wrong(
    const struct demo_unit *units, uint32_t count, const struct demo_world *in)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < count; i++)
		wrong +=
		    !units[i].is_done || units[i].got != units[i].want ||
		    (in->board != NULL && !units[i].is_extra && !units[i].runs);
	return wrong;
}

static void
tell_machines(const struct demo_unit *units, const struct demo_world *world,
    struct doc *doc)
{
	uint32_t running = 0;

	if (world->board == NULL)
		return;
	for (uint32_t i = 0; i < world->quota; i++)
		running += units[i].runs;
	report_line("  %srunning%s   product    %" PRIu32 " of %" PRIu32
		    " machines are locked and have started product 1.0.0",
	    demo_paint("\033[32m"), demo_paint("\033[0m"), running,
	    world->quota);
	doc_uint(doc, "running", running);
}

static void
tell_result(const struct demo_unit *units, const struct demo_world *world,
    const struct demo_result *result, struct doc *doc)
{
	struct doc *list = doc == NULL ? NULL : doc_array(doc, "refused");
	uint32_t quota = world->quota;
	double seconds = (double)result->elapsed_us / 1e6;

	for (uint32_t i = 0; i < EXTRAS; i++)
		tell_unit(&units[quota + i], list);
	for (uint32_t i = 0; i < quota; i++)
		if (units[i].was_resumed)
			report_line("  %sresumed%s   power cut  %s lost power "
				    "half-way and "
				    "was put in again",
			    demo_paint("\033[32m"), demo_paint("\033[0m"),
			    units[i].serial);
	tell_machines(units, world, doc);
	report_line(" ");
	report_line("  %s%" PRIu32 " passed%s, %" PRIu32 " refused, %" PRIu32
		    " resumed   %.1f devices/s   issue p50 %.1f ms, "
		    "p99 %.1f ms",
	    demo_paint("\033[1m"), result->passed, demo_paint("\033[0m"),
	    result->refused, result->resumed, result->passed / seconds,
	    (double)result->issue_p50_us / 1e3,
	    (double)result->issue_p99_us / 1e3);
	doc_uint(doc, "passed", result->passed);
	doc_uint(doc, "refused_count", result->refused);
	doc_uint(doc, "resumed", result->resumed);
	doc_real(doc, "devices_per_second", result->passed / seconds);
	doc_uint(doc, "issue_p50_us", result->issue_p50_us);
	doc_uint(doc, "issue_p99_us", result->issue_p99_us);
}

/* The auditor: files only, while the server is down. */
static hm_err
audit(struct demo_world *world, struct doc *doc, struct why *why)
{
	const char *const words[] = { "audit", "verify", "state/ledger",
		"--log-key", "log.vkey", "--authority", "authority.pub",
		"--records", "records", "--json", NULL };
	AUTO(buf) struct buf out = { 0 };
	AUTO_DOC struct doc *verdict = NULL;

	HM_TRY(demo_run(world, world->hallmark, words, &out, why));
	HM_TRY(doc_parse(buf_bytes(&out), &verdict, why));
	doc_uint(doc, "ledger_entries",
	    (uint64_t)doc_get_int(verdict, "entries", 0));
	report_line("  ledger    %" PRId64 " entries, %" PRId64
		    " receipts, %" PRId64
		    " certificates, offline: %sconsistent%s",
	    doc_get_int(verdict, "entries", 0),
	    doc_get_int(verdict, "receipts", 0),
	    doc_get_int(verdict, "certificates", 0), demo_paint("\033[32m"),
	    demo_paint("\033[0m"));
	return HM_OK;
}

/* Of a path, without the name of the program. */
static int
folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (int)(slash - path);
}

static void
tell_more(const struct demo_world *world)
{
	report_line(" ");
	report_line("look further (demo.log has every command so far):");
	report_line("  cd %s", world->dir);
	report_line("  export SOFTHSM2_CONF=softhsm2.conf PATH=%.*s:%.*s:$PATH",
	    folder_len(world->hallmark), world->hallmark,
	    folder_len(world->vdevice), world->vdevice);
	report_line("  hallmark audit verify state/ledger --log-key log.vkey "
		    "--records records");
	report_line("  hallmark audit show state/ledger");
	report_line("  openssl x509 -inform DER -in records/TD-000001.der "
		    "-noout -text");
	if (world->board == NULL) {
		report_line("  hallmark-vdevice show --dir devices/000001");
	} else {
		report_line("  hallmark-vdevice run --serve --dir "
			    "devices/000001 --link unix:uart &");
		report_line("  hallmark device firmware --link unix:uart");
	}
	report_line("  hallmarkd --config hallmarkd.yaml &");
	report_line("  hallmark device show TD-000001 --config hallmark.yaml");
}

/* ---- the run ---- */

/* The folder that was asked for, or the first free demo-N. */
static hm_err
choose_folder(
    const struct options *given, struct demo_world *world, struct why *why)
{
	const char *dir = options_text(given, "dir"), *home = getenv("HOME");
	char path[FILE_PATH_MAX];

	for (unsigned i = 1; dir == NULL; i++) {
		(void)snprintf(path, sizeof(path),
		    "%s/.local/share/hallmark/demo-%u",
		    home != NULL ? home : "/tmp", i);
		if (!file_exists(path))
			dir = path;
	}
	if (file_exists(dir)) {
		why_where(why, "%s", dir);
		return WHY(why, HM_E_EXISTS, "the folder exists already");
	}
	HM_TRY(file_mkdir(dir, 0700, why));
	if (chdir(dir) != 0 || getcwd(world->dir, sizeof(world->dir)) == NULL)
		return WHY(why, HM_E_FILE, "%s: %s", dir, strerror(errno));
	return file_mkdir("devices", 0700, why);
}

static hm_err
choose_firmware(
    const struct options *given, struct demo_world *world, struct why *why)
{
	static char path[PATH_MAX]; /* as realpath() wants it */
	const char *file = options_text(given, "firmware");

	if (file == NULL)
		file = FIRMWARE;
	if (realpath(file, path) == NULL) {
		why_where(why, "%s", file);
		why_do(why, "install u-boot-qemu, or name an image with "
			    "--firmware FILE");
		return WHY(why, HM_E_FILE, "no firmware image");
	}
	world->firmware = path;
	return HM_OK;
}

/* What the devices are, how many, and what they run. */
static hm_err
choose_devices(
    const struct options *given, struct demo_world *world, struct why *why)
{
	bool is_virtual = strcmp(options_text(given, "device"), "virtual") == 0;

	world->quota = is_virtual ? DEVICES : MACHINES;
	if (options_has(given, "devices"))
		world->quota = (uint32_t)options_int(given, "devices");
	if (is_virtual)
		return choose_firmware(given, world, why);
	if (options_has(given, "firmware"))
		return WHY(why, HM_E_USAGE,
		    "--firmware is for virtual devices: Cortex-M machines run "
		    "their own");
	world->board = options_text(given, "board");
	return demo_board_find(world, why);
}

static hm_err
prepare(const struct options *given, struct demo_world *world, struct why *why)
{
	world->slots = (uint32_t)options_int(given, "slots");
	HM_TRY(choose_devices(given, world, why));
	HM_TRY(run_find("hallmark", world->hallmark, why));
	HM_TRY(run_find("hallmarkd", world->hallmarkd, why));
	HM_TRY(run_find("hallmark-station", world->station, why));
	HM_TRY(run_find("hallmark-vdevice", world->vdevice, why));
	HM_TRY(choose_folder(given, world, why));
	world->log =
	    open("demo.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (world->log < 0)
		return WHY(why, HM_E_IO, "demo.log: %s", strerror(errno));
	report_line("hallmark demo: everything lives in %s; its keys are NOT "
		    "for production",
	    world->dir);
	report_line(" ");
	return HM_OK;
}

static hm_err
play(struct demo_world *world, struct demo_unit *units, uint32_t count,
    struct demo_result *ret, struct why *why)
{
	HM_TRY(demo_set_up(world, why));
	HM_TRY(demo_serve(world, why));
	HM_TRY(demo_order(world, units, count, why));
	HM_TRY(demo_make(world, units, count, ret, why));
	demo_say("line", "all chips in and out again");
	report_line(" ");
	return HM_OK;
}

static hm_err
run_all(const struct options *given, struct demo_world *world, struct doc *doc,
    struct why *why)
{
	uint32_t count;
	struct demo_unit *units;
	struct demo_result result = { 0 };
	uint32_t wrong;
	hm_err err;

	HM_TRY(prepare(given, world, why));
	count = world->quota + EXTRAS;
	units = calloc(count, sizeof(*units));
	if (units == NULL)
		return HM_E_NO_MEMORY;
	plan_units(units, world->quota, world->board == NULL);
	err = play(world, units, count, &result, why);
	demo_stop(world);
	if (err == HM_OK)
		tell_result(units, world, &result, doc);
	wrong = count_wrong(units, count, world);
	free(units);
	HM_TRY(err);
	HM_TRY(audit(world, doc, why));
	if (wrong != 0)
		return WHY(why, HM_E_BUG,
		    "%" PRIu32 " devices did not end as they must", wrong);
	return HM_OK;
}

static int
run(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.demo/1");
	static struct demo_world world = { .log = -1 };
	struct why why = { 0 };
	hm_err err;

	err = run_all(given, &world, doc, &why);
	if (world.log >= 0)
		close(world.log);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "dir", world.dir);
	tell_more(&world);
	return report_end(doc);
}

static const struct option_spec options[] = {
	{ "dir", OPTION_PATH, .metavar = "DIR",
	    .help = "a new folder for everything; default a free "
		    "~/.local/share/hallmark/demo-N" },
	{ "device", OPTION_ENUM, .choices = "virtual|cortex-m",
	    .fallback = "virtual",
	    .help = "what is made: virtual devices, or Cortex-M machines that "
		    "run real firmware in QEMU" },
	{ "board", OPTION_ENUM, .choices = "an385|an505", .fallback = "an385",
	    .help = "of cortex-m: Arm's MPS2 board with a Cortex-M3, or with a "
		    "Cortex-M33" },
	{ "devices", OPTION_INT, .min = 2, .max = DEMO_DEVICES_MAX,
	    .help = "good devices to make, and the quota; default 100, of "
		    "cortex-m 12" },
	{ "slots", OPTION_INT, .min = 1, .max = DEMO_SLOTS_MAX, .fallback = "8",
	    .help = "device holders of the station" },
	{ "firmware", OPTION_PATH, .metavar = "FILE",
	    .help = "image that the devices run; default U-Boot of Debian's "
		    "u-boot-qemu" },
	{ 0 },
};

static const struct verb_spec verb = { .name = "demo",
	.words = "an OEM, a factory line and its devices, in one folder",
	.text =
	    "Sets up tokens, CAs, a server, a station, a product and an order, "
	    "makes the devices with real programs and virtual chips, and shows "
	    "that a clone, a replay, an open chip and one device too many are "
	    "refused and that a power cut is survived. Then it checks the "
	    "whole record without the server. Needs no root and no network.\n\n"
	    "With --device cortex-m the devices are emulated boards, started "
	    "from reset: the boot loader verifies the manufacturing image, "
	    "whose agent is provisioned over the UART; then the chip is locked "
	    "and the product image starts. A machine whose images were altered "
	    "starts neither.\n\n"
	    "Exit status 0 only if every device ended as it must.",
	.example = "hallmark demo --devices 100 --slots 8",
	.options = options,
	.run = run };

const struct noun_spec noun_demo = {
	.name = "demo", .words = "see all of it in half a minute", .only = &verb
};
