/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * limits - sizes of everything that crosses a wire, in bytes
 *
 * Maxima are generous for what they hold today (8 KiB certificates of a
 * post-quantum future fit) and small enough for a device's RAM.
 */

#define HM_NONCE_LEN 32
#define HM_DEVICE_ID_LEN 32 /* SHA-256 of the chip's unique id */
#define HM_DIGEST_LEN 32    /* SHA-256 */
#define HM_POINT_LEN 65     /* P-256, uncompressed: 04 || X || Y */
#define HM_SPKI_LEN 91      /* DER SubjectPublicKeyInfo of such a point */
#define HM_SIGNATURE_LEN 64 /* ECDSA P-256: r || s, big-endian */
#define HM_MAC_LEN 6        /* IEEE 802 address */

#define HM_NAME_MAX 32    /* order, product, station, slot: [A-Za-z0-9._-] */
#define HM_SERIAL_MAX 32  /* serial number of a device, printable ASCII */
#define HM_REASON_MAX 200 /* words of a void, scrap or revoke */
#define HM_CERT_MAX 8192  /* one certificate, DER */
#define HM_EVIDENCE_MAX 4096
#define HM_SECRETS_MAX 8   /* secrets of one device */
#define HM_SECRET_MAX 1024 /* one of them */
#define HM_SECRET_NAME_MAX 32
#define HM_SEALED_MAX 4096 /* HPKE ciphertext with tag */
#define HM_CONFIG_MAX 1024 /* literal configuration in a stamp */
#define HM_CHAIN_MAX 2     /* CA certificates in a stamp */
#define HM_STAMP_MAX 16384 /* COSE_Sign1 */
#define HM_ORIGIN_MAX 128  /* name of a log */
#define HM_CONFORMANCE_MAX 512
#define HM_ENTRY_MAX 65535   /* C2SP tlog-tiles */
#define HM_RECEIPT_MAX 4096  /* tlog-proof: 63 hashes and some cosignatures */
#define HM_OBJECT_MAX 49152  /* signed object: product, order ... */
#define HM_MESSAGE_MAX 65536 /* any HTTP body of ours */
#define HM_LINK_MAX 20480    /* any message on the device link */
