/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compilers and BearSSL call of a C library, as small as it can be: the
 * ones of newlib are fast, and five times as large.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *
memcpy(void *restrict to, const void *restrict from, size_t len)
{
	uint8_t *d = to;

	for (const uint8_t *s = from; len > 0; len--)
		*d++ = *s++;
	return to;
}

void *
memmove(void *to, const void *from, size_t len)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if ((uintptr_t)d <= (uintptr_t)s)
		return memcpy(to, from, len);
	while (len-- > 0)
		d[len] = s[len];
	return to;
}

void *
memset(void *to, int byte, size_t len)
{
	for (uint8_t *d = to; len > 0; len--)
		*d++ = (uint8_t)byte;
	return to;
}

int
memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t
strlen(const char *text)
{
	size_t len = 0;

	while (text[len] != 0)
		len++;
	return len;
}

int
strncmp(const char *a, const char *b, size_t len)
{
	for (; len > 0 && *a == *b && *a != 0; len--)
		a++, b++;
	return len == 0 ? 0 : (uint8_t)*a - (uint8_t)*b;
}
