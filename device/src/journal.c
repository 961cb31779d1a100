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
 *         vanish): it is stored again behind itself.
 *   none  maybe torn, and never acted upon: stored again in the sector behind
 *         the firm record's, which may be where it stands.
 */
#include "hallmark/crypto.h"
#include "hallmark/journal.h"

#define RECORD_LEN 64u
#define COVERED_LEN 44u
#define SEAL_LEN 8u
#define SEAL_AT (RECORD_LEN - COVERED_LEN) /* in the digest */
#define SLOTS_MAX 32u /* of a sector, that reading them stays cheap */
#define NOWHERE UINT32_MAX

_Static_assert(RECORD_LEN % HM_FLASH_UNIT_MAX == 0, "whole units");
_Static_assert(SEAL_AT + SEAL_LEN <= HM_DIGEST_LEN, "one digest does");

struct slot {
	uint32_t at, sequence, seals;
};

struct view {
	struct hm_flash flash;
	uint32_t seal; /* bytes */
	struct slot newest, firm;
	uint32_t behind; /* first slot of firm's sector that reads erased */
	struct hm_journal journal; /* the newest one */
};

/* Behind the last record that was stored since reset; 0: nothing was. */
static uint32_t follow_at, follow_sequence;

void
hm_journal_reset(void)
{
	follow_at = 0;
	follow_sequence = 0;
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

/* Is there room for one more record at `at` in its sector? */
static bool
fits(const struct view *view, uint32_t at)
{
	uint32_t within = at % view->flash.sector;

	return within <= (SLOTS_MAX - 1) * stride(view) &&
	       view->flash.sector - within >= stride(view);
}

/* ---- records ---- */

static void
encode(const struct hm_journal *journal, uint8_t ret[static RECORD_LEN],
    uint8_t digest[static HM_DIGEST_LEN])
{
	hm_put_u32(ret, journal->sequence);
	hm_put_u32(ret + 4, journal->received);
	ret[8] = (uint8_t)journal->confirmed;
	ret[9] = (uint8_t)journal->trial;
	ret[10] = (uint8_t)journal->incoming;
	ret[11] = (uint8_t)journal->attempts;
	for (uint32_t i = 0; i < HM_DIGEST_LEN; i++)
		ret[12 + i] = journal->announced[i];
	hm_sha256((struct hm_bytes){ ret, COVERED_LEN }, digest);
	for (uint32_t i = 0; i < SEAL_AT; i++)
		ret[COVERED_LEN + i] = digest[i];
}

static void
decode(const uint8_t record[static RECORD_LEN], struct hm_journal *ret)
{
	ret->sequence = hm_get_u32(record);
	ret->received = hm_get_u32(record + 4);
	ret->confirmed = (hm_area)record[8];
	ret->trial = (hm_area)record[9];
	ret->incoming = (hm_area)record[10];
	ret->attempts = record[11];
	for (uint32_t i = 0; i < HM_DIGEST_LEN; i++)
		ret->announced[i] = record[12 + i];
}

static bool
is_seal(struct hm_bytes bytes, const uint8_t digest[static HM_DIGEST_LEN])
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
			(struct hm_span){ bytes, view->seal }) != HM_OK ||
		    !is_seal((struct hm_bytes){ bytes, view->seal }, digest))
			break;
	return count;
}

static bool
is_erased(const struct view *view, const uint8_t record[static RECORD_LEN])
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

/* What stands at `at`. False: nothing at all, as far as can be seen. */
static bool
look(struct view *view, uint32_t at)
{
	uint8_t record[RECORD_LEN], digest[HM_DIGEST_LEN];
	struct slot slot = { .at = at };

	if (hm_port_flash_read(HM_AREA_JOURNAL, at,
		(struct hm_span){ record, RECORD_LEN }) != HM_OK)
		return true; /* torn */
	if (is_erased(view, record))
		return false;
	hm_sha256((struct hm_bytes){ record, COVERED_LEN }, digest);
	if (!hm_equal_ct(record + COVERED_LEN, digest, SEAL_AT))
		return true;
	slot.sequence = hm_get_u32(record);
	slot.seals = count_seals(view, at, digest);
	if (slot.seals > 0 && is_newer(&slot, &view->firm))
		view->firm = slot;
	if (is_newer(&slot, &view->newest)) {
		view->newest = slot;
		decode(record, &view->journal);
	}
	return true;
}

static void
look_at_sector(struct view *view, uint32_t sector)
{
	uint32_t behind = sector, at;

	for (at = sector; fits(view, at) && sector_of(view, at) == sector;
	     at += stride(view))
		if (look(view, at))
			behind = at + stride(view);
	if (view->firm.at != NOWHERE &&
	    sector_of(view, view->firm.at) == sector)
		view->behind = behind;
}

static hm_err
look_at_all(struct view *ret)
{
	*ret = (struct view){ .newest.at = NOWHERE, .firm.at = NOWHERE };
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
	    HM_AREA_JOURNAL, at, (struct hm_bytes){ ptr, len }));
	HM_TRY(hm_port_flash_read(
	    HM_AREA_JOURNAL, at, (struct hm_span){ back, len }));
	return hm_equal_ct(ptr, back, len) ? HM_OK : HM_E_STORAGE;
}

static hm_err
put(const struct view *view, uint32_t at, const struct hm_journal *journal)
{
	uint8_t record[RECORD_LEN], digest[HM_DIGEST_LEN];

	encode(journal, record, digest);
	HM_TRY(program(at, record, RECORD_LEN));
	for (uint32_t i = 0; i < view->seal; i++)
		record[i] = digest[SEAL_AT + i % SEAL_LEN];
	HM_TRY(program(at + RECORD_LEN, record, view->seal));
	return program(at + RECORD_LEN + view->seal, record, view->seal);
}

/* In the sector behind the firm record's. What may stand there was not firm, or
 * is older. */
static hm_err
put_fresh(const struct view *view, struct hm_journal *journal, uint32_t *ret_at)
{
	uint32_t at = 0;

	if (view->firm.at != NOWHERE)
		at = sector_of(view, view->firm.at) + view->flash.sector;
	*ret_at = at < view->flash.size ? at : 0;
	journal->sequence +=
	    2; /* more than what follows the firm one, unseen */
	HM_TRY(hm_port_flash_erase(HM_AREA_JOURNAL, *ret_at));
	return put(view, *ret_at, journal);
}

/* Where the next record goes without an erase; NOWHERE. */
static uint32_t
find_place(const struct view *view)
{
	uint32_t at = NOWHERE;

	if (view->firm.at == NOWHERE)
		return NOWHERE;
	if (view->firm.sequence == follow_sequence)
		at = follow_at;
	else if (view->firm.seals == 1)
		at = view->behind;
	if (at == NOWHERE || !fits(view, at) ||
	    sector_of(view, at) != sector_of(view, view->firm.at))
		return NOWHERE;
	return at;
}

static hm_err
append(const struct view *view, struct hm_journal *journal)
{
	uint32_t at = find_place(view);
	hm_err err = HM_E_STORAGE;

	hm_journal_reset();
	journal->sequence = view->newest.sequence;
	if (at != NOWHERE) {
		journal->sequence++;
		err = put(view, at, journal);
	}
	if (err != HM_OK)
		HM_TRY(put_fresh(view, journal, &at));
	follow_at = at + stride(view);
	follow_sequence = journal->sequence;
	return HM_OK;
}

hm_err
hm_journal_load(struct hm_journal *ret)
{
	struct view view;

	HM_TRY(look_at_all(&view));
	if (view.newest.at != view.firm.at || view.firm.seals == 1) {
		/* a start that was being counted when power went was none */
		if (view.journal.attempts > 0)
			view.journal.attempts--;
		HM_TRY(append(&view, &view.journal));
	}
	*ret = view.journal;
	return HM_OK;
}

hm_err
hm_journal_store(struct hm_journal *journal)
{
	struct view view;

	HM_TRY(look_at_all(&view));
	if (view.firm.sequence != journal->sequence)
		return HM_E_WRONG_STATE;
	return append(&view, journal);
}
