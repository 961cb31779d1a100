/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/ranges.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide; /* 16 + 12 digits fit */

/* All serials of an order: a word without digits at its end, then a number. */
struct serials {
	struct hm_bytes word;
	size_t len; /* of the whole text */
	wide first, end;
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void
read_serials(const struct hm_order *order, struct serials *ret)
{
	struct hm_bytes prefix = order->serial_prefix;
	size_t word = prefix.len;
	wide value = 0;

	while (word > 0 && is_digit(prefix.ptr[word - 1]))
		word--;
	for (size_t i = word; i < prefix.len; i++)
		value = value * 10 + (unsigned)(prefix.ptr[i] - '0');
	for (uint32_t i = 0; i < order->serial_digits; i++)
		value *= 10;
	ret->word = (struct hm_bytes){ prefix.ptr, word };
	ret->len = prefix.len + order->serial_digits;
	ret->first = value + order->serial_first;
	ret->end = ret->first + order->quota + order->returns;
}

bool
ranges_share_serial(const struct hm_order *a, const struct hm_order *b)
{
	struct serials x, y;

	read_serials(a, &x);
	read_serials(b, &y);
	return x.len == y.len && hm_bytes_equal(x.word, y.word) &&
	       x.first < y.end && y.first < x.end;
}

static uint64_t
mac_value(const uint8_t *mac)
{
	uint8_t at[8] = { 0 };

	memcpy(at + 2, mac, HM_MAC_LEN);
	return hm_get_u64(at);
}

bool
ranges_share_mac(const struct hm_order *a, const struct hm_order *b)
{
	uint64_t x = mac_value(a->mac_first), y = mac_value(b->mac_first);

	return a->has_macs && b->has_macs && x < y + b->quota + b->returns &&
	       y < x + a->quota + a->returns;
}
