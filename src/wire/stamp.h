/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stamp - what a device receives; and the request that a station makes for it
 *
 *   POST /v1/issue  { 0: 1, 1: order, 2: slot, 3: evidence (bstr) }
 *   answer          { 0: 1, 1: stamp (bstr), 2: entry (bstr), 3: receipt (tstr)
 * }
 *
 * The stamp is a COSE_Sign1 by the OEM's stamp key (aad HM_AAD_STAMP) over
 *
 *   { 0: 1, 1: order, 2: device id, 3: binding, 4: product digest,
 *     5: release digest, 6: security counter, 7: serial number,
 *     8: MAC address or null, 9: certificate, 10: [* CA certificates],
 *     11: enc (bstr 65), 12: sealed secrets, 13: configuration or null,
 *     14: issued at, 15: log origin }
 *
 * The device takes it only if it verifies under the key that its firmware pins,
 * names this device and one of its own bindings, and certifies its own key.
 *
 * Sealed secrets: HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
 * AES-128-GCM, one message (sequence number 0);
 *   info = "hallmark-seal-v1" || order || 00 || device id || binding
 *   aad  = deterministic CBOR ["hallmark-secrets-v1", device id, serial number]
 *   plaintext = [* [name (tstr), kind (uint), value (bstr)]]
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_SEAL_LABEL "hallmark-seal-v1"
#define HM_SEAL_AAD_LABEL "hallmark-secrets-v1"
#define HM_SEAL_INFO_MAX (sizeof(HM_SEAL_LABEL) + HM_NAME_MAX + 1 + 64)
#define HM_SEAL_AAD_MAX 128
#define HM_SECRETS_PLAIN_MAX (HM_SEALED_MAX - 16)

typedef enum hm_secret_kind {
	HM_SECRET_RANDOM = 1,   /* random bytes, this device only */
	HM_SECRET_PASSCODE = 2, /* decimal digits, this device only */
	HM_SECRET_SHARED = 3,   /* the product's, from the token */
	HM_SECRET_KEY = 4, /* P-256 private key (SEC1 DER), this device only */
	HM_SECRET_CERTIFICATE = 5, /* X.509 DER */
	HM_SECRET_LITERAL = 6,     /* as the product's file says */
} hm_secret_kind;

struct hm_secret {
	struct hm_bytes name; /* text; borrowed */
	hm_secret_kind kind;
	struct hm_bytes value; /* borrowed */
};

struct hm_issue_request {
	struct hm_bytes order, slot; /* names; borrowed */
	struct hm_bytes evidence;    /* borrowed */
};

struct hm_issue_answer {
	struct hm_bytes stamp;   /* borrowed */
	struct hm_bytes entry;   /* the ledger entry of this issue; borrowed */
	struct hm_bytes receipt; /* its tlog-proof, text; borrowed */
};

struct hm_stamp {
	struct hm_bytes order;  /* borrowed, as all below */
	struct hm_bytes serial; /* text, HM_SERIAL_MAX */
	struct hm_bytes certificate;
	struct hm_bytes chain[HM_CHAIN_MAX]; /* issuing CA first */
	uint32_t chain_count;
	struct hm_bytes sealed;
	struct hm_bytes config; /* empty: none */
	struct hm_bytes origin; /* text, name of the log */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t binding[HM_DIGEST_LEN];
	uint8_t product[HM_DIGEST_LEN];
	uint8_t release[HM_DIGEST_LEN];
	uint8_t enc[HM_POINT_LEN];
	uint8_t mac[HM_MAC_LEN];
	bool has_mac;
	uint32_t counter;
	uint64_t issued_s; /* seconds since 1970, UTC */
};

/* Is `text` a serial number: 1 to HM_SERIAL_MAX of printable ASCII? */
bool hm_is_serial(struct hm_bytes text);

/* Encoders: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoders: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_issue_request_encode(const struct hm_issue_request *request,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_issue_request_decode(
    struct hm_bytes message, struct hm_issue_request *ret);
HM_MUST hm_err hm_issue_answer_encode(
    const struct hm_issue_answer *answer, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_issue_answer_decode(
    struct hm_bytes message, struct hm_issue_answer *ret);
/* The payload of the COSE_Sign1. */
HM_MUST hm_err hm_stamp_encode(
    const struct hm_stamp *stamp, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_stamp_decode(struct hm_bytes payload, struct hm_stamp *ret);
/* HPKE info and aad of a device's secrets. HM_E_NO_ROOM, HM_E_BAD_INPUT (no
 * name, no serial number) */
HM_MUST hm_err hm_seal_info(struct hm_bytes order,
    const uint8_t device_id[HM_STATIC HM_DEVICE_ID_LEN],
    const uint8_t binding[HM_STATIC HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len);
HM_MUST hm_err hm_seal_aad(const uint8_t device_id[HM_STATIC HM_DEVICE_ID_LEN],
    struct hm_bytes serial, struct hm_span room, size_t *ret_len);
/* The plaintext. Decode: *ret_count secrets that borrow from `plain`. */
HM_MUST hm_err hm_secrets_encode(const struct hm_secret *secrets,
    uint32_t count, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_secrets_decode(struct hm_bytes plain,
    struct hm_secret ret[HM_STATIC HM_SECRETS_MAX], uint32_t *ret_count);

HM_C_END
