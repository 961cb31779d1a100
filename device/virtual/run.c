/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <signal.h>
#include <string.h>

#include "base/auto.h"
#include "base/report.h"
#include "board.h"
#include "hallmark/link.h"
#include "plug.h"
#include "port.h"

static hm_err
take_faults(const struct options *given, struct fault *ret, struct why *why)
{
	for (size_t i = 0; i < options_count(given, "fault"); i++)
		HM_TRY(fault_parse(options_at(given, "fault", i), ret, why));
	return HM_OK;
}

/* Serve until the station has gone; that is the normal end. */
static hm_err
serve(struct port *port, struct hm_agent *agent, const char *link)
{
	static uint8_t room[HM_SERVE_ROOM];
	static struct hm_serve loop;
	hm_err err;

	HM_TRY(plug_open(link, port->timeout_ms, &port->link, &port->why));
	hm_serve_init(&loop, agent, (struct hm_span){ room, sizeof(room) });
	err = hm_serve_run(&loop);
	hm_wipe(room, sizeof(room));
	return err == HM_E_LINK ? HM_OK : err;
}

static int
conclude(const struct hm_agent *agent, uint64_t steps)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.vdevice.run/1");
	hm_agent_state state = hm_agent_where(agent);
	int status;

	report_line("%s", state_name(state));
	doc_hex(doc, "device_id", HM_BYTES(agent->device_id));
	doc_text(doc, "state", state_name(state));
	doc_uint(doc, "last_error", agent->last);
	doc_uint(doc, "steps", steps);
	status = report_end(doc);
	if (status == 0 && state != HM_AGENT_COMPLETE)
		status = HM_EXIT_HOLD;
	return status;
}

/* The firmware tells how it ended by the emulator's exit status. */
static int
run_board(struct port *port, const char *link, bool serves)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.vdevice.board/1");
	struct board_line line = { .fd = -1, .serves = serves };
	int status = 0;
	hm_err err = HM_OK;

	if (serves && strncmp(link, "unix:", 5) == 0)
		line.path = link + 5; /* whoever listens there, and when */
	else
		err = plug_open(link, port->timeout_ms, &line.fd, &port->why);
	if (err == HM_OK)
		err = board_run(
		    port->chip, port->fault, &line, &status, &port->why);
	if (err != HM_OK)
		return report_failure(err, &port->why);
	report_line("%s", status == 0 ? "done"
			  : status == BOARD_NOTHING
			      ? "not done: no image to start"
			      : "not done");
	doc_uint(doc, "status", (uint64_t)status);
	if (report_end(doc) != 0)
		return HM_EXIT_BUG;
	if (status == 0 || status == FAULT_EXIT)
		return status;
	if (status == BOARD_NOTHING)
		return HM_EXIT_NO;
	return status > 128 ? HM_EXIT_HOLD : HM_EXIT_DEVICE;
}

static int
run(const struct options *given)
{
	AUTO(chip) struct chip chip = { 0 };
	static struct hm_agent agent;
	struct fault fault = { 0 };
	struct port port = { .chip = &chip,
		.fault = &fault,
		.link = -1,
		.timeout_ms = (int)options_int(given, "timeout-s") * 1000 };
	hm_err err = take_faults(given, &fault, &port.why);

	(void)signal(SIGPIPE, SIG_IGN); /* a write tells, not a signal */
	if (err == HM_OK)
		err = chip_load(options_text(given, "dir"), &chip, &port.why);
	port_set(&port);
	if (err == HM_OK && chip.board[0] != 0)
		return run_board(&port, options_text(given, "link"),
		    options_flag(given, "serve"));
	fault_arm(&fault);
	if (err == HM_OK)
		err = hm_agent_init(&agent);
	if (err == HM_OK)
		err = serve(&port, &agent, options_text(given, "link"));
	if (err == HM_OK)
		return conclude(&agent, fault.steps);
	return report_failure(err, &port.why);
}

static const struct option_spec options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the chip" },
	{ "link", OPTION_TEXT, .required = true, .metavar = "LINK",
	    .help = "unix:PATH of a slot, pty:PATH or fd:N" },
	{ "fault", OPTION_TEXT, .repeated = true, .metavar = "NAME[=VALUE]",
	    .help = "what shall go wrong" },
	{ "serve", OPTION_FLAG,
	    .help = "of a chip on a board: its product goes on after its start "
		    "and takes updates, from one host after the other" },
	{ "timeout-s", OPTION_INT, .fallback = "60", .min = 1, .max = 86400,
	    .help = "seconds of silence until it gives up" },
	{ 0 }
};

const struct verb_spec vdevice_run = { .name = "run",
	.words = "plug a chip into a slot and serve the station",
	.text = "Connecting is insertion, the end of the connection removal. "
		"The exit status is 0 if the device is complete then, 13 if it "
		"is not, 85 after a power cut that was ordered.\n\n"
		"Faults: power-cut=N, at the N-th write to storage or answer; "
		"wrong-mpmr; wrong-release; alter-claims, after they were "
		"signed; reuse-r; record=FILE and replay=FILE, of evidence; "
		"corrupt-link=N, a bit in every N-th frame; deaf; slow-ms=N. A "
		"chip on a board "
		"(fab --board) is emulated by QEMU, with the faults "
		"power-cut=N, at the N-th operation on flash, torn, and "
		"bad-version=N, whose self-test finds something; its "
		"status is 0 when the firmware has ended its work, 4 if its "
		"boot loader starts neither image, 13 if it lost power before "
		"that.",
	.options = options,
	.run = run };
