/* SPDX-License-Identifier: Apache-2.0 */
#include "power_device.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"

#define DAYS_MAX 64
#define COUNTER_OLD 1

struct power_world world;
struct picture power_pictures[POWER_IMAGES];

static const struct power_sweep *now;
static struct power_figures *count;
static jmp_buf off, jump;
static struct hm_image started;
static hm_err failed;
static uint64_t budget; /* operations until the cut; 0: none comes */
static uint64_t path[8];
static unsigned path_len;

/* ---- what the boot loader and images need of the port ---- */

static void
go_off(void)
{
	longjmp(off, 1);
}

void
hm_port_boot_jump(const struct hm_image *image)
{
	started = *image;
	longjmp(jump, 1);
}

void
hm_port_boot_failed(hm_err err)
{
	failed = err;
	longjmp(jump, 2);
}

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	memcpy(ret, started.digest, HM_DIGEST_LEN);
	return HM_OK;
}

void
hm_port_watchdog(void)
{
}

/* ---- images ---- */

struct picture_how
power_how(enum power_image image)
{
	static const struct {
		uint32_t counter;
		uint8_t role;
	} rows[POWER_IMAGES] = {
		[POWER_OLD] = { COUNTER_OLD, 0 },
		[POWER_NEW] = { 5, 0 },
		[POWER_FACTORY] = { 9, HM_ROLE_FACTORY },
		[POWER_MAKER] = { 1, HM_ROLE_MANUFACTURING },
	};
	struct picture_how how = picture_good();

	how.header_len = 32;
	how.payload_len = 24;
	how.counter = rows[image].counter;
	how.role = rows[image].role;
	how.full_key = true;
	how.version = (struct hm_image_version){ (uint8_t)image, 0, 0, 0 };
	return how;
}

static void
make_images(void)
{
	for (enum power_image i = POWER_OLD; i < POWER_IMAGES; i++) {
		struct picture_how how = power_how(i);

		picture_make(&power_pictures[i], &how);
	}
}

void
power_program(hm_area area, const struct picture *picture)
{
	uint8_t unit[HM_FLASH_UNIT_MAX];
	struct hm_flash flash;

	hm_assert(hm_port_flash(area, &flash) == HM_OK);
	for (uint32_t at = 0; at < picture->len; at += flash.sector)
		hm_assert(hm_port_flash_erase(area, at) == HM_OK);
	for (uint32_t at = 0; at < picture->len; at += flash.unit) {
		size_t len = picture->len - at;

		memset(unit, flash.erased, sizeof(unit));
		memcpy(unit, picture->bytes + at,
		    len < flash.unit ? len : flash.unit);
		hm_assert(hm_port_flash_program(area, at,
			      (struct hm_bytes){ unit, flash.unit }) == HM_OK);
	}
}

void
power_confirm(hm_area area)
{
	struct hm_journal journal;

	hm_assert(hm_journal_load(&journal) == HM_OK);
	journal.confirmed = area;
	hm_assert(hm_journal_store(&journal) == HM_OK);
}

void
power_install(hm_area runs, const struct picture *picture)
{
	const hm_area slot =
	    runs == HM_AREA_SLOT_A ? HM_AREA_SLOT_B : HM_AREA_SLOT_A;
	struct hm_journal journal;
	struct hm_image image;
	hm_err err;

	hm_assert(hm_journal_load(&journal) == HM_OK);
	journal.incoming = slot;
	hm_assert(hm_journal_store(&journal) == HM_OK);
	power_program(slot, picture);
	hm_assert(hm_image_verify(slot, &image, &err) == HM_VERDICT_YES);
	journal.incoming = HM_AREA_NONE;
	journal.trial = slot;
	journal.attempts = 0;
	hm_assert(hm_journal_store(&journal) == HM_OK);
	world.installed = true;
}

/* ---- judging ---- */

static void
complain(const char *what, uint64_t *counter)
{
	(*counter)++;
	if (!now->is_talkative || *counter > 5)
		return;
	fprintf(stderr, "VIOLATION %s %s tear %d:", now->story->name,
	    now->chip->name, (int)now->tear);
	for (unsigned i = 0; i < path_len; i++)
		fprintf(stderr, " cut %llu", (unsigned long long)path[i]);
	fprintf(stderr, ": day %u: %s\n", (unsigned)world.days, what);
}

static enum power_image
image_of(const struct hm_image *image)
{
	enum power_image which = (enum power_image)image->version.major;

	return which < POWER_IMAGES ? which : POWER_NONE;
}

/* Is it whole, as it was made? */
static bool
is_whole(const struct hm_image *image)
{
	static const uint8_t digest_tlv[] = { 0x10, 0, 32, 0 };
	const struct picture *picture = &power_pictures[image_of(image)];

	hm_assert(picture->hash > sizeof(digest_tlv));
	return memcmp(image->digest, picture->bytes + picture->hash, 32) == 0;
}

/* False: the life is over, and it was a bad one. */
static bool
judge_start(bool is_trial)
{
	const enum power_image image = image_of(&started);
	const char *wrong;

	if (image == POWER_NONE || !is_whole(&started)) {
		complain("what starts is no image of ours", &count->bricks);
		return false;
	}
	if (started.counter < nor.otp->counter) {
		complain("below the counter", &count->lost);
		return false;
	}
	if (is_trial && nor.otp->counter > COUNTER_OLD) {
		complain("the counter raised for a trial", &count->lost);
		return false;
	}
	wrong = now->story->judge(image, is_trial);
	if (wrong != NULL)
		complain(wrong, &count->lost);
	return wrong == NULL;
}

/* ---- days ---- */

static bool
is_on_trial(void)
{
	struct hm_journal journal;

	/* no operation: the boot loader has settled it */
	hm_assert(hm_journal_load(&journal) == HM_OK);
	return journal.trial != HM_AREA_NONE && journal.attempts > 0 &&
	       journal.trial == started.area;
}

/* The boot loader's part. False: nothing starts. */
static bool
boot(struct hm_boot *ret)
{
	int how = setjmp(jump);

	if (how == 0)
		hm_boot_run();
	if (how == 2) {
		complain("nothing starts", &count->bricks);
		return false;
	}
	ret->image = started;
	ret->trial = is_on_trial() ? HM_VERDICT_YES : HM_VERDICT_NO;
	return true;
}

typedef enum day_end { DAY_RESET, DAY_DONE, DAY_CUT, DAY_BAD } day_end;

static day_end
day(void)
{
	static struct hm_boot ran;
	power_end end;

	nor_power_on();
	nor.cut = go_off;
	nor.tear = now->tear;
	nor.cut_at = budget;
	world.days++;
	if (setjmp(off) != 0)
		return DAY_CUT;
	if (!boot(&ran))
		return DAY_BAD;
	if (!judge_start(ran.trial == HM_VERDICT_YES))
		return DAY_BAD;
	if (ran.trial == HM_VERDICT_YES) {
		world.trials++;
		world.installed = true; /* it shows, if it was not told */
	}
	hm_journal_reset(); /* another program, with memory of its own */
	end = now->story->run(image_of(&started), &ran);
	if (world.wrong != NULL) {
		complain(world.wrong, &count->lost);
		return DAY_BAD;
	}
	return end == POWER_DONE ? DAY_DONE : DAY_RESET;
}

/* Days until it is done, or cut, or bad. */
static day_end
live(uint64_t cut_at)
{
	uint32_t begun = world.days;
	day_end end;

	budget = cut_at;
	do {
		end = day();
		if (budget > 0 && end == DAY_RESET)
			budget -= nor.operations;
		if (world.days - begun > DAYS_MAX) {
			complain("it never ends", &count->bricks);
			return DAY_BAD;
		}
	} while (end == DAY_RESET);
	return end;
}

/* With power to the end, and two days more: all is as it was announced. */
static void
end_well(void)
{
	count->lives++;
	if (live(0) != DAY_DONE)
		return;
	for (int i = 0; i < 2; i++) {
		if (day() != DAY_DONE)
			return;
		if (image_of(&started) != now->story->last)
			complain("another image in the end", &count->lost);
	}
	if (nor.otp->counter != now->story->counter)
		complain("another counter in the end", &count->lost);
	if (now->story->check != NULL && now->story->check() != NULL)
		complain(now->story->check(), &count->lost);
}

/* ---- sweeping ---- */

static bool cut_once(uint64_t at, unsigned depth);

static void
cut_all(unsigned depth)
{
	const unsigned level = now->depth - depth;
	uint64_t step = now->step[level];

	/* one-byte units of a long image are much alike */
	if (now->story->coarse > 0 && !now->is_whole &&
	    (level > 0 || now->chip->areas[0].flash.unit == 1))
		step *= now->story->coarse;
	for (uint64_t at = 1; cut_once(at, depth); at += step)
		;
}

/* False: the life was over before. */
static bool
cut_once(uint64_t at, unsigned depth)
{
	const struct power_world before = world;
	day_end end;

	nor_mark();
	nor.seed ^= at * 0x9e3779b97f4a7c15u;
	path[path_len++] = at;
	end = live(at);
	if (end == DAY_CUT) {
		count->cuts++;
		world.cuts++;
		if (depth > 1)
			cut_all(depth - 1);
		end_well();
	}
	path_len--;
	nor_rewind();
	nor_unmark();
	world = before;
	return end == DAY_CUT;
}

void
power_sweep(const struct power_sweep *sweep, struct power_figures *figures)
{
	now = sweep;
	count = figures;
	nor_close();
	nor_open(sweep->chip);
	nor.seed = sweep->seed;
	nor.otp->lock = HM_LOCK_CLOSED;
	memset(&world, 0, sizeof(world));
	hm_journal_reset();
	make_images();
	sweep->story->prepare();
	cut_all(sweep->depth);
	if (figures->deepest < sweep->depth)
		figures->deepest = sweep->depth;
}
