/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_front - any request of a station, any time, behind TLS and HTTP
 *
 *   byte 0    which route of the table
 *   byte 1    1: the keeper refuses  2: possession is taken for proven
 *             12: the Content-Type
 *   the rest  POST: the body; GET: what follows in the path, '?', the query
 *
 * The handlers are those of the front; what they ask is checked against the
 * table as the keeper would, and answered in form at once. Each request gets
 * exactly one answer, which is no breakdown of ours.
 */
#include <string.h>

#include "base/errtext.h"
#include "base/log.h"
#include "fuzz.h"
#include "net/conn.h"
#include "server/front/serve.h"
#include "mutate.h"
#include "wire/problem.h"

#define KEEPER_REFUSES 1
#define PROVEN 2
#define CLIENT_LEAVES 16
#define TAIL_LEN 700 /* of an answer of the keeper */

hm_err __wrap_asker_send(struct asker *asker, ask_kind kind, const void *body,
    struct hm_bytes tail, asker_done done, void *context);
void __wrap_net_reply(struct net_request *request, int status, const char *type,
    struct hm_bytes body);
bool __wrap_net_reply_parts(struct net_request *request, const char *type,
    size_t size, struct hm_bytes part, net_next *next, void *context);
bool __wrap_net_reply_part(struct net_request *request, struct hm_bytes part);
void __wrap_net_reply_break(struct net_request *request);
hm_err __wrap_p256_verify(
    const uint8_t *point, const uint8_t *digest, const uint8_t *signature);
hm_err __real_p256_verify(
    const uint8_t *point, const uint8_t *digest, const uint8_t *signature);

static struct {
	uint8_t flags;
	unsigned replies;
	/* the ask that is under way */
	asker_done done;
	void *context;
	ask_kind kind;
	/* how often the keeper has answered this request */
	unsigned asks;
	/* an answer in parts that is under way */
	net_next *next;
	void *parts_context;
	size_t parts_left;
} now;

static union {
	uint64_t align;
	uint8_t bytes[ASK_MESSAGE_MAX];
} message, answer;

hm_err
__wrap_p256_verify(
    const uint8_t *point, const uint8_t *digest, const uint8_t *signature)
{
	if (now.flags & PROVEN)
		return HM_OK;
	return __real_p256_verify(point, digest, signature);
}

hm_err
__wrap_asker_send(struct asker *asker, ask_kind kind, const void *body,
    struct hm_bytes tail, asker_done done, void *context)
{
	struct ask_head head;
	struct hm_bytes rest;
	const void *at;
	size_t len;

	(void)asker;
	fuzz_must(ask_request(kind, 1, body, tail,
		      (struct hm_span){ message.bytes, sizeof(message.bytes) },
		      &len) == HM_OK);
	fuzz_must(ask_check_request((struct hm_bytes){ message.bytes, len },
		      ASK_BY_FRONT, &head, &at, &rest) == HM_OK);
	fuzz_must(now.done == NULL);
	now.done = done;
	now.context = context;
	now.kind = kind;
	return HM_OK;
}

void
__wrap_net_reply(struct net_request *request, int status, const char *type,
    struct hm_bytes body)
{
	struct hm_problem problem;

	(void)request;
	now.replies++;
	fuzz_must(type != NULL);
	fuzz_must(status == 200 || (status >= 400 && status < 500));
	if (status != 200)
		fuzz_must(hm_problem_decode(body, &problem) == HM_OK);
}

bool
__wrap_net_reply_parts(struct net_request *request, const char *type,
    size_t size, struct hm_bytes part, net_next *next, void *context)
{
	(void)request;
	now.replies++;
	fuzz_must(type != NULL && part.len > 0 && part.len < size);
	now.next = next;
	now.parts_context = context;
	now.parts_left = size - part.len;
	return true;
}

bool
__wrap_net_reply_part(struct net_request *request, struct hm_bytes part)
{
	(void)request;
	fuzz_must(part.len > 0 && part.len <= now.parts_left);
	now.parts_left -= part.len;
	if (now.parts_left == 0)
		now.next = NULL;
	return now.parts_left > 0;
}

void
__wrap_net_reply_break(struct net_request *request)
{
	(void)request;
	fuzz_must(now.parts_left > 0);
	now.next = NULL;
}

/* The client takes what was there, or leaves. */
static bool
let_the_client_read(void)
{
	if (now.next == NULL)
		return false;
	if (now.flags & CLIENT_LEAVES)
		now.parts_left = 0;
	now.next(now.parts_context, now.parts_left == 0);
	if (now.parts_left == 0)
		now.next = NULL;
	return now.next != NULL || now.done != NULL;
}

/* What a keeper says: names, numbers, and a tail as its lengths say. */
static const void *
good_body(ask_kind kind, uint32_t tail_len)
{
	memset(&answer, 0,
	    sizeof(struct ask_device_answer) + sizeof(struct ask_order_answer));
	if (kind == ASK_ISSUE)
		*(struct ask_issue_answer *)answer.bytes =
		    (struct ask_issue_answer){ tail_len - 400, 200, 200 };
	else if (kind >= ASK_CONFIRM && kind <= ASK_OBJECT)
		*(struct ask_entry_answer *)answer.bytes =
		    (struct ask_entry_answer){ tail_len - 200, 200 };
	else if (kind == ASK_CRL || kind == ASK_FILE)
		((struct ask_part_answer *)answer.bytes)->total = 2 * tail_len;
	else if (kind == ASK_CHALLENGE)
		strcpy(((struct ask_challenge_answer *)answer.bytes)->station,
		    "st-a");
	return answer.bytes;
}

static void
let_the_keeper_answer(void)
{
	static const uint8_t tail[TAIL_LEN];
	const struct ask_rule *rule = ask_rule(now.kind);
	uint32_t len =
	    rule->answer_tail_max < TAIL_LEN ? rule->answer_tail_max : TAIL_LEN;
	asker_done done = now.done;

	if (now.kind == ASK_QUARANTINE)
		len = 3 * sizeof(struct ask_quarantined);
	now.done = NULL;
	fuzz_must(++now.asks < 8);
	if (now.flags & KEEPER_REFUSES)
		done(now.context, HM_E_NO_ORDER, NULL, (struct hm_bytes){ 0 });
	else
		done(now.context, HM_OK, good_body(now.kind, len),
		    (struct hm_bytes){ tail, len });
}

static const char *
put(char **at, struct hm_bytes text)
{
	char *start = *at;

	if (text.len > 0)
		memcpy(start, text.ptr, text.len);
	start[text.len] = '\0';
	*at += text.len + 1;
	return start;
}

/* As the server of net/ makes it: path, query, type and body behind it. */
static struct net_request *
make(const struct net_route *route, struct hm_bytes rest)
{
	static const char *const types[] = { "application/cbor",
		"application/cose", "", "text/plain" };
	struct net_request *request =
	    malloc(sizeof(*request) + strlen(route->path) + rest.len + 64);
	struct hm_bytes suffix = { 0 }, query = { 0 };
	const uint8_t *mark;
	char path[1024], *at;

	fuzz_must(request != NULL);
	memset(request, 0, sizeof(*request));
	request->method = route->method;
	request->peer.point[0] = 4;
	if (route->method == NET_GET && rest.len > 0) {
		mark = memchr(rest.ptr, '?', rest.len);
		suffix = rest;
		if (mark != NULL) {
			suffix.len = (size_t)(mark - rest.ptr);
			query = (struct hm_bytes){ mark + 1,
				rest.len - suffix.len - 1 };
		}
		rest.len = 0;
	}
	if (route->path[strlen(route->path) - 1] != '/')
		suffix.len = 0;
	snprintf(path, sizeof(path), "%s%.*s", route->path, (int)suffix.len,
	    (const char *)suffix.ptr);
	at = request->text;
	request->path = put(&at, hm_bytes_of(path));
	request->query = put(&at, query);
	request->type = put(&at, hm_bytes_of(types[now.flags >> 2 & 3]));
	request->body = (struct hm_bytes){ (const uint8_t *)at, rest.len };
	if (rest.len > 0)
		memcpy(at, rest.ptr, rest.len);
	return request;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce_key[32] = { 1, 2, 3 };
	static struct front front = { .nonce_key = nonce_key };
	const struct net_route *route;
	struct net_request *request;
	size_t max = 512; /* of a path */

	if (size < 2)
		return 0;
	log_init("fuzz", (log_level)(LOG_ERROR + 1));
	route = &front_routes[data[0] % front_routes_count];
	if (route->method == NET_POST)
		max = route->max_body;
	if (size - 2 > max)
		return 0;
	memset(&now, 0, sizeof(now));
	now.flags = data[1];
	request = make(route, (struct hm_bytes){ data + 2, size - 2 });
	route->handle(&front, request);
	do {
		while (now.done != NULL)
			let_the_keeper_answer();
	} while (let_the_client_read());
	fuzz_must(now.replies == 1);
	free(request);
	return 0;
}

MUTATE_OF(&mutate_cbor, 2)
