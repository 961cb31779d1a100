/* SPDX-License-Identifier: Apache-2.0 */
/* The stories of boot loader and journal; updates have theirs beside. */
#include <string.h>

#include "core/check.h"
#include "power_device.h"
#include "power_stories.h"

static void
must(hm_err err)
{
	hm_assert(err == HM_OK);
}

void
power_trust(void)
{
	uint8_t spki[PICTURE_SPKI_LEN], hash[HM_DIGEST_LEN];

	picture_spki(1, spki);
	hm_sha256(HM_BYTES(spki), hash);
	must(hm_port_boot_key_add(0, hash));
}

void
power_old_runs(void)
{
	power_trust();
	nor.otp->counter = 1;
	power_program(HM_AREA_SLOT_A, &power_pictures[POWER_OLD]);
	power_confirm(HM_AREA_SLOT_A);
}

/* ---- install, and keep ---- */

static power_end
install_and_keep(enum power_image image, const struct hm_boot *boot)
{
	if (image == POWER_OLD) {
		power_install(boot->image.area, &power_pictures[POWER_NEW]);
		return POWER_RESET;
	}
	if (boot->trial != HM_VERDICT_YES)
		return POWER_DONE;
	must(hm_boot_confirm());
	world.confirmed = true;
	return POWER_RESET;
}

/* A trial that has not confirmed itself may be taken back when it has been
 * started often enough; a cut in the middle of counting may cost one. */
static bool
had_its_trials(void)
{
	return world.trials + world.cuts >= HM_BOOT_ATTEMPTS &&
	       world.trials > 0;
}

const char *
power_judge_kept(enum power_image image, bool is_trial)
{
	if (world.confirmed && (image != POWER_NEW || is_trial))
		return "confirmed, and taken back";
	if (image == POWER_NEW)
		return NULL;
	if (image != POWER_OLD)
		return "an image of another story";
	if (world.installed && !had_its_trials())
		return "installed, and lost";
	return NULL;
}

static const struct power_story install_story = {
	.name = "install and confirm",
	.prepare = power_old_runs,
	.run = install_and_keep,
	.judge = power_judge_kept,
	.last = POWER_NEW,
	.counter = 5,
};

/* ---- install, and fall back ---- */

static power_end
install_and_hang(enum power_image image, const struct hm_boot *boot)
{
	if (image == POWER_NEW || boot->trial == HM_VERDICT_YES)
		return POWER_RESET; /* it hangs: the watchdog bites */
	if (world.installed)
		return POWER_DONE;
	power_install(boot->image.area, &power_pictures[POWER_NEW]);
	return POWER_RESET;
}

static power_end
install_and_crash(enum power_image image, const struct hm_boot *boot)
{
	struct hm_journal journal;

	if (image != POWER_NEW)
		return install_and_hang(image, boot);
	must(hm_journal_load(&journal)); /* it works for a while */
	journal.received++;
	must(hm_journal_store(&journal));
	return POWER_RESET;
}

static const char *
judge_revert(enum power_image image, bool is_trial)
{
	if (image == POWER_OLD) {
		world.kept += world.installed;
		return world.installed && !had_its_trials()
			   ? "installed, and lost"
			   : NULL;
	}
	if (image != POWER_NEW || !is_trial)
		return "an image that was never confirmed";
	if (world.kept > 0)
		return "taken back, and started again";
	if (world.trials >= HM_BOOT_ATTEMPTS + world.cuts)
		return "started too often";
	return NULL;
}

static const struct power_story revert_story = {
	.name = "revert by attempts",
	.prepare = power_old_runs,
	.run = install_and_hang,
	.judge = judge_revert,
	.last = POWER_OLD,
	.counter = 1,
};

static const struct power_story watchdog_story = {
	.name = "revert by watchdog",
	.prepare = power_old_runs,
	.run = install_and_crash,
	.judge = judge_revert,
	.last = POWER_OLD,
	.counter = 1,
};

/* ---- install, and reject ---- */

static power_end
install_and_reject(enum power_image image, const struct hm_boot *boot)
{
	if (image != POWER_NEW)
		return install_and_hang(image, boot);
	must(hm_boot_reject());
	world.rejected = true;
	return POWER_RESET;
}

static const char *
judge_reject(enum power_image image, bool is_trial)
{
	if (image == POWER_OLD)
		return world.installed && world.trials == 0
			   ? "installed, and lost"
			   : NULL;
	if (image != POWER_NEW || !is_trial)
		return "an image that was never confirmed";
	return world.rejected ? "rejected, and started again" : NULL;
}

static const struct power_story reject_story = {
	.name = "reject",
	.prepare = power_old_runs,
	.run = install_and_reject,
	.judge = judge_reject,
	.last = POWER_OLD,
	.counter = 1,
};

/* ---- the recovery image ---- */

static void
nothing_but_factory(void)
{
	static struct picture spoilt;

	power_trust();
	nor.otp->counter = 1;
	spoilt = power_pictures[POWER_OLD];
	spoilt.bytes[spoilt.payload] ^= 1;
	power_program(HM_AREA_SLOT_A, &spoilt);
	power_program(HM_AREA_FACTORY, &power_pictures[POWER_FACTORY]);
	power_confirm(HM_AREA_SLOT_A);
}

static power_end
recover(enum power_image image, const struct hm_boot *boot)
{
	if (image == POWER_FACTORY) {
		power_install(HM_AREA_SLOT_A, &power_pictures[POWER_NEW]);
		return POWER_RESET;
	}
	return install_and_keep(image, boot);
}

static const char *
judge_recovery(enum power_image image, bool is_trial)
{
	return power_judge_kept(
	    image == POWER_FACTORY ? POWER_OLD : image, is_trial);
}

static const struct power_story factory_story = {
	.name = "factory recovery",
	.prepare = nothing_but_factory,
	.run = recover,
	.judge = judge_recovery,
	.last = POWER_NEW,
	.counter = 5,
};

/* ---- a journal that was never written, a counter that is behind ---- */

static void
blank_journal(void)
{
	power_trust();
	power_program(HM_AREA_SLOT_A, &power_pictures[POWER_OLD]);
	power_program(HM_AREA_SLOT_B, &power_pictures[POWER_NEW]);
}

static power_end
rest(enum power_image image, const struct hm_boot *boot)
{
	(void)image;
	(void)boot;
	return POWER_DONE;
}

static const char *
judge_newest(enum power_image image, bool is_trial)
{
	return image == POWER_NEW && !is_trial ? NULL : "not the newest";
}

static const struct power_story counter_story = {
	.name = "counter raise",
	.prepare = blank_journal,
	.run = rest,
	.judge = judge_newest,
	.last = POWER_NEW,
	.counter = 5,
};

/* ---- manufacturing ---- */

static void
open_device(void)
{
	nor.otp->lock = HM_LOCK_OPEN;
	power_trust();
	power_program(HM_AREA_SLOT_A, &power_pictures[POWER_MAKER]);
}

/* Only the journal knows that a slot was written to its end. */
static power_end
make_device(enum power_image image, const struct hm_boot *boot)
{
	struct hm_journal journal;

	if (image != POWER_MAKER)
		return install_and_keep(image, boot);
	must(hm_journal_load(&journal));
	if (journal.confirmed != HM_AREA_SLOT_B) {
		power_program(HM_AREA_SLOT_B, &power_pictures[POWER_OLD]);
		power_confirm(HM_AREA_SLOT_B);
	}
	must(hm_port_lock_raise(HM_LOCK_LOCKED));
	world.locked = true;
	return POWER_RESET;
}

static const char *
judge_maker(enum power_image image, bool is_trial)
{
	if (image == POWER_MAKER)
		return world.locked || nor.otp->lock == HM_LOCK_LOCKED
			   ? "manufacturing on a locked device"
			   : NULL;
	if (nor.otp->lock != HM_LOCK_LOCKED)
		return "a product on a device that is being made";
	return power_judge_kept(image, is_trial);
}

static const struct power_story maker_story = {
	.name = "manufacturing, lock, product, update",
	.prepare = open_device,
	.run = make_device,
	.judge = judge_maker,
	.last = POWER_NEW,
	.counter = 5,
};

const struct power_story *const power_stories[] = { &install_story,
	&revert_story, &watchdog_story, &reject_story, &factory_story,
	&counter_story, &maker_story, &power_download_story,
	&power_rotation_story, NULL };
