/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first write after a start always goes to a bank that was erased since
 * that start: what reads as erased at a start may be a unit that a cut tore,
 * and nobody can tell by reading. Later writes of the same run are appended.
 *
 * A bank counts from its commit entry on. The older bank is erased only when
 * the whole newer one, with the unit behind its commit, is on flash; while both
 * are there and that unit reads as erased, the older one goes on. A start that
 * finds both, or any remains, copies what counts to a fresh bank before it
 * answers anything: so what it has answered does not depend on torn bits.
 */
#include <string.h>

#include "vault_scan.h"

static struct {
	struct vault_area area;
	bool open;
	bool has;          /* is there a bank in use? */
	bool fresh;        /* it was begun in this run, and all writes to it
			      succeeded: the next is appended */
	bool spare_clean;  /* the other was erased in this run */
	uint32_t bank;     /* in use: 0 or 1 */
	uint32_t end;      /* of its log */
	uint64_t sequence; /* of the last entry */
	uint32_t at[HM_RECORD_COUNT + 1];
} vault;

static bool
is_record(hm_record record)
{
	return record >= 1 && record <= HM_RECORD_COUNT;
}

/* Add an entry at vault.end, and move on. */
static hm_err
append(uint8_t number, const struct vault_source *from)
{
	struct vault_entry entry = { .at = vault.end,
		.sequence = vault.sequence + 1,
		.number = number };

	HM_TRY(vault_put(&vault.area, &entry, from));
	vault.sequence = entry.sequence;
	vault.end += vault_entry_size(&vault.area, entry.len);
	if (number <= HM_RECORD_COUNT)
		vault.at[number] = entry.at;
	return HM_OK;
}

/* Move one record from its place in the bank before to the end of this one. */
static hm_err
copy(uint32_t number, uint32_t end)
{
	const uint32_t at = vault.at[number];
	struct vault_entry entry;
	struct vault_source from = { .entry = &entry };
	hm_err err;

	HM_TRY(vault_open(&vault.area, at, end, &entry));
	err = entry.number == number ? append((uint8_t)number, &from)
				     : HM_E_STORAGE;
	vault_close(&entry);
	return err;
}

/* Write all that counts to vault.end, and close it with `kind`. */
static hm_err
fill(hm_record record, struct hm_bytes bytes, uint8_t kind, uint32_t end)
{
	const struct vault_source from = { .bytes = bytes }, none = { 0 };

	for (uint32_t number = 1; number <= HM_RECORD_COUNT; number++)
		if (kind == VAULT_COMMIT && number != record &&
		    vault.at[number] != VAULT_NOWHERE)
			HM_TRY(copy(number, end));
	if (is_record(record))
		HM_TRY(append((uint8_t)record, &from));
	return append(kind, &none);
}

/*
 * Begin a bank anew with all records, and `bytes` in the place of `record` (0:
 * none); then erase the one before. HM_E_STORAGE: old or new.
 */
static hm_err
turn(hm_record record, struct hm_bytes bytes, uint8_t kind)
{
	uint32_t old = vault.bank * vault.area.bank;
	uint32_t bank = vault.has ? 1 - vault.bank : 0;
	uint32_t start = bank * vault.area.bank, end = vault.end;
	uint32_t at[HM_RECORD_COUNT + 1];

	vault.fresh = false;
	if (!vault.spare_clean || !vault.has)
		HM_TRY(vault_wipe(&vault.area, start, vault.area.bank));
	vault.spare_clean = false;
	memcpy(at, vault.at, sizeof(at));
	vault.end = start;
	if (fill(record, bytes, kind, old + vault.area.bank) != HM_OK) {
		memcpy(vault.at, at, sizeof(at));
		vault.end = end;
		return HM_E_STORAGE;
	}
	old = (1 - bank) * vault.area.bank;
	vault.bank = bank;
	vault.has = true;
	HM_TRY(vault_wipe(&vault.area, old, vault.area.bank));
	vault.spare_clean = true;
	vault.fresh = true;
	return HM_OK;
}

static void
forget(void)
{
	vault.open = vault.has = vault.fresh = vault.spare_clean = false;
	vault.bank = vault.end = 0;
	memset(vault.at, 0xff, sizeof(vault.at));
}

/* Which of the two counts, or 2: neither. */
static uint32_t
choose(const struct vault_bank bank[HM_STATIC 2])
{
	const bool later = bank[1].sequence > bank[0].sequence;

	if (bank[0].state == VAULT_COMPLETE && bank[1].state == VAULT_COMPLETE)
		return later;
	for (uint32_t i = 0; i < 2; i++)
		if (bank[i].state == VAULT_COMPLETE)
			return i;
	/* the older one was proven when the younger was begun */
	if (bank[0].state == VAULT_UNPROVEN && bank[1].state == VAULT_UNPROVEN)
		return !later;
	for (uint32_t i = 0; i < 2; i++)
		if (bank[i].state == VAULT_UNPROVEN &&
		    (!bank[i].tomb || bank[1 - i].state == VAULT_DAMAGED))
			return i;
	/* an unproven tomb counts only if what it is of is half erased, for
	 * that begins when it is proven; else it is written again */
	return 2;
}

static hm_err
wipe_bank(uint32_t bank)
{
	return vault_wipe(&vault.area, bank * vault.area.bank, vault.area.bank);
}

/* vault.bank has a tomb: what it is of goes first. */
static hm_err
end_tomb(void)
{
	if (!vault.spare_clean)
		HM_TRY(wipe_bank(1 - vault.bank));
	HM_TRY(wipe_bank(vault.bank));
	vault.has = vault.fresh = vault.spare_clean = false;
	return HM_OK;
}

/*
 * No bank counts, and there is more than erased flash: a first write, always to
 * bank 0, that was cut, or noise. An erase of entries that is cut may look like
 * damage, so they get a tomb in bank 1 first.
 */
static hm_err
clear(void)
{
	vault.bank = 0;
	vault.has = true;
	HM_TRY(turn((hm_record)0, HM_MAKE(hm_bytes, 0), VAULT_TOMB));
	return end_tomb();
}

/* Go on with `bank`; what a cut left beside it is finished first. */
static hm_err
take_up(const struct vault_bank *bank, bool alone)
{
	const struct hm_bytes none = { 0 };

	vault.has = true;
	vault.end = bank->end;
	memcpy(vault.at, bank->at, sizeof(vault.at));
	if (bank->clean && bank->state == VAULT_COMPLETE && alone)
		return HM_OK;
	if (turn((hm_record)0, none, VAULT_COMMIT) == HM_OK)
		return HM_OK;
	if (bank->unproven == 0)
		return HM_E_STORAGE;
	/* it read well when it was looked at, and does not any more */
	vault.at[bank->unproven] = bank->before;
	return turn((hm_record)0, none, VAULT_COMMIT);
}

hm_err
hm_vault_init(void)
{
	struct vault_bank bank[2];
	uint32_t i;

	forget();
	HM_TRY(vault_area_open(&vault.area));
	vault_scan(&vault.area, 0, &bank[0]);
	vault_scan(&vault.area, 1, &bank[1]);
	/* one that a cut may have torn is left out */
	vault.sequence = bank[bank[1].sequence > bank[0].sequence].sequence + 1;
	i = choose(bank);
	if (i == 2 &&
	    (bank[0].state == VAULT_DAMAGED || bank[1].state == VAULT_DAMAGED))
		return HM_E_STORAGE;
	if (i == 2 && !(bank[0].blank && bank[1].blank))
		HM_TRY(clear());
	if (i < 2) {
		vault.bank = i;
		HM_TRY(bank[i].tomb ? end_tomb()
				    : take_up(&bank[i], bank[1 - i].blank));
	}
	vault.open = true;
	return HM_OK;
}

hm_err
hm_vault_erase(void)
{
	hm_err err;

	/* A tomb first: no start after a cut finds the records again. */
	if (vault.open && vault.has)
		HM_LOSE(turn((hm_record)0, HM_MAKE(hm_bytes, 0), VAULT_TOMB));
	forget();
	HM_TRY(vault_area_open(&vault.area));
	/* an odd sector, too, which no bank has */
	err = vault_wipe(&vault.area, 0,
	    vault.area.flash.size / vault.area.flash.sector *
		vault.area.flash.sector);
	vault.open = err == HM_OK;
	return err;
}

uint32_t
hm_vault_room(void)
{
	return vault.open ? vault.area.bank - vault_entry_size(&vault.area, 0)
			  : 0;
}

/* Would all records, with `len` bytes in `record`, go into one bank? */
static bool
fits(hm_record record, uint32_t len)
{
	uint32_t sum = vault_entry_size(&vault.area, 0) +
		       vault_entry_size(&vault.area, len);
	uint32_t end = (vault.bank + 1) * vault.area.bank;
	struct vault_entry entry;

	for (uint32_t number = 1; number <= HM_RECORD_COUNT; number++) {
		if (number == record || vault.at[number] == VAULT_NOWHERE)
			continue;
		if (vault_open(&vault.area, vault.at[number], end, &entry) !=
		    HM_OK)
			return false;
		vault_close(&entry);
		sum += vault_entry_size(&vault.area, entry.len);
	}
	return sum <= vault.area.bank;
}

hm_err
hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	const struct vault_source from = { .bytes = bytes };
	uint32_t left = (vault.bank + 1) * vault.area.bank - vault.end;

	if (!vault.open || !is_record(record) || bytes.len > VAULT_LEN_MAX)
		return HM_E_STORAGE;
	if (vault.fresh &&
	    vault_entry_size(&vault.area, (uint32_t)bytes.len) <= left) {
		vault.fresh = false;
		HM_TRY(append((uint8_t)record, &from));
		vault.fresh = true;
		return HM_OK;
	}
	if (!fits(record, (uint32_t)bytes.len))
		return HM_E_STORAGE;
	if (turn(record, bytes, VAULT_COMMIT) == HM_OK)
		return HM_OK;
	if (!vault.has) /* entries that never counted are cleared as at a start
			 */
		HM_LOSE(hm_vault_init());
	return HM_E_STORAGE;
}

static hm_err
read_pieces(const struct vault_entry *entry, uint8_t *ret)
{
	uint8_t piece[VAULT_STEP];
	uint32_t len = 0;
	hm_err err = HM_OK;

	for (uint32_t i = 0; err == HM_OK && i < vault_piece_count(entry->len);
	     i++) {
		err = vault_piece(&vault.area, entry, i, piece, &len);
		if (err == HM_OK)
			memcpy(ret + i * VAULT_PIECE, piece, len);
	}
	hm_wipe(piece, sizeof(piece));
	return err;
}

hm_err
hm_port_store_read(hm_record record, struct hm_span room, size_t *ret_len)
{
	struct vault_entry entry;
	uint32_t end = (vault.bank + 1) * vault.area.bank;
	hm_err err = HM_E_NO_ROOM;

	if (!vault.open || !is_record(record))
		return HM_E_STORAGE;
	if (vault.at[record] == VAULT_NOWHERE)
		return HM_E_NOT_FOUND;
	HM_TRY(vault_open(&vault.area, vault.at[record], end, &entry));
	if (entry.number != record)
		err = HM_E_STORAGE;
	else if (entry.len <= room.len)
		err = read_pieces(&entry, room.ptr);
	vault_close(&entry);
	if (err == HM_OK)
		*ret_len = entry.len;
	else if (err == HM_E_STORAGE)
		hm_wipe(room.ptr, room.len);
	return err;
}
