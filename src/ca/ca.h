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
 * A device certificate has O, serialNumber and CN = serialNumber as subject (a
 * cloud that names devices by CN finds one), notAfter 99991231235959Z, no
 * subjectKeyIdentifier, and a SAN with hardwareModuleName.
 *
 * Profiles: see docs/design.md and IEEE 802.1AR, RFC 5280, RFC 4108.
 */
#include "base/buf.h"
#include "base/why.h"
#include "crypto/cose.h"

#define CA_SERIAL_LEN 20 /* octets; the first is 40 to 7f, all else random */
#define CA_LEAF_MAX_S (366 * UINT64_C(86400)) /* server, station, client */

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
	CA_DEVICE = 6,  /* IDevID; for ca_check only, see ca_device_make */
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

/* Build, sign and verify; DER is appended. For CA_ROOT the issuer's certificate
 * is empty. HM_E_CERT (a rule of the profile), HM_E_KEY, HM_E_SIGNATURE (what
 * the signer gave is none), HM_E_NO_ENTROPY, the signer's error */
HM_MUST hm_err ca_make(const struct ca_issuer *issuer,
    const struct ca_request *request, struct buf *ret, struct why *why);

/* A device certificate's template: compiled once for product and issuer, then
 * only read, so several threads may use it at once. */
struct ca_template; /* opaque, heap */
/* `hw_type`: content octets of an OBJECT IDENTIFIER. HM_E_CERT */
HM_MUST hm_err ca_template_new(const struct ca_issuer *issuer,
    struct hm_bytes organization, struct hm_bytes hw_type,
    struct ca_template **ret);
void ca_template_free(struct ca_template *template_);
struct ca_device {
	const uint8_t *point;   /* 65 bytes, checked by the caller */
	struct hm_bytes serial; /* subject serialNumber and CN, 1 to 64 of
				   A-Z a-z 0-9 ' ( ) + , - . / : = ? blank */
	struct hm_bytes
	    hw_serial; /* hardwareModuleName hwSerialNum: the device id */
	uint64_t not_before_s;
};
/* IDevID of IEEE 802.1AR; *ret_serial is the certificate's serial number.
 * The signature is not verified here: the signer's function does it, which
 * knows the key and has a faster way (crypto/p256_fixed.h). HM_E_CERT (serial,
 * hardware serial or date not allowed), HM_E_NO_ENTROPY, HM_E_TOO_LARGE, the
 * signer's error */
HM_MUST hm_err ca_device_make(const struct ca_template *template_,
    const struct ca_device *device, uint8_t ret_serial[static CA_SERIAL_LEN],
    struct buf *ret);

/* keyUsage, bit n of RFC 5280 as 1 << n */
#define CA_USAGE_SIGNATURE 0x01
#define CA_USAGE_CERT_SIGN 0x20
#define CA_USAGE_CRL_SIGN 0x40
/* extKeyUsage */
#define CA_PURPOSE_SERVER 0x01
#define CA_PURPOSE_CLIENT 0x02
#define CA_PURPOSE_RA 0x04
#define CA_PURPOSE_OTHER 0x08 /* any other, anyExtendedKeyUsage too */
#define CA_NO_PATHLEN (-1)

/*
 * What a certificate says, by a strict DER walk: v3, positive serial of up to
 * 20 octets, ECDSA with SHA-256 or -384, an uncompressed P-256 or P-384 key,
 * names of single attributes without control characters, each extension once,
 * none critical that is not understood, and of those of RFC 5280 only the ones
 * given here and certificatePolicies, dates in their one form. Whether
 * the point is on its curve is cryptography: see ca_verify.
 */
struct ca_view {
	struct hm_bytes serial, issuer, subject, spki, tbs,
	    signature;     /* borrowed; signature: DER */
	uint8_t point[65]; /* if the key is P-256, else zeros */
	uint64_t not_before_s, not_after_s;
	ca_sig sig;
	struct hm_bytes public_key; /* point: 65 or 97 bytes */
	/* Of the subject, the first of each; empty: absent. */
	struct hm_bytes common_name, serial_number, organization;
	/* Extensions; empty, 0 and false: absent. */
	struct hm_bytes authority_key_id, subject_key_id;
	struct hm_bytes hw_type, hw_serial; /* hardwareModuleName */
	uint16_t usage, purpose;
	bool is_ca, has_alt_name, has_host;
	int path_len; /* or CA_NO_PATHLEN */
};
/* HM_E_CERT */
HM_MUST hm_err ca_view(struct hm_bytes der, struct ca_view *ret);
/* The rules of a profile, dates against now and the issuer apart. HM_E_CERT */
HM_MUST hm_err ca_check(
    const struct ca_view *view, ca_profile profile, struct why *why);
/* Does `certificate` carry the issuer's signature, and its name? May the issuer
 * issue it? HM_E_CERT, HM_E_SIGNATURE, HM_E_KEY (not on its curve) */
HM_MUST hm_err ca_verify(struct hm_bytes certificate, struct hm_bytes issuer);

struct ca_revoked {
	uint8_t serial[CA_SERIAL_LEN];
	uint64_t revoked_s;
	uint8_t reason; /* RFC 5280 CRLReason; 0: none */
};
/* What a list says; borrowed. */
struct ca_crl {
	uint64_t number, this_update_s, next_update_s;
	const struct ca_revoked *revoked;
	size_t count;
};
/* A full CRL v2 with cRLNumber and AKI; DER is appended. HM_E_CERT (dates,
 * reason, an issuer that may not sign CRLs), HM_E_SIGNATURE, HM_E_TOO_LARGE,
 * the signer's error */
HM_MUST hm_err ca_crl_make(
    const struct ca_issuer *issuer, const struct ca_crl *list, struct buf *ret);

/* A list as it was checked. */
struct ca_crl_view {
	uint64_t
	    number; /* whoever keeps lists refuses a lower one than before */
	uint64_t this_update_s, next_update_s;
	struct hm_bytes revoked; /* borrowed; for ca_crl_lists */
};
/* A full CRL v2 of that issuer, valid at `now_s`: strict, with AKI, number and
 * nextUpdate. HM_E_CERT, HM_E_CERT_DATES, HM_E_SIGNATURE, HM_E_KEY */
HM_MUST hm_err ca_crl_check(struct hm_bytes crl, struct hm_bytes issuer,
    uint64_t now_s, struct ca_crl_view *ret);
/* Is a certificate's serial number (ca_view) on the list? */
bool ca_crl_lists(const struct ca_crl_view *crl, struct hm_bytes serial);

/* PEM of any DER (RFC 7468), and back: the first block of that label; text
 * around it is passed over. HM_E_CERT, HM_E_TOO_LARGE */
HM_MUST hm_err pem_format(
    const char *label, struct hm_bytes der, struct buf *ret);
HM_MUST hm_err pem_parse(
    const char *label, struct hm_bytes pem, struct buf *ret_der);
