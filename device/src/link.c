/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/link.h"

#define READ_LEN 64 /* bytes of stack for one read */

HM_STATIC_ASSERT(sizeof(struct hm_serve) <= 64, "RAM as link.h says");

void
hm_serve_init(
    struct hm_serve *serve, struct hm_agent *agent, struct hm_span room)
{
	serve->agent = agent;
	serve->before_answer = NULL;
	hm_frame_in_init(&serve->in, room);
}

static hm_err
send(struct hm_bytes message)
{
	struct hm_frame_out out;
	uint8_t piece[HM_FRAME_PIECE];
	size_t len;

	hm_frame_out_init(&out, message);
	while ((len = hm_frame_out_next(&out, piece)) > 0)
		HM_TRY(hm_port_link_write(HM_MAKE(hm_bytes, piece, len)));
	return HM_OK;
}

/* A message stands at the front of the room. */
static hm_err
reply(struct hm_serve *serve, size_t len)
{
	HM_TRY(hm_agent_handle(serve->agent,
	    HM_MAKE(hm_span, serve->in.ptr, serve->in.size), len, &len));
	if (serve->before_answer != NULL)
		HM_TRY(serve->before_answer(serve->agent));
	return send(HM_MAKE(hm_bytes, serve->in.ptr, len));
}

hm_err
hm_serve_feed(struct hm_serve *serve, struct hm_bytes bytes)
{
	struct hm_bytes message;

	for (size_t i = 0; i < bytes.len; i++)
		if (hm_frame_put(&serve->in, bytes.ptr[i], &message))
			HM_TRY(reply(serve, message.len));
	return HM_OK;
}

hm_err
hm_serve_run(struct hm_serve *serve)
{
	uint8_t bytes[READ_LEN];
	size_t len = 0;

	for (;;) {
		HM_TRY(hm_port_link_read(
		    HM_MAKE(hm_span, bytes, sizeof(bytes)), &len));
		HM_TRY(hm_serve_feed(serve, HM_MAKE(hm_bytes, bytes, len)));
	}
}
