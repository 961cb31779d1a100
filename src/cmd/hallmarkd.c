/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmarkd: the OEM's provisioning server
 *
 * Started by a person or by systemd it is the parent; started by the parent
 * with --role it is one of the walled processes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/options.h"
#include "base/report.h"
#include "cmd/role.h"
#include "server/parent.h"

#define CONFIG_DEFAULT "/etc/hallmark/hallmarkd.yaml"

static const struct option_spec options[] = {
	{ "config", OPTION_PATH, .fallback = CONFIG_DEFAULT, .metavar = "FILE",
	    .help = "configuration" },
	{ "check", OPTION_FLAG, .help = "check the configuration and end" },
	{ "template", OPTION_FLAG,
	    .help = "print a commented configuration and end" },
	{ "role", OPTION_ENUM, .choices = "front|keeper|signer",
	    .metavar = "ROLE",
	    .help = "for the server itself: be one of its processes" },
	{ 0 },
};

static int
print_template(void)
{
	struct why why = { 0 };
	hm_err err = config_template_print(&server_schema, &why);

	return report_failure(err, &why);
}

static int
serve(const struct options *given, const struct server_config *config,
    struct why *why)
{
	const char *path = options_text(given, "config");
	const char *role = options_text(given, "role");
	hm_err err;

	if (role != NULL) {
		log_init(role, LOG_INFO);
		err = role_run(server_role_of(role), config, why);
		if (err != HM_OK)
			log_failure(LOG_ERROR, "end", err, why, NULL);
		return err == HM_OK ? HM_EXIT_OK : HM_EXIT_BUG;
	}
	log_init("parent", LOG_INFO);
	err = parent_run(config, path, why);
	return report_failure(err, why);
}

static int
run(const struct options *given)
{
	static struct server_config config;
	struct why why = { 0 };
	hm_err err;

	if (options_flag(given, "template"))
		return print_template();
	err = server_config_load(options_text(given, "config"), &config, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	if (options_flag(given, "check")) {
		report_line("%s: ok", options_text(given, "config"));
		return HM_EXIT_OK;
	}
	return serve(given, &config, &why);
}

static const struct verb_spec verb = { .name = "hallmarkd",
	.words = "serve until told to stop",
	.example = "hallmarkd --config hallmarkd.yaml",
	.options = options,
	.run = run };

static const struct program_spec program = { .name = "hallmarkd",
	.section = 8,
	.words = "the OEM's provisioning server",
	.text =
	    "Proves devices, counts them against orders, issues certificates "
	    "and sealed secrets, and keeps the ledger. It runs as a parent "
	    "and three kinds of walled processes: fronts read what comes from "
	    "the network, the keeper owns database and ledger, the signer "
	    "holds the token. If one of them dies, all are started again; "
	    "nothing that was answered is lost. SIGTERM and SIGINT finish "
	    "what is under way.",
	.only = &verb };

int
main(int argc, char **argv)
{
	return options_main(&program, argc, argv);
}
