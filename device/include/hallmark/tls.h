/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tls - a device's one TLS connection, both sides named
 *
 * The device proves itself with HM_KEY_IDENTITY, which may never leave its
 * hardware: hm_port_key_sign signs the handshake. It believes a server whose
 * chain leads to the pinned anchor, whose certificate is valid now and names
 * `host`; the dates are checked by hm_port_time.
 *
 * src/tls_bearssl.c is the provider: TLS 1.2, ECDHE-ECDSA with P-256 and
 * AES-128-GCM, nothing else; no renegotiation, no resumption, records of at
 * most 2 KiB by max_fragment_length (RFC 6066). Without heap; RAM is
 * sizeof(struct hm_tls), 12 KiB.
 *
 * All calls of one connection share one deadline, set by hm_tls_deadline: a
 * server that sends a byte a second holds nobody. One thread.
 */

#include "core/bytes.h"

HM_C_BEGIN

#define HM_TLS_SIZE 12288 /* bytes, of any provider */
#define HM_TLS_HOST_MAX 64

struct hm_tls {
	uint64_t state[HM_TLS_SIZE / 8];
};

struct hm_tls_config {
	const char *host;       /* DNS name, up to HM_TLS_HOST_MAX; borrowed */
	struct hm_bytes anchor; /* CA certificate, DER, P-256; borrowed */
	struct hm_bytes certificate; /* own, DER, by the identity key */
	struct hm_bytes issuer;      /* its CA's, sent with it; may be empty */
};

/*
 * Connect and shake hands before `deadline_ms` (of hm_port_clock_ms). `config`
 * and what it borrows must outlive the connection. On failure it is closed.
 * HM_E_UNREACHABLE, HM_E_TIMEOUT, HM_E_LINK, HM_E_CERT (an own file is no
 * certificate, or not on P-256), HM_E_CERT_DATES (the server's, or our clock),
 * HM_E_CLOCK, HM_E_TLS (any other refusal, ours or the server's),
 * HM_E_NO_ENTROPY; of hm_port_key_sign
 */
HM_MUST hm_err hm_tls_open(struct hm_tls *tls,
    const struct hm_tls_config *config, uint64_t deadline_ms);
/* The deadline from here on. */
void hm_tls_deadline(struct hm_tls *tls, uint64_t deadline_ms);
/* Hand on all bytes. HM_E_TIMEOUT, HM_E_LINK, HM_E_TLS; HM_E_HTTP: the server
 * speaks before it was asked */
HM_MUST hm_err hm_tls_write(struct hm_tls *tls, struct hm_bytes bytes);
/* Wait for bytes: 1 to room.len. HM_E_TIMEOUT, HM_E_TLS, HM_E_LINK: it ended */
HM_MUST hm_err hm_tls_read(
    struct hm_tls *tls, struct hm_span room, size_t *ret_len);
/* Forget keys and connection; says goodbye if that is quick. */
void hm_tls_close(struct hm_tls *tls);

HM_C_END
