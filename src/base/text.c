/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400u
#define YEAR_MAX 9999u

void
hex_format(struct hm_bytes bytes, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*ret++ = digits[bytes.ptr[i] >> 4];
		*ret++ = digits[bytes.ptr[i] & 15];
	}
	*ret = '\0';
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

hm_err
hex_parse(struct hm_bytes text, uint8_t *ret, size_t len)
{
	if (text.len % 2 != 0 || text.len / 2 != len)
		return HM_E_BAD_INPUT;
	for (size_t i = 0; i < text.len; i++)
		if (hex_value(text.ptr[i]) < 0)
			return HM_E_BAD_INPUT;
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(hex_value(text.ptr[2 * i]) << 4 |
				   hex_value(text.ptr[2 * i + 1]));
	return HM_OK;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Length after decoding; HM_E_BAD_INPUT if anything is not canonical. */
static hm_err
base64_check(struct hm_bytes text, size_t *ret_len)
{
	size_t pad = 0, digits;

	if (text.len % 4 != 0)
		return HM_E_BAD_INPUT;
	while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
		pad++;
	digits = text.len - pad;
	for (size_t i = 0; i < digits; i++)
		if (base64_value(text.ptr[i]) < 0)
			return HM_E_BAD_INPUT;
	/* Bits that no byte takes must be zero (RFC 4648 section 3.5). */
	if (pad > 0 &&
	    (base64_value(text.ptr[digits - 1]) & (pad == 1 ? 3 : 15)) != 0)
		return HM_E_BAD_INPUT;
	*ret_len = text.len / 4 * 3 - pad;
	return HM_OK;
}

hm_err
base64_parse(struct hm_bytes text, struct hm_span room, size_t *ret_len)
{
	size_t len, at = 0;

	HM_TRY(base64_check(text, &len));
	if (len > room.len)
		return HM_E_NO_ROOM;
	for (size_t i = 0; i < text.len; i += 4) {
		uint32_t four = 0;

		for (size_t j = 0; j < 4; j++) {
			int value = base64_value(text.ptr[i + j]);

			four = four << 6 | (uint32_t)(value < 0 ? 0 : value);
		}
		for (unsigned shift = 16; at < len; shift -= 8) {
			room.ptr[at++] = (uint8_t)(four >> shift);
			if (shift == 0)
				break;
		}
	}
	*ret_len = len;
	return HM_OK;
}

hm_err
uint_parse(struct hm_bytes text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (text.len == 0 || (text.len > 1 && text.ptr[0] == '0'))
		return HM_E_BAD_INPUT;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.ptr[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return HM_E_BAD_INPUT;
	}
	if (value > max)
		return HM_E_BAD_INPUT;
	*ret = value;
	return HM_OK;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days from 1970-01-01 to January 1st of `year`. */
static uint64_t
days_before(unsigned year)
{
	uint64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

void
time_format(uint64_t seconds, char ret[static TIME_TEXT_LEN])
{
	uint64_t days = seconds / DAY_S;
	unsigned rest = (unsigned)(seconds % DAY_S);
	unsigned year, month = 1;

	if (days >= days_before(YEAR_MAX + 1)) {
		memcpy(ret, "9999-12-31T23:59:59Z", TIME_TEXT_LEN);
		return;
	}
	year = 1970 + (unsigned)(days / 366);
	while (days_before(year + 1) <= days)
		year++;
	days -= days_before(year);
	for (; days >= days_in(year, month); month++)
		days -= days_in(year, month);
	snprintf(ret, TIME_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    year % 10000, month % 100, ((unsigned)days + 1) % 100,
	    rest / 3600 % 100, rest / 60 % 60, rest % 60);
}

/* `digits` digits at `at`; a number beyond every range if they are none. */
static unsigned
digits_at(struct hm_bytes text, size_t at, size_t digits)
{
	unsigned value = 0;

	for (size_t i = at; i < at + digits; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return UINT32_MAX;
		value = value * 10 + (text.ptr[i] - '0');
	}
	return value;
}

static hm_err
date_parse(struct hm_bytes text, uint64_t *ret_days)
{
	unsigned year = digits_at(text, 0, 4);
	unsigned month = digits_at(text, 5, 2);
	unsigned day = digits_at(text, 8, 2);
	uint64_t days;

	if (text.ptr[4] != '-' || text.ptr[7] != '-')
		return HM_E_BAD_INPUT;
	if (year < 1970 || year > YEAR_MAX || month < 1 || month > 12)
		return HM_E_BAD_INPUT;
	if (day < 1 || day > days_in(year, month))
		return HM_E_BAD_INPUT;
	days = days_before(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += days_in(year, m);
	*ret_days = days;
	return HM_OK;
}

hm_err
time_parse(struct hm_bytes text, uint64_t *ret_seconds)
{
	unsigned hour, minute, second;
	uint64_t days;

	if (text.len != 10 && text.len != TIME_TEXT_LEN - 1)
		return HM_E_BAD_INPUT;
	HM_TRY(date_parse(text, &days));
	if (text.len == 10) {
		*ret_seconds = days * DAY_S;
		return HM_OK;
	}
	hour = digits_at(text, 11, 2);
	minute = digits_at(text, 14, 2);
	second = digits_at(text, 17, 2);
	if (text.ptr[10] != 'T' || text.ptr[13] != ':' || text.ptr[16] != ':' ||
	    text.ptr[19] != 'Z' || hour > 23 || minute > 59 || second > 59)
		return HM_E_BAD_INPUT;
	*ret_seconds = days * DAY_S + hour * 3600 + minute * 60 + second;
	return HM_OK;
}
