/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/config.h"

#define PATH_BYTES (FILE_PATH_MAX - 1)
#define TEXT_BYTES (SERVER_TEXT_MAX - 1)

static const struct config_key tls_keys[] = {
	{ "certificate", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/etc/hallmark/server.pem",
	    .words = "the server's certificate, PEM" },
	{ "key", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/etc/hallmark/server.key",
	    .words = "its private key, PEM" },
	{ "client_ca", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/etc/hallmark/client-ca.pem",
	    .words = "who issues the certificates of stations and people" },
	{ 0 },
};

static const struct config_key device_keys[] = {
	{ "listen", CONFIG_STRING, .fallback = "", .max = TEXT_BYTES,
	    .example = "0.0.0.0:8444",
	    .words = "address and port; without it no device comes in" },
	{ "client_ca", CONFIG_PATH, .fallback = "", .max = PATH_BYTES,
	    .example = "/etc/hallmark/device-ca.pem",
	    .words = "who issues the certificates of devices; without it "
		     "tls.client_ca" },
	{ 0 },
};

static const struct config_key token_keys[] = {
	{ "uri", CONFIG_URI, .required = true, .max = TEXT_BYTES,
	    .example = "pkcs11:token=acme-prod",
	    .words = "the token, RFC 7512; exactly one must match" },
	{ "module", CONFIG_PATH, .fallback = "", .max = PATH_BYTES,
	    .words = "PKCS#11 module; without it those of p11-kit" },
	{ "pin", CONFIG_STRING, .required = true, .max = TEXT_BYTES,
	    .example = "credential:hallmark-pin",
	    .words = "where the PIN comes from: credential:NAME, fd:N, "
		     "file:PATH or prompt" },
	{ "issuer", CONFIG_URI, .required = true, .max = TEXT_BYTES,
	    .example = "pkcs11:object=factory-ca",
	    .words = "key of the issuing CA" },
	{ "stamp", CONFIG_URI, .required = true, .max = TEXT_BYTES,
	    .example = "pkcs11:object=stamp",
	    .words = "key that signs stamps; the firmware pins it" },
	{ "log", CONFIG_URI, .required = true, .max = TEXT_BYTES,
	    .example = "pkcs11:object=log",
	    .words = "key of the ledger, Ed25519" },
	{ "timeout_ms", CONFIG_INT, .min = 100, .max = 600000,
	    .fallback = "10000", .unit = "ms",
	    .words = "longest time that one ask may need the token" },
	{ "sessions", CONFIG_INT, .min = 1, .max = SERVER_SESSIONS_MAX,
	    .fallback = "8",
	    .words = "of the token at once, if it allows so many" },
	{ "folder", CONFIG_PATH, .fallback = "", .max = PATH_BYTES,
	    .words = "what the module must be able to write, if anything" },
	{ 0 },
};

static const struct config_key user_keys[] = {
	{ "front", CONFIG_STRING, .fallback = "", .max = TEXT_BYTES,
	    .words = "user of the fronts, name or number" },
	{ "keeper", CONFIG_STRING, .fallback = "", .max = TEXT_BYTES,
	    .words = "user of the keeper; owns the state folder" },
	{ "signer", CONFIG_STRING, .fallback = "", .max = TEXT_BYTES,
	    .words = "user of the signer; reaches the token" },
	{ 0 },
};

static const struct config_key limit_keys[] = {
	{ "connections", CONFIG_INT, .min = 1, .max = 100000,
	    .fallback = "1024", .words = "open connections of one front" },
	{ "connections_per_address", CONFIG_INT, .min = 1, .max = 100000,
	    .fallback = "256",
	    .words =
		"without a handshake from one address; with one certificate" },
	{ "requests_per_s", CONFIG_INT, .min = 0, .max = 1000000,
	    .fallback = "2000",
	    .words = "of one credential, twice as many at once; 0: no limit" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "listen", CONFIG_STRING, .required = true, .max = TEXT_BYTES,
	    .example = "127.0.0.1:8443", .words = "address and port" },
	{ "fronts", CONFIG_INT, .min = 0, .max = SERVER_FRONTS_MAX,
	    .fallback = "0", .words = "front processes; 0: one a core" },
	{ "state", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/var/lib/hallmark",
	    .words = "folder of database and ledger" },
	{ "origin", CONFIG_STRING, .required = true, .min = 1, .max = 128,
	    .example = "log.acme.example/hallmark",
	    .words = "name of the ledger; it stands in every receipt" },
	{ "issuer", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/etc/hallmark/factory-ca.pem",
	    .words = "certificate of the issuing CA, PEM" },
	{ "authority", CONFIG_PATH, .required = true, .max = PATH_BYTES,
	    .example = "/etc/hallmark/authority.pub",
	    .words = "public key that signs products and orders, PEM" },
	{ "approvers", CONFIG_PATH, .list = true, .items_max = APPROVERS_MAX,
	    .max = PATH_BYTES, .example = "/etc/hallmark/approver-1.pem",
	    .words = "certificates or public keys, PEM, of those who may "
		     "approve releases; without two there are no prod orders" },
	{ "tls", CONFIG_MAP, .required = true, .keys = tls_keys,
	    .words = "who we are on the network" },
	{ "devices", CONFIG_MAP, .keys = device_keys,
	    .words = "where devices with a network make themselves, by TLS 1.2 "
		     "or 1.3" },
	{ "token", CONFIG_MAP, .required = true, .keys = token_keys,
	    .words = "where the keys live" },
	{ "users", CONFIG_MAP, .keys = user_keys,
	    .words = "when started as root: who the processes become" },
	{ "limits", CONFIG_MAP, .keys = limit_keys,
	    .words = "what one front takes" },
	{ 0 },
};

const struct config_schema server_schema = { "server", 1, keys,
	"the OEM's provisioning server" };

static void
take_token(const struct config_node *at, struct server_config *ret)
{
	config_copy(at, "uri", ret->token.uri, sizeof(ret->token.uri));
	config_copy(at, "module", ret->token.module, sizeof(ret->token.module));
	config_copy(at, "pin", ret->token.pin, sizeof(ret->token.pin));
	config_copy(at, "issuer", ret->token.issuer, sizeof(ret->token.issuer));
	config_copy(at, "stamp", ret->token.stamp, sizeof(ret->token.stamp));
	config_copy(at, "log", ret->token.log, sizeof(ret->token.log));
	config_copy(at, "folder", ret->token.folder, sizeof(ret->token.folder));
	ret->token.timeout_ms = (uint32_t)config_int(at, "timeout_ms");
	ret->token.sessions = (uint32_t)config_int(at, "sessions");
}

static void
take_tls(const struct config_node *at, struct server_config *ret)
{
	config_copy(at, "certificate", ret->tls.certificate,
	    sizeof(ret->tls.certificate));
	config_copy(at, "key", ret->tls.key, sizeof(ret->tls.key));
	config_copy(
	    at, "client_ca", ret->tls.client_ca, sizeof(ret->tls.client_ca));
}

static void
take_approvers(const struct config_node *top, struct server_config *ret)
{
	ret->approver_count = (uint32_t)config_count(top, "approvers");
	for (uint32_t i = 0; i < ret->approver_count; i++)
		(void)snprintf(ret->approvers[i], sizeof(ret->approvers[i]),
		    "%s", config_text_at(top, "approvers", i));
}

static void
take_users(const struct config_node *at, struct server_config *ret)
{
	config_copy(at, "front", ret->users.front, sizeof(ret->users.front));
	config_copy(at, "keeper", ret->users.keeper, sizeof(ret->users.keeper));
	config_copy(at, "signer", ret->users.signer, sizeof(ret->users.signer));
}

hm_err
server_config_load(const char *path, struct server_config *ret, struct why *why)
{
	AUTO(config) struct config config = { 0 };
	const struct config_node *top;

	HM_TRY(config_load(path, &server_schema, &config, NULL, why));
	top = config_top(&config);
	*ret = (struct server_config){ 0 };
	config_copy(top, "listen", ret->listen, sizeof(ret->listen));
	config_copy(top, "state", ret->state, sizeof(ret->state));
	config_copy(top, "origin", ret->origin, sizeof(ret->origin));
	config_copy(top, "issuer", ret->issuer, sizeof(ret->issuer));
	config_copy(top, "authority", ret->authority, sizeof(ret->authority));
	ret->fronts = (uint32_t)config_int(top, "fronts");
	ret->connections_max = (uint32_t)config_int(top, "limits.connections");
	ret->connections_per_address_max =
	    (uint32_t)config_int(top, "limits.connections_per_address");
	ret->requests_per_s =
	    (uint32_t)config_int(top, "limits.requests_per_s");
	take_approvers(top, ret);
	take_tls(config_map(top, "tls"), ret);
	config_copy(top, "devices.listen", ret->devices.listen,
	    sizeof(ret->devices.listen));
	config_copy(top, "devices.client_ca", ret->devices.client_ca,
	    sizeof(ret->devices.client_ca));
	take_token(config_map(top, "token"), ret);
	take_users(config_map(top, "users"), ret);
	return HM_OK;
}
