/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * entry - the leaves of the ledger
 *
 *   { 0: 1, 1: type, 2: time, 3: body }
 *
 * Small records with digests, never the blobs themselves; what a leaf says can
 * be checked against the blob by whoever holds it. One leaf for every change of
 * a device's state and for everything that the OEM signed. Numbers only grow.
 *
 * Device states (DESIGN section 2) and what may follow what are here too, as
 * keeper and auditor must agree.
 */

#include "core/cbor.h"
#include "wire/object.h"

HM_C_BEGIN

typedef enum hm_device_state {
	HM_STATE_NEW = 0,      /* never stored */
	HM_STATE_RESERVED = 1, /* counted, nothing signed yet */
	HM_STATE_ISSUED = 2,
	HM_STATE_CONFIRMED = 3,
	HM_STATE_ACTIVE = 4, /* confirmed, and its receipt handed out */
	HM_STATE_HELD = 5,
	HM_STATE_REWORK = 6,
	HM_STATE_SCRAPPED = 7,
	HM_STATE_RMA = 8,
	HM_STATE_REVOKED = 9,
	HM_STATE_RETURNED = 10, /* voided and given back to the order */
} hm_device_state;

/* May a device go from one state to the other? */
bool hm_state_may(hm_device_state from, hm_device_state to);
/* "issued" ...; "?" for a number that is none. */
const char *hm_state_name(hm_device_state state);

typedef enum hm_entry_type {
	HM_ENTRY_GENESIS = 1,
	HM_ENTRY_OBJECT = 2,  /* something the OEM signed, whole */
	HM_ENTRY_RESERVE = 3, /* counted; the token did not sign in time */
	HM_ENTRY_ISSUE = 4,
	HM_ENTRY_CONFIRM = 5,
	HM_ENTRY_VOID = 6,
	HM_ENTRY_STATE = 7, /* any other change of state */
	HM_ENTRY_CRL = 8,
	HM_ENTRY_ALARM = 9, /* clone, reuse ...: refused, and remembered */
	HM_ENTRY_SUCCESSION = 10, /* a log of another name follows from here */
} hm_entry_type;

struct hm_entry_genesis {
	struct hm_bytes origin; /* text, up to 128 */
	uint8_t authority[HM_POINT_LEN];
	uint8_t stamp_key[HM_POINT_LEN];
	uint8_t issuer[HM_DIGEST_LEN]; /* SHA-256 of the sub-CA certificate */
};

struct hm_entry_reserve {
	struct hm_bytes order, station;
	uint8_t device_id[HM_DEVICE_ID_LEN];
};

struct hm_entry_issue {
	struct hm_bytes order, station; /* names */
	struct hm_bytes serial;
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t mac[HM_MAC_LEN];
	bool has_mac;
	uint8_t product[HM_DIGEST_LEN];  /* object digest */
	uint8_t release[HM_DIGEST_LEN];  /* image digest, as claimed */
	uint8_t identity[HM_DIGEST_LEN]; /* SHA-256 of the 65-byte point */
	uint8_t binding[HM_DIGEST_LEN];
	uint8_t evidence[HM_DIGEST_LEN]; /* SHA-256 of the evidence message */
	uint8_t certificate[HM_DIGEST_LEN]; /* SHA-256 of the DER */
	uint8_t stamp[HM_DIGEST_LEN];       /* SHA-256 of the COSE_Sign1 */
};

struct hm_entry_confirm {
	struct hm_bytes order, station;
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t stamp[HM_DIGEST_LEN];
	uint8_t conformance[HM_DIGEST_LEN]; /* SHA-256 of the COSE_Sign1 */
	hm_lock lock;
};

struct hm_entry_void {
	struct hm_bytes order, station;
	struct hm_bytes void_; /* the COSE_Sign1, whole */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	bool returned; /* the unit counts no longer */
};

struct hm_entry_state {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	hm_device_state from, to;
	uint8_t command[HM_DIGEST_LEN]; /* digest of the command; zeros: a
					   time-out */
};

struct hm_entry_crl {
	uint64_t number;
	uint32_t count;
	uint8_t digest[HM_DIGEST_LEN];
};

struct hm_entry_alarm {
	hm_err err;
	struct hm_bytes order, station;
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t evidence[HM_DIGEST_LEN];
};

/* The server was restored from a backup that lacks what the old log had. Its
 * leaves before this one are the new log's too; all orders are closed. */
struct hm_entry_succession {
	struct hm_bytes origin; /* of the log from here on; text, up to 128 */
	uint64_t seen; /* entries that the old log is known to have had; 0:
			  nobody knows */
};

struct hm_entry {
	hm_entry_type type;
	uint64_t time_s;
	union {
		struct hm_entry_genesis genesis;
		struct hm_bytes object; /* COSE_Sign1 */
		struct hm_entry_reserve reserve;
		struct hm_entry_issue issue;
		struct hm_entry_confirm confirm;
		struct hm_entry_void voided;
		struct hm_entry_state state;
		struct hm_entry_crl crl;
		struct hm_entry_alarm alarm;
		struct hm_entry_succession succession;
	};
};

/* Encode: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decode: HM_E_BAD_INPUT, *ret undefined;
 * what is borrowed lives as long as `message`. */
HM_MUST hm_err hm_entry_encode(
    const struct hm_entry *entry, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_entry_decode(struct hm_bytes message, struct hm_entry *ret);

HM_C_END
