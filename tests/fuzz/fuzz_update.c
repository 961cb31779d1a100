/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_update - any conversation about updates, with resets in between
 *
 * The input is a list of turns (turns.h); their kinds, modulo 6:
 *   0  a message as it stands          1  bytes of the link as they stand
 *   2  one of the images is announced, bytes of header and TLVs changed
 *   3  the next of its data, or other data
 *   4  finish, install, cancel, status, restart
 *   5  a reset: the boot loader chooses, what runs confirms, rejects or neither
 *
 * Whatever is said: the image that runs is not written to, something starts
 * after every reset, a key is trusted, the counter does not go back, and what
 * is installed verifies.
 */
#include <string.h>

#include "board.h"
#include "fuzz.h"
#include "hallmark/update_link.h"
#include "mutate.h"
#include "turns.h"

#define TURNS 12
#define IMAGES 6
#define PAYLOAD 4400u /* of the one that is long enough to be resumed */
#define SHORT 200u
#define SLOT 6144u
#define KIB 1024u

static const struct nor_chip chip = { .name = "fuzz",
	.areas = {
	    { HM_AREA_JOURNAL, { 2 * KIB, 1 * KIB, 32, 0xff } },
	    { HM_AREA_SLOT_A, { SLOT, 2 * KIB, 32, 0xff } },
	    { HM_AREA_SLOT_B, { SLOT, 2 * KIB, 32, 0xff } },
	    { HM_AREA_FACTORY, { SLOT, 2 * KIB, 32, 0xff } },
	} };

static struct made first, images[IMAGES];
static struct hm_update_serve serve;
static uint8_t room[HM_UPDATE_ROOM], running[SLOT];
static hm_area runs;
static uint32_t counter;

/* ---- the device, once ---- */

static void
make_images(void)
{
	static uint8_t payload[PAYLOAD], point[HM_POINT_LEN], keys[2][32];
	static uint8_t add[34] = { 1, 0 }, revoke[34] = { 0, 1 };
	struct maker how = { .version = { .major = 1 },
		.counter = 1,
		.payload = { payload, SHORT },
		.signer = keys[0] };

	maker_scalar(1, keys[0]);
	maker_scalar(2, keys[1]);
	maker_key_hash(keys[1], add + 2);
	maker_key_hash(keys[0], revoke + 2);
	fuzz_must(hm_p256_public(board.kem, point) == HM_OK);
	maker_make(&how, &first);
	maker_make(&how, &images[5]);
	how.version.major = 2;
	how.counter = 2;
	how.payload.len = PAYLOAD;
	maker_make(&how, &images[0]);
	how.payload.len = SHORT;
	how.recipient = point;
	how.key_len = 16;
	maker_make(&how, &images[1]);
	how.recipient = NULL;
	how.version.major = 3;
	how.keys = HM_BYTES(add);
	maker_make(&how, &images[2]);
	how.version.major = 4;
	how.signer = keys[1];
	how.keys = HM_BYTES(revoke);
	maker_make(&how, &images[3]);
	how.signer = keys[0];
	how.keys.len = 0;
	how.role = HM_ROLE_FACTORY;
	maker_make(&how, &images[4]);
}

static void
start_service(void)
{
	hm_journal_reset();
	board.out_len = 0;
	fuzz_must(hm_update_serve_init(
		      &serve, (struct hm_span){ room, sizeof(room) }) == HM_OK);
}

static void
look_at_what_runs(hm_area area)
{
	runs = area;
	fuzz_must(hm_port_flash_read(area, 0,
		      (struct hm_span){ running, sizeof(running) }) == HM_OK);
}

static void
power_up(void)
{
	static bool made;
	static uint8_t firmware[HM_DIGEST_LEN];

	if (!made) {
		board_new(&chip);
		make_images();
		board_runs(HM_AREA_SLOT_A, &first);
		memcpy(firmware, board.firmware, sizeof(firmware));
		nor_mark();
		made = true;
	}
	nor_rewind();
	memcpy(board.firmware, firmware, sizeof(firmware));
	counter = 0;
	look_at_what_runs(HM_AREA_SLOT_A);
	start_service();
}

/* ---- what must hold ---- */

static void
must_be_safe(void)
{
	static uint8_t found[SLOT];
	uint8_t row[HM_DIGEST_LEN];
	unsigned trusted = 0;

	fuzz_must(hm_port_flash_read(runs, 0,
		      (struct hm_span){ found, sizeof(found) }) == HM_OK);
	fuzz_must(memcmp(found, running, sizeof(found)) == 0);
	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++)
		trusted += hm_port_boot_key(i, row) == HM_OK;
	fuzz_must(trusted > 0);
	fuzz_must(nor.otp->counter >= counter);
	counter = nor.otp->counter;
}

static void
judge_answer(struct hm_bytes reply)
{
	struct hm_update_answer answer;

	fuzz_must(hm_update_answer_decode(reply, &answer) == HM_OK);
	if (answer.err == HM_OK)
		fuzz_must(answer.state.received <= answer.state.size);
}

/* ---- turns ---- */

static void
say(struct hm_bytes message)
{
	uint8_t reply[HM_UPDATE_ANSWER_MAX];
	size_t len = 0;

	fuzz_must(hm_update_handle(&serve, message,
		      (struct hm_span){ reply, sizeof(reply) }, &len) == HM_OK);
	judge_answer((struct hm_bytes){ reply, len });
}

static void
ask(const struct hm_update_ask *question)
{
	static uint8_t message[HM_UPDATE_ASK_MAX];
	size_t len = 0;

	if (hm_update_ask_encode(question,
		(struct hm_span){ message, sizeof(message) }, &len) == HM_OK)
		say((struct hm_bytes){ message, len });
}

static uint8_t
at(struct hm_bytes bytes, size_t i)
{
	return i < bytes.len ? bytes.ptr[i] : 0;
}

/* byte 0: which; then triples: where (u16), what is xor-ed there. */
static void
announce(struct hm_bytes bytes)
{
	static uint8_t tlvs[HM_IMAGE_TLVS_MAX];
	const struct made *made = &images[at(bytes, 0) % IMAGES];
	struct hm_update_ask question = { .type = HM_UPDATE_ANNOUNCE };
	const struct hm_bytes own = made_tlvs(made);

	memcpy(question.header, made->bytes, sizeof(question.header));
	memcpy(tlvs, own.ptr, own.len);
	for (size_t i = 1; i + 3 <= bytes.len; i += 3) {
		size_t where = hm_get_u16(bytes.ptr + i) % (32 + own.len);

		if (where < 32)
			question.header[where] ^= bytes.ptr[i + 2];
		else
			tlvs[where - 32] ^= bytes.ptr[i + 2];
	}
	question.tlvs = (struct hm_bytes){ tlvs, own.len };
	ask(&question);
}

/* byte 0: of which image; 1: how much; 2: what byte of it is changed, how. */
static void
send(struct hm_bytes bytes)
{
	static uint8_t piece[HM_UPDATE_PIECE];
	const struct made *made = &images[at(bytes, 0) % IMAGES];
	const uint32_t from = hm_update_received(&serve.update);
	uint32_t n = (at(bytes, 1) + 1u) * 4;
	struct hm_update_ask question = { .type = HM_UPDATE_DATA, .at = from };

	if (from >= made->tlvs_at)
		return;
	if (n > made->tlvs_at - from)
		n = made->tlvs_at - from;
	if (n > sizeof(piece))
		n = sizeof(piece);
	memcpy(piece, made->bytes + from, n);
	piece[at(bytes, 2) % n] ^= at(bytes, 3);
	question.bytes = (struct hm_bytes){ piece, n };
	ask(&question);
}

static void
order(struct hm_bytes bytes)
{
	static const hm_update_type types[] = { HM_UPDATE_FINISH,
		HM_UPDATE_INSTALL, HM_UPDATE_CANCEL, HM_UPDATE_STATUS,
		HM_UPDATE_RESTART };
	const struct hm_update_ask question = { .type =
						    types[at(bytes, 0) % 5] };

	ask(&question);
}

static void
reset(struct hm_bytes bytes)
{
	struct hm_boot boot;
	hm_err err = HM_OK;

	must_be_safe();
	nor_power_on();
	fuzz_must(hm_boot_choose(&boot, &err) == HM_VERDICT_YES);
	memcpy(board.firmware, boot.image.digest, HM_DIGEST_LEN);
	look_at_what_runs(boot.image.area);
	hm_journal_reset();
	err = hm_update_settle();
	fuzz_must(err == HM_OK || err == HM_E_ROTATION);
	if (boot.trial == HM_VERDICT_YES && at(bytes, 0) % 3 == 0)
		err = hm_update_confirm();
	else if (boot.trial == HM_VERDICT_YES && at(bytes, 0) % 3 == 1)
		err = hm_boot_reject();
	fuzz_must(err == HM_OK || err == HM_E_ROTATION);
	start_service();
}

static void
turn(uint8_t kind, struct hm_bytes bytes)
{
	board.out_len = 0;
	switch (kind) {
	case 0:
		say(bytes);
		break;
	case 1: /* more answers than there is room for: the link is gone */
		if (hm_update_serve_feed(&serve, bytes) != HM_OK)
			start_service();
		break;
	case 2:
		announce(bytes);
		break;
	case 3:
		send(bytes);
		break;
	case 4:
		order(bytes);
		break;
	default:
		reset(bytes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size };
	struct turn next;

	power_up();
	for (size_t i = 0; i < TURNS && turns_next(&input, &next); i++)
		turn(next.kind % 6, next.bytes);
	must_be_safe();
	return 0;
}

TURNS_OF(&mutate_cbor)
