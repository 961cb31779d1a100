/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/station_verbs.h"
#include "crypto/p256.h"
#include "seal/sign1.h"
#include "station/server.h"
#include "wire/void.h"

static const struct option_spec void_options[] = {
	STATION_CONFIG_OPTION,
	{ "reason", OPTION_TEXT, .required = true, .metavar = "WORDS",
	    .help = "why the unit is given back; it is signed and logged" },
	{ 0 },
};
static const struct option_spec void_operands[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "name of the order" },
	{ "device", OPTION_TEXT, .required = true,
	    .help = "device id, 64 hex digits" },
	{ 0 },
};

static hm_err
sign_void(const struct station_config *config, const struct hm_void *content,
    struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };
	uint8_t payload[HM_VOID_MAX], point[HM_POINT_LEN], kid[HM_KID_LEN];
	struct p256_pair *pair;
	size_t len;
	hm_err err;

	HM_TRY(hm_void_encode(
	    content, (struct hm_span){ payload, sizeof(payload) }, &len));
	HM_TRY(file_read_text(config->server.key, 8192, &pem, why));
	err = p256_pair_from_pem(buf_bytes(&pem), &pair);
	buf_wipe(&pem);
	HM_TRY(err);
	p256_pair_point(pair, point);
	sign1_kid(point, kid);
	buf_init(ret, HM_VOID_MAX);
	err = sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_VOID),
	    (struct hm_bytes){ payload, len }, p256_pair_signer, pair, ret);
	p256_pair_free(pair);
	return err;
}

static hm_err
give_back(
    const struct options *given, struct station_config *config, struct why *why)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_void content = {
		.order = hm_bytes_of(options_text(given, "order")),
		.reason = hm_bytes_of(options_text(given, "reason")),
		.signed_s = clock_now_s(),
	};
	struct server *server;
	struct hm_bytes answer;
	hm_err err;

	if (hex_parse(hm_bytes_of(options_text(given, "device")),
		content.device_id, sizeof(content.device_id)) != HM_OK)
		return WHY(why, HM_E_USAGE, "a device id is 64 hex digits");
	HM_TRY(station_config_load(options_text(given, "config"), config, why));
	HM_TRY(sign_void(config, &content, &message, why));
	HM_TRY(server_new(config, &server, why));
	err =
	    server_post(server, "/v1/void", buf_bytes(&message), &answer, why);
	server_free(server);
	return err;
}

static int
void_(const struct options *given)
{
	static struct station_config config;
	AUTO_DOC struct doc *doc = report_doc("hallmark.station.void/1");
	struct why why = { 0 };
	hm_err err = give_back(given, &config, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "device_id", options_text(given, "device"));
	report_line("void %s", options_text(given, "device"));
	return report_end(doc);
}

const struct verb_spec station_void_verb = { .name = "void",
	.words = "give an unconfirmed unit back, with a signed reason",
	.options = void_options,
	.operands = void_operands,
	.run = void_ };
