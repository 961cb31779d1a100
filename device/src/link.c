/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/link.h"

#define READ_LEN 256 /* bytes of stack for one read */

HM_STATIC_ASSERT(sizeof(struct hm_serve) <= 4096, "RAM as link.h says");

void
hm_serve_init(
    struct hm_serve *serve, struct hm_agent *agent, struct hm_span room)
{
	serve->agent = agent;
	hm_frame_in_init(&serve->in, room);
}

static hm_err
reply(struct hm_serve *serve, struct hm_bytes message)
{
	size_t len = 0;

	HM_TRY(hm_agent_handle(serve->agent, message,
	    HM_MAKE(hm_span, serve->answer, sizeof(serve->answer)), &len));
	HM_TRY(hm_frame_encode(HM_MAKE(hm_bytes, serve->answer, len),
	    HM_MAKE(hm_span, serve->frame, sizeof(serve->frame)), &len));
	return hm_port_link_write(HM_MAKE(hm_bytes, serve->frame, len));
}

hm_err
hm_serve_feed(struct hm_serve *serve, struct hm_bytes bytes)
{
	struct hm_bytes message;

	for (size_t i = 0; i < bytes.len; i++)
		if (hm_frame_put(&serve->in, bytes.ptr[i], &message))
			HM_TRY(reply(serve, message));
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
