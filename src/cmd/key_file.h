/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* key_file - public keys and certificates as files */

#include "base/buf.h"
#include "base/why.h"
#include "ledger/note.h"
#include "token/token.h"

/* A public key as PEM, SubjectPublicKeyInfo, in a new file. */
HM_MUST hm_err public_key_write(
    const char *path, const struct token_key *key, struct why *why);
/* An Ed25519 key as C2SP verifier key of the log `origin`. HM_E_KEY */
HM_MUST hm_err verifier_key_write(
    const char *path, const char *origin, struct hm_bytes key, struct why *why);
/* A verifier key, or the file with it. HM_E_FILE, HM_E_KEY */
HM_MUST hm_err verifier_key_load(
    const char *text, struct note_key *ret, struct why *why);
/* A certificate, PEM or DER, as DER. HM_E_FILE, HM_E_CERT */
HM_MUST hm_err certificate_read(
    const char *path, struct buf *ret, struct why *why);
/* A new file with a certificate in PEM. */
HM_MUST hm_err certificate_write(
    const char *path, struct hm_bytes der, struct why *why);
