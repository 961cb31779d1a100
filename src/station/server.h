/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * server - the OEM's server as a slot sees it: ask, and keep asking
 *
 * Whatever is transient (no network, a server that restarts, a token that is
 * busy) is tried again, with growing pauses, until patience ends; then the unit
 * is held. All requests may be repeated: the server gives the same bytes. What
 * the server refuses comes back as its error.
 */

#include "net/client.h"
#include "station/config.h"
#include "station/seen.h"

struct server; /* opaque, heap: one connection, kept alive */

/* HM_E_FILE, HM_E_CERT, HM_E_KEY, HM_E_USAGE */
HM_MUST hm_err server_new(
    const struct station_config *config, struct server **ret, struct why *why);
void server_free(struct server *server);

/* From now on, each new connection must prove that the ledger has grown from
 * what was seen before an answer is believed. Borrowed. */
void server_remember(struct server *server, struct seen *seen);
/* A receipt that was verified: newer than what was seen, or proven to be its
 * past. HM_E_LOG_ROLLBACK, HM_E_LOG, HM_E_JOURNAL, and as server_post */
HM_MUST hm_err server_receipt(
    struct server *server, struct hm_bytes receipt, struct why *why);

/* Called before each further try. */
typedef void (*server_retry)(void *context, hm_err err);
void server_on_retry(struct server *server, server_retry retry, void *context);

/* *ret_body borrows until the next call. What the server refuses, HM_E_TLS,
 * HM_E_UNREACHABLE or HM_E_TIMEOUT when patience has ended */
HM_MUST hm_err server_post(struct server *server, const char *path,
    struct hm_bytes body, struct hm_bytes *ret_body, struct why *why);
