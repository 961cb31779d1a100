/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tiles.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Append to a text of *len bytes; false if it does not fit. */
__attribute__((format(printf, 4, 5))) static bool
append(char *text, size_t size, size_t *len, const char *format, ...)
{
	va_list args;
	int more;

	va_start(args, format);
	more = vsnprintf(text + *len, size - *len, format, args);
	va_end(args);
	if (more < 0 || (size_t)more >= size - *len)
		return false;
	*len += (size_t)more;
	return true;
}

/* Groups of three digits, each but the last with an x: x001/x234/067 */
static bool
append_index(char *text, size_t size, size_t *len, uint64_t index)
{
	uint64_t power = 1;

	while (index / power >= 1000)
		power *= 1000;
	for (; power > 1; power /= 1000)
		if (!append(text, size, len, "x%03" PRIu64 "/",
			index / power % 1000))
			return false;
	return append(text, size, len, "%03" PRIu64, index % 1000);
}

hm_err
tile_path(
    unsigned level, uint64_t index, unsigned width, char *ret, size_t size)
{
	char text[TILE_PATH_MAX];
	size_t len = 0;
	bool fits;

	if (level > TILE_ENTRIES || width == 0 || width > TILE_WIDTH)
		return HM_E_BAD_INPUT;
	if (level == TILE_ENTRIES)
		fits = append(text, sizeof(text), &len, "tile/entries/");
	else
		fits = append(text, sizeof(text), &len, "tile/%u/", level);
	fits = fits && append_index(text, sizeof(text), &len, index);
	if (width < TILE_WIDTH)
		fits = fits && append(text, sizeof(text), &len, ".p/%u", width);
	if (!fits || len >= size)
		return HM_E_NO_ROOM;
	memcpy(ret, text, len + 1);
	return HM_OK;
}

static bool
take_prefix(struct hm_bytes *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text->len < len || memcmp(text->ptr, prefix, len) != 0)
		return false;
	text->ptr += len;
	text->len -= len;
	return true;
}

/* Decimal digits up to something else. */
static bool
take_number(struct hm_bytes *text, uint64_t *ret)
{
	size_t len = 0;
	uint64_t value = 0;

	while (
	    len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') {
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(text->ptr[len] - '0'), &value))
			return false;
		len++;
	}
	text->ptr += len;
	text->len -= len;
	*ret = value;
	return len > 0;
}

/*
 * Read the numbers with little care, write the path that they make and compare:
 * what differs was not canonical.
 */
hm_err
tile_path_parse(struct hm_bytes path, unsigned *ret_level, uint64_t *ret_index,
    unsigned *ret_width)
{
	struct hm_bytes text = path;
	uint64_t level = TILE_ENTRIES, index = 0, width = TILE_WIDTH, group;
	char again[TILE_PATH_MAX];
	bool more = true;

	if (!take_prefix(&text, "tile/"))
		return HM_E_BAD_INPUT;
	if (!take_prefix(&text, "entries/") &&
	    (!take_number(&text, &level) || level >= TILE_ENTRIES ||
		!take_prefix(&text, "/")))
		return HM_E_BAD_INPUT;
	while (more) {
		more = take_prefix(&text, "x");
		if (!take_number(&text, &group) || group > 999 ||
		    (more && !take_prefix(&text, "/")) ||
		    __builtin_mul_overflow(index, 1000U, &index) ||
		    __builtin_add_overflow(index, group, &index))
			return HM_E_BAD_INPUT;
	}
	if (take_prefix(&text, ".p/") &&
	    (!take_number(&text, &width) || width >= TILE_WIDTH))
		return HM_E_BAD_INPUT;

	if (text.len > 0 ||
	    tile_path((unsigned)level, index, (unsigned)width, again,
		sizeof(again)) != HM_OK ||
	    !hm_bytes_equal(path, hm_bytes_of(again)))
		return HM_E_BAD_INPUT;
	*ret_level = (unsigned)level;
	*ret_index = index;
	*ret_width = (unsigned)width;
	return HM_OK;
}

hm_err
tile_take_entry(struct hm_bytes *bundle, struct hm_bytes *ret)
{
	size_t len;

	if (bundle->len < 2)
		return HM_E_BAD_INPUT;
	len = hm_get_u16(bundle->ptr);
	if (len > bundle->len - 2)
		return HM_E_BAD_INPUT;
	*ret = (struct hm_bytes){ bundle->ptr + 2, len };
	bundle->ptr += 2 + len;
	bundle->len -= 2 + len;
	return HM_OK;
}
