/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * update - an image comes in, piece by piece, and becomes the one that starts
 *
 *   IDLE --announce--> RECEIVING --data*--> RECEIVING --finish--> READY
 *          header and     |  ^ power cut, link lost:       |
 *          TLVs first,    v  | announce the same again      install
 *          judged         resumes at hm_update_received     v
 *                                                    trial at next start
 *
 * The announcement is the image's header and TLV areas. Signature, key,
 * counter, version, role, load address and dependencies are judged before
 * anything is erased, so that a bad update costs no flash and no old image. The
 * payload follows in order; it is decrypted on the way if it was encrypted for
 * this device (ECIES-P256, HM_KEY_KEM), and hashed from flash at the end.
 *
 * It is written to the slot that does not run. Durable means durable: what
 * hm_update_received() tells after a restart is on flash and stable.
 *
 * Rotation: the protected TLV HM_TLV_KEYS of a signed image names key hashes to
 * add and rows to revoke:  u8 revoke mask, then 32 bytes for each key to add.
 * They are burned when the image has been confirmed, added before revoked; an
 * update that would revoke the key of the image that carries it, or leave no
 * key, is refused at the announcement.
 *
 * RAM: sizeof(struct hm_update), below 2 KiB. One update at a time.
 */

#include "hallmark/boot.h"

HM_C_BEGIN

struct hm_update {
	struct hm_image image;
	struct hm_journal journal;
	uint32_t received; /* bytes of the image, from its start */
	uint8_t key[32];   /* of the payload; wiped at the end */
	hm_verdict is_encrypted;
	uint8_t tlvs[HM_IMAGE_TLVS_MAX];
	uint32_t tlvs_len;
	uint8_t pending[HM_FLASH_UNIT_MAX]; /* not yet a whole unit */
};

/*
 * HM_E_IMAGE_*, HM_E_RELEASE (counter or version below what runs), HM_E_KEY
 * (rotation that is refused), HM_E_TOO_LARGE (no slot has room), HM_E_STORAGE:
 * nothing was changed.
 */
HM_MUST hm_err hm_update_announce(struct hm_update *update,
    const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_bytes tlvs);
/* Where to go on, bytes from the start of the image: a resumed update begins
 * where the last one became durable. */
uint32_t hm_update_received(const struct hm_update *update);
/* The next bytes: the rest of the header area and the payload, in order, of any
 * length. HM_E_TOO_LARGE: beyond the end. HM_E_STORAGE */
HM_MUST hm_err hm_update_write(struct hm_update *update, struct hm_bytes bytes);
/* Writes the TLVs and verifies the slot as boot will. HM_E_IMAGE_*: the slot is
 * given up, and receiving begins from 0. HM_E_WRONG_STATE: not all received */
HM_MUST hm_err hm_update_finish(struct hm_update *update);
/* The next start tries it. Once this has returned HM_OK the update is not lost
 * by any cut of power. HM_E_WRONG_STATE, HM_E_STORAGE */
HM_MUST hm_err hm_update_install(struct hm_update *update);
/* Give up what was received. HM_E_STORAGE */
HM_MUST hm_err hm_update_cancel(struct hm_update *update);

HM_C_END
