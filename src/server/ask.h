/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ask - the one table of what a process of the server may ask of another
 *
 *   station --TLS--> front --ask--> keeper --ask--> signer
 *
 * A front reads what strangers send. The keeper and the signer read only what
 * stands here: structs of fixed layout, and behind some of them a tail of bytes
 * with a maximum (a COSE object, which is verified before it is parsed). One
 * message is one datagram on a SOCK_SEQPACKET pair; the asker's `id` comes back
 * in the answer, so many may be under way. Every ask gets exactly one answer.
 *
 * ask_rule() says for each kind who may ask and how long request and answer
 * are. What breaks a rule is a broken or taken-over asker: the asked process
 * ends, and the parent restarts the server. What is asked before the asked
 * process is ready waits in the channel: nothing is read before.
 *
 * Structs cross between processes of one build on one machine: native layout,
 * zeroed before they are filled, names NUL-terminated and checked on arrival.
 */

#include "attest/attest.h"
#include "base/buf.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/entry.h"
#include "wire/void.h"

#define ASK_TAIL_MAX 61440 /* bytes behind a struct */
#define ASK_MESSAGE_MAX 65536
#define ASK_REVOKED_MAX 65536 /* of one list; it comes in parts */
#define ASK_LIST_MAX 256

typedef enum ask_kind {
	/* front -> keeper */
	ASK_PEER = 1,
	ASK_CHALLENGE = 2,
	ASK_ISSUE = 3,
	ASK_CONFIRM = 4,
	ASK_VOID = 5,   /* tail: COSE_Sign1 by the station */
	ASK_OBJECT = 6, /* tail: COSE_Sign1 by the authority, an approver */
	ASK_ORDER = 7,
	ASK_DEVICE = 8,
	ASK_QUARANTINE = 9,
	ASK_CRL = 10,  /* in parts, by offset */
	ASK_FILE = 11, /* a published file of the ledger, in parts */
	ASK_HEALTH = 12,
	ASK_GROWTH = 13, /* has the log only grown? */
	ASK_RELEASE = 14,
	/* keeper -> signer */
	ASK_SIGN_HELLO = 32,
	ASK_SIGN_LOAD =
	    33, /* tail: product, release, order, enrolment, approval,
		 * approver's credential; revocation of a release, a credential
		 */
	ASK_SIGN_ISSUE = 34,
	ASK_SIGN_CHECKPOINT = 35,
	ASK_SIGN_CRL = 36,      /* tail: struct ca_revoked[] of this part */
	ASK_SIGN_CRL_REST = 37, /* what did not fit that answer */
} ask_kind;

/* In front of every message, both ways. */
struct ask_head {
	uint32_t kind;
	uint32_t len; /* whole message: head, struct, tail */
	uint64_t id;
	uint32_t err;  /* in an answer: hm_err; in a request 0 */
	uint32_t tail; /* bytes of tail at the end of the message */
};

typedef enum ask_party { ASK_BY_FRONT = 1, ASK_BY_KEEPER = 2 } ask_party;

struct ask_rule {
	ask_kind kind;
	const char *name; /* for the log */
	ask_party by;
	uint32_t request_len,
	    request_tail_max; /* struct behind the head; tail */
	uint32_t answer_len, answer_tail_max;
};

/* NULL for an unknown kind. */
const struct ask_rule *ask_rule(uint32_t kind);

/*
 * Does `message` obey its rule, asked by `by`? *ret_head is a copy; the struct
 * and the tail are at *ret_body and *ret_tail, inside the message.
 * HM_E_BAD_INPUT, HM_E_RIGHTS
 */
HM_MUST hm_err ask_check_request(struct hm_bytes message, ask_party by,
    struct ask_head *ret_head, const void **ret_body,
    struct hm_bytes *ret_tail);
HM_MUST hm_err ask_check_answer(struct hm_bytes message,
    struct ask_head *ret_head, const void **ret_body,
    struct hm_bytes *ret_tail);
/* One message into `room` (ASK_MESSAGE_MAX is enough). `body` may be NULL in an
 * answer with an error: the struct is then zeros. HM_E_NO_ROOM */
HM_MUST hm_err ask_request(ask_kind kind, uint64_t id, const void *body,
    struct hm_bytes tail, struct hm_span room, size_t *ret_len);
HM_MUST hm_err ask_answer(const struct ask_head *request, hm_err err,
    const void *body, struct hm_bytes tail, struct hm_span room,
    size_t *ret_len);

/* A name as it crosses: NUL-terminated, hm_is_name. */
typedef char ask_name[HM_NAME_MAX + 1];

/* Who is at the other end of the TLS connection. */
struct ask_peer {
	uint8_t key[HM_POINT_LEN];
};
struct ask_peer_answer { /* HM_E_UNKNOWN_PEER */
	ask_name name;
	uint32_t role; /* hm_role */
};

/* Which listening socket the client came in by: stations make devices at the
 * line's, devices themselves at their own, and nobody at the other's. */
typedef enum ask_door { ASK_DOOR_LINE = 0, ASK_DOOR_DEVICES = 1 } ask_door;

/* May this station make devices of this order now? */
struct ask_challenge {
	uint8_t peer[HM_POINT_LEN];
	ask_name order;
	uint32_t door; /* ask_door, as in the next two */
};
struct ask_challenge_answer {
	uint8_t release[HM_DIGEST_LEN]; /* image digest */
	ask_name station;               /* for the nonce */
};

struct ask_issue {
	uint8_t peer[HM_POINT_LEN];
	ask_name order, slot;
	uint32_t door;
	uint32_t
	    nonce_verdict; /* hm_err of nonce_check: if not HM_OK, only what was
			      issued for these bytes before is answered */
	struct attest_case kase;
};
struct ask_issue_answer { /* tail: stamp, entry, receipt */
	uint32_t stamp_len, entry_len, receipt_len;
};

struct ask_confirm {
	uint8_t peer[HM_POINT_LEN];
	ask_name order;
	uint32_t door;
	struct hm_conformance conformance;
	uint8_t kid[HM_KID_LEN]; /* as in the protected header, if any */
	uint32_t has_kid;
	uint8_t signature[HM_SIGNATURE_LEN]; /* the keeper verifies it */
};
struct ask_entry_answer { /* confirm, void, object; tail: entry, receipt */
	uint32_t entry_len, receipt_len;
};

struct ask_from { /* void, object */
	uint8_t peer[HM_POINT_LEN];
};

struct ask_order {
	uint8_t peer[HM_POINT_LEN];
	ask_name order;
};
struct ask_order_answer {
	ask_name order, product, release;
	uint32_t channel, closed;
	uint32_t quota, used, reserved, returned, confirmed, scrapped, left;
	uint64_t not_before_s, not_after_s;
	uint8_t digest[HM_DIGEST_LEN];
};

/* "product/release", as a name that is unique */
typedef char ask_release_name[2 * HM_NAME_MAX + 2];

struct ask_release {
	uint8_t peer[HM_POINT_LEN];
	ask_release_name name; /* if empty, look up by the digest */
	uint8_t digest[HM_DIGEST_LEN];
};
#define ASK_APPROVALS_MAX 8
struct ask_approval {
	ask_name by;
	uint64_t at_s;
};
struct ask_release_answer { /* tail: the signed object */
	ask_name name, product;
	uint32_t channel, counter, revoked, approval_count;
	uint8_t digest[HM_DIGEST_LEN];
	uint8_t promoted[HM_DIGEST_LEN]; /* zeros: no */
	struct ask_approval approvals[ASK_APPROVALS_MAX];
};

struct ask_device {
	uint8_t peer[HM_POINT_LEN];
	uint8_t device_id[HM_DEVICE_ID_LEN];
	char
	    serial[HM_SERIAL_MAX + 1]; /* if not empty, look up by it instead */
};
struct ask_device_answer { /* tail: certificate DER */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	ask_name order, station;
	char serial[HM_SERIAL_MAX + 1];
	uint8_t mac[HM_MAC_LEN];
	uint32_t has_mac, state; /* hm_device_state */
	uint8_t cert_serial[20];
	uint8_t identity[HM_DIGEST_LEN], stamp[HM_DIGEST_LEN];
	uint64_t issued_s, confirmed_s;
	uint64_t issue_index, confirm_index; /* UINT64_MAX: none */
};

struct ask_quarantine {
	uint8_t peer[HM_POINT_LEN];
	uint64_t after; /* rows already seen */
};
struct ask_quarantine_answer { /* tail: struct ask_quarantined[count] */
	uint32_t count, more;
};
struct ask_quarantined {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	ask_name order, station;
	char serial[HM_SERIAL_MAX + 1];
	uint64_t issued_s;
};

struct ask_part { /* CRL, file */
	uint8_t peer[HM_POINT_LEN];
	uint32_t level; /* file: tile level, TILE_ENTRIES, or ASK_CHECKPOINT */
	uint32_t width;
	uint64_t index, offset;
};
#define ASK_CHECKPOINT 255
struct ask_part_answer { /* tail: bytes from offset on */
	uint64_t total;
};

struct ask_health_answer {
	uint64_t size;            /* of the ledger */
	uint32_t database, token; /* hm_err of the last look */
};

struct ask_growth { /* answer: no struct; tail: a growth proof
		     * (ledger/receipt.h)
		     */
	uint8_t peer[HM_POINT_LEN];
	uint64_t from; /* entries of the checkpoint that was seen */
};

/* ---- keeper -> signer ---- */

struct ask_hello_answer { /* tail: issuing CA certificate DER, log origin text
			   */
	uint8_t stamp_key[HM_POINT_LEN];
	uint8_t authority[HM_POINT_LEN];
	uint8_t log_key[32]; /* Ed25519 */
	uint32_t issuer_len, origin_len;
	uint32_t sessions; /* asks that it works on at once; 0: not known */
};

/*
 * One device. Serial number and MAC address follow from the order and `number`,
 * which the signer computes again; a number beyond the order is refused there
 * too. Evidence is judged and verified there, where the secrets are.
 */
struct ask_sign_issue {
	uint8_t order[HM_DIGEST_LEN]; /* digest of the order object, loaded
					 before */
	uint32_t number;
	uint64_t issued_s;
	struct attest_case kase;
};
struct ask_sign_issue_answer { /* tail: stamp */
	uint8_t cert_serial[20];
	uint8_t certificate[HM_DIGEST_LEN], stamp[HM_DIGEST_LEN];
};

/* The signer composes the note from its own origin and these two. */
struct ask_sign_checkpoint {
	uint64_t size;
	uint8_t root[HM_DIGEST_LEN];
}; /* answer: no struct; tail: the signed note */

struct ask_sign_crl {
	uint64_t number, this_update_s, next_update_s;
	uint32_t part, parts; /* tails add up; the last part is answered with */
}; /* answer: struct ask_part_answer; tail: the list's first bytes, or nothing
      yet */

struct ask_sign_crl_rest {
	uint64_t offset; /* in the list that was signed last */
}; /* answer: struct ask_part_answer; tail: bytes from there on */
