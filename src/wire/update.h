/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * update - what a host and a device say to each other while an image comes in
 *
 * On the same link and in the same frames as link.h (frame.h), with numbers of
 * their own, so that one device may serve either or both. The host asks, the
 * device answers, one at a time. A message is [type, body]:
 *
 *   host                                         device answers
 *   16 status null                               17 state
 *   18 announce { 0: 1, 1: header, 2: TLVs }     17
 *   19 data { 0: 1, 1: offset, 2: bytes }        17
 *   20 finish null                               17
 *   21 install null                              17
 *   22 cancel null                               17
 *   23 restart null                              17, then it restarts
 *   any                                           9 problem bstr (problem.h)
 *
 * Every question may be asked again, and one that came twice is answered twice:
 * a state says which question it answers, so that the late answer to one is not
 * taken for that to the next. Data that the device has already is passed
 * over, data beyond what it has is not taken: the state says where to go on,
 * after a lost answer as after a restart.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_UPDATE_HEADER_LEN 32  /* of an MCUboot image */
#define HM_UPDATE_TLVS_MAX 4096  /* its TLV areas */
#define HM_UPDATE_DATA_MAX 16384 /* one piece; a device may take less */
#define HM_UPDATE_ASK_MAX 16416
#define HM_UPDATE_ANSWER_MAX 160

typedef enum hm_update_type {
	HM_UPDATE_PROBLEM = 9,
	HM_UPDATE_STATUS = 16,
	HM_UPDATE_STATE = 17,
	HM_UPDATE_ANNOUNCE = 18,
	HM_UPDATE_DATA = 19,
	HM_UPDATE_FINISH = 20,
	HM_UPDATE_INSTALL = 21,
	HM_UPDATE_CANCEL = 22,
	HM_UPDATE_RESTART = 23,
} hm_update_type;

struct hm_update_ask {
	hm_update_type type; /* a question */
	uint8_t header[HM_UPDATE_HEADER_LEN];
	struct hm_bytes tlvs;  /* announce; borrowed */
	uint32_t at;           /* data: bytes from the start of the image */
	struct hm_bytes bytes; /* data; borrowed */
};

/* Of an update; the numbers are those of hallmark/update.h. */
typedef enum hm_update_where {
	HM_UPDATE_AT_IDLE = 0,
	HM_UPDATE_AT_RECEIVING = 1,
	HM_UPDATE_AT_READY = 2,     /* whole and verified */
	HM_UPDATE_AT_INSTALLED = 3, /* the next start tries it */
} hm_update_where;

struct hm_update_state {
	hm_update_where where;
	uint32_t received; /* bytes of the image that need not come again */
	uint32_t size;     /* so many have to; 0: nothing announced */
	uint8_t update[HM_DIGEST_LEN];  /* its digest; all zero: none */
	uint8_t running[HM_DIGEST_LEN]; /* as measured when it started */
	uint8_t major, minor;           /* version of what runs; zeros: */
	uint16_t revision;              /* not known */
	uint32_t build;
	uint32_t counter;     /* the device's security counter */
	bool is_confirmed;    /* what runs is not on trial */
	uint32_t piece;       /* most bytes that it takes in one message */
	hm_update_type asked; /* the question that it answers */
};

struct hm_update_answer {
	hm_err err;                   /* HM_OK: a state, else a problem */
	struct hm_update_state state; /* with HM_OK */
};

/* Is it a message for this service? Looks at the type only. */
bool hm_update_is_ask(struct hm_bytes message);

/* Encoders: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoders: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_update_ask_encode(
    const struct hm_update_ask *ask, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_update_ask_decode(
    struct hm_bytes message, struct hm_update_ask *ret);
HM_MUST hm_err hm_update_answer_encode(const struct hm_update_answer *answer,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_update_answer_decode(
    struct hm_bytes message, struct hm_update_answer *ret);

HM_C_END
