/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power is cut at every flash operation of what a vault does, and again at
 * every operation of the start after that, and of the start after that one.
 *
 *   test_power_vault [--cuts N] [--nested N] [--third N] [--chip NAME]
 *                    [--tear N]
 *
 * takes every N-th cut of each level (0: none). After each cut all records are
 * old or new, the same at every later start; a vault that is being erased is
 * whole or blank. What is said to be stored stays. One JSON line a chip.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hallmark/vault.h"
#include "memport.h"
#include "nor.h"

#define VALUE_MAX 400
#define VAULT(text, size, sector, unit, erased, ecc_)                        \
	{                                                                    \
		text, { { HM_AREA_VAULT, { size, sector, unit, erased } } }, \
		    ecc_                                                     \
	}

static const struct nor_chip chips[] = {
	VAULT("4x1k-4", 4096, 1024, 4, 0xff, false),
	VAULT("2x4k-8", 8192, 4096, 8, 0xff, true),
	VAULT("2x128k-32", 262144, 131072, 32, 0xff, true),
	VAULT("4x1k-1", 4096, 1024, 1, 0x00, false),
	VAULT("2x2k-16", 4096, 2048, 16, 0xff, true),
};

/* One thing that is done: a record gets a value, or all are erased. */
struct action {
	hm_record record; /* 0: erase; its length is VALUE_MAX at most */
	size_t len;
};

/* Up to `before` happens without a cut and is followed by a start. */
struct story {
	const char *name;
	size_t before, count;
	struct action actions[12];
};

static const struct story stories[] = {
	{ "life", 0, 8,
	    { { HM_RECORD_IDENTITY, 32 }, { HM_RECORD_KEM, 32 },
		{ HM_RECORD_STATE, 40 }, { HM_RECORD_SECRETS, 250 },
		{ HM_RECORD_STAMP, 330 }, { HM_RECORD_STATE, 120 },
		{ HM_RECORD_RECEIPT, 90 }, { HM_RECORD_STATE, 120 } } },
	{ "replace", 3, 7,
	    { { HM_RECORD_KEM, 32 }, { HM_RECORD_SECRETS, 250 },
		{ HM_RECORD_STATE, 40 }, { HM_RECORD_SECRETS, 241 },
		{ HM_RECORD_SECRETS, 10 }, { HM_RECORD_STATE, 0 },
		{ HM_RECORD_STATE, 300 } } },
	{ "turn", 1, 10,
	    { { HM_RECORD_KEM, 32 }, { HM_RECORD_STATE, 400 },
		{ HM_RECORD_STATE, 390 }, { HM_RECORD_STATE, 400 },
		{ HM_RECORD_STATE, 390 }, { HM_RECORD_STATE, 400 },
		{ HM_RECORD_STATE, 390 }, { HM_RECORD_STATE, 400 },
		{ HM_RECORD_STATE, 390 }, { HM_RECORD_STATE, 400 } } },
	{ "erase", 3, 5,
	    { { HM_RECORD_IDENTITY, 32 }, { HM_RECORD_SECRETS, 250 },
		{ HM_RECORD_STATE, 60 }, { (hm_record)0, 0 },
		{ HM_RECORD_STATE, 20 } } },
};
#define STORIES (sizeof(stories) / sizeof(*stories))

static struct {
	const struct nor_chip *chip;
	const struct story *story;
	size_t done;    /* actions that returned */
	bool in_action; /* and the next was under way at the first cut */
	unsigned cut[3], level;
	unsigned every[3];
	int tear; /* the only one; -1: all */
	uint64_t points[3], starts;
} now;

static jmp_buf off;

#define must(x)                                  \
	do {                                     \
		if (!(x))                        \
			violation(__LINE__, #x); \
	} while (0)

static _Noreturn void
violation(int line, const char *what)
{
	fprintf(stderr,
	    "VIOLATION %s %s tear %d, cuts %u %u %u, after %zu actions: "
	    "%d: %s\n",
	    now.chip->name, now.story->name, (int)nor.tear, now.cut[0],
	    now.cut[1], now.cut[2], now.done, line, what);
	exit(1);
}

static void
power_goes(void)
{
	longjmp(off, 1);
}

/* What action `index` writes. */
static struct hm_bytes
value(size_t index)
{
	static uint8_t bytes[VALUE_MAX];
	const struct action *action = &now.story->actions[index];

	for (size_t i = 0; i < action->len; i++)
		bytes[i] = (uint8_t)(i * 5 + index * 37 + 1);
	return (struct hm_bytes){ bytes, action->len };
}

static hm_err
perform(size_t index)
{
	const struct action *action = &now.story->actions[index];

	if (action->record == 0)
		return hm_vault_erase();
	return hm_port_store_write(action->record, value(index));
}

/* Does `record` read as it is after the first `count` actions? */
static bool
reads_as(hm_record record, size_t count)
{
	static uint8_t room[VALUE_MAX];
	struct hm_bytes wanted;
	size_t len = 0, last = count;
	hm_err err = hm_port_store_read(
	    record, (struct hm_span){ room, sizeof(room) }, &len);

	while (last > 0 && now.story->actions[last - 1].record != record &&
	       now.story->actions[last - 1].record != 0)
		last--;
	if (last == 0 || now.story->actions[last - 1].record == 0)
		return err == HM_E_NOT_FOUND;
	wanted = value(last - 1);
	return err == HM_OK && len == wanted.len &&
	       memcmp(room, wanted.ptr, len) == 0;
}

static bool
all_as(size_t count)
{
	for (int i = 1; i <= HM_RECORD_COUNT; i++)
		if (!reads_as((hm_record)i, count))
			return false;
	return true;
}

/* A vault has started after one cut or more: what holds now, holds. */
static void
judge(void)
{
	size_t count = now.done;

	now.starts++;
	if (now.in_action && all_as(now.done + 1))
		count++;
	must(all_as(count));
	/* half of the time in the run that recovered */
	for (int i = 0; i < 2 && now.starts % 2 == 0; i++) {
		nor_power_on();
		must(hm_vault_init() == HM_OK);
		must(all_as(count));
	}
	for (; count < now.story->count; count++) {
		must(perform(count) == HM_OK);
		must(all_as(count + 1));
	}
	nor_power_on();
	must(hm_vault_init() == HM_OK);
	must(all_as(count));
}

/* Start with power until operation `at` of it (0: all the way). Was it cut? */
static bool
start(unsigned at)
{
	hm_err err;

	nor_power_on();
	nor.cut_at = at;
	if (setjmp(off) != 0)
		return true;
	err = hm_vault_init();
	nor.cut_at = 0;
	must(err == HM_OK);
	return false;
}

/* Power is off. Start; and again with a cut at each operation of the start. */
static void
recover(unsigned level)
{
	unsigned every = level < 3 ? now.every[level] : 0;
	unsigned at = every > 1 ? 1 + (unsigned)(nor_random() % every) : 1;

	nor_mark();
	must(!start(0));
	judge();
	nor_rewind();
	for (bool cut = every > 0; cut; at += every) {
		now.cut[level] = at;
		cut = start(at);
		now.points[level] += cut;
		if (cut)
			recover(level + 1);
		else
			judge();
		nor_rewind();
	}
	if (level < 3)
		now.cut[level] = 0;
	nor_unmark();
}

/* The story, cut at operation `at` of what follows its beginning. */
static bool
tell(unsigned at)
{
	must(!start(0));
	now.done = now.story->before;
	now.in_action = false;
	nor.operations = 0;
	nor.cut_at = at;
	if (setjmp(off) != 0)
		return true;
	while (now.done < now.story->count) {
		now.in_action = true;
		must(perform(now.done) == HM_OK);
		now.in_action = false;
		now.done++;
	}
	nor.cut_at = 0;
	judge();
	return false;
}

static void
cut_everywhere(nor_tear tear)
{
	unsigned every = now.every[0];
	unsigned at = every > 1 ? 1 + (unsigned)(nor_random() % every) : 1;

	nor_mark();
	for (bool cut = true; cut; at += every) {
		nor.tear = tear;
		now.cut[0] = at;
		cut = tell(at);
		now.points[0] += cut;
		if (cut)
			recover(1);
		nor_rewind();
	}
	nor_unmark();
}

static void
run(const struct nor_chip *of, const unsigned order[static 3])
{
	static const uint8_t point[65];

	now.chip = of;
	/* a byte at a time is many operations: a sample takes fewer of them */
	for (int i = 0; i < 3; i++)
		now.every[i] = order[i] > 1 && of->areas[0].flash.unit == 1
				   ? order[i] * 7
				   : order[i];
	memset(now.points, 0, sizeof(now.points));
	now.starts = 0;
	for (size_t i = 0; i < STORIES; i++) {
		now.story = &stories[i];
		memport_reset(1, point);
		nor_open(of);
		nor.seed = i + 1;
		nor.cut = power_goes;
		must(!start(0));
		for (size_t n = 0; n < now.story->before; n++)
			must(perform(n) == HM_OK);
		for (int tear = 0; tear < NOR_TEARS; tear++)
			if (now.tear < 0 || tear == now.tear)
				cut_everywhere((nor_tear)tear);
		nor_close();
	}
	printf("{\"chip\":\"%s\",\"cuts\":%llu,\"nested\":%llu,"
	       "\"third\":%llu,\"violations\":0}\n",
	    of->name, (unsigned long long)now.points[0],
	    (unsigned long long)now.points[1],
	    (unsigned long long)now.points[2]);
}

int
main(int argc, char **argv)
{
	unsigned order[3] = { 23, 61, 97 };
	const char *only = NULL;

	now.tear = -1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--chip") == 0)
			only = argv[i + 1];
		else if (strcmp(argv[i], "--tear") == 0)
			now.tear = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--cuts") == 0)
			order[0] = (unsigned)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--nested") == 0)
			order[1] = (unsigned)atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--third") == 0)
			order[2] = (unsigned)atoi(argv[i + 1]);
		else
			return 2;
	}
	for (size_t i = 0; i < sizeof(chips) / sizeof(*chips); i++)
		if (only == NULL || strcmp(only, chips[i].name) == 0)
			run(&chips[i], order);
	return 0;
}
