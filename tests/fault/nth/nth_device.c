/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth_device - the device library, and another call of its port that fails
 *
 * The library has no heap and makes no system call: what can fail is the port.
 * The linker puts a fault before each of its functions (memport.c). A station
 * asks again after a problem and after silence, and switches the device off and
 * on when that does not help; a failure that lasts ends then. In the end the
 * device has the keys that it first told, one stamp, and the conformance that
 * it first gave. Three lives, as messages go in wire/link.h: challenge, stamp,
 * receipt; open, deliver; open, stamp, receipt of a device that leaves.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "../../unit/device/memport.h"
#include "../../unit/device/oem.h"
#include "base/auto.h"
#include "core/check.h"
#include "crypto/init.h"
#include "fault.h"
#include "hallmark/agent.h"
#include "hallmark/link.h"
#include "nth.h"
#include "wire/frame.h"
#include "wire/problem.h"
#include "wire/stamp.h"

#define TRIES 4

/* ---- a port that fails ---- */

#define FROM __builtin_return_address(0)
/* One function of the port, its kind, and what it says when it fails. */
#define PORT(kind, err, name, parameters, arguments)                          \
	hm_err __real_##name parameters;                                      \
	hm_err __wrap_##name parameters;                                      \
	hm_err __wrap_##name parameters                                       \
	{                                                                     \
		return nth_fails(kind, FROM) ? err : __real_##name arguments; \
	}

PORT("random", HM_E_NO_ENTROPY, hm_port_random, (struct hm_span ret), (ret))
PORT("chip", HM_E_IO, hm_port_unique_id, (struct hm_span room, size_t *ret_len),
    (room, ret_len))
PORT("chip", HM_E_IO, hm_port_counter, (uint32_t * ret), (ret))
PORT("chip", HM_E_IO, hm_port_lock, (hm_lock * ret), (ret))
PORT("chip", HM_E_IO, hm_port_firmware, (uint8_t ret[static HM_DIGEST_LEN]),
    (ret))
PORT("attest", HM_E_IO, hm_port_attest,
    (const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
	size_t *ret_len),
    (binding, room, ret_len))
PORT("key", HM_E_STORAGE, hm_port_key_make, (hm_key key), (key))
PORT("key", HM_E_STORAGE, hm_port_key_public,
    (hm_key key, uint8_t ret[static HM_POINT_LEN]), (key, ret))
PORT("key", HM_E_STORAGE, hm_port_key_sign,
    (hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
	uint8_t ret[static HM_SIGNATURE_LEN]),
    (key, digest, ret))
PORT("key", HM_E_STORAGE, hm_port_key_agree,
    (hm_key key, const uint8_t point[static HM_POINT_LEN],
	uint8_t ret[static 32]),
    (key, point, ret))
PORT("read", HM_E_STORAGE, hm_port_store_read,
    (hm_record record, struct hm_span room, size_t *ret_len),
    (record, room, ret_len))
PORT("link", HM_E_LINK, hm_port_link_read,
    (struct hm_span room, size_t *ret_len), (room, ret_len))
PORT("link", HM_E_LINK, hm_port_link_write, (struct hm_bytes bytes), (bytes))

hm_err __real_hm_port_store_write(hm_record record, struct hm_bytes bytes);
hm_err __wrap_hm_port_store_write(hm_record record, struct hm_bytes bytes);

/* Old, or new although it says that it failed. */
hm_err
__wrap_hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	hm_err err;

	if (nth_fails("write", FROM))
		return HM_E_STORAGE;
	err = __real_hm_port_store_write(record, bytes);
	return nth_fails("written", FROM) ? HM_E_STORAGE : err;
}

/* ---- a station and its device ---- */

struct reply {
	hm_link_type type;
	hm_err err;           /* of a problem */
	struct hm_bytes body; /* in chip.out */
};

static struct oem oem;
static struct hm_agent agent;
static struct hm_serve serve;
static uint8_t frame_room[HM_FRAME_SIZE(HM_LINK_MAX)];
static bool leaves;
static bool repaired; /* it was switched off: a lasting failure has gone */

static void
arm(void)
{
	if (!repaired)
		fault_arm();
}

/* The link is new; the agent is as it was. */
static void
connect_link(void)
{
	hm_serve_init(
	    &serve, &agent, (struct hm_span){ frame_room, sizeof(frame_room) });
}

static hm_err
power_on(void)
{
	hm_err err;

	memset(&agent, 0xa5, sizeof(agent));
	arm();
	err = hm_agent_init(&agent);
	fault_disarm();
	agent.leaves = leaves;
	connect_link();
	return err;
}

static void
power_cycle(void)
{
	hm_err err = HM_E_BUG;

	repaired = fault_fired();
	for (int i = 0; i < TRIES && err != HM_OK; i++) {
		err = power_on();
		if (err != HM_OK && !fault_fired())
			fault_lost("it does not start: HM-%04d", err);
		repaired = fault_fired();
	}
	if (err != HM_OK)
		fault_lost("it does not start again: HM-%04d", err);
}

/* What it says; false: nothing. */
static bool
read_reply(struct reply *ret)
{
	static uint8_t room[HM_FRAME_SIZE(HM_LINK_MAX)];
	struct hm_frame_in in;
	struct hm_problem problem;
	struct hm_bytes message;
	struct hm_link link;

	hm_frame_in_init(&in, (struct hm_span){ room, sizeof(room) });
	for (size_t i = 0; i < chip.out_len; i++) {
		if (!hm_frame_put(&in, chip.out[i], &message))
			continue;
		assert_int_equal(hm_link_decode(message, &link), HM_OK);
		*ret = (struct reply){ .type = link.type, .body = link.body };
		if (link.type == HM_LINK_PROBLEM) {
			assert_int_equal(
			    hm_problem_decode(link.body, &problem), HM_OK);
			ret->err = problem.err;
		}
		return true;
	}
	return false;
}

/* One question, through the link. */
static bool
say(hm_link_type type, struct hm_bytes body, struct reply *ret)
{
	static uint8_t message[HM_LINK_MAX], frame[HM_FRAME_SIZE(HM_LINK_MAX)];
	const struct hm_link link = { .type = type, .body = body };
	size_t len;
	hm_err err;

	assert_int_equal(
	    hm_link_encode(
		&link, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	assert_int_equal(hm_frame_encode((struct hm_bytes){ message, len },
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	chip.in = frame;
	chip.in_len = len;
	chip.out_len = 0;
	arm();
	err = hm_serve_run(&serve);
	fault_disarm();
	assert_int_equal(err, HM_E_LINK); /* all was read, or it broke */
	if (chip.in_len > 0)
		connect_link();
	return read_reply(ret);
}

static bool
is_breakdown(hm_err err)
{
	return err == HM_E_STORAGE || err == HM_E_IO || err == HM_E_NO_ENTROPY;
}

/* Ask until it answers in kind. */
static void
ask_for(hm_link_type type, struct hm_bytes body, hm_link_type expected,
    struct reply *ret)
{
	for (int i = 0; i < TRIES; i++) {
		bool said = say(type, body, ret);

		if (said && ret->type == expected)
			return;
		if (!fault_fired() || (said && !is_breakdown(ret->err)))
			fault_lost("question %d: HM-%04d", (int)type,
			    said ? ret->err : HM_E_NO_DEVICE);
		if (i > 0)
			power_cycle();
	}
	fault_lost("question %d has no answer", (int)type);
}

/* ---- a life ---- */

static void
attest(uint8_t nonce, struct hm_claims *ret, uint8_t ret_binding[static 32])
{
	AUTO(buf) struct buf challenge = { .max = HM_CHALLENGE_MAX };
	struct reply reply;

	oem_challenge(nonce, &challenge);
	ask_for(
	    HM_LINK_CHALLENGE, buf_bytes(&challenge), HM_LINK_EVIDENCE, &reply);
	oem_check_evidence(reply.body, nonce, ret, ret_binding);
}

static void
open_it(uint8_t nonce, struct hm_claims *ret, uint8_t ret_binding[static 32])
{
	AUTO(buf) struct buf challenge = { .max = HM_CHALLENGE_MAX };
	struct hm_opened opened;
	struct reply reply;

	oem_challenge(nonce, &challenge);
	ask_for(HM_LINK_OPEN, buf_bytes(&challenge), HM_LINK_OPENED, &reply);
	assert_int_equal(hm_opened_decode(reply.body, &opened), HM_OK);
	assert_memory_equal(opened.device_id, agent.device_id, 32);
	assert_int_equal(opened.state, hm_agent_where(&agent));
	assert_int_equal(opened.leaves, leaves);
	oem_check_evidence(opened.evidence, nonce, ret, ret_binding);
}

/* The same conformance, however often it is asked for. */
static void
ask_conformance(hm_link_type type, struct hm_bytes body, struct hm_bytes stamp,
    const struct hm_claims *claims)
{
	const hm_link_type expected =
	    type == HM_LINK_DELIVER ? HM_LINK_DELIVERED : HM_LINK_CONFORMANCE;
	AUTO(buf) struct buf first = { .max = HM_CONFORMANCE_MAX };
	struct reply reply;

	ask_for(type, body, expected, &reply);
	oem_check_conformance(reply.body, stamp, claims);
	assert_int_equal(buf_add(&first, reply.body), HM_OK);
	ask_for(type, body, expected, &reply);
	assert_true(hm_bytes_equal(reply.body, buf_bytes(&first)));
}

/* A delivery, in memory that stays until the next. */
static struct hm_bytes
packed(struct hm_bytes stamp)
{
	static uint8_t room[HM_LINK_MAX];
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct hm_delivery delivery = { .stamp = stamp };
	size_t len;

	oem_receipt(&receipt);
	delivery.receipt = buf_bytes(&receipt);
	assert_int_equal(hm_delivery_encode(&delivery,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	return (struct hm_bytes){ room, len };
}

static void
refuse_another(
    hm_link_type type, const struct hm_claims *claims, const uint8_t *binding)
{
	AUTO(buf) struct buf other = { .max = HM_STAMP_MAX };
	struct hm_bytes body;
	struct reply reply;
	int i = 0;

	oem_stamp(&oem, claims, binding, OEM_RIGHT, &other);
	body = type == HM_LINK_DELIVER ? packed(buf_bytes(&other))
				       : buf_bytes(&other);
	while (!say(type, body, &reply) || is_breakdown(reply.err)) {
		if (!fault_fired() || ++i == TRIES)
			fault_lost("a second stamp has no answer");
		if (i > 1)
			power_cycle();
	}
	assert_int_equal(reply.type, HM_LINK_PROBLEM);
}

static void
check_end(struct hm_bytes stamp)
{
	const struct memrecord *kept = &chip.records[HM_RECORD_STAMP];
	const struct memrecord *plain = &chip.records[HM_RECORD_SECRETS];
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t count = 0;

	power_cycle();
	assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
	assert_true(
	    hm_bytes_equal((struct hm_bytes){ kept->bytes, kept->len }, stamp));
	assert_int_equal(
	    hm_secrets_decode(
		(struct hm_bytes){ plain->bytes, plain->len }, secrets, &count),
	    HM_OK);
	assert_true(
	    hm_bytes_equal(secrets[0].value, HM_LITERAL(OEM_SECRET_VALUE)));
	assert_true(chip.records[HM_RECORD_RECEIPT].there);
}

static void
begin(bool it_leaves)
{
	struct reply reply;

	oem_init(&oem);
	memport_reset(1, oem.point);
	leaves = it_leaves;
	if (power_on() != HM_OK)
		power_cycle();
	ask_for(HM_LINK_HELLO, (struct hm_bytes){ 0 }, HM_LINK_INFO, &reply);
}

static void
check_same(const struct hm_claims *a, const struct hm_claims *b)
{
	assert_memory_equal(a->identity, b->identity, HM_POINT_LEN);
	assert_memory_equal(a->kem, b->kem, HM_POINT_LEN);
}

static void
stamp_and_receipt(const struct hm_claims *claims, const uint8_t *binding)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct reply reply;

	oem_stamp(&oem, claims, binding, OEM_RIGHT, &stamp);
	ask_conformance(
	    HM_LINK_STAMP, buf_bytes(&stamp), buf_bytes(&stamp), claims);
	refuse_another(HM_LINK_STAMP, claims, binding);
	oem_receipt(&receipt);
	ask_for(HM_LINK_RECEIPT, buf_bytes(&receipt), HM_LINK_DONE, &reply);
	check_end(buf_bytes(&stamp));
	oem_done(&oem);
}

static void
live_stamped(void)
{
	struct hm_claims claims, again;
	uint8_t binding[32];

	begin(false);
	attest(1, &again, binding);
	attest(2, &claims, binding);
	check_same(&claims, &again);
	stamp_and_receipt(&claims, binding);
}

static void
live_delivered(void)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	struct hm_claims claims, again;
	uint8_t binding[32];

	begin(false);
	open_it(1, &again, binding);
	open_it(2, &claims, binding);
	check_same(&claims, &again);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	ask_conformance(HM_LINK_DELIVER, packed(buf_bytes(&stamp)),
	    buf_bytes(&stamp), &claims);
	refuse_another(HM_LINK_DELIVER, &claims, binding);
	open_it(3, &again, binding); /* another station asks who it is */
	check_same(&claims, &again);
	check_end(buf_bytes(&stamp));
	oem_done(&oem);
}

static void
live_and_leave(void)
{
	struct hm_claims claims, again;
	uint8_t binding[32];

	begin(true);
	open_it(1, &again, binding);
	open_it(2, &claims, binding);
	check_same(&claims, &again);
	stamp_and_receipt(&claims, binding);
}

static void
prepare(void)
{
	hm_assert(crypto_init() == HM_OK);
}

static const struct fault_class classes[] = {
	{ "random", NULL, 0, false },
	{ "chip", NULL, 0, false },
	{ "attest", NULL, 0, false },
	{ "key", NULL, 0, false },
	{ "read", NULL, 0, false },
	{ "write", NULL, 0, false },
	{ "written", NULL, 0, false },
	{ "link", NULL, 0, false },
	{ 0 },
};

int
main(int argc, char **argv)
{
	static const struct fault_part leaving = { .name = "device-leaves",
		.classes = classes,
		.life_s = 20,
		.life = live_and_leave };
	static const struct fault_part delivered = { .name = "device-delivered",
		.classes = classes,
		.life_s = 20,
		.life = live_delivered,
		.next = &leaving };
	static const struct fault_part part = { .name = "device",
		.classes = classes,
		.life_s = 20,
		.prepare = prepare,
		.life = live_stamped,
		.next = &delivered };

	return fault_main(&part, argc, argv);
}
