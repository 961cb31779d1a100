/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * journal - which image starts next: the one thing that boot, update and
 * application share
 *
 * Records are appended; the newest that is whole wins. A switch between images
 * is one record, and so atomic: at every instant the device starts the old or
 * the new one. A record is on flash, and stays what it is, when
 * hm_journal_store() returns: a torn last record, or one that reads as whole
 * today and as torn tomorrow, is never acted upon; hm_journal_load() stores a
 * state again that was not stored to its end, before it tells of it. (So may
 * it, rarely, one that it did not see when it was called last, as long as none
 * has been stored since.)
 *
 *   confirmed  starts if there is no trial, or the trial has failed
 *   trial      starts up to HM_BOOT_ATTEMPTS times, then is given up
 *
 * Whoever calls may be cut off at any instruction. Wear: no unit that a cut may
 * have touched is programmed over, and nobody can see which those are. So the
 * first record after each reset goes to the next sector, freshly erased; the
 * others of that run follow it there until it is full. Layout and reasons:
 * docs/formats/device-flash.md.
 *
 * RAM: 120 bytes that last from the first call to the reset.
 */

#include "hallmark/flash.h"

HM_C_BEGIN

struct hm_journal {
	uint32_t sequence; /* of the record; grows with each */
	hm_area confirmed; /* HM_AREA_NONE on a blank device */
	hm_area trial;     /* HM_AREA_NONE: nothing on trial */
	uint32_t attempts; /* starts of the trial so far, up to 255 */
	hm_area incoming;  /* slot of an update that is not complete, or NONE */
	uint32_t received; /* bytes of it that are durable */
	uint8_t announced[HM_DIGEST_LEN]; /* its digest: the same goes on */
};

/*
 * After a reset that does not clear RAM (simulated ones), before anything else:
 * flash is looked at anew. hm_boot_choose() does it.
 */
void hm_journal_reset(void);
/* A blank or lost journal is all zero. HM_E_STORAGE, HM_E_IO */
HM_MUST hm_err hm_journal_load(struct hm_journal *ret);
/*
 * Durable and stable when it returns; sets journal->sequence. HM_E_WRONG_STATE:
 * it is not the newest that was changed; load it. HM_E_STORAGE, HM_E_IO: old or
 * new.
 */
HM_MUST hm_err hm_journal_store(struct hm_journal *journal);

HM_C_END
