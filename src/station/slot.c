/* SPDX-License-Identifier: Apache-2.0 */
#include "station/slot.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

#define TELL_WITHIN_US 5000000 /* the line is never busy for so long */
#define TELL_TRIES 3           /* the kernel may lack memory for a moment */
#define TELL_PAUSE_US 20000

struct telling {
	int line;
	bool is_gone; /* nobody listens: finish the unit, then leave */
};

static void
tell(void *context, const struct station_event *event)
{
	struct telling *telling = context;
	struct hm_bytes message = { (const uint8_t *)event, sizeof(*event) };
	hm_err err = HM_E_IO;

	for (int i = 0; i < TELL_TRIES && err == HM_E_IO; i++) {
		if (i > 0)
			(void)usleep(TELL_PAUSE_US); /* or a signal earlier */
		err = channel_send(telling->line, message,
		    clock_mono_us() + TELL_WITHIN_US, NULL);
	}
	telling->is_gone |= err != HM_OK;
}

static hm_err
serve(struct job *job, struct telling *telling, struct why *why)
{
	while (!telling->is_gone) {
		struct station_event empty = { .slot = job->slot,
			.state = UNIT_EMPTY };
		hm_err err;

		tell(telling, &empty);
		if (telling->is_gone)
			return HM_OK; /* nobody would hear of a device */
		err = pipe_await(job->pipe, telling->line, why);
		if (err == HM_E_STOPPING)
			return HM_OK;
		HM_TRY(err);
		(void)job_run(job); /* told as an event */
		pipe_hang_up(job->pipe);
		if (seen_is_broken((hm_err)job->event.err))
			return (hm_err)job->event.err;
	}
	return HM_OK;
}

hm_err
slot_run(const struct station_config *config, const char *order, uint32_t index,
    int line, struct why *why)
{
	static struct pipe pipe; /* large */
	struct telling telling = { .line = line };
	struct note_key log_key;
	struct seen seen;
	struct job job = { .config = config,
		.order = order,
		.slot = index,
		.pipe = &pipe,
		.tell = tell,
		.context = &telling,
		.why = why };
	hm_err err;

	if (config->log_key[0] != 0) {
		HM_TRY(note_key_parse(hm_bytes_of(config->log_key), &log_key));
		job.log_key = &log_key;
	}
	if (job.log_key != NULL)
		HM_TRY(seen_open(&seen, config->journal,
		    config->slots[index].name, &log_key, why));
	HM_TRY(server_new(config, &job.server, why));
	if (job.log_key != NULL)
		server_remember(job.server, &seen);
	err = pipe_open(&pipe, config->slots[index].link, why);
	if (err == HM_OK) {
		err = serve(&job, &telling, why);
		pipe_close(&pipe);
	}
	server_free(job.server);
	return err;
}
