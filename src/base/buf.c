/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growth copies by hand instead of realloc(), which would leave an old copy of
 * what may be a secret in freed memory. One byte more than `max` is allocated,
 * for the NUL of buf_text().
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/check.h"

#define ROOM_MIN 64

void
buf_init(struct buf *buf, size_t max)
{
	hm_assert(max < SIZE_MAX);
	*buf = (struct buf){ .max = max };
}

void
buf_done(struct buf *buf)
{
	free(buf->ptr);
	buf->ptr = NULL;
	buf->len = 0;
	buf->room = 0;
}

void
buf_wipe(struct buf *buf)
{
	if (buf->ptr != NULL)
		hm_wipe(buf->ptr, buf->room);
	buf_done(buf);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
}

struct hm_bytes
buf_bytes(const struct buf *buf)
{
	return (struct hm_bytes){ buf->ptr, buf->len };
}

const char *
buf_text(struct buf *buf)
{
	if (buf->ptr == NULL)
		return "";
	buf->ptr[buf->len] = '\0';
	return (const char *)buf->ptr;
}

/* Have room for `total` bytes (at most `max`) and a NUL. */
static hm_err
grow(struct buf *buf, size_t total)
{
	size_t room = buf->room > ROOM_MIN ? buf->room : ROOM_MIN;
	uint8_t *ptr;

	if (buf->ptr != NULL && total < buf->room)
		return HM_OK;
	while (room <= total && room <= buf->max / 2)
		room *= 2;
	if (room <= total)
		room = buf->max + 1;
	ptr = malloc(room);
	if (ptr == NULL)
		return HM_E_NO_MEMORY;
	if (buf->ptr != NULL) {
		memcpy(ptr, buf->ptr, buf->len);
		hm_wipe(buf->ptr, buf->room);
		free(buf->ptr);
	}
	buf->ptr = ptr;
	buf->room = room;
	return HM_OK;
}

hm_err
buf_reserve(struct buf *buf, size_t len, uint8_t **ret)
{
	if (len > buf->max - buf->len)
		return HM_E_TOO_LARGE;
	HM_TRY(grow(buf, buf->len + len));
	*ret = buf->ptr + buf->len;
	return HM_OK;
}

hm_err
buf_add(struct buf *buf, struct hm_bytes bytes)
{
	uint8_t *at;

	if (bytes.len == 0)
		return HM_OK;
	HM_TRY(buf_reserve(buf, bytes.len, &at));
	memcpy(at, bytes.ptr, bytes.len);
	buf->len += bytes.len;
	return HM_OK;
}

hm_err
buf_print(struct buf *buf, const char *format, ...)
{
	va_list values;
	uint8_t *at;
	int len;

	va_start(values, format);
	len = vsnprintf(NULL, 0, format, values);
	va_end(values);
	if (len < 0)
		return HM_E_BUG;
	HM_TRY(buf_reserve(buf, (size_t)len, &at));
	va_start(values, format);
	/* The NUL lands in the byte that buf_text() has to spare. */
	vsnprintf((char *)at, (size_t)len + 1, format, values);
	va_end(values);
	buf->len += (size_t)len;
	return HM_OK;
}

hm_err
buf_add_hex(struct buf *buf, struct hm_bytes bytes)
{
	uint8_t *at;

	if (bytes.len > SIZE_MAX / 2)
		return HM_E_TOO_LARGE;
	HM_TRY(buf_reserve(buf, 2 * bytes.len, &at));
	hex_format(bytes, (char *)at);
	buf->len += 2 * bytes.len;
	return HM_OK;
}

hm_err
buf_add_base64(struct buf *buf, struct hm_bytes bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *at;

	if (bytes.len > SIZE_MAX / 4 * 3 - 3)
		return HM_E_TOO_LARGE;
	HM_TRY(buf_reserve(buf, (bytes.len + 2) / 3 * 4, &at));
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t three = (uint32_t)bytes.ptr[i] << 16;

		three |= left > 1 ? (uint32_t)bytes.ptr[i + 1] << 8 : 0;
		three |= left > 2 ? (uint32_t)bytes.ptr[i + 2] : 0;
		*at++ = (uint8_t)digits[three >> 18];
		*at++ = (uint8_t)digits[three >> 12 & 63];
		*at++ = left > 1 ? (uint8_t)digits[three >> 6 & 63] : '=';
		*at++ = left > 2 ? (uint8_t)digits[three & 63] : '=';
	}
	buf->len += (bytes.len + 2) / 3 * 4;
	return HM_OK;
}
