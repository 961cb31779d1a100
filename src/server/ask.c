/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ask.h"

#include <string.h>

#include "core/check.h"

#define ENTRY_TAIL ASK_TAIL_MAX /* an object's entry holds the whole object */

static const struct ask_rule rules[] = {
	/* kind, name, by, request, its tail, answer, its tail */
	{ ASK_PEER, "peer", ASK_BY_FRONT, sizeof(struct ask_peer), 0,
	    sizeof(struct ask_peer_answer), 0 },
	{ ASK_CHALLENGE, "challenge", ASK_BY_FRONT,
	    sizeof(struct ask_challenge), 0,
	    sizeof(struct ask_challenge_answer), 0 },
	{ ASK_ISSUE, "issue", ASK_BY_FRONT, sizeof(struct ask_issue), 0,
	    sizeof(struct ask_issue_answer), ENTRY_TAIL },
	{ ASK_CONFIRM, "confirm", ASK_BY_FRONT, sizeof(struct ask_confirm), 0,
	    sizeof(struct ask_entry_answer), ENTRY_TAIL },
	{ ASK_VOID, "void", ASK_BY_FRONT, sizeof(struct ask_from), HM_VOID_MAX,
	    sizeof(struct ask_entry_answer), ENTRY_TAIL },
	{ ASK_OBJECT, "object", ASK_BY_FRONT, sizeof(struct ask_from),
	    HM_OBJECT_MAX, sizeof(struct ask_entry_answer), ENTRY_TAIL },
	{ ASK_ORDER, "order", ASK_BY_FRONT, sizeof(struct ask_order), 0,
	    sizeof(struct ask_order_answer), 0 },
	{ ASK_DEVICE, "device", ASK_BY_FRONT, sizeof(struct ask_device), 0,
	    sizeof(struct ask_device_answer), HM_CERT_MAX },
	{ ASK_QUARANTINE, "quarantine", ASK_BY_FRONT,
	    sizeof(struct ask_quarantine), 0,
	    sizeof(struct ask_quarantine_answer),
	    ASK_LIST_MAX * sizeof(struct ask_quarantined) },
	{ ASK_CRL, "crl", ASK_BY_FRONT, sizeof(struct ask_part), 0,
	    sizeof(struct ask_part_answer), ASK_TAIL_MAX },
	{ ASK_FILE, "file", ASK_BY_FRONT, sizeof(struct ask_part), 0,
	    sizeof(struct ask_part_answer), ASK_TAIL_MAX },
	{ ASK_HEALTH, "health", ASK_BY_FRONT, 0, 0,
	    sizeof(struct ask_health_answer), 0 },
	{ ASK_GROWTH, "growth", ASK_BY_FRONT, sizeof(struct ask_growth), 0, 0,
	    HM_RECEIPT_MAX },
	{ ASK_RELEASE, "release", ASK_BY_FRONT, sizeof(struct ask_release), 0,
	    sizeof(struct ask_release_answer), HM_OBJECT_MAX },
	{ ASK_SIGN_HELLO, "hello", ASK_BY_KEEPER, 0, 0,
	    sizeof(struct ask_hello_answer), HM_CERT_MAX + 128 },
	{ ASK_SIGN_LOAD, "load", ASK_BY_KEEPER, 0, HM_OBJECT_MAX, 0, 0 },
	{ ASK_SIGN_ISSUE, "sign issue", ASK_BY_KEEPER,
	    sizeof(struct ask_sign_issue), 0,
	    sizeof(struct ask_sign_issue_answer), HM_STAMP_MAX },
	{ ASK_SIGN_CHECKPOINT, "sign checkpoint", ASK_BY_KEEPER,
	    sizeof(struct ask_sign_checkpoint), 0, 0, HM_RECEIPT_MAX },
	{ ASK_SIGN_CRL, "sign crl", ASK_BY_KEEPER, sizeof(struct ask_sign_crl),
	    ASK_TAIL_MAX, sizeof(struct ask_part_answer), ASK_TAIL_MAX },
	{ ASK_SIGN_CRL_REST, "sign crl rest", ASK_BY_KEEPER,
	    sizeof(struct ask_sign_crl_rest), 0, sizeof(struct ask_part_answer),
	    ASK_TAIL_MAX },
};

_Static_assert(sizeof(struct ask_head) == 24, "a body stands at 8 bytes");
_Static_assert(ASK_LIST_MAX * sizeof(struct ask_quarantined) <= ASK_TAIL_MAX,
    "a list fits a tail");
_Static_assert(HM_OBJECT_MAX + 64 + HM_RECEIPT_MAX <= ASK_TAIL_MAX,
    "an object's entry fits a tail with its receipt");

const struct ask_rule *
ask_rule(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((uint32_t)rules[i].kind == kind)
			return &rules[i];
	return NULL;
}

/* The head of a message whose lengths are those of `body_len` and a tail. */
static hm_err
read_head(struct hm_bytes message, struct ask_head *ret)
{
	/* Structs are read where they lie. */
	hm_assert((uintptr_t)message.ptr % _Alignof(uint64_t) == 0);

	if (message.len < sizeof(*ret))
		return HM_E_BAD_INPUT;
	memcpy(ret, message.ptr, sizeof(*ret));
	return ret->len == message.len ? HM_OK : HM_E_BAD_INPUT;
}

static hm_err
check_lengths(const struct ask_head *head, uint32_t body_len, uint32_t tail_max)
{
	if (head->tail > tail_max)
		return HM_E_BAD_INPUT;
	if (head->len != sizeof(*head) + body_len + head->tail)
		return HM_E_BAD_INPUT;
	return HM_OK;
}

static void
give_parts(struct hm_bytes message, uint32_t body_len, const void **ret_body,
    struct hm_bytes *ret_tail)
{
	size_t at = sizeof(struct ask_head) + body_len;

	*ret_body = message.ptr + sizeof(struct ask_head);
	*ret_tail = (struct hm_bytes){ message.ptr + at, message.len - at };
}

hm_err
ask_check_request(struct hm_bytes message, ask_party by,
    struct ask_head *ret_head, const void **ret_body, struct hm_bytes *ret_tail)
{
	const struct ask_rule *rule;
	struct ask_head head;

	HM_TRY(read_head(message, &head));
	rule = ask_rule(head.kind);
	if (rule == NULL || head.err != HM_OK)
		return HM_E_BAD_INPUT;
	if (rule->by != by)
		return HM_E_RIGHTS;
	HM_TRY(check_lengths(&head, rule->request_len, rule->request_tail_max));

	*ret_head = head;
	give_parts(message, rule->request_len, ret_body, ret_tail);
	return HM_OK;
}

hm_err
ask_check_answer(struct hm_bytes message, struct ask_head *ret_head,
    const void **ret_body, struct hm_bytes *ret_tail)
{
	const struct ask_rule *rule;
	struct ask_head head;

	HM_TRY(read_head(message, &head));
	rule = ask_rule(head.kind);
	if (rule == NULL)
		return HM_E_BAD_INPUT;
	HM_TRY(check_lengths(&head, rule->answer_len, rule->answer_tail_max));

	*ret_head = head;
	give_parts(message, rule->answer_len, ret_body, ret_tail);
	return HM_OK;
}

/* head || body (zeros without one) || tail */
static hm_err
compose(struct ask_head head, const void *body, uint32_t body_len,
    struct hm_bytes tail, struct hm_span room, size_t *ret_len)
{
	size_t len = sizeof(head) + body_len + tail.len;
	uint8_t *at = room.ptr;

	if (tail.len > ASK_TAIL_MAX || len > room.len || len > ASK_MESSAGE_MAX)
		return HM_E_NO_ROOM;
	head.len = (uint32_t)len;
	head.tail = (uint32_t)tail.len;
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	if (body != NULL && body_len > 0)
		memcpy(at, body, body_len);
	else
		memset(at, 0, body_len);
	if (tail.len > 0)
		memcpy(at + body_len, tail.ptr, tail.len);
	*ret_len = len;
	return HM_OK;
}

hm_err
ask_request(ask_kind kind, uint64_t id, const void *body, struct hm_bytes tail,
    struct hm_span room, size_t *ret_len)
{
	const struct ask_rule *rule = ask_rule((uint32_t)kind);
	struct ask_head head = { .kind = (uint32_t)kind, .id = id };

	hm_assert(rule != NULL && tail.len <= rule->request_tail_max);
	hm_assert(body != NULL || rule->request_len == 0);

	return compose(head, body, rule->request_len, tail, room, ret_len);
}

hm_err
ask_answer(const struct ask_head *request, hm_err err, const void *body,
    struct hm_bytes tail, struct hm_span room, size_t *ret_len)
{
	const struct ask_rule *rule = ask_rule(request->kind);
	struct ask_head head = {
		.kind = request->kind, .id = request->id, .err = (uint32_t)err
	};

	hm_assert(rule != NULL && tail.len <= rule->answer_tail_max);
	hm_assert(body != NULL || err != HM_OK || rule->answer_len == 0);

	return compose(head, body, rule->answer_len, tail, room, ret_len);
}
