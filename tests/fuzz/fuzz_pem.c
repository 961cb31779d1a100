/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pem - any text as a file with a certificate or a public key
 *
 * What is read is written and read again as the same.
 */
#include <string.h>

#include "base/buf.h"
#include "ca/ca.h"
#include "crypto/p256.h"
#include "fuzz.h"

#define LABEL "CERTIFICATE"

static void
try_certificate(struct hm_bytes text)
{
	struct buf der = { .max = 65536 }, pem = { .max = 131072 },
		   again = { .max = 65536 };

	if (pem_parse(LABEL, text, &der) == HM_OK) {
		fuzz_must(pem_format(LABEL, buf_bytes(&der), &pem) == HM_OK);
		fuzz_must(pem_parse(LABEL, buf_bytes(&pem), &again) == HM_OK);
		fuzz_must(hm_bytes_equal(buf_bytes(&der), buf_bytes(&again)));
	}
	buf_done(&der);
	buf_done(&pem);
	buf_done(&again);
}

static void
try_public(struct hm_bytes text)
{
	uint8_t room[P256_PEM_MAX], a[P256_POINT_LEN], b[P256_POINT_LEN];
	size_t len;

	if (p256_point_from_pem(text, a) != HM_OK)
		return;
	fuzz_must(p256_point_pem(a, (struct hm_span){ room, sizeof(room) },
		      &len) == HM_OK);
	fuzz_must(
	    p256_point_from_pem((struct hm_bytes){ room, len }, b) == HM_OK);
	fuzz_must(memcmp(a, b, sizeof(a)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes text = { data, size };

	try_certificate(text);
	try_public(text);
	return 0;
}
