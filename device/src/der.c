/* SPDX-License-Identifier: Apache-2.0 */
#include "der.h"

#define TAG_INTEGER 0x02
#define TAG_BITS 0x03
#define TAG_SEQUENCE 0x30
#define TAG_VERSION 0xa0 /* [0] EXPLICIT */

struct cursor {
	struct hm_bytes left;
	bool bad; /* sticky */
};

/* Length octets at the front of `at`: definite, shortest form, to 65535. */
static bool
length(struct hm_bytes at, size_t *ret_head, size_t *ret_len)
{
	if (at.len < 2)
		return false;
	*ret_len = at.ptr[1];
	*ret_head = 2;
	if (at.ptr[1] < 0x80)
		return true;
	if (at.ptr[1] == 0x81 && at.len >= 3) {
		*ret_len = at.ptr[2];
		*ret_head = 3;
		return *ret_len >= 0x80;
	}
	if (at.ptr[1] == 0x82 && at.len >= 4) {
		*ret_len = hm_get_u16(at.ptr + 2);
		*ret_head = 4;
		return *ret_len >= 0x100;
	}
	return false;
}

/* Step over one element, which must have `tag`: its whole and its content. */
static struct hm_bytes
next(struct cursor *in, uint8_t tag, struct hm_bytes *ret_content)
{
	struct hm_bytes whole = { 0 };
	size_t head = 0, len = 0;

	*ret_content = whole;
	if (in->bad || !length(in->left, &head, &len) ||
	    in->left.ptr[0] != tag || len > in->left.len - head) {
		in->bad = true;
		return whole;
	}
	whole = HM_MAKE(hm_bytes, in->left.ptr, head + len);
	*ret_content = HM_MAKE(hm_bytes, in->left.ptr + head, len);
	in->left.ptr += whole.len;
	in->left.len -= whole.len;
	return whole;
}

hm_err
hm_cert_spki(struct hm_bytes certificate, struct hm_bytes *ret_spki)
{
	static const uint8_t before[] = { TAG_VERSION, TAG_INTEGER,
		TAG_SEQUENCE,                               /* signature */
		TAG_SEQUENCE, TAG_SEQUENCE, TAG_SEQUENCE }; /* to subject */
	struct cursor file = { certificate, false }, outer, inner;
	struct hm_bytes content, spki;

	(void)next(&file, TAG_SEQUENCE, &content);
	outer = HM_MAKE(cursor, content, file.bad || file.left.len != 0);
	(void)next(&outer, TAG_SEQUENCE, &content);
	inner = HM_MAKE(cursor, content, outer.bad);
	for (size_t i = 0; i < sizeof(before); i++)
		(void)next(&inner, before[i], &content);
	spki = next(&inner, TAG_SEQUENCE, &content);

	(void)next(&outer, TAG_SEQUENCE, &content); /* algorithm */
	(void)next(&outer, TAG_BITS, &content);     /* signature */
	if (inner.bad || outer.bad || outer.left.len != 0)
		return HM_E_CERT;
	*ret_spki = spki;
	return HM_OK;
}
