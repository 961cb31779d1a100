/* SPDX-License-Identifier: Apache-2.0 */
#include "base/turn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/progress.h"
#include "core/check.h"

struct job {
	const struct input *from;
	int to;
	uint64_t at; /* of the first byte in `to` */
	turner *each;
	size_t count;       /* blocks */
	atomic_size_t next; /* the first one that nobody has claimed */
};

struct worker {
	struct job *job;
	void *context;
	uint8_t *room;
	bool tells;  /* how far all are */
	size_t told; /* blocks */
	hm_err err;
	int code; /* its errno */
};

static hm_err
turn_block(struct worker *w, size_t block)
{
	const struct job *job = w->job;
	uint64_t at = (uint64_t)block * INPUT_PIECE;
	size_t len = input_piece_len(job->from->size, block);
	struct hm_span bytes = { w->room, len };

	HM_TRY(input_read(job->from, at, bytes));
	HM_TRY(job->each(w->context, at, bytes));
	return file_put_at(
	    job->to, job->at + at, (struct hm_bytes){ w->room, len });
}

static void *
work(void *context)
{
	struct worker *w = context;
	struct job *job = w->job;
	size_t block;

	while ((block = atomic_fetch_add(&job->next, 1)) < job->count) {
		errno = 0;
		w->err = turn_block(w, block);
		w->code = errno;
		if (w->err != HM_OK) { /* the other one ends, too */
			atomic_store(&job->next, job->count);
			break;
		}
		if (w->tells)
			progress_add((block + 1 - w->told) * INPUT_PIECE);
		w->told = block + 1;
	}
	return NULL;
}

static bool
run(struct worker *workers, hm_err *ret)
{
	pthread_t thread;
	struct worker *failed = &workers[0];

	if (!beside_start(work, &workers[1], &thread))
		return false;
	(void)work(&workers[0]);
	hm_assert(pthread_join(thread, NULL) == 0);
	if (failed->err == HM_OK)
		failed = &workers[1];
	errno = failed->code;
	*ret = failed->err;
	return true;
}

bool
turn_file(const struct input *from, int to, uint64_t at, turner *each,
    void *const contexts[TURN_WORKERS], hm_err *ret)
{
	struct job job = { .from = from, .to = to, .at = at, .each = each };
	struct worker workers[TURN_WORKERS];
	uint8_t *rooms;
	bool is_done;

	if (!beside_is_allowed() || from->size < BESIDE_LEAST)
		return false;
	rooms = malloc((size_t)TURN_WORKERS * INPUT_PIECE);
	if (rooms == NULL)
		return false;
	job.count = input_pieces(from->size);
	for (size_t i = 0; i < TURN_WORKERS; i++)
		workers[i] = (struct worker){ .job = &job,
			.context = contexts[i],
			.room = rooms + i * INPUT_PIECE,
			.tells = i == 0 };
	is_done = run(workers, ret);
	hm_wipe(rooms, (size_t)TURN_WORKERS * INPUT_PIECE);
	free(rooms);
	return is_done;
}
