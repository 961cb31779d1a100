/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip: fuses, root of trust, life cycle, counter, and who is running. The
 * root of trust is the model of virtual/chip.h: a P-256 key that follows from a
 * secret in fuses. Its reduction is to_scalar() there.
 */
#include "mps2.h"

#include <string.h>

#include "core/check.h"
#include "hallmark/crypto.h"
#include "hallmark/flash.h"
#include "map.h"
#include "../model/root.h"
#include "wire/evidence.h"

static const struct mps2_fuses *
fuses(void)
{
	return (const struct mps2_fuses *)(const void *)nor_at(MPS2_FUSES_AT);
}

hm_err
hm_port_random(struct hm_span ret)
{
	if (mps2_argument("entropy", 1) == 0) {
		hm_wipe(ret.ptr, ret.len);
		return HM_E_NO_ENTROPY;
	}
	return semihost_random(ret);
}

/* ---- identity and root of trust ---- */

hm_err
hm_port_unique_id(struct hm_span room, size_t *ret_len)
{
	const struct mps2_fuses *chip = fuses();

	if (chip->magic != MPS2_MAGIC || chip->uid_len > sizeof(chip->uid))
		return HM_E_IO; /* never fused */
	if (room.len < chip->uid_len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, chip->uid, chip->uid_len);
	*ret_len = chip->uid_len;
	return HM_OK;
}

hm_scheme
hm_port_scheme(void)
{
	return (hm_scheme)fuses()->scheme;
}

void
hm_port_stamp_key(uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, fuses()->stamp_key, HM_POINT_LEN);
}

hm_err
hm_port_derive(struct hm_bytes label, uint8_t ret[static 32])
{
	hm_hmac(HM_BYTES(fuses()->secret), &label, 1, ret);
	return HM_OK;
}

/* By the root key, over the SHA-256 of the pieces. */
static hm_err
root_sign(const struct hm_bytes *pieces, size_t count,
    uint8_t ret_key[static HM_POINT_LEN], uint8_t ret[static HM_SIGNATURE_LEN])
{
	uint8_t scalar[32], digest[HM_DIGEST_LEN];
	struct hm_sha256 sha;
	hm_lock lock;
	hm_err err;

	HM_TRY(hm_port_lock(&lock));
	hm_sha256_init(&sha);
	for (size_t i = 0; i < count; i++)
		hm_sha256_add(&sha, pieces[i]);
	hm_sha256_end(&sha, digest);
	root_key(HM_BYTES(fuses()->secret), hm_port_scheme(), lock, scalar);
	err = hm_p256_public(scalar, ret_key);
	if (err == HM_OK)
		err = hm_p256_sign(scalar, digest, ret);
	hm_wipe(scalar, sizeof(scalar));
	return err;
}

static hm_err
attest_soft(struct hm_bytes binding, struct hm_span room, size_t *ret_len)
{
	struct hm_proof_soft proof;

	HM_TRY(root_sign(&binding, 1, proof.key, proof.signature));
	return hm_proof_soft_encode(&proof, room, ret_len);
}

static hm_err
attest_imx_mp(struct hm_bytes binding, struct hm_span room, size_t *ret_len)
{
	struct hm_proof_imx_mp proof;
	uint8_t point[HM_POINT_LEN];
	const struct hm_bytes pieces[] = { HM_BYTES(proof.mpmr),
		HM_LITERAL(HM_IMX_MP_LABEL), binding };

	memcpy(proof.mpmr, fuses()->mpmr, sizeof(proof.mpmr));
	HM_TRY(root_sign(pieces, 3, point, proof.signature));
	memcpy(proof.key, point + 1, sizeof(proof.key));
	return hm_proof_imx_mp_encode(&proof, room, ret_len);
}

hm_err
hm_port_attest(const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	const struct hm_bytes bytes = { binding, HM_DIGEST_LEN };

	if (hm_port_scheme() == HM_SCHEME_SOFT)
		return attest_soft(bytes, room, ret_len);
	return attest_imx_mp(bytes, room, ret_len);
}
