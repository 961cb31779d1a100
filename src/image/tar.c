/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   0 100 name      100 8 mode      108 8 uid       116 8 gid
 * 124  12 size      136 12 mtime    148 8 checksum  156 1 type
 * 157 100 link      257 6 "ustar"   263 2 "00"      265 .. owner, device,
 * prefix
 *
 * Numbers are octal text with a NUL. Reading fills a header anew and compares:
 * whatever another program may say in the rest is refused.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "image/bundle_parts.h"

#define AT_MODE 100
#define AT_UID 108
#define AT_GID 116
#define AT_SIZE 124
#define AT_MTIME 136
#define AT_SUM 148
#define AT_TYPE 156
#define AT_MAGIC 257

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("._+-", c) != NULL;
}

static bool
is_part_good(const char *part, size_t len)
{
	if (len == 0 || (len == 1 && part[0] == '.') ||
	    (len == 2 && part[0] == '.' && part[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (part[i] == '\0' || !is_name_char(part[i]))
			return false;
	return true;
}

bool
tar_name_is_good(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > BUNDLE_NAME_MAX)
		return false;
	for (;;) {
		size_t part = strcspn(name, "/");

		if (!is_part_good(name, part))
			return false;
		if (name[part] == '\0')
			return true;
		name += part + 1;
	}
}

static void
put_octal(uint8_t *at, int digits, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*" PRIo64, digits, value);
	memcpy(at, text, (size_t)digits + 1);
}

void
tar_write(const struct tar_item *item, uint8_t ret[static TAR_BLOCK])
{
	uint32_t sum = 0;

	memset(ret, 0, TAR_BLOCK);
	memcpy(ret, item->name, strlen(item->name));
	put_octal(ret + AT_MODE, 7, 0644);
	put_octal(ret + AT_UID, 7, 0);
	put_octal(ret + AT_GID, 7, 0);
	put_octal(ret + AT_SIZE, 11, item->size);
	put_octal(ret + AT_MTIME, 11, item->mtime_s);
	ret[AT_TYPE] = '0';
	memcpy(ret + AT_MAGIC,
	    "ustar\0"
	    "00",
	    8);
	/* The sum counts its own field as spaces. */
	memset(ret + AT_SUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += ret[i];
	put_octal(ret + AT_SUM, 6, sum);
}

static hm_err
get_octal(const uint8_t *at, size_t digits, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '7')
			return HM_E_BAD_INPUT;
		*ret = *ret << 3 | (uint64_t)(at[i] - '0');
	}
	return HM_OK;
}

hm_err
tar_read(const uint8_t block[static TAR_BLOCK], struct tar_item *ret)
{
	uint8_t again[TAR_BLOCK];

	memcpy(ret->name, block, BUNDLE_NAME_MAX);
	ret->name[BUNDLE_NAME_MAX] = '\0';
	if (!tar_name_is_good(ret->name))
		return HM_E_BAD_INPUT;
	HM_TRY(get_octal(block + AT_SIZE, 11, &ret->size));
	HM_TRY(get_octal(block + AT_MTIME, 11, &ret->mtime_s));
	tar_write(ret, again);
	return memcmp(again, block, TAR_BLOCK) == 0 ? HM_OK : HM_E_BAD_INPUT;
}
