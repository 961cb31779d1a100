/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keeper - any asks of a front that was taken over, in any order
 *
 * The input is turns (turns.h). The low five bits of a kind:
 *   0 to 12  ask 1 to 13 of server/ask.h. Of a struct that would be right,
 *            bytes are altered: offset (two bytes), then what is xored there;
 *            a void or an object has the bytes as its payload
 *   16       a datagram as it stands
 *   17       time passes (seconds, two bytes), and the keeper settles
 *   18       the asks that follow are one batch
 *   19       the keeper is started again (one input in 32 may do so)
 * bits 5 and 6 choose in whose name, bit 7 leaves signatures as they were
 * before the bytes were altered. The keeper is whole, with database and ledger
 * (in memory, and not synced); the signer is the played one of the unit tests.
 * Signatures are marks (marks.h). A plant serves some hundred inputs, one after
 * the other.
 *
 * Every answer is in form and no breakdown, no order counts more than its
 * quota, and in the end an auditor finds nothing to object to.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include <sqlite3.h>

#include "../unit/server/plant.h"
#include "base/errtext.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "seal/sign1.h"
#include "turns.h"

#define CHIPS 4
#define QUOTA 3 /* so that it ends */
#define TURNS 6
/* After so many inputs all begins anew (12 ms), and one may start again (4 ms):
 * an input takes a tenth of one. */
#define SERVED 256
#define RESTARTS_EACH 32
#define UNSIGNED 0x80

enum { RAW = 16, TIME = 17, BATCH = 18, RESTART = 19 };

int fsync(int fd);
int fdatasync(int fd);
char *__real_mkdtemp(char *path);
char *__wrap_mkdtemp(char *path);

static struct plant plant;
static struct chip chips[CHIPS];
static struct buf stamps[CHIPS]; /* what each got last */
static struct buf batch[TURNS];
static size_t batched;
static bool is_batch;
static unsigned served;

/* SQLite's, too. Nothing here has to last. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* In memory, too; the plant has room for the path. */
char *
__wrap_mkdtemp(char *path)
{
	return __real_mkdtemp(strcpy(path, "/dev/shm/hallmark-keeper-XXXXXX"));
}

/* SQLite's way to lock a file: 18 system calls an input. Nobody else is here.
 */
static int
without_locks(int fd, int command, ...)
{
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	return command == F_SETLK ? 0 : fcntl(fd, command, argument);
}

static void
take_locks_away(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	fuzz_must(vfs->xSetSystemCall(vfs, "fcntl",
		      (sqlite3_syscall_ptr)without_locks) == SQLITE_OK);
}

/* ---- the plant ---- */

static void
begin(void)
{
	log_init("fuzz", (log_level)(LOG_ERROR + 1));
	served = 0;
	plant_new(&plant, QUOTA);
	for (uint32_t i = 0; i < CHIPS; i++) {
		chip_new(&chips[i], &plant, i);
		buf_init(&stamps[i], HM_STAMP_MAX);
	}
}

static void
end(void)
{
	if (plant.keeper == NULL)
		return;
	for (uint32_t i = 0; i < CHIPS; i++) {
		chip_done(&chips[i]);
		buf_done(&stamps[i]);
	}
	plant_done(&plant); /* an auditor looks at it */
}

/* ---- asks ---- */

static void
xor_in(void *at, size_t size, struct hm_bytes patch)
{
	uint8_t *bytes = at;
	size_t offset;

	if (patch.len < 3 || size == 0)
		return;
	offset = hm_get_u16(patch.ptr) % size;
	for (size_t i = 2; i < patch.len && offset < size; i++, offset++)
		bytes[offset] ^= patch.ptr[i];
}

static struct p256_pair *
name_of(uint8_t kind, struct p256_pair *right)
{
	struct p256_pair *const all[] = { right, plant.planner, plant.st_b,
		plant.stranger };

	return all[kind >> 5 & 3];
}

static void
put(ask_kind kind, const void *body, struct hm_bytes tail, struct buf *ret)
{
	plant_message(kind, body, tail, ret);
}

/* With the chip's signature over what the claims are now. */
static void
put_issue(uint8_t kind, struct hm_bytes patch, struct buf *ret)
{
	struct chip *chip = &chips[patch.len > 0 ? patch.ptr[0] % CHIPS : 0];
	uint8_t room[HM_CLAIMS_MAX];
	struct ask_issue ask;
	size_t len;

	plant_fill_issue(&plant, name_of(kind, plant.st_a), "PO-1", chip, &ask);
	xor_in(&ask, sizeof(ask), patch);
	if (!(kind & UNSIGNED) && patch.len > 2 &&
	    hm_claims_encode(&ask.kase.claims,
		(struct hm_span){ room, sizeof(room) }, &len) == HM_OK) {
		uint8_t binding[HM_DIGEST_LEN], digest[32];

		attest_binding(&ask.kase.claims, binding);
		sha256_one(HM_BYTES(binding), digest);
		fuzz_must(p256_pair_sign(chip->root, digest,
			      ask.kase.proof.soft.signature) == HM_OK);
	}
	put(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, ret);
}

static void
put_confirm(uint8_t kind, struct hm_bytes patch, struct buf *ret)
{
	size_t which = patch.len > 0 ? patch.ptr[0] % CHIPS : 0;
	uint8_t room[HM_CONFORMANCE_MAX], digest[32];
	struct hm_bytes payload = { room, 0 };
	struct ask_confirm ask;

	plant_fill_confirm(
	    &plant, &chips[which], buf_bytes(&stamps[which]), &ask);
	p256_pair_point(name_of(kind, plant.st_a), ask.peer);
	xor_in(&ask, sizeof(ask), patch);
	if (!(kind & UNSIGNED) && patch.len > 2 &&
	    hm_conformance_encode(&ask.conformance,
		(struct hm_span){ room, sizeof(room) },
		&payload.len) == HM_OK) {
		fuzz_must(sign1_digest((struct hm_bytes){ 0 },
			      HM_LITERAL(HM_AAD_CONFORMANCE), payload,
			      digest) == HM_OK);
		fuzz_must(p256_pair_sign(chips[which].identity, digest,
			      ask.signature) == HM_OK);
	}
	put(ASK_CONFIRM, &ask, (struct hm_bytes){ 0 }, ret);
}

static void
put_signed(uint8_t kind, ask_kind ask, struct hm_bytes payload, struct buf *ret)
{
	bool is_void = ask == ASK_VOID;
	size_t max = is_void ? HM_VOID_MAX : HM_OBJECT_MAX;
	struct p256_pair *right = is_void ? plant.st_a : plant.planner;
	struct p256_pair *by = is_void ? plant.st_a : plant.play.authority;
	struct hm_bytes aad =
	    is_void ? HM_LITERAL(HM_AAD_VOID) : HM_LITERAL(HM_AAD_OBJECT);
	struct buf message = { .max = max };
	struct ask_from from;

	p256_pair_point(name_of(kind, right), from.peer);
	if (payload.len > max)
		payload.len = max;
	if (kind & UNSIGNED || payload.len == 0 ||
	    sign1_make((struct hm_bytes){ 0 }, aad, payload, p256_pair_signer,
		by, &message) != HM_OK) {
		buf_clear(&message);
		fuzz_must(buf_add(&message, payload) == HM_OK);
	}
	put(ask, &from, buf_bytes(&message), ret);
	buf_done(&message);
}

/* The others: zeros but for peer and names. */
static void
put_plain(uint8_t kind, ask_kind ask, struct hm_bytes patch, struct buf *ret)
{
	static union {
		uint64_t align;
		struct ask_peer peer;
		struct ask_challenge challenge;
		struct ask_order order;
		struct ask_device device;
		struct ask_quarantine quarantine;
		struct ask_part part;
		struct ask_growth growth;
		uint8_t bytes[1024];
	} body;
	struct p256_pair *right =
	    ask == ASK_CHALLENGE ? plant.st_a : plant.auditor;

	memset(&body, 0, sizeof(body));
	p256_pair_point(name_of(kind, right), body.bytes); /* is first in all */
	if (ask == ASK_CHALLENGE)
		strcpy(body.challenge.order, "PO-1");
	else if (ask == ASK_ORDER)
		strcpy(body.order.order, "PO-1");
	else if (ask == ASK_DEVICE)
		strcpy(body.device.serial, "SN000001");
	else if (ask == ASK_GROWTH)
		body.growth.from = 1;
	else if (ask == ASK_FILE)
		body.part.level = ASK_CHECKPOINT;
	xor_in(&body, ask_rule((uint32_t)ask)->request_len, patch);
	put(ask, &body, (struct hm_bytes){ 0 }, ret);
}

static void
put_raw(struct hm_bytes message, struct buf *ret)
{
	buf_init(ret, ASK_MESSAGE_MAX);
	fuzz_must(buf_add(ret, message) == HM_OK);
}

static void
put_ask(uint8_t kind, struct hm_bytes bytes, struct buf *ret)
{
	ask_kind ask = (ask_kind)(1 + (kind & 31) % ASK_GROWTH);

	if ((kind & 31) == RAW)
		put_raw(bytes, ret);
	else if (ask == ASK_ISSUE)
		put_issue(kind, bytes, ret);
	else if (ask == ASK_CONFIRM)
		put_confirm(kind, bytes, ret);
	else if (ask == ASK_VOID || ask == ASK_OBJECT)
		put_signed(kind, ask, bytes, ret);
	else
		put_plain(kind, ask, bytes, ret);
}

/* ---- answers ---- */

static void
look_at(const struct said *said)
{

	fuzz_must(err_is_known(said->err));
	/* The played token has no shared secrets. */
	fuzz_must(
	    err_info(said->err)->http < 500 || said->err == HM_E_TOKEN_MATCH);
	if (said->err != HM_OK)
		return;
	if (said->head.kind == ASK_ISSUE ||
	    (said->head.kind >= ASK_CONFIRM && said->head.kind <= ASK_OBJECT))
		fuzz_must(plant_verify(&plant, said) == HM_OK);
}

/* Whose stamp is it? Then that chip can confirm it. */
static void
keep_stamp(const struct said *said)
{
	struct hm_sign1 sign1;
	struct hm_stamp stamp;

	if (said->err != HM_OK || said->head.kind != ASK_ISSUE)
		return;
	fuzz_must(hm_sign1_decode(said->stamp, HM_STAMP_MAX, &sign1) == HM_OK);
	fuzz_must(hm_stamp_decode(sign1.payload, &stamp) == HM_OK);
	for (size_t i = 0; i < CHIPS; i++) {
		if (memcmp(stamp.device_id, chips[i].kase.claims.device_id,
			HM_DEVICE_ID_LEN) != 0)
			continue;
		buf_clear(&stamps[i]);
		fuzz_must(buf_add(&stamps[i], said->stamp) == HM_OK);
	}
}

static bool
is_in_form(const struct buf *message)
{
	struct ask_head head;
	struct hm_bytes tail;
	const void *body;

	return ask_check_request(buf_bytes(message), ASK_BY_FRONT, &head, &body,
		   &tail) == HM_OK;
}

static void
ask_now(void)
{
	struct said said[TURNS] = { 0 };
	bool in_form = true;
	hm_err err;

	for (size_t i = 0; i < batched; i++)
		in_form &= is_in_form(&batch[i]);
	err = plant_batch(&plant, batch, batched, said);
	fuzz_must((err == HM_OK) == in_form);
	for (size_t i = 0; i < batched; i++) {
		if (err == HM_OK) {
			look_at(&said[i]);
			keep_stamp(&said[i]);
		}
		said_done(&said[i]);
		buf_done(&batch[i]);
	}
	batched = 0;
}

/* ---- turns ---- */

static void
take(const struct turn *turn)
{
	struct hm_bytes bytes = turn->bytes;

	switch (turn->kind & 31) {
	case TIME:
		if (bytes.len >= 2)
			plant.now_s += hm_get_u16(bytes.ptr);
		plant_settle(&plant);
		return;
	case BATCH:
		is_batch = true;
		return;
	case RESTART:
		if (served % RESTARTS_EACH != 0)
			return;
		plant_settle(&plant);
		fuzz_must(plant_reopen(&plant, NULL) == HM_OK);
		return;
	default:
		put_ask(turn->kind, bytes, &batch[batched++]);
		if (!is_batch)
			ask_now();
	}
}

/* What the order counts; false if the auditor may no longer ask: the authority
 * can take that back, and credentials end. */
static bool
look_at_counts(void)
{
	struct said said = { 0 };
	struct ask_order ask = { .order = "PO-1" };
	struct ask_order_answer counts;
	hm_err err;

	p256_pair_point(plant.auditor, ask.peer);
	err = plant_ask(&plant, ASK_ORDER, &ask, (struct hm_bytes){ 0 }, &said);
	if (err == HM_OK) {
		memcpy(&counts, said.body, sizeof(counts));
		fuzz_must(counts.quota == QUOTA && counts.used <= QUOTA);
		fuzz_must(counts.used + counts.reserved + counts.left == QUOTA);
	}
	said_done(&said);
	return err == HM_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size };
	struct turn turn;

	if (plant.keeper == NULL) {
		take_locks_away();
		begin();
		fuzz_must(atexit(end) == 0);
	}
	is_batch = false;
	for (size_t i = 0; i < TURNS && turns_next(&input, &turn); i++) {
		if (is_batch && (turn.kind & 31) > RAW)
			continue; /* a batch is of asks alone */
		take(&turn);
	}
	if (batched > 0)
		ask_now();
	if (!look_at_counts() || ++served == SERVED ||
	    plant.play.object_count + TURNS > PLAY_OBJECTS) {
		end();
		begin();
	}
	return 0;
}

TURNS_OF(&mutate_cbor)
