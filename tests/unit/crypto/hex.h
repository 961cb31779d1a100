/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* hex - what every unit test of crypto, seal and attest starts with */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"

/* Exactly `len` bytes of hex; the test fails on anything else. */
static inline void
unhex(const char *text, uint8_t *ret, size_t len)
{
	assert_int_equal(hex_parse(hm_bytes_of(text), ret, len), HM_OK);
}

static inline void
assert_hex(const uint8_t *bytes, size_t len, const char *text)
{
	uint8_t wanted[1024];

	assert_in_range(len, 0, sizeof(wanted));
	unhex(text, wanted, len);
	assert_memory_equal(bytes, wanted, len);
}
