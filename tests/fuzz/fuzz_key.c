/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_key - any text as a file with a private key
 *
 * What is read is written and read again as the same.
 */
#include <string.h>

#include "crypto/p256.h"
#include "fuzz.h"
#include "mutate.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes text = { data, size };
	struct p256_pair *pair = NULL, *again = NULL;
	uint8_t room[P256_PEM_MAX], a[P256_SCALAR_LEN], b[P256_SCALAR_LEN];
	size_t len;

	if (p256_pair_from_pem(text, &pair) != HM_OK) {
		fuzz_must(pair == NULL);
		return 0;
	}
	fuzz_must(p256_pair_pem(pair, (struct hm_span){ room, sizeof(room) },
		      &len) == HM_OK);
	fuzz_must(p256_pair_from_pem((struct hm_bytes){ room, len }, &again) ==
		  HM_OK);
	p256_pair_scalar(pair, a);
	p256_pair_scalar(again, b);
	fuzz_must(memcmp(a, b, sizeof(a)) == 0);
	p256_pair_free(pair);
	p256_pair_free(again);
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
