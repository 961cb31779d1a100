/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_scan.h"

#include <string.h>

/* A superseded one may not stay for longer than until the next start. */
static bool
is_secret(uint32_t number)
{
	return number == HM_RECORD_IDENTITY || number == HM_RECORD_KEM ||
	       number == HM_RECORD_SECRETS;
}

/* Do all pieces read well? If not: is everything behind the first that does
 * not erased, as a cut leaves it? */
static bool
is_whole(const struct vault_area *area, const struct vault_entry *entry,
    bool *ret_cut)
{
	uint32_t count = vault_piece_count(entry->len);
	uint32_t size = vault_entry_size(area, entry->len);
	uint8_t piece[VAULT_STEP];
	uint32_t len = 0, i = 0;

	while (i < count && vault_piece(area, entry, i, piece, &len) == HM_OK)
		i++;
	hm_wipe(piece, sizeof(piece));
	*ret_cut = true;
	if (i < count) {
		uint32_t end = vault_piece_end(area, entry->len, i);

		*ret_cut = vault_is_blank(area, entry->at + end, size - end);
	}
	return i == count;
}

/* Take up an entry that stands. False: it cannot stand here. */
static bool
take(struct vault_bank *bank, const struct vault_entry *entry)
{
	if (bank->sequence != 0 && entry->sequence != bank->sequence + 1)
		return false;
	if (entry->number == VAULT_COMMIT || entry->number == VAULT_TOMB) {
		if (bank->state != VAULT_NOTHING || entry->len != 0)
			return false;
		bank->state = VAULT_COMPLETE;
		bank->tomb = entry->number == VAULT_TOMB;
	} else {
		if (bank->at[entry->number] != VAULT_NOWHERE &&
		    is_secret(entry->number))
			bank->clean = false;
		bank->before = bank->at[entry->number];
		bank->at[entry->number] = entry->at;
	}
	bank->sequence = entry->sequence;
	return true;
}

/* The entry at bank->end. True if it was taken, and others may follow. */
static bool
step(const struct vault_area *area, uint32_t end, struct vault_bank *bank)
{
	vault_state before = bank->state;
	struct vault_entry entry;
	uint32_t next, unit = area->flash.unit;
	bool proven, whole = true, cut = true;

	if (vault_open(area, bank->end, end, &entry) != HM_OK) {
		next = bank->end + vault_head_end(area);
		if (next < end && !vault_is_blank(area, next, end - next))
			bank->state = VAULT_DAMAGED;
		return false;
	}
	next = entry.at + vault_entry_size(area, entry.len);
	proven = !vault_is_blank(area, next - unit, end - next + unit);
	if (!proven)
		whole = is_whole(area, &entry, &cut);
	vault_close(&entry);
	if (!cut || (whole && !take(bank, &entry))) {
		bank->state = VAULT_DAMAGED;
		return false;
	}
	if (!proven)
		bank->clean = false;
	if (!proven && whole && entry.number <= HM_RECORD_COUNT)
		bank->unproven = entry.number;
	if (!proven && whole && before == VAULT_NOTHING &&
	    bank->state == VAULT_COMPLETE)
		bank->state = VAULT_UNPROVEN;
	if (whole)
		bank->end = next;
	return proven;
}

/* Is there anything that looks like an entry, now or once? */
static bool
has_heads(const struct vault_area *area, uint32_t at, uint32_t end)
{
	for (; at + VAULT_HEAD_LEN <= end; at += area->flash.unit)
		if (vault_is_head(at))
			return true;
	return false;
}

void
vault_scan(const struct vault_area *area, uint32_t bank, struct vault_bank *ret)
{
	uint32_t start = bank * area->bank, end = start + area->bank;

	memset(ret, 0, sizeof(*ret));
	ret->state = VAULT_NOTHING;
	ret->clean = true;
	ret->end = start;
	memset(ret->at, 0xff, sizeof(ret->at));
	ret->blank = vault_is_blank(area, start, area->bank);
	if (ret->blank)
		return;
	while (step(area, end, ret))
		continue;
	if (ret->end < end && !vault_is_blank(area, ret->end, end - ret->end))
		ret->clean = false;
	if (ret->state == VAULT_DAMAGED && !has_heads(area, start, end))
		ret->state = VAULT_NOTHING;
}
