/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * gate - watches the bytes of a connection and says where a request ends
 *
 * It is all that reads HTTP here, and strict (see net/head.h). It remembers the
 * head only; the body is whoever's feeds it. It stops at the end of a request:
 * what follows is fed again after gate_next().
 *
 *            first byte        head is fine        last byte
 *	IDLE ----------> HEAD ----------> BODY ----------> WHOLE
 *	 ^                 |       (no body: ------------>)  |
 *	 |                 v                                 |
 *	 |              REFUSED, for good                    |
 *	 +------------------------ gate_next ----------------+
 *
 * Costs about 1 us for a head of 150 bytes. No sockets.
 */
#include "base/buf.h"
#include "net/head.h"

typedef enum gate_state {
	GATE_IDLE,
	GATE_HEAD,
	GATE_BODY,
	GATE_WHOLE,
	GATE_REFUSED,
} gate_state;

struct gate {
	gate_state state;
	hm_err err;       /* why it is refused */
	struct buf text;  /* the head, until gate_next */
	size_t seen;      /* bytes of it that were scanned */
	uint64_t left;    /* bytes of the body that are still to come */
	struct head head; /* from BODY on; borrows from `text` */
	/* Asked once a head is there, before the body: route and size. */
	hm_err (*judge)(void *context, const struct head *head);
	void *context;
};

void gate_init(struct gate *gate,
    hm_err (*judge)(void *context, const struct head *head), void *context);
void gate_done(struct gate *gate);
/* Take the next bytes; returns how many: fewer only at WHOLE and REFUSED. */
size_t gate_feed(struct gate *gate, struct hm_bytes bytes);
/* Ready for the next request; nothing if refused. */
void gate_next(struct gate *gate);
