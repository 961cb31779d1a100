/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcuboot - any bytes as an image for MCUboot
 *
 * The first byte says what the verifier is told. Signatures are taken for good,
 * and, if it says so, the hash is put right first: so what is behind them is
 * reached, and only the form decides. What is accepted says everything about
 * itself: written again from what was read it is the same, and with one byte
 * more, or one less, it is refused.
 */
#include <string.h>

#include "base/auto.h"
#include "fuzz.h"
#include "image/mcuboot_parts.h"

#define INPUT_MAX 4096
#define OUTPUT_MAX 16384

#define PUT_RIGHT 0x01 /* the hash */
#define OPENS 0x02     /* the payload key is known */
#define WHOLE_SLOT 0x04
#define SEALED 0x08
#define COUNTER 0x10
#define CHANGE 0x20

hm_err __wrap_pkey_verify(struct pkey *key, const struct pkey_input *input,
    struct hm_bytes signature);
hm_err __real_mcuboot_key_hash(
    const struct pkey *key, hash_kind kind, uint8_t ret[static HASH_MAX]);
hm_err __wrap_mcuboot_key_hash(
    const struct pkey *key, hash_kind kind, uint8_t ret[static HASH_MAX]);

hm_err
__wrap_pkey_verify(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	(void)key;
	(void)input;
	return signature.len > 0 && signature.ptr[signature.len - 1] == 0xEE
		   ? HM_E_SIGNATURE
		   : HM_OK;
}

/* The keys of tests/vectors/images/mcuboot whose images are in the corpus. */
static const uint8_t p256_point[65] = { 0x04, 0xd6, 0xd2, 0xb4, 0x64, 0x02,
	0x91, 0x05, 0xb6, 0x97, 0x1b, 0xc4, 0x14, 0x7d, 0x37, 0xc0, 0x51, 0x7c,
	0xba, 0xde, 0x62, 0x7b, 0xcf, 0x2c, 0x45, 0x3b, 0x3d, 0x9e, 0x58, 0xa2,
	0xb6, 0x02, 0xa1, 0x56, 0x27, 0x5f, 0x4e, 0x4d, 0xd5, 0x09, 0x12, 0xa5,
	0x08, 0x16, 0xca, 0x28, 0x08, 0x93, 0xe2, 0x4e, 0xb1, 0xae, 0x75, 0x15,
	0x82, 0xd8, 0x59, 0x93, 0x3f, 0xb5, 0x5d, 0x0c, 0x96, 0x88, 0x17 };
static const uint8_t ed25519_key[32] = { 0x9a, 0x50, 0x98, 0xc4, 0xe4, 0x26,
	0x7e, 0xe4, 0x7c, 0xbc, 0x93, 0xe4, 0x8f, 0x8b, 0x3b, 0x0a, 0xaf, 0x40,
	0x26, 0x66, 0x85, 0x63, 0x46, 0x74, 0xad, 0xd2, 0x39, 0x6a, 0x33, 0x12,
	0x72, 0xcc };
static struct image_keys keys;

/* Two keys, three kinds: computed once. */
hm_err
__wrap_mcuboot_key_hash(
    const struct pkey *key, hash_kind kind, uint8_t ret[static HASH_MAX])
{
	static uint8_t known[2][HASH_SHA512 + 1][HASH_MAX];
	static bool has[2][HASH_SHA512 + 1];
	size_t i = key == keys.trusted[0] ? 0 : 1;

	if (!has[i][kind])
		fuzz_must(__real_mcuboot_key_hash(key, kind, known[i][kind]) ==
			  HM_OK);
	has[i][kind] = true;
	memcpy(ret, known[i][kind], HASH_MAX);
	return HM_OK;
}

static void
set_keys(void)
{
	if (keys.trusted_count == 2)
		return;
	fuzz_must(pkey_from_point(PKEY_P256, HM_BYTES(p256_point),
		      &keys.trusted[0]) == HM_OK);
	fuzz_must(pkey_from_point(PKEY_ED25519, HM_BYTES(ed25519_key),
		      &keys.trusted[1]) == HM_OK);
	keys.trusted_count = 2;
}

static hm_err
judge(const struct mcuboot_verify *how, struct hm_bytes file)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input input = input_of(file);

	fuzz_must(findings_new("mcuboot", &findings) == HM_OK);
	fuzz_must(mcuboot_verify(how, &input, findings) == HM_OK);
	return findings_verdict(findings, NULL);
}

/* The right hash into the first hash TLV, in place. */
static void
put_right(const struct mcuboot_verify *how, struct hm_span file)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input input = input_of((struct hm_bytes){ file.ptr, file.len });
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_image image;
	struct mcuboot_tlv tlv;
	uint8_t digest[HASH_MAX];

	fuzz_must(findings_new("mcuboot", &findings) == HM_OK);
	fuzz_must(mcuboot_read(&input, &image, findings) == HM_OK);
	while (image.is_readable && mcuboot_next(&image, &cursor, &tlv)) {
		hash_kind kind = mcuboot_hash_of(tlv.type);

		if (kind == 0 || tlv.value.len != hash_len(kind))
			continue;
		fuzz_must(mcuboot_digest(&image,
			      mcuboot_key_bits(image.header.flags) == 128
				  ? how->payload_key
				  : (struct hm_bytes){ 0 },
			      kind, digest) == HM_OK);
		memcpy(file.ptr + tlv.at, digest, tlv.value.len);
		break;
	}
	mcuboot_image_done(&image);
}

static void
same_again(const struct mcuboot_image *image, mcuboot_place place)
{
	struct mcuboot_cursor cursor = { .place = place };
	AUTO(buf) struct buf area = { 0 };
	struct mcuboot_tlv tlv;

	if (image->areas[place].bytes.len == 0)
		return;
	fuzz_must(
	    mcuboot_area_begin(&area, place == MCUBOOT_PLAIN
					  ? MCUBOOT_AREA_MAGIC
					  : MCUBOOT_PROTECTED_MAGIC) == HM_OK);
	while (mcuboot_next(image, &cursor, &tlv))
		if (tlv.place == place)
			fuzz_must(
			    mcuboot_add(&area, tlv.type, tlv.value) == HM_OK);
	mcuboot_area_end(&area);
	fuzz_must(hm_bytes_equal(
	    buf_bytes(&area), buf_bytes(&image->areas[place].bytes)));
}

static void
look_at_accepted(const struct mcuboot_verify *how, struct hm_bytes file)
{
	static uint8_t longer[INPUT_MAX + 1];
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input input = input_of(file);
	struct mcuboot_image image;
	uint8_t header[MCUBOOT_HEADER_LEN];

	fuzz_must(findings_new("mcuboot", &findings) == HM_OK);
	fuzz_must(mcuboot_read(&input, &image, findings) == HM_OK);
	fuzz_must(image.is_readable && image.end <= file.len);
	mcuboot_header_put(&image.header, header);
	fuzz_must(memcmp(header, file.ptr, sizeof(header)) == 0);
	same_again(&image, MCUBOOT_PROTECTED);
	same_again(&image, MCUBOOT_PLAIN);
	mcuboot_image_done(&image);
	memcpy(longer, file.ptr, file.len);
	longer[file.len] = 0xFF;
	fuzz_must(
	    judge(how, (struct hm_bytes){ longer, file.len + 1 }) != HM_OK);
	fuzz_must(
	    judge(how, (struct hm_bytes){ longer, file.len - 1 }) != HM_OK);
}

/* What it is in clear, encrypted, as HEX: no crash, and a verdict. */
static void
change(const struct mcuboot_verify *verify, struct hm_bytes file)
{
	const struct mcuboot_change how = { .verify = *verify,
		.sealing = { .kek = verify->payload_key, .bits = 128 } };
	AUTO_OUTPUT struct output *out = NULL, *hex = NULL;
	struct input input = input_of(file), made;
	struct mcuboot_made result;
	AUTO_FINDINGS struct findings *findings = NULL;

	fuzz_must(output_memory(OUTPUT_MAX, &out) == HM_OK);
	fuzz_must(output_memory(4 * OUTPUT_MAX, &hex) == HM_OK);
	fuzz_must(mcuboot_to_hex(&input, 0x8000000, hex, NULL) == HM_OK);
	if (mcuboot_decrypt(&how, &input, out, &result, NULL) != HM_OK)
		return;
	fuzz_must(findings_new("mcuboot", &findings) == HM_OK);
	fuzz_must(output_input(out, &made) == HM_OK);
	fuzz_must(mcuboot_judge(&result, verify->slot_size, &made, findings) ==
		  HM_OK);
	fuzz_must(findings_verdict(findings, NULL) == HM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t payload_key[16] = { 1, 2, 3 };
	static uint8_t room[INPUT_MAX];
	struct mcuboot_verify how = { .keys = &keys };
	struct hm_bytes file = { room, size - 1 };

	if (size < 2 || size > INPUT_MAX)
		return 0;
	set_keys();
	memcpy(room, data + 1, file.len);
	if (data[0] & OPENS)
		how.payload_key = HM_BYTES(payload_key);
	if (data[0] & WHOLE_SLOT)
		how.slot_size = file.len;
	how.is_sealed = data[0] & SEALED;
	how.has_counter = data[0] & COUNTER;
	how.counter = 3;
	if (data[0] & PUT_RIGHT)
		put_right(&how, (struct hm_span){ room, file.len });
	if (judge(&how, file) != HM_OK)
		return 0;
	look_at_accepted(&how, file);
	if (data[0] & CHANGE)
		change(&how, file);
	return 0;
}
