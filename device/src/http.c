/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/http.h"

#include <string.h>

#define LENGTH_MAX 1000000 /* bytes: longer bodies are not ours */
#define FIELDS_MAX 32
#define TYPE_MAX 63

/* ---- requests ---- */

struct text {
	struct hm_span room;
	size_t len;
	bool full;
};

static void
add(struct text *out, struct hm_bytes piece)
{
	if (out->full || piece.len > out->room.len - out->len) {
		out->full = true;
		return;
	}
	memcpy(out->room.ptr + out->len, piece.ptr, piece.len);
	out->len += piece.len;
}

static void
add_number(struct text *out, size_t value)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	add(out, HM_MAKE(hm_bytes, digits + at, sizeof(digits) - at));
}

/* Letters, digits and what hosts, ports and our paths need besides. */
static bool
is_plain(struct hm_bytes word)
{
	bool plain = word.len > 0 && word.len <= HM_HTTP_PATH_MAX;

	for (size_t i = 0; plain && i < word.len; i++) {
		uint8_t c = word.ptr[i];

		plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '-' ||
			c == '_' || c == '/' || c == ':';
	}
	return plain;
}

hm_err
hm_http_request(const char *host, const char *path, size_t body_len,
    struct hm_span room, size_t *ret_len)
{
	struct text out = { .room = room };
	struct hm_bytes h = hm_bytes_of(host), p = hm_bytes_of(path);

	if (!is_plain(h) || !is_plain(p) || p.ptr[0] != '/')
		return HM_E_BAD_INPUT;
	add(&out, HM_LITERAL("POST "));
	add(&out, p);
	add(&out, HM_LITERAL(" HTTP/1.1\r\nHost: "));
	add(&out, h);
	add(&out, HM_LITERAL("\r\nContent-Type: application/cbor\r\n"
			     "Content-Length: "));
	add_number(&out, body_len);
	add(&out, HM_LITERAL("\r\n\r\n"));
	if (out.full)
		return HM_E_NO_ROOM;
	*ret_len = out.len;
	return HM_OK;
}

/* ---- answers ---- */

/* Is `c` of a field's name (RFC 9110, 5.6.2: token)? */
static bool
is_token(uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return true;
	for (const char *p = "!#$%&'*+-.^_`|~"; *p != 0; p++)
		if ((uint8_t)*p == c)
			return true;
	return false;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Equal but for case; `name` is in small letters. */
static bool
is(struct hm_bytes word, struct hm_bytes name)
{
	bool same = word.len == name.len;

	for (size_t i = 0; same && i < word.len; i++)
		same = lower(word.ptr[i]) == name.ptr[i];
	return same;
}

static bool
number(struct hm_bytes text, uint32_t max, uint32_t *ret)
{
	uint32_t value = 0;

	if (text.len == 0 || text.len > 7)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (text.ptr[i] - (uint32_t)'0');
	}
	*ret = value;
	return value <= max;
}

/* Without the blanks around it. */
static struct hm_bytes
trim(struct hm_bytes text)
{
	while (text.len > 0 && text.ptr[0] == ' ') {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && text.ptr[text.len - 1] == ' ')
		text.len--;
	return text;
}

struct head {
	struct hm_http_answer said;
	bool has_length, has_type, has_connection;
};

/* A field that is known may stand once. */
static bool
once(bool *seen)
{
	bool first = !*seen;

	*seen = true;
	return first;
}

static bool
weigh(struct head *head, struct hm_bytes name, struct hm_bytes value)
{
	struct hm_http_answer *said = &head->said;

	if (is(name, HM_LITERAL("content-length")))
		return once(&head->has_length) &&
		       number(value, LENGTH_MAX, &said->length);
	if (is(name, HM_LITERAL("content-type"))) {
		said->is_cbor = is(value, HM_LITERAL("application/cbor"));
		return once(&head->has_type) && value.len <= TYPE_MAX;
	}
	if (is(name, HM_LITERAL("connection"))) {
		said->close = is(value, HM_LITERAL("close"));
		return once(&head->has_connection) &&
		       (said->close || is(value, HM_LITERAL("keep-alive")));
	}
	return !is(name, HM_LITERAL("transfer-encoding")) &&
	       !is(name, HM_LITERAL("content-encoding")) &&
	       !is(name, HM_LITERAL("expect")) &&
	       !is(name, HM_LITERAL("trailer")) &&
	       !is(name, HM_LITERAL("upgrade"));
}

static bool
field(struct head *head, struct hm_bytes line)
{
	size_t colon = 0;

	while (colon < line.len && is_token(line.ptr[colon]))
		colon++;
	if (colon == 0 || colon == line.len || line.ptr[colon] != ':')
		return false;
	return weigh(head, HM_MAKE(hm_bytes, line.ptr, colon),
	    trim(
		HM_MAKE(hm_bytes, line.ptr + colon + 1, line.len - colon - 1)));
}

/* "HTTP/1.1 200 OK". What is below 200 is no answer yet, has no body whatever
 * it says, and is nothing that we asked for. */
static bool
status_line(struct head *head, struct hm_bytes line)
{
	static const char version[] = "HTTP/1.1 ";
	const size_t at = sizeof(version) - 1;

	if (line.len < at + 4 || memcmp(line.ptr, version, at) != 0)
		return false;
	if (line.ptr[at + 3] != ' ')
		return false;
	return number(HM_MAKE(hm_bytes, line.ptr + at, 3), 599,
		   &head->said.status) &&
	       head->said.status >= 200;
}

/* The next line without its CR LF, which *at steps over; its length is SIZE_MAX
 * if it has not ended, and no character of it may be a control. */
static bool
next_line(struct hm_bytes all, size_t *at, struct hm_bytes *ret, bool *ret_bad)
{
	size_t end = *at;

	while (end < all.len && all.ptr[end] >= ' ' && all.ptr[end] < 0x7f)
		end++;
	*ret_bad = false;
	if (end == all.len)
		return false;
	*ret_bad = all.ptr[end] != '\r';
	if (*ret_bad || end + 1 == all.len)
		return false;
	*ret_bad = all.ptr[end + 1] != '\n';
	*ret = HM_MAKE(hm_bytes, all.ptr + *at, end - *at);
	*at = end + 2;
	return !*ret_bad;
}

hm_err
hm_http_parse(struct hm_bytes bytes, struct hm_http_answer *ret)
{
	struct head head = { 0 };
	struct hm_bytes seen = bytes, line = { 0 };
	size_t at = 0, lines = 0;
	bool bad = false;

	if (seen.len > HM_HTTP_HEAD_MAX)
		seen.len = HM_HTTP_HEAD_MAX;
	while (next_line(seen, &at, &line, &bad)) {
		if (line.len == 0)
			break;
		bad = lines == 0 ? !status_line(&head, line)
				 : !field(&head, line);
		if (bad || lines++ > FIELDS_MAX)
			return HM_E_HTTP;
		line = HM_MAKE(hm_bytes, 0);
	}
	if (bad)
		return HM_E_HTTP;
	if (line.ptr == NULL) /* no empty line yet */
		return bytes.len >= HM_HTTP_HEAD_MAX ? HM_E_HTTP
						     : HM_E_NOT_FOUND;
	if (lines == 0 || !head.has_length)
		return HM_E_HTTP;
	head.said.head_len = at;
	*ret = head.said;
	return HM_OK;
}
