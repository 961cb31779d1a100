/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ahead.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/beside.h"
#include "base/progress.h"
#include "core/check.h"

#define ROOMS 2

struct reader {
	const struct input *input;
	uint64_t at, left; /* the thread's */
	uint8_t *rooms[ROOMS];
	hm_err errs[ROOMS]; /* of what is in the room */
	sem_t full, empty;  /* rooms */
	atomic_bool stop;
};

static size_t
block(uint64_t left)
{
	return left < AHEAD_BLOCK ? (size_t)left : AHEAD_BLOCK;
}

static void *
read_all(void *context)
{
	struct reader *r = context;
	hm_err err = HM_OK;

	for (size_t turn = 0; err == HM_OK && r->left > 0; turn ^= 1) {
		size_t len = block(r->left);

		beside_wait(&r->empty);
		if (atomic_load(&r->stop))
			break;
		err = input_read(
		    r->input, r->at, (struct hm_span){ r->rooms[turn], len });
		r->errs[turn] = err;
		r->at += len;
		r->left -= len;
		beside_post(&r->full);
	}
	return NULL;
}

static hm_err
each_piece(struct hm_bytes bytes, input_walker *each, void *context)
{
	while (bytes.len > 0) {
		size_t len = bytes.len < INPUT_PIECE ? bytes.len : INPUT_PIECE;

		HM_TRY(each(context, (struct hm_bytes){ bytes.ptr, len }));
		progress_add(len);
		bytes.ptr += len;
		bytes.len -= len;
	}
	return HM_OK;
}

static hm_err
look(struct reader *r, uint64_t size, input_walker *each, void *context)
{
	hm_err err = HM_OK;

	for (size_t turn = 0; err == HM_OK && size > 0; turn ^= 1) {
		size_t len = block(size);

		beside_wait(&r->full);
		err = r->errs[turn];
		if (err == HM_OK)
			err =
			    each_piece((struct hm_bytes){ r->rooms[turn], len },
				each, context);
		size -= len;
		beside_post(&r->empty);
	}
	return err;
}

static bool
run(struct reader *r, uint64_t size, input_walker *each, void *context,
    hm_err *ret)
{
	pthread_t thread;

	if (!beside_start(read_all, r, &thread))
		return false;
	*ret = look(r, size, each, context);
	atomic_store(&r->stop, true);
	beside_post(&r->empty);
	hm_assert(pthread_join(thread, NULL) == 0);
	return true;
}

bool
ahead_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context, hm_err *ret)
{
	struct reader r = { .input = input, .at = at, .left = size };
	bool is_done = false;
	uint8_t *rooms;

	if (!beside_is_allowed() || size < BESIDE_LEAST)
		return false;
	rooms = malloc(ROOMS * AHEAD_BLOCK);
	if (rooms == NULL)
		return false;
	r.rooms[0] = rooms;
	r.rooms[1] = rooms + AHEAD_BLOCK;
	hm_assert(sem_init(&r.full, 0, 0) == 0);
	hm_assert(sem_init(&r.empty, 0, ROOMS) == 0);
	is_done = run(&r, size, each, context, ret);
	(void)sem_destroy(&r.full);
	(void)sem_destroy(&r.empty);
	hm_wipe(rooms, ROOMS * AHEAD_BLOCK);
	free(rooms);
	return is_done;
}
