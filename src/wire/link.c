/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/link.h"
#include "wire/message.h"

static bool
has_body(hm_link_type type)
{
	return type != HM_LINK_HELLO && type != HM_LINK_DONE;
}

hm_err
hm_link_encode(const struct hm_link *link, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	if (link->type < HM_LINK_HELLO || link->type > HM_LINK_LAST ||
	    has_body(link->type) != (link->body.len > 0))
		return HM_E_BAD_INPUT;
	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, 2);
	hm_cbor_put_uint(&out, link->type);
	if (has_body(link->type))
		hm_cbor_put_bytes(&out, link->body);
	else
		hm_cbor_put_null(&out);
	return hm_msg_end(&out, HM_LINK_MAX, ret_len);
}

size_t
hm_link_head(
    hm_link_type type, size_t body_len, uint8_t ret[HM_STATIC HM_LINK_HEAD_MAX])
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, HM_MAKE(hm_span, ret, HM_LINK_HEAD_MAX));
	hm_cbor_put_array(&out, 2);
	hm_cbor_put_uint(&out, type);
	if (body_len > 0)
		hm_cbor_put_bytes_head(&out, body_len);
	else
		hm_cbor_put_null(&out);
	return out.len;
}

hm_err
hm_link_decode(struct hm_bytes message, struct hm_link *ret)
{
	struct hm_link link = HM_ZERO;
	struct hm_cbor_in in;

	if (message.len > HM_LINK_MAX)
		return HM_E_BAD_INPUT;
	hm_cbor_in_init(&in, message);
	hm_msg_array(&in, 2);
	link.type = (hm_link_type)hm_cbor_get_uint(&in, HM_LINK_LAST);
	if (link.type < HM_LINK_HELLO)
		hm_msg_refuse_in(&in);
	if (has_body(link.type))
		link.body = hm_cbor_get_bytes(&in, 1, HM_LINK_MAX);
	else
		hm_cbor_get_null(&in);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = link;
	return HM_OK;
}

hm_err
hm_info_encode(const struct hm_info *info, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 6);
	hm_msg_put_fixed(&out, 1, info->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_range(
	    &out, 2, info->state, HM_AGENT_BLANK, HM_AGENT_COMPLETE);
	hm_msg_put_range(
	    &out, 3, info->scheme, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	hm_msg_put_fixed(&out, 4, info->release, HM_DIGEST_LEN);
	hm_msg_put_err(&out, 5, info->last, HM_OK);
	return hm_msg_end(&out, HM_LINK_MAX, ret_len);
}

hm_err
hm_info_decode(struct hm_bytes body, struct hm_info *ret)
{
	struct hm_info info;
	struct hm_cbor_in in;

	hm_msg_open(&in, body, HM_LINK_MAX, 6);
	hm_msg_get_fixed(&in, 1, info.device_id, HM_DEVICE_ID_LEN);
	info.state = (hm_agent_state)hm_msg_get_uint(
	    &in, 2, HM_AGENT_BLANK, HM_AGENT_COMPLETE);
	info.scheme = (hm_scheme)hm_msg_get_uint(
	    &in, 3, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	hm_msg_get_fixed(&in, 4, info.release, HM_DIGEST_LEN);
	info.last = hm_msg_get_err(&in, 5, HM_OK);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = info;
	return HM_OK;
}

hm_err
hm_opened_head(
    const struct hm_opened *opened, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 7);
	hm_msg_put_fixed(&out, 1, opened->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_range(
	    &out, 2, opened->state, HM_AGENT_BLANK, HM_AGENT_COMPLETE);
	hm_msg_put_err(&out, 3, opened->last, HM_OK);
	hm_msg_put_uint(&out, 4, opened->longest);
	hm_msg_put_bool(&out, 5, opened->leaves);
	hm_cbor_put_uint(&out, 6);
	hm_cbor_put_bytes_head(&out, opened->evidence.len);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_opened_encode(
    const struct hm_opened *opened, struct hm_span room, size_t *ret_len)
{
	uint8_t head[HM_OPENED_HEAD_MAX];
	struct hm_cbor_out out;
	size_t len = 0;

	if (opened->evidence.len < 1 || opened->evidence.len > HM_EVIDENCE_MAX)
		return HM_E_BAD_INPUT;
	HM_TRY(
	    hm_opened_head(opened, HM_MAKE(hm_span, head, sizeof(head)), &len));
	hm_cbor_out_init(&out, room);
	hm_cbor_put_raw(&out, HM_MAKE(hm_bytes, head, len));
	hm_cbor_put_raw(&out, opened->evidence);
	return hm_msg_end(&out, HM_LINK_MAX, ret_len);
}

hm_err
hm_opened_decode(struct hm_bytes body, struct hm_opened *ret)
{
	struct hm_opened opened;
	struct hm_cbor_in in;

	hm_msg_open(&in, body, HM_LINK_MAX, 7);
	hm_msg_get_fixed(&in, 1, opened.device_id, HM_DEVICE_ID_LEN);
	opened.state = (hm_agent_state)hm_msg_get_uint(
	    &in, 2, HM_AGENT_BLANK, HM_AGENT_COMPLETE);
	opened.last = hm_msg_get_err(&in, 3, HM_OK);
	opened.longest = hm_msg_get_u32(&in, 4);
	opened.leaves = hm_msg_get_bool(&in, 5);
	opened.evidence = hm_msg_get_bytes(&in, 6, 1, HM_EVIDENCE_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = opened;
	return HM_OK;
}

hm_err
hm_delivery_encode(
    const struct hm_delivery *delivery, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 3);
	hm_msg_put_bytes(&out, 1, delivery->stamp, 1, HM_STAMP_MAX);
	hm_msg_put_bytes(&out, 2, delivery->receipt, 1, HM_LINK_MAX);
	return hm_msg_end(&out, HM_LINK_MAX, ret_len);
}

hm_err
hm_delivery_decode(struct hm_bytes body, struct hm_delivery *ret)
{
	struct hm_delivery delivery;
	struct hm_cbor_in in;

	hm_msg_open(&in, body, HM_LINK_MAX, 3);
	delivery.stamp = hm_msg_get_bytes(&in, 1, 1, HM_STAMP_MAX);
	delivery.receipt = hm_msg_get_bytes(&in, 2, 1, HM_LINK_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = delivery;
	return HM_OK;
}
