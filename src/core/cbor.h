/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cbor - deterministic CBOR, written and read strictly
 *
 * RFC 8949 section 4.2.1, and nothing else: shortest heads, definite lengths,
 * map keys ascending by their encoded bytes and each once, valid UTF-8, no
 * floats, no simple values but false, true and null. What the writer makes, the
 * reader takes; what the reader takes, the writer would have made byte for
 * byte. So a digest over a message is a digest over its meaning.
 *
 * Both sides have a sticky error: call after call, then look once. After an
 * error a reader returns zeros and empty bytes and moves no further.
 *
 * The writer counts on when the room ends, so that the caller learns the size.
 * That the keys of a map ascend is the caller's part: they are literals in
 * ours. Our messages are maps with small unsigned keys in ascending order: the
 * reader asks for each key in turn (hm_cbor_key), which makes the order, the
 * absence of duplicates and of unknown keys fall out of the reading itself.
 *
 * No allocation, no recursion: nesting is counted, 8 at most.
 */

#include "core/bytes.h"

HM_C_BEGIN

#define HM_CBOR_DEPTH_MAX 8 /* arrays, maps and tags within each other */

struct hm_cbor_out {
	uint8_t *ptr; /* borrowed; may be NULL with size 0, to measure */
	size_t size;
	size_t len; /* bytes that the encoding has, even beyond `size` */
	hm_err err; /* HM_OK, or HM_E_BAD_INPUT: no reader would take it */
};

/* Start writing into `room`. */
void hm_cbor_out_init(struct hm_cbor_out *out, struct hm_span room);

void hm_cbor_put_uint(struct hm_cbor_out *out, uint64_t value);
void hm_cbor_put_int(struct hm_cbor_out *out, int64_t value);
void hm_cbor_put_bytes(struct hm_cbor_out *out, struct hm_bytes value);
/* The head of a byte string alone; its `len` bytes are laid down by others. */
void hm_cbor_put_bytes_head(struct hm_cbor_out *out, size_t len);
/* Text that is no UTF-8 is HM_E_BAD_INPUT at the end. */
void hm_cbor_put_text(struct hm_cbor_out *out, struct hm_bytes utf8);
void hm_cbor_put_array(struct hm_cbor_out *out, uint32_t items);
void hm_cbor_put_map(struct hm_cbor_out *out, uint32_t pairs);
void hm_cbor_put_tag(struct hm_cbor_out *out, uint64_t tag);
void hm_cbor_put_bool(struct hm_cbor_out *out, bool value);
void hm_cbor_put_null(struct hm_cbor_out *out);
/* Append bytes that are encoded CBOR already. */
void hm_cbor_put_raw(struct hm_cbor_out *out, struct hm_bytes encoded);

/*
 * HM_E_NO_ROOM if the encoding did not fit; *ret_len is its length either way.
 * HM_E_BAD_INPUT if a value was put that no reader would take; *ret_len is
 * untouched then.
 */
HM_MUST hm_err hm_cbor_out_end(const struct hm_cbor_out *out, size_t *ret_len);

struct hm_cbor_in {
	const uint8_t *at, *end; /* borrowed */
	hm_err err; /* HM_OK, HM_E_BAD_INPUT; HM_E_TOO_LARGE: too deep */
};

/* Start reading `message`, which must outlive everything read from it. */
void hm_cbor_in_init(struct hm_cbor_in *in, struct hm_bytes message);

uint64_t hm_cbor_get_uint(struct hm_cbor_in *in, uint64_t max);
int64_t hm_cbor_get_int(struct hm_cbor_in *in);
/* Byte or text string of min to max bytes (text: UTF-8 is checked). */
struct hm_bytes hm_cbor_get_bytes(
    struct hm_cbor_in *in, size_t min, size_t max);
struct hm_bytes hm_cbor_get_text(struct hm_cbor_in *in, size_t min, size_t max);
/* A byte string of exactly `len` bytes, copied; zeros after an error. */
void hm_cbor_get_fixed(struct hm_cbor_in *in, uint8_t *ret, size_t len);
/* Number of items; more than `max`, or than bytes are left, is an error. */
uint32_t hm_cbor_get_array(struct hm_cbor_in *in, uint32_t max);
uint32_t hm_cbor_get_map(struct hm_cbor_in *in, uint32_t max);
void hm_cbor_get_tag(struct hm_cbor_in *in, uint64_t wanted);
bool hm_cbor_get_bool(struct hm_cbor_in *in);
void hm_cbor_get_null(struct hm_cbor_in *in);

/* The next item must be the unsigned integer `key`. */
void hm_cbor_key(struct hm_cbor_in *in, uint64_t key);
/* Is the next item the unsigned integer `key`? Consumes it only if so. */
bool hm_cbor_key_if(struct hm_cbor_in *in, uint64_t key);
/* Is the next item null? Consumes it only if so. */
bool hm_cbor_null_if(struct hm_cbor_in *in);

/*
 * One whole item of any kind, checked strictly, as its encoded bytes.
 * Nested deeper than HM_CBOR_DEPTH_MAX is HM_E_TOO_LARGE.
 */
struct hm_bytes hm_cbor_get_any(struct hm_cbor_in *in);

/* The sticky error; HM_E_BAD_INPUT too if bytes are left over. */
HM_MUST hm_err hm_cbor_in_end(const struct hm_cbor_in *in);

/*
 * Is `message` exactly one strictly encoded item? HM_E_BAD_INPUT if not,
 * HM_E_TOO_LARGE if it is nested deeper than HM_CBOR_DEPTH_MAX.
 */
HM_MUST hm_err hm_cbor_check(struct hm_bytes message);

HM_C_END
