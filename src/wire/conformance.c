/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/message.h"

#define PAYLOAD_MAX (HM_CONFORMANCE_MAX - HM_COSE_OVERHEAD_MAX)

hm_err
hm_conformance_encode(const struct hm_conformance *conformance,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 6);
	hm_msg_put_fixed(&out, 1, conformance->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_fixed(&out, 2, conformance->stamp, HM_DIGEST_LEN);
	hm_msg_put_fixed(&out, 3, conformance->release, HM_DIGEST_LEN);
	hm_msg_put_uint(&out, 4, conformance->counter);
	hm_msg_put_range(
	    &out, 5, conformance->lock, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	return hm_msg_end(&out, PAYLOAD_MAX, ret_len);
}

hm_err
hm_conformance_decode(struct hm_bytes payload, struct hm_conformance *ret)
{
	struct hm_conformance conformance;
	struct hm_cbor_in in;

	hm_msg_open(&in, payload, PAYLOAD_MAX, 6);
	hm_msg_get_fixed(&in, 1, conformance.device_id, HM_DEVICE_ID_LEN);
	hm_msg_get_fixed(&in, 2, conformance.stamp, HM_DIGEST_LEN);
	hm_msg_get_fixed(&in, 3, conformance.release, HM_DIGEST_LEN);
	conformance.counter = hm_msg_get_u32(&in, 4);
	conformance.lock =
	    (hm_lock)hm_msg_get_uint(&in, 5, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = conformance;
	return HM_OK;
}

hm_err
hm_confirm_request_encode(const struct hm_confirm_request *request,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 3);
	hm_msg_put_name(&out, 1, request->order);
	hm_msg_put_bytes(&out, 2, request->conformance, 1, HM_CONFORMANCE_MAX);
	return hm_msg_end(&out, HM_MESSAGE_MAX, ret_len);
}

hm_err
hm_confirm_request_decode(
    struct hm_bytes message, struct hm_confirm_request *ret)
{
	struct hm_confirm_request request;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_MESSAGE_MAX, 3);
	request.order = hm_msg_get_name(&in, 1);
	request.conformance = hm_msg_get_bytes(&in, 2, 1, HM_CONFORMANCE_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = request;
	return HM_OK;
}

hm_err
hm_confirm_answer_encode(const struct hm_confirm_answer *answer,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 3);
	hm_msg_put_bytes(&out, 1, answer->entry, 1, HM_ENTRY_MAX);
	hm_msg_put_text(&out, 2, answer->receipt, 1, HM_RECEIPT_MAX);
	return hm_msg_end(&out, HM_MESSAGE_MAX, ret_len);
}

hm_err
hm_confirm_answer_decode(struct hm_bytes message, struct hm_confirm_answer *ret)
{
	struct hm_confirm_answer answer;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_MESSAGE_MAX, 3);
	answer.entry = hm_msg_get_bytes(&in, 1, 1, HM_ENTRY_MAX);
	answer.receipt = hm_msg_get_text(&in, 2, 1, HM_RECEIPT_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = answer;
	return HM_OK;
}
