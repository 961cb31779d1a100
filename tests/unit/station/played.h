/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * played - the OEM's server without network: it stands where net/client.h does
 *
 * station/server.c and all above it are real; each call ends here and is
 * answered in form. What the network and the real server do to calls is tested
 * in tests/e2e.
 */
#include "base/buf.h"
#include "wire/limits.h"

#define PLAYED_SERIAL "SN000001"

struct played {
	/* What a test orders: the next `fail_count` calls of `fail_path`. */
	const char *fail_path;
	int fail_count;
	hm_err fail;
	bool at_network;        /* it does not get as far as the server */
	bool no_problem;        /* refused without words of ours */
	bool bad_receipt;       /* of another entry */
	bool rubbish;           /* an issue answer that is none */
	uint64_t connections;   /* so many were made */
	struct hm_bytes growth; /* what /v1/growth says; empty: refused */
	/* What a test looks at. */
	int challenges, issues, confirms, growths;
	char asked[64]; /* the last GET */
	bool has_key;   /* clients were made with certificate and key */
	uint8_t nonce[HM_NONCE_LEN];
};

extern struct played played;

/* Forget everything. */
void played_reset(void);
/* The answers as they leave it; appended. */
void played_issue(struct buf *ret);
void played_confirm(struct buf *ret);
/* A stamp for this serial number, unsigned; appended. */
void played_stamp(const char *serial, struct buf *ret);
