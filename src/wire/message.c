/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message.h"
#include "wire/challenge.h"

bool
hm_msg_is_zero(const uint8_t *at, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= at[i];
	return any == 0;
}

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

bool
hm_msg_is_serial(struct hm_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool mark = c == '.' || c == '-';

		if (!mark && !is_alnum(c))
			return false;
		if (mark && i == 0)
			return false;
	}
	return true;
}

#define ERR_MIN 1001
#define ERR_MAX 9999

static bool
is_err(uint64_t number)
{
	switch (number) {
#define IS_ERR(name, id, http, ex, class, words, act) case (id):
		HM_ERR_LIST(IS_ERR)
#undef IS_ERR
		return true;
	default:
		return false;
	}
}

void
hm_msg_refuse_out(struct hm_cbor_out *out)
{
	out->err = HM_E_BAD_INPUT;
}

void
hm_msg_refuse_in(struct hm_cbor_in *in)
{
	if (in->err == HM_OK)
		in->err = HM_E_BAD_INPUT;
}

void
hm_msg_begin(struct hm_cbor_out *out, struct hm_span room, uint32_t pairs)
{
	hm_cbor_out_init(out, room);
	hm_cbor_put_map(out, pairs);
	hm_msg_put_uint(out, 0, HM_MSG_VERSION);
}

hm_err
hm_msg_end(struct hm_cbor_out *out, size_t max, size_t *ret_len)
{
	if (out->len > max)
		hm_msg_refuse_out(out);
	return hm_cbor_out_end(out, ret_len);
}

void
hm_msg_open(
    struct hm_cbor_in *in, struct hm_bytes message, size_t max, uint32_t pairs)
{
	hm_cbor_in_init(in, message);
	if (message.len > max)
		hm_msg_refuse_in(in);
	hm_msg_map(in, pairs);
	(void)hm_msg_get_uint(in, 0, HM_MSG_VERSION, HM_MSG_VERSION);
}

void
hm_msg_map(struct hm_cbor_in *in, uint32_t pairs)
{
	if (hm_cbor_get_map(in, pairs) != pairs)
		hm_msg_refuse_in(in);
}

void
hm_msg_array(struct hm_cbor_in *in, uint32_t items)
{
	if (hm_cbor_get_array(in, items) != items)
		hm_msg_refuse_in(in);
}

void
hm_msg_put_map(struct hm_cbor_out *out, uint64_t key, uint32_t pairs)
{
	hm_cbor_put_uint(out, key);
	hm_cbor_put_map(out, pairs);
}

void
hm_msg_get_map(struct hm_cbor_in *in, uint64_t key, uint32_t pairs)
{
	hm_cbor_key(in, key);
	hm_msg_map(in, pairs);
}

void
hm_msg_put_list(struct hm_cbor_out *out, uint64_t key, uint32_t items)
{
	hm_cbor_put_uint(out, key);
	hm_cbor_put_array(out, items);
}

uint32_t
hm_msg_get_list(struct hm_cbor_in *in, uint64_t key, uint32_t max)
{
	hm_cbor_key(in, key);
	return hm_cbor_get_array(in, max);
}

void
hm_msg_put_uint(struct hm_cbor_out *out, uint64_t key, uint64_t value)
{
	hm_cbor_put_uint(out, key);
	hm_cbor_put_uint(out, value);
}

void
hm_msg_put_range(struct hm_cbor_out *out, uint64_t key, uint64_t value,
    uint64_t min, uint64_t max)
{
	if (value < min || value > max)
		hm_msg_refuse_out(out);
	hm_msg_put_uint(out, key, value);
}

uint64_t
hm_msg_get_uint(struct hm_cbor_in *in, uint64_t key, uint64_t min, uint64_t max)
{
	uint64_t value;

	hm_cbor_key(in, key);
	value = hm_cbor_get_uint(in, max);
	if (value < min)
		hm_msg_refuse_in(in);
	return value;
}

uint32_t
hm_msg_get_u32(struct hm_cbor_in *in, uint64_t key)
{
	return (uint32_t)hm_msg_get_uint(in, key, 0, UINT32_MAX);
}

void
hm_msg_put_bool(struct hm_cbor_out *out, uint64_t key, bool value)
{
	hm_cbor_put_uint(out, key);
	hm_cbor_put_bool(out, value);
}

bool
hm_msg_get_bool(struct hm_cbor_in *in, uint64_t key)
{
	hm_cbor_key(in, key);
	return hm_cbor_get_bool(in);
}

void
hm_msg_put_fixed(
    struct hm_cbor_out *out, uint64_t key, const uint8_t *value, size_t len)
{
	hm_cbor_put_uint(out, key);
	hm_cbor_put_bytes(out, HM_MAKE(hm_bytes, value, len));
}

void
hm_msg_get_fixed(struct hm_cbor_in *in, uint64_t key, uint8_t *ret, size_t len)
{
	hm_cbor_key(in, key);
	hm_cbor_get_fixed(in, ret, len);
}

void
hm_msg_put_digest_or_null(struct hm_cbor_out *out, uint64_t key,
    const uint8_t value[HM_STATIC HM_DIGEST_LEN])
{
	hm_cbor_put_uint(out, key);
	if (hm_msg_is_zero(value, HM_DIGEST_LEN))
		hm_cbor_put_null(out);
	else
		hm_cbor_put_bytes(out, HM_MAKE(hm_bytes, value, HM_DIGEST_LEN));
}

void
hm_msg_get_digest_or_null(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	bool is_null;

	hm_cbor_key(in, key);
	is_null = hm_cbor_null_if(in);
	for (size_t i = 0; i < HM_DIGEST_LEN; i++)
		ret[i] = 0;
	if (is_null)
		return;
	hm_cbor_get_fixed(in, ret, HM_DIGEST_LEN);
	if (hm_msg_is_zero(ret, HM_DIGEST_LEN))
		hm_msg_refuse_in(in);
}

void
hm_msg_put_mac_or_null(struct hm_cbor_out *out, uint64_t key, bool has,
    const uint8_t mac[HM_STATIC HM_MAC_LEN])
{
	hm_cbor_put_uint(out, key);
	if (has)
		hm_cbor_put_bytes(out, HM_MAKE(hm_bytes, mac, HM_MAC_LEN));
	else
		hm_cbor_put_null(out);
}

bool
hm_msg_get_mac_or_null(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_MAC_LEN])
{
	for (size_t i = 0; i < HM_MAC_LEN; i++)
		ret[i] = 0;
	hm_cbor_key(in, key);
	if (hm_cbor_null_if(in))
		return false;
	hm_cbor_get_fixed(in, ret, HM_MAC_LEN);
	return in->err == HM_OK;
}

void
hm_msg_put_point(struct hm_cbor_out *out, uint64_t key,
    const uint8_t point[HM_STATIC HM_POINT_LEN])
{
	if (point[0] != 4)
		hm_msg_refuse_out(out);
	hm_msg_put_fixed(out, key, point, HM_POINT_LEN);
}

void
hm_msg_get_point(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	hm_msg_get_fixed(in, key, ret, HM_POINT_LEN);
	if (ret[0] != 4)
		hm_msg_refuse_in(in);
}

void
hm_msg_put_bytes(struct hm_cbor_out *out, uint64_t key, struct hm_bytes value,
    size_t min, size_t max)
{
	if (value.len < min || value.len > max)
		hm_msg_refuse_out(out);
	hm_cbor_put_uint(out, key);
	hm_cbor_put_bytes(out, value);
}

struct hm_bytes
hm_msg_get_bytes(struct hm_cbor_in *in, uint64_t key, size_t min, size_t max)
{
	hm_cbor_key(in, key);
	return hm_cbor_get_bytes(in, min, max);
}

void
hm_msg_put_text(struct hm_cbor_out *out, uint64_t key, struct hm_bytes value,
    size_t min, size_t max)
{
	if (value.len < min || value.len > max)
		hm_msg_refuse_out(out);
	hm_cbor_put_uint(out, key);
	hm_cbor_put_text(out, value);
}

struct hm_bytes
hm_msg_get_text(struct hm_cbor_in *in, uint64_t key, size_t min, size_t max)
{
	hm_cbor_key(in, key);
	return hm_cbor_get_text(in, min, max);
}

void
hm_msg_put_bytes_or_null(
    struct hm_cbor_out *out, uint64_t key, struct hm_bytes value, size_t max)
{
	if (value.len > 0) {
		hm_msg_put_bytes(out, key, value, 1, max);
		return;
	}
	hm_cbor_put_uint(out, key);
	hm_cbor_put_null(out);
}

struct hm_bytes
hm_msg_get_bytes_or_null(struct hm_cbor_in *in, uint64_t key, size_t max)
{
	hm_cbor_key(in, key);
	if (hm_cbor_null_if(in))
		return HM_MAKE(hm_bytes, 0);
	return hm_cbor_get_bytes(in, 1, max);
}

void
hm_msg_put_name(struct hm_cbor_out *out, uint64_t key, struct hm_bytes value)
{
	if (!hm_is_name(value))
		hm_msg_refuse_out(out);
	hm_cbor_put_uint(out, key);
	hm_cbor_put_text(out, value);
}

struct hm_bytes
hm_msg_get_name(struct hm_cbor_in *in, uint64_t key)
{
	struct hm_bytes name = hm_msg_get_text(in, key, 1, HM_NAME_MAX);

	if (!hm_is_name(name))
		hm_msg_refuse_in(in);
	return name;
}

void
hm_msg_put_serial(struct hm_cbor_out *out, uint64_t key, struct hm_bytes value,
    size_t min, size_t max)
{
	if (!hm_msg_is_serial(value))
		hm_msg_refuse_out(out);
	hm_msg_put_text(out, key, value, min, max);
}

struct hm_bytes
hm_msg_get_serial(struct hm_cbor_in *in, uint64_t key, size_t min, size_t max)
{
	struct hm_bytes text = hm_msg_get_text(in, key, min, max);

	if (!hm_msg_is_serial(text))
		hm_msg_refuse_in(in);
	return text;
}

void
hm_msg_put_err(struct hm_cbor_out *out, uint64_t key, hm_err err, uint64_t min)
{
	uint64_t number = (uint64_t)err;

	/* Of the list is what the compiler lets through; a device that only
	 * writes errors does without the list. */
	if (number < min || number > ERR_MAX ||
	    (number > 0 && number < ERR_MIN))
		hm_msg_refuse_out(out);
	hm_msg_put_uint(out, key, number);
}

hm_err
hm_msg_get_err(struct hm_cbor_in *in, uint64_t key, uint64_t min)
{
	uint64_t number = hm_msg_get_uint(in, key, min, UINT16_MAX);

	if (!is_err(number))
		hm_msg_refuse_in(in);
	return (hm_err)number;
}
