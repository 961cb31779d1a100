/* SPDX-License-Identifier: Apache-2.0 */
#include "station/config.h"

#include <string.h>

#include "base/auto.h"
#include "base/config.h"

static const struct config_key server_keys[] = {
	{ "url", CONFIG_URI, .required = true, .max = STATION_TEXT_MAX - 1,
	    .example = "https://hallmark.example:8443",
	    .words = "the OEM's server" },
	{ "ca", CONFIG_PATH, .required = true, .max = FILE_PATH_MAX - 1,
	    .example = "/etc/hallmark/server-ca.pem",
	    .words = "certificate that the server must lead to, PEM" },
	{ "certificate", CONFIG_PATH, .required = true,
	    .max = FILE_PATH_MAX - 1, .example = "/etc/hallmark/station.pem",
	    .words = "this station's certificate, PEM" },
	{ "key", CONFIG_PATH, .required = true, .max = FILE_PATH_MAX - 1,
	    .example = "/etc/hallmark/station.key",
	    .words = "its private key, PEM" },
	{ "deadline_ms", CONFIG_INT, .min = 100, .max = 600000,
	    .fallback = "15000", .unit = "ms",
	    .words = "longest time of one call" },
	{ "patience_ms", CONFIG_INT, .min = 0, .max = 3600000,
	    .fallback = "60000", .unit = "ms",
	    .words = "how long to try again before a unit is held" },
	{ 0 },
};

static const struct config_key slot_keys[] = {
	{ "name", CONFIG_NAME, .required = true, .max = HM_NAME_MAX,
	    .example = "A1", .words = "as painted on the fixture" },
	{ "link", CONFIG_STRING, .required = true, .min = 5, .max = 107,
	    .example = "tty:/dev/hallmark/slot-a1",
	    .words = "tty:PATH of a serial line, or unix:PATH of a socket" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "name", CONFIG_NAME, .required = true, .max = HM_NAME_MAX,
	    .example = "LINE2-A", .words = "this station" },
	{ "server", CONFIG_MAP, .required = true, .keys = server_keys,
	    .words = "where devices are issued" },
	{ "log_key", CONFIG_STRING, .fallback = "", .max = STATION_TEXT_MAX - 1,
	    .words = "verifier key of the ledger; with it receipts are "
		     "checked as they come" },
	{ "journal", CONFIG_PATH, .required = true, .max = FILE_PATH_MAX - 1,
	    .example = "/var/lib/hallmark-station/journal",
	    .words = "folder: what is known of unfinished units" },
	{ "records", CONFIG_PATH, .required = true, .max = FILE_PATH_MAX - 1,
	    .example = "/var/lib/hallmark-station/records",
	    .words = "folder: certificates and receipts of finished units" },
	{ "device_timeout_ms", CONFIG_INT, .min = 100, .max = 600000,
	    .fallback = "10000", .unit = "ms",
	    .words = "longest time of one answer of a device" },
	{ "slots", CONFIG_MAP, .list = true, .required = true, .items_min = 1,
	    .items_max = STATION_SLOTS_MAX, .keys = slot_keys,
	    .words = "device holders" },
	{ 0 },
};

const struct config_schema station_schema = { "station", 1, keys,
	"the line computer" };

static hm_err
take_slots(
    const struct config_node *top, struct station_config *ret, struct why *why)
{
	ret->slot_count = (uint32_t)config_count(top, "slots");
	for (uint32_t i = 0; i < ret->slot_count; i++) {
		const struct config_node *item = config_item(top, "slots", i);
		struct station_slot *slot = &ret->slots[i];

		config_copy(item, "name", slot->name, sizeof(slot->name));
		config_copy(item, "link", slot->link, sizeof(slot->link));
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(ret->slots[j].name, slot->name) == 0) {
				config_point(item, "name", why);
				return WHY(why, HM_E_CONFIG_TWICE,
				    "two slots of one name");
			}
	}
	return HM_OK;
}

static void
take_server(const struct config_node *at, struct station_config *ret)
{
	config_copy(at, "url", ret->server.url, sizeof(ret->server.url));
	config_copy(at, "ca", ret->server.ca, sizeof(ret->server.ca));
	config_copy(at, "certificate", ret->server.certificate,
	    sizeof(ret->server.certificate));
	config_copy(at, "key", ret->server.key, sizeof(ret->server.key));
	ret->server.deadline_ms = (uint32_t)config_int(at, "deadline_ms");
	ret->server.patience_ms = (uint32_t)config_int(at, "patience_ms");
}

hm_err
station_config_load(
    const char *path, struct station_config *ret, struct why *why)
{
	AUTO(config) struct config config = { 0 };
	const struct config_node *top;

	HM_TRY(config_load(path, &station_schema, &config, NULL, why));
	top = config_top(&config);
	*ret = (struct station_config){ 0 };
	config_copy(top, "name", ret->name, sizeof(ret->name));
	config_copy(top, "log_key", ret->log_key, sizeof(ret->log_key));
	config_copy(top, "journal", ret->journal, sizeof(ret->journal));
	config_copy(top, "records", ret->records, sizeof(ret->records));
	ret->device_timeout_ms = (uint32_t)config_int(top, "device_timeout_ms");
	take_server(config_map(top, "server"), ret);
	return take_slots(top, ret, why);
}
