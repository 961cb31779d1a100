/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"

#include <string.h>

#include "base/text.h"

#define LENGTH_MAX 3 /* bytes of a long length: 16 MB */
#define UTC_LEN 13
#define GENERALIZED_LEN 15

void
der_add(struct der_writer *out, struct hm_bytes raw)
{
	if (out->err == HM_OK)
		out->err = buf_add(out->buf, raw);
}

size_t
der_begin(struct der_writer *out, uint8_t tag)
{
	const uint8_t head[2] = { tag, 0 };

	der_add(out, HM_BYTES(head));
	return out->buf->len;
}

void
der_end(struct der_writer *out, size_t mark)
{
	size_t len = out->buf->len - mark, extra = 0;
	uint8_t *room;

	if (out->err != HM_OK)
		return;
	if (len >= 0x80)
		for (size_t rest = len; rest > 0; rest >>= 8)
			extra++;
	if (extra > LENGTH_MAX)
		out->err = HM_E_TOO_LARGE;
	else
		out->err = buf_reserve(out->buf, extra, &room);
	if (out->err != HM_OK)
		return;
	room = out->buf->ptr + mark;
	if (extra == 0) {
		room[-1] = (uint8_t)len;
		return;
	}
	memmove(room + extra, room, len);
	out->buf->len += extra;
	room[-1] = (uint8_t)(0x80 | extra);
	for (size_t i = extra; i > 0; i--, len >>= 8)
		room[i - 1] = (uint8_t)len;
}

void
der_put(struct der_writer *out, uint8_t tag, struct hm_bytes content)
{
	size_t mark = der_begin(out, tag);

	der_add(out, content);
	der_end(out, mark);
}

void
der_put_uint(struct der_writer *out, uint64_t value)
{
	uint8_t bytes[9] = { 0 };
	size_t skip = 0;

	hm_put_u64(bytes + 1, value);
	while (skip < 8 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
		skip++;
	der_put(out, DER_INTEGER,
	    (struct hm_bytes){ bytes + skip, sizeof(bytes) - skip });
}

void
der_put_bits(struct der_writer *out, struct hm_bytes content)
{
	size_t mark = der_begin(out, DER_BIT_STRING);

	der_add(out, HM_LITERAL("\0"));
	der_add(out, content);
	der_end(out, mark);
}

void
der_put_time(struct der_writer *out, uint64_t seconds)
{
	/* "2026-11-21T03:31:07Z": where its digits stand. */
	static const uint8_t places[] = { 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14,
		15, 17, 18, 19 };
	char text[TIME_TEXT_LEN];
	uint8_t digits[GENERALIZED_LEN];

	if (seconds > DER_TIME_NEVER) {
		if (out->err == HM_OK)
			out->err = HM_E_CERT;
		return;
	}
	time_format(seconds, text);
	for (size_t i = 0; i < GENERALIZED_LEN; i++)
		digits[i] = (uint8_t)text[places[i]];
	if (memcmp(digits, "2050", 4) < 0)
		der_put(out, DER_UTC_TIME,
		    (struct hm_bytes){ digits + 2, UTC_LEN });
	else
		der_put(out, DER_GENERALIZED_TIME, HM_BYTES(digits));
}

struct der_reader
der_reader_of(struct hm_bytes bytes)
{
	return (struct der_reader){ bytes.ptr,
		bytes.len ? bytes.ptr + bytes.len : bytes.ptr, HM_OK };
}

void
der_refuse(struct der_reader *in)
{
	in->err = HM_E_CERT;
	in->at = in->end;
}

bool
der_more(const struct der_reader *in)
{
	return in->at != in->end;
}

bool
der_is(const struct der_reader *in, uint8_t tag)
{
	return in->at != in->end && in->at[0] == tag;
}

/* The length behind a tag; *head is the length of both. */
static bool
read_length(const struct der_reader *in, size_t *head, size_t *ret)
{
	size_t left = (size_t)(in->end - in->at), count, len = 0;

	if (left < 2 || (in->at[0] & 0x1f) == 0x1f)
		return false;
	count = in->at[1];
	*head = 2;
	*ret = count;
	if (count < 0x80)
		return left - 2 >= count;
	count &= 0x7f;
	if (count == 0 || count > LENGTH_MAX || left - 2 < count)
		return false;
	for (size_t i = 0; i < count; i++)
		len = len << 8 | in->at[2 + i];
	*head = 2 + count;
	*ret = len;
	return len >= 0x80 && len >> (8 * (count - 1)) != 0 &&
	       left - *head >= len;
}

struct hm_bytes
der_get_any(struct der_reader *in, uint8_t *ret_tag)
{
	struct hm_bytes content;
	size_t head, len;

	if (!read_length(in, &head, &len)) {
		der_refuse(in);
		*ret_tag = 0;
		return (struct hm_bytes){ 0 };
	}
	*ret_tag = in->at[0];
	content = (struct hm_bytes){ in->at + head, len };
	in->at += head + len;
	return content;
}

struct hm_bytes
der_get(struct der_reader *in, uint8_t tag)
{
	uint8_t got;

	if (der_is(in, tag))
		return der_get_any(in, &got);
	der_refuse(in);
	return (struct hm_bytes){ 0 };
}

struct hm_bytes
der_get_whole(struct der_reader *in, uint8_t tag)
{
	const uint8_t *start = in->at;

	(void)der_get(in, tag);
	if (in->err != HM_OK)
		return (struct hm_bytes){ 0 };
	return (struct hm_bytes){ start, (size_t)(in->at - start) };
}

struct der_reader
der_enter(struct der_reader *in, uint8_t tag)
{
	struct der_reader inner = der_reader_of(der_get(in, tag));

	inner.err = in->err;
	return inner;
}

void
der_leave(struct der_reader *in, const struct der_reader *inner)
{
	if (inner->err != HM_OK || inner->at != inner->end)
		der_refuse(in);
}

bool
der_get_bool(struct der_reader *in)
{
	struct hm_bytes content = der_get(in, DER_BOOLEAN);

	if (content.len != 1 || (content.ptr[0] != 0 && content.ptr[0] != 0xff))
		der_refuse(in);
	return in->err == HM_OK && content.ptr[0] == 0xff;
}

struct hm_bytes
der_get_positive_as(struct der_reader *in, uint8_t tag, size_t max)
{
	struct hm_bytes content = der_get(in, tag);
	bool is_fine =
	    content.len > 0 && content.len <= max && content.ptr[0] < 0x80;

	/* A leading zero only before a high bit; this refuses 0 too. */
	if (is_fine && content.ptr[0] == 0)
		is_fine = content.len > 1 && content.ptr[1] >= 0x80;
	if (is_fine)
		return content;
	der_refuse(in);
	return (struct hm_bytes){ 0 };
}

struct hm_bytes
der_get_positive(struct der_reader *in, size_t max)
{
	return der_get_positive_as(in, DER_INTEGER, max);
}

bool
der_is_oid(struct hm_bytes content)
{
	bool is_start = true;

	for (size_t i = 0; i < content.len; i++) {
		if (is_start && content.ptr[i] == 0x80)
			return false;
		is_start = content.ptr[i] < 0x80;
	}
	return content.len > 0 && is_start;
}

struct hm_bytes
der_get_oid(struct der_reader *in)
{
	struct hm_bytes content = der_get(in, DER_OID);

	if (der_is_oid(content))
		return content;
	der_refuse(in);
	return (struct hm_bytes){ 0 };
}

struct hm_bytes
der_get_bits(struct der_reader *in)
{
	struct hm_bytes content = der_get(in, DER_BIT_STRING);

	if (content.len < 1 || content.ptr[0] != 0) {
		der_refuse(in);
		return (struct hm_bytes){ 0 };
	}
	return (struct hm_bytes){ content.ptr + 1, content.len - 1 };
}

uint64_t
der_get_time(struct der_reader *in)
{
	bool is_utc = der_is(in, DER_UTC_TIME);
	struct hm_bytes digits =
	    der_get(in, is_utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
	/* Each digit to its place; separators stand already. */
	char text[TIME_TEXT_LEN] = "    -  -  T  :  :   ";
	static const uint8_t places[] = { 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17,
		18, 19 };
	uint64_t seconds = 0;

	if (digits.len != (is_utc ? UTC_LEN : GENERALIZED_LEN)) {
		der_refuse(in);
		return 0;
	}
	if (is_utc) {
		memcpy(text, digits.ptr[0] < '5' ? "20" : "19", 2);
	} else {
		memcpy(text, digits.ptr, 2);
		digits.ptr += 2;
	}
	for (size_t i = 0; i < UTC_LEN; i++)
		text[places[i]] = (char)digits.ptr[i];
	if (time_parse(hm_bytes_of(text), &seconds) != HM_OK ||
	    (!is_utc && memcmp(text, "2050", 4) < 0)) {
		der_refuse(in);
		return 0;
	}
	return seconds;
}

hm_err
der_close(const struct der_reader *in)
{
	return in->err == HM_OK && in->at == in->end ? HM_OK : HM_E_CERT;
}
