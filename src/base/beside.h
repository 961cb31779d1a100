/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * beside - a second thread that reads or writes while the first computes
 *
 * Only for commands that are one job and end, and ask for it; a process that is
 * jailed, or serves, has one thread. What runs beside calls the system to read
 * or write a file and these semaphores, and nothing else of the process
 * (docs/decisions/0015). ahead.h reads, behind.h writes.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "core/bytes.h"

/* Bytes; below that it is not worth a thread. */
#define BESIDE_LEAST (1u << 20)

/* From now on, if there is a second processor. */
void beside_allow(void);
bool beside_is_allowed(void);
/* All signals stay with the thread that calls. False: none to be had. */
bool beside_start(void *(*run)(void *), void *context, pthread_t *ret);
void beside_wait(sem_t *sem); /* until there is one, and takes it */
void beside_post(sem_t *sem);

/*
 * A room: bytes that are filled by one and looked at by several. It is empty
 * once the last of these has left; nobody fills it before.
 */
struct beside_room {
	uint8_t *bytes;
	size_t size;
	atomic_uint holders;
	sem_t empty;
};

/* Empty; of bytes that the caller keeps until beside_room_done(). */
void beside_room_init(struct beside_room *room, uint8_t *bytes, size_t size);
void beside_room_done(struct beside_room *room);
/* Whoever has waited for `empty` fills it, and is its one holder then. */
void beside_room_hold_first(struct beside_room *room);
void beside_room_hold(struct beside_room *room); /* one holder more */
void beside_room_leave(struct beside_room *room);
