/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark station: who may connect to the server, and as what */
#include <string.h>

#include "base/auto.h"
#include "base/report.h"
#include "ca/ca.h"
#include "cmd/command.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/show.h"

static const struct option_spec create_options[] = {
	{ "role", OPTION_ENUM,
	    .choices = "station|planner|auditor|approver|device",
	    .fallback = "station", .help = "what it may do" },
	{ "certificate", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "its TLS certificate; the key in it is what counts" },
	{ "site", OPTION_TEXT, .fallback = "", .metavar = "NAME",
	    .help = "where it stands" },
	{ "order", OPTION_TEXT, .fallback = "", .metavar = "NAME",
	    .help = "of a device: the one order that it is made for" },
	{ "until", OPTION_TIME, .required = true,
	    .help = "first moment that is too late" },
	OBJECT_OPTIONS,
	{ 0 },
};
static const struct option_spec name_operand[] = {
	{ "name", OPTION_TEXT, .required = true, .help = "its name" },
	{ 0 },
};

static hm_role
role_of(const char *name)
{
	return strcmp(name, "planner") == 0    ? HM_ROLE_PLANNER
	       : strcmp(name, "auditor") == 0  ? HM_ROLE_AUDITOR
	       : strcmp(name, "approver") == 0 ? HM_ROLE_APPROVER
	       : strcmp(name, "device") == 0   ? HM_ROLE_DEVICE
					       : HM_ROLE_STATION;
}

/* The place of a device's site is its order's. */
static hm_err
take_site(const struct options *given, struct hm_credential *credential,
    struct why *why)
{
	const char *site = options_text(given, "site");
	const char *order = options_text(given, "order");
	bool is_device = credential->role == HM_ROLE_DEVICE;

	if (is_device != (order[0] != 0) || (is_device && site[0] != 0))
		return WHY(why, HM_E_USAGE,
		    "a device has an --order and no --site, everybody else no "
		    "--order");
	credential->site = hm_bytes_of(is_device ? order : site);
	return HM_OK;
}

static hm_err
make(const struct options *given, uint8_t *digest, struct why *why)
{
	static struct hm_object object = { .kind = HM_OBJECT_CREDENTIAL };
	struct hm_credential *credential = &object.credential;
	AUTO(buf) struct buf der = { 0 };
	struct ca_view view;

	HM_TRY(certificate_read(options_text(given, "certificate"), &der, why));
	HM_TRY(ca_view(buf_bytes(&der), &view));
	if (view.point[0] != 4) {
		why_where(why, "%s", options_text(given, "certificate"));
		return WHY(why, HM_E_KEY, "the certificate's key is not P-256");
	}
	credential->name = hm_bytes_of(options_text(given, "name"));
	credential->role = role_of(options_text(given, "role"));
	HM_TRY(take_site(given, credential, why));
	credential->not_after_s = options_time(given, "until");
	memcpy(credential->key, view.point, sizeof(credential->key));
	return sign_object(given, &object, digest, why);
}

static int
create(const struct options *given)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err = make(given, digest, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.station.create/1",
	    options_text(given, "role"), options_text(given, "name"), digest);
}

static const struct option_spec revoke_options[] = { COMMAND_OPTIONS, { 0 } };

static int
revoke(const struct options *given)
{
	return run_command(
	    given, HM_VERB_REVOKE_CREDENTIAL, options_text(given, "name"));
}

static const struct option_spec whoami_options[] = { CONTEXT_OPTION, { 0 } };

static int
whoami(const struct options *given)
{
	static const struct show_row rows[] = {
		{ "name", "name", SHOW_TEXT },
		{ "role", "role", SHOW_TEXT },
		{ 0 },
	};

	return show_record(given, "/v1/whoami", "", rows);
}

static const struct verb_spec create_verb = { .name = "create",
	.words = "register a station, planner, auditor, approver or device",
	.options = create_options,
	.operands = name_operand,
	.run = create };
static const struct verb_spec revoke_verb = { .name = "revoke",
	.words = "let a credential do nothing any more",
	.options = revoke_options,
	.operands = name_operand,
	.run = revoke };
static const struct verb_spec whoami_verb = { .name = "whoami",
	.words = "ask the server who it takes you for",
	.options = whoami_options,
	.run = whoami };
static const struct verb_spec *const verbs[] = { &create_verb, &revoke_verb,
	&whoami_verb, NULL };

const struct noun_spec noun_station = { .name = "station",
	.words = "who may connect to the server, and as what",
	.verbs = verbs };
