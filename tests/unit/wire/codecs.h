/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * codecs - every message of the wire room under one form, for tests and fuzzers
 *
 * A codec decodes a message and encodes again what it understood. For a strict
 * reader the bytes must be the same. On a refusal it checks that a decoder
 * which promises to leave its result alone did so, and aborts if not.
 */
#include "core/bytes.h"

struct codec {
	const char *name;
	hm_err (*recode)(
	    struct hm_bytes message, struct hm_span room, size_t *ret_len);
};

extern const struct codec codecs[];
extern const size_t codec_count;

/* Aborts if there is none of that name. */
const struct codec *codec_find(const char *name);
