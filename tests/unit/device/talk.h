/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * talk - asking an agent in memory, and the story up to a state
 */
#include "hallmark/agent.h"
#include "memport.h"
#include "oem.h"

/* What an answer says. */
struct reply {
	hm_link_type type;
	hm_err err; /* of a problem */
	size_t len; /* of the body */
	uint8_t body[HM_ANSWER_MAX];
};

/* Ask one question. */
void ask(struct hm_agent *agent, hm_link_type type, struct hm_bytes body,
    struct reply *ret);
/* Ask, and expect this kind of answer. */
void ask_for(struct hm_agent *agent, hm_link_type type, struct hm_bytes body,
    hm_link_type expected, struct reply *ret);
/* Ask, and expect this refusal. */
void ask_refused(struct hm_agent *agent, hm_link_type type,
    struct hm_bytes body, hm_err expected);
struct hm_bytes reply_body(const struct reply *reply);

/* Challenge it and check its evidence. */
void challenge(struct hm_agent *agent, uint8_t nonce, struct hm_claims *ret,
    uint8_t ret_binding[static 32]);
