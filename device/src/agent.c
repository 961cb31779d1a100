/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <string.h>

#include "wire/conformance.h"
#include "wire/problem.h"

HM_STATIC_ASSERT(sizeof(struct hm_agent) <= 6144, "RAM as agent.h says");

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

static hm_err
say(hm_link_type type, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	const struct hm_link link = { .type = type, .body = body };

	return hm_link_encode(&link, room, ret_len);
}

static hm_err
hello(const struct hm_agent *agent, struct hm_span room, size_t *ret_len)
{
	struct hm_info info = { .state = agent->memory.state,
		.scheme = hm_port_scheme(),
		.last = agent->last };
	uint8_t body[128];
	size_t len = 0;

	memcpy(info.device_id, agent->device_id, sizeof(info.device_id));
	memcpy(info.release, agent->release, sizeof(info.release));
	HM_TRY(
	    hm_info_encode(&info, HM_MAKE(hm_span, body, sizeof(body)), &len));
	return say(HM_LINK_INFO, HM_MAKE(hm_bytes, body, len), room, ret_len);
}

/* The first receipt stands; who asks again is told that it is there. */
static hm_err
take_receipt(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_confirm_answer answer;
	struct hm_agent_memory next = agent->memory;

	if (agent->memory.state < HM_AGENT_STAMPED)
		return HM_E_WRONG_STATE;
	HM_TRY(hm_confirm_answer_decode(body, &answer));
	if (agent->memory.state == HM_AGENT_STAMPED) {
		if (hm_port_store_write(HM_RECORD_RECEIPT, body) != HM_OK)
			return HM_E_STORAGE;
		next.state = HM_AGENT_COMPLETE;
		HM_TRY(agent_commit(agent, &next));
	}
	return say(HM_LINK_DONE, HM_MAKE(hm_bytes, 0), room, ret_len);
}

static hm_err
answer(struct hm_agent *agent, struct hm_bytes message, struct hm_span room,
    size_t *ret_len)
{
	struct hm_link link;

	if (agent->stale) {
		HM_TRY(memory_load(&agent->memory));
		agent->stale = false;
	}
	HM_TRY(hm_link_decode(message, &link));
	switch (link.type) {
	case HM_LINK_HELLO:
		return hello(agent, room, ret_len);
	case HM_LINK_CHALLENGE:
		return step_evidence(agent, link.body, room, ret_len);
	case HM_LINK_STAMP:
		return step_stamp(agent, link.body, room, ret_len);
	case HM_LINK_RECEIPT:
		return take_receipt(agent, link.body, room, ret_len);
	case HM_LINK_INFO:
	case HM_LINK_EVIDENCE:
	case HM_LINK_CONFORMANCE:
	case HM_LINK_DONE:
	case HM_LINK_PROBLEM:
		break; /* answers, not questions */
	}
	return HM_E_BAD_INPUT;
}

/* hello only reads: it tells why the message before it was refused. */
static bool
is_hello(struct hm_bytes message)
{
	struct hm_link link;

	return hm_link_decode(message, &link) == HM_OK &&
	       link.type == HM_LINK_HELLO;
}

hm_err
hm_agent_handle(struct hm_agent *agent, struct hm_bytes message,
    struct hm_span room, size_t *ret_len)
{
	struct hm_problem problem = { .err = HM_OK };
	uint8_t body[HM_PROBLEM_MAX];
	size_t len = 0;

	if (room.len < HM_ANSWER_MAX)
		return HM_E_NO_ROOM;
	problem.err = answer(agent, message, room, &len);
	hm_wipe(agent->work, sizeof(agent->work));
	if (problem.err == HM_OK) {
		if (!is_hello(message))
			agent->last = HM_OK;
		*ret_len = len;
		return HM_OK;
	}
	agent->last = problem.err;
	HM_TRY(hm_problem_encode(
	    &problem, HM_MAKE(hm_span, body, sizeof(body)), &len));
	return say(
	    HM_LINK_PROBLEM, HM_MAKE(hm_bytes, body, len), room, ret_len);
}

hm_agent_state
hm_agent_where(const struct hm_agent *agent)
{
	return agent->memory.state;
}
