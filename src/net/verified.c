/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verified.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"

/* An empty one is valid never. */
struct place {
	uint8_t digest[VERIFIED_DIGEST_LEN];
	struct validity validity;
};

struct verified {
	struct validity lists;
	struct place places[VERIFIED_PLACES];
};

static size_t
place_of(const uint8_t *digest)
{
	return hm_get_u16(digest) % VERIFIED_PLACES;
}

void
validity_narrow(struct validity *validity, struct validity other)
{
	if (other.from_s > validity->from_s)
		validity->from_s = other.from_s;
	if (other.until_s < validity->until_s)
		validity->until_s = other.until_s;
}

hm_err
verified_new(struct verified **ret)
{
	struct verified *verified = calloc(1, sizeof(*verified));

	if (verified == NULL)
		return HM_E_NO_MEMORY;
	verified->lists = VALIDITY_EVER;
	*ret = verified;
	return HM_OK;
}

void
verified_free(struct verified *verified)
{
	free(verified);
}

void
verified_forget(struct verified *verified, struct validity lists)
{
	memset(verified->places, 0, sizeof(verified->places));
	verified->lists = lists;
}

void
verified_add(struct verified *verified,
    const uint8_t digest[static VERIFIED_DIGEST_LEN], struct validity chain)
{
	struct place *place = &verified->places[place_of(digest)];

	validity_narrow(&chain, verified->lists);
	memcpy(place->digest, digest, sizeof(place->digest));
	place->validity = chain;
}

bool
verified_has(const struct verified *verified,
    const uint8_t digest[static VERIFIED_DIGEST_LEN], uint64_t now_s)
{
	const struct place *place = &verified->places[place_of(digest)];

	return memcmp(place->digest, digest, sizeof(place->digest)) == 0 &&
	       now_s >= place->validity.from_s &&
	       now_s < place->validity.until_s;
}
