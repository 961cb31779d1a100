/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * device - a played device at the end of a slot's socket, in a process of its
 * own
 *
 * It answers in form, and misbehaves as a plan says. What it signs is not
 * checked here: that is the server's business, and the device's own tests'.
 */
#include <sys/types.h>

#include "wire/link.h"

struct device_plan {
	uint8_t id; /* first byte of the device id */
	hm_agent_state state;
	hm_link_type deaf_once; /* the first question of this type is lost */
	hm_link_type leaves_at; /* it closes instead of answering this */
	hm_link_type silent_at; /* it stays, and never answers this */
	hm_link_type refuses;   /* with `err` */
	hm_err err;
	uint32_t longest; /* message that it takes; 0: any */
	bool leaves;      /* its agent does, when it is complete */
	bool noise;       /* boot messages and a broken frame before answers */
	bool stammers;    /* says everything twice */
	bool wrong;       /* an answer to something else comes first */
	int stale;        /* so many evidences carry an old nonce */
	bool rubbish;     /* the evidence is none */
};

/* Connects to the socket; in a child. */
pid_t device_start(const char *path, const struct device_plan *plan);
/* It has gone by itself when the slot hung up, or is waited for. Its exit
 * status: how many questions it heard. */
int device_end(pid_t pid);
