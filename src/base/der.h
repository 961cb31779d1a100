/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * der - the little DER that certificates need, written and read strictly
 *
 * Writer: elements are opened and closed; closing puts the length in and moves
 * the content by the one to three bytes that a longer length takes. That costs
 * a short memmove an element, and the code reads in the order of the standard.
 *
 * Reader: a cursor over borrowed bytes. Only what DER has: low tags, definite
 * lengths in their shortest form, all of the content present. A child reader
 * must be empty when it is left.
 *
 * Both have a sticky error: call after call, then look once. After an error
 * the writer appends nothing and the reader gives empty bytes.
 */
#include "base/buf.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_UTF8 0x0c
#define DER_PRINTABLE 0x13
#define DER_IA5 0x16
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT(n) (0x80 | (n))             /* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* [n], constructed */

/* Seconds of 99991231235959Z: "no well-defined expiration" (RFC 5280). */
#define DER_TIME_NEVER UINT64_C(253402300799)

struct der_writer {
	struct buf *buf; /* borrowed; appended to */
	hm_err err;      /* HM_E_TOO_LARGE, HM_E_NO_MEMORY, HM_E_CERT */
};

/* Open an element; the mark is for der_end. */
size_t der_begin(struct der_writer *out, uint8_t tag);
void der_end(struct der_writer *out, size_t mark);
/* Bytes as they are: an encoded element, or a part of a content. */
void der_add(struct der_writer *out, struct hm_bytes raw);
/* A primitive element. */
void der_put(struct der_writer *out, uint8_t tag, struct hm_bytes content);
/* A positive INTEGER of up to 64 bits, shortest. */
void der_put_uint(struct der_writer *out, uint64_t value);
/* A BIT STRING without unused bits. */
void der_put_bits(struct der_writer *out, struct hm_bytes content);
/* UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5). */
void der_put_time(struct der_writer *out, uint64_t seconds);

struct der_reader {
	const uint8_t *at, *end; /* borrowed */
	hm_err err;              /* HM_E_CERT */
};

struct der_reader der_reader_of(struct hm_bytes bytes);
/* Is a further element there? False after an error. */
bool der_more(const struct der_reader *in);
/* Is the next element's tag this one? */
bool der_is(const struct der_reader *in, uint8_t tag);
/* The next element must have that tag: its content, or all of it. */
struct hm_bytes der_get(struct der_reader *in, uint8_t tag);
struct hm_bytes der_get_whole(struct der_reader *in, uint8_t tag);
/* The next element, whatever its tag: content. */
struct hm_bytes der_get_any(struct der_reader *in, uint8_t *ret_tag);
/* Read inside the next element; then leave, with nothing left over. */
struct der_reader der_enter(struct der_reader *in, uint8_t tag);
void der_leave(struct der_reader *in, const struct der_reader *inner);
/* BOOLEAN, 00 or ff. */
bool der_get_bool(struct der_reader *in);
/* The content of an INTEGER that is positive, not zero, in its shortest form
 * and at most `max` bytes long. */
struct hm_bytes der_get_positive(struct der_reader *in, size_t max);
/* The same with another tag: [n] IMPLICIT INTEGER. */
struct hm_bytes der_get_positive_as(
    struct der_reader *in, uint8_t tag, size_t max);
/* OBJECT IDENTIFIER, content. */
struct hm_bytes der_get_oid(struct der_reader *in);
bool der_is_oid(struct hm_bytes content);
/* BIT STRING without unused bits, content. */
struct hm_bytes der_get_bits(struct der_reader *in);
/* A time in the one form that der_put_time gives it; not before 1970. */
uint64_t der_get_time(struct der_reader *in);
/* Say that the content is not allowed. */
void der_refuse(struct der_reader *in);
/* HM_E_CERT unless all was read without error. */
HM_MUST hm_err der_close(const struct der_reader *in);
