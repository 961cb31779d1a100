/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden FOLDER - writes conversations for tests/fuzz/fuzz_agent.c: the life of
 * a device up to each state, and the same with stamps that are wrong
 */
#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "hallmark/crypto.h"
#include "wire/cose.h"

static struct oem oem;
static struct hm_agent agent;

static void
put_turn(struct buf *to, uint8_t kind, struct hm_bytes bytes)
{
	const uint8_t head[3] = { kind, (uint8_t)(bytes.len >> 8),
		(uint8_t)bytes.len };

	assert_int_equal(buf_add(to, HM_BYTES(head)), HM_OK);
	assert_int_equal(buf_add(to, bytes), HM_OK);
}

static void
put_message(struct buf *to, hm_link_type type, struct hm_bytes body)
{
	static uint8_t message[HM_LINK_MAX];
	const struct hm_link link = { .type = type, .body = body };
	size_t len = 0;

	assert_int_equal(
	    hm_link_encode(
		&link, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	put_turn(to, 0, (struct hm_bytes){ message, len });
}

static void
write_out(const char *folder, const char *name, const struct buf *bytes)
{
	char path[512];

	assert_int_equal(path_join(path, sizeof(path), folder, name), HM_OK);
	assert_int_equal(file_write(path, buf_bytes(bytes), 0644, NULL), HM_OK);
}

/* hello, challenge, power cut, stamp (wrong, then right), receipt, hello */
static void
write_life(const char *folder, oem_flaw flaw)
{
	AUTO(buf) struct buf life = { .max = 65536 };
	AUTO(buf) struct buf body = { .max = 65536 };
	AUTO(buf) struct buf stamp = { .max = 65536 };
	AUTO(buf) struct buf receipt = { .max = 65536 };
	struct hm_claims claims;
	struct hm_sign1 sign1;
	uint8_t binding[32];
	char name[32];

	memport_reset(1, oem.point);
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	put_message(&life, HM_LINK_HELLO, (struct hm_bytes){ 0 });
	oem_challenge(1, &body);
	put_message(&life, HM_LINK_CHALLENGE, buf_bytes(&body));
	put_turn(&life, 2, (struct hm_bytes){ 0 });
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, flaw, &stamp);
	put_message(&life, HM_LINK_STAMP, buf_bytes(&stamp));
	if (hm_sign1_decode(buf_bytes(&stamp), HM_STAMP_MAX, &sign1) == HM_OK)
		put_turn(&life, 1, sign1.payload);
	oem_receipt(&receipt);
	put_message(&life, HM_LINK_RECEIPT, buf_bytes(&receipt));
	put_message(&life, HM_LINK_HELLO, (struct hm_bytes){ 0 });
	(void)snprintf(name, sizeof(name), "life-%02d", (int)flaw);
	write_out(folder, name, &life);
}

/* hello, open, delivery (wrong or right), power cut, the same, hello */
static void
write_short_life(const char *folder, oem_flaw flaw)
{
	AUTO(buf) struct buf life = { .max = 65536 };
	AUTO(buf) struct buf body = { .max = 65536 };
	AUTO(buf) struct buf stamp = { .max = 65536 };
	AUTO(buf) struct buf receipt = { .max = 65536 };
	static uint8_t delivery[HM_LINK_MAX];
	struct hm_claims claims;
	struct hm_sign1 sign1;
	uint8_t binding[32];
	char name[32];
	size_t len = 0;

	memport_reset(1, oem.point);
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	oem_challenge(1, &body);
	put_message(&life, HM_LINK_OPEN, buf_bytes(&body));
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, flaw, &stamp);
	oem_receipt(&receipt);
	assert_int_equal(
	    hm_delivery_encode(
		&(struct hm_delivery){ buf_bytes(&stamp), buf_bytes(&receipt) },
		(struct hm_span){ delivery, sizeof(delivery) }, &len),
	    HM_OK);
	put_message(&life, HM_LINK_DELIVER, (struct hm_bytes){ delivery, len });
	if (hm_sign1_decode(buf_bytes(&stamp), HM_STAMP_MAX, &sign1) == HM_OK)
		put_turn(&life, 3, sign1.payload);
	put_turn(&life, 2, (struct hm_bytes){ 0 });
	put_message(&life, HM_LINK_DELIVER, (struct hm_bytes){ delivery, len });
	put_message(&life, HM_LINK_HELLO, (struct hm_bytes){ 0 });
	(void)snprintf(name, sizeof(name), "short-%02d", (int)flaw);
	write_out(folder, name, &life);
}

int
main(int argc, char **argv)
{
	uint8_t scalar[32];

	if (argc != 2)
		return 2;
	memport_stamp_scalar(scalar);
	oem_init_known(&oem, scalar);
	for (int flaw = OEM_RIGHT; flaw < OEM_FLAW_COUNT; flaw++) {
		write_life(argv[1], (oem_flaw)flaw);
		write_short_life(argv[1], (oem_flaw)flaw);
	}
	oem_done(&oem);
	return 0;
}
