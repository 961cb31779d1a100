/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * http - the one form of HTTP/1.1 that a device writes and takes
 *
 * A request is a POST of application/cbor with one Content-Length. Of an answer
 * this is taken: "HTTP/1.1", a status of three digits, lines that end with CR
 * LF, fields of a token, a colon and printable ASCII, exactly one
 * Content-Length of digits, no Transfer-Encoding, no folded line. Everything
 * else ends the connection, so there are no two ways to read it (RFC 9112,
 * 6.3). Knows no connection and allocates nothing.
 */

#include "core/bytes.h"

HM_C_BEGIN

#define HM_HTTP_HEAD_MAX 2048 /* bytes of an answer's head */
#define HM_HTTP_PATH_MAX 64

struct hm_http_answer {
	uint32_t status; /* 200 to 599 */
	uint32_t length; /* of the body, bytes */
	size_t head_len; /* the body begins here */
	bool is_cbor;    /* Content-Type: application/cbor */
	bool close;      /* Connection: close: ask nothing more */
};

/* The head of a request for `body_len` bytes. HM_E_NO_ROOM, HM_E_BAD_INPUT (a
 * character that has no place in a host or path) */
HM_MUST hm_err hm_http_request(const char *host, const char *path,
    size_t body_len, struct hm_span room, size_t *ret_len);
/*
 * What an answer's first bytes say. HM_E_NOT_FOUND: the head has not ended yet,
 * read on; HM_E_HTTP: any other form, or longer than HM_HTTP_HEAD_MAX; *ret is
 * then unchanged.
 */
HM_MUST hm_err hm_http_parse(struct hm_bytes bytes, struct hm_http_answer *ret);

HM_C_END
