/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#include <string.h>

#define TAG_INTEGER 0x02
#define TAG_SEQUENCE 0x30

/* A positive number of at most `len` bytes, in the fewest; *at moves on. */
static bool
get_number(struct hm_bytes *rest, size_t len, uint8_t *ret)
{
	const uint8_t *from = rest->ptr + 2;
	size_t size;

	if (rest->len < 3 || rest->ptr[0] != TAG_INTEGER)
		return false;
	size = rest->ptr[1];
	if (size == 0 || size > rest->len - 2 || from[0] >= 0x80)
		return false;
	rest->ptr += 2 + size;
	rest->len -= 2 + size;
	if (from[0] == 0) {
		from++;
		if (--size == 0 || from[0] < 0x80)
			return false;
	}
	if (size > len)
		return false;
	memset(ret, 0, len);
	for (size_t i = 0; i < size && i < len; i++)
		ret[len - 1 - i] = from[size - 1 - i];
	return true;
}

bool
image_ecdsa_plain(struct hm_bytes der, size_t len, uint8_t *ret)
{
	struct hm_bytes rest = { der.ptr + 2, der.len - 2 };

	return der.len >= 2 && der.len < 0x80 + 2 &&
	       der.ptr[0] == TAG_SEQUENCE && der.ptr[1] == rest.len &&
	       get_number(&rest, len, ret) &&
	       get_number(&rest, len, ret + len) && rest.len == 0;
}
