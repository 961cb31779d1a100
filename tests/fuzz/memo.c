/* SPDX-License-Identifier: Apache-2.0 */
#include "memo.h"

#include <string.h>

#include "fuzz.h"

#define SLOTS 8192

static struct memo_slot slots[SLOTS];

struct memo_slot *
memo_find(uint8_t function, const struct hm_bytes *parts, size_t count,
    bool *ret_known)
{
	uint8_t key[MEMO_KEY_MAX] = { function };
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	struct memo_slot *slot;
	size_t len = 1;

	for (size_t i = 0; i < count; i++) {
		fuzz_must(len + parts[i].len <= sizeof(key));
		memcpy(key + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ key[i]) * 0x100000001b3;
	slot = &slots[(hash ^ hash >> 32) % SLOTS];
	*ret_known = slot->key_len == len && memcmp(slot->key, key, len) == 0;
	if (!*ret_known) {
		slot->key_len = len;
		memcpy(slot->key, key, len);
	}
	return slot;
}
