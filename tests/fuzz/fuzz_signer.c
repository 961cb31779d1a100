/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_signer - any asks of a keeper that was taken over, in any order
 *
 * The input is turns (turns.h); the low three bits of their kinds:
 *   0  hello
 *   1  load: the bytes are the payload of an object
 *   2  issue: of an ask that would be right, bytes are altered: offset (two
 *      bytes), then what is xored there
 *   3  a checkpoint: size (8 bytes) and root
 *   4  a part of a revocation list: number, of how many, then the list
 *   5  what did not fit the answer: offset (8 bytes)
 *   6  a datagram as it stands
 * bit 7: signatures are looked at; else all are taken for good, so that what
 * lies behind them is reached. The signer is whole but for its token, which
 * stands here; signatures are marks (marks.h).
 *
 * What comes out is in form: a stamp with a certificate of the number that the
 * order has, a list that its reader takes, a checkpoint under the log's key.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/server/issuer.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "fuzz.h"
#include "marks.h"
#include "seal/sign1.h"
#include "server/signer/answer.h"
#include "turns.h"

#define T0 UINT64_C(1800000000)
#define ORIGIN "log.example.com/test"
#define QUOTA 5
#define RETURNS 2
#define TURNS 8
#define LOADED_MAX 64
#define LOOKED_AT 0x80

hm_err __wrap_signer_keys_open(const struct signer_options *options,
    const struct secret *pin, struct signer_keys *ret, struct why *why);
void __wrap_signer_keys_done(struct signer_keys *keys);
hm_err __wrap_signer_keys_sign(
    struct signer_key *key, struct hm_bytes input, uint8_t *ret, size_t len);
hm_err __wrap_signer_keys_digest(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64]);
hm_err __wrap_signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len);
struct hm_bytes __wrap_token_key_public(const struct token_key *key);
uint64_t __wrap_clock_now_s(void);

static struct {
	struct p256_pair *issuer, *stamp;
	uint8_t stamp_point[65], log_seed[32], log_public[32];
} token;
static uint8_t handles[3]; /* stand for keys of the token */

static struct signer_options options = { .origin = ORIGIN };
static struct signer signer;
static struct reply reply;
static struct ask_sign_issue right; /* an ask that is answered */

/* ---- the token ---- */

static hm_err
sign_certificate(
    void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	fuzz_must(digest.len == 32 && ret_len == 64);
	return p256_pair_sign(context, digest.ptr, ret);
}

hm_err
__wrap_signer_keys_open(const struct signer_options *with,
    const struct secret *pin, struct signer_keys *ret, struct why *why)
{
	(void)pin;
	(void)why;
	ret->issuer.key = (struct token_key *)&handles[0];
	ret->stamp.key = (struct token_key *)&handles[1];
	ret->log.key = (struct token_key *)&handles[2];
	ret->ca = (struct ca_issuer){ .certificate = with->issuer_certificate,
		.sig = CA_ES256,
		.sign = sign_certificate,
		.context = token.issuer };
	sign1_kid(token.stamp_point, ret->stamp_kid);
	return HM_OK;
}

void
__wrap_signer_keys_done(struct signer_keys *keys)
{
	(void)keys;
}

struct hm_bytes
__wrap_token_key_public(const struct token_key *key)
{
	return key == (struct token_key *)&handles[2]
		   ? HM_BYTES(token.log_public)
		   : HM_BYTES(token.stamp_point);
}

hm_err
__wrap_signer_keys_sign(
    struct signer_key *key, struct hm_bytes input, uint8_t *ret, size_t len)
{
	fuzz_must(key == &signer.keys.log && len == 64);
	return ed25519_sign(token.log_seed, input, ret);
}

hm_err
__wrap_signer_keys_digest(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	fuzz_must(context == &signer.keys.stamp);
	return p256_pair_sign(token.stamp, digest, ret);
}

hm_err
__wrap_signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len)
{
	(void)context;
	(void)label;
	(void)room;
	(void)ret_len;
	return HM_E_TOKEN_MATCH;
}

uint64_t
__wrap_clock_now_s(void)
{
	return T0;
}

/* ---- what it knows ---- */

static hm_err
load(struct hm_bytes payload, uint8_t *ret_digest)
{
	static uint8_t message[HM_OBJECT_MAX];
	struct hm_sign1 sign1 = { .payload = payload };
	size_t len;

	HM_TRY(hm_sign1_encode(
	    &sign1, (struct hm_span){ message, sizeof(message) }, &len));
	if (ret_digest != NULL)
		sha256_one((struct hm_bytes){ message, len }, ret_digest);
	return answer_make(&signer, ASK_SIGN_LOAD, NULL,
	    (struct hm_bytes){ message, len }, &reply);
}

static void
load_object(const struct hm_object *object, uint8_t *ret_digest)
{
	static uint8_t payload[HM_OBJECT_MAX];
	size_t len;

	fuzz_must(
	    hm_object_encode(object,
		(struct hm_span){ payload, sizeof(payload) }, &len) == HM_OK);
	fuzz_must(load((struct hm_bytes){ payload, len }, ret_digest) == HM_OK);
}

static void
load_all(void)
{
	static const uint8_t hw_type[] = { 0x2b, 6, 1, 4, 1 };
	static struct hm_object object;
	uint8_t product[HM_DIGEST_LEN], release[HM_DIGEST_LEN];

	object = (struct hm_object){ .kind = HM_OBJECT_PRODUCT, .made_s = T0 };
	object.product = (struct hm_product){ .name = HM_LITERAL("lamp"),
		.version = 1,
		.scheme = HM_SCHEME_SOFT,
		.key_source = HM_KEYS_ANY,
		.lock_min = HM_LOCK_CLOSED,
		.organization = HM_LITERAL("Example"),
		.hw_type = HM_BYTES(hw_type),
		.secrets = { { .name = HM_LITERAL("disk"),
		    .kind = HM_SECRET_RANDOM,
		    .size = 32 } },
		.secret_count = 1 };
	load_object(&object, product);
	object = (struct hm_object){ .kind = HM_OBJECT_RELEASE, .made_s = T0 };
	object.release = (struct hm_release){ .name = HM_LITERAL("1.0"),
		.product = HM_LITERAL("lamp"),
		.channel = HM_CHANNEL_DEV,
		.counter = 3,
		.images = { { .name = HM_LITERAL("app"),
		    .format = HM_LITERAL("raw"),
		    .digest = { 0xf1 },
		    .size = 1000 } },
		.image_count = 1 };
	load_object(&object, release);
	object = (struct hm_object){ .kind = HM_OBJECT_ORDER, .made_s = T0 };
	object.order = (struct hm_order){ .name = HM_LITERAL("PO-1"),
		.channel = HM_CHANNEL_DEV,
		.quota = QUOTA,
		.returns = RETURNS,
		.serial_prefix = HM_LITERAL("SN"),
		.serial_first = 10,
		.serial_digits = 6,
		.mac_first = { 0x02, 0, 0, 0, 0, 0xfe },
		.has_macs = true,
		.stations = { HM_LITERAL("st-a") },
		.station_count = 1,
		.not_before_s = T0 - 1000,
		.not_after_s = T0 + 1000,
		.confirm_within_s = 600 };
	memcpy(object.order.product, product, sizeof(product));
	memcpy(object.order.release, release, sizeof(release));
	load_object(&object, right.order);
}

static void
make_right_ask(void)
{
	struct hm_claims *claims = &right.kase.claims;

	right.issued_s = T0;
	claims->device_id[0] = 0xd1;
	claims->scheme = HM_SCHEME_SOFT;
	claims->counter = 3;
	claims->lock = HM_LOCK_CLOSED;
	claims->release[0] = 0xf1;
	p256_pair_point(token.issuer, claims->identity);
	p256_pair_point(token.stamp, claims->kem);
	p256_pair_point(token.issuer, right.kase.proof.soft.key);
}

static void
open_signer(void)
{
	struct secret pin = { .len = 4 };

	fuzz_must(answer_open(&options, &pin, &signer, NULL) == HM_OK);
	marks_take_all(true);
	load_all();
}

static void
end(void)
{
	answer_close(&signer);
	buf_done(&reply.tail);
	p256_pair_free(token.issuer);
	p256_pair_free(token.stamp);
}

static void
begin(void)
{
	uint8_t scalar[32] = { 1, 2, 3 };

	log_init("fuzz", (log_level)(LOG_ERROR + 1));
	fuzz_must(p256_pair_from(issuer_scalar, &token.issuer) == HM_OK);
	fuzz_must(p256_pair_from(scalar, &token.stamp) == HM_OK);
	p256_pair_point(token.stamp, token.stamp_point);
	p256_pair_point(token.stamp, options.authority);
	options.issuer_certificate = HM_BYTES(issuer_der);
	fuzz_must(ed25519_public(token.log_seed, token.log_public) == HM_OK);
	buf_init(&reply.tail, ASK_TAIL_MAX);
	open_signer();
	make_right_ask();
	fuzz_must(atexit(end) == 0);
}

/* ---- what comes out ---- */

static void
look_at_stamp(const struct ask_sign_issue *ask)
{
	struct hm_sign1 sign1;
	struct hm_stamp stamp;
	struct ca_view view;

	fuzz_must(hm_sign1_decode(
		      buf_bytes(&reply.tail), HM_STAMP_MAX, &sign1) == HM_OK);
	fuzz_must(hm_stamp_decode(sign1.payload, &stamp) == HM_OK);
	fuzz_must(ca_view(stamp.certificate, &view) == HM_OK);
	fuzz_must(ca_check(&view, CA_DEVICE, NULL) == HM_OK);
	fuzz_must(hm_bytes_equal(view.serial_number, stamp.serial));
	fuzz_must(memcmp(view.point, ask->kase.claims.identity, 65) == 0);
	if (memcmp(ask->order, right.order, HM_DIGEST_LEN) == 0)
		fuzz_must(ask->number < QUOTA + RETURNS);
}

static void
look_at_list(const struct ask_sign_crl *ask)
{
	struct ask_part_answer part;
	struct ca_crl_view view;

	memcpy(&part, reply.body, sizeof(part));
	if (part.total == 0 || part.total != reply.tail.len)
		return; /* more parts are wanted, or given */
	fuzz_must(ca_crl_check(buf_bytes(&reply.tail), HM_BYTES(issuer_der),
		      ask->this_update_s, &view) == HM_OK);
	fuzz_must(view.number == ask->number);
}

static void
look_at_note(const struct ask_sign_checkpoint *ask)
{
	struct note_policy policy = { .log = &signer.log_name };
	struct checkpoint checkpoint;

	fuzz_must(checkpoint_open(buf_bytes(&reply.tail), &policy, &checkpoint,
		      NULL) == HM_OK);
	fuzz_must(checkpoint.size == ask->size);
}

/* An ask that obeys its rule. */
static void
say(uint32_t kind, const void *body, struct hm_bytes tail)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	struct ask_head head = { .kind = kind };
	hm_err err = answer_make(&signer, kind, body, tail, &reply);
	bool ok = err == HM_OK;
	size_t len;

	fuzz_must(err_is_known(err));
	/* a time of the keeper's choice; secrets that the token has not */
	fuzz_must(ok || err_info(err)->http < 500 || err == HM_E_CLOCK ||
		  err == HM_E_TOKEN_MATCH);
	fuzz_must(ask_answer(&head, err, ok ? reply.body : NULL,
		      ok ? buf_bytes(&reply.tail) : (struct hm_bytes){ 0 },
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	if (ok && kind == ASK_SIGN_ISSUE)
		look_at_stamp(body);
	else if (ok && kind == ASK_SIGN_CRL)
		look_at_list(body);
	else if (ok && kind == ASK_SIGN_CHECKPOINT)
		look_at_note(body);
}

/* ---- turns ---- */

static void
say_issue(struct hm_bytes patch)
{
	struct ask_sign_issue ask = right;
	uint8_t *bytes = (uint8_t *)&ask;
	size_t offset;

	for (size_t i = 2; i < patch.len; i++) {
		offset = hm_get_u16(patch.ptr) % sizeof(ask) + i - 2;
		if (offset < sizeof(ask))
			bytes[offset] ^= patch.ptr[i];
	}
	say(ASK_SIGN_ISSUE, &ask, (struct hm_bytes){ 0 });
}

static void
say_list(struct hm_bytes bytes)
{
	struct ask_sign_crl ask = {
		.number = 7, .this_update_s = T0, .next_update_s = T0 + 86400
	};
	static struct ca_revoked list[64];
	struct hm_bytes tail = { (const uint8_t *)list, 0 };

	if (bytes.len < 2)
		return;
	ask.part = bytes.ptr[0];
	ask.parts = bytes.ptr[1];
	tail.len = bytes.len - 2 < sizeof(list) ? bytes.len - 2 : sizeof(list);
	memset(list, 0, sizeof(list));
	memcpy(list, bytes.ptr + 2, tail.len);
	say(ASK_SIGN_CRL, &ask, tail);
}

static void
say_raw(struct hm_bytes bytes)
{
	static union {
		uint64_t align;
		uint8_t bytes[ASK_MESSAGE_MAX];
	} message;
	struct ask_head head;
	struct hm_bytes tail;
	const void *body;

	if (bytes.len > 0)
		memcpy(message.bytes, bytes.ptr, bytes.len);
	if (ask_check_request((struct hm_bytes){ message.bytes, bytes.len },
		ASK_BY_KEEPER, &head, &body, &tail) == HM_OK)
		say(head.kind, body, tail);
}

static void
take(const struct turn *turn)
{
	struct hm_bytes bytes = turn->bytes;
	struct ask_sign_checkpoint checkpoint = { 0 };
	struct ask_sign_crl_rest rest = { 0 };
	size_t len =
	    bytes.len < sizeof(checkpoint) ? bytes.len : sizeof(checkpoint);

	marks_take_all(!(turn->kind & LOOKED_AT));
	switch (turn->kind & 7) {
	case 0:
		say(ASK_SIGN_HELLO, NULL, (struct hm_bytes){ 0 });
		break;
	case 1:
		(void)load(bytes, NULL);
		break;
	case 2:
		say_issue(bytes);
		break;
	case 3:
		if (len > 0)
			memcpy(&checkpoint, bytes.ptr, len);
		say(ASK_SIGN_CHECKPOINT, &checkpoint, (struct hm_bytes){ 0 });
		break;
	case 4:
		say_list(bytes);
		break;
	case 5:
		if (bytes.len >= 8)
			rest.offset = hm_get_u64(bytes.ptr);
		say(ASK_SIGN_CRL_REST, &rest, (struct hm_bytes){ 0 });
		break;
	default:
		say_raw(bytes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size };
	struct turn turn;

	if (token.issuer == NULL)
		begin();
	for (size_t i = 0; i < TURNS && turns_next(&input, &turn); i++)
		take(&turn);
	if (signer.objects.count > LOADED_MAX) {
		answer_close(&signer);
		open_signer();
	}
	return 0;
}

TURNS_OF(&mutate_cbor)
