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

	if (link->type < HM_LINK_HELLO || link->type > HM_LINK_PROBLEM ||
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

hm_err
hm_link_decode(struct hm_bytes message, struct hm_link *ret)
{
	struct hm_link link = HM_ZERO;
	struct hm_cbor_in in;

	if (message.len > HM_LINK_MAX)
		return HM_E_BAD_INPUT;
	hm_cbor_in_init(&in, message);
	hm_msg_array(&in, 2);
	link.type = (hm_link_type)hm_cbor_get_uint(&in, HM_LINK_PROBLEM);
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
