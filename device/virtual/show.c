/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "port.h"
#include "hallmark/agent.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/stamp.h"

/* What a chip holds, borrowed from its buffers. */
struct holdings {
	struct chip chip;
	struct fault fault;
	struct port port;
	struct hm_agent agent;
	uint8_t plain[HM_SEALED_MAX];
	uint8_t stamp_bytes[HM_STAMP_MAX];
	uint8_t receipt_bytes[HM_LINK_MAX];
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t secret_count;
	struct hm_stamp stamp;
	struct hm_confirm_answer receipt;
};

static void
holdings_done(struct holdings *holdings)
{
	hm_wipe(holdings, sizeof(*holdings));
}

const char *
state_name(hm_agent_state state)
{
	static const char *const names[] = { "blank", "ready", "stamped",
		"complete" };

	return names[state];
}

static const char *
kind_name(hm_secret_kind kind)
{
	static const char *const names[] = { "?", "random", "passcode",
		"shared", "key", "certificate", "literal" };

	return names[kind];
}

/* What was committed by the agent's state, and nothing else. */
static hm_err
load_stamped(struct holdings *h)
{
	struct hm_sign1 sign1;
	size_t len = 0;

	HM_TRY(hm_port_store_read(HM_RECORD_STAMP,
	    (struct hm_span){ h->stamp_bytes, sizeof(h->stamp_bytes) }, &len));
	HM_TRY(hm_sign1_decode(
	    (struct hm_bytes){ h->stamp_bytes, len }, HM_STAMP_MAX, &sign1));
	HM_TRY(hm_stamp_decode(sign1.payload, &h->stamp));
	HM_TRY(hm_port_store_read(HM_RECORD_SECRETS,
	    (struct hm_span){ h->plain, sizeof(h->plain) }, &len));
	return hm_secrets_decode(
	    (struct hm_bytes){ h->plain, len }, h->secrets, &h->secret_count);
}

static hm_err
load(struct holdings *h, const char *dir)
{
	size_t len = 0;

	HM_TRY(chip_load(dir, &h->chip, &h->port.why));
	h->port.chip = &h->chip;
	h->port.fault = &h->fault;
	port_set(&h->port);
	HM_TRY(hm_agent_init(&h->agent));
	if (hm_agent_where(&h->agent) >= HM_AGENT_STAMPED)
		HM_TRY(load_stamped(h));
	if (hm_agent_where(&h->agent) < HM_AGENT_COMPLETE)
		return HM_OK;
	HM_TRY(hm_port_store_read(HM_RECORD_RECEIPT,
	    (struct hm_span){ h->receipt_bytes, sizeof(h->receipt_bytes) },
	    &len));
	return hm_confirm_answer_decode(
	    (struct hm_bytes){ h->receipt_bytes, len }, &h->receipt);
}

/* One secret into a file that only its owner reads. */
static int
give_secret(struct holdings *h, const char *name, const char *out)
{
	hm_err err = HM_E_NOT_FOUND;

	if (out == NULL)
		return report_failure(
		    WHY(&h->port.why, HM_E_USAGE,
			"--secret needs --out: secrets are not printed"),
		    &h->port.why);
	for (uint32_t i = 0; i < h->secret_count; i++)
		if (hm_bytes_equal(h->secrets[i].name, hm_bytes_of(name)))
			err = file_write(
			    out, h->secrets[i].value, 0600, &h->port.why);
	if (err == HM_E_NOT_FOUND)
		(void)WHY(&h->port.why, err, "no secret has the name %s", name);
	return err == HM_OK ? HM_EXIT_OK : report_failure(err, &h->port.why);
}

static void
tell_stamped(const struct holdings *h, struct doc *doc)
{
	struct doc *secrets = doc_array(doc, "secrets");

	report_line("order:      %.*s", (int)h->stamp.order.len,
	    (const char *)h->stamp.order.ptr);
	report_line("serial:     %.*s", (int)h->stamp.serial.len,
	    (const char *)h->stamp.serial.ptr);
	report_line("log:        %.*s", (int)h->stamp.origin.len,
	    (const char *)h->stamp.origin.ptr);
	doc_bytes(doc, "order", h->stamp.order);
	doc_bytes(doc, "serial", h->stamp.serial);
	if (h->stamp.has_mac)
		doc_hex(doc, "mac", HM_BYTES(h->stamp.mac));
	doc_hex(doc, "stamp", HM_BYTES(h->agent.memory.stamp));
	doc_time(doc, "issued", h->stamp.issued_s);
	doc_bytes(doc, "log", h->stamp.origin);
	for (uint32_t i = 0; i < h->secret_count; i++) {
		const struct hm_secret *secret = &h->secrets[i];
		struct doc *row = doc_object(secrets, NULL);

		report_line("secret:     %.*s (%s, %zu bytes)",
		    (int)secret->name.len, (const char *)secret->name.ptr,
		    kind_name(secret->kind), secret->value.len);
		doc_bytes(row, "name", secret->name);
		doc_text(row, "kind", kind_name(secret->kind));
		doc_uint(row, "bytes", secret->value.len);
	}
}

static int
tell(const struct holdings *h)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.vdevice.show/1");
	hm_agent_state state = hm_agent_where(&h->agent);
	char id[2 * HM_DEVICE_ID_LEN + 1];

	hex_format(HM_BYTES(h->agent.device_id), id);
	report_line("device id:  %s", id);
	report_line("state:      %s", state_name(state));
	doc_text(doc, "device_id", id);
	doc_text(doc, "state", state_name(state));
	doc_hex(doc, "release", HM_BYTES(h->agent.release));
	doc_uint(doc, "counter", h->agent.counter);
	doc_bool(doc, "open", h->chip.lock == HM_LOCK_OPEN);
	if (state >= HM_AGENT_STAMPED)
		tell_stamped(h, doc);
	if (state >= HM_AGENT_COMPLETE) {
		report_line("receipt:    %zu bytes, entry of %zu bytes",
		    h->receipt.receipt.len, h->receipt.entry.len);
		doc_bytes(doc, "receipt", h->receipt.receipt);
		doc_hex(doc, "entry", h->receipt.entry);
	}
	return report_end(doc);
}

static int
run_show(const struct options *given)
{
	static struct holdings h;
	const char *secret = options_text(given, "secret");
	hm_err err = load(&h, options_text(given, "dir"));
	int status;

	if (err != HM_OK)
		status = report_failure(err, &h.port.why);
	else if (secret != NULL)
		status = give_secret(&h, secret, options_text(given, "out"));
	else
		status = tell(&h);
	holdings_done(&h);
	return status;
}

static hm_err
export_all(struct holdings *h, const struct options *given)
{
	const struct {
		const char *option;
		struct hm_bytes bytes;
	} rows[] = {
		{ "certificate", h->stamp.certificate },
		{ "issuer", h->stamp.chain[0] },
		{ "receipt", h->receipt.receipt },
		{ "entry", h->receipt.entry },
		{ "conformance", { h->agent.memory.conformance,
				     h->agent.memory.conformance_len } },
		{ "config", h->stamp.config },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *path = options_text(given, rows[i].option);

		if (path == NULL)
			continue;
		if (rows[i].bytes.len == 0)
			return WHY(&h->port.why, HM_E_NOT_FOUND,
			    "the chip has no %s", rows[i].option);
		HM_TRY(file_write(path, rows[i].bytes, 0644, &h->port.why));
	}
	return HM_OK;
}

static int
run_export(const struct options *given)
{
	static struct holdings h;
	hm_err err = load(&h, options_text(given, "dir"));
	int status = HM_EXIT_OK;

	if (err == HM_OK)
		err = export_all(&h, given);
	if (err != HM_OK)
		status = report_failure(err, &h.port.why);
	holdings_done(&h);
	return status;
}

static const struct option_spec show_options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the chip" },
	{ "secret", OPTION_TEXT, .metavar = "NAME",
	    .help = "write the value of this secret to --out" },
	{ "out", OPTION_PATH, .metavar = "FILE",
	    .help = "where the secret goes, mode 0600" },
	{ 0 }
};

static const struct option_spec export_options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the chip" },
	{ "certificate", OPTION_PATH, .metavar = "FILE",
	    .help = "identity certificate, DER" },
	{ "issuer", OPTION_PATH, .metavar = "FILE",
	    .help = "certificate of its issuing CA, DER" },
	{ "receipt", OPTION_PATH, .metavar = "FILE",
	    .help = "inclusion proof, C2SP tlog-proof" },
	{ "entry", OPTION_PATH, .metavar = "FILE",
	    .help = "ledger entry that the receipt proves" },
	{ "conformance", OPTION_PATH, .metavar = "FILE",
	    .help = "what the device signed, COSE_Sign1" },
	{ "config", OPTION_PATH, .metavar = "FILE",
	    .help = "configuration of the product" },
	{ 0 }
};

const struct verb_spec vdevice_show = { .name = "show",
	.words = "show what a chip holds",
	.text = "Secrets are shown by name and length, never by value.",
	.options = show_options,
	.run = run_show };
const struct verb_spec vdevice_export = { .name = "export",
	.words = "write what a chip received to files",
	.options = export_options,
	.run = run_export };
