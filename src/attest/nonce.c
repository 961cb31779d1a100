/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nonce.h"

#include <string.h>

#include "crypto/digest.h"

#define FUTURE_S 5  /* clocks of two servers differ by as much */
#define OPEN_LEN 16 /* time and random bytes */

static void
make_mac(const uint8_t *key, struct hm_bytes order, struct hm_bytes station,
    const uint8_t *open, uint8_t ret[static SHA256_LEN])
{
	static const uint8_t nul[1];
	struct hm_bytes pieces[] = { { open, OPEN_LEN }, order, HM_BYTES(nul),
		station };

	hmac_sha256((struct hm_bytes){ key, NONCE_KEY_LEN }, pieces, 4, ret);
}

hm_err
nonce_make(const uint8_t key[static NONCE_KEY_LEN], struct hm_bytes order,
    struct hm_bytes station, uint64_t now_s, uint8_t ret[static HM_NONCE_LEN])
{
	uint8_t nonce[OPEN_LEN + SHA256_LEN];

	HM_TRY(random_bytes((struct hm_span){ nonce + 4, OPEN_LEN - 4 }));
	hm_put_u32(nonce, (uint32_t)now_s);
	make_mac(key, order, station, nonce, nonce + OPEN_LEN);
	memcpy(ret, nonce, HM_NONCE_LEN);
	return HM_OK;
}

hm_err
nonce_check(const uint8_t key[static NONCE_KEY_LEN], struct hm_bytes order,
    struct hm_bytes station, uint64_t now_s,
    const uint8_t nonce[static HM_NONCE_LEN])
{
	uint8_t mac[SHA256_LEN];
	uint64_t made_s = hm_get_u32(nonce);

	make_mac(key, order, station, nonce, mac);
	if (!hm_equal_ct(mac, nonce + OPEN_LEN, HM_NONCE_LEN - OPEN_LEN))
		return HM_E_NONCE;
	if (made_s > now_s + FUTURE_S || now_s > made_s + NONCE_VALID_S)
		return HM_E_NONCE_STALE;
	return HM_OK;
}
