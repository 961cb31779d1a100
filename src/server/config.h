/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - hallmarkd.yaml
 *
 * The table in config.c is the one source of keys, checks, template and
 * reference page. No secret stands in the file: `pin` says where the PIN comes
 * from (base/secret.h).
 */

#include <stdint.h>

#include "base/file.h"
#include "base/why.h"
#include "server/approvers.h"

#define SERVER_FRONTS_MAX 64
#define SERVER_SESSIONS_MAX 64
#define SERVER_TEXT_MAX 256

struct server_config {
	char listen[SERVER_TEXT_MAX]; /* "127.0.0.1:8443", "[::1]:8443" */
	uint32_t fronts;              /* 0: one for each core */
	char state[FILE_PATH_MAX];    /* database and ledger */
	struct {
		char certificate[FILE_PATH_MAX], key[FILE_PATH_MAX]; /* PEM */
		char client_ca[FILE_PATH_MAX]; /* PEM, one or more */
	} tls;
	struct {
		char listen[SERVER_TEXT_MAX];  /* "": no device comes in */
		char client_ca[FILE_PATH_MAX]; /* PEM; "": tls.client_ca */
	} devices;
	struct {
		char uri[SERVER_TEXT_MAX], module[FILE_PATH_MAX];
		char pin[SERVER_TEXT_MAX]; /* "credential:hallmark-pin" ... */
		char issuer[SERVER_TEXT_MAX], stamp[SERVER_TEXT_MAX],
		    log[SERVER_TEXT_MAX]; /* URIs of keys */
		uint32_t timeout_ms, sessions;
		char folder[FILE_PATH_MAX]; /* what the module needs to write,
					     * or ""
					     */
	} token;
	char issuer[FILE_PATH_MAX];    /* certificate of the issuing CA, PEM */
	char authority[FILE_PATH_MAX]; /* public key of the authority, PEM */
	char approvers[APPROVERS_MAX][FILE_PATH_MAX]; /* PEM */
	uint32_t approver_count;
	char origin[SERVER_TEXT_MAX]; /* name of the log */
	struct {
		char front[SERVER_TEXT_MAX], keeper[SERVER_TEXT_MAX],
		    signer[SERVER_TEXT_MAX]; /* names or numbers; "" : as
						started */
	} users;
	uint32_t connections_max, connections_per_address_max, requests_per_s;
};

/* For template and reference page. */
struct config_schema;
extern const struct config_schema server_schema;

/* Read and check a file. HM_E_CONFIG_*, HM_E_FILE */
HM_MUST hm_err server_config_load(
    const char *path, struct server_config *ret, struct why *why);
