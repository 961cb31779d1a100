/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in two places each, in the clear, where the vault will be. The place
 * that is not current is erased and written, its head last; so what a cut has
 * left is erased before anything else is written there.
 *
 *   head of 16: sequence u32 | length u32 | CRC-32 of the body u32 | ~sequence
 */
#include "mps2.h"

#include <string.h>

#include "map.h"
#include "wire/frame.h"

struct head {
	uint32_t sequence, len, crc, check;
};
#define BODY ((uint32_t)sizeof(struct head))

/* Of both places of a record: offset of the first, size of one. */
static const struct {
	uint32_t at, size;
} places[HM_RECORD_COUNT + 1] = {
	[HM_RECORD_STATE] = { 0x00000, 0x1000 },
	[HM_RECORD_IDENTITY] = { 0x02000, 0x1000 },
	[HM_RECORD_KEM] = { 0x04000, 0x1000 },
	[HM_RECORD_SECRETS] = { 0x06000, 0x2000 },
	[HM_RECORD_STAMP] = { 0x0a000, 0x5000 },
	[HM_RECORD_RECEIPT] = { 0x14000, 0x6000 },
};

/* The head at `at`; its sequence is 0 if the place holds nothing whole. */
static struct head
look(uint32_t at, uint32_t size)
{
	struct head head;

	memcpy(&head, nor_at(at), sizeof(head));
	if (head.check != ~head.sequence || head.len > size - BODY ||
	    hm_crc32((struct hm_bytes){ nor_at(at + BODY), head.len }) !=
		head.crc)
		head.sequence = 0;
	return head;
}

/* Where the current one stands, and the other place. */
static struct head
newest(hm_record record, uint32_t *ret_at, uint32_t *ret_other)
{
	uint32_t size = places[record].size;
	uint32_t first = MPS2_VAULT_AT + places[record].at;
	struct head a = look(first, size), b = look(first + size, size);
	bool second = b.sequence > a.sequence;

	*ret_at = second ? first + size : first;
	*ret_other = second ? first : first + size;
	return second ? b : a;
}

hm_err
hm_port_store_read(hm_record record, struct hm_span room, size_t *ret_len)
{
	uint32_t at, other;
	struct head head = newest(record, &at, &other);

	if (head.sequence == 0)
		return HM_E_NOT_FOUND;
	if (head.len > room.len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, nor_at(at + BODY), head.len);
	*ret_len = head.len;
	return HM_OK;
}

hm_err
hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	uint32_t at, other, whole = (uint32_t)bytes.len & ~(MPS2_UNIT - 1);
	struct head head = newest(record, &at, &other);
	uint8_t rest[MPS2_UNIT];

	if (bytes.len > places[record].size - BODY - MPS2_UNIT)
		return HM_E_STORAGE;
	for (uint32_t i = 0; i < places[record].size; i += MPS2_SECTOR)
		nor_erase(other + i, MPS2_SECTOR);
	nor_program(other + BODY, bytes.ptr, whole);
	memset(rest, MPS2_ERASED, sizeof(rest));
	memcpy(rest, bytes.ptr + whole, bytes.len - whole);
	if (bytes.len > whole)
		nor_program(other + BODY + whole, rest, MPS2_UNIT);
	head.sequence++;
	head.len = (uint32_t)bytes.len;
	head.crc = hm_crc32(bytes);
	head.check = ~head.sequence;
	nor_program(other, (const uint8_t *)&head, sizeof(head));
	return HM_OK;
}
