/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "core/check.h"
#include "hallmark/agent.h"
#include "plug.h"
#include "reuse.h"
#include "wire/frame.h"

static struct port *port;

void
port_set(struct port *set)
{
	port = set;
}

hm_err
hm_port_unique_id(struct hm_span room, size_t *ret_len)
{
	if (room.len < port->chip->uid_len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, port->chip->uid, port->chip->uid_len);
	*ret_len = port->chip->uid_len;
	return HM_OK;
}

hm_scheme
hm_port_scheme(void)
{
	return port->chip->scheme;
}

/* By the evidence key, over the SHA-256 of the pieces. */
static hm_err
evidence_sign(const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	struct hm_sha256 sha;
	uint8_t digest[HM_DIGEST_LEN], scalar[32];
	hm_err err;

	hm_sha256_init(&sha);
	for (size_t i = 0; i < count; i++)
		hm_sha256_add(&sha, pieces[i]);
	hm_sha256_end(&sha, digest);
	chip_evidence_key(port->chip, scalar);
	err = port->fault->reuse_r ? reuse_sign(scalar, digest, ret)
				   : hm_p256_sign(scalar, digest, ret);
	hm_wipe(scalar, sizeof(scalar));
	return err;
}

static hm_err
attest_soft(struct hm_bytes binding, struct hm_span room, size_t *ret_len)
{
	struct hm_proof_soft proof;

	HM_TRY(chip_evidence_public(port->chip, proof.key));
	HM_TRY(evidence_sign(&binding, 1, proof.signature));
	return hm_proof_soft_encode(&proof, room, ret_len);
}

static hm_err
attest_imx_mp(struct hm_bytes binding, struct hm_span room, size_t *ret_len)
{
	struct hm_proof_imx_mp proof;
	uint8_t point[HM_POINT_LEN];
	const struct hm_bytes pieces[] = { HM_BYTES(proof.mpmr),
		HM_LITERAL(HM_IMX_MP_LABEL), binding };

	HM_TRY(chip_evidence_public(port->chip, point));
	memcpy(proof.key, point + 1, sizeof(proof.key));
	memcpy(proof.mpmr, port->chip->mpmr, sizeof(proof.mpmr));
	if (port->fault->wrong_mpmr)
		proof.mpmr[0] ^= 0xff;
	HM_TRY(evidence_sign(pieces, 3, proof.signature));
	return hm_proof_imx_mp_encode(&proof, room, ret_len);
}

hm_err
hm_port_attest(const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	const struct hm_bytes bytes = { binding, HM_DIGEST_LEN };

	if (port->chip->scheme == HM_SCHEME_SOFT)
		return attest_soft(bytes, room, ret_len);
	return attest_imx_mp(bytes, room, ret_len);
}

hm_err
hm_port_store_read(hm_record record, struct hm_span room, size_t *ret_len)
{
	AUTO(buf) struct buf bytes = { 0 };
	char path[CHIP_PATH_MAX];
	hm_err err;

	HM_TRY(chip_record_path(port->chip, record, path, sizeof(path)));
	if (!file_exists(path))
		return HM_E_NOT_FOUND;
	buf_init(&bytes, room.len);
	err = file_read(path, room.len, &bytes, &port->why);
	if (err == HM_OK && bytes.len > 0)
		memcpy(room.ptr, bytes.ptr, bytes.len);
	if (err == HM_OK)
		*ret_len = bytes.len;
	buf_wipe(&bytes);
	if (err == HM_E_TOO_LARGE)
		return HM_E_NO_ROOM;
	return err == HM_OK ? HM_OK : HM_E_STORAGE;
}

hm_err
hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	char path[CHIP_PATH_MAX];

	HM_TRY(chip_record_path(port->chip, record, path, sizeof(path)));
	if (file_write(path, bytes, 0600, &port->why) != HM_OK)
		return HM_E_STORAGE;
	return HM_OK;
}

hm_err
hm_port_counter(uint32_t *ret)
{
	*ret = port->chip->counter;
	return HM_OK;
}

hm_err
hm_port_lock(hm_lock *ret)
{
	*ret = port->chip->lock;
	return HM_OK;
}

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	memcpy(ret, port->chip->release, HM_DIGEST_LEN);
	if (port->fault->wrong_release)
		ret[0] ^= 0xff;
	return HM_OK;
}

void
hm_port_stamp_key(uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, port->chip->stamp_key, HM_POINT_LEN);
}

hm_err
hm_port_link_read(struct hm_span room, size_t *ret_len)
{
	return plug_read(
	    port->link, port->timeout_ms, room, ret_len, &port->why);
}

/* Faults are of whole frames, and what leaves comes in pieces: it waits here
 * for the zero at the end. */
static bool
gather(struct hm_bytes bytes, struct hm_bytes *ret)
{
	static uint8_t room[HM_FRAME_SIZE(HM_ANSWER_MAX)];
	static size_t len;

	hm_assert(bytes.len <= sizeof(room) - len);
	memcpy(room + len, bytes.ptr, bytes.len);
	len += bytes.len;
	*ret = (struct hm_bytes){ room, len };
	if (len < 2 || room[len - 1] != 0)
		return false;
	len = 0;
	return true;
}

hm_err
hm_port_link_write(struct hm_bytes bytes)
{
	struct hm_bytes frame;

	if (!gather(bytes, &frame))
		return HM_OK;
	HM_TRY(fault_frame(port->fault, frame, &frame, &port->why));
	if (fault_step(port->fault)) {
		frame.len /= 2;
		/* dying: nobody is left to tell */
		if (plug_write(port->link, frame) != HM_OK)
			fault_die();
		fault_die();
	}
	return plug_write(port->link, frame);
}
