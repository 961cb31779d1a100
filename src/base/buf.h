/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * buf - bytes that grow up to a maximum that their owner set
 *
 * Everything from outside ends up in one of these, so everything from outside
 * has a maximum. All-zero is a valid empty buffer with a maximum of 0 bytes.
 */
#include "core/bytes.h"

struct buf {
	uint8_t *ptr;
	size_t len, room, max;
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);  /* frees; the buffer is empty again */
void buf_wipe(struct buf *buf);  /* overwrites the content, then as buf_done */
void buf_clear(struct buf *buf); /* length 0, memory kept */
struct hm_bytes buf_bytes(const struct buf *buf);
/* The content as a C string: a NUL is kept behind the last byte. */
const char *buf_text(struct buf *buf);

/* HM_E_TOO_LARGE over the maximum, HM_E_NO_MEMORY; nothing is appended then. */
HM_MUST hm_err buf_add(struct buf *buf, struct hm_bytes bytes);
__attribute__((format(printf, 2, 3))) HM_MUST hm_err buf_print(
    struct buf *buf, const char *format, ...);
/* Make room for `len` more bytes and return it; buf->len is unchanged. */
HM_MUST hm_err buf_reserve(struct buf *buf, size_t len, uint8_t **ret);
HM_MUST hm_err buf_add_hex(struct buf *buf, struct hm_bytes bytes);
HM_MUST hm_err buf_add_base64(struct buf *buf, struct hm_bytes bytes);
