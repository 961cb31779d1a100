/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * signer - the process that holds the keys
 *
 * It has the one login to the token, makes the secrets of a device and seals
 * them, builds certificates from a product's template and signs stamps,
 * checkpoints and revocation lists. It talks to the keeper and to nobody else,
 * reads structs of fixed layout (server/ask.h) and composes every byte that it
 * signs: nothing that a device, a station or the keeper wrote is signed as it
 * came.
 *
 * What it issues for, it holds itself under the authority's signature:
 * products, releases and orders are loaded as signed objects, and approvals
 * under the approvers' own signatures. So a keeper that went wrong can neither
 * invent an order nor number a device beyond one, nor make production devices
 * with a release that two people did not approve (decision 0008), and a front
 * can not have secrets sealed for hardware that did not sign (decision 0003).
 *
 * Several threads answer and share the token's sessions (crew.h), and what
 * the token signed is verified before it leaves (keys.h). A call of the token
 * that hangs cannot be broken off; the ask is answered without it, and the
 * process does not wait for it when it leaves.
 *
 * It keeps nothing on disk: all state is loaded again after a start.
 */

#include "base/jail.h"
#include "base/secret.h"
#include "server/approvers.h"
#include "server/ask.h"

#define SIGNER_SESSIONS_MAX 64
#define SIGNER_BLOCKING 1024
#define SIGNER_LOST_MAX 64 /* threads that hang in the token */
/* Threads: some prepare while the sessions are busy with what others want. */
#define SIGNER_WORKERS(sessions) ((sessions) + (sessions) / 4 + 1)
#define SIGNER_THREADS_MAX \
	(SIGNER_WORKERS(SIGNER_SESSIONS_MAX) + SIGNER_LOST_MAX)

struct signer_options {
	int keeper; /* channel to the keeper */
	int life;   /* line to the parent */
	const char *token_uri;
	const char *module;     /* path, or NULL */
	const char *issuer_key; /* URIs of keys in the token */
	const char *stamp_key;
	const char *log_key;
	const char *origin;                 /* name of the log */
	struct hm_bytes issuer_certificate; /* DER */
	uint8_t authority[HM_POINT_LEN];
	const struct approvers *approvers; /* borrowed; NULL: nobody */
	uint32_t timeout_ms; /* of one ask, as far as the token is concerned;
				0: 10,000 */
	uint32_t sessions;   /* of the token at once, at most; 0: 8 */
	struct jail jail;
};

/*
 * Open token and keys, enter the jail, answer until the channel closes. `pin`
 * is wiped as soon as the token has it. HM_OK when the keeper is gone; else why
 * it could not start.
 */
HM_MUST hm_err signer_run(
    const struct signer_options *options, struct secret *pin, struct why *why);
