/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/clock.h"
#include "server/signer/crew_parts.h"

#define PROBE_PAUSE_MAX_US (30000 * MS)

bool
hang_is_on(struct crew *crew)
{
	return atomic_load(crew->options.answered_us) <
	       atomic_load(&crew->hangs_us);
}

/* Under the lock: wait for the outcome of the ask that tries, if one does. */
static void
await_probe(struct crew *crew)
{
	uint64_t end_us = clock_mono_us() + PROBE_US + AGAIN_US;
	struct timespec end = { (time_t)(end_us / 1000000),
		(long)(end_us % 1000000) * 1000 };
	int failure = 0;

	while (failure == 0 && hang_is_on(crew) && crew->probe_us == PROBING &&
	       !atomic_load(&crew->leaving))
		failure =
		    pthread_cond_timedwait(&crew->probed, &crew->lock, &end);
}

/* May its ask go to the token? As the one that tries, or because all may. */
bool
hang_may_try(struct worker *worker)
{
	struct crew *crew = worker->crew;
	bool hangs = hang_is_on(crew), tries = false;

	if (hangs) {
		crew_lock(crew);
		await_probe(crew);
		hangs = hang_is_on(crew);
		tries = hangs && crew->probe_us <= clock_mono_us();
		if (tries)
			crew->probe_us = PROBING;
		crew_unlock(crew);
	}
	atomic_store(&worker->is_probe, tries);
	return tries || !hangs;
}

/* The next one may try then. */
void
hang_end_probe(struct crew *crew, uint64_t next_us)
{
	crew_lock(crew);
	crew->probe_us = next_us;
	pthread_cond_broadcast(&crew->probed);
	crew_unlock(crew);
}

/* Main: an ask of then did not come back. */
void
hang_note(struct crew *crew, uint64_t since_us, bool was_probe, uint64_t now_us)
{
	uint64_t pause_us = 0;

	if (was_probe) {
		pause_us = 2 * crew->probe_pause_us;
		if (pause_us > PROBE_PAUSE_MAX_US)
			pause_us = PROBE_PAUSE_MAX_US;
		crew->probe_pause_us = pause_us;
	} else if (hang_is_on(crew) ||
		   atomic_load(crew->options.answered_us) >= since_us) {
		return; /* known, or others got their answers meanwhile */
	} else {
		crew->probe_pause_us = PROBE_US / 2;
	}
	atomic_store(&crew->hangs_us, now_us);
	hang_end_probe(crew, now_us + pause_us);
}
