/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark order: permission to make so many devices */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/report.h"
#include "cmd/command.h"
#include "cmd/nouns.h"
#include "cmd/show.h"
#include "cmd/sign_object.h"

static const struct config_key serial_keys[] = {
	{ "prefix", CONFIG_SERIAL, .required = true, .min = 1, .max = 16,
	    .example = "TD-",
	    .words = "in front of the number: letters, digits, dot, hyphen" },
	{ "first", CONFIG_INT, .required = true, .min = 0, .max = 999999999999,
	    .example = "1", .words = "first number" },
	{ "digits", CONFIG_INT, .required = true, .min = 1, .max = 12,
	    .example = "6", .words = "with leading zeros" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "name", CONFIG_NAME, .required = true, .max = HM_NAME_MAX,
	    .example = "PO-2291", .words = "the order" },
	{ "product", CONFIG_STRING, .required = true, .example = "thermo.cose",
	    .words = "digest of the signed product, or the file with it" },
	{ "release", CONFIG_STRING, .required = true,
	    .example = "release-2.4.1.cose",
	    .words = "digest of the signed release, or the file with it" },
	{ "channel", CONFIG_ENUM, .choices = "dev|prod", .required = true,
	    .example = "prod", .words = "must be that of the release" },
	{ "quota", CONFIG_INT, .required = true, .min = 1, .max = UINT32_MAX,
	    .example = "10000", .words = "devices" },
	{ "returns", CONFIG_INT, .min = 0, .max = UINT32_MAX, .fallback = "0",
	    .words = "issued devices that a signed void may give back" },
	{ "serial", CONFIG_MAP, .required = true, .keys = serial_keys,
	    .words = "serial numbers; no other order may have them" },
	{ "mac_first", CONFIG_MAC, .example = "7c:ac:b2:10:00:00",
	    .words = "first MAC address; one a device from there on" },
	{ "stations", CONFIG_NAME, .list = true, .required = true,
	    .items_min = 1, .items_max = HM_ORDER_STATIONS_MAX,
	    .max = HM_NAME_MAX, .example = "LINE2-A",
	    .words = "who may make them" },
	{ "not_before", CONFIG_TIME, .required = true, .example = "2026-11-01",
	    .words = "first moment" },
	{ "not_after", CONFIG_TIME, .required = true, .example = "2026-12-31",
	    .words = "first moment that is too late" },
	{ "confirm_within_s", CONFIG_INT, .min = 1, .max = 31536000,
	    .fallback = "86400", .unit = "s",
	    .words = "issued but unconfirmed for longer: quarantine" },
	{ 0 },
};

const struct config_schema order_schema = { "order", 1, keys,
	"permission to make devices" };

static void
take_numbers(const struct config_node *top, struct hm_order *ret)
{
	ret->quota = (uint32_t)config_int(top, "quota");
	ret->returns = (uint32_t)config_int(top, "returns");
	ret->serial_prefix = hm_bytes_of(config_text(top, "serial.prefix"));
	ret->serial_first = (uint64_t)config_int(top, "serial.first");
	ret->serial_digits = (uint32_t)config_int(top, "serial.digits");
	ret->has_macs = config_has(top, "mac_first");
	if (ret->has_macs)
		(void)config_hex(
		    top, "mac_first", ret->mac_first, sizeof(ret->mac_first));
	ret->not_before_s = config_time(top, "not_before");
	ret->not_after_s = config_time(top, "not_after");
	ret->confirm_within_s = (uint32_t)config_int(top, "confirm_within_s");
}

static hm_err
take_order(const struct config_node *top, struct hm_order *ret, struct why *why)
{
	ret->name = hm_bytes_of(config_text(top, "name"));
	HM_TRY(
	    object_digest_of(config_text(top, "product"), ret->product, why));
	HM_TRY(
	    object_digest_of(config_text(top, "release"), ret->release, why));
	ret->channel = strcmp(config_text(top, "channel"), "prod") == 0
			   ? HM_CHANNEL_PROD
			   : HM_CHANNEL_DEV;
	ret->station_count = (uint32_t)config_count(top, "stations");
	for (uint32_t i = 0; i < ret->station_count; i++)
		ret->stations[i] =
		    hm_bytes_of(config_text_at(top, "stations", i));
	take_numbers(top, ret);
	return HM_OK;
}

static const struct option_spec create_options[] = { OBJECT_OPTIONS, { 0 } };
static const struct option_spec create_operands[] = {
	{ "file", OPTION_PATH, .required = true, .help = "the order, YAML" },
	{ 0 },
};

static int
create(const struct options *given)
{
	static struct hm_object object = { .kind = HM_OBJECT_ORDER };
	AUTO(config) struct config config = { 0 };
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err;

	err = config_load(
	    options_text(given, "file"), &order_schema, &config, NULL, &why);
	if (err == HM_OK)
		err = take_order(config_top(&config), &object.order, &why);
	if (err == HM_OK)
		err = sign_object(given, &object, digest, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.order.create/1", "order",
	    config_text(config_top(&config), "name"), digest);
}

static int
template_(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = config_template_print(&order_schema, &why);

	(void)given;
	return report_failure(err, &why);
}

/* ---- show ---- */

static const struct option_spec name_operand[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "its name" },
	{ 0 },
};

static int
show(const struct options *given)
{
	static const struct show_row rows[] = {
		{ "order", "order", SHOW_TEXT },
		{ "product", "product", SHOW_TEXT },
		{ "release", "release", SHOW_TEXT },
		{ "channel", "channel", SHOW_TEXT },
		{ "closed", "closed", SHOW_BOOL },
		{ "quota", "quota", SHOW_NUMBER },
		{ "used", "used", SHOW_NUMBER },
		{ "reserved", "reserved", SHOW_NUMBER },
		{ "left", "left", SHOW_NUMBER },
		{ "confirmed", "confirmed", SHOW_NUMBER },
		{ "returned", "returned", SHOW_NUMBER },
		{ "scrapped", "scrapped", SHOW_NUMBER },
		{ "from", "not_before", SHOW_TEXT },
		{ "until", "not_after", SHOW_TEXT },
		{ 0 },
	};

	return show_record(
	    given, "/v1/order/", options_text(given, "order"), rows);
}

static int
close_(const struct options *given)
{
	return run_command(
	    given, HM_VERB_CLOSE_ORDER, options_text(given, "order"));
}

static const struct option_spec show_options[] = { CONTEXT_OPTION, { 0 } };
static const struct option_spec close_options[] = { COMMAND_OPTIONS, { 0 } };

static const struct verb_spec create_verb = { .name = "create",
	.words = "sign an order and give it to the server",
	.options = create_options,
	.operands = create_operands,
	.run = create };
static const struct verb_spec template_verb = {
	.name = "template", .words = "print a commented order", .run = template_
};
static const struct verb_spec show_verb = { .name = "show",
	.words = "its counts: quota = used + reserved + left",
	.options = show_options,
	.operands = name_operand,
	.run = show };
static const struct verb_spec close_verb = { .name = "close",
	.words = "let no more devices be made of it",
	.options = close_options,
	.operands = name_operand,
	.run = close_ };
static const struct verb_spec *const verbs[] = { &create_verb, &template_verb,
	&show_verb, &close_verb, NULL };

const struct noun_spec noun_order = { .name = "order",
	.words = "permission to make so many devices",
	.verbs = verbs };
