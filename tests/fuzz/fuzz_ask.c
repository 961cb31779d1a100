/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ask - any datagram between the processes of the server
 *
 * What the table lets through, as a request of a front, of the keeper, or as
 * an answer, has its parts inside the message, and is made again byte for byte
 * of them.
 */
#include <string.h>

#include "fuzz.h"
#include "mutate.h"
#include "server/ask.h"

static union {
	uint64_t align;
	uint8_t bytes[ASK_MESSAGE_MAX];
} in, out;

static void
must_be_inside(struct hm_bytes message, const struct ask_head *head,
    const void *body, struct hm_bytes tail)
{
	const uint8_t *at = body;

	fuzz_must(head->len == message.len && head->tail == tail.len);
	fuzz_must(at == message.ptr + sizeof(*head));
	fuzz_must(tail.ptr >= at);
	fuzz_must(tail.ptr + tail.len == message.ptr + message.len);
}

static void
must_be_the_same(struct hm_bytes message, hm_err err, size_t len)
{
	fuzz_must(err == HM_OK && len == message.len);
	fuzz_must(memcmp(out.bytes, message.ptr, len) == 0);
}

static void
try_request(struct hm_bytes message, ask_party by)
{
	struct hm_span room = { out.bytes, sizeof(out.bytes) };
	const struct ask_rule *rule;
	struct ask_head head;
	struct hm_bytes tail;
	const void *body;
	size_t len = 0;
	hm_err err = ask_check_request(message, by, &head, &body, &tail);

	fuzz_must(err == HM_OK || err == HM_E_BAD_INPUT || err == HM_E_RIGHTS);
	if (err != HM_OK)
		return;
	rule = ask_rule(head.kind);
	fuzz_must(rule != NULL && rule->by == by);
	must_be_inside(message, &head, body, tail);
	err = ask_request((ask_kind)head.kind, head.id, body, tail, room, &len);
	must_be_the_same(message, err, len);
}

static void
try_answer(struct hm_bytes message)
{
	struct hm_span room = { out.bytes, sizeof(out.bytes) };
	struct ask_head head;
	struct hm_bytes tail;
	const void *body;
	size_t len = 0;
	hm_err err = ask_check_answer(message, &head, &body, &tail);

	fuzz_must(err == HM_OK || err == HM_E_BAD_INPUT);
	if (err != HM_OK)
		return;
	must_be_inside(message, &head, body, tail);
	err = ask_answer(&head, (hm_err)head.err, body, tail, room, &len);
	must_be_the_same(message, err, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes message = { in.bytes, size };

	if (size > sizeof(in.bytes))
		return 0;
	memcpy(in.bytes, data, size);
	try_request(message, ASK_BY_FRONT);
	try_request(message, ASK_BY_KEEPER);
	try_answer(message);
	return 0;
}

/* Mostly with the lengths of some kind, so that it is taken. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t state = seed, random = mutate_random(&state);
	uint32_t kind = (uint32_t)(random % 40);
	const struct ask_rule *rule = ask_rule(kind);
	struct ask_head head = { .id = random, .kind = kind };
	uint32_t tail = (uint32_t)(random >> 16) % 300, body;

	if (rule == NULL || random >> 8 & 1)
		return LLVMFuzzerMutate(data, size, max);
	body = random >> 9 & 1 ? rule->answer_len : rule->request_len;
	head.len = (uint32_t)sizeof(head) + body + tail;
	head.tail = tail;
	if (random >> 10 & 1)
		head.err = HM_E_BUSY;
	if (head.len > max)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, &head, sizeof(head));
	if (head.len > size)
		memset(data + size, 0xa5, head.len - size);
	return head.len;
}
