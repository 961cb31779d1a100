/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/entry.h"
#include "wire/message.h"
#include "wire/void.h"

#define STATES (HM_STATE_RETURNED + 1)
#define BIT(state) (1u << HM_STATE_##state)

/* In the order of hm_device_state; revoked and returned are ends. */
static const struct {
	const char *name;
	uint16_t may_follow;
} states[STATES] = {
	{ "new", BIT(RESERVED) },
	{ "reserved", BIT(ISSUED) | BIT(RETURNED) },
	{ "issued", BIT(CONFIRMED) | BIT(RETURNED) | BIT(REVOKED) | BIT(HELD) |
			BIT(SCRAPPED) },
	{ "confirmed", BIT(ACTIVE) | BIT(HELD) | BIT(REWORK) | BIT(SCRAPPED) |
			   BIT(RMA) | BIT(REVOKED) },
	{ "active",
	    BIT(HELD) | BIT(REWORK) | BIT(SCRAPPED) | BIT(RMA) | BIT(REVOKED) },
	{ "held", BIT(CONFIRMED) | BIT(ACTIVE) | BIT(ISSUED) | BIT(REWORK) |
		      BIT(SCRAPPED) | BIT(REVOKED) },
	{ "rework", BIT(ACTIVE) | BIT(SCRAPPED) | BIT(REVOKED) },
	{ "scrapped", BIT(REVOKED) },
	{ "rma", BIT(REWORK) | BIT(SCRAPPED) | BIT(REVOKED) },
	{ "revoked", 0 },
	{ "returned", 0 },
};

bool
hm_state_may(hm_device_state from, hm_device_state to)
{
	return (unsigned)from < STATES && (unsigned)to < STATES &&
	       (states[from].may_follow >> to & 1) != 0;
}

const char *
hm_state_name(hm_device_state state)
{
	return (unsigned)state < STATES ? states[state].name : "?";
}

/* ---- bodies, each written and read by a pair of neighbours ---- */

static void
put_genesis(struct hm_cbor_out *out, const struct hm_entry_genesis *genesis)
{
	hm_msg_put_map(out, 3, 4);
	hm_msg_put_text(out, 1, genesis->origin, 1, HM_ORIGIN_MAX);
	hm_msg_put_point(out, 2, genesis->authority);
	hm_msg_put_point(out, 3, genesis->stamp_key);
	hm_msg_put_fixed(out, 4, genesis->issuer, HM_DIGEST_LEN);
}

static void
get_genesis(struct hm_cbor_in *in, struct hm_entry_genesis *ret)
{
	hm_msg_get_map(in, 3, 4);
	ret->origin = hm_msg_get_text(in, 1, 1, HM_ORIGIN_MAX);
	hm_msg_get_point(in, 2, ret->authority);
	hm_msg_get_point(in, 3, ret->stamp_key);
	hm_msg_get_fixed(in, 4, ret->issuer, HM_DIGEST_LEN);
}

static void
put_reserve(struct hm_cbor_out *out, const struct hm_entry_reserve *reserve)
{
	hm_msg_put_map(out, 3, 3);
	hm_msg_put_name(out, 1, reserve->order);
	hm_msg_put_name(out, 2, reserve->station);
	hm_msg_put_fixed(out, 3, reserve->device_id, HM_DEVICE_ID_LEN);
}

static void
get_reserve(struct hm_cbor_in *in, struct hm_entry_reserve *ret)
{
	hm_msg_get_map(in, 3, 3);
	ret->order = hm_msg_get_name(in, 1);
	ret->station = hm_msg_get_name(in, 2);
	hm_msg_get_fixed(in, 3, ret->device_id, HM_DEVICE_ID_LEN);
}

static void
put_issue(struct hm_cbor_out *out, const struct hm_entry_issue *issue)
{
	hm_msg_put_map(out, 3, 12);
	hm_msg_put_name(out, 1, issue->order);
	hm_msg_put_name(out, 2, issue->station);
	hm_msg_put_serial(out, 3, issue->serial, 1, HM_SERIAL_MAX);
	hm_msg_put_fixed(out, 4, issue->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_mac_or_null(out, 5, issue->has_mac, issue->mac);
	hm_msg_put_fixed(out, 6, issue->product, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 7, issue->release, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 8, issue->identity, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 9, issue->binding, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 10, issue->evidence, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 11, issue->certificate, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 12, issue->stamp, HM_DIGEST_LEN);
}

static void
get_issue(struct hm_cbor_in *in, struct hm_entry_issue *ret)
{
	hm_msg_get_map(in, 3, 12);
	ret->order = hm_msg_get_name(in, 1);
	ret->station = hm_msg_get_name(in, 2);
	ret->serial = hm_msg_get_serial(in, 3, 1, HM_SERIAL_MAX);
	hm_msg_get_fixed(in, 4, ret->device_id, HM_DEVICE_ID_LEN);
	ret->has_mac = hm_msg_get_mac_or_null(in, 5, ret->mac);
	hm_msg_get_fixed(in, 6, ret->product, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 7, ret->release, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 8, ret->identity, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 9, ret->binding, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 10, ret->evidence, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 11, ret->certificate, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 12, ret->stamp, HM_DIGEST_LEN);
}

static void
put_confirm(struct hm_cbor_out *out, const struct hm_entry_confirm *confirm)
{
	hm_msg_put_map(out, 3, 6);
	hm_msg_put_name(out, 1, confirm->order);
	hm_msg_put_name(out, 2, confirm->station);
	hm_msg_put_fixed(out, 3, confirm->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_fixed(out, 4, confirm->stamp, HM_DIGEST_LEN);
	hm_msg_put_fixed(out, 5, confirm->conformance, HM_DIGEST_LEN);
	hm_msg_put_range(out, 6, confirm->lock, HM_LOCK_OPEN, HM_LOCK_LOCKED);
}

static void
get_confirm(struct hm_cbor_in *in, struct hm_entry_confirm *ret)
{
	hm_msg_get_map(in, 3, 6);
	ret->order = hm_msg_get_name(in, 1);
	ret->station = hm_msg_get_name(in, 2);
	hm_msg_get_fixed(in, 3, ret->device_id, HM_DEVICE_ID_LEN);
	hm_msg_get_fixed(in, 4, ret->stamp, HM_DIGEST_LEN);
	hm_msg_get_fixed(in, 5, ret->conformance, HM_DIGEST_LEN);
	ret->lock =
	    (hm_lock)hm_msg_get_uint(in, 6, HM_LOCK_OPEN, HM_LOCK_LOCKED);
}

static void
put_void(struct hm_cbor_out *out, const struct hm_entry_void *voided)
{
	hm_msg_put_map(out, 3, 5);
	hm_msg_put_name(out, 1, voided->order);
	hm_msg_put_name(out, 2, voided->station);
	hm_msg_put_fixed(out, 3, voided->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_bytes(out, 4, voided->void_, 1, HM_VOID_MAX);
	hm_msg_put_bool(out, 5, voided->returned);
}

static void
get_void(struct hm_cbor_in *in, struct hm_entry_void *ret)
{
	hm_msg_get_map(in, 3, 5);
	ret->order = hm_msg_get_name(in, 1);
	ret->station = hm_msg_get_name(in, 2);
	hm_msg_get_fixed(in, 3, ret->device_id, HM_DEVICE_ID_LEN);
	ret->void_ = hm_msg_get_bytes(in, 4, 1, HM_VOID_MAX);
	ret->returned = hm_msg_get_bool(in, 5);
}

static void
put_state(struct hm_cbor_out *out, const struct hm_entry_state *state)
{
	hm_msg_put_map(out, 3, 4);
	hm_msg_put_fixed(out, 1, state->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_range(out, 2, state->from, HM_STATE_NEW, HM_STATE_RETURNED);
	hm_msg_put_range(out, 3, state->to, HM_STATE_NEW, HM_STATE_RETURNED);
	hm_msg_put_digest_or_null(out, 4, state->command);
}

static void
get_state(struct hm_cbor_in *in, struct hm_entry_state *ret)
{
	hm_msg_get_map(in, 3, 4);
	hm_msg_get_fixed(in, 1, ret->device_id, HM_DEVICE_ID_LEN);
	ret->from = (hm_device_state)hm_msg_get_uint(
	    in, 2, HM_STATE_NEW, HM_STATE_RETURNED);
	ret->to = (hm_device_state)hm_msg_get_uint(
	    in, 3, HM_STATE_NEW, HM_STATE_RETURNED);
	hm_msg_get_digest_or_null(in, 4, ret->command);
}

static void
put_crl(struct hm_cbor_out *out, const struct hm_entry_crl *crl)
{
	hm_msg_put_map(out, 3, 3);
	hm_msg_put_uint(out, 1, crl->number);
	hm_msg_put_uint(out, 2, crl->count);
	hm_msg_put_fixed(out, 3, crl->digest, HM_DIGEST_LEN);
}

static void
get_crl(struct hm_cbor_in *in, struct hm_entry_crl *ret)
{
	hm_msg_get_map(in, 3, 3);
	ret->number = hm_msg_get_uint(in, 1, 0, UINT64_MAX);
	ret->count = hm_msg_get_u32(in, 2);
	hm_msg_get_fixed(in, 3, ret->digest, HM_DIGEST_LEN);
}

static void
put_alarm(struct hm_cbor_out *out, const struct hm_entry_alarm *alarm)
{
	hm_msg_put_map(out, 3, 5);
	hm_msg_put_err(out, 1, alarm->err, 1);
	hm_msg_put_name(out, 2, alarm->order);
	hm_msg_put_name(out, 3, alarm->station);
	hm_msg_put_fixed(out, 4, alarm->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_fixed(out, 5, alarm->evidence, HM_DIGEST_LEN);
}

static void
get_alarm(struct hm_cbor_in *in, struct hm_entry_alarm *ret)
{
	hm_msg_get_map(in, 3, 5);
	ret->err = hm_msg_get_err(in, 1, 1);
	ret->order = hm_msg_get_name(in, 2);
	ret->station = hm_msg_get_name(in, 3);
	hm_msg_get_fixed(in, 4, ret->device_id, HM_DEVICE_ID_LEN);
	hm_msg_get_fixed(in, 5, ret->evidence, HM_DIGEST_LEN);
}

static void
put_succession(
    struct hm_cbor_out *out, const struct hm_entry_succession *succession)
{
	hm_msg_put_map(out, 3, 2);
	hm_msg_put_text(out, 1, succession->origin, 1, HM_ORIGIN_MAX);
	hm_msg_put_uint(out, 2, succession->seen);
}

static void
get_succession(struct hm_cbor_in *in, struct hm_entry_succession *ret)
{
	hm_msg_get_map(in, 3, 2);
	ret->origin = hm_msg_get_text(in, 1, 1, HM_ORIGIN_MAX);
	ret->seen = hm_msg_get_uint(in, 2, 0, UINT64_MAX);
}

/* ---- the whole ---- */

hm_err
hm_entry_encode(
    const struct hm_entry *entry, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_uint(&out, 1, entry->type);
	hm_msg_put_uint(&out, 2, entry->time_s);
	switch (entry->type) {
	case HM_ENTRY_GENESIS:
		put_genesis(&out, &entry->genesis);
		break;
	case HM_ENTRY_OBJECT:
		hm_msg_put_bytes(&out, 3, entry->object, 1, HM_OBJECT_MAX);
		break;
	case HM_ENTRY_RESERVE:
		put_reserve(&out, &entry->reserve);
		break;
	case HM_ENTRY_ISSUE:
		put_issue(&out, &entry->issue);
		break;
	case HM_ENTRY_CONFIRM:
		put_confirm(&out, &entry->confirm);
		break;
	case HM_ENTRY_VOID:
		put_void(&out, &entry->voided);
		break;
	case HM_ENTRY_STATE:
		put_state(&out, &entry->state);
		break;
	case HM_ENTRY_CRL:
		put_crl(&out, &entry->crl);
		break;
	case HM_ENTRY_ALARM:
		put_alarm(&out, &entry->alarm);
		break;
	case HM_ENTRY_SUCCESSION:
		put_succession(&out, &entry->succession);
		break;
	default:
		return HM_E_BAD_INPUT;
	}
	return hm_msg_end(&out, HM_ENTRY_MAX, ret_len);
}

hm_err
hm_entry_decode(struct hm_bytes message, struct hm_entry *ret)
{
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_ENTRY_MAX, 4);
	ret->type = (hm_entry_type)hm_msg_get_uint(
	    &in, 1, HM_ENTRY_GENESIS, HM_ENTRY_SUCCESSION);
	ret->time_s = hm_msg_get_uint(&in, 2, 0, UINT64_MAX);
	switch (ret->type) {
	case HM_ENTRY_GENESIS:
		get_genesis(&in, &ret->genesis);
		break;
	case HM_ENTRY_OBJECT:
		ret->object = hm_msg_get_bytes(&in, 3, 1, HM_OBJECT_MAX);
		break;
	case HM_ENTRY_RESERVE:
		get_reserve(&in, &ret->reserve);
		break;
	case HM_ENTRY_ISSUE:
		get_issue(&in, &ret->issue);
		break;
	case HM_ENTRY_CONFIRM:
		get_confirm(&in, &ret->confirm);
		break;
	case HM_ENTRY_VOID:
		get_void(&in, &ret->voided);
		break;
	case HM_ENTRY_STATE:
		get_state(&in, &ret->state);
		break;
	case HM_ENTRY_CRL:
		get_crl(&in, &ret->crl);
		break;
	case HM_ENTRY_ALARM:
		get_alarm(&in, &ret->alarm);
		break;
	case HM_ENTRY_SUCCESSION:
		get_succession(&in, &ret->succession);
		break;
	default:
		return HM_E_BAD_INPUT;
	}
	return hm_cbor_in_end(&in);
}
