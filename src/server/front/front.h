/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * front - the process that reads what strangers send
 *
 * TLS, HTTP, CBOR, evidence: all of it is parsed here, in a process that holds
 * the TLS key, the nonce key and nothing else, sees no file and can start none.
 * What it understood goes to the keeper as structs of fixed layout
 * (server/ask.h); the answer goes back as it came. There is one front a core,
 * each with its own listening socket (SO_REUSEPORT).
 *
 * A front refuses early what it can judge alone: form, nonce, possession of the
 * key. Orders, roles and counts are the keeper's, evidence the signer's.
 */

#include "base/jail.h"
#include "base/secret.h"
#include "net/server.h"
#include "server/ask.h"

struct front_options {
	int keeper;   /* channel */
	int listener; /* socket */
	int devices;  /* socket where devices come in, -1: none do */
	int life;     /* line to the parent */
	struct net_tls_files tls, devices_tls;
	struct net_limits limits;
	uint32_t requests_per_s; /* of one credential; 0: no limit */
	struct jail jail;
};

/*
 * Serve until the parent says stop or is gone. `nonce_key` holds NONCE_KEY_LEN
 * bytes. HM_OK after an orderly stop.
 */
HM_MUST hm_err front_run(const struct front_options *options,
    const struct secret *nonce_key, struct why *why);
