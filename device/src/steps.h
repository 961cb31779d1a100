/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * steps - what the agent does for each question; agent.c sorts them
 *
 * Each takes the body of the question and encodes the link message that answers
 * it into `room`; the error of a refusal otherwise, with the agent as it was.
 */

#include "memory.h"

HM_MUST hm_err step_evidence(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err step_stamp(struct hm_agent *agent, struct hm_bytes body,
    struct hm_span room, size_t *ret_len);

/* memory_store(next), and only then is it the agent's memory. After a failure
 * nobody knows which one is stored, so it is read again. */
HM_MUST hm_err agent_commit(
    struct hm_agent *agent, const struct hm_agent_memory *next);
