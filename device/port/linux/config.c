/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bearssl.h>

#include "linux.h"

struct row {
	const char *key;
	size_t at;            /* of its field */
	const char *fallback; /* NULL: it must be there */
};

#define ROW(name, fallback)                                          \
	{                                                            \
#name, offsetof(struct linux_config, name), fallback \
	}

static const struct row rows[] = {
	ROW(folder, NULL),
	ROW(server, NULL),
	ROW(address, ""),
	ROW(server_ca, NULL),
	ROW(certificate, NULL),
	ROW(issuer, ""),
	ROW(stamp_key, NULL),
	ROW(order, NULL),
	ROW(unique_id, NULL),
	ROW(firmware, NULL),
	ROW(lock, NULL),
	ROW(counter, NULL),
	ROW(keys, "soft"),
	ROW(module, ""),
	ROW(pin, ""),
	ROW(timeout_ms, "15000"),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

hm_err
linux_read_file(const char *path, struct hm_span room, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return HM_E_FILE;
	while (len < room.len && got != 0) {
		got = read(fd, room.ptr + len, room.len - len);
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			len += (size_t)got;
	}
	(void)close(fd); /* nothing was written */
	if (got < 0)
		return HM_E_FILE;
	if (got != 0)
		return HM_E_NO_ROOM; /* there may be more */
	*ret_len = len;
	return HM_OK;
}

/* ---- PEM ---- */

struct taker {
	struct hm_span room;
	size_t len;
	bool full;
};

static void
take(void *context, const void *bytes, size_t len)
{
	struct taker *taker = context;

	if (len > taker->room.len - taker->len) {
		taker->full = true;
		return;
	}
	memcpy(taker->room.ptr + taker->len, bytes, len);
	taker->len += len;
}

/* The first object of a PEM text. */
static hm_err
unwrap(struct hm_bytes text, struct taker *taker)
{
	br_pem_decoder_context decoder;

	br_pem_decoder_init(&decoder);
	while (text.len > 0) {
		size_t done = br_pem_decoder_push(&decoder, text.ptr, text.len);

		text.ptr += done;
		text.len -= done;
		switch (br_pem_decoder_event(&decoder)) {
		case BR_PEM_BEGIN_OBJ:
			br_pem_decoder_setdest(&decoder, take, taker);
			break;
		case BR_PEM_END_OBJ:
			return taker->full ? HM_E_NO_ROOM : HM_OK;
		case BR_PEM_ERROR:
			return HM_E_CERT;
		default:
			break;
		}
	}
	return HM_E_CERT;
}

hm_err
linux_read_pem(const char *path, struct hm_span room, size_t *ret_len)
{
	static uint8_t text[LINUX_FILE_MAX];
	struct taker taker = { .room = room };
	size_t len = 0;

	HM_TRY(linux_read_file(
	    path, (struct hm_span){ text, sizeof(text) }, &len));
	if (len == 0)
		return HM_E_CERT;
	if (text[0] == 0x30) /* DER: a SEQUENCE */
		take(&taker, text, len);
	else
		HM_TRY(unwrap((struct hm_bytes){ text, len }, &taker));
	if (taker.full)
		return HM_E_NO_ROOM;
	*ret_len = taker.len;
	return HM_OK;
}

/* ---- words and numbers ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct hm_bytes
trim(struct hm_bytes text)
{
	while (text.len > 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

hm_err
linux_number(struct hm_bytes text, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	text = trim(text);
	if (text.len == 0 || text.len > 10)
		return HM_E_CONFIG_TYPE;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return HM_E_CONFIG_TYPE;
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (value > max)
		return HM_E_CONFIG_TYPE;
	*ret = (uint32_t)value;
	return HM_OK;
}

/* ---- the file ---- */

static char *
field(struct linux_config *config, size_t row)
{
	return (char *)config + rows[row].at;
}

static hm_err
take_pair(struct hm_bytes key, struct hm_bytes value, struct linux_config *ret,
    bool *seen)
{
	size_t i = 0;

	while (i < ROWS && !hm_bytes_equal(key, hm_bytes_of(rows[i].key)))
		i++;
	if (i == ROWS)
		return HM_E_CONFIG_KEY;
	if (seen[i])
		return HM_E_CONFIG_TWICE;
	if (value.len == 0 || memchr(value.ptr, 0, value.len) != NULL)
		return HM_E_CONFIG_TYPE;
	if (value.len >= LINUX_TEXT_MAX)
		return HM_E_CONFIG_SIZE;
	seen[i] = true;
	memcpy(field(ret, i), value.ptr, value.len);
	field(ret, i)[value.len] = 0;
	return HM_OK;
}

static hm_err
take_line(struct hm_bytes line, struct linux_config *ret, bool *seen)
{
	const uint8_t *equals;

	line = trim(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return HM_OK;
	equals = memchr(line.ptr, '=', line.len);
	if (equals == NULL)
		return HM_E_CONFIG_SYNTAX;
	return take_pair(
	    trim((struct hm_bytes){ line.ptr, (size_t)(equals - line.ptr) }),
	    trim((struct hm_bytes){
		equals + 1, line.len - (size_t)(equals - line.ptr) - 1 }),
	    ret, seen);
}

static hm_err
fill_gaps(struct linux_config *ret, const bool *seen)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (seen[i])
			continue;
		if (rows[i].fallback == NULL)
			return HM_E_CONFIG_MISSING;
		memcpy(field(ret, i), rows[i].fallback,
		    strlen(rows[i].fallback) + 1);
	}
	return HM_OK;
}

hm_err
linux_config_load(
    const char *path, struct linux_config *ret, unsigned *ret_line)
{
	static uint8_t text[LINUX_FILE_MAX];
	struct hm_bytes left = { text, 0 };
	bool seen[ROWS] = { 0 };

	*ret = (struct linux_config){ 0 };
	*ret_line = 0;
	HM_TRY(linux_read_file(
	    path, (struct hm_span){ text, sizeof(text) }, &left.len));
	while (left.len > 0) {
		const uint8_t *end = memchr(left.ptr, '\n', left.len);
		size_t len = end ? (size_t)(end - left.ptr) : left.len;

		++*ret_line;
		HM_TRY(
		    take_line((struct hm_bytes){ left.ptr, len }, ret, seen));
		len += end != NULL;
		left.ptr += len;
		left.len -= len;
	}
	*ret_line = 0;
	return fill_gaps(ret, seen);
}
