/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator's arguments:  fw name=number name=number ... */
#include "mps2.h"

#include <string.h>

#define LINE_MAX 256

static const char *
line(void)
{
	static char text[LINE_MAX];
	static bool is_read;

	if (!is_read)
		semihost_arguments(text, sizeof(text));
	is_read = true;
	return text;
}

uint32_t
mps2_argument(const char *name, uint32_t otherwise)
{
	size_t len = strlen(name);
	const char *at = line();

	for (; *at != 0; at++) {
		uint32_t value = 0;

		if (*at != ' ' || strncmp(at + 1, name, len) != 0 ||
		    at[1 + len] != '=')
			continue;
		for (at += len + 2; *at >= '0' && *at <= '9'; at++)
			value = value * 10 + (uint32_t)(*at - '0');
		return value;
	}
	return otherwise;
}
