/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message.h"
#include "wire/problem.h"

#define ERR_MIN 1 /* not HM_OK */

hm_err
hm_problem_encode(
    const struct hm_problem *problem, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 3);
	hm_msg_put_err(&out, 1, problem->err, ERR_MIN);
	hm_cbor_put_uint(&out, 2);
	if (problem->has_reference)
		hm_cbor_put_bytes(&out, HM_BYTES(problem->reference));
	else
		hm_cbor_put_null(&out);
	return hm_msg_end(&out, HM_PROBLEM_MAX, ret_len);
}

hm_err
hm_problem_decode(struct hm_bytes message, struct hm_problem *ret)
{
	struct hm_problem problem = HM_ZERO;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_PROBLEM_MAX, 3);
	problem.err = hm_msg_get_err(&in, 1, ERR_MIN);
	hm_cbor_key(&in, 2);
	problem.has_reference = !hm_cbor_null_if(&in);
	if (problem.has_reference)
		hm_cbor_get_fixed(
		    &in, problem.reference, sizeof(problem.reference));
	HM_TRY(hm_cbor_in_end(&in));
	*ret = problem;
	return HM_OK;
}
