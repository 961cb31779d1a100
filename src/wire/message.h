/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * message - one field of a message, written or read in one line
 *
 * For the other files of this room only. Every message of ours is a map whose
 * keys are small numbers in ascending order; the versioned ones begin with
 * 0: 1. A hm_msg_put_* writes key and value, a hm_msg_get_* reads them, both
 * with the same rule, so what one side makes the other takes. The error sticks
 * in the writer or reader: HM_E_BAD_INPUT for a value that breaks its rule.
 */

#include "core/cbor.h"
#include "wire/claims.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_MSG_VERSION 1

/* Begin { 0: 1, ... } with `pairs` pairs, version included. */
void hm_msg_begin(struct hm_cbor_out *out, struct hm_span room, uint32_t pairs);
/* As hm_cbor_out_end; HM_E_BAD_INPUT too if it became longer than `max`. */
HM_MUST hm_err hm_msg_end(struct hm_cbor_out *out, size_t max, size_t *ret_len);
/* HM_E_BAD_INPUT sticks unless `message` is up to `max` bytes, and so begins.
 */
void hm_msg_open(
    struct hm_cbor_in *in, struct hm_bytes message, size_t max, uint32_t pairs);

/* A key, then a map or array of exactly (get_list: up to) so many. */
void hm_msg_put_map(struct hm_cbor_out *out, uint64_t key, uint32_t pairs);
void hm_msg_get_map(struct hm_cbor_in *in, uint64_t key, uint32_t pairs);
void hm_msg_put_list(struct hm_cbor_out *out, uint64_t key, uint32_t items);
uint32_t hm_msg_get_list(struct hm_cbor_in *in, uint64_t key, uint32_t max);
/* The head of a map or array of exactly so many. */
void hm_msg_map(struct hm_cbor_in *in, uint32_t pairs);
void hm_msg_array(struct hm_cbor_in *in, uint32_t items);

/* The rule does not hold. */
void hm_msg_refuse_out(struct hm_cbor_out *out);
void hm_msg_refuse_in(struct hm_cbor_in *in);

void hm_msg_put_uint(struct hm_cbor_out *out, uint64_t key, uint64_t value);
/* From min to max. */
uint64_t hm_msg_get_uint(
    struct hm_cbor_in *in, uint64_t key, uint64_t min, uint64_t max);
/* As hm_msg_put_uint, from min to max. */
void hm_msg_put_range(struct hm_cbor_out *out, uint64_t key, uint64_t value,
    uint64_t min, uint64_t max);
uint32_t hm_msg_get_u32(struct hm_cbor_in *in, uint64_t key);

void hm_msg_put_bool(struct hm_cbor_out *out, uint64_t key, bool value);
bool hm_msg_get_bool(struct hm_cbor_in *in, uint64_t key);

/* A byte string of exactly `len` bytes. */
void hm_msg_put_fixed(
    struct hm_cbor_out *out, uint64_t key, const uint8_t *value, size_t len);
void hm_msg_get_fixed(
    struct hm_cbor_in *in, uint64_t key, uint8_t *ret, size_t len);

/* The same or null; null is written for, and read as, all zeros. */
void hm_msg_put_digest_or_null(struct hm_cbor_out *out, uint64_t key,
    const uint8_t value[HM_STATIC HM_DIGEST_LEN]);
void hm_msg_get_digest_or_null(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);

/* An address or null. */
void hm_msg_put_mac_or_null(struct hm_cbor_out *out, uint64_t key, bool has,
    const uint8_t mac[HM_STATIC HM_MAC_LEN]);
bool hm_msg_get_mac_or_null(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_MAC_LEN]);

/* A byte string of 65 bytes that begins with 04. */
void hm_msg_put_point(struct hm_cbor_out *out, uint64_t key,
    const uint8_t point[HM_STATIC HM_POINT_LEN]);
void hm_msg_get_point(
    struct hm_cbor_in *in, uint64_t key, uint8_t ret[HM_STATIC HM_POINT_LEN]);

/* Byte and text strings of min to max bytes. */
void hm_msg_put_bytes(struct hm_cbor_out *out, uint64_t key,
    struct hm_bytes value, size_t min, size_t max);
struct hm_bytes hm_msg_get_bytes(
    struct hm_cbor_in *in, uint64_t key, size_t min, size_t max);
void hm_msg_put_text(struct hm_cbor_out *out, uint64_t key,
    struct hm_bytes value, size_t min, size_t max);
struct hm_bytes hm_msg_get_text(
    struct hm_cbor_in *in, uint64_t key, size_t min, size_t max);

/* 1 to max bytes, or null for none. */
void hm_msg_put_bytes_or_null(
    struct hm_cbor_out *out, uint64_t key, struct hm_bytes value, size_t max);
struct hm_bytes hm_msg_get_bytes_or_null(
    struct hm_cbor_in *in, uint64_t key, size_t max);

/* A name (hm_is_name). */
void hm_msg_put_name(
    struct hm_cbor_out *out, uint64_t key, struct hm_bytes value);
struct hm_bytes hm_msg_get_name(struct hm_cbor_in *in, uint64_t key);

/* A serial number or the beginning of one, min to max bytes. */
void hm_msg_put_serial(struct hm_cbor_out *out, uint64_t key,
    struct hm_bytes value, size_t min, size_t max);
struct hm_bytes hm_msg_get_serial(
    struct hm_cbor_in *in, uint64_t key, size_t min, size_t max);

/* A number of core/err.h; `min` 1 excludes HM_OK. */
void hm_msg_put_err(
    struct hm_cbor_out *out, uint64_t key, hm_err err, uint64_t min);
hm_err hm_msg_get_err(struct hm_cbor_in *in, uint64_t key, uint64_t min);

/* Letters, digits, dot and hyphen, none of the latter first: fits a
 * PrintableString, a file name and a URL as it is. */
bool hm_msg_is_serial(struct hm_bytes text);
bool hm_msg_is_zero(const uint8_t *at, size_t len);

HM_C_END
