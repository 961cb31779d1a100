/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * boot - choose an image, verify it, start it
 *
 *   journal -> trial?  attempts left -> count it -> verify -> start
 *                |        none left, or refused -> give it up
 *                v
 *             confirmed -> verify -> raise the counter to its -> start
 *                | refused
 *                v
 *             the other slot -> factory -> hm_port_boot_failed
 *
 * Until the life cycle is locked, a manufacturing image in a slot starts before
 * anything else does; once it is, it never starts again.
 *
 * The security counter is raised for a confirmed image only, so that a trial
 * that fails finds the old one still startable. Never is an image started whose
 * counter is below the device's.
 *
 * Whichever slot starts, other than on trial, is the confirmed one from then
 * on: an update is never written over the image that runs.
 */

#include "hallmark/image.h"
#include "hallmark/journal.h"

HM_C_BEGIN

struct hm_boot {
	struct hm_image image; /* what starts */
	hm_verdict trial;      /* HM_VERDICT_YES: it must confirm itself */
};

/*
 * Everything up to the jump. HM_VERDICT_YES: ret->image was verified after the
 * last write to the journal. NO: nothing can be started; *err is the reason
 * that the confirmed image (or, without one, the last candidate) was refused.
 */
hm_verdict hm_boot_choose(struct hm_boot *ret, hm_err *err);

/* What a boot loader's main is: choose, verify once more, jump. */
HM_NORETURN void hm_boot_run(void);

/*
 * Of the port: leave the boot loader. Locks what must be locked (keys, the boot
 * loader's own flash, MPU), hands the measurement image->digest on to
 * hm_port_firmware(), starts the watchdog, and jumps to the payload; a vector
 * table that points outside is refused by hm_port_boot_failed.
 */
HM_NORETURN void hm_port_boot_jump(const struct hm_image *image);
/* Of the port: nothing can be started. Recovery by a human: blink, or wait for
 * a programmer; after a time, reset. */
HM_NORETURN void hm_port_boot_failed(hm_err err);

/*
 * For the application.
 *
 * The image that runs works: keep it. Durable when it returns; raises the
 * counter after that. Nothing to do if it is confirmed. HM_E_WRONG_STATE: what
 * runs is not what is on trial. HM_E_STORAGE. HM_E_IO: confirmed, and the next
 * start raises the counter.
 */
HM_MUST hm_err hm_boot_confirm(void);
/* The image that runs does not work: the next start is the old one.
 * HM_E_WRONG_STATE: it is not on trial. HM_E_STORAGE */
HM_MUST hm_err hm_boot_reject(void);

HM_C_END
