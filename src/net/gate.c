/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gate.h"

void
gate_init(struct gate *gate,
    hm_err (*judge)(void *context, const struct head *head), void *context)
{
	*gate = (struct gate){ .judge = judge, .context = context };
	buf_init(&gate->text, HEAD_MAX);
}

void
gate_done(struct gate *gate)
{
	buf_done(&gate->text);
}

static void
refuse(struct gate *gate, hm_err err)
{
	gate->state = GATE_REFUSED;
	gate->err = err;
}

/* The head is whole: what does it say? */
static void
weigh(struct gate *gate)
{
	hm_err err = head_parse_request(buf_bytes(&gate->text), &gate->head);

	if (err == HM_OK)
		err = gate->judge(gate->context, &gate->head);
	if (err != HM_OK) {
		refuse(gate, err);
		return;
	}
	gate->left = gate->head.length;
	gate->state = gate->left ? GATE_BODY : GATE_WHOLE;
}

static size_t
feed_head(struct gate *gate, struct hm_bytes bytes)
{
	size_t before = gate->text.len, room = HEAD_MAX - before, end = 0;
	hm_err err;

	gate->state = GATE_HEAD;
	if (bytes.len > room)
		bytes.len = room;
	err = buf_add(&gate->text, bytes);
	if (err == HM_OK)
		err = head_find_end(buf_bytes(&gate->text), gate->seen, &end);
	if (err != HM_OK) {
		refuse(gate, err);
		return 0;
	}
	gate->seen = gate->text.len;
	if (end == 0)
		return bytes.len;
	gate->text.len = end;
	weigh(gate);
	return end - before;
}

static size_t
feed_body(struct gate *gate, size_t len)
{
	size_t n = len < gate->left ? len : (size_t)gate->left;

	gate->left -= n;
	if (gate->left == 0)
		gate->state = GATE_WHOLE;
	return n;
}

size_t
gate_feed(struct gate *gate, struct hm_bytes bytes)
{
	size_t done = 0;

	while (done < bytes.len) {
		struct hm_bytes rest = { bytes.ptr + done, bytes.len - done };

		if (gate->state == GATE_WHOLE || gate->state == GATE_REFUSED)
			break;
		if (gate->state == GATE_BODY)
			done += feed_body(gate, rest.len);
		else
			done += feed_head(gate, rest);
	}
	return done;
}

void
gate_next(struct gate *gate)
{
	if (gate->state == GATE_REFUSED)
		return;
	buf_done(&gate->text);
	gate_init(gate, gate->judge, gate->context);
}
