/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include <string.h>

/* What a head says at most once. */
struct fields {
	struct hm_bytes type;
	uint64_t length;
	unsigned hosts, lengths, types;
	bool close;
};

static bool
is_token(uint8_t c)
{
	return c > ' ' && c < 127 && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static bool
is_unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static bool
is_named(struct hm_bytes name, const char *lower)
{
	if (name.len != strlen(lower))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 32);
		if (c != (uint8_t)lower[i])
			return false;
	}
	return true;
}

/* The next line without its CR LF; *rest moves behind it. */
static hm_err
take_line(struct hm_bytes *rest, struct hm_bytes *ret)
{
	const uint8_t *lf = memchr(rest->ptr, '\n', rest->len);

	if (!lf || lf == rest->ptr || lf[-1] != '\r')
		return HM_E_HTTP;
	ret->ptr = rest->ptr;
	ret->len = (size_t)(lf - rest->ptr) - 1;
	rest->len -= ret->len + 2;
	rest->ptr = lf + 1;
	return HM_OK;
}

static struct hm_bytes
trim(struct hm_bytes text)
{
	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
		text.ptr++;
		text.len--;
	}
	while (text.len && (text.ptr[text.len - 1] == ' ' ||
			       text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

static hm_err
parse_length(struct hm_bytes text, uint64_t *ret)
{
	uint64_t n = 0;

	if (!text.len || text.len > 18)
		return HM_E_HTTP;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return HM_E_HTTP;
		n = n * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*ret = n;
	return HM_OK;
}

static bool
has_close(struct hm_bytes list)
{
	while (list.len) {
		const uint8_t *comma = memchr(list.ptr, ',', list.len);
		size_t n = comma ? (size_t)(comma - list.ptr) : list.len;
		struct hm_bytes word = { list.ptr, n };

		if (is_named(trim(word), "close"))
			return true;
		n += comma ? 1 : 0;
		list.ptr += n;
		list.len -= n;
	}
	return false;
}

static hm_err
note_field(struct hm_bytes name, struct hm_bytes value, struct fields *f)
{
	if (is_named(name, "content-length")) {
		f->lengths++;
		return parse_length(value, &f->length);
	}
	if (is_named(name, "transfer-encoding") || is_named(name, "expect") ||
	    is_named(name, "upgrade") || is_named(name, "trailer"))
		return HM_E_HTTP;
	if (is_named(name, "host"))
		f->hosts++;
	if (is_named(name, "connection"))
		f->close = f->close || has_close(value);
	if (is_named(name, "content-type")) {
		if (value.len > HEAD_TYPE_MAX)
			return HM_E_HTTP;
		f->types++;
		f->type = value;
	}
	return HM_OK;
}

static hm_err
parse_field(struct hm_bytes line, struct fields *f)
{
	size_t n = 0;

	while (n < line.len && is_token(line.ptr[n]))
		n++;
	if (n == 0 || n == line.len || line.ptr[n] != ':')
		return HM_E_HTTP;
	for (size_t i = n; i < line.len; i++) {
		uint8_t c = line.ptr[i];
		if ((c < ' ' && c != '\t') || c > 126)
			return HM_E_HTTP;
	}
	return note_field((struct hm_bytes){ line.ptr, n },
	    trim((struct hm_bytes){ line.ptr + n + 1, line.len - n - 1 }), f);
}

/* All fields up to and with the empty line, which must be the end. */
static hm_err
parse_fields(struct hm_bytes rest, struct fields *f)
{
	for (unsigned count = 0; count <= HEAD_FIELDS_MAX; count++) {
		struct hm_bytes line;

		HM_TRY(take_line(&rest, &line));
		if (line.len == 0) {
			bool once = f->lengths <= 1 && f->types <= 1;
			return rest.len == 0 && once ? HM_OK : HM_E_HTTP;
		}
		HM_TRY(parse_field(line, f));
	}
	return HM_E_HTTP;
}

/* Is the segment from..to of a path empty, "." or ".."? The last may be empty.
 */
static bool
is_odd_segment(const uint8_t *from, size_t len, bool last)
{
	return (len == 0 && !last) || (len == 1 && from[0] == '.') ||
	       (len == 2 && from[0] == '.' && from[1] == '.');
}

static hm_err
check_path(struct hm_bytes path)
{
	size_t start = 1;

	if (!path.len || path.ptr[0] != '/')
		return HM_E_HTTP;
	for (size_t i = 1; i <= path.len; i++) {
		bool last = i == path.len;

		if (last || path.ptr[i] == '/') {
			if (is_odd_segment(path.ptr + start, i - start, last))
				return HM_E_HTTP;
			start = i + 1;
		} else if (!is_unreserved(path.ptr[i])) {
			return HM_E_HTTP;
		}
	}
	return HM_OK;
}

static hm_err
check_query(struct hm_bytes query)
{
	for (size_t i = 0; i < query.len; i++)
		if (!is_unreserved(query.ptr[i]) &&
		    (!query.ptr[i] || !strchr("=&%+,:;@/", query.ptr[i])))
			return HM_E_HTTP;
	return HM_OK;
}

static hm_err
parse_target(struct hm_bytes target, struct head *head)
{
	const uint8_t *mark = memchr(target.ptr, '?', target.len);

	if (!target.len || target.len > HEAD_PATH_MAX)
		return HM_E_HTTP;
	head->path = target;
	if (mark) {
		head->path.len = (size_t)(mark - target.ptr);
		head->query.ptr = mark + 1;
		head->query.len = target.len - head->path.len - 1;
	}
	HM_TRY(check_path(head->path));
	return check_query(head->query);
}

static bool
starts(struct hm_bytes text, const char *with)
{
	size_t n = strlen(with);

	return text.len >= n && memcmp(text.ptr, with, n) == 0;
}

static hm_err
parse_request_line(struct hm_bytes line, struct head *head)
{
	static const char version[] = " HTTP/1.1";
	const size_t tail = sizeof version - 1;
	size_t skip;

	if (starts(line, "GET "))
		head->method = NET_GET;
	else if (starts(line, "POST "))
		head->method = NET_POST;
	else
		return HM_E_HTTP;
	skip = head->method == NET_GET ? 4 : 5;
	if (line.len < skip + tail ||
	    memcmp(line.ptr + line.len - tail, version, tail) != 0)
		return HM_E_HTTP;
	return parse_target(
	    (struct hm_bytes){ line.ptr + skip, line.len - skip - tail }, head);
}

hm_err
head_parse_request(struct hm_bytes bytes, struct head *ret)
{
	struct head head = { 0 };
	struct fields f = { 0 };
	struct hm_bytes line;

	HM_TRY(take_line(&bytes, &line));
	HM_TRY(parse_request_line(line, &head));
	HM_TRY(parse_fields(bytes, &f));
	if (f.hosts != 1)
		return HM_E_HTTP;
	if (head.method == NET_POST ? f.lengths != 1 : f.length != 0)
		return HM_E_HTTP;
	head.length = f.length;
	head.type = f.type;
	head.close = f.close;
	*ret = head;
	return HM_OK;
}

hm_err
head_parse_answer(struct hm_bytes bytes, struct head *ret)
{
	struct head head = { 0 };
	struct fields f = { 0 };
	struct hm_bytes line;

	HM_TRY(take_line(&bytes, &line));
	if (!starts(line, "HTTP/1.1 ") || line.len < 13 || line.ptr[12] != ' ')
		return HM_E_HTTP;
	for (size_t i = 9; i < 12; i++) {
		if (line.ptr[i] < '0' || line.ptr[i] > '9')
			return HM_E_HTTP;
		head.status = head.status * 10 + (line.ptr[i] - '0');
	}
	if (head.status < 200 || head.status > 599)
		return HM_E_HTTP;
	HM_TRY(parse_fields(bytes, &f));
	if (f.lengths != 1)
		return HM_E_HTTP;
	head.length = f.length;
	head.type = f.type;
	head.close = f.close;
	*ret = head;
	return HM_OK;
}

hm_err
head_find_end(struct hm_bytes bytes, size_t seen, size_t *ret_len)
{
	size_t n = bytes.len < HEAD_MAX ? bytes.len : HEAD_MAX;

	for (size_t i = seen; i < n; i++) {
		uint8_t c = bytes.ptr[i];
		bool after_cr = i > 0 && bytes.ptr[i - 1] == '\r';

		if ((c == '\n') != after_cr)
			return HM_E_HTTP;
		if (c < ' ' && c != '\r' && c != '\n' && c != '\t')
			return HM_E_HTTP;
		if (c == '\n' && i >= 3 && bytes.ptr[i - 2] == '\n') {
			*ret_len = i + 1;
			return HM_OK;
		}
	}
	if (bytes.len >= HEAD_MAX)
		return HM_E_TOO_LARGE;
	*ret_len = 0;
	return HM_OK;
}
