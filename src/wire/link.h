/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * link - what a station and a device say to each other
 *
 * One frame (frame.h) a message; the station asks, the device answers, one at a
 * time. A message is [type, body]:
 *
 *   station          device answers
 *   1 hello null     2 info bstr            (below)
 *   3 challenge bstr 4 evidence bstr        (challenge.h, evidence.h)
 *   5 stamp bstr     6 conformance bstr     (COSE_Sign1 each)
 *   7 receipt bstr   8 done null            (confirm answer, conformance.h)
 *  10 open bstr     11 opened bstr          (challenge.h; below)
 *  12 deliver bstr  13 delivered bstr       (below; conformance as in 6)
 *   any              9 problem bstr         (problem.h)
 *
 *   info = { 0: 1, 1: device id, 2: state, 3: scheme, 4: release digest,
 *            5: last error }
 *   opened = { 0: 1, 1: device id, 2: state, 3: last error, 4: longest message
 *              that it takes, 5: leaves, 6: evidence (bstr) }
 *   delivery = { 0: 1, 1: stamp (bstr), 2: receipt (bstr) }
 *
 * Two exchanges make a device: open, deliver; the receipt is that of the issue
 * then. A device that leaves, whose agent is gone when it is complete, must not
 * be so before the server has its conformance, and takes three: open, stamp,
 * receipt (docs/decisions/0016). Hello asks who is there.
 *
 * Every question may be asked again: a device that has the answer gives the
 * same one. So a station that lost its place begins with open and goes on from
 * the state that it hears.
 */

#include "core/cbor.h"
#include "wire/claims.h"

HM_C_BEGIN

typedef enum hm_link_type {
	HM_LINK_HELLO = 1,
	HM_LINK_INFO = 2,
	HM_LINK_CHALLENGE = 3,
	HM_LINK_EVIDENCE = 4,
	HM_LINK_STAMP = 5,
	HM_LINK_CONFORMANCE = 6,
	HM_LINK_RECEIPT = 7,
	HM_LINK_DONE = 8,
	HM_LINK_PROBLEM = 9,
	HM_LINK_OPEN = 10,
	HM_LINK_OPENED = 11,
	HM_LINK_DELIVER = 12,
	HM_LINK_DELIVERED = 13,
} hm_link_type;
#define HM_LINK_LAST HM_LINK_DELIVERED
#define HM_LINK_HEAD_MAX 8 /* what stands before a body */

typedef enum hm_agent_state {
	HM_AGENT_BLANK = 0,    /* no keys yet */
	HM_AGENT_READY = 1,    /* keys made, no stamp */
	HM_AGENT_STAMPED = 2,  /* stamp stored, secrets opened */
	HM_AGENT_COMPLETE = 3, /* receipt stored */
} hm_agent_state;

struct hm_link {
	hm_link_type type;
	struct hm_bytes body; /* borrowed; empty for hello and done */
};

struct hm_info {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t release[HM_DIGEST_LEN];
	hm_agent_state state;
	hm_scheme scheme;
	hm_err last; /* why the last provisioning stopped; HM_OK */
};

struct hm_opened {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	hm_agent_state state;
	hm_err last;              /* as in info */
	uint32_t longest;         /* message that it takes, bytes */
	bool leaves;              /* its agent is gone when it is complete */
	struct hm_bytes evidence; /* borrowed */
};
#define HM_OPENED_HEAD_MAX 64 /* all of it but the bytes of the evidence */

struct hm_delivery {
	struct hm_bytes stamp;   /* COSE_Sign1; borrowed */
	struct hm_bytes receipt; /* as a confirm answer's; borrowed */
};

/* Encoders: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoders: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_link_encode(
    const struct hm_link *link, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_link_decode(struct hm_bytes message, struct hm_link *ret);
/* An info as the body of a link message (type HM_LINK_INFO). */
HM_MUST hm_err hm_info_encode(
    const struct hm_info *info, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_info_decode(struct hm_bytes body, struct hm_info *ret);
/* The bodies of HM_LINK_OPENED and HM_LINK_DELIVER. */
HM_MUST hm_err hm_opened_encode(
    const struct hm_opened *opened, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_opened_decode(struct hm_bytes body, struct hm_opened *ret);
HM_MUST hm_err hm_delivery_encode(
    const struct hm_delivery *delivery, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_delivery_decode(
    struct hm_bytes body, struct hm_delivery *ret);

/* For who has no second room: what stands before a body of `body_len` bytes
 * (0: none), and what stands in an opened before the bytes of its evidence. */
size_t hm_link_head(hm_link_type type, size_t body_len,
    uint8_t ret[HM_STATIC HM_LINK_HEAD_MAX]);
HM_MUST hm_err hm_opened_head(
    const struct hm_opened *opened, struct hm_span room, size_t *ret_len);

HM_C_END
