/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/body.h"
#include "wire/challenge.h"
#include "wire/cose.h"
#include "wire/message.h"

#define PAYLOAD_MAX (HM_OBJECT_MAX - HM_COSE_OVERHEAD_MAX)

#define SERIAL_PREFIX_MAX 16
#define SERIAL_DIGITS_MAX 12
#define SITE_MAX 32
#define TARGET_MAX 64

/* ---- order ---- */

/* Does the range of serials end within its digits? */
static bool
is_serial_range(const struct hm_order *order, uint64_t count)
{
	uint64_t end = 1;

	for (uint32_t i = 0; i < order->serial_digits; i++)
		end *= 10;
	return count <= end && order->serial_first <= end - count;
}

/* Does the block of addresses end within 48 bits, and is it of unicast ones? */
static bool
is_mac_block(const struct hm_order *order, uint64_t count)
{
	const uint8_t *mac = order->mac_first;
	uint64_t first = (uint64_t)hm_get_u16(mac) << 32 | hm_get_u32(mac + 2);
	uint64_t last = first + count - 1;

	if (last >> 48 != 0)
		return false;
	/* a range that passes a first octet passes its multicast half too */
	return (mac[0] & 1) == 0 && last >> 40 == mac[0];
}

static bool
is_order(const struct hm_order *order)
{
	/* numbers of returned units are not given again */
	uint64_t count = (uint64_t)order->quota + order->returns;

	return order->quota >= 1 && is_serial_range(order, count) &&
	       (!order->has_macs || is_mac_block(order, count)) &&
	       order->not_before_s < order->not_after_s;
}

static void
put_stations(
    struct hm_cbor_out *out, uint64_t key, const struct hm_order *order)
{
	hm_msg_put_list(out, key, order->station_count);
	for (uint32_t i = 0; i < order->station_count; i++) {
		if (!hm_is_name(order->stations[i]))
			hm_msg_refuse_out(out);
		hm_cbor_put_text(out, order->stations[i]);
	}
}

static void
get_stations(struct hm_cbor_in *in, uint64_t key, struct hm_order *ret)
{
	ret->station_count = hm_msg_get_list(in, key, HM_ORDER_STATIONS_MAX);
	if (ret->station_count == 0)
		hm_msg_refuse_in(in);
	for (uint32_t i = 0; i < ret->station_count; i++) {
		ret->stations[i] = hm_cbor_get_text(in, 1, HM_NAME_MAX);
		if (!hm_is_name(ret->stations[i]))
			hm_msg_refuse_in(in);
	}
}

static void
put_order(struct hm_cbor_out *out, const struct hm_order *order)
{
	if (order->serial_digits < 1 ||
	    order->serial_digits > SERIAL_DIGITS_MAX ||
	    order->station_count < 1 ||
	    order->station_count > HM_ORDER_STATIONS_MAX || !is_order(order)) {
		hm_msg_refuse_out(out);
		return;
	}
	hm_msg_put_map(out, 3, 14);
	hm_msg_put_name(out, 1, order->name);
	hm_msg_put_fixed(out, 2, order->product, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 3, order->release, HM_DIGEST_LEN);
	hm_msg_put_range(
	    out, 4, order->channel, HM_CHANNEL_DEV, HM_CHANNEL_PROD);
	hm_msg_put_uint(out, 5, order->quota);
	hm_msg_put_uint(out, 6, order->returns);
	hm_msg_put_serial(out, 7, order->serial_prefix, 0, SERIAL_PREFIX_MAX);
	hm_msg_put_uint(out, 8, order->serial_first);
	hm_msg_put_uint(out, 9, order->serial_digits);
	hm_msg_put_mac_or_null(out, 10, order->has_macs, order->mac_first);
	put_stations(out, 11, order);
	hm_msg_put_uint(out, 12, order->not_before_s);
	hm_msg_put_uint(out, 13, order->not_after_s);
	hm_msg_put_uint(out, 14, order->confirm_within_s);
}

static void
get_order(struct hm_cbor_in *in, struct hm_order *ret)
{
	hm_msg_get_map(in, 3, 14);
	ret->name = hm_msg_get_name(in, 1);
	hm_msg_get_fixed(in, 2, ret->product, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 3, ret->release, HM_DIGEST_LEN);
	ret->channel =
	    (hm_channel)hm_msg_get_uint(in, 4, HM_CHANNEL_DEV, HM_CHANNEL_PROD);
	ret->quota = hm_msg_get_u32(in, 5);
	ret->returns = hm_msg_get_u32(in, 6);
	ret->serial_prefix = hm_msg_get_serial(in, 7, 0, SERIAL_PREFIX_MAX);
	ret->serial_first = hm_msg_get_uint(in, 8, 0, UINT64_MAX);
	ret->serial_digits =
	    (uint32_t)hm_msg_get_uint(in, 9, 1, SERIAL_DIGITS_MAX);
	ret->has_macs = hm_msg_get_mac_or_null(in, 10, ret->mac_first);
	get_stations(in, 11, ret);
	ret->not_before_s = hm_msg_get_uint(in, 12, 0, UINT64_MAX);
	ret->not_after_s = hm_msg_get_uint(in, 13, 0, UINT64_MAX);
	ret->confirm_within_s = hm_msg_get_u32(in, 14);
	if (in->err == HM_OK && !is_order(ret))
		hm_msg_refuse_in(in);
}

/* ---- credential ---- */

static bool
is_credential(const struct hm_credential *credential)
{
	return credential->role != HM_ROLE_DEVICE ||
	       hm_is_name(credential->site);
}

static void
put_credential(struct hm_cbor_out *out, const struct hm_credential *credential)
{
	hm_msg_put_map(out, 3, 5);
	hm_msg_put_name(out, 1, credential->name);
	hm_msg_put_range(
	    out, 2, credential->role, HM_ROLE_STATION, HM_ROLE_DEVICE);
	hm_msg_put_point(out, 3, credential->key);
	hm_msg_put_text(out, 4, credential->site, 0, SITE_MAX);
	hm_msg_put_uint(out, 5, credential->not_after_s);
	if (!is_credential(credential))
		hm_msg_refuse_out(out);
}

static void
get_credential(struct hm_cbor_in *in, struct hm_credential *ret)
{
	hm_msg_get_map(in, 3, 5);
	ret->name = hm_msg_get_name(in, 1);
	ret->role =
	    (hm_role)hm_msg_get_uint(in, 2, HM_ROLE_STATION, HM_ROLE_DEVICE);
	hm_msg_get_point(in, 3, ret->key);
	ret->site = hm_msg_get_text(in, 4, 0, SITE_MAX);
	ret->not_after_s = hm_msg_get_uint(in, 5, 0, UINT64_MAX);
	if (in->err == HM_OK && !is_credential(ret))
		hm_msg_refuse_in(in);
}

/* ---- enrolment ---- */

static bool
are_sorted(struct hm_bytes digests)
{
	if (digests.len % HM_DIGEST_LEN != 0)
		return false;
	for (size_t i = HM_DIGEST_LEN; i < digests.len; i += HM_DIGEST_LEN)
		if (memcmp(digests.ptr + i - HM_DIGEST_LEN, digests.ptr + i,
			HM_DIGEST_LEN) >= 0)
			return false;
	return true;
}

static void
put_enrolment(struct hm_cbor_out *out, const struct hm_enrolment *enrolment)
{
	if (!are_sorted(enrolment->digests))
		hm_msg_refuse_out(out);
	hm_msg_put_map(out, 3, 2);
	hm_msg_put_name(out, 1, enrolment->product);
	hm_msg_put_bytes(out, 2, enrolment->digests, HM_DIGEST_LEN,
	    HM_DIGEST_LEN * HM_ENROL_KEYS_MAX);
}

static void
get_enrolment(struct hm_cbor_in *in, struct hm_enrolment *ret)
{
	hm_msg_get_map(in, 3, 2);
	ret->product = hm_msg_get_name(in, 1);
	ret->digests = hm_msg_get_bytes(
	    in, 2, HM_DIGEST_LEN, HM_DIGEST_LEN * HM_ENROL_KEYS_MAX);
	if (!are_sorted(ret->digests))
		hm_msg_refuse_in(in);
}

/* ---- command ---- */

HM_STATIC_ASSERT(HM_DEVICE_ID_LEN == HM_DIGEST_LEN, "targets are as long");

/* A device id or a digest. */
static bool
is_digest_hex(struct hm_bytes text)
{
	if (text.len != (size_t)HM_DIGEST_LEN * 2)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static bool
is_target_of(hm_verb verb, struct hm_bytes target)
{
	if (verb == HM_VERB_CLOSE_ORDER || verb == HM_VERB_REVOKE_CREDENTIAL)
		return hm_is_name(target);
	return is_digest_hex(target);
}

static void
put_command(struct hm_cbor_out *out, const struct hm_command *command)
{
	if (!is_target_of(command->verb, command->target))
		hm_msg_refuse_out(out);
	hm_msg_put_map(out, 3, 4);
	hm_msg_put_range(
	    out, 1, command->verb, HM_VERB_CLOSE_ORDER, HM_VERB_REVOKE_RELEASE);
	hm_msg_put_text(out, 2, command->target, 1, TARGET_MAX);
	hm_msg_put_text(out, 3, command->reason, 1, HM_REASON_MAX);
	hm_msg_put_fixed(out, 4, command->nonce, sizeof(command->nonce));
}

static void
get_command(struct hm_cbor_in *in, struct hm_command *ret)
{
	hm_msg_get_map(in, 3, 4);
	ret->verb = (hm_verb)hm_msg_get_uint(
	    in, 1, HM_VERB_CLOSE_ORDER, HM_VERB_REVOKE_RELEASE);
	ret->target = hm_msg_get_text(in, 2, 1, TARGET_MAX);
	ret->reason = hm_msg_get_text(in, 3, 1, HM_REASON_MAX);
	hm_msg_get_fixed(in, 4, ret->nonce, sizeof(ret->nonce));
	if (!is_target_of(ret->verb, ret->target))
		hm_msg_refuse_in(in);
}

/* ---- approval ---- */

static void
put_approval(struct hm_cbor_out *out, const struct hm_approval *approval)
{
	hm_msg_put_map(out, 3, 2);
	hm_msg_put_fixed(out, 1, approval->release, HM_DIGEST_LEN);
	hm_msg_put_name(out, 2, approval->approver);
}

static void
get_approval(struct hm_cbor_in *in, struct hm_approval *ret)
{
	hm_msg_get_map(in, 3, 2);
	hm_msg_get_fixed(in, 1, ret->release, HM_DIGEST_LEN);
	ret->approver = hm_msg_get_name(in, 2);
}

/* ---- the whole ---- */

hm_err
hm_object_encode(
    const struct hm_object *object, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_uint(&out, 1, object->kind);
	hm_msg_put_uint(&out, 2, object->made_s);
	switch (object->kind) {
	case HM_OBJECT_PRODUCT:
		hm_body_put_product(&out, &object->product);
		break;
	case HM_OBJECT_RELEASE:
		hm_body_put_release(&out, &object->release);
		break;
	case HM_OBJECT_ORDER:
		put_order(&out, &object->order);
		break;
	case HM_OBJECT_CREDENTIAL:
		put_credential(&out, &object->credential);
		break;
	case HM_OBJECT_ENROLMENT:
		put_enrolment(&out, &object->enrolment);
		break;
	case HM_OBJECT_COMMAND:
		put_command(&out, &object->command);
		break;
	case HM_OBJECT_APPROVAL:
		put_approval(&out, &object->approval);
		break;
	default:
		return HM_E_BAD_INPUT;
	}
	return hm_msg_end(&out, PAYLOAD_MAX, ret_len);
}

hm_err
hm_object_decode(struct hm_bytes payload, struct hm_object *ret)
{
	struct hm_cbor_in in;

	hm_msg_open(&in, payload, PAYLOAD_MAX, 4);
	ret->kind = (hm_object_kind)hm_msg_get_uint(
	    &in, 1, HM_OBJECT_PRODUCT, HM_OBJECT_APPROVAL);
	ret->made_s = hm_msg_get_uint(&in, 2, 0, UINT64_MAX);
	switch (ret->kind) {
	case HM_OBJECT_PRODUCT:
		hm_body_get_product(&in, &ret->product);
		break;
	case HM_OBJECT_RELEASE:
		hm_body_get_release(&in, &ret->release);
		break;
	case HM_OBJECT_ORDER:
		get_order(&in, &ret->order);
		break;
	case HM_OBJECT_CREDENTIAL:
		get_credential(&in, &ret->credential);
		break;
	case HM_OBJECT_ENROLMENT:
		get_enrolment(&in, &ret->enrolment);
		break;
	case HM_OBJECT_COMMAND:
		get_command(&in, &ret->command);
		break;
	case HM_OBJECT_APPROVAL:
		get_approval(&in, &ret->approval);
		break;
	default:
		return HM_E_BAD_INPUT;
	}
	return hm_cbor_in_end(&in);
}
