/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bytes - borrowed memory with its length, and the few things done to it
 *
 * `struct hm_bytes` reads, `struct hm_span` writes; neither owns. A pointer in
 * them lives as long as the memory it was taken from: whoever keeps one says so
 * in its own header. An all-zero value is a valid empty one.
 *
 * Nothing here allocates, and nothing here needs a C library: firmware, host
 * and tests share it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

HM_C_BEGIN

struct hm_bytes {
	const uint8_t *ptr;
	size_t len;
};

struct hm_span {
	uint8_t *ptr;
	size_t len;
};

/* The bytes of an array or of a struct without padding. */
#define HM_BYTES(array) \
	(HM_MAKE(hm_bytes, (const uint8_t *)(array), sizeof(array)))
/* The bytes of a string literal, without its NUL. */
#define HM_LITERAL(text) \
	(HM_MAKE(hm_bytes, (const uint8_t *)("" text), sizeof(text) - 1))

/* The bytes of a C string, without its NUL. NULL gives an empty value. */
struct hm_bytes hm_bytes_of(const char *text);

/* Equal length and content. Not for secrets. */
bool hm_bytes_equal(struct hm_bytes a, struct hm_bytes b);

/* Equal content, in a time that depends on `len` only. */
bool hm_equal_ct(const void *a, const void *b, size_t len);

/* Overwrite with zero; the compiler may not drop it. NULL with 0 is fine. */
void hm_wipe(void *at, size_t len);

/* Big-endian integers, as on the wire. */
uint16_t hm_get_u16(const uint8_t at[HM_STATIC 2]);
uint32_t hm_get_u32(const uint8_t at[HM_STATIC 4]);
uint64_t hm_get_u64(const uint8_t at[HM_STATIC 8]);
void hm_put_u16(uint8_t at[HM_STATIC 2], uint16_t value);
void hm_put_u32(uint8_t at[HM_STATIC 4], uint32_t value);
void hm_put_u64(uint8_t at[HM_STATIC 8], uint64_t value);

/* Is `text` well-formed UTF-8 (RFC 3629: shortest form, no surrogates)? */
bool hm_is_utf8(struct hm_bytes text);

HM_C_END
