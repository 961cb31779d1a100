/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/bytes.h"

struct hm_bytes
hm_bytes_of(const char *text)
{
	struct hm_bytes ret = { (const uint8_t *)text, 0 };

	while (text && text[ret.len])
		ret.len++;
	return ret;
}

bool
hm_bytes_equal(struct hm_bytes a, struct hm_bytes b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
hm_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
	uint32_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= (uint32_t)(x[i] ^ y[i]);
	return differ == 0;
}

void
hm_wipe(void *at, size_t len)
{
	if (len == 0)
		return;
	memset(at, 0, len);
	/* the barrier may read all memory, so the zeros must be there */
	__asm__ __volatile__("" : : "r"(at) : "memory");
}

uint16_t
hm_get_u16(const uint8_t at[HM_STATIC 2])
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t
hm_get_u32(const uint8_t at[HM_STATIC 4])
{
	return (uint32_t)hm_get_u16(at) << 16 | hm_get_u16(at + 2);
}

uint64_t
hm_get_u64(const uint8_t at[HM_STATIC 8])
{
	return (uint64_t)hm_get_u32(at) << 32 | hm_get_u32(at + 4);
}

void
hm_put_u16(uint8_t at[HM_STATIC 2], uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void
hm_put_u32(uint8_t at[HM_STATIC 4], uint32_t value)
{
	hm_put_u16(at, (uint16_t)(value >> 16));
	hm_put_u16(at + 2, (uint16_t)value);
}

void
hm_put_u64(uint8_t at[HM_STATIC 8], uint64_t value)
{
	hm_put_u32(at, (uint32_t)(value >> 32));
	hm_put_u32(at + 4, (uint32_t)value);
}

/* Length of the sequence that `lead` begins, and the range of its second byte
 * (RFC 3629 section 4); 0 if it begins none. */
static size_t
utf8_shape(uint8_t lead, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*low = 0xa0; /* below: a shorter form exists */
		if (lead == 0xed)
			*high = 0x9f; /* above: surrogates */
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*low = 0x90;
		if (lead == 0xf4)
			*high = 0x8f; /* above: beyond U+10FFFF */
		return 4;
	}
	return 0;
}

bool
hm_is_utf8(struct hm_bytes text)
{
	size_t i = 0;

	while (i < text.len) {
		uint8_t low, high;
		size_t n = utf8_shape(text.ptr[i], &low, &high);

		if (n == 0 || n > text.len - i)
			return false;
		for (size_t k = 1; k < n; k++) {
			uint8_t byte = text.ptr[i + k];

			if (byte < low || byte > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
		i += n;
	}
	return true;
}
