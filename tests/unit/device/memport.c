/* SPDX-License-Identifier: Apache-2.0 */
#include "memport.h"

#include <string.h>

#include "hallmark/crypto.h"
#include "hallmark/flash.h"
#include "wire/evidence.h"

struct memport chip;

void
memport_reset(uint64_t seed, const uint8_t stamp_key[static 65])
{
	memset(&chip, 0, sizeof(chip));
	chip.seed = seed;
	hm_put_u64(chip.uid, seed);
	hm_sha256(HM_BYTES(chip.uid), chip.root);
	memcpy(chip.stamp_key, stamp_key, 65);
	hm_sha256(HM_LITERAL("firmware"), chip.release);
	chip.counter = 7;
	chip.lock = HM_LOCK_CLOSED;
}

void
memport_stamp_scalar(uint8_t ret[static 32])
{
	hm_sha256(HM_LITERAL("a stamp key for tests"), ret);
}

hm_err
hm_port_random(struct hm_span ret)
{
	uint8_t block[32], count[8];

	if (chip.fail_random)
		return HM_E_NO_ENTROPY;
	if (chip.stuck_random) {
		memset(ret.ptr, 0xff, ret.len);
		return HM_OK;
	}
	for (size_t at = 0; at < ret.len; at++) {
		if (at % 32 == 0) {
			hm_put_u64(count, ++chip.seed);
			hm_sha256(HM_BYTES(count), block);
		}
		ret.ptr[at] = block[at % 32];
	}
	return HM_OK;
}

hm_err
hm_port_unique_id(struct hm_span room, size_t *ret_len)
{
	if (chip.fail_uid)
		return HM_E_IO;
	if (room.len < sizeof(chip.uid))
		return HM_E_NO_ROOM;
	memcpy(room.ptr, chip.uid, sizeof(chip.uid));
	*ret_len = sizeof(chip.uid);
	return HM_OK;
}

hm_scheme
hm_port_scheme(void)
{
	return HM_SCHEME_SOFT;
}

hm_err
hm_port_attest(const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	struct hm_proof_soft proof;
	uint8_t digest[32];

	if (chip.fail_attest)
		return HM_E_IO;
	hm_sha256((struct hm_bytes){ binding, 32 }, digest);
	HM_TRY(hm_p256_public(chip.root, proof.key));
	HM_TRY(hm_p256_sign(chip.root, digest, proof.signature));
	return hm_proof_soft_encode(&proof, room, ret_len);
}

hm_err
hm_port_derive(struct hm_bytes label, uint8_t ret[static 32])
{
	if (chip.fail_derive)
		return HM_E_IO;
	hm_hmac(HM_BYTES(chip.root), &label, 1, ret);
	return HM_OK;
}

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	if (chip.fail_firmware)
		return HM_E_IO;
	memcpy(ret, chip.release, HM_DIGEST_LEN);
	return HM_OK;
}

void
hm_port_stamp_key(uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, chip.stamp_key, HM_POINT_LEN);
}

/* A few bytes at a time, so that frames come in pieces. */
hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	size_t len = chip.in_len < 7 ? chip.in_len : 7;

	if (len == 0 || room.len < len)
		return HM_E_LINK;
	memcpy(room.ptr, chip.in, len);
	chip.in += len;
	chip.in_len -= len;
	*ret_len = len;
	return HM_OK;
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	if (chip.link_broken || bytes.len > sizeof(chip.out) - chip.out_len)
		return HM_E_LINK;
	memcpy(chip.out + chip.out_len, bytes.ptr, bytes.len);
	chip.out_len += bytes.len;
	return HM_OK;
}
