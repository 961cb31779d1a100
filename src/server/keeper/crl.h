/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crl - certificates that count no longer, and the list of them
 *
 * Whoever revokes adds a row. The list is made anew, with the next number,
 * after the transaction that changed it and in time before it ends.
 */

#include "server/keeper/record.h"

/* RFC 5280 CRLReason */
#define CRL_UNSPECIFIED 0
#define CRL_CESSATION 5

#define CRL_DER_MAX (ASK_REVOKED_MAX * 64u) /* bytes */

struct crl {
	uint64_t number;  /* of the newest list; 0: there is none */
	uint64_t next_s;  /* when it ends */
	uint64_t entries; /* in it */
	uint64_t revoked; /* certificates that should be in it */
	uint64_t retry_s; /* after a failure: not before */
};

HM_MUST hm_err crl_load(struct crl *crl, struct db *db);
/* Within a transaction. Revoked already: fine, the first time stands. */
HM_MUST hm_err crl_add(struct crl *crl, struct db *db,
    const uint8_t cert_serial[static 20], uint64_t now_s, uint8_t reason);
/* Must a new list be made? After a failure crl_failed() puts it off. */
bool crl_is_due(const struct crl *crl, uint64_t now_s);
/* Have it signed and store it, with its leaf, within a transaction.
 * HM_E_TOO_LARGE, the signer's error */
HM_MUST hm_err crl_renew(
    struct crl *crl, struct record *record, uint64_t now_s);
void crl_failed(struct crl *crl, uint64_t now_s);
/* Append the newest list. HM_E_NOT_FOUND */
HM_MUST hm_err crl_der(struct db *db, struct buf *ret);
