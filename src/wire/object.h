/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * object - what the OEM decides, signed: product, release, order, credential
 * ...
 *
 *   POST /v1/object  COSE_Sign1 by the authority key (aad HM_AAD_OBJECT) over
 *                    { 0: 1, 1: kind, 2: made at, 3: body }
 *   answer           { 0: 1, 1: entry (bstr), 2: receipt (tstr) }
 *
 * An approval is no decision of the authority's: it is signed by the approver's
 * own key (aad HM_AAD_APPROVAL), which the protected key id names.
 *
 * People write YAML; `hallmark` turns it into one of these and signs it with a
 * key in the OEM's token. The server believes no order, and no list of who may
 * do what, that does not carry this signature; the whole object becomes a leaf
 * of the ledger, so an auditor sees every quota as it was granted.
 *
 * An object is named by its digest: SHA-256 of the whole COSE_Sign1.
 */

#include "core/cbor.h"
#include "wire/claims.h"
#include "wire/stamp.h"

HM_C_BEGIN

#define HM_PRODUCT_KEYS_MAX 16
#define HM_ORDER_STATIONS_MAX 64
#define HM_ENROL_KEYS_MAX 1024
#define HM_RELEASE_IMAGES_MAX 16
#define HM_RELEASE_SBOMS_MAX 8
#define HM_APPROVALS_MIN 2 /* of a prod release, by different people */

typedef enum hm_object_kind {
	HM_OBJECT_PRODUCT = 1,
	HM_OBJECT_RELEASE = 2,
	HM_OBJECT_ORDER = 3,
	HM_OBJECT_CREDENTIAL = 4,
	HM_OBJECT_ENROLMENT = 5,
	HM_OBJECT_COMMAND = 6,
	HM_OBJECT_APPROVAL =
	    7, /* by an approver, all others by the authority */
} hm_object_kind;

typedef enum hm_channel { HM_CHANNEL_DEV = 1, HM_CHANNEL_PROD = 2 } hm_channel;

/* Where the keys come from that a product's evidence may be signed with. */
typedef enum hm_key_source {
	HM_KEYS_PINNED = 1,   /* one of `keys`, shared by the product's chips */
	HM_KEYS_ENROLLED = 2, /* one per chip, listed by enrolment objects */
	HM_KEYS_ANY = 3,      /* first seen is kept; scheme soft only */
} hm_key_source;

struct hm_secret_spec {
	struct hm_bytes name; /* text, HM_SECRET_NAME_MAX */
	hm_secret_kind kind;
	uint32_t size; /* random: bytes; passcode: digits; else 0 */
	struct hm_bytes
	    source; /* shared: label in the token (text); certificate,
		       literal: the value; else empty */
};

struct hm_product {
	struct hm_bytes name; /* borrowed from the payload, as all below */
	uint32_t version;
	hm_scheme scheme;
	hm_key_source key_source;
	uint8_t keys[HM_PRODUCT_KEYS_MAX][HM_POINT_LEN];
	uint32_t key_count;
	uint8_t mpmr[32]; /* expected MPMR; zeros but for scheme imx-mp */
	hm_lock lock_min;
	bool soft_in_prod; /* "a plain key is enough", said in words */
	struct hm_bytes organization; /* subject O; text, 1 to 64 */
	struct hm_bytes hw_type; /* hardwareModuleName type: content octets of
				    the OID, 1 to 32 */
	struct hm_secret_spec secrets[HM_SECRETS_MAX];
	uint32_t secret_count;
	struct hm_bytes config;           /* literal, may be empty */
	uint8_t lock_plan[HM_DIGEST_LEN]; /* zeros: none */
};

/* A file of a release. */
struct hm_image {
	struct hm_bytes name;          /* distinct within the release */
	struct hm_bytes format;        /* a name: "raw", "mcuboot" ... */
	struct hm_bytes version;       /* text, 0 to 32 */
	struct hm_bytes target;        /* text, 0 to 64: chip, slot */
	uint8_t digest[HM_DIGEST_LEN]; /* SHA-256 of the whole file */
	uint64_t size;                 /* bytes */
	bool has_counter;              /* of its own, not below the release's */
	uint32_t counter;
	uint8_t payload[HM_DIGEST_LEN]; /* SHA-256 of what its signature
					   covers; zeros: not known */
};

/* A bill of materials, attached by digest. */
struct hm_sbom {
	struct hm_bytes name;
	struct hm_bytes type; /* media type: text, 1 to 64 */
	uint8_t digest[HM_DIGEST_LEN];
	uint64_t size;
};

struct hm_release {
	struct hm_bytes name;    /* "2.4.1" */
	struct hm_bytes product; /* name */
	hm_channel channel;
	uint32_t counter; /* security counter */
	struct hm_image images[HM_RELEASE_IMAGES_MAX];
	uint32_t image_count; /* 1 or more */
	uint32_t measured;    /* the one whose digest devices claim */
	struct hm_sbom sboms[HM_RELEASE_SBOMS_MAX];
	uint32_t sbom_count;
	uint8_t promoted[HM_DIGEST_LEN]; /* from this dev release: then it is a
					    prod one, and has all payloads;
					    zeros: from none */
};

struct hm_order {
	struct hm_bytes name;
	uint8_t product[HM_DIGEST_LEN]; /* digest of the product object */
	uint8_t release[HM_DIGEST_LEN]; /* digest of the release object */
	hm_channel channel;
	uint32_t quota;   /* devices, 1 or more */
	uint32_t returns; /* issued devices that a void may give back */
	struct hm_bytes serial_prefix; /* text, up to 16 */
	uint64_t serial_first;
	uint32_t serial_digits; /* 1 to 12: zero-padded; serials and addresses
				   run over quota + returns */
	uint8_t mac_first[HM_MAC_LEN];
	bool has_macs; /* then addresses from mac_first on; unicast, one first
			  octet */
	struct hm_bytes stations[HM_ORDER_STATIONS_MAX]; /* credential names */
	uint32_t station_count;                          /* 1 or more */
	uint64_t not_before_s, not_after_s; /* first, and first no longer */
	uint32_t
	    confirm_within_s; /* issued but unconfirmed: quarantine after */
};

typedef enum hm_role {
	HM_ROLE_STATION = 1,  /* makes devices of the orders that name it */
	HM_ROLE_PLANNER = 2,  /* loads objects, reads everything */
	HM_ROLE_AUDITOR = 3,  /* reads everything */
	HM_ROLE_APPROVER = 4, /* approves releases, and reads them */
	HM_ROLE_DEVICE = 5,   /* makes itself, of the one order in `site` */
} hm_role;

struct hm_credential {
	struct hm_bytes name;
	hm_role role;
	uint8_t key[HM_POINT_LEN]; /* of its TLS client certificate */
	struct hm_bytes site; /* text, up to 32; of a device the name of its
				 order */
	uint64_t not_after_s;
};

struct hm_enrolment {
	struct hm_bytes product; /* name */
	struct hm_bytes digests; /* SHA-256 of each 65-byte point, one after
				    another; sorted, distinct */
};

typedef enum hm_verb {
	HM_VERB_CLOSE_ORDER = 1, /* target: order name */
	HM_VERB_SCRAP = 2,       /* target: device id, hex, as the next */
	HM_VERB_REVOKE = 3,      /* certificate onto the CRL */
	HM_VERB_HOLD = 4,
	HM_VERB_RELEASE_HOLD = 5,
	HM_VERB_REWORK = 6,
	HM_VERB_RMA = 7,
	HM_VERB_REVOKE_CREDENTIAL = 8, /* target: credential name */
	HM_VERB_REVOKE_RELEASE = 9,    /* target: digest of the object, hex */
} hm_verb;

struct hm_command {
	hm_verb verb;
	struct hm_bytes target; /* text, up to 64 */
	struct hm_bytes reason; /* text, 1 to HM_REASON_MAX */
	uint8_t nonce[16];      /* makes each command its own */
};

struct hm_approval {
	uint8_t release[HM_DIGEST_LEN]; /* digest of the release object */
	struct hm_bytes approver;       /* name of the signer's credential */
};

struct hm_object {
	hm_object_kind kind;
	uint64_t made_s;
	union {
		struct hm_product product;
		struct hm_release release;
		struct hm_order order;
		struct hm_credential credential;
		struct hm_enrolment enrolment;
		struct hm_command command;
		struct hm_approval approval;
	};
};

/* The image that devices measure; of a release that was decoded or encoded. */
const struct hm_image *hm_release_measured(const struct hm_release *release);
/* NULL: no image of that name. */
const struct hm_image *hm_release_image(
    const struct hm_release *release, struct hm_bytes name);
/* Does `prod` say truly that it is `dev`, signed anew: the same product, every
 * image under the same name with the same format, counter and payload, no
 * counter lowered? */
bool hm_release_is_promoted(
    const struct hm_release *prod, const struct hm_release *dev);

/*
 * The payload of the COSE_Sign1. Every rule above about lengths, names and
 * numbers is checked on both ways; names of secrets are distinct, serials fit
 * their digits over quota and returns, dates are in order, the size and source
 * of a secret are those of its kind, pinned keys are there if and only if the
 * product says so, targets of commands are of the kind that the verb wants,
 * images and what is said of promotion fit their release.
 * Encode: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decode: HM_E_BAD_INPUT, *ret undefined.
 */
HM_MUST hm_err hm_object_encode(
    const struct hm_object *object, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_object_decode(struct hm_bytes payload, struct hm_object *ret);

HM_C_END
