/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memory - HM_RECORD_STATE, read and written
 *
 *   { 0: 1, 1: state, 2: [* binding (bstr 32)],
 *     3: stamp digest (bstr 32) or null, 4: conformance (bstr) or null }
 *
 * in deterministic CBOR. 3 and 4 are there from STAMPED on, and not before.
 */

#include "hallmark/agent.h"

#define MEMORY_ENCODED_MAX 640

/* An absent record is a blank memory. HM_E_STORAGE; *ret is untouched */
HM_MUST hm_err memory_load(struct hm_agent_memory *ret);
/* HM_E_STORAGE: old or new */
HM_MUST hm_err memory_store(const struct hm_agent_memory *memory);
/* Put `binding` in front, unless it is there; the oldest falls out. */
void memory_remember(struct hm_agent_memory *memory,
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN]);
bool memory_knows(const struct hm_agent_memory *memory,
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN]);
