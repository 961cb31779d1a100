/* SPDX-License-Identifier: Apache-2.0 */
#include "base/behind.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"

#define ROOMS 2u
#define JOBS 8u

struct job {
	uint64_t at;
	struct hm_bytes bytes; /* none: it ends */
	struct beside_room *room;
};

struct behind {
	int fd;
	pthread_t thread;
	sem_t jobs, places; /* of `ring`: handed over; free */
	size_t put;         /* where the next job goes */
	struct job ring[JOBS];
	size_t turn; /* the room that the owner has */
	struct beside_room own[ROOMS];
	atomic_int failed; /* errno of the first failure */
	uint8_t bytes[ROOMS][BEHIND_BLOCK];
};

static void *
write_all(void *context)
{
	struct behind *b = context;

	for (size_t turn = 0;; turn = (turn + 1) % JOBS) {
		struct job job;

		beside_wait(&b->jobs);
		job = b->ring[turn];
		if (job.bytes.len == 0)
			return NULL;
		if (atomic_load(&b->failed) == 0 &&
		    file_put_at(b->fd, job.at, job.bytes) != HM_OK)
			atomic_store(&b->failed, errno == 0 ? EIO : errno);
		beside_room_leave(job.room);
		beside_post(&b->places);
	}
}

static void
clear(struct behind *b)
{
	for (size_t i = 0; i < ROOMS; i++)
		beside_room_done(&b->own[i]);
	(void)sem_destroy(&b->jobs);
	(void)sem_destroy(&b->places);
	hm_wipe(b, sizeof(*b));
	free(b);
}

static void
take_room(struct behind *b)
{
	struct beside_room *room = &b->own[b->turn];

	beside_wait(&room->empty);
	beside_room_hold_first(room);
}

struct behind *
behind_new(int fd)
{
	struct behind *b;

	if (!beside_is_allowed())
		return NULL;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	b->fd = fd;
	b->put = b->turn = 0;
	atomic_init(&b->failed, 0);
	(void)sem_init(&b->jobs, 0, 0);
	(void)sem_init(&b->places, 0, JOBS);
	for (size_t i = 0; i < ROOMS; i++)
		beside_room_init(&b->own[i], b->bytes[i], BEHIND_BLOCK);
	take_room(b);
	if (beside_start(write_all, b, &b->thread))
		return b;
	clear(b);
	return NULL;
}

static void
hand(struct behind *b, struct job job)
{
	beside_wait(&b->places);
	b->ring[b->put] = job;
	b->put = (b->put + 1) % JOBS;
	beside_post(&b->jobs);
}

void
behind_free(struct behind *b)
{
	if (b == NULL)
		return;
	hand(b, (struct job){ .at = 0 });
	(void)pthread_join(b->thread, NULL);
	clear(b);
}

uint8_t *
behind_room(struct behind *b)
{
	return b->own[b->turn].bytes;
}

static hm_err
answer(const struct behind *b)
{
	int failed = atomic_load(&b->failed);

	if (failed == 0)
		return HM_OK;
	errno = failed;
	return HM_E_IO;
}

hm_err
behind_write(struct behind *b, uint64_t at, size_t len)
{
	struct beside_room *room = &b->own[b->turn];

	hand(b, (struct job){ at, { room->bytes, len }, room });
	b->turn = (b->turn + 1) % ROOMS;
	take_room(b);
	return answer(b);
}

hm_err
behind_lend(struct behind *b, uint64_t at, struct hm_bytes bytes,
    struct beside_room *room)
{
	beside_room_hold(room);
	hand(b, (struct job){ at, bytes, room });
	return answer(b);
}

hm_err
behind_drain(struct behind *b)
{
	for (size_t i = 0; i < JOBS; i++)
		beside_wait(&b->places);
	for (size_t i = 0; i < JOBS; i++)
		beside_post(&b->places);
	return answer(b);
}
