/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ca/ca.h"

#define LINE_BYTES 48 /* 64 characters */

static hm_err
format(const char *label, struct hm_bytes der, struct buf *ret)
{
	HM_TRY(buf_print(ret, "-----BEGIN %s-----\n", label));
	while (der.len > 0) {
		size_t len = der.len < LINE_BYTES ? der.len : LINE_BYTES;

		HM_TRY(buf_add_base64(ret, (struct hm_bytes){ der.ptr, len }));
		HM_TRY(buf_add(ret, HM_LITERAL("\n")));
		der.ptr += len;
		der.len -= len;
	}
	return buf_print(ret, "-----END %s-----\n", label);
}

hm_err
pem_format(const char *label, struct hm_bytes der, struct buf *ret)
{
	size_t before = ret->len;
	hm_err err = format(label, der, ret);

	if (err != HM_OK)
		ret->len = before;
	return err;
}

/* The next line without its end; false behind the last one. */
static bool
next_line(struct hm_bytes *text, struct hm_bytes *ret)
{
	const uint8_t *end;

	if (text->len == 0)
		return false;
	end = memchr(text->ptr, '\n', text->len);
	ret->ptr = text->ptr;
	ret->len = end ? (size_t)(end - text->ptr) : text->len;
	text->ptr += end ? ret->len + 1 : ret->len;
	text->len -= end ? ret->len + 1 : ret->len;
	while (ret->len > 0 && (ret->ptr[ret->len - 1] == '\r' ||
				   ret->ptr[ret->len - 1] == ' '))
		ret->len--;
	return true;
}

/* Is the line "-----WORD LABEL-----"? */
static bool
is_fence(struct hm_bytes line, const char *word, const char *label)
{
	size_t word_len = strlen(word), label_len = strlen(label);

	if (line.len != word_len + label_len + 5)
		return false;
	return memcmp(line.ptr, word, word_len) == 0 &&
	       memcmp(line.ptr + word_len, label, label_len) == 0 &&
	       memcmp(line.ptr + line.len - 5, "-----", 5) == 0;
}

static hm_err
collect(const char *label, struct hm_bytes pem, struct buf *base64)
{
	struct hm_bytes line;
	bool is_inside = false;

	while (next_line(&pem, &line)) {
		if (!is_inside) {
			is_inside = is_fence(line, "-----BEGIN ", label);
			continue;
		}
		if (is_fence(line, "-----END ", label))
			return base64->len > 0 ? HM_OK : HM_E_CERT;
		HM_TRY(buf_add(base64, line));
	}
	return HM_E_CERT;
}

hm_err
pem_parse(const char *label, struct hm_bytes pem, struct buf *ret_der)
{
	AUTO(buf) struct buf base64 = { 0 };
	uint8_t *room;
	size_t len;

	buf_init(&base64, pem.len);
	HM_TRY(collect(label, pem, &base64));
	len = base64.len / 4 * 3;
	for (size_t i = 1; i <= 2 && i <= base64.len; i++)
		len -= len > 0 && base64.ptr[base64.len - i] == '=';
	HM_TRY(buf_reserve(ret_der, len, &room));
	if (base64_parse(buf_bytes(&base64), (struct hm_span){ room, len },
		&len) != HM_OK)
		return HM_E_CERT;
	ret_der->len += len;
	return HM_OK;
}
