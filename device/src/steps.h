/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * steps - what the agent does for each question; agent.c sorts them
 *
 * Each takes the body of the question, which stands in `room`, and writes the
 * link message that answers it into `room`; the error of a refusal otherwise,
 * with the agent as it was. What they leave in the room agent.c wipes.
 */

#include "hallmark/config.h"
#include "memory.h"

HM_MUST hm_err step_evidence(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err step_open(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err step_stamp(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err step_receipt(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err step_deliver(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);

/* Write the message of `type` whose body is `head` and then `body`, which may
 * stand anywhere in `room`; `head` is elsewhere. */
HM_MUST hm_err agent_say(hm_link_type type, struct hm_bytes head,
    struct hm_bytes body, struct hm_span room, size_t *ret_len);
/* memory_store(next), and only then is it the agent's memory. After a failure
 * nobody knows which one is stored, so it is read again. */
HM_MUST hm_err agent_commit(
    struct hm_agent *agent, const struct hm_agent_memory *next);
