/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* oid - object identifiers of the profiles, as content octets */

#define OID_COMMON_NAME "\x55\x04\x03"
#define OID_SERIAL_NUMBER "\x55\x04\x05"
#define OID_ORGANIZATION "\x55\x04\x0a"

#define OID_CE "\x55\x1d" /* the arc of extensions, 2.5.29 */
#define OID_SUBJECT_KEY_ID "\x55\x1d\x0e"
#define OID_KEY_USAGE "\x55\x1d\x0f"
#define OID_SUBJECT_ALT_NAME "\x55\x1d\x11"
#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_CRL_NUMBER "\x55\x1d\x14"
#define OID_REASON_CODE "\x55\x1d\x15"
#define OID_CERTIFICATE_POLICIES "\x55\x1d\x20"
#define OID_AUTHORITY_KEY_ID "\x55\x1d\x23"
#define OID_EXTENDED_KEY_USAGE "\x55\x1d\x25"

/* 1.3.6.1.5.5.7.3.x: id-kp-serverAuth, -clientAuth, -cmcRA (RFC 6402) */
#define OID_SERVER_AUTH "\x2b\x06\x01\x05\x05\x07\x03\x01"
#define OID_CLIENT_AUTH "\x2b\x06\x01\x05\x05\x07\x03\x02"
#define OID_CMC_RA "\x2b\x06\x01\x05\x05\x07\x03\x1c"
/* id-on-hardwareModuleName, RFC 4108 section 5 */
#define OID_HARDWARE_MODULE "\x2b\x06\x01\x05\x05\x07\x08\x04"

/* id-on-permanentIdentifier, RFC 4043 */
#define OID_PERMANENT_IDENTIFIER "\x2b\x06\x01\x05\x05\x07\x08\x03"

/* AlgorithmIdentifiers, whole: ecdsa-with-SHA256 and -SHA384 (RFC 5758) */
#define ALGORITHM_ES256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ALGORITHM_ES384 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"
/* What stands before the point in a SubjectPublicKeyInfo (RFC 5480) */
#define SPKI_P256                                              \
	"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" \
	"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
#define SPKI_P384                                              \
	"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" \
	"\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"
