/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * text - hex, base64 and numbers, strictly
 */
#include "core/bytes.h"

/* Lower-case hex with a NUL: `ret` has room for 2 * len + 1. */
void hex_format(struct hm_bytes bytes, char *ret);
/* Exactly `len` bytes of hex, either case. HM_E_BAD_INPUT */
HM_MUST hm_err hex_parse(struct hm_bytes text, uint8_t *ret, size_t len);
/* Standard alphabet with padding; canonical. *ret_len bytes are written.
 * HM_E_BAD_INPUT, HM_E_NO_ROOM */
HM_MUST hm_err base64_parse(
    struct hm_bytes text, struct hm_span room, size_t *ret_len);
/* Decimal without sign, space or leading zero. HM_E_BAD_INPUT */
HM_MUST hm_err uint_parse(struct hm_bytes text, uint64_t max, uint64_t *ret);
/* "2026-11-21T03:31:07Z", 21 bytes with NUL. */
#define TIME_TEXT_LEN 21
void time_format(uint64_t seconds, char ret[static TIME_TEXT_LEN]);
/* The same form, or a date alone. HM_E_BAD_INPUT */
HM_MUST hm_err time_parse(struct hm_bytes text, uint64_t *ret_seconds);
