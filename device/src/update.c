/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sector is erased when its first unit is about to be programmed, so each
 * message costs one erase at most, and what the journal calls durable never
 * shares a sector with what is still to be written.
 */
#include "update_parts.h"

#include <string.h>

#define BLOCK 16u /* of AES */

HM_STATIC_ASSERT(sizeof(struct hm_update) <= 2048, "RAM as update.h says");
HM_STATIC_ASSERT(
    HM_FLASH_PIECE % HM_FLASH_UNIT_MAX == 0, "a piece of flash is whole units");

static uint32_t
payload_end(const struct hm_update *update)
{
	return update->image.header_len + update->image.payload_len;
}

static void
idle(struct hm_update *update)
{
	hm_wipe(update, sizeof(*update));
}

/* ---- decryption ---- */

/* Payload from `at` on, in place; a block that is cut by the piece is done by
 * way of a whole one. */
static void
decrypt(const struct hm_update *update, uint32_t at, struct hm_span text)
{
	static const uint8_t iv[12] = { 0 };
	const struct hm_bytes key = { update->key, update->key_len };
	uint8_t block[BLOCK] = { 0 };
	uint32_t lead = at % BLOCK;
	size_t n = lead == 0 ? 0 : BLOCK - lead;

	if (n > text.len)
		n = text.len;
	if (n > 0) {
		memcpy(block + lead, text.ptr, n);
		hm_ctr_crypt(
		    key, iv, at / BLOCK, HM_MAKE(hm_span, block, BLOCK));
		memcpy(text.ptr, block + lead, n);
		hm_wipe(block, sizeof(block));
	}
	if (text.len > n)
		hm_ctr_crypt(key, iv, (at + (uint32_t)n) / BLOCK,
		    HM_MAKE(hm_span, text.ptr + n, text.len - n));
}

/* Only what is payload was encrypted. `at` is from the start of the image. */
static void
decrypt_payload(
    const struct hm_update *update, uint32_t at, struct hm_span bytes)
{
	uint32_t from = update->image.header_len, to = payload_end(update);
	uint32_t end = at + (uint32_t)bytes.len;

	if (update->key_len == 0 || end <= from || at >= to)
		return;
	if (at > from)
		from = at;
	if (end < to)
		to = end;
	decrypt(update, from - update->image.header_len,
	    HM_MAKE(hm_span, bytes.ptr + (from - at), to - from));
}

/* ---- writing ---- */

/* All before `end` is on flash and stable, and `end` begins a sector. */
static hm_err
mark(struct hm_update *update, uint32_t end)
{
	struct hm_journal journal;

	if (end - update->durable < HM_UPDATE_MARK || end > payload_end(update))
		return HM_OK;
	HM_TRY(hm_journal_load(&journal));
	if (journal.incoming != update->image.area)
		return HM_E_STORAGE; /* somebody else gave it up */
	journal.received = end;
	HM_TRY(hm_journal_store(&journal));
	update->durable = end;
	return HM_OK;
}

/* Whole units at `at`, all of one sector. */
static hm_err
program(struct hm_update *update, uint32_t at, struct hm_bytes units)
{
	const hm_area area = update->image.area;

	hm_port_watchdog();
	if (at % update->flash.sector == 0)
		HM_TRY(hm_port_flash_erase(area, at));
	HM_TRY(hm_port_flash_program(area, at, units));
	at += (uint32_t)units.len;
	return at % update->flash.sector == 0 ? mark(update, at) : HM_OK;
}

/* As many of `bytes` as one call may program; returns their number. */
static hm_err
take_some(struct hm_update *update, struct hm_bytes bytes, size_t *ret_taken)
{
	uint8_t piece[HM_FLASH_PIECE];
	const uint32_t held = update->received % update->flash.unit;
	const uint32_t at = update->received - held;
	uint32_t room = update->flash.sector - at % update->flash.sector;
	size_t n, whole;
	hm_err err = HM_OK;

	if (room > sizeof(piece))
		room = sizeof(piece);
	n = bytes.len < room - held ? bytes.len : room - held;
	memcpy(piece, update->pending, held);
	memcpy(piece + held, bytes.ptr, n);
	decrypt_payload(
	    update, update->received, HM_MAKE(hm_span, piece + held, n));
	whole = (held + n) / update->flash.unit * update->flash.unit;
	if (whole > 0)
		err = program(update, at, HM_MAKE(hm_bytes, piece, whole));
	memcpy(update->pending, piece + whole, held + n - whole);
	hm_wipe(piece, sizeof(piece));
	update->received += (uint32_t)n;
	*ret_taken = n;
	return err;
}

static hm_err
take(struct hm_update *update, struct hm_bytes bytes)
{
	size_t taken = 0;

	while (bytes.len > 0) {
		if (take_some(update, bytes, &taken) != HM_OK) {
			idle(update);
			return HM_E_STORAGE;
		}
		bytes.ptr += taken;
		bytes.len -= taken;
	}
	return HM_OK;
}

/* The last unit is filled up as erased flash is. */
static hm_err
flush(struct hm_update *update)
{
	uint8_t fill[HM_FLASH_UNIT_MAX];
	const uint32_t size = update->received;
	uint32_t held = size % update->flash.unit;

	if (held == 0)
		return HM_OK;
	memset(fill, update->flash.erased, sizeof(fill));
	HM_TRY(
	    take(update, HM_MAKE(hm_bytes, fill, update->flash.unit - held)));
	update->received = size;
	return HM_OK;
}

/* ---- announcing ---- */

/* What an announcement leads to, until it is sure that it does. */
struct coming {
	struct hm_image image;
	struct hm_flash flash;
	uint32_t key_len;
	uint8_t key[32];
};

/* Where an update of this digest goes on; 0: from the start. */
static uint32_t
resume_at(const struct coming *coming, const struct hm_journal *journal)
{
	uint32_t at = journal->received;

	if (journal->incoming != coming->image.area ||
	    !hm_equal_ct(
		journal->announced, coming->image.digest, HM_DIGEST_LEN))
		return 0;
	if (at == coming->image.size)
		return at;
	if (at % coming->flash.sector != 0 ||
	    at > coming->image.header_len + coming->image.payload_len)
		return 0;
	return at;
}

/* All that can be said before anything changes. */
static hm_err
consider(const uint8_t *header, struct hm_bytes tlvs, struct coming *ret)
{
	hm_err err = HM_E_IMAGE_UNTRUSTED;

	if (tlvs.len > HM_IMAGE_TLVS_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(hm_image_parse(header, tlvs, UINT32_MAX, &ret->image));
	HM_TRY(update_place(&ret->image, &ret->image.area));
	HM_TRY(hm_port_flash(ret->image.area, &ret->flash));
	if (ret->image.size > ret->flash.size)
		return HM_E_TOO_LARGE;
	if (hm_image_signed(&ret->image, tlvs, &err) != HM_VERDICT_YES)
		return err == HM_OK ? HM_E_IMAGE_UNTRUSTED : err;
	HM_TRY(update_judge(&ret->image, tlvs));
	return hm_image_payload_key(&ret->image, tlvs, ret->key, &ret->key_len);
}

static void
adopt(struct hm_update *update, const struct coming *coming,
    struct hm_bytes tlvs, uint32_t at)
{
	memmove(update->tlvs, tlvs.ptr, tlvs.len);
	update->tlvs_len = (uint32_t)tlvs.len;
	update->image = coming->image;
	update->flash = coming->flash;
	update->key_len = coming->key_len;
	memcpy(update->key, coming->key, sizeof(update->key));
	update->stage = HM_UPDATE_RECEIVING;
	update->received = update->durable = at;
}

/* From its start: what there was before is given up in the same record. */
static hm_err
begin(struct hm_update *update, struct hm_journal *journal,
    const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN])
{
	journal->incoming = update->image.area;
	journal->received = 0;
	memcpy(journal->announced, update->image.digest, HM_DIGEST_LEN);
	if (hm_journal_store(journal) != HM_OK) {
		idle(update);
		return HM_E_STORAGE;
	}
	return take(update, HM_MAKE(hm_bytes, header, HM_IMAGE_HEADER_LEN));
}

hm_err
hm_update_announce(struct hm_update *update,
    const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_bytes tlvs)
{
	struct coming coming = HM_ZERO;
	struct hm_journal journal;
	uint32_t at;
	hm_err err = consider(header, tlvs, &coming);

	if (err == HM_OK)
		err = hm_journal_load(&journal);
	if (err != HM_OK) {
		hm_wipe(&coming, sizeof(coming));
		return err;
	}
	at = resume_at(&coming, &journal);
	adopt(update, &coming, tlvs, at);
	hm_wipe(&coming, sizeof(coming));
	return at > 0 ? HM_OK : begin(update, &journal, header);
}

uint32_t
hm_update_received(const struct hm_update *update)
{
	uint32_t end = payload_end(update);

	return update->received < end ? update->received : end;
}

hm_err
hm_update_write(struct hm_update *update, struct hm_bytes bytes)
{
	if (update->stage != HM_UPDATE_RECEIVING)
		return HM_E_WRONG_STATE;
	if (bytes.len > payload_end(update) - hm_update_received(update))
		return HM_E_TOO_LARGE;
	return take(update, bytes);
}

/* ---- finishing ---- */

/* The journal as it stands, if it still speaks of this update. */
static hm_err
load_own(const struct hm_update *update, struct hm_journal *ret)
{
	HM_TRY(hm_journal_load(ret));
	if (ret->incoming != update->image.area ||
	    !hm_equal_ct(ret->announced, update->image.digest, HM_DIGEST_LEN))
		return HM_E_WRONG_STATE;
	return HM_OK;
}

/* TLVs and the last unit; then nothing has to be sent again after a cut. */
static hm_err
complete(struct hm_update *update)
{
	struct hm_journal journal;

	if (update->received == update->image.size)
		return HM_OK;
	HM_TRY(take(update, HM_MAKE(hm_bytes, update->tlvs, update->tlvs_len)));
	HM_TRY(flush(update));
	HM_TRY(load_own(update, &journal));
	journal.received = update->received;
	return hm_journal_store(&journal);
}

/* As boot will; and what was announced is what was found. */
static hm_err
verify(const struct hm_update *update)
{
	const struct hm_bytes tlvs = { update->tlvs, update->tlvs_len };
	struct hm_image found = HM_ZERO;
	hm_err err = HM_E_IMAGE_SIGNATURE;

	if (hm_image_verify(update->image.area, &found, &err) != HM_VERDICT_YES)
		return err == HM_OK ? HM_E_IMAGE_SIGNATURE : err;
	if (!hm_equal_ct(found.digest, update->image.digest, HM_DIGEST_LEN))
		return HM_E_IMAGE_HASH;
	return update_judge(&found, tlvs);
}

/* Whatever is in the slot, it is not an update. */
static hm_err
give_up(struct hm_update *update)
{
	struct hm_journal journal;

	HM_TRY(load_own(update, &journal));
	journal.incoming = HM_AREA_NONE;
	journal.received = 0;
	memset(journal.announced, 0, sizeof(journal.announced));
	return hm_journal_store(&journal);
}

hm_err
hm_update_finish(struct hm_update *update)
{
	hm_err err;

	if (update->stage == HM_UPDATE_READY ||
	    update->stage == HM_UPDATE_INSTALLED)
		return HM_OK;
	if (update->stage != HM_UPDATE_RECEIVING ||
	    hm_update_received(update) != payload_end(update))
		return HM_E_WRONG_STATE;
	if (complete(update) != HM_OK) {
		idle(update);
		return HM_E_STORAGE;
	}
	hm_wipe(update->key, sizeof(update->key));
	err = verify(update);
	if (err == HM_OK) {
		update->stage = HM_UPDATE_READY;
		return HM_OK;
	}
	if (err != HM_E_IO && give_up(update) != HM_OK)
		err = HM_E_STORAGE;
	idle(update);
	return err;
}

hm_err
hm_update_install(struct hm_update *update)
{
	struct hm_journal journal;

	if (update->stage == HM_UPDATE_INSTALLED)
		return HM_OK;
	if (update->stage != HM_UPDATE_READY)
		return HM_E_WRONG_STATE;
	HM_TRY(load_own(update, &journal));
	journal.incoming = HM_AREA_NONE;
	journal.received = 0;
	if (update->image.role != HM_ROLE_FACTORY) {
		journal.trial = update->image.area;
		journal.attempts = 0;
	}
	HM_TRY(hm_journal_store(&journal));
	update->stage = HM_UPDATE_INSTALLED;
	return HM_OK;
}

hm_err
hm_update_cancel(struct hm_update *update)
{
	struct hm_journal journal;
	bool waits;

	idle(update);
	HM_TRY(hm_journal_load(&journal));
	waits = journal.trial != HM_AREA_NONE && journal.attempts == 0;
	if (journal.incoming == HM_AREA_NONE && !waits)
		return HM_OK;
	if (waits)
		journal.trial = HM_AREA_NONE;
	journal.incoming = HM_AREA_NONE;
	journal.received = 0;
	memset(journal.announced, 0, sizeof(journal.announced));
	return hm_journal_store(&journal);
}
