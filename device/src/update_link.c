/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/update_link.h"

#include <string.h>

#define READ_LEN 256  /* bytes of stack for one read */
#define DATA_HEAD 32u /* around the bytes of a data message, and more */

HM_STATIC_ASSERT(
    sizeof(struct hm_update_serve) <= 3072, "RAM as update_link.h says");
HM_STATIC_ASSERT(
    HM_UPDATE_LONGEST <= HM_UPDATE_ASK_MAX, "what is taken, the wire takes");
HM_STATIC_ASSERT((int)HM_UPDATE_AT_INSTALLED == (int)HM_UPDATE_INSTALLED,
    "the numbers on the wire are those of the library");

/* Bytes of a message that the frame's room has room for. */
static uint32_t
longest_piece(size_t room)
{
	size_t len = room - room / 254 - 8;

	if (len > HM_UPDATE_PIECE + DATA_HEAD)
		len = HM_UPDATE_PIECE + DATA_HEAD;
	return len > DATA_HEAD ? (uint32_t)(len - DATA_HEAD) : 1;
}

hm_err
hm_update_serve_init(struct hm_update_serve *serve, struct hm_span room)
{
	struct hm_image image;
	hm_err err;

	memset(serve, 0, sizeof(*serve));
	hm_frame_in_init(&serve->in, room);
	serve->known.piece = longest_piece(room.len);
	HM_TRY(hm_port_firmware(serve->known.running));
	err = hm_update_running(&image);
	if (err == HM_E_NOT_FOUND)
		return HM_OK;
	HM_TRY(err);
	serve->known.major = image.version.major;
	serve->known.minor = image.version.minor;
	serve->known.revision = image.version.revision;
	serve->known.build = image.version.build;
	return HM_OK;
}

/* ---- state ---- */

/* Of an update that is not in hand: what the journal knows. */
static void
recall(const struct hm_journal *journal, struct hm_update_state *ret)
{
	memcpy(ret->update, journal->announced, sizeof(ret->update));
	if (journal->trial != HM_AREA_NONE && journal->attempts == 0)
		ret->where = HM_UPDATE_AT_INSTALLED;
	else if (journal->incoming == HM_AREA_NONE)
		memset(ret->update, 0, sizeof(ret->update));
}

static hm_err
tell(const struct hm_update_serve *serve, struct hm_update_state *ret)
{
	const struct hm_update *update = &serve->update;
	struct hm_journal journal;

	*ret = serve->known;
	HM_TRY(hm_port_counter(&ret->counter));
	HM_TRY(hm_journal_load(&journal));
	ret->is_confirmed =
	    journal.trial == HM_AREA_NONE || journal.attempts == 0;
	if (update->stage == HM_UPDATE_IDLE) {
		recall(&journal, ret);
		return HM_OK;
	}
	ret->where = (hm_update_where)update->stage;
	ret->size = update->image.header_len + update->image.payload_len;
	ret->received = hm_update_received(update);
	memcpy(ret->update, update->image.digest, sizeof(ret->update));
	return HM_OK;
}

/* ---- questions ---- */

/* The TLVs hold the hash of all the rest: the same again is the same image. */
static hm_err
announce(struct hm_update *update, const struct hm_update_ask *ask)
{
	const struct hm_bytes before = { update->tlvs, update->tlvs_len };

	if (update->stage != HM_UPDATE_IDLE &&
	    hm_bytes_equal(before, ask->tlvs))
		return HM_OK;
	return hm_update_announce(update, ask->header, ask->tlvs);
}

/* What is there already is passed over; what leaves a gap is not taken. */
static hm_err
data(struct hm_update *update, const struct hm_update_ask *ask)
{
	const uint32_t at = hm_update_received(update);
	struct hm_bytes bytes = ask->bytes;
	size_t known;

	if (update->stage == HM_UPDATE_IDLE)
		return HM_E_WRONG_STATE;
	if (ask->at > at)
		return HM_OK;
	known = at - ask->at;
	if (known >= bytes.len)
		return HM_OK;
	bytes.ptr += known;
	bytes.len -= known;
	return hm_update_write(update, bytes);
}

static hm_err
obey(struct hm_update_serve *serve, struct hm_bytes message)
{
	struct hm_update_ask ask;

	HM_TRY(hm_update_ask_decode(message, &ask));
	serve->known.asked = ask.type;
	switch (ask.type) {
	case HM_UPDATE_STATUS:
		return HM_OK;
	case HM_UPDATE_ANNOUNCE:
		return announce(&serve->update, &ask);
	case HM_UPDATE_DATA:
		return data(&serve->update, &ask);
	case HM_UPDATE_FINISH:
		return hm_update_finish(&serve->update);
	case HM_UPDATE_INSTALL:
		return hm_update_install(&serve->update);
	case HM_UPDATE_CANCEL:
		return hm_update_cancel(&serve->update);
	case HM_UPDATE_RESTART:
		serve->restart = true;
		return HM_OK;
	case HM_UPDATE_PROBLEM:
	case HM_UPDATE_STATE:
		break; /* answers, not questions */
	}
	return HM_E_BAD_INPUT;
}

hm_err
hm_update_handle(struct hm_update_serve *serve, struct hm_bytes message,
    struct hm_span room, size_t *ret_len)
{
	struct hm_update_answer answer = { .err = HM_OK };

	if (room.len < HM_UPDATE_ANSWER_MAX)
		return HM_E_NO_ROOM;
	answer.err = obey(serve, message);
	if (answer.err == HM_OK)
		answer.err = tell(serve, &answer.state);
	return hm_update_answer_encode(&answer, room, ret_len);
}

/* ---- frames ---- */

static hm_err
reply(struct hm_update_serve *serve, struct hm_bytes message)
{
	size_t len = 0;

	HM_TRY(hm_update_handle(serve, message,
	    HM_MAKE(hm_span, serve->answer, sizeof(serve->answer)), &len));
	HM_TRY(hm_frame_encode(HM_MAKE(hm_bytes, serve->answer, len),
	    HM_MAKE(hm_span, serve->frame, sizeof(serve->frame)), &len));
	return hm_port_link_write(HM_MAKE(hm_bytes, serve->frame, len));
}

hm_err
hm_update_serve_feed(struct hm_update_serve *serve, struct hm_bytes bytes)
{
	struct hm_bytes message;

	for (size_t i = 0; i < bytes.len; i++)
		if (hm_frame_put(&serve->in, bytes.ptr[i], &message))
			HM_TRY(reply(serve, message));
	return HM_OK;
}

hm_err
hm_update_serve_run(struct hm_update_serve *serve)
{
	uint8_t bytes[READ_LEN];
	size_t len = 0;

	while (!serve->restart) {
		HM_TRY(hm_port_link_read(
		    HM_MAKE(hm_span, bytes, sizeof(bytes)), &len));
		HM_TRY(
		    hm_update_serve_feed(serve, HM_MAKE(hm_bytes, bytes, len)));
	}
	return HM_OK;
}
