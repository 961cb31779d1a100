/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "wire/problem.h"

struct hm_bytes
reply_body(const struct reply *reply)
{
	return (struct hm_bytes){ reply->body, reply->len };
}

void
ask(struct hm_agent *agent, hm_link_type type, struct hm_bytes body,
    struct reply *ret)
{
	static uint8_t message[HM_LINK_MAX + 64];
	const struct hm_link link = { .type = type, .body = body };
	struct hm_link said;
	struct hm_problem problem;
	size_t len = 0;

	assert_int_equal(
	    hm_link_encode(
		&link, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	assert_int_equal(
	    hm_agent_handle(
		agent, (struct hm_span){ message, sizeof(message) }, len, &len),
	    HM_OK);
	for (size_t i = len; i < sizeof(message); i++)
		assert_int_equal(message[i], 0); /* nothing is left of it */
	assert_int_equal(
	    hm_link_decode((struct hm_bytes){ message, len }, &said), HM_OK);
	memset(ret, 0, sizeof(*ret));
	ret->type = said.type;
	ret->len = said.body.len;
	if (said.body.len > 0)
		memcpy(ret->body, said.body.ptr, said.body.len);
	if (said.type == HM_LINK_PROBLEM) {
		assert_int_equal(hm_problem_decode(said.body, &problem), HM_OK);
		ret->err = problem.err;
	}
}

void
ask_for(struct hm_agent *agent, hm_link_type type, struct hm_bytes body,
    hm_link_type expected, struct reply *ret)
{
	ask(agent, type, body, ret);
	assert_int_equal(ret->err, HM_OK);
	assert_int_equal(ret->type, expected);
}

void
ask_refused(struct hm_agent *agent, hm_link_type type, struct hm_bytes body,
    hm_err expected)
{
	struct reply reply;

	ask(agent, type, body, &reply);
	assert_int_equal(reply.type, HM_LINK_PROBLEM);
	assert_int_equal(reply.err, expected);
}

void
challenge(struct hm_agent *agent, uint8_t nonce, struct hm_claims *ret,
    uint8_t ret_binding[static 32])
{
	AUTO(buf) struct buf body = { .max = HM_CHALLENGE_MAX };
	struct reply reply;

	oem_challenge(nonce, &body);
	ask_for(agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_LINK_EVIDENCE,
	    &reply);
	oem_check_evidence(reply_body(&reply), nonce, ret, ret_binding);
}
