/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rate - no credential may have more than its share of a front
 *
 * A token bucket for each peer: so many requests a second, twice as many at
 * once. A bounded table; when it is full the peer that was quiet for the
 * longest time is forgotten, which only ever gives somebody a full bucket.
 */

#include "core/bytes.h"

#define RATE_PEERS 1024
#define RATE_KEY_LEN 8 /* of the digest of the peer's certificate */

struct rate_peer {
	uint8_t key[RATE_KEY_LEN];
	uint64_t seen_us; /* 0: free */
	uint64_t credit;  /* requests, in millionths */
};

struct rate {
	uint32_t per_s; /* 0: no limit */
	struct rate_peer peers[RATE_PEERS];
};

/* One request at the monotonic time `now_us`. HM_E_BUSY: too many. */
HM_MUST hm_err rate_take(
    struct rate *rate, const uint8_t key[static RATE_KEY_LEN], uint64_t now_us);
