/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/report.h"
#include "base/text.h"
#include "cmd/station_verbs.h"
#include "station/config.h"
#include "station/journal.h"

static const struct option_spec config_option[] = {
	STATION_CONFIG_OPTION,
	{ 0 },
};

static hm_err
show_unit(void *context, const struct unit *unit)
{
	struct doc *list = context, *doc = doc_object(list, NULL);
	char id[HM_DEVICE_ID_LEN * 2 + 1], when[TIME_TEXT_LEN], err[16] = "";

	hex_format(HM_BYTES(unit->device_id), id);
	time_format(unit->time_s, when);
	if (unit->err != HM_OK)
		(void)snprintf(err, sizeof(err), "HM-%04d", unit->err);
	doc_text(doc, "device_id", id);
	doc_text(doc, "order", unit->order);
	doc_text(doc, "slot", unit->slot);
	doc_text(doc, "step", station_step_name(unit->step));
	doc_text(doc, "state", unit_state_name(unit->state));
	doc_text(doc, "error", err[0] != 0 ? err : NULL);
	doc_text(doc, "t", when);
	report_line("%s %-12s %-6s %-5s %-9s %s", when, unit->order, unit->slot,
	    unit_state_name(unit->state), station_step_name(unit->step), id);
	return HM_OK;
}

static int
status(const struct options *given)
{
	static struct station_config config;
	AUTO_DOC struct doc *doc = report_doc("hallmark.station.status/1");
	struct why why = { 0 };
	hm_err err;

	err = station_config_load(options_text(given, "config"), &config, &why);
	if (err == HM_OK)
		err = journal_each(config.journal, show_unit,
		    doc == NULL ? NULL : doc_array(doc, "units"), &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_end(doc);
}

const struct verb_spec station_status_verb = { .name = "status",
	.words = "list the units of the journal",
	.options = config_option,
	.run = status };
