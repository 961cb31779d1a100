/* SPDX-License-Identifier: Apache-2.0 */
#include "product.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../plug.h"
#include "base/report.h"
#include "hallmark/vault.h"

#define EXIT_CUT 85 /* power went where it was ordered */

/* ---- the application ---- */

/* What the payload begins with: how this version of the product behaves. */
static void
read_word(char ret[static 5])
{
	uint8_t bytes[4] = { 0 };

	memset(ret, 0, 5);
	if (hm_port_flash_read(product.image.area, product.image.header_len,
		(struct hm_span){ bytes, sizeof(bytes) }) == HM_OK)
		memcpy(ret, bytes, sizeof(bytes));
}

static bool
is_on_trial(void)
{
	struct hm_journal journal;

	return hm_journal_load(&journal) == HM_OK &&
	       journal.trial == product.image.area;
}

/* HM_E_STOPPING: restart at once. */
static hm_err
test_self(void)
{
	char word[5];

	read_word(word);
	if (!is_on_trial())
		return HM_OK;
	report_note("on trial: %s", word);
	if (strcmp(word, "hang") == 0)
		return HM_E_STOPPING;
	if (strcmp(word, "fail") == 0) {
		HM_TRY(hm_boot_reject());
		return HM_E_STOPPING;
	}
	return strcmp(word, "pass") == 0 ? hm_update_confirm() : HM_OK;
}

/* HM_OK: a restart was asked for. HM_E_TIMEOUT: nobody is there any more. */
static hm_err
serve(const char *link)
{
	static uint8_t room[HM_UPDATE_ROOM];
	static struct hm_update_serve service;
	hm_err err = HM_OK;

	HM_TRY(hm_update_serve_init(
	    &service, (struct hm_span){ room, sizeof(room) }));
	do {
		HM_TRY(plug_open(
		    link, product.timeout_ms, &product.link, &product.why));
		err = hm_update_serve_run(&service);
		close(product.link);
		product.link = -1;
	} while (err == HM_E_LINK);
	return err;
}

static hm_err
application(const char *link)
{
	hm_err err;

	HM_TRY(hm_vault_init());
	err = hm_update_settle();
	if (err != HM_OK)
		report_note("keys: %d", (int)err);
	err = test_self();
	if (err == HM_E_STOPPING)
		return HM_OK;
	return err == HM_OK ? serve(link) : err;
}

/* ---- starting ---- */

static hm_err
start(const char *link)
{
	int how = setjmp(product.jump);

	if (how == 0)
		hm_boot_run();
	if (how == 2)
		return WHY(&product.why, product.failure, "nothing starts");
	product.starts++;
	report_note("start %u: %u.%u.%u from slot %c", product.starts,
	    product.image.version.major, product.image.version.minor,
	    product.image.version.revision,
	    product.image.area == HM_AREA_SLOT_A   ? 'A'
	    : product.image.area == HM_AREA_SLOT_B ? 'B'
						   : 'F');
	return application(link);
}

static void
cut(void)
{
	_exit(EXIT_CUT);
}

static void
arm(const struct options *given)
{
	static const char *const names[] = { "clean", "torn", "daily", "late" };
	const char *tear = options_text(given, "tear");

	nor_power_on();
	nor.cut = cut;
	nor.cut_at = (uint64_t)options_int(given, "power-cut");
	nor.seed = nor.cut_at + 1;
	for (unsigned i = 0; i < NOR_TEARS; i++)
		if (strcmp(names[i], tear) == 0)
			nor.tear = (nor_tear)i;
}

static int
run(const struct options *given)
{
	hm_err err = product_open(options_text(given, "dir"), &product.why);

	(void)signal(SIGPIPE, SIG_IGN); /* a write tells, not a signal */
	product.timeout_ms = (int)options_int(given, "timeout-s") * 1000;
	if (err == HM_OK)
		arm(given);
	while (err == HM_OK)
		err = start(options_text(given, "link"));
	if (err == HM_E_TIMEOUT && product.starts > 0)
		err = HM_OK; /* nobody has anything for it */
	nor_close();
	return report_failure(err, &product.why);
}

static const struct option_spec options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the product" },
	{ "link", OPTION_TEXT, .required = true, .metavar = "LINK",
	    .help = "unix:PATH or pty:PATH, where updates come from" },
	{ "timeout-s", OPTION_INT, .fallback = "10", .min = 1, .max = 86400,
	    .help = "seconds without anybody until it ends" },
	{ "power-cut", OPTION_INT, .fallback = "0", .min = 0, .max = 1000000000,
	    .metavar = "N",
	    .help = "power goes at the N-th step of the flash" },
	{ "tear", OPTION_ENUM, .choices = "clean|torn|daily|late",
	    .fallback = "torn",
	    .help = "what is left of the unit that was written then" },
	{ 0 }
};

const struct verb_spec product_run = { .name = "run",
	.words = "switch it on, and on again whenever it restarts",
	.text = "Ends when nobody has talked to it for a time. The exit status "
		"is 85 after a power cut that was ordered.",
	.options = options,
	.run = run };
