/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <string.h>

#include "base/auto.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "issuer.h"
#include "quota/book.h"
#include "seal/secrets.h"
#include "seal/sign1.h"

#define MUST(call) hm_assert((call) == HM_OK)

static hm_err
sign_ca(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	hm_assert(digest.len == 32 && ret_len == 64);
	return p256_pair_sign(context, digest.ptr, ret);
}

void
play_init(struct play *play)
{
	uint8_t public[32];

	*play = (struct play){ 0 };
	MUST(p256_pair_new(&play->authority));
	MUST(p256_pair_new(&play->stamp));
	MUST(p256_pair_from(issuer_scalar, &play->issuer));
	MUST(random_bytes(
	    (struct hm_span){ play->log_seed, sizeof(play->log_seed) }));
	MUST(ed25519_public(play->log_seed, public));
	MUST(note_key_make(PLAY_ORIGIN, 1, public, &play->log));
	play->ca = (struct ca_issuer){ .certificate = HM_BYTES(issuer_der),
		.sig = CA_ES256,
		.sign = sign_ca,
		.context = play->issuer };
	for (size_t i = 0; i < PLAY_QUEUE; i++)
		buf_init(&play->queue[i], ASK_MESSAGE_MAX);
	buf_init(&play->revoked, ASK_REVOKED_MAX * sizeof(struct ca_revoked));
	buf_init(&play->crl, ASK_REVOKED_MAX * 64);
}

void
play_restart(struct play *play)
{
	for (size_t i = 0; i < play->object_count; i++)
		buf_done(&play->objects[i].bytes);
	play->object_count = 0;
	play->head = play->count = play->out = 0;
}

void
play_done(struct play *play)
{
	play_restart(play);
	for (size_t i = 0; i < PLAY_QUEUE; i++)
		buf_done(&play->queue[i]);
	buf_done(&play->revoked);
	buf_done(&play->crl);
	p256_pair_free(play->authority);
	p256_pair_free(play->stamp);
	p256_pair_free(play->issuer);
}

void
play_change_stamp_key(struct play *play)
{
	p256_pair_free(play->stamp);
	MUST(p256_pair_new(&play->stamp));
}

/* ---- answers ---- */

struct reply {
	union {
		struct ask_hello_answer hello;
		struct ask_sign_issue_answer issue;
		struct ask_part_answer part;
	} body;
	struct buf tail;
};

static hm_err
hello(struct play *play, struct reply *ret)
{
	p256_pair_point(play->stamp, ret->body.hello.stamp_key);
	p256_pair_point(play->authority, ret->body.hello.authority);
	memcpy(ret->body.hello.log_key, play->log.key, 32);
	ret->body.hello.issuer_len = sizeof(issuer_der);
	ret->body.hello.origin_len = sizeof(PLAY_ORIGIN) - 1;
	MUST(buf_add(&ret->tail, HM_BYTES(issuer_der)));
	return buf_add(&ret->tail, HM_LITERAL(PLAY_ORIGIN));
}

static hm_err
load(struct play *play, struct hm_bytes message)
{
	struct play_object *one = &play->objects[play->object_count];
	uint8_t key[HM_POINT_LEN];
	struct hm_bytes payload;
	struct hm_sign1 sign1;

	if (play->fail_load != HM_OK)
		return play->fail_load;
	hm_assert(play->object_count < PLAY_OBJECTS);
	p256_pair_point(play->authority, key);
	buf_init(&one->bytes, HM_OBJECT_MAX);
	MUST(buf_add(&one->bytes, message));
	MUST(hm_sign1_decode(buf_bytes(&one->bytes), HM_OBJECT_MAX, &sign1));
	MUST(hm_object_decode(sign1.payload, &one->object));
	/* Approvals are counted by the real one. */
	if (one->object.kind != HM_OBJECT_APPROVAL)
		MUST(sign1_open(buf_bytes(&one->bytes), HM_OBJECT_MAX,
		    HM_LITERAL(HM_AAD_OBJECT), key, &payload));
	sha256_one(message, one->digest);
	play->object_count++;
	return HM_OK;
}

static const struct hm_object *
find(const struct play *play, const uint8_t *digest)
{
	size_t i = 0;

	while (i < play->object_count &&
	       memcmp(play->objects[i].digest, digest, 32) != 0)
		i++;
	hm_assert(i < play->object_count); /* loaded before it is named */
	return &play->objects[i].object;
}

static hm_err
no_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len)
{
	(void)context;
	(void)label;
	(void)room;
	(void)ret_len;
	return HM_E_TOKEN_MATCH;
}

static hm_err
certify(struct play *play, const struct hm_product *product,
    const struct ask_sign_issue *ask, const char *serial, uint8_t *ret_serial,
    struct buf *ret)
{
	struct ca_device device = { .point = ask->kase.claims.identity,
		.serial = hm_bytes_of(serial),
		.hw_serial = HM_BYTES(ask->kase.claims.device_id),
		.not_before_s = ask->issued_s };
	struct ca_template *template_;
	hm_err err;

	MUST(ca_template_new(
	    &play->ca, product->organization, product->hw_type, &template_));
	err = ca_device_make(template_, &device, ret_serial, ret);
	ca_template_free(template_);
	return err;
}

static hm_err
stamp(struct play *play, const struct ask_sign_issue *ask,
    const struct hm_order *order, struct reply *ret)
{
	AUTO(buf) struct buf certificate = { 0 }, sealed = { 0 };
	const struct hm_product *product = &find(play, order->product)->product;
	struct hm_stamp content = { .order = order->name,
		.origin = HM_LITERAL(PLAY_ORIGIN),
		.chain = { HM_BYTES(issuer_der) },
		.chain_count = 1,
		.config = product->config,
		.has_mac = order->has_macs,
		.counter = ask->kase.claims.counter,
		.issued_s = ask->issued_s };
	static uint8_t payload[8192];
	char serial[HM_SERIAL_MAX + 1];
	size_t len;

	buf_init(&certificate, HM_CERT_MAX);
	buf_init(&sealed, HM_SEALED_MAX);
	HM_TRY(book_serial(order, ask->number, serial));
	if (order->has_macs)
		book_mac(order, ask->number, content.mac);
	attest_binding(&ask->kase.claims, content.binding);
	HM_TRY(certify(play, product, ask, serial, ret->body.issue.cert_serial,
	    &certificate));
	HM_TRY(secrets_seal(product,
	    &(struct secrets_owner){ &ask->kase.claims, order->name,
		hm_bytes_of(serial), content.binding },
	    &(struct secrets_vault){ no_shared, NULL }, content.enc, &sealed));
	content.serial = hm_bytes_of(serial);
	content.certificate = buf_bytes(&certificate);
	content.sealed = buf_bytes(&sealed);
	memcpy(content.device_id, ask->kase.claims.device_id, 32);
	memcpy(content.product, order->product, 32);
	memcpy(content.release, ask->kase.claims.release, 32);
	MUST(hm_stamp_encode(
	    &content, (struct hm_span){ payload, sizeof(payload) }, &len));
	MUST(sign1_make((struct hm_bytes){ 0 }, HM_LITERAL(HM_AAD_STAMP),
	    (struct hm_bytes){ payload, len }, p256_pair_signer, play->stamp,
	    &ret->tail));
	sha256_one(buf_bytes(&certificate), ret->body.issue.certificate);
	sha256_one(buf_bytes(&ret->tail), ret->body.issue.stamp);
	return HM_OK;
}

static hm_err
issue(struct play *play, const struct ask_sign_issue *ask, struct reply *ret)
{
	const struct hm_object *order = find(play, ask->order);
	const struct hm_release *release;
	struct attest_wanted wanted = { 0 };

	play->issues++;
	if (play->fail_issue != HM_OK)
		return play->fail_issue;
	if (ask->number >= order->order.quota + order->order.returns)
		return HM_E_QUOTA;
	release = &find(play, order->order.release)->release;
	wanted.channel = order->order.channel;
	wanted.counter = release->counter;
	memcpy(wanted.release, hm_release_measured(release)->digest, 32);
	HM_TRY(attest_judge(
	    &ask->kase, &find(play, order->order.product)->product, &wanted));
	HM_TRY(attest_verify(&ask->kase));
	HM_TRY(p256_check(ask->kase.claims.identity));
	return stamp(play, ask, &order->order, ret);
}

static hm_err
checkpoint(
    struct play *play, const struct ask_sign_checkpoint *ask, struct reply *ret)
{
	AUTO(buf) struct buf text = { 0 };
	struct checkpoint at = { .origin = HM_LITERAL(PLAY_ORIGIN),
		.size = ask->size };
	uint8_t signature[64];

	play->checkpoints++;
	if (play->fail_checkpoint != HM_OK)
		return play->fail_checkpoint;
	if (play->on_checkpoint != NULL)
		play->on_checkpoint(play->context, ask->size, ask->root);
	buf_init(&text, 1024);
	memcpy(at.root.bytes, ask->root, 32);
	MUST(checkpoint_text(&at, &text));
	MUST(ed25519_sign(play->log_seed, buf_bytes(&text), signature));
	return note_assemble(
	    buf_bytes(&text), &play->log, signature, &ret->tail);
}

static hm_err
crl_from(struct play *play, uint64_t offset, struct reply *ret)
{
	struct hm_bytes part = buf_bytes(&play->crl);

	hm_assert(offset <= part.len);
	part.ptr += offset;
	part.len -= offset;
	if (part.len > ASK_TAIL_MAX)
		part.len = ASK_TAIL_MAX;
	ret->body.part.total = play->crl.len;
	return buf_add(&ret->tail, part);
}

static hm_err
crl(struct play *play, const struct ask_sign_crl *ask, struct hm_bytes list,
    struct reply *ret)
{
	struct ca_crl all = { ask->number, ask->this_update_s,
		ask->next_update_s, NULL, 0 };

	if (play->fail_crl != HM_OK)
		return play->fail_crl;
	if (ask->part == 0)
		buf_clear(&play->revoked);
	MUST(buf_add(&play->revoked, list));
	if (ask->part + 1 < ask->parts)
		return HM_OK;
	all.revoked = (const void *)play->revoked.ptr;
	all.count = play->revoked.len / sizeof(struct ca_revoked);
	buf_clear(&play->crl);
	MUST(ca_crl_make(&play->ca, &all, &play->crl));
	return crl_from(play, 0, ret);
}

static hm_err
do_ask(struct play *play, uint32_t kind, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	switch ((int)kind) {
	case ASK_SIGN_HELLO:
		return hello(play, ret);
	case ASK_SIGN_LOAD:
		return load(play, tail);
	case ASK_SIGN_ISSUE:
		return issue(play, body, ret);
	case ASK_SIGN_CHECKPOINT:
		return checkpoint(play, body, ret);
	case ASK_SIGN_CRL:
		return crl(play, body, tail, ret);
	case ASK_SIGN_CRL_REST:
		return crl_from(play,
		    ((const struct ask_sign_crl_rest *)body)->offset, ret);
	default:
		return HM_E_BAD_INPUT;
	}
}

/* ---- the link ---- */

static hm_err
link_send(void *context, struct hm_bytes message, uint64_t deadline_us)
{
	struct play *play = context;
	struct buf *out = &play->queue[(play->head + play->count) % PLAY_QUEUE];
	struct hm_span room = { NULL, ASK_MESSAGE_MAX };
	struct reply reply = { 0 };
	struct hm_bytes tail;
	struct ask_head head;
	const void *body;
	hm_err err;

	play->deadline_us = deadline_us;
	if (play->dead)
		return HM_E_WORKER;
	MUST(ask_check_request(message, ASK_BY_KEEPER, &head, &body, &tail));
	if (head.kind == ASK_SIGN_ISSUE && ++play->out > play->most_out)
		play->most_out = play->out;
	hm_assert(play->count < PLAY_QUEUE);
	buf_init(&reply.tail, ASK_TAIL_MAX);
	err = do_ask(play, head.kind, body, tail, &reply);
	buf_clear(out);
	MUST(buf_reserve(out, room.len, &room.ptr));
	MUST(ask_answer(&head, err, err == HM_OK ? &reply.body : NULL,
	    err == HM_OK ? buf_bytes(&reply.tail) : (struct hm_bytes){ 0 },
	    room, &out->len));
	buf_done(&reply.tail);
	play->count++;
	return HM_OK;
}

static uint32_t
kind_at(const struct play *play, size_t i)
{
	struct ask_head head;

	memcpy(&head, play->queue[(play->head + i) % PLAY_QUEUE].ptr,
	    sizeof(head));
	return head.kind;
}

/* The first answer that may go, to the front of the queue. False: none. */
static bool
bring_forward(struct play *play)
{
	size_t i = 0;

	while (
	    play->busy && i < play->count && kind_at(play, i) == ASK_SIGN_ISSUE)
		i++;
	for (; i > 0 && i < play->count; i--) {
		struct buf *to = &play->queue[(play->head + i) % PLAY_QUEUE];
		struct buf *from =
		    &play->queue[(play->head + i - 1) % PLAY_QUEUE];
		struct buf was = *to;

		*to = *from;
		*from = was;
	}
	return i < play->count;
}

static hm_err
link_receive(
    void *context, struct hm_span room, uint64_t deadline_us, size_t *ret_len)
{
	struct play *play = context;
	struct buf *from = &play->queue[play->head];

	if (play->dead)
		return HM_E_WORKER;
	if (play->drop > 0 || !bring_forward(play)) {
		/* Only who waits finds that it was in vain. */
		play->drop -= play->drop > 0 && deadline_us > 0;
		return HM_E_TIMEOUT;
	}
	play->out -= kind_at(play, 0) == ASK_SIGN_ISSUE;
	hm_assert(from->len <= room.len);
	memcpy(room.ptr, from->ptr, from->len);
	*ret_len = from->len;
	play->head = (play->head + 1) % PLAY_QUEUE;
	play->count--;
	return HM_OK;
}

struct keeper_link
play_link(struct play *play)
{
	return (struct keeper_link){ play, link_send, link_receive };
}
