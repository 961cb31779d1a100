/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "crypto/digest.h"

#define ROOM_MIN 64

void
audit_table_done(struct audit_table *table)
{
	free(table->slots);
	*table = (struct audit_table){ 0 };
}

/* Where a key belongs, or the free slot where it would go. */
static size_t
place_of(const struct audit_table *table, const uint32_t key[static 4])
{
	uint64_t low = (uint64_t)key[0] << 32 | key[1];
	uint64_t high = (uint64_t)key[2] << 32 | key[3];
	uint64_t hash = (low ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at;

	hash ^= hash >> 32;
	hash = (hash ^ high ^ table->seed) * UINT64_C(0xd6e8feb86659fd93);
	at = (size_t)((hash >> 32) * table->room >> 32);
	while (table->slots[at].value != 0 &&
	       memcmp(table->slots[at].key, key, AUDIT_KEY_LEN) != 0)
		at = at + 1 == table->room ? 0 : at + 1;
	return at;
}

static hm_err
grow(struct audit_table *table)
{
	struct audit_table wide = *table;

	wide.room = table->room + table->room / 2;
	if (wide.room > UINT32_MAX)
		return HM_E_NO_MEMORY;
	if (wide.room < ROOM_MIN) {
		wide.room = ROOM_MIN;
		HM_TRY(random_bytes((struct hm_span){
		    (uint8_t *)&wide.seed, sizeof(wide.seed) }));
	}
	wide.slots = calloc(wide.room, sizeof(*wide.slots));
	if (!wide.slots)
		return HM_E_NO_MEMORY;
	for (size_t i = 0; i < table->room; i++)
		if (table->slots[i].value != 0)
			wide.slots[place_of(&wide, table->slots[i].key)] =
			    table->slots[i];
	free(table->slots);
	*table = wide;
	return HM_OK;
}

const struct audit_slot *
audit_table_find(
    const struct audit_table *table, const uint8_t key[static AUDIT_KEY_LEN])
{
	uint32_t words[4];
	size_t at;

	if (table->room == 0)
		return NULL;
	memcpy(words, key, sizeof(words));
	at = place_of(table, words);
	return table->slots[at].value != 0 ? &table->slots[at] : NULL;
}

hm_err
audit_table_add(struct audit_table *table,
    const uint8_t key[static AUDIT_KEY_LEN], uint32_t value, uint32_t *ret_old,
    bool *ret_new)
{
	struct audit_slot *slot;
	uint32_t words[4];

	hm_assert(value < UINT32_MAX);
	if (table->count >= table->room / 8 * 7)
		HM_TRY(grow(table));
	memcpy(words, key, sizeof(words));
	slot = &table->slots[place_of(table, words)];
	*ret_new = slot->value == 0;
	if (!*ret_new) {
		*ret_old = slot->value - 1;
		return HM_OK;
	}
	memcpy(slot->key, words, sizeof(words));
	slot->value = value + 1;
	table->count++;
	return HM_OK;
}
