/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/challenge.h"
#include "wire/message.h"

static bool
is_name_byte(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
hm_is_name(struct hm_bytes text)
{
	if (text.len < 1 || text.len > HM_NAME_MAX || text.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_name_byte(text.ptr[i]))
			return false;
	return true;
}

hm_err
hm_challenge_request_encode(const struct hm_challenge_request *request,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 2);
	hm_msg_put_name(&out, 1, request->order);
	return hm_msg_end(&out, HM_CHALLENGE_MAX, ret_len);
}

hm_err
hm_challenge_request_decode(
    struct hm_bytes message, struct hm_challenge_request *ret)
{
	struct hm_challenge_request request;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_CHALLENGE_MAX, 2);
	request.order = hm_msg_get_name(&in, 1);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = request;
	return HM_OK;
}

hm_err
hm_challenge_encode(
    const struct hm_challenge *challenge, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_name(&out, 1, challenge->order);
	hm_msg_put_fixed(&out, 2, challenge->nonce, HM_NONCE_LEN);
	hm_msg_put_fixed(&out, 3, challenge->release, HM_DIGEST_LEN);
	return hm_msg_end(&out, HM_CHALLENGE_MAX, ret_len);
}

hm_err
hm_challenge_decode(struct hm_bytes message, struct hm_challenge *ret)
{
	struct hm_challenge challenge;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_CHALLENGE_MAX, 4);
	challenge.order = hm_msg_get_name(&in, 1);
	hm_msg_get_fixed(&in, 2, challenge.nonce, HM_NONCE_LEN);
	hm_msg_get_fixed(&in, 3, challenge.release, HM_DIGEST_LEN);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = challenge;
	return HM_OK;
}
