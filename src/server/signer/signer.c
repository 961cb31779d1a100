/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/signer.h"

#include <stdio.h>
#include <unistd.h>

#include "base/errtext.h"
#include "base/log.h"
#include "server/life.h"
#include "server/signer/crew.h"

#define SESSIONS_DEFAULT 8
#define TIMEOUT_DEFAULT_MS 10000
/* For what is with the token when it is time to leave; less than the parent
 * waits before it kills. */
#define LEAVE_MS 2000

static void
say_ready(struct crew *crew)
{
	char threads[16];

	(void)snprintf(threads, sizeof(threads), "%u", crew_size(crew));
	log_event(LOG_INFO, "ready", "jail", jail_describe(), "threads",
	    threads, NULL);
}

/*
 * A thread that hangs in a module can neither be joined nor robbed of what it
 * uses: only the end of the process ends it.
 */
_Noreturn static void
leave_behind(hm_err err)
{
	log_event(LOG_WARN, "left", "why", "a call of the token hangs", NULL);
	_exit(err_info(err)->exit_status);
}

static hm_err
serve(struct signer *signer)
{
	const struct signer_options *options = signer->options;
	struct crew_options crew_options = { .channel = options->keeper,
		.workers = SIGNER_WORKERS(options->sessions),
		.lost_max = SIGNER_LOST_MAX,
		.limit_ms = options->timeout_ms,
		.answered_us = &signer->keys.answered_us,
		.blocking = &signer->keys.blocking,
		.context = signer,
		.begin = answer_begin,
		.end = answer_end,
		.tidy = answer_tidy,
		.needs_token = answer_needs_token,
		.answer = answer_make };
	struct crew *crew = NULL;
	hm_err err;

	if (options->sessions == 0)
		crew_options.workers = SIGNER_WORKERS(SESSIONS_DEFAULT);
	if (crew_options.limit_ms == 0)
		crew_options.limit_ms = TIMEOUT_DEFAULT_MS;
	err = crew_start(&crew_options, &crew);
	if (err == HM_OK) {
		say_ready(crew);
		err = life_ready(options->life);
	}
	if (err == HM_OK)
		err = crew_run(crew);
	if (crew != NULL && crew_stop(crew, LEAVE_MS) != HM_OK)
		leave_behind(err);
	return err;
}

hm_err
signer_run(
    const struct signer_options *options, struct secret *pin, struct why *why)
{
	struct signer signer;
	hm_err err = answer_open(options, pin, &signer, why);

	if (err == HM_OK)
		err = jail_enter(&options->jail, why);
	if (err == HM_OK)
		err = serve(&signer);
	answer_close(&signer);
	return err;
}
