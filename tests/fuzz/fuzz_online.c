/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_online - whatever a server may answer to a device
 *
 * The input is a list of turns (turns.h), one for each request that the device
 * sends; their kinds, modulo 4:
 *   0  bytes of an answer as they stand
 *   1  the body of a good answer
 *   2  the payload of a stamp, which is taken for signed, in a good answer
 *   3  power is cut, and comes back
 *
 * TLS is left out: what comes is what a server with the right certificate
 * says. What a device takes as the head of an answer the host's parser
 * (net/head.h), which knows nothing of this one, takes for the same.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "hallmark/net.h"
#include "hallmark/online.h"
#include "memo_device.h"
#include "memport.h"
#include "net/head.h"
#include "turns.h"
#include "wire/cose.h"
#include "wire/stamp.h"

#define RUNS 4
#define PIECE 97 /* bytes that one read gives */

static struct hm_agent agent;
static struct hm_online online;
static uint8_t room[4096], message[4096]; /* wiped each time */
static uint8_t made[HM_LINK_MAX];
static struct hm_bytes input, answer;
static bool asked;

/* ---- the device's world ---- */

uint64_t
hm_port_clock_ms(void)
{
	return 0;
}

hm_err
hm_tls_open(struct hm_tls *tls, const struct hm_tls_config *config,
    uint64_t deadline_ms)
{
	(void)tls;
	(void)config;
	(void)deadline_ms;
	return HM_OK;
}

void
hm_tls_deadline(struct hm_tls *tls, uint64_t deadline_ms)
{
	(void)tls;
	(void)deadline_ms;
}

hm_err
hm_tls_write(struct hm_tls *tls, struct hm_bytes bytes)
{
	(void)tls;
	fuzz_must(bytes.ptr != NULL);
	asked = true;
	return HM_OK;
}

void
hm_tls_close(struct hm_tls *tls)
{
	(void)tls;
}

/* ---- answers ---- */

static struct hm_bytes
wrap(struct hm_bytes body)
{
	static uint8_t whole[HM_LINK_MAX + 128];
	int len = snprintf((char *)whole, 128,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    body.len);

	if (body.len > HM_LINK_MAX)
		body.len = HM_LINK_MAX;
	memcpy(whole + len, body.ptr, body.len);
	return (struct hm_bytes){ whole, (size_t)len + body.len };
}

/* An issue answer with this stamp, as if the OEM had signed it. */
static struct hm_bytes
wrap_stamp(struct hm_bytes payload)
{
	static uint8_t stamp[HM_STAMP_MAX];
	struct hm_sign1 sign1 = { .payload = payload };
	struct hm_issue_answer issued = { .entry = HM_LITERAL("e"),
		.receipt = HM_LITERAL("r") };
	uint8_t head[HM_COSE_HEAD_MAX], digest[32];
	struct hm_sha256 sha;
	size_t len = 0;

	if (hm_sign1_head(sign1.kid, HM_LITERAL(HM_AAD_STAMP), payload.len,
		(struct hm_span){ head, sizeof(head) }, &len) != HM_OK)
		return wrap(payload);
	hm_sha256_init(&sha);
	hm_sha256_add(&sha, (struct hm_bytes){ head, len });
	hm_sha256_add(&sha, payload);
	hm_sha256_end(&sha, digest);
	memcpy(sign1.signature, digest, sizeof(digest));
	memo_device_signed(chip.stamp_key, digest, sign1.signature);
	if (hm_sign1_encode(&sign1, (struct hm_span){ stamp, sizeof(stamp) },
		&len) != HM_OK)
		return wrap(payload);
	issued.stamp = (struct hm_bytes){ stamp, len };
	if (hm_issue_answer_encode(
		&issued, (struct hm_span){ made, sizeof(made) }, &len) != HM_OK)
		return wrap(payload);
	return wrap((struct hm_bytes){ made, len });
}

/* The two parsers of heads. */
static void
compare(struct hm_bytes bytes)
{
	struct hm_http_answer ours;
	struct head theirs;

	if (hm_http_parse(bytes, &ours) != HM_OK)
		return;
	fuzz_must(ours.head_len <= bytes.len);
	fuzz_must(
	    head_parse_answer((struct hm_bytes){ bytes.ptr, ours.head_len },
		&theirs) == HM_OK);
	fuzz_must((uint32_t)theirs.status == ours.status);
	fuzz_must(theirs.length == ours.length);
	fuzz_must(theirs.close == ours.close);
	/* What follows a head does not change it, what lacks of it does. */
	fuzz_must(
	    hm_http_parse((struct hm_bytes){ bytes.ptr, ours.head_len - 1 },
		&ours) == HM_E_NOT_FOUND);
}

/* The next turn that is an answer; a cut ends the connection. */
static bool
next_answer(void)
{
	struct turn next;

	if (!turns_next(&input, &next) || next.kind % 4 == 3)
		return false;
	compare(next.bytes);
	answer = next.kind % 4 == 0   ? next.bytes
		 : next.kind % 4 == 1 ? wrap(next.bytes)
				      : wrap_stamp(next.bytes);
	return true;
}

hm_err
hm_tls_read(struct hm_tls *tls, struct hm_span to, size_t *ret_len)
{
	size_t len;

	(void)tls;
	fuzz_must(to.len > 0);
	if (asked && !next_answer())
		return HM_E_LINK;
	asked = false;
	len = answer.len < PIECE ? answer.len : PIECE;
	len = len < to.len ? len : to.len;
	if (len == 0)
		return HM_E_LINK;
	memcpy(to.ptr, answer.ptr, len);
	answer.ptr += len;
	answer.len -= len;
	*ret_len = len;
	return HM_OK;
}

/* ---- one life ---- */

static void
live(void)
{
	hm_agent_state before;
	hm_err err;

	fuzz_must(hm_agent_init(&agent) == HM_OK);
	before = hm_agent_where(&agent);
	answer = (struct hm_bytes){ 0 };
	asked = false;
	err = hm_online_run(&online);
	fuzz_must(hm_agent_where(&agent) >= before);
	fuzz_must(
	    (err == HM_OK) == (hm_agent_where(&agent) == HM_AGENT_COMPLETE));
	fuzz_must(before == HM_AGENT_COMPLETE || room[0] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t scalar[32], point[65];

	input = (struct hm_bytes){ data, size };
	memport_stamp_scalar(scalar);
	fuzz_must(hm_p256_public(scalar, point) == HM_OK);
	memport_reset(1, point);
	online = (struct hm_online){ .agent = &agent,
		.order = "po-2031",
		.host = "localhost:1",
		.timeout_ms = 1000,
		.room = { room, sizeof(room) },
		.message = { message, sizeof(message) } };
	for (int i = 0; i < RUNS && input.len > 0; i++)
		live();
	return 0;
}

TURNS_OF(&mutate_lines)
