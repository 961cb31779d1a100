/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tls - OpenSSL set up the way we want it, once for each side
 *
 * TLS 1.3 only, X25519 before P-256. A server asks for a client certificate and
 * takes none without the purpose clientAuth and a P-256 key. Its tickets are
 * ids of a bounded cache in memory: those of OpenSSL 3.0 that carry the session
 * cost 165 us each with client certificates and gain nothing (165 us against
 * 500 us for a handshake by id). Anchors may be sub-CAs (PARTIAL_CHAIN), so a
 * peer sends a leaf only: 498 us instead of 700.
 *
 * For small devices only (net_tls_files.small) TLS 1.2 is taken besides.
 *
 * Room-internal.
 */
#include <openssl/ssl.h>

#include "base/why.h"
#include "net/client.h"
#include "net/server.h"
#include "net/verified.h"

struct net_tls {
	SSL_CTX *ctx;
	struct verified *verified;
	struct buf client_ca; /* PEM, to build a new store with new CRLs */
};

/* A context for clients; config->url is not looked at. As net_client_new. */
HM_MUST hm_err tls_client_new(
    const struct net_client_config *config, SSL_CTX **ret, struct why *why);

/* Key and digest of whom the handshake of `ssl` has proven. HM_E_CERT if that
 * is nobody, HM_E_KEY if the key is not on P-256. */
HM_MUST hm_err tls_peer(const SSL *ssl, struct net_peer *ret);

/* A peer that hangs up must not end the process: unless the program has set
 * something else, SIGPIPE is ignored from now on. */
void tls_ignore_sigpipe(void);

/* Forget what OpenSSL has queued; the last reason as text, never NULL. */
const char *tls_reason(void);

/*
 * Say why the handshake or a record failed, from the verification result, an
 * alert of the other side or OpenSSL's queue: HM_E_TLS, the clock first where
 * dates are concerned.
 */
hm_err tls_explain(const SSL *ssl, struct why *why);
