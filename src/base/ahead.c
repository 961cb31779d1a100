/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks are claimed one after another, by the thread or by the walker, each
 * with its room (the number of the block modulo the rooms): who has waited for
 * the room to be empty claims the block, or puts the room back if another one
 * has claimed it meanwhile. So a room is never filled while somebody looks at
 * the block that was in it before.
 */
#include "base/ahead.h"

#include <errno.h>
#include <stdlib.h>

#include "base/progress.h"
#include "core/check.h"

struct slot {
	struct beside_room room;
	sem_t full; /* posted by the thread */
	hm_err err; /* of what is in the room, and its errno */
	int code;
};

struct walk {
	const struct input *input;
	uint64_t at, size;
	size_t count;       /* blocks */
	atomic_size_t next; /* the first one that nobody has claimed */
	atomic_bool stop;
	size_t current; /* the walker's block */
	struct walk *outer;
	struct slot slots[AHEAD_ROOMS];
};

static struct walk *running; /* the innermost */

static struct slot *
slot_of(struct walk *w, size_t block)
{
	return &w->slots[block % AHEAD_ROOMS];
}

static bool
claim(struct walk *w, size_t block)
{
	return atomic_compare_exchange_strong(&w->next, &block, block + 1);
}

static void
read_block(struct walk *w, size_t block)
{
	struct slot *slot = slot_of(w, block);

	slot->err = input_read(w->input, w->at + (uint64_t)block * INPUT_PIECE,
	    (struct hm_span){
		slot->room.bytes, input_piece_len(w->size, block) });
	slot->code = errno;
}

static void *
read_all(void *context)
{
	struct walk *w = context;
	size_t block;

	while ((block = atomic_load(&w->next)) < w->count) {
		struct slot *slot = slot_of(w, block);

		beside_wait(&slot->room.empty);
		if (!atomic_load(&w->stop) && claim(w, block)) {
			read_block(w, block);
			beside_post(&slot->full);
			continue;
		}
		beside_post(&slot->room.empty);
		if (atomic_load(&w->stop))
			break;
	}
	return NULL;
}

/* The block is in its room. */
static struct slot *
take(struct walk *w, size_t block)
{
	struct slot *slot = slot_of(w, block);

	if (atomic_load(&w->next) == block &&
	    sem_trywait(&slot->room.empty) == 0) {
		if (claim(w, block)) {
			read_block(w, block);
			return slot;
		}
		beside_post(&slot->room.empty);
	}
	beside_wait(&slot->full);
	return slot;
}

static hm_err
look(struct walk *w, input_walker *each, void *context)
{
	hm_err err = HM_OK;

	for (size_t block = 0; err == HM_OK && block < w->count; block++) {
		struct slot *slot = take(w, block);
		size_t len = input_piece_len(w->size, block);

		w->current = block;
		beside_room_hold_first(&slot->room);
		err = slot->err;
		errno = slot->code;
		if (err == HM_OK)
			err = each(context,
			    (struct hm_bytes){ slot->room.bytes, len });
		beside_room_leave(&slot->room);
		progress_add(len);
	}
	return err;
}

/* Each room is empty, and whoever waited for one has gone. */
static void
end(struct walk *w, pthread_t thread)
{
	atomic_store(&w->stop, true);
	for (size_t i = 0; i < AHEAD_ROOMS; i++)
		beside_post(&w->slots[i].room.empty);
	hm_assert(pthread_join(thread, NULL) == 0);
	for (size_t i = 0; i < AHEAD_ROOMS; i++) {
		struct slot *slot = &w->slots[i];

		if (sem_trywait(&slot->full) == 0) /* nobody looked at it */
			beside_post(&slot->room.empty);
		beside_wait(&slot->room.empty);
		beside_wait(&slot->room.empty);
	}
}

static bool
run(struct walk *w, input_walker *each, void *context, hm_err *ret)
{
	pthread_t thread;
	int code;

	if (!beside_start(read_all, w, &thread))
		return false;
	w->outer = running;
	running = w;
	*ret = look(w, each, context);
	running = w->outer;
	code = errno;
	end(w, thread);
	errno = code;
	return true;
}

struct beside_room *
ahead_room_of(struct hm_bytes bytes)
{
	struct beside_room *room;

	if (running == NULL)
		return NULL;
	room = &slot_of(running, running->current)->room;
	if (bytes.ptr < room->bytes || bytes.ptr >= room->bytes + room->size)
		return NULL;
	return room;
}

bool
ahead_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context, hm_err *ret)
{
	struct walk w = { .input = input, .at = at, .size = size };
	uint8_t *rooms;
	bool is_done;

	if (!beside_is_allowed() || size < BESIDE_LEAST)
		return false;
	rooms = malloc((size_t)AHEAD_ROOMS * INPUT_PIECE);
	if (rooms == NULL)
		return false;
	w.count = input_pieces(size);
	for (size_t i = 0; i < AHEAD_ROOMS; i++) {
		beside_room_init(
		    &w.slots[i].room, rooms + i * INPUT_PIECE, INPUT_PIECE);
		hm_assert(sem_init(&w.slots[i].full, 0, 0) == 0);
	}
	is_done = run(&w, each, context, ret);
	for (size_t i = 0; i < AHEAD_ROOMS; i++) {
		beside_room_done(&w.slots[i].room);
		(void)sem_destroy(&w.slots[i].full);
	}
	hm_wipe(rooms, (size_t)AHEAD_ROOMS * INPUT_PIECE);
	free(rooms);
	return is_done;
}
