/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* parts - what certificates and revocation lists share; inside this room */
#include "ca/ca.h"
#include "base/der.h"

#define KEY_ID_LEN 20
#define NAME_TEXT_MAX 64 /* ub-common-name and the others of RFC 5280 */

/* view.c: parts that a list has too. `view` NULL: only checked. */
struct hm_bytes read_name(struct der_reader *in, struct ca_view *view);
ca_sig read_algorithm(struct der_reader *in);
/* { extnID, critical, extnValue } */
struct extension_in {
	struct hm_bytes oid, value;
	bool is_critical;
};
struct extension_in read_extension_head(struct der_reader *in);
void read_authority(struct der_reader *in, struct hm_bytes *ret_key_id);

bool is_printable_string(struct hm_bytes text);
/* UTF-8 without control characters. */
bool is_plain_text(struct hm_bytes text);

/* The signature of a view as r || s, 64 or 96 bytes. HM_E_BAD_INPUT */
HM_MUST hm_err signature_raw(
    const struct ca_view *view, uint8_t ret[static 96]);
/* Is `signature` (r || s) over `tbs` by the key? HM_E_SIGNATURE, HM_E_KEY,
 * HM_E_CERT (a key that does not go with the algorithm) */
HM_MUST hm_err signature_verify(ca_sig sig, struct hm_bytes public_key,
    struct hm_bytes tbs, const uint8_t *signature);

/* A CRLReason that a full list may give; 0 is unspecified. */
bool is_reason(uint8_t reason);

/* First 160 bits of SHA-256 of the key bits (RFC 7093 method 1). */
void key_id_of(struct hm_bytes public_key, uint8_t ret[static KEY_ID_LEN]);
/* The issuer's own subjectKeyIdentifier, or key_id_of its key. */
struct hm_bytes authority_of(
    const struct ca_view *issuer, uint8_t room[static KEY_ID_LEN]);

/* HM_E_NO_ENTROPY */
HM_MUST hm_err new_serial(uint8_t ret[static CA_SERIAL_LEN]);
void put_algorithm(struct der_writer *out, ca_sig sig);
void put_key(struct der_writer *out, struct hm_bytes public_key);
/* One RelativeDistinguishedName. */
void put_name_part(struct der_writer *out, struct hm_bytes oid, uint8_t tag,
    struct hm_bytes text);
/* An extension's value is written between; two marks are kept. */
struct extension {
	size_t outer, value;
};
struct extension extension_begin(
    struct der_writer *out, struct hm_bytes oid, bool is_critical);
void extension_end(struct der_writer *out, struct extension extension);
void put_authority(struct der_writer *out, struct hm_bytes key_id);
void put_usage(struct der_writer *out, uint8_t usage);

/*
 * SEQUENCE { tbs, algorithm, signature }, appended to `ret` (unchanged on
 * failure); tbs is signed. `ret_raw` receives r || s.
 */
HM_MUST hm_err sign_tbs(const struct ca_issuer *issuer, struct hm_bytes tbs,
    struct buf *ret, uint8_t ret_raw[static 96]);
