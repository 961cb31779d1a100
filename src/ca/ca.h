/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ca - certificates from templates, and revocation lists
 *
 * A device certificate is a pre-encoded TBSCertificate with holes: serial
 * number, subject serialNumber, public key, hardware serial. Nothing that a
 * device composed is signed. CA and TLS certificates are built the slow way by
 * the same DER writer. Signing is the caller's function.
 *
 * Profiles: see docs/design.md and IEEE 802.1AR, RFC 5280, RFC 4108.
 */
#include "base/buf.h"
#include "base/why.h"
#include "crypto/cose.h"

#define CA_SERIAL_LEN 20 /* octets; first 4F-bounded so that DER keeps 20 */

typedef enum ca_sig { CA_ES256 = 1, CA_ES384 = 2 } ca_sig;

/* Signs a digest (32 bytes for ES256: r||s 64; 48 for ES384: r||s 96). */
typedef hm_err (*ca_signer)(
    void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len);

struct ca_issuer {
	struct hm_bytes certificate; /* DER; borrowed */
	ca_sig sig;
	ca_signer sign;
	void *context;
};

typedef enum ca_profile {
	CA_ROOT = 1,    /* self-signed, P-384, pathlen 1 */
	CA_SUB = 2,     /* P-256, pathlen 0 */
	CA_SERVER = 3,  /* serverAuth, SAN dNSName / iPAddress */
	CA_STATION = 4, /* clientAuth + cmcRA */
	CA_CLIENT = 5,  /* clientAuth: planner, auditor */
} ca_profile;

struct ca_request {
	ca_profile profile;
	const char *common_name;    /* UTF-8, 1 to 64 */
	const char *organization;   /* or NULL */
	struct hm_bytes public_key; /* point: 65 or 97 bytes */
	uint64_t not_before_s, not_after_s;
	const char *const
	    *hosts; /* SAN of a server, NULL-ended; names or addresses */
};

/* Build and sign; DER is appended. For CA_ROOT the issuer's certificate is
 * empty. HM_E_CERT (a rule of the profile), HM_E_KEY, the signer's error */
HM_MUST hm_err ca_make(const struct ca_issuer *issuer,
    const struct ca_request *request, struct buf *ret, struct why *why);

/* A device certificate's template: compiled once for product and issuer. */
struct ca_template; /* opaque, heap */
HM_MUST hm_err ca_template_new(const struct ca_issuer *issuer,
    struct hm_bytes organization, struct hm_bytes hw_type,
    struct ca_template **ret);
void ca_template_free(struct ca_template *template_);
struct ca_device {
	const uint8_t *point;   /* 65 bytes, checked by the caller */
	struct hm_bytes serial; /* subject serialNumber, text */
	struct hm_bytes
	    hw_serial; /* hardwareModuleName hwSerialNum: the device id */
	uint64_t not_before_s;
};
/* IDevID of IEEE 802.1AR; *ret_serial is the certificate's serial number.
 * HM_E_NO_ENTROPY, HM_E_TOO_LARGE, the signer's error */
HM_MUST hm_err ca_device_make(struct ca_template *template_,
    const struct ca_device *device, uint8_t ret_serial[static CA_SERIAL_LEN],
    struct buf *ret);

/* The fixed fields of one of our device certificates, by a strict DER walk. */
struct ca_view {
	struct hm_bytes serial, issuer, subject, spki, tbs,
	    signature;     /* borrowed */
	uint8_t point[65]; /* if the key is P-256, else zeros */
	uint64_t not_before_s, not_after_s;
};
/* HM_E_CERT */
HM_MUST hm_err ca_view(struct hm_bytes der, struct ca_view *ret);
/* Does `certificate` carry the issuer's signature, and its name? HM_E_CERT,
 * HM_E_SIGNATURE */
HM_MUST hm_err ca_verify(struct hm_bytes certificate, struct hm_bytes issuer);

struct ca_revoked {
	uint8_t serial[CA_SERIAL_LEN];
	uint64_t revoked_s;
	uint8_t reason; /* RFC 5280 CRLReason; 0: none */
};
/* A full CRL v2 with cRLNumber and AKI. */
HM_MUST hm_err ca_crl_make(const struct ca_issuer *issuer, uint64_t number,
    uint64_t this_update_s, uint64_t next_update_s,
    const struct ca_revoked *revoked, size_t count, struct buf *ret);

/* PEM of any DER, and back (the first block of that label). HM_E_CERT */
HM_MUST hm_err pem_format(
    const char *label, struct hm_bytes der, struct buf *ret);
HM_MUST hm_err pem_parse(
    const char *label, struct hm_bytes pem, struct buf *ret_der);
