/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cryptography and images cost: ticks of the processor's clock and bytes
 * of stack, on the console; and the beginning of the SHA-256 of what came out,
 * which is the same with every provider. Under `-icount shift=0` an instruction
 * takes a nanosecond, and so ticks tell instructions. Slot A has the image.
 */
#include <string.h>

#include "../port/mps2/mps2.h"
#include "core/check.h"
#include "hallmark/image.h"

static uint8_t scalar[32], point[HM_POINT_LEN], signature[HM_SIGNATURE_LEN];
static uint8_t digest[HM_DIGEST_LEN], measured[HM_DIGEST_LEN], agreed[32];
static uint8_t text[4096 + HM_GCM_TAG_LEN];

static void
verify_image(void)
{
	struct hm_image image;

	hm_assert(
	    hm_image_verify(HM_AREA_SLOT_A, &image, NULL) == HM_VERDICT_YES);
	memcpy(measured, image.digest, sizeof(measured));
}

static void
make_public(void)
{
	hm_assert(hm_p256_public(scalar, point) == HM_OK);
}

static void
sign(void)
{
	hm_assert(hm_p256_sign(scalar, digest, signature) == HM_OK);
}

static void
verify(void)
{
	hm_assert(hm_p256_verify(point, digest, signature) == HM_VERDICT_YES);
}

static void
agree(void)
{
	hm_assert(hm_p256_agree(scalar, point, agreed) == HM_OK);
}

static void
hash_4k(void)
{
	hm_sha256((struct hm_bytes){ text, 4096 }, digest);
}

static void
seal_4k(void)
{
	hm_gcm_seal(HM_BYTES(agreed), text, (struct hm_bytes){ 0 },
	    (struct hm_bytes){ text, 4096 }, text);
}

#define ROW(name, run, out)                                                \
	{                                                                  \
		name, name "_stack", name "_result", run, out, sizeof(out) \
	}

static const struct {
	const char *name, *stack, *result;
	void (*run)(void);
	const uint8_t *out;
	size_t out_len;
} rows[] = {
	ROW("p256_public", make_public, point),
	ROW("p256_sign", sign, signature),
	ROW("p256_verify", verify, signature),
	ROW("p256_agree", agree, agreed),
	ROW("sha256_4k", hash_4k, digest),
	ROW("aes256_gcm_4k", seal_4k, text),
	ROW("image_verify", verify_image, measured),
};

static void
report_result(const char *name, struct hm_bytes out)
{
	uint8_t hash[HM_DIGEST_LEN];

	hm_sha256(out, hash);
	mps2_report(name, hm_get_u32(hash));
}

int
main(void)
{
	mps2_start();
	memset(scalar, 0x5a, sizeof(scalar));
	memset(digest, 0x33, sizeof(digest));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t before = mps2_stack_paint();
		uint64_t begin = mps2_ticks();

		rows[i].run();
		mps2_report(rows[i].name, (uint32_t)(mps2_ticks() - begin));
		mps2_report(
		    rows[i].stack, (uint32_t)(mps2_stack_used() - before));
		report_result(rows[i].result,
		    (struct hm_bytes){ rows[i].out, rows[i].out_len });
	}
	mps2_exit(MPS2_EXIT_OK);
}
