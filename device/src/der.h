/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * der - just enough DER to find the public key of a certificate
 *
 * A strict walk down the fields of a TBSCertificate (RFC 5280, 4.1): what is
 * not where it belongs ends it. No search for bytes, which a subject or an
 * extension could carry as well.
 */

#include "core/bytes.h"

/*
 * The SubjectPublicKeyInfo of an X.509 certificate, with tag and length.
 * HM_E_CERT: not exactly one certificate, as far as the walk looks.
 */
HM_MUST hm_err hm_cert_spki(
    struct hm_bytes certificate, struct hm_bytes *ret_spki);
