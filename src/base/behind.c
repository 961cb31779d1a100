/* SPDX-License-Identifier: Apache-2.0 */
#include "base/behind.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"

#define ROOMS 2

struct behind {
	int fd;
	pthread_t thread;
	sem_t full, empty; /* rooms; the owner has one of the empty ones */
	size_t turn;       /* that one */
	struct {
		uint64_t at;
		size_t len; /* 0: it ends */
	} jobs[ROOMS];
	atomic_int failed; /* errno of the first failure */
	uint8_t rooms[ROOMS][BEHIND_BLOCK];
};

static void *
write_all(void *context)
{
	struct behind *b = context;

	for (size_t turn = 0;; turn ^= 1) {
		struct hm_bytes bytes = { b->rooms[turn], 0 };

		beside_wait(&b->full);
		bytes.len = b->jobs[turn].len;
		if (bytes.len == 0)
			return NULL;
		if (atomic_load(&b->failed) == 0 &&
		    file_put_at(b->fd, b->jobs[turn].at, bytes) != HM_OK)
			atomic_store(&b->failed, errno == 0 ? EIO : errno);
		beside_post(&b->empty);
	}
}

static void
clear(struct behind *b)
{
	(void)sem_destroy(&b->full);
	(void)sem_destroy(&b->empty);
	hm_wipe(b, sizeof(*b));
	free(b);
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
	b->turn = 0;
	atomic_init(&b->failed, 0);
	(void)sem_init(&b->full, 0, 0);
	(void)sem_init(&b->empty, 0, ROOMS - 1);
	if (beside_start(write_all, b, &b->thread))
		return b;
	clear(b);
	return NULL;
}

/* The owner's room goes over; the other one is his when it is written. */
static void
hand(struct behind *b, uint64_t at, size_t len)
{
	b->jobs[b->turn].at = at;
	b->jobs[b->turn].len = len;
	b->turn ^= 1;
	beside_post(&b->full);
}

void
behind_free(struct behind *b)
{
	if (b == NULL)
		return;
	hand(b, 0, 0);
	(void)pthread_join(b->thread, NULL);
	clear(b);
}

uint8_t *
behind_room(struct behind *b)
{
	return b->rooms[b->turn];
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
	hand(b, at, len);
	beside_wait(&b->empty);
	return answer(b);
}

hm_err
behind_drain(struct behind *b)
{
	beside_wait(&b->empty);
	beside_post(&b->empty);
	return answer(b);
}
