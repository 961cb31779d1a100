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
 * today and as torn tomorrow, is never acted upon; whoever loads a state that
 * was not stored to its end stores it again first.
 *
 *   confirmed  starts if there is no trial, or the trial has failed
 *   trial      starts up to HM_BOOT_ATTEMPTS times, then is given up
 *
 * Whoever calls may be cut off at any instruction. Wear: a sector is erased
 * once for every sector full of records, and the sectors take turns.
 */

#include "hallmark/flash.h"

HM_C_BEGIN

struct hm_journal {
	uint32_t sequence; /* of the record; grows with each */
	hm_area confirmed; /* HM_AREA_NONE on a blank device */
	hm_area trial;     /* HM_AREA_NONE: nothing on trial */
	uint32_t attempts; /* starts of the trial so far */
	hm_area incoming;  /* slot of an update that is not complete, or NONE */
	uint32_t received; /* bytes of it that are durable */
	uint8_t announced[HM_DIGEST_LEN]; /* its digest: the same goes on */
};

/* A blank or lost journal is all zero. HM_E_STORAGE, HM_E_IO */
HM_MUST hm_err hm_journal_load(struct hm_journal *ret);
/* Durable and stable when it returns; sets journal->sequence. HM_E_STORAGE:
 * old or new. */
HM_MUST hm_err hm_journal_store(struct hm_journal *journal);

HM_C_END
