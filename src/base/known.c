/* SPDX-License-Identifier: Apache-2.0 */
#include "base/known.h"

#include <string.h>

void
known_add(struct known_digests *known, uint64_t at, uint64_t size, int kind,
    const uint8_t value[static KNOWN_LEN])
{
	struct known_part *part;

	if (known == NULL)
		return;
	part = &known->parts[known->next];
	known->next = (known->next + 1) % KNOWN_PARTS;
	*part = (struct known_part){ .at = at, .size = size, .kind = kind };
	memcpy(part->value, value, KNOWN_LEN);
}

const uint8_t *
known_find(
    const struct known_digests *known, uint64_t at, uint64_t size, int kind)
{
	for (size_t i = 0; known != NULL && i < KNOWN_PARTS; i++) {
		const struct known_part *part = &known->parts[i];

		if (part->kind == kind && part->at == at && part->size == size)
			return part->value;
	}
	return NULL;
}

/* Neither ends before the other begins. */
static bool
touches(const struct known_part *part, uint64_t at, uint64_t size)
{
	return part->at < at ? at - part->at < part->size
			     : part->at - at < size;
}

void
known_forget(struct known_digests *known, uint64_t at, uint64_t size)
{
	for (size_t i = 0; known != NULL && i < KNOWN_PARTS; i++)
		if (touches(&known->parts[i], at, size))
			known->parts[i].kind = 0;
}
