/* SPDX-License-Identifier: Apache-2.0 */
#include "image/mcuboot_text.h"

#include <string.h>

#include "base/text.h"

#define UUID_TEXT_LEN 36
#define UUID_LEN 16
#define NAME_MAX_LEN 255

/* Text up to one of `ends`, which is taken too and told; 0: its end. */
static struct hm_bytes
take(struct hm_bytes *text, const char *ends, char *ret_end)
{
	struct hm_bytes part = { text->ptr, 0 };

	while (
	    part.len < text->len && strchr(ends, text->ptr[part.len]) == NULL)
		part.len++;
	*ret_end = part.len < text->len ? (char)text->ptr[part.len] : '\0';
	text->ptr += part.len;
	text->len -= part.len;
	if (*ret_end != '\0') {
		text->ptr++;
		text->len--;
	}
	return part;
}

static hm_err
wants(struct why *why, struct hm_bytes text, const char *words)
{
	return WHY(why, HM_E_USAGE, "%s, not \"%.*s\"", words,
	    text.len > 60 ? 60 : (int)text.len, (const char *)text.ptr);
}

hm_err
mcuboot_parse_version(
    struct hm_bytes text, struct mcuboot_version *ret, struct why *why)
{
	static const uint64_t most[] = { UINT8_MAX, UINT8_MAX, UINT16_MAX,
		UINT32_MAX };
	static const char *const ends[] = { ".", ".", "+", "" };
	struct hm_bytes rest = text;
	uint64_t parts[4] = { 0 };
	char end = '.';

	for (size_t i = 0; i < 4 && end != '\0'; i++)
		if (uint_parse(take(&rest, ends[i], &end), most[i],
			&parts[i]) != HM_OK)
			return wants(why, text,
			    "a version is major.minor.revision+build, up to "
			    "255.255.65535+4294967295");
	*ret = (struct mcuboot_version){ .major = (uint8_t)parts[0],
		.minor = (uint8_t)parts[1],
		.revision = (uint16_t)parts[2],
		.build = (uint32_t)parts[3] };
	return HM_OK;
}

static bool
is_hex(struct hm_bytes text)
{
	return text.len > 2 && text.ptr[0] == '0' &&
	       (text.ptr[1] == 'x' || text.ptr[1] == 'X');
}

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

hm_err
mcuboot_parse_number(
    struct hm_bytes text, uint64_t max, uint64_t *ret, struct why *why)
{
	uint64_t value = 0;

	if (!is_hex(text)) {
		if (uint_parse(text, max, ret) != HM_OK)
			return wants(why, text,
			    "a number, decimal or 0x and hex, in its range");
		return HM_OK;
	}
	for (size_t i = 2; i < text.len; i++) {
		int digit = digit_of(text.ptr[i]);

		if (digit < 0 || i >= 2 + 16)
			return wants(why, text, "0x and hex digits");
		value = value << 4 | (uint64_t)digit;
	}
	if (value > max)
		return wants(why, text, "a smaller number");
	*ret = value;
	return HM_OK;
}

hm_err
mcuboot_parse_counter(struct hm_bytes text, struct mcuboot_version version,
    uint32_t *ret, struct why *why)
{
	uint64_t value;

	if (hm_bytes_equal(text, HM_LITERAL("auto"))) {
		*ret = (uint32_t)version.major << 24 |
		       (uint32_t)version.minor << 16 | version.revision;
		return HM_OK;
	}
	HM_TRY(mcuboot_parse_number(text, UINT32_MAX, &value, why));
	*ret = (uint32_t)value;
	return HM_OK;
}

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

static hm_err
parse_dependency(
    struct hm_bytes inner, struct mcuboot_dependency *ret, struct why *why)
{
	struct hm_bytes image;
	uint64_t number;
	char end;

	image = trim(take(&inner, ",", &end));
	if (end != ',')
		return wants(why, image, "a dependency is (image, version)");
	HM_TRY(mcuboot_parse_number(image, UINT8_MAX, &number, why));
	ret->image = (uint8_t)number;
	return mcuboot_parse_version(trim(inner), &ret->least, why);
}

hm_err
mcuboot_parse_dependencies(
    struct hm_bytes text, struct mcuboot_sign *ret, struct why *why)
{
	struct hm_bytes rest = trim(text), before, inner;
	char open, close;

	while (rest.len > 0) {
		before = trim(take(&rest, "(", &open));
		inner = take(&rest, ")", &close);
		if (before.len != 0 || open != '(' || close != ')')
			return wants(why, text,
			    "dependencies are (image, version) (image, "
			    "version)");
		if (ret->dependency_count == MCUBOOT_DEPENDENCIES_MAX)
			return wants(why, text, "up to 16 dependencies");
		HM_TRY(parse_dependency(
		    inner, &ret->dependencies[ret->dependency_count], why));
		ret->dependency_count++;
		rest = trim(rest);
	}
	return HM_OK;
}

hm_err
mcuboot_parse_extra(struct hm_bytes text, struct hm_span *room,
    struct mcuboot_sign *ret, struct why *why)
{
	struct hm_bytes rest = text, number;
	struct mcuboot_extra *extra = &ret->extras[ret->extra_count];
	uint64_t type;
	char end;

	number = take(&rest, "=", &end);
	if (end != '=' || rest.len == 0)
		return wants(why, text, "a TLV is 0xTYPE=0xHEX or 0xTYPE=TEXT");
	if (ret->extra_count == MCUBOOT_EXTRAS_MAX)
		return wants(why, text, "up to 32 TLVs");
	HM_TRY(mcuboot_parse_number(number, UINT16_MAX, &type, why));
	*extra = (struct mcuboot_extra){ (uint16_t)type, rest };
	if (is_hex(rest)) {
		extra->value =
		    (struct hm_bytes){ room->ptr, (rest.len - 2) / 2 };
		if (extra->value.len > room->len)
			return wants(why, text, "shorter TLVs");
		rest = (struct hm_bytes){ rest.ptr + 2, rest.len - 2 };
		if (hex_parse(rest, room->ptr, extra->value.len) != HM_OK)
			return wants(why, text, "0x and pairs of hex digits");
		room->ptr += extra->value.len;
		room->len -= extra->value.len;
	}
	ret->extra_count++;
	return HM_OK;
}

/* 8-4-4-4-12 hex digits */
static bool
parse_plain(struct hm_bytes text, uint8_t ret[static UUID_LEN])
{
	char digits[2 * UUID_LEN];
	size_t count = 0;

	if (text.len != UUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash != (text.ptr[i] == '-'))
			return false;
		if (!is_dash)
			digits[count++] = (char)text.ptr[i];
	}
	return hex_parse(HM_BYTES(digits), ret, UUID_LEN) == HM_OK;
}

hm_err
mcuboot_parse_uuid(struct hm_bytes text, const uint8_t *space,
    uint8_t ret[static 16], struct why *why)
{
	static const uint8_t dns[UUID_LEN] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d,
		0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
		0xc8 };
	uint8_t message[UUID_LEN + NAME_MAX_LEN], hash[HASH_MAX];

	if (parse_plain(text, ret))
		return HM_OK;
	if (text.len == 0 || text.len > NAME_MAX_LEN)
		return wants(why, text, "a UUID, or a name of up to 255 bytes");
	memcpy(message, space != NULL ? space : dns, UUID_LEN);
	memcpy(message + UUID_LEN, text.ptr, text.len);
	HM_TRY(hash_one(HASH_SHA1,
	    (struct hm_bytes){ message, UUID_LEN + text.len }, hash));
	memcpy(ret, hash, UUID_LEN);
	ret[6] = (uint8_t)((ret[6] & 0x0F) | 0x50);
	ret[8] = (uint8_t)((ret[8] & 0x3F) | 0x80);
	return HM_OK;
}
