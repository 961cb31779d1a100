/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/enrolled.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

#define ROOM_MIN 1024

static const uint8_t free_mark[ENROLLED_MARK_LEN];

void
enrolled_done(struct enrolled *enrolled)
{
	free(enrolled->marks);
	*enrolled = (struct enrolled){ 0 };
}

static void
make_mark(const uint8_t *name, const uint8_t *digest, uint8_t *ret)
{
	for (size_t i = 0; i < ENROLLED_MARK_LEN; i++)
		ret[i] = name[i] ^ digest[i];
}

/* Where a mark stands, or the free place where it would. */
static uint8_t *
place(const struct enrolled *enrolled, const uint8_t *mark)
{
	uint64_t at;

	memcpy(&at, mark, sizeof(at));
	for (;; at++) {
		uint8_t *found = enrolled->marks[at & (enrolled->room - 1)];

		if (memcmp(found, mark, ENROLLED_MARK_LEN) == 0 ||
		    memcmp(found, free_mark, ENROLLED_MARK_LEN) == 0)
			return found;
	}
}

/* Never more than three quarters full. */
static hm_err
make_room(struct enrolled *enrolled)
{
	struct enrolled larger = { .count = enrolled->count,
		.room = enrolled->room == 0 ? ROOM_MIN : enrolled->room * 2 };

	if (enrolled->count < enrolled->room / 4 * 3)
		return HM_OK;
	if (enrolled->count >= ENROLLED_MAX)
		return HM_E_TOO_LARGE;
	larger.marks = calloc(larger.room, sizeof(*larger.marks));
	if (larger.marks == NULL)
		return HM_E_NO_MEMORY;
	for (uint32_t i = 0; i < enrolled->room; i++) {
		const uint8_t *mark = enrolled->marks[i];

		if (memcmp(mark, free_mark, ENROLLED_MARK_LEN) != 0)
			memcpy(place(&larger, mark), mark, ENROLLED_MARK_LEN);
	}
	free(enrolled->marks);
	*enrolled = larger;
	return HM_OK;
}

hm_err
enrolled_add(struct enrolled *enrolled, const struct hm_enrolment *list)
{
	uint8_t name[HM_DIGEST_LEN], mark[ENROLLED_MARK_LEN];

	sha256_one(list->product, name);
	for (size_t at = 0; at < list->digests.len; at += HM_DIGEST_LEN) {
		uint8_t *found;

		HM_TRY(make_room(enrolled));
		make_mark(name, list->digests.ptr + at, mark);
		found = place(enrolled, mark);
		if (memcmp(found, mark, ENROLLED_MARK_LEN) == 0)
			continue;
		memcpy(found, mark, ENROLLED_MARK_LEN);
		enrolled->count++;
	}
	return HM_OK;
}

bool
enrolled_has(const struct enrolled *enrolled, struct hm_bytes product,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	uint8_t name[HM_DIGEST_LEN], mark[ENROLLED_MARK_LEN];

	if (enrolled->room == 0)
		return false;
	sha256_one(product, name);
	make_mark(name, digest, mark);
	return memcmp(place(enrolled, mark), mark, ENROLLED_MARK_LEN) == 0;
}
