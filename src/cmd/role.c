/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/role.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "ca/ca.h"
#include "cmd/point_file.h"
#include "crypto/init.h"
#include "server/front/front.h"
#include "server/keeper/keeper.h"
#include "server/life.h"
#include "server/signer/signer.h"

#define PEM_MAX 65536

_Static_assert(SERVER_SESSIONS_MAX == SIGNER_SESSIONS_MAX,
    "the configuration allows what the signer can");

static const char *
or_null(const char *text)
{
	return text[0] == 0 ? NULL : text;
}

static hm_err
load_issuer(
    const struct server_config *config, struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };
	hm_err err;

	HM_TRY(file_read_text(config->issuer, PEM_MAX, &pem, why));
	buf_init(ret, HM_CERT_MAX);
	err = pem_parse("CERTIFICATE", buf_bytes(&pem), ret);
	if (err != HM_OK) {
		why_where(why, "%s", config->issuer);
		return WHY(why, err, "not a certificate in PEM");
	}
	return HM_OK;
}

static hm_err
load_approvers(const struct server_config *config, const struct approvers **ret,
    struct why *why)
{
	static struct approvers approvers; /* once a process */

	for (uint32_t i = 0; i < config->approver_count; i++) {
		HM_TRY(
		    point_read(config->approvers[i], approvers.keys[i], why));
		approvers.count = i + 1;
	}
	*ret = &approvers;
	return HM_OK;
}

static hm_err
run_front(const struct server_config *config, const struct secret *with,
    struct why *why)
{
	struct front_options options = {
		.keeper = LIFE_FIRST_FD,
		.listener = LIFE_FIRST_FD + 1,
		.devices =
		    config->devices.listen[0] == 0 ? -1 : LIFE_FIRST_FD + 2,
		.life = LIFE_FD,
		.tls = { .certificate = config->tls.certificate,
		    .key = config->tls.key,
		    .client_ca = config->tls.client_ca },
		.limits = { .connections = config->connections_max,
		    .connections_per_address =
			config->connections_per_address_max },
		.requests_per_s = config->requests_per_s,
		.jail = { .role = JAIL_FRONT,
		    .user = or_null(config->users.front) },
	};

	options.devices_tls = options.tls;
	options.devices_tls.small = true;
	if (config->devices.client_ca[0] != 0)
		options.devices_tls.client_ca = config->devices.client_ca;
	return front_run(&options, with, why);
}

static hm_err
run_signer(
    const struct server_config *config, struct secret *with, struct why *why)
{
	AUTO(buf) struct buf issuer = { 0 };
	struct signer_options options = {
		.keeper = LIFE_FIRST_FD,
		.life = LIFE_FD,
		.token_uri = config->token.uri,
		.module = or_null(config->token.module),
		.issuer_key = config->token.issuer,
		.stamp_key = config->token.stamp,
		.log_key = config->token.log,
		.origin = config->origin,
		.timeout_ms = config->token.timeout_ms,
		.sessions = config->token.sessions,
		.jail = { .role = JAIL_SIGNER,
		    .user = or_null(config->users.signer),
		    .writable = { or_null(config->token.folder) },
		    .lock_memory = true },
	};

	HM_TRY(point_read(config->authority, options.authority, why));
	HM_TRY(load_approvers(config, &options.approvers, why));
	HM_TRY(load_issuer(config, &issuer, why));
	options.issuer_certificate = buf_bytes(&issuer);
	return signer_run(&options, with, why);
}

static hm_err
run_keeper(const struct server_config *config, struct why *why)
{
	int fronts[SERVER_FRONTS_MAX];
	struct keeper_options options = {
		.state = config->state,
		.signer = LIFE_FIRST_FD,
		.sign_ms = config->token.timeout_ms + KEEPER_SIGN_MORE_MS,
		.fronts = fronts,
		.front_count = server_fronts(config),
		.parent = LIFE_FD,
		.jail = { .role = JAIL_KEEPER,
		    .user = or_null(config->users.keeper) },
	};

	for (uint32_t i = 0; i < options.front_count; i++)
		fronts[i] = LIFE_FIRST_FD + 1 + (int)i;
	HM_TRY(point_read(config->authority, options.authority, why));
	HM_TRY(load_approvers(config, &options.approvers, why));
	HM_TRY(jail_folder(config->state, options.jail.user, why));
	return keeper_run(&options, why);
}

hm_err
role_run(server_role role, const struct server_config *config, struct why *why)
{
	AUTO(secret) struct secret with = { 0 };

	/* A terminal or systemd tells the whole group; the parent decides who
	 * stops when, so that nothing under way is cut off. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	crypto_random_of_kernel();
	HM_TRY(crypto_few_algorithms());
	HM_TRY(crypto_init()); /* in the jail it is too late */
	HM_TRY(life_await(LIFE_FD, &with));
	switch (role) {
	case SERVER_FRONT:
		return run_front(config, &with, why);
	case SERVER_KEEPER:
		return run_keeper(config, why);
	case SERVER_SIGNER:
		return run_signer(config, &with, why);
	}
	return HM_E_BUG;
}
