/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/oid.h"

#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define ARCS_MAX 20

static hm_err
split(const char *dotted, uint64_t *arcs, size_t *ret_count)
{
	size_t count = 0;

	for (;;) {
		size_t len = strcspn(dotted, ".");

		if (count == ARCS_MAX)
			return HM_E_BAD_INPUT;
		HM_TRY(uint_parse(
		    (struct hm_bytes){ (const uint8_t *)dotted, len },
		    UINT32_MAX, &arcs[count++]));
		if (dotted[len] == 0)
			break;
		dotted += len + 1;
	}
	*ret_count = count;
	return count >= 2 && arcs[0] <= 2 && (arcs[0] == 2 || arcs[1] < 40)
		   ? HM_OK
		   : HM_E_BAD_INPUT;
}

/* Base 128, most significant first, high bit on all but the last. */
static size_t
put_arc(uint64_t arc, uint8_t ret[static 10])
{
	size_t len = 1;

	for (uint64_t rest = arc >> 7; rest != 0; rest >>= 7)
		len++;
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)((arc >> 7 * (len - 1 - i) & 0x7f) |
				   (i + 1 < len ? 0x80 : 0));
	return len;
}

hm_err
oid_parse(const char *dotted, uint8_t *ret, size_t size, size_t *ret_len)
{
	uint64_t arcs[ARCS_MAX];
	size_t count, len = 0;

	HM_TRY(split(dotted, arcs, &count));
	arcs[1] += arcs[0] * 40;
	for (size_t i = 1; i < count; i++) {
		uint8_t arc[10];
		size_t n = put_arc(arcs[i], arc);

		if (len + n > size)
			return HM_E_NO_ROOM;
		memcpy(ret + len, arc, n);
		len += n;
	}
	*ret_len = len;
	return HM_OK;
}

hm_err
enrol_digest(struct hm_bytes hex, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t point[HM_POINT_LEN] = { 4 };

	if (hex.len == 2 * (HM_POINT_LEN - 1))
		HM_TRY(hex_parse(hex, point + 1, HM_POINT_LEN - 1));
	else
		HM_TRY(hex_parse(hex, point, HM_POINT_LEN));
	HM_TRY(p256_check(point));
	sha256_one(HM_BYTES(point), ret);
	return HM_OK;
}
