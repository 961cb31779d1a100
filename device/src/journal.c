/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   record   0      4      8        9    10     11      12         44       64
 *   +--------+------+-------+-------+-----+-------+------+---------+--------+
 *   | seq    | rcvd | confd | trial | inc | att   | announced      | digest |
 *   +--------+------+-------+-------+-----+-------+------+---------+--------+
 *   then twice a seal: the digest's next 8 bytes, repeated to a whole unit
 *
 * The seals are programmed one after the other when the record has been read
 * back. Whatever of them is seen, what comes before is stable, for it had been
 * programmed to its end: with one seal the record itself, with two the first
 * seal as well. So what was seen with two will be seen with one for ever.
 *
 *   two   acted upon. The other sectors may be erased.
 *   one   firm: neither this sector is erased (it may have been acted upon, and
 *         the second seal read then) nor another one (the first seal may
 *         vanish): it is stored again behind itself. If nothing holds there,
 *         this sector's erase was cut, and so the one before is whole.
 *   none  maybe torn, and never acted upon: stored again in the sector behind
 *         the firm record's, which may be where it stands.
 *
 * Flash is looked at once after a reset; what it said then is what holds.
 */
#include "hallmark/crypto.h"
#include "hallmark/journal.h"

#include <string.h>

#define ANNOUNCED_AT 12u
#define RECORD_LEN 64u
#define COVERED_LEN 44u
#define SEAL_LEN 8u
#define SEAL_AT (RECORD_LEN - COVERED_LEN) /* in the digest */
#define SLOTS_MAX 32u /* of a sector, that reading them stays cheap */
#define READS 4u
#define NOWHERE UINT32_MAX

HM_STATIC_ASSERT(ANNOUNCED_AT + HM_DIGEST_LEN == COVERED_LEN, "as drawn");
HM_STATIC_ASSERT(RECORD_LEN % HM_FLASH_UNIT_MAX == 0, "whole units");
HM_STATIC_ASSERT(SEAL_AT + SEAL_LEN <= HM_DIGEST_LEN, "one digest does");

struct slot {
	uint32_t at, sequence, seals;
};

/* All of it is zero before the first look. */
struct view {
	bool is_ready;
	bool is_unclear; /* what is neither whole nor erased, and may change */
	struct hm_flash flash;
	uint32_t seal; /* bytes */
	struct slot newest, firm;
	uint32_t
	    behind; /* in firm's sector, the first slot that reads erased */
	struct hm_journal journal; /* the newest one */
};

static struct view now;

void
hm_journal_reset(void)
{
	now.is_ready = false;
}

static uint32_t
stride(const struct view *view)
{
	return RECORD_LEN + 2 * view->seal;
}

static uint32_t
sector_of(const struct view *view, uint32_t at)
{
	return at - at % view->flash.sector;
}

/* Is there room for one more record at `at` in that sector? */
static bool
fits(const struct view *view, uint32_t sector, uint32_t at)
{
	return at - sector <= (SLOTS_MAX - 1) * stride(view) &&
	       at - sector + stride(view) <= view->flash.sector;
}

/* ---- records ---- */

static void
encode(const struct hm_journal *journal, uint8_t ret[HM_STATIC RECORD_LEN],
    uint8_t digest[HM_STATIC HM_DIGEST_LEN])
{
	hm_put_u32(ret, journal->sequence);
	hm_put_u32(ret + 4, journal->received);
	ret[8] = (uint8_t)journal->confirmed;
	ret[9] = (uint8_t)journal->trial;
	ret[10] = (uint8_t)journal->incoming;
	ret[11] = (uint8_t)journal->attempts;
	for (uint32_t i = 0; i < HM_DIGEST_LEN; i++)
		ret[ANNOUNCED_AT + i] = journal->announced[i];
	hm_sha256(HM_MAKE(hm_bytes, ret, COVERED_LEN), digest);
	for (uint32_t i = 0; i < SEAL_AT; i++)
		ret[COVERED_LEN + i] = digest[i];
}

static void
decode(const uint8_t record[HM_STATIC RECORD_LEN], struct hm_journal *ret)
{
	ret->sequence = hm_get_u32(record);
	ret->received = hm_get_u32(record + 4);
	ret->confirmed = (hm_area)record[8];
	ret->trial = (hm_area)record[9];
	ret->incoming = (hm_area)record[10];
	ret->attempts = record[11];
	for (uint32_t i = 0; i < HM_DIGEST_LEN; i++)
		ret->announced[i] = record[ANNOUNCED_AT + i];
}

static bool
is_seal(struct hm_bytes bytes, const uint8_t digest[HM_STATIC HM_DIGEST_LEN])
{
	for (uint32_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i] != digest[SEAL_AT + i % SEAL_LEN])
			return false;
	return true;
}

/* Seals that stand behind the record at `at`, 0 to 2. */
static uint32_t
count_seals(const struct view *view, uint32_t at, const uint8_t *digest)
{
	uint8_t bytes[HM_FLASH_UNIT_MAX];
	uint32_t count = 0;

	for (at += RECORD_LEN; count < 2; count++, at += view->seal)
		if (hm_port_flash_read(HM_AREA_JOURNAL, at,
			HM_MAKE(hm_span, bytes, view->seal)) != HM_OK ||
		    !is_seal(HM_MAKE(hm_bytes, bytes, view->seal), digest))
			break;
	return count;
}

static bool
is_erased(const struct view *view, const uint8_t record[HM_STATIC RECORD_LEN])
{
	uint8_t differs = 0;

	for (uint32_t i = 0; i < RECORD_LEN; i++)
		differs |= record[i] ^ view->flash.erased;
	return differs == 0;
}

static bool
is_newer(const struct slot *a, const struct slot *b)
{
	if (a->sequence != b->sequence)
		return a->sequence > b->sequence;
	return a->seals >= b->seals;
}

/* ---- looking ---- */

static void
look_at_record(
    struct view *view, uint32_t at, const uint8_t record[HM_STATIC RECORD_LEN])
{
	struct slot slot = { .at = at };
	uint8_t digest[HM_DIGEST_LEN];

	hm_sha256(HM_MAKE(hm_bytes, record, COVERED_LEN), digest);
	if (!hm_equal_ct(record + COVERED_LEN, digest, SEAL_AT)) {
		view->is_unclear = true;
		return;
	}
	slot.sequence = hm_get_u32(record);
	slot.seals = count_seals(view, at, digest);
	if (slot.seals > 0 && is_newer(&slot, &view->firm))
		view->firm = slot;
	if (is_newer(&slot, &view->newest)) {
		view->newest = slot;
		decode(record, &view->journal);
	}
}

static void
look_at_sector(struct view *view, uint32_t sector)
{
	uint8_t record[RECORD_LEN];
	uint32_t behind = sector, at;

	for (at = sector; fits(view, sector, at); at += stride(view)) {
		if (hm_port_flash_read(HM_AREA_JOURNAL, at,
			HM_MAKE(hm_span, record, RECORD_LEN)) != HM_OK)
			view->is_unclear = true;
		else if (is_erased(view, record))
			continue;
		else
			look_at_record(view, at, record);
		behind = at + stride(view);
	}
	if (view->firm.at != NOWHERE &&
	    sector_of(view, view->firm.at) == sector)
		view->behind = behind;
}

static hm_err
look_at_all(struct view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->newest.at = ret->firm.at = ret->behind = NOWHERE;
	HM_TRY(hm_port_flash(HM_AREA_JOURNAL, &ret->flash));
	ret->seal = ret->flash.unit > SEAL_LEN ? ret->flash.unit : SEAL_LEN;
	for (uint32_t at = 0; at < ret->flash.size; at += ret->flash.sector)
		look_at_sector(ret, at);
	return HM_OK;
}

/* ---- storing ---- */

static hm_err
program(uint32_t at, const uint8_t *ptr, uint32_t len)
{
	uint8_t back[RECORD_LEN];

	HM_TRY(hm_port_flash_program(
	    HM_AREA_JOURNAL, at, HM_MAKE(hm_bytes, ptr, len)));
	HM_TRY(hm_port_flash_read(
	    HM_AREA_JOURNAL, at, HM_MAKE(hm_span, back, len)));
	return hm_equal_ct(ptr, back, len) ? HM_OK : HM_E_STORAGE;
}

/* A unit that was not erased to the end may read right for once. */
static hm_err
check(const struct view *view, uint32_t at,
    const uint8_t record[HM_STATIC RECORD_LEN], const uint8_t *digest)
{
	uint8_t back[RECORD_LEN];

	for (unsigned i = 0; i < READS; i++) {
		HM_TRY(hm_port_flash_read(
		    HM_AREA_JOURNAL, at, HM_MAKE(hm_span, back, RECORD_LEN)));
		if (!hm_equal_ct(record, back, RECORD_LEN) ||
		    count_seals(view, at, digest) != 2)
			return HM_E_STORAGE;
	}
	return HM_OK;
}

static hm_err
put(const struct view *view, uint32_t at, const struct hm_journal *journal)
{
	uint8_t record[RECORD_LEN], digest[HM_DIGEST_LEN];
	uint8_t seal[HM_FLASH_UNIT_MAX];

	encode(journal, record, digest);
	HM_TRY(program(at, record, RECORD_LEN));
	for (uint32_t i = 0; i < view->seal; i++)
		seal[i] = digest[SEAL_AT + i % SEAL_LEN];
	HM_TRY(program(at + RECORD_LEN, seal, view->seal));
	HM_TRY(program(at + RECORD_LEN + view->seal, seal, view->seal));
	return check(view, at, record, digest);
}

/* Does another record of this sector fit behind the firm one? The last place is
 * kept for one that has to be stored again. */
static bool
is_room_behind(const struct view *view)
{
	uint32_t last = view->behind;

	if (view->behind == NOWHERE)
		return false;
	if (view->firm.seals == 2)
		last += stride(view);
	return fits(view, sector_of(view, view->firm.at), last);
}

static hm_err
put_behind(
    const struct view *view, struct hm_journal *journal, uint32_t *ret_at)
{
	const uint32_t sector = sector_of(view, view->firm.at);
	hm_err err = HM_E_STORAGE;

	journal->sequence++;
	for (*ret_at = view->behind; fits(view, sector, *ret_at);
	     *ret_at += stride(view)) {
		err = put(view, *ret_at, journal);
		if (err == HM_OK)
			break;
	}
	return err;
}

static hm_err
put_fresh(const struct view *view, struct hm_journal *journal, uint32_t sector)
{
	journal->sequence +=
	    2; /* more than what follows the firm one, unseen */
	HM_TRY(hm_port_flash_erase(HM_AREA_JOURNAL, sector));
	return put(view, sector, journal);
}

/* The sector behind the firm record's: what stands there was not firm, or is
 * older. */
static uint32_t
next_sector(const struct view *view)
{
	uint32_t at;

	if (view->firm.at == NOWHERE)
		return 0;
	at = sector_of(view, view->firm.at) + view->flash.sector;
	return at < view->flash.size ? at : 0;
}

static hm_err
append(struct view *view, struct hm_journal journal)
{
	uint32_t at = next_sector(view);
	hm_err err = HM_E_STORAGE;

	view->is_ready = false; /* until it is known how this ends */
	journal.sequence = view->newest.sequence;
	if (is_room_behind(view)) {
		if (view->firm.seals == 1)
			at = sector_of(view, view->firm.at);
		err = put_behind(view, &journal, &view->behind);
	}
	if (err == HM_OK)
		at = view->behind;
	else
		HM_TRY(put_fresh(view, &journal, at));
	view->firm = HM_MAKE(slot, at, journal.sequence, 2);
	view->newest = view->firm;
	view->behind = at + stride(view);
	view->journal = journal;
	view->is_ready = true;
	return HM_OK;
}

/* What there is after a reset, once it is settled. */
static hm_err
look(struct view *view)
{
	if (view->is_ready)
		return HM_OK;
	HM_TRY(look_at_all(view));
	if (view->firm.seals == 2)
		view->behind = NOWHERE; /* there may be what is not seen */
	if (view->newest.at == view->firm.at && view->firm.seals != 1 &&
	    !view->is_unclear) {
		view->is_ready = true;
		return HM_OK;
	}
	/* a start that was being counted when power went was none */
	if (view->newest.seals < 2 && view->journal.attempts > 0)
		view->journal.attempts--;
	return append(view, view->journal);
}

hm_err
hm_journal_load(struct hm_journal *ret)
{
	HM_TRY(look(&now));
	*ret = now.journal;
	return HM_OK;
}

hm_err
hm_journal_store(struct hm_journal *journal)
{
	HM_TRY(look(&now));
	if (now.journal.sequence != journal->sequence)
		return HM_E_WRONG_STATE;
	HM_TRY(append(&now, *journal));
	journal->sequence = now.journal.sequence;
	return HM_OK;
}
