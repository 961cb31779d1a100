/* SPDX-License-Identifier: Apache-2.0 */
#include "turns.h"

#include <string.h>

#define HEAD_LEN 3
#define ROOM 65536

static uint8_t room[2 * ROOM];

bool
turns_next(struct hm_bytes *input, struct turn *ret)
{
	size_t len;

	if (input->len < HEAD_LEN)
		return false;
	ret->kind = input->ptr[0];
	len = hm_get_u16(input->ptr + 1);
	input->ptr += HEAD_LEN;
	input->len -= HEAD_LEN;
	if (len > input->len)
		len = input->len;
	ret->bytes = (struct hm_bytes){ input->ptr, len };
	input->ptr += len;
	input->len -= len;
	return true;
}

static size_t
read_all(struct hm_bytes input, struct turn *ret)
{
	size_t count = 0;

	while (count < TURNS_MAX && turns_next(&input, &ret[count]))
		count++;
	return count;
}

/* Those that fit, whole. */
static size_t
write_all(const struct turn *turns, size_t count, struct hm_span out)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		struct hm_bytes bytes = turns[i].bytes;

		if (bytes.len > UINT16_MAX ||
		    len + HEAD_LEN + bytes.len > out.len)
			continue;
		out.ptr[len] = turns[i].kind;
		hm_put_u16(out.ptr + len + 1, (uint16_t)bytes.len);
		len += HEAD_LEN;
		if (bytes.len > 0)
			memmove(out.ptr + len, bytes.ptr, bytes.len);
		len += bytes.len;
	}
	return len;
}

static void
change_bytes(const struct mutate_form *form, struct turn *turn, unsigned seed)
{
	size_t len = turn->bytes.len;

	if (len > 0)
		memcpy(room + ROOM, turn->bytes.ptr, len);
	len = mutate_message(form, room + ROOM, len, ROOM - 1, seed);
	turn->bytes = (struct hm_bytes){ room + ROOM, len };
}

static size_t
change_order(struct turn *turns, size_t count, size_t at, uint64_t random)
{
	struct turn turn = turns[at];
	size_t other = (size_t)(random >> 8) % count;

	switch (random % 5) {
	case 0: /* drop */
		memmove(turns + at, turns + at + 1,
		    (count - at - 1) * sizeof(turn));
		return count - 1;
	case 1: /* twice */
		if (count == TURNS_MAX)
			break;
		memmove(
		    turns + at + 1, turns + at, (count - at) * sizeof(turn));
		return count + 1;
	case 2: /* swap */
		turns[at] = turns[other];
		turns[other] = turn;
		break;
	case 3:
		turns[at].kind = (uint8_t)(random >> 16);
		break;
	default:
		turns[at].kind ^= (uint8_t)(1u << (random >> 16) % 8);
	}
	return count;
}

size_t
turns_mutate(const struct mutate_form *form, uint8_t *data, size_t size,
    size_t max, unsigned seed)
{
	struct turn turns[TURNS_MAX + 1];
	size_t count = read_all((struct hm_bytes){ data, size }, turns), at,
	       len;
	uint64_t state = seed, random = mutate_random(&state);
	struct hm_span out = { room, max < ROOM ? max : ROOM };

	if (count == 0 || random % 32 == 0)
		return LLVMFuzzerMutate(data, size, max);
	random >>= 5;
	at = (size_t)(random >> 24) % count;
	if (random % 4 == 0)
		count = change_order(turns, count, at, random >> 2);
	else
		change_bytes(form, &turns[at], (unsigned)(random >> 2));
	len = write_all(turns, count, out);
	memcpy(data, room, len);
	return len;
}

size_t
turns_cross(
    struct hm_bytes a, struct hm_bytes b, struct hm_span out, unsigned seed)
{
	struct turn turns[2 * TURNS_MAX], from[TURNS_MAX];
	size_t count = read_all(a, turns), more = read_all(b, from), at;
	uint64_t state = seed, random = mutate_random(&state);

	if (count == 0 || more == 0)
		return 0;
	at = (size_t)random % more;
	if (random >> 32 & 1) { /* one turn in the place of another */
		turns[(random >> 33) % count] = from[at];
		return write_all(turns, count, out);
	}
	count = 1 + (size_t)(random >> 33) % count;
	memcpy(turns + count, from + at, (more - at) * sizeof(from[0]));
	return write_all(turns, count + more - at, out);
}
