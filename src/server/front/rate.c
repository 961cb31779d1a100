/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/rate.h"

#include <string.h>

#define PROBES 16 /* places where a peer may stand */
#define ONE 1000000u

/* The peer's place, its old one or the one that was quiet for longest. */
static struct rate_peer *
place_of(struct rate *rate, const uint8_t *key)
{
	size_t start = hm_get_u32(key) % RATE_PEERS;
	struct rate_peer *quiet = &rate->peers[start];

	for (size_t i = 0; i < PROBES; i++) {
		struct rate_peer *at = &rate->peers[(start + i) % RATE_PEERS];

		if (at->seen_us != 0 && memcmp(at->key, key, RATE_KEY_LEN) == 0)
			return at;
		if (at->seen_us < quiet->seen_us)
			quiet = at;
	}
	quiet->seen_us = 0;
	memcpy(quiet->key, key, RATE_KEY_LEN);
	return quiet;
}

hm_err
rate_take(
    struct rate *rate, const uint8_t key[static RATE_KEY_LEN], uint64_t now_us)
{
	uint64_t full = 2ull * rate->per_s * ONE;
	struct rate_peer *peer;

	if (rate->per_s == 0)
		return HM_OK;
	peer = place_of(rate, key);
	if (peer->seen_us == 0 || now_us - peer->seen_us > 2 * ONE)
		peer->credit = full;
	else
		peer->credit += (now_us - peer->seen_us) * rate->per_s;
	if (peer->credit > full)
		peer->credit = full;
	peer->seen_us = now_us == 0 ? 1 : now_us;
	if (peer->credit < ONE)
		return HM_E_BUSY;
	peer->credit -= ONE;
	return HM_OK;
}
