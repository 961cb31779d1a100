/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal as many are: a digest tells what is whole, the newest that is whole
 * wins, the next one goes where flash reads as erased. Nothing is settled. It
 * is linked in place of src/journal.c, to show that the sweep finds it out.
 */
#include "hallmark/crypto.h"
#include "hallmark/journal.h"

#include <string.h>

#define LEN 96u /* a multiple of every unit */

struct record {
	struct hm_journal journal;
	uint8_t digest[HM_DIGEST_LEN];
};
_Static_assert(sizeof(struct record) <= LEN, "it fits");

void
hm_journal_reset(void)
{
}

static bool
read_record(uint32_t at, struct record *ret)
{
	uint8_t bytes[LEN], digest[HM_DIGEST_LEN];

	if (hm_port_flash_read(
		HM_AREA_JOURNAL, at, (struct hm_span){ bytes, LEN }) != HM_OK)
		return false;
	memcpy(ret, bytes, sizeof(*ret));
	hm_sha256((struct hm_bytes){ bytes, sizeof(ret->journal) }, digest);
	return memcmp(digest, ret->digest, sizeof(digest)) == 0;
}

static bool
is_erased(uint32_t at, uint8_t erased)
{
	uint8_t bytes[LEN];

	if (hm_port_flash_read(
		HM_AREA_JOURNAL, at, (struct hm_span){ bytes, LEN }) != HM_OK)
		return false;
	for (uint32_t i = 0; i < LEN; i++)
		if (bytes[i] != erased)
			return false;
	return true;
}

/* The newest record, and where it stands. */
static uint32_t
find(const struct hm_flash *flash, struct hm_journal *ret)
{
	struct record record;
	uint32_t found = 0;

	*ret = (struct hm_journal){ 0 };
	for (uint32_t at = 0; at < flash->size; at += flash->sector)
		for (uint32_t i = 0; (i + 1) * LEN <= flash->sector && i < 32;
		     i++)
			if (read_record(at + i * LEN, &record) &&
			    record.journal.sequence > ret->sequence) {
				*ret = record.journal;
				found = at + i * LEN;
			}
	return found;
}

hm_err
hm_journal_load(struct hm_journal *ret)
{
	struct hm_flash flash;

	HM_TRY(hm_port_flash(HM_AREA_JOURNAL, &flash));
	(void)find(&flash, ret);
	return HM_OK;
}

hm_err
hm_journal_store(struct hm_journal *journal)
{
	uint8_t bytes[LEN] = { 0 };
	struct record record;
	struct hm_journal last;
	struct hm_flash flash;
	uint32_t at, sector;

	HM_TRY(hm_port_flash(HM_AREA_JOURNAL, &flash));
	at = find(&flash, &last);
	sector = at - at % flash.sector;
	while (
	    at - sector + LEN <= flash.sector && !is_erased(at, flash.erased))
		at += LEN;
	if (at - sector + LEN > flash.sector) {
		at = sector + flash.sector < flash.size ? sector + flash.sector
							: 0;
		HM_TRY(hm_port_flash_erase(HM_AREA_JOURNAL, at));
	}
	journal->sequence = last.sequence + 1;
	memset(&record, 0, sizeof(record));
	record.journal = *journal;
	memcpy(bytes, &record, sizeof(record));
	hm_sha256(
	    (struct hm_bytes){ bytes, sizeof(record.journal) }, record.digest);
	memcpy(bytes, &record, sizeof(record));
	return hm_port_flash_program(HM_AREA_JOURNAL, at, HM_BYTES(bytes));
}
