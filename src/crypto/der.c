/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA signatures between r || s and DER SEQUENCE { INTEGER r, INTEGER s }
 *
 * With at most 48 bytes a number every length fits one byte, so there is one
 * encoding of a pair and this reader takes no other (X.690 sections 8.3, 10.1).
 */
#include "crypto/ec.h"

#include <string.h>

#include "core/check.h"
#include "crypto/p256.h"

#define TAG_INTEGER 0x02
#define TAG_SEQUENCE 0x30

static uint8_t *
put_integer(uint8_t *at, const uint8_t *number, size_t size)
{
	size_t pad;

	while (size > 1 && *number == 0) {
		number++;
		size--;
	}
	pad = (*number & 0x80) != 0 ? 1 : 0;
	*at++ = TAG_INTEGER;
	*at++ = (uint8_t)(size + pad);
	if (pad == 1)
		*at++ = 0;
	memcpy(at, number, size);
	return at + size;
}

size_t
ec_to_der(const uint8_t *signature, size_t size, uint8_t *ret)
{
	uint8_t *end = put_integer(ret + 2, signature, size);

	end = put_integer(end, signature + size, size);
	ret[0] = TAG_SEQUENCE;
	ret[1] = (uint8_t)(end - ret - 2);
	return (size_t)(end - ret);
}

/* Take a non-negative integer of at most `size` bytes off the front. */
static hm_err
get_integer(struct hm_bytes *der, size_t size, uint8_t *ret)
{
	const uint8_t *at = der->ptr;
	size_t len;

	if (der->len < 3 || at[0] != TAG_INTEGER)
		return HM_E_BAD_INPUT;
	len = at[1];
	at += 2;
	if (len == 0 || len > der->len - 2 || (at[0] & 0x80) != 0)
		return HM_E_BAD_INPUT;
	if (len > 1 && at[0] == 0 && (at[1] & 0x80) == 0)
		return HM_E_BAD_INPUT; /* not the shortest form */
	*der = (struct hm_bytes){ at + len, der->len - 2 - len };
	if (at[0] == 0 && len > 1) {
		at++;
		len--;
	}
	if (len > size)
		return HM_E_BAD_INPUT;
	memset(ret, 0, size - len);
	memcpy(ret + size - len, at, len);
	return HM_OK;
}

hm_err
ec_from_der(struct hm_bytes der, size_t size, uint8_t *ret)
{
	uint8_t pair[2 * EC_SIZE_MAX];

	hm_assert(size <= EC_SIZE_MAX);

	if (der.len < 2 || der.len > EC_DER_MAX || der.ptr[0] != TAG_SEQUENCE ||
	    der.ptr[1] != der.len - 2)
		return HM_E_BAD_INPUT;
	der = (struct hm_bytes){ der.ptr + 2, der.len - 2 };
	HM_TRY(get_integer(&der, size, pair));
	HM_TRY(get_integer(&der, size, pair + size));
	if (der.len != 0)
		return HM_E_BAD_INPUT;
	memcpy(ret, pair, 2 * size);
	return HM_OK;
}

size_t
ecdsa_to_der(const uint8_t signature[static P256_SIGNATURE_LEN],
    uint8_t ret[static ECDSA_DER_MAX])
{
	return ec_to_der(signature, P256_SCALAR_LEN, ret);
}

hm_err
ecdsa_from_der(struct hm_bytes der, uint8_t ret[static P256_SIGNATURE_LEN])
{
	return ec_from_der(der, P256_SCALAR_LEN, ret);
}
