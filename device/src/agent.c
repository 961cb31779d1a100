/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <string.h>

#include "wire/problem.h"

HM_STATIC_ASSERT(sizeof(struct hm_agent) <= 1024, "RAM as agent.h says");

hm_err
agent_commit(struct hm_agent *agent, const struct hm_agent_memory *next)
{
	agent->stale = true;
	if (memory_store(next) != HM_OK)
		return HM_E_STORAGE;
	agent->memory = *next;
	agent->stale = false;
	return HM_OK;
}

static hm_err
read_device_id(uint8_t ret[HM_STATIC HM_DEVICE_ID_LEN])
{
	uint8_t uid[HM_UNIQUE_ID_MAX];
	size_t len = 0;

	HM_TRY(hm_port_unique_id(HM_MAKE(hm_span, uid, sizeof(uid)), &len));
	hm_sha256(HM_MAKE(hm_bytes, uid, len), ret);
	return HM_OK;
}

hm_err
hm_agent_init(struct hm_agent *agent)
{
	memset(agent, 0, sizeof(*agent));
	HM_TRY(read_device_id(agent->device_id));
	HM_TRY(hm_port_firmware(agent->release));
	HM_TRY(hm_port_counter(&agent->counter));
	return memory_load(&agent->memory);
}

hm_err
agent_say(hm_link_type type, struct hm_bytes head, struct hm_bytes body,
    struct hm_span room, size_t *ret_len)
{
	uint8_t front[HM_LINK_HEAD_MAX];
	size_t len = hm_link_head(type, head.len + body.len, front);

	if (len + head.len + body.len > room.len)
		return HM_E_NO_ROOM;
	if (body.len > 0)
		memmove(room.ptr + len + head.len, body.ptr, body.len);
	if (head.len > 0)
		memcpy(room.ptr + len, head.ptr, head.len);
	memcpy(room.ptr, front, len);
	*ret_len = len + head.len + body.len;
	return HM_OK;
}

static hm_err
hello(const struct hm_agent *agent, struct hm_span room, size_t *ret_len)
{
	struct hm_info info = HM_ZERO;
	uint8_t body[128];
	size_t len = 0;

	info.state = agent->memory.state;
	info.scheme = hm_port_scheme();
	info.last = agent->last;
	memcpy(info.device_id, agent->device_id, sizeof(info.device_id));
	memcpy(info.release, agent->release, sizeof(info.release));
	HM_TRY(
	    hm_info_encode(&info, HM_MAKE(hm_span, body, sizeof(body)), &len));
	return agent_say(HM_LINK_INFO, HM_MAKE(hm_bytes, body, len),
	    HM_MAKE(hm_bytes, NULL, 0), room, ret_len);
}

static hm_err
answer(struct hm_agent *agent, const struct hm_link *link, struct hm_span room,
    size_t *ret_len)
{
	if (agent->stale) {
		HM_TRY(memory_load(&agent->memory));
		agent->stale = false;
	}
	switch (link->type) {
	case HM_LINK_HELLO:
		return hello(agent, room, ret_len);
	case HM_LINK_CHALLENGE:
		return step_evidence(agent, link->body, room, ret_len);
	case HM_LINK_STAMP:
		return step_stamp(agent, link->body, room, ret_len);
	case HM_LINK_RECEIPT:
		return step_receipt(agent, link->body, room, ret_len);
	case HM_LINK_OPEN:
		return step_open(agent, link->body, room, ret_len);
	case HM_LINK_DELIVER:
		return HM_AGENT_DELIVER
			   ? step_deliver(agent, link->body, room, ret_len)
			   : HM_E_WRONG_STATE;
	case HM_LINK_INFO:
	case HM_LINK_EVIDENCE:
	case HM_LINK_CONFORMANCE:
	case HM_LINK_DONE:
	case HM_LINK_PROBLEM:
	case HM_LINK_OPENED:
	case HM_LINK_DELIVERED:
		break; /* answers, not questions */
	}
	return HM_E_BAD_INPUT;
}

static hm_err
refuse(hm_err err, struct hm_span room, size_t *ret_len)
{
	struct hm_problem problem = HM_ZERO;
	uint8_t body[HM_PROBLEM_MAX];
	size_t len = 0;

	problem.err = err;
	HM_TRY(hm_problem_encode(
	    &problem, HM_MAKE(hm_span, body, sizeof(body)), &len));
	return agent_say(HM_LINK_PROBLEM, HM_MAKE(hm_bytes, body, len),
	    HM_MAKE(hm_bytes, NULL, 0), room, ret_len);
}

hm_err
hm_agent_handle(
    struct hm_agent *agent, struct hm_span room, size_t len, size_t *ret_len)
{
	struct hm_link link = HM_ZERO;
	hm_link_type type;
	hm_err err;

	if (room.len < HM_ROOM_MIN || len > room.len)
		return HM_E_NO_ROOM;
	err = hm_link_decode(HM_MAKE(hm_bytes, room.ptr, len), &link);
	type = link.type;
	len = 0;
	if (err == HM_OK)
		err = answer(agent, &link, room, &len);
	/* hello only reads: it tells why the message before it was refused */
	if (err != HM_OK || type != HM_LINK_HELLO)
		agent->last = err;
	if (err != HM_OK)
		HM_TRY(refuse(err, room, &len));
	hm_wipe(room.ptr + len, room.len - len);
	*ret_len = len;
	return HM_OK;
}

hm_agent_state
hm_agent_where(const struct hm_agent *agent)
{
	return agent->memory.state;
}
