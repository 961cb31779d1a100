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
 * counter, version, role and rotation are judged before anything is erased, so
 * that a bad update costs no flash and no old image. The payload follows in
 * order; it is decrypted on the way if it was encrypted for this device
 * (ECIES-P256, HM_KEY_KEM), and hashed from flash at the end. What was judged
 * first was not yet covered by a hash that was computed: hm_update_finish
 * judges it again when it is.
 *
 * It is written to the slot that does not run. Durable means durable: what
 * hm_update_received() tells after a restart is on flash and stable, for it is
 * the end of a sector that was complete before the journal said so; the sector
 * behind it is erased and written again, whatever a cut has left there.
 *
 * An image of role factory goes to HM_AREA_FACTORY and is never on trial: it is
 * in force when it is finished. While it is written there is no recovery image;
 * therefore it is taken only while a confirmed image runs.
 *
 * Rotation: the protected TLV HM_TLV_KEYS of a signed image names keys to trust
 * and keys to trust no more, by the hashes of hm_port_boot_key:
 *
 *   u8 adds | u8 revokes | adds * 32 bytes | revokes * 32 bytes
 *
 * It is done once the image has been confirmed: all are added before the first
 * is revoked, and a row that power has spoilt is replaced by a free one. Named
 * by hash, because the same key may stand in another row of each device. An
 * update that would revoke the key of an image that carries it, or that of the
 * factory image, or that finds too few free rows, is refused at the
 * announcement.
 *
 * The journal is read before each change: boot.h's functions may be called in
 * between. RAM: sizeof(struct hm_update), below 2 KiB, and about 1 KiB of stack
 * besides image.h's. One update at a time, one thread.
 */

#include "hallmark/boot.h"

HM_C_BEGIN

typedef enum hm_update_stage {
	HM_UPDATE_IDLE = 0,
	HM_UPDATE_RECEIVING = 1,
	HM_UPDATE_READY = 2,     /* whole and verified, not installed */
	HM_UPDATE_INSTALLED = 3, /* the next start tries it */
} hm_update_stage;

/* All zero is HM_UPDATE_IDLE: what to begin with after each reset. */
struct hm_update {
	hm_update_stage stage;
	struct hm_image image; /* as announced; `area` is where it goes */
	struct hm_flash flash; /* of that area */
	uint32_t received;     /* bytes of the image, from its start */
	uint32_t durable;      /* so many of them the journal knows of */
	uint32_t key_len;      /* 0: the payload comes in clear */
	uint8_t key[32];       /* of the payload; wiped at the end */
	uint32_t tlvs_len;
	uint8_t tlvs[HM_IMAGE_TLVS_MAX];
	uint8_t pending[HM_FLASH_UNIT_MAX]; /* not yet a whole unit */
};

/*
 * Announcing what was being received goes on where it became durable;
 * announcing another image gives up what there was of the one before.
 *
 * HM_E_IMAGE_*      of hm_image_parse and hm_image_signed
 * HM_E_IMAGE_ROLE   a manufacturing image: those come by a programmer
 * HM_E_IMAGE_OLDER  version or counter below those of the image that runs
 * HM_E_IMAGE_OPEN   encrypted for another key
 * HM_E_ROTATION     it would lock the device out, or finds no free row
 * HM_E_EXISTS       it runs already
 * HM_E_TOO_LARGE    the area has no room, or there are too many TLVs
 * HM_E_NOT_FOUND    there is no factory area
 * HM_E_WRONG_STATE  an update is installed or on trial: restart, confirm or
 *                   reject first; factory: no confirmed image runs
 * HM_E_IO           flash, counter, keys or life cycle cannot be read
 *
 * In all these cases nothing was changed: flash, journal, *update. HM_E_STORAGE
 * (journal or flash cannot be written): nothing but the slot; *update is idle.
 */
HM_MUST hm_err hm_update_announce(struct hm_update *update,
    const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_bytes tlvs);
/* Where to go on: bytes from the start of the image, up to the payload's end.
 */
uint32_t hm_update_received(const struct hm_update *update);
/*
 * The next bytes: the rest of the header area and the payload, in order, of any
 * length. HM_E_WRONG_STATE (nothing was announced), HM_E_TOO_LARGE (beyond the
 * payload's end): nothing was changed. HM_E_STORAGE: *update is idle; announce
 * again.
 */
HM_MUST hm_err hm_update_write(struct hm_update *update, struct hm_bytes bytes);
/*
 * Writes the TLVs and verifies the slot as boot will; again is fine.
 * HM_E_WRONG_STATE: not all received. HM_E_IMAGE_*, HM_E_ROTATION: the slot is
 * given up, and receiving begins anew. HM_E_STORAGE: *update is idle.
 */
HM_MUST hm_err hm_update_finish(struct hm_update *update);
/* The next start tries it. Once this has returned HM_OK the update is not lost
 * by any cut of power; again is fine. HM_E_WRONG_STATE, HM_E_STORAGE */
HM_MUST hm_err hm_update_install(struct hm_update *update);
/* Give up what was received, or installed but not yet started. HM_E_STORAGE */
HM_MUST hm_err hm_update_cancel(struct hm_update *update);

/*
 * Which image runs: the one in a slot, or in the factory area, whose digest is
 * the one that was measured (hm_port_firmware). HM_E_NOT_FOUND: none of them,
 * HM_E_IO. `key` of *ret is not filled in.
 */
HM_MUST hm_err hm_update_running(struct hm_image *ret);

/*
 * hm_boot_confirm(), and then what the image says about keys. HM_E_STORAGE;
 * HM_E_ROTATION, HM_E_IO: confirmed, but the keys are not all as it says.
 */
HM_MUST hm_err hm_update_confirm(void);
/*
 * At each start of the application, before the link is served: finishes a
 * rotation that power has cut. Nothing is done for an image that is not
 * confirmed. HM_E_ROTATION (no row is left to add a key: none was revoked),
 * HM_E_IMAGE_* (the running image does not verify), HM_E_IO
 */
HM_MUST hm_err hm_update_settle(void);

HM_C_END
