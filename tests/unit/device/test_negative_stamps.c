/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The negative table: stamps and messages that are wrong in one place each. The
 * agent names the right error, and nothing about it has changed; afterwards it
 * takes the stamp as it was.
 *
 * A row alters a layer: fields of the stamp, or the bytes of one of its parts,
 * and the OEM signs it like that (SIGNED); or the COSE_Sign1, or the message on
 * the link, after it was made.
 */
#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "seal/sign1.h"
#include "wire/cose.h"
#include "wire/problem.h"
#include "wire/stamp.h"

typedef enum layer {
	FIELD, /* offset in struct hm_stamp */
	ORDER,
	SERIAL,
	CERTIFICATE,
	SEALED,
	ENC, /* where it stands in what is signed: no encoder makes these */
	COSE,
	LINK,
	CHALLENGE,
} layer;
#define SIGNED_LAYERS 6

typedef enum operation {
	FLIP, /* exclusive or with value */
	SET,
	ZERO, /* so many bytes */
	ONES,
	SWAP, /* so many bytes with those behind them */
	CUT,  /* so many off the end */
	KEEP, /* so many at the front */
	ADD,  /* a byte of this value at the end */
	SKIP, /* take so many bytes out */
} operation;

#define AT(field, index) \
	((int)(offsetof(struct hm_stamp, field) + (size_t)(index)))
#define SIGNATURE (-HM_SIGNATURE_LEN)
/* D2 84 43 A1 01 26 A0 59 LL LL payload 58 40 signature */
#define PAYLOAD 10

struct row {
	const char *name;
	layer layer;
	operation operation;
	int at; /* negative: from the end */
	unsigned value;
	hm_err expected;
};

static const struct row rows[] = {
	{ "device id, first byte", FIELD, FLIP, AT(device_id, 0), 0x80,
	    HM_E_STAMP_OTHER },
	{ "device id, last bit", FIELD, FLIP, AT(device_id, 31), 1,
	    HM_E_STAMP_OTHER },
	{ "no device id", FIELD, ZERO, AT(device_id, 0), 32, HM_E_STAMP_OTHER },
	{ "binding, first byte", FIELD, FLIP, AT(binding, 0), 0x80,
	    HM_E_STAMP_OTHER },
	{ "binding, last bit", FIELD, FLIP, AT(binding, 31), 1,
	    HM_E_STAMP_OTHER },
	{ "no binding", FIELD, ZERO, AT(binding, 0), 32, HM_E_STAMP_OTHER },
	{ "release, first byte", FIELD, FLIP, AT(release, 0), 0x80,
	    HM_E_RELEASE },
	{ "release, last bit", FIELD, FLIP, AT(release, 31), 1, HM_E_RELEASE },
	{ "no release", FIELD, ZERO, AT(release, 0), 32, HM_E_RELEASE },
	{ "counter, lower", FIELD, FLIP, AT(counter, 0), 1, HM_E_RELEASE },
	{ "counter, higher", FIELD, FLIP, AT(counter, 3), 1, HM_E_RELEASE },
	{ "counter zero", FIELD, ZERO, AT(counter, 0), 4, HM_E_RELEASE },
	{ "enc, not on the curve", FIELD, FLIP, AT(enc, 64), 1, HM_E_OPEN },
	{ "enc, compressed form", ENC, SET, 0, 2, HM_E_BAD_INPUT },
	{ "enc, all zero", ENC, ZERO, 0, 65, HM_E_BAD_INPUT },
	{ "enc, beyond the field", FIELD, ONES, AT(enc, 1), 64, HM_E_OPEN },
	{ "order of another", ORDER, FLIP, 0, 1, HM_E_OPEN },
	{ "order, one letter less", ORDER, CUT, 0, 1, HM_E_OPEN },
	{ "serial number of another", SERIAL, FLIP, -1, 1, HM_E_OPEN },
	{ "serial number, one more", SERIAL, ADD, 0, '0', HM_E_OPEN },
	{ "certificate of another key", CERTIFICATE, FLIP, 60, 1,
	    HM_E_STAMP_OTHER },
	{ "certificate, cut short", CERTIFICATE, CUT, 0, 1, HM_E_STAMP_OTHER },
	{ "certificate, trailing byte", CERTIFICATE, ADD, 0, 0,
	    HM_E_STAMP_OTHER },
	{ "certificate, another type", CERTIFICATE, SET, 0, 0x31,
	    HM_E_STAMP_OTHER },
	{ "certificate, longer inside", CERTIFICATE, FLIP, 3, 1,
	    HM_E_STAMP_OTHER },
	{ "ciphertext, first bit", SEALED, FLIP, 0, 0x80, HM_E_OPEN },
	{ "ciphertext, last bit", SEALED, FLIP, -17, 1, HM_E_OPEN },
	{ "tag, first bit", SEALED, FLIP, -16, 0x80, HM_E_OPEN },
	{ "tag, last bit", SEALED, FLIP, -1, 1, HM_E_OPEN },
	{ "tag, all zero", SEALED, ZERO, -16, 16, HM_E_OPEN },
	{ "sealed, one byte less", SEALED, CUT, 0, 1, HM_E_OPEN },
	{ "sealed, one byte more", SEALED, ADD, 0, 0, HM_E_OPEN },
	{ "sealed, the tag alone", SEALED, SKIP, 0, 20, HM_E_OPEN },
	{ "signature, first bit", COSE, FLIP, SIGNATURE, 0x80,
	    HM_E_STAMP_FOREIGN },
	{ "signature, last bit", COSE, FLIP, -1, 1, HM_E_STAMP_FOREIGN },
	{ "r is zero", COSE, ZERO, SIGNATURE, 32, HM_E_STAMP_FOREIGN },
	{ "s is zero", COSE, ZERO, -32, 32, HM_E_STAMP_FOREIGN },
	{ "r and s are zero", COSE, ZERO, SIGNATURE, 64, HM_E_STAMP_FOREIGN },
	{ "r and s beyond the order", COSE, ONES, SIGNATURE, 64,
	    HM_E_STAMP_FOREIGN },
	{ "r and s in each other's place", COSE, SWAP, SIGNATURE, 32,
	    HM_E_STAMP_FOREIGN },
	{ "payload, first byte", COSE, FLIP, PAYLOAD, 1, HM_E_STAMP_FOREIGN },
	{ "payload, in the middle", COSE, FLIP, PAYLOAD + 150, 0x10,
	    HM_E_STAMP_FOREIGN },
	{ "payload, last byte", COSE, FLIP, SIGNATURE - 3, 1,
	    HM_E_STAMP_FOREIGN },
	{ "another tag", COSE, SET, 0, 0xd1, HM_E_BAD_INPUT },
	{ "no tag", COSE, SKIP, 0, 1, HM_E_BAD_INPUT },
	{ "three parts", COSE, SET, 1, 0x83, HM_E_BAD_INPUT },
	{ "five parts", COSE, SET, 1, 0x85, HM_E_BAD_INPUT },
	{ "an indefinite array", COSE, SET, 1, 0x9f, HM_E_BAD_INPUT },
	{ "protected header of text", COSE, SET, 2, 0x63, HM_E_BAD_INPUT },
	{ "another algorithm", COSE, SET, 5, 0x27, HM_E_BAD_INPUT },
	{ "another parameter", COSE, SET, 4, 0x02, HM_E_BAD_INPUT },
	{ "unprotected header", COSE, SET, 6, 0xa1, HM_E_BAD_INPUT },
	{ "detached payload", COSE, SET, 7, 0xf6, HM_E_BAD_INPUT },
	{ "payload of text", COSE, SET, 7, 0x79, HM_E_BAD_INPUT },
	{ "payload one shorter", COSE, FLIP, 9, 1, HM_E_BAD_INPUT },
	{ "signature of 63 bytes", COSE, CUT, 0, 1, HM_E_BAD_INPUT },
	{ "no signature", COSE, CUT, 0, 66, HM_E_BAD_INPUT },
	{ "half of it", COSE, KEEP, 0, 200, HM_E_BAD_INPUT },
	{ "one byte of it", COSE, KEEP, 0, 1, HM_E_BAD_INPUT },
	{ "trailing byte", COSE, ADD, 0, 0, HM_E_BAD_INPUT },
	{ "message, trailing byte", LINK, ADD, 0, 0, HM_E_BAD_INPUT },
	{ "message, one byte less", LINK, CUT, 0, 1, HM_E_BAD_INPUT },
	{ "message of one part", LINK, SET, 0, 0x81, HM_E_BAD_INPUT },
	{ "message of three parts", LINK, SET, 0, 0x83, HM_E_BAD_INPUT },
	{ "no message", LINK, KEEP, 0, 0, HM_E_BAD_INPUT },
	{ "type 0", LINK, SET, 1, 0, HM_E_BAD_INPUT },
	{ "a type that there is not", LINK, SET, 1, 14, HM_E_BAD_INPUT },
	{ "an answer", LINK, SET, 1, HM_LINK_CONFORMANCE, HM_E_BAD_INPUT },
	{ "hello with a body", LINK, SET, 1, HM_LINK_HELLO, HM_E_BAD_INPUT },
	{ "stamp as a challenge", LINK, SET, 1, HM_LINK_CHALLENGE,
	    HM_E_BAD_INPUT },
	{ "receipt before the stamp", LINK, SET, 1, HM_LINK_RECEIPT,
	    HM_E_WRONG_STATE },
	{ "stamp to open with", LINK, SET, 1, HM_LINK_OPEN, HM_E_BAD_INPUT },
	{ "stamp without a receipt", LINK, SET, 1, HM_LINK_DELIVER,
	    HM_E_BAD_INPUT },
	{ "challenge, one byte less", CHALLENGE, CUT, 0, 1, HM_E_BAD_INPUT },
	{ "challenge, trailing byte", CHALLENGE, ADD, 0, 0, HM_E_BAD_INPUT },
	{ "challenge, another version", CHALLENGE, FLIP, 2, 2, HM_E_BAD_INPUT },
	{ "challenge, one byte of it", CHALLENGE, KEEP, 0, 1, HM_E_BAD_INPUT },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static struct oem oem;
static struct hm_agent agent;
static struct hm_claims claims;
static uint8_t binding[32];

struct bytes {
	size_t len;
	uint8_t at[8192];
};

static void
copy(struct bytes *to, struct hm_bytes from)
{
	assert_true(from.len <= sizeof(to->at));
	memcpy(to->at, from.ptr, from.len);
	to->len = from.len;
}

static struct hm_bytes
view(const struct bytes *from)
{
	return (struct hm_bytes){ from->at, from->len };
}

static void
swap(uint8_t *a, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t kept = a[i];

		a[i] = a[len + i];
		a[len + i] = kept;
	}
}

static void
change(const struct row *row, uint8_t *at, size_t *len)
{
	size_t from = row->at >= 0 ? (size_t)row->at : *len - (size_t)-row->at;

	switch (row->operation) {
	case FLIP:
		at[from] ^= (uint8_t)row->value;
		break;
	case SET:
		at[from] = (uint8_t)row->value;
		break;
	case ZERO:
	case ONES:
		memset(
		    at + from, row->operation == ONES ? 0xff : 0, row->value);
		break;
	case SWAP:
		swap(at + from, row->value);
		break;
	case CUT:
		*len -= row->value;
		break;
	case KEEP:
		*len = row->value;
		break;
	case ADD:
		at[(*len)++] = (uint8_t)row->value;
		break;
	case SKIP:
		*len -= row->value;
		memmove(at + from, at + from + row->value, *len - from);
		break;
	}
}

static uint8_t *
find(uint8_t *in, size_t len, const uint8_t what[static HM_POINT_LEN])
{
	uint8_t *found = memmem(in, len, what, HM_POINT_LEN);

	assert_non_null(found);
	return found;
}

/* The stamp with one part of it changed, signed by the OEM all the same. */
static void
sign_changed(const struct row *row, struct hm_bytes right, struct buf *ret)
{
	static struct bytes parts[SIGNED_LAYERS];
	static uint8_t encoded[8192];
	struct hm_sign1 sign1;
	struct hm_stamp stamp;
	struct hm_bytes *const fields[SIGNED_LAYERS] = { NULL, &stamp.order,
		&stamp.serial, &stamp.certificate, &stamp.sealed, NULL };
	size_t len = sizeof(stamp);

	assert_int_equal(hm_sign1_decode(right, HM_STAMP_MAX, &sign1), HM_OK);
	assert_int_equal(hm_stamp_decode(sign1.payload, &stamp), HM_OK);
	if (row->layer == FIELD) {
		change(row, (uint8_t *)&stamp, &len);
	} else if (row->layer != ENC) {
		copy(&parts[row->layer], *fields[row->layer]);
		change(row, parts[row->layer].at, &parts[row->layer].len);
		*fields[row->layer] = view(&parts[row->layer]);
	}
	if (hm_stamp_encode(&stamp,
		(struct hm_span){ encoded, sizeof(encoded) }, &len) != HM_OK)
		fail_msg("%s: cannot be encoded", row->name);
	if (row->layer == ENC)
		change(row, find(encoded, len, stamp.enc), &len);
	assert_int_equal(
	    sign1_make((struct hm_bytes){ 0 }, HM_LITERAL(HM_AAD_STAMP),
		(struct hm_bytes){ encoded, len }, p256_pair_signer,
		oem.stamp_key, ret),
	    HM_OK);
}

static void
make_link(hm_link_type type, struct hm_bytes body, struct bytes *ret)
{
	const struct hm_link link = { .type = type, .body = body };

	assert_int_equal(
	    hm_link_encode(
		&link, (struct hm_span){ ret->at, sizeof(ret->at) }, &ret->len),
	    HM_OK);
}

/* The message that the row stands for. */
static void
make_message(const struct row *row, struct hm_bytes right, struct bytes *ret)
{
	AUTO(buf) struct buf changed = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf challenge = { .max = HM_CHALLENGE_MAX };
	static struct bytes body;
	hm_link_type type = HM_LINK_STAMP;

	if (row->layer < SIGNED_LAYERS) {
		sign_changed(row, right, &changed);
		copy(&body, buf_bytes(&changed));
	} else if (row->layer == CHALLENGE) {
		oem_challenge(9, &challenge);
		copy(&body, buf_bytes(&challenge));
		type = HM_LINK_CHALLENGE;
	} else {
		copy(&body, right);
	}
	if (row->layer == COSE || row->layer == CHALLENGE)
		change(row, body.at, &body.len);
	make_link(type, view(&body), ret);
	if (row->layer == LINK)
		change(row, ret->at, &ret->len);
}

static void
assert_refused(const struct row *row, struct hm_bytes message)
{
	static uint8_t room[8192];
	struct hm_link said;
	struct hm_problem problem = { .err = HM_OK };
	size_t len = 0;

	memcpy(room, message.ptr, message.len);
	assert_int_equal(
	    hm_agent_handle(&agent, (struct hm_span){ room, sizeof(room) },
		message.len, &len),
	    HM_OK);
	assert_int_equal(
	    hm_link_decode((struct hm_bytes){ room, len }, &said), HM_OK);
	if (said.type == HM_LINK_PROBLEM)
		assert_int_equal(hm_problem_decode(said.body, &problem), HM_OK);
	if (problem.err != row->expected)
		fail_msg("%s: HM-%d instead of HM-%d", row->name,
		    (int)problem.err, (int)row->expected);
	assert_int_equal(agent.last, row->expected);
}

static void
each_is_refused_by_its_own_code_and_changes_nothing(void **unused)
{
	static struct memrecord records[HM_RECORD_COUNT + 1];
	static struct hm_agent before;
	static struct bytes message;
	static struct reply reply;
	AUTO(buf) struct buf right = { .max = HM_STAMP_MAX };

	(void)unused;
	memport_reset(1, oem.point);
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &right);
	before = agent;
	memcpy(records, chip.records, sizeof(records));
	for (size_t i = 0; i < ROWS; i++) {
		unsigned writes = chip.writes;

		make_message(&rows[i], buf_bytes(&right), &message);
		assert_refused(&rows[i], view(&message));
		agent.last = HM_OK;
		if (memcmp(&before, &agent, sizeof(agent)) != 0 ||
		    memcmp(records, chip.records, sizeof(records)) != 0 ||
		    chip.writes != writes)
			fail_msg("%s: something changed", rows[i].name);
	}
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&right), HM_LINK_CONFORMANCE,
	    &reply);
	print_message("%zu altered stamps and messages refused\n", ROWS);
	assert_true(ROWS >= 40);
}

static int
set_up(void **unused)
{
	(void)unused;
	oem_init(&oem);
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	oem_done(&oem);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_is_refused_by_its_own_code_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
