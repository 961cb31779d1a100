/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/challenge.h"
#include "wire/cose.h"
#include "wire/message.h"
#include "wire/stamp.h"

#define PAYLOAD_MAX (HM_STAMP_MAX - HM_COSE_OVERHEAD_MAX)
#define TAG_LEN 16 /* of AES-GCM: the least that sealed bytes have */

bool
hm_is_serial(struct hm_bytes text)
{
	return text.len >= 1 && text.len <= HM_SERIAL_MAX &&
	       hm_msg_is_serial(text);
}

hm_err
hm_issue_request_encode(const struct hm_issue_request *request,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_name(&out, 1, request->order);
	hm_msg_put_name(&out, 2, request->slot);
	hm_msg_put_bytes(&out, 3, request->evidence, 1, HM_EVIDENCE_MAX);
	return hm_msg_end(&out, HM_MESSAGE_MAX, ret_len);
}

hm_err
hm_issue_request_decode(struct hm_bytes message, struct hm_issue_request *ret)
{
	struct hm_issue_request request;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_MESSAGE_MAX, 4);
	request.order = hm_msg_get_name(&in, 1);
	request.slot = hm_msg_get_name(&in, 2);
	request.evidence = hm_msg_get_bytes(&in, 3, 1, HM_EVIDENCE_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = request;
	return HM_OK;
}

hm_err
hm_issue_answer_encode(
    const struct hm_issue_answer *answer, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_bytes(&out, 1, answer->stamp, 1, HM_STAMP_MAX);
	hm_msg_put_bytes(&out, 2, answer->entry, 1, HM_ENTRY_MAX);
	hm_msg_put_text(&out, 3, answer->receipt, 1, HM_RECEIPT_MAX);
	return hm_msg_end(&out, HM_MESSAGE_MAX, ret_len);
}

hm_err
hm_issue_answer_decode(struct hm_bytes message, struct hm_issue_answer *ret)
{
	struct hm_issue_answer answer;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_MESSAGE_MAX, 4);
	answer.stamp = hm_msg_get_bytes(&in, 1, 1, HM_STAMP_MAX);
	answer.entry = hm_msg_get_bytes(&in, 2, 1, HM_ENTRY_MAX);
	answer.receipt = hm_msg_get_text(&in, 3, 1, HM_RECEIPT_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = answer;
	return HM_OK;
}

static void
put_chain(struct hm_cbor_out *out, uint64_t key, const struct hm_stamp *stamp)
{
	uint32_t count = stamp->chain_count;

	if (count > HM_CHAIN_MAX) {
		hm_msg_refuse_out(out);
		return;
	}
	hm_msg_put_list(out, key, count);
	for (uint32_t i = 0; i < count; i++) {
		struct hm_bytes ca = stamp->chain[i];

		if (ca.len < 1 || ca.len > HM_CERT_MAX)
			hm_msg_refuse_out(out);
		hm_cbor_put_bytes(out, ca);
	}
}

static void
get_chain(struct hm_cbor_in *in, uint64_t key, struct hm_stamp *ret)
{
	ret->chain_count = hm_msg_get_list(in, key, HM_CHAIN_MAX);
	for (uint32_t i = 0; i < ret->chain_count; i++)
		ret->chain[i] = hm_cbor_get_bytes(in, 1, HM_CERT_MAX);
}

hm_err
hm_stamp_encode(
    const struct hm_stamp *stamp, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 16);
	hm_msg_put_name(&out, 1, stamp->order);
	hm_msg_put_fixed(&out, 2, stamp->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_fixed(&out, 3, stamp->binding, HM_DIGEST_LEN);
	hm_msg_put_fixed(&out, 4, stamp->product, HM_DIGEST_LEN);
	hm_msg_put_fixed(&out, 5, stamp->release, HM_DIGEST_LEN);
	hm_msg_put_uint(&out, 6, stamp->counter);
	hm_msg_put_serial(&out, 7, stamp->serial, 1, HM_SERIAL_MAX);
	hm_msg_put_mac_or_null(&out, 8, stamp->has_mac, stamp->mac);
	hm_msg_put_bytes(&out, 9, stamp->certificate, 1, HM_CERT_MAX);
	put_chain(&out, 10, stamp);
	hm_msg_put_point(&out, 11, stamp->enc);
	hm_msg_put_bytes(&out, 12, stamp->sealed, TAG_LEN, HM_SEALED_MAX);
	hm_msg_put_bytes_or_null(&out, 13, stamp->config, HM_CONFIG_MAX);
	hm_msg_put_uint(&out, 14, stamp->issued_s);
	hm_msg_put_text(&out, 15, stamp->origin, 1, HM_ORIGIN_MAX);
	return hm_msg_end(&out, PAYLOAD_MAX, ret_len);
}

hm_err
hm_stamp_decode(struct hm_bytes payload, struct hm_stamp *ret)
{
	struct hm_stamp stamp = { 0 };
	struct hm_cbor_in in;

	hm_msg_open(&in, payload, PAYLOAD_MAX, 16);
	stamp.order = hm_msg_get_name(&in, 1);
	hm_msg_get_fixed(&in, 2, stamp.device_id, HM_DEVICE_ID_LEN);
	hm_msg_get_fixed(&in, 3, stamp.binding, HM_DIGEST_LEN);
	hm_msg_get_fixed(&in, 4, stamp.product, HM_DIGEST_LEN);
	hm_msg_get_fixed(&in, 5, stamp.release, HM_DIGEST_LEN);
	stamp.counter = hm_msg_get_u32(&in, 6);
	stamp.serial = hm_msg_get_serial(&in, 7, 1, HM_SERIAL_MAX);
	stamp.has_mac = hm_msg_get_mac_or_null(&in, 8, stamp.mac);
	stamp.certificate = hm_msg_get_bytes(&in, 9, 1, HM_CERT_MAX);
	get_chain(&in, 10, &stamp);
	hm_msg_get_point(&in, 11, stamp.enc);
	stamp.sealed = hm_msg_get_bytes(&in, 12, TAG_LEN, HM_SEALED_MAX);
	stamp.config = hm_msg_get_bytes_or_null(&in, 13, HM_CONFIG_MAX);
	stamp.issued_s = hm_msg_get_uint(&in, 14, 0, UINT64_MAX);
	stamp.origin = hm_msg_get_text(&in, 15, 1, HM_ORIGIN_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = stamp;
	return HM_OK;
}

hm_err
hm_seal_info(struct hm_bytes order,
    const uint8_t device_id[HM_STATIC HM_DEVICE_ID_LEN],
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	static const uint8_t zero[1] = { 0 };
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	if (!hm_is_name(order))
		hm_msg_refuse_out(&out);
	hm_cbor_put_raw(&out, HM_LITERAL(HM_SEAL_LABEL));
	hm_cbor_put_raw(&out, order);
	hm_cbor_put_raw(&out, HM_BYTES(zero));
	hm_cbor_put_raw(&out, HM_MAKE(hm_bytes, device_id, HM_DEVICE_ID_LEN));
	hm_cbor_put_raw(&out, HM_MAKE(hm_bytes, binding, HM_DIGEST_LEN));
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_seal_aad(const uint8_t device_id[HM_STATIC HM_DEVICE_ID_LEN],
    struct hm_bytes serial, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, 3);
	hm_cbor_put_text(&out, HM_LITERAL(HM_SEAL_AAD_LABEL));
	hm_cbor_put_bytes(&out, HM_MAKE(hm_bytes, device_id, HM_DEVICE_ID_LEN));
	if (!hm_is_serial(serial))
		hm_msg_refuse_out(&out);
	hm_cbor_put_text(&out, serial);
	return hm_cbor_out_end(&out, ret_len);
}

static bool
is_secret(const struct hm_secret *secret)
{
	return secret->name.len >= 1 &&
	       secret->name.len <= HM_SECRET_NAME_MAX &&
	       secret->kind >= HM_SECRET_RANDOM &&
	       secret->kind <= HM_SECRET_LITERAL &&
	       secret->value.len <= HM_SECRET_MAX;
}

/* Each one allowed, and none named as another? */
static bool
are_secrets(const struct hm_secret *secrets, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!is_secret(&secrets[i]))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (hm_bytes_equal(secrets[i].name, secrets[k].name))
				return false;
	}
	return true;
}

hm_err
hm_secrets_encode(const struct hm_secret *secrets, uint32_t count,
    struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	if (count > HM_SECRETS_MAX || !are_secrets(secrets, count))
		return HM_E_BAD_INPUT;
	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, count);
	for (uint32_t i = 0; i < count; i++) {
		hm_cbor_put_array(&out, 3);
		hm_cbor_put_text(&out, secrets[i].name);
		hm_cbor_put_uint(&out, secrets[i].kind);
		hm_cbor_put_bytes(&out, secrets[i].value);
	}
	return hm_msg_end(&out, HM_SECRETS_PLAIN_MAX, ret_len);
}

hm_err
hm_secrets_decode(struct hm_bytes plain,
    struct hm_secret ret[HM_STATIC HM_SECRETS_MAX], uint32_t *ret_count)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	struct hm_cbor_in in;
	uint32_t count;

	if (plain.len > HM_SECRETS_PLAIN_MAX)
		return HM_E_BAD_INPUT;
	hm_cbor_in_init(&in, plain);
	count = hm_cbor_get_array(&in, HM_SECRETS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		hm_msg_array(&in, 3);
		secrets[i].name = hm_cbor_get_text(&in, 1, HM_SECRET_NAME_MAX);
		secrets[i].kind =
		    (hm_secret_kind)hm_cbor_get_uint(&in, HM_SECRET_LITERAL);
		secrets[i].value = hm_cbor_get_bytes(&in, 0, HM_SECRET_MAX);
	}
	HM_TRY(hm_cbor_in_end(&in));
	if (!are_secrets(secrets, count))
		return HM_E_BAD_INPUT;
	for (uint32_t i = 0; i < count; i++)
		ret[i] = secrets[i];
	*ret_count = count;
	return HM_OK;
}
