/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image is started after two calls of hm_image_verify() that share nothing:
 * choose()'s, and the one of hm_boot_run(). Each refusal is looked at where it
 * is found and once more before the jump, so that no single instruction that is
 * not executed leads there.
 */
#include "hallmark/boot.h"

static hm_verdict
verify(hm_area area, struct hm_boot *ret, hm_err *err)
{
	return hm_image_verify(area, &ret->image, err);
}

/* What cannot be stored or raised now, is at the next start. */
static void
try_to_store(struct hm_journal *journal)
{
	hm_err lost = hm_journal_store(journal);

	(void)lost;
}

static void
try_to_raise(uint32_t counter)
{
	hm_err lost = hm_port_counter_raise(counter);

	(void)lost;
}

/* ---- manufacturing ---- */

static hm_verdict
choose_manufacturing(struct hm_boot *ret)
{
	static const hm_area slots[] = { HM_AREA_SLOT_A, HM_AREA_SLOT_B };
	hm_lock lock = HM_LOCK_LOCKED;
	hm_err err;

	if (hm_port_lock(&lock) != HM_OK || lock == HM_LOCK_LOCKED)
		return HM_VERDICT_NO;
	for (unsigned i = 0; i < 2; i++)
		if (hm_image_read(slots[i], &ret->image) == HM_OK &&
		    ret->image.role == HM_ROLE_MANUFACTURING &&
		    verify(slots[i], ret, &err) == HM_VERDICT_YES)
			return HM_VERDICT_YES;
	return HM_VERDICT_NO;
}

/* ---- trial ---- */

/* Counted before it starts: whatever it does then, its starts have an end. */
static hm_verdict
choose_trial(struct hm_journal *journal, struct hm_boot *ret)
{
	hm_err err;

	if (journal->trial == HM_AREA_NONE)
		return HM_VERDICT_NO;
	if (journal->attempts < HM_BOOT_ATTEMPTS) {
		journal->attempts++;
		if (hm_journal_store(journal) == HM_OK &&
		    verify(journal->trial, ret, &err) == HM_VERDICT_YES) {
			ret->trial = HM_VERDICT_YES;
			return HM_VERDICT_YES;
		}
	}
	journal->trial = HM_AREA_NONE;
	journal->attempts = 0;
	try_to_store(journal);
	return HM_VERDICT_NO;
}

/* ---- confirmed, or what is left ---- */

static hm_area
other(hm_area slot)
{
	return slot == HM_AREA_SLOT_A ? HM_AREA_SLOT_B : HM_AREA_SLOT_A;
}

/* Where the journal names none: the newer of the two, as far as they say. */
static hm_area
newer_slot(void)
{
	static struct hm_image a, b;

	if (hm_image_read(HM_AREA_SLOT_B, &b) != HM_OK)
		return HM_AREA_SLOT_A;
	if (hm_image_read(HM_AREA_SLOT_A, &a) != HM_OK)
		return HM_AREA_SLOT_B;
	return hm_image_compare(&a.version, &b.version) < 0 ? HM_AREA_SLOT_B
							    : HM_AREA_SLOT_A;
}

/* The journal tells from now on that this one runs: an update must not be
 * written over it. */
static void
adopt(struct hm_journal *journal, hm_area area)
{
	journal->confirmed = area;
	journal->trial = HM_AREA_NONE;
	try_to_store(journal);
}

/* A slot that is being written is none, even if it verifies: the unit at which
 * power went may read as something else tomorrow. */
static hm_verdict
choose_one(
    struct hm_journal *journal, hm_area area, struct hm_boot *ret, hm_err *err)
{
	*err = HM_E_BOOT_NONE;
	if (area == journal->incoming)
		return HM_VERDICT_NO;
	if (area == journal->confirmed || area == HM_AREA_FACTORY)
		return verify(area, ret, err);
	if (verify(area, ret, err) != HM_VERDICT_YES)
		return HM_VERDICT_NO;
	adopt(journal, area);
	return verify(area, ret, err); /* for that was the last write */
}

static hm_verdict
choose_confirmed(struct hm_journal *journal, struct hm_boot *ret, hm_err *err)
{
	const hm_area first = journal->confirmed != HM_AREA_NONE
				  ? journal->confirmed
				  : newer_slot();
	const hm_area order[] = { first, other(first), HM_AREA_FACTORY };
	hm_verdict verdict = HM_VERDICT_NO;
	hm_err reason;

	for (unsigned i = 0; i < 3 && verdict != HM_VERDICT_YES; i++) {
		verdict = choose_one(journal, order[i], ret, &reason);
		if (i == 0)
			*err = reason;
	}
	if (verdict == HM_VERDICT_YES && ret->image.area != HM_AREA_FACTORY)
		try_to_raise(ret->image.counter);
	return verdict == HM_VERDICT_YES ? HM_VERDICT_YES : HM_VERDICT_NO;
}

hm_verdict
hm_boot_choose(struct hm_boot *ret, hm_err *err)
{
	struct hm_journal journal = { 0 };

	hm_journal_reset();
	*err = HM_E_BOOT_NONE;
	ret->trial = HM_VERDICT_NO;
	if (choose_manufacturing(ret) == HM_VERDICT_YES)
		return HM_VERDICT_YES;
	/* a journal that cannot be read is a lost one: what verifies starts */
	if (hm_journal_load(&journal) != HM_OK)
		journal = HM_MAKE(hm_journal, 0);
	if (choose_trial(&journal, ret) == HM_VERDICT_YES)
		return HM_VERDICT_YES;
	return choose_confirmed(&journal, ret, err);
}

void
hm_boot_run(void)
{
	volatile hm_verdict first = HM_VERDICT_NO, second = HM_VERDICT_NO;
	static struct hm_boot boot;
	static struct hm_image again;
	hm_err err = HM_E_BOOT_NONE;

	first = hm_boot_choose(&boot, &err);
	if (first != HM_VERDICT_YES)
		hm_port_boot_failed(err);
	second = hm_image_verify(boot.image.area, &again, &err);
	if (second != HM_VERDICT_YES ||
	    !hm_equal_ct(boot.image.digest, again.digest, HM_DIGEST_LEN))
		hm_port_boot_failed(err);
	if (first == HM_VERDICT_YES && second == HM_VERDICT_YES)
		hm_port_boot_jump(&again);
	hm_port_boot_failed(err);
}
