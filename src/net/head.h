/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * head - the one form of an HTTP/1.1 message head that we take
 *
 * Request: GET or POST, a path of unreserved characters without empty or dot
 * segments, an optional query, exactly one Host; a POST has exactly one
 * Content-Length, a GET none or 0. Answer: a status of three digits and exactly
 * one Content-Length. Either: lines end with CR LF, fields are a token, a colon
 * and printable ASCII; no folded lines, no Transfer-Encoding, no Upgrade, no
 * Expect, each known field once. So there are no two ways to read it, and
 * whoever reads it before us finds the same length (RFC 9112 section 6.3, and
 * 11.2 on smuggling).
 *
 * Knows no sockets and allocates nothing. Everything in struct head borrows
 * from the bytes that were read.
 */
#include "core/bytes.h"
#include "net/server.h"

#define HEAD_MAX 8192
#define HEAD_FIELDS_MAX 64
#define HEAD_PATH_MAX 512 /* with query */
#define HEAD_TYPE_MAX 63

struct head {
	net_method method;     /* of a request */
	int status;            /* of an answer, 100 to 599 */
	struct hm_bytes path;  /* of a request, without query */
	struct hm_bytes query; /* what follows '?'; may be empty */
	struct hm_bytes type;  /* Content-Type; may be empty */
	uint64_t length;       /* of the body */
	bool close;            /* Connection: close */
};

/*
 * `bytes` is a whole head with the empty line that ends it. HM_E_HTTP if it is
 * of any other form; *ret is then unchanged.
 */
HM_MUST hm_err head_parse_request(struct hm_bytes bytes, struct head *ret);
HM_MUST hm_err head_parse_answer(struct hm_bytes bytes, struct head *ret);

/*
 * Find the end of a head in what has come so far, of which the first `seen`
 * bytes were looked at before: *ret_len is its length, 0 if it has not ended.
 * HM_E_HTTP for a CR or LF alone or a control character, HM_E_TOO_LARGE beyond
 * HEAD_MAX.
 */
HM_MUST hm_err head_find_end(
    struct hm_bytes bytes, size_t seen, size_t *ret_len);
