/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_device_image - any bytes as an image in a device's slot
 *
 * The first byte says what the device is like, and whether hash and key are put
 * right first; signatures are taken for good unless they end in EE, so that
 * only the form decides. Whatever is accepted adds up, is the same when it is
 * announced, and is refused with any byte of it changed or cut off.
 */
#include <string.h>

#include "fuzz.h"
#include "hallmark/image.h"
#include "memport.h"

#define INPUT_MAX 1024
#define SLOT 2048

#define PUT_RIGHT 0x01 /* the hash */
#define FULL 0x02      /* the slot ends where the image does */
#define FACTORY 0x04
#define OPEN 0x08   /* life cycle */
#define SECOND 0x10 /* another key is trusted, too */

/* The key sig-p256 of tests/vectors/images/mcuboot, DER. */
static const uint8_t spki[91] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0xd6, 0xd2, 0xb4, 0x64,
	0x02, 0x91, 0x05, 0xb6, 0x97, 0x1b, 0xc4, 0x14, 0x7d, 0x37, 0xc0, 0x51,
	0x7c, 0xba, 0xde, 0x62, 0x7b, 0xcf, 0x2c, 0x45, 0x3b, 0x3d, 0x9e, 0x58,
	0xa2, 0xb6, 0x02, 0xa1, 0x56, 0x27, 0x5f, 0x4e, 0x4d, 0xd5, 0x09, 0x12,
	0xa5, 0x08, 0x16, 0xca, 0x28, 0x08, 0x93, 0xe2, 0x4e, 0xb1, 0xae, 0x75,
	0x15, 0x82, 0xd8, 0x59, 0x93, 0x3f, 0xb5, 0x5d, 0x0c, 0x96, 0x88,
	0x17 };
static uint8_t other[91]; /* the same but for its last byte */

static uint8_t slot[SLOT], how;
static uint32_t slot_len;
static unsigned verified;

hm_verdict __wrap_hm_p256_verify(const uint8_t point[static HM_POINT_LEN],
    const uint8_t digest[static HM_DIGEST_LEN],
    const uint8_t signature[static HM_SIGNATURE_LEN]);

hm_verdict
__wrap_hm_p256_verify(const uint8_t point[static HM_POINT_LEN],
    const uint8_t digest[static HM_DIGEST_LEN],
    const uint8_t signature[static HM_SIGNATURE_LEN])
{
	(void)digest;
	fuzz_must(point[0] == 4);
	verified++;
	return signature[HM_SIGNATURE_LEN - 1] == 0xEE ? HM_VERDICT_NO
						       : HM_VERDICT_YES;
}

hm_err
hm_port_flash(hm_area area, struct hm_flash *ret)
{
	(void)area;
	*ret = (struct hm_flash){ slot_len, SLOT, 8, 0xFF };
	return HM_OK;
}

void
hm_port_watchdog(void)
{
}

hm_err
hm_port_flash_read(hm_area area, uint32_t at, struct hm_span ret)
{
	(void)area;
	fuzz_must(at <= slot_len && ret.len <= slot_len - at);
	if (ret.len > 0)
		memcpy(ret.ptr, slot + at, ret.len);
	return HM_OK;
}

hm_err
hm_port_boot_key(uint32_t index, uint8_t ret[static HM_DIGEST_LEN])
{
	static uint8_t hashes[2][HM_DIGEST_LEN];

	if (hashes[0][0] == 0) {
		memcpy(other, spki, sizeof(other));
		other[90] ^= 1;
		hm_sha256(HM_BYTES(spki), hashes[0]);
		hm_sha256(HM_BYTES(other), hashes[1]);
	}
	if (index > 1)
		return HM_E_NOT_FOUND;
	if (index == 1 && (how & SECOND) == 0)
		return HM_E_KEY;
	memcpy(ret, hashes[index], HM_DIGEST_LEN);
	return HM_OK;
}

struct hm_bytes
hm_port_boot_public(uint32_t index)
{
	return index == 0   ? HM_BYTES(spki)
	       : index == 1 ? HM_BYTES(other)
			    : (struct hm_bytes){ NULL, 0 };
}

hm_err
hm_port_image_version(uint32_t id, struct hm_image_version *ret)
{
	if (id != 1)
		return HM_E_NOT_FOUND;
	*ret = (struct hm_image_version){ 2, 0, 0, 0 };
	return HM_OK;
}

hm_err
hm_port_key_agree(hm_key key, const uint8_t point[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	fuzz_must(key == HM_KEY_KEM);
	if (point[0] != 4)
		return HM_E_KEY;
	memcpy(ret, point + 1, 32);
	return HM_OK;
}

static hm_area
area(void)
{
	return (how & FACTORY) != 0 ? HM_AREA_FACTORY : HM_AREA_SLOT_A;
}

static hm_err
judge(struct hm_image *ret)
{
	hm_err err = HM_OK;
	hm_verdict verdict = hm_image_verify(area(), ret, &err);

	fuzz_must(verdict == (err == HM_OK ? HM_VERDICT_YES : HM_VERDICT_NO));
	return err;
}

/* The hash that the header and TLVs, if they are in order, state. */
static void
put_right(void)
{
	struct hm_image image;
	uint32_t end;

	if (hm_image_read(area(), &image) != HM_OK)
		return;
	end = image.size - image.tlvs_len;
	hm_sha256((struct hm_bytes){ slot, end },
	    slot + end - image.protected_len + image.hash_at);
}

static struct hm_bytes
tlvs_of(const struct hm_image *image)
{
	uint32_t at = image->header_len + image->payload_len;

	return (struct hm_bytes){ slot + at, image->size - at };
}

/* Accepted: then it adds up, and announced it is the same. */
static void
check_good(const struct hm_image *image)
{
	struct hm_bytes tlvs = tlvs_of(image);
	struct hm_image stated;
	uint8_t digest[HM_DIGEST_LEN];
	hm_err err;

	fuzz_must(verified >= 2);
	fuzz_must(image->header_len >= 32 && image->payload_len > 0);
	fuzz_must(image->header_len + image->payload_len +
		      image->protected_len + image->tlvs_len ==
		  image->size);
	fuzz_must(image->size <= slot_len && image->counter >= chip.counter);
	hm_sha256(
	    (struct hm_bytes){ slot, image->size - image->tlvs_len }, digest);
	fuzz_must(memcmp(digest, image->digest, sizeof(digest)) == 0);
	fuzz_must(
	    memcmp(digest, tlvs.ptr + image->hash_at, sizeof(digest)) == 0);
	fuzz_must(hm_image_parse(slot, tlvs, slot_len, &stated) == HM_OK);
	stated.area = area();
	fuzz_must(hm_image_signed(&stated, tlvs, &err) == HM_VERDICT_YES);
	fuzz_must(err == HM_OK && memcmp(&stated, image, sizeof(stated)) == 0);
	tlvs.len--;
	fuzz_must(hm_image_parse(slot, tlvs, slot_len, &stated) != HM_OK);
	fuzz_must(hm_image_parse(slot, tlvs_of(image), image->size - 1,
		      &stated) == HM_E_IMAGE_PLACE);
}

/* Nothing of what is hashed may change. */
static void
check_changed(const struct hm_image *good, uint8_t salt)
{
	uint32_t at = (salt * 7u) % (good->size - good->tlvs_len);
	struct hm_image image;

	slot[at] ^= 1;
	fuzz_must(judge(&image) != HM_OK);
	slot[at] ^= 1;
}

static void
check_key(const struct hm_image *image)
{
	uint8_t key[32];
	uint32_t len = 99;
	hm_err err = hm_image_payload_key(image, tlvs_of(image), key, &len);

	fuzz_must(err == HM_OK || err == HM_E_IMAGE_OPEN);
	if (err == HM_OK)
		fuzz_must((image->flags & HM_IMAGE_ENC_AES128) != 0 ? len == 16
			  : (image->flags & HM_IMAGE_ENC_AES256) != 0
			      ? len == 32
			      : len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_image image, read;
	hm_err err;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	how = data[0];
	chip.counter = 5;
	chip.lock = (how & OPEN) != 0 ? HM_LOCK_OPEN : HM_LOCK_CLOSED;
	slot_len = (how & FULL) != 0 ? (uint32_t)size - 1 : SLOT;
	if (slot_len < HM_IMAGE_HEADER_LEN)
		slot_len = HM_IMAGE_HEADER_LEN;
	memset(slot, 0xFF, sizeof(slot));
	memcpy(slot, data + 1, size - 1);
	if ((how & PUT_RIGHT) != 0)
		put_right();
	verified = 0;
	err = judge(&image);
	if (err == HM_OK) {
		check_good(&image);
		check_changed(&image, data[size - 1]);
	}
	if (hm_image_read(area(), &read) == HM_OK)
		check_key(&read);
	else
		fuzz_must(err != HM_OK);
	return 0;
}
