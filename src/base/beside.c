/* SPDX-License-Identifier: Apache-2.0 */
#include "base/beside.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "core/check.h"

static bool is_allowed;

void
beside_allow(void)
{
	cpu_set_t set;

	is_allowed =
	    sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

bool
beside_is_allowed(void)
{
	return is_allowed;
}

bool
beside_start(void *(*run)(void *), void *context, pthread_t *ret)
{
	sigset_t all, old;
	int failed;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old) != 0)
		return false;
	failed = pthread_create(ret, NULL, run, context);
	hm_assert(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	return failed == 0;
}

void
beside_wait(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		hm_assert(errno == EINTR);
}

void
beside_post(sem_t *sem)
{
	hm_assert(sem_post(sem) == 0);
}

void
beside_room_init(struct beside_room *room, uint8_t *bytes, size_t size)
{
	room->bytes = bytes;
	room->size = size;
	atomic_init(&room->holders, 0);
	hm_assert(sem_init(&room->empty, 0, 1) == 0);
}

void
beside_room_done(struct beside_room *room)
{
	(void)sem_destroy(&room->empty);
}

void
beside_room_hold_first(struct beside_room *room)
{
	atomic_store(&room->holders, 1);
}

void
beside_room_hold(struct beside_room *room)
{
	(void)atomic_fetch_add(&room->holders, 1);
}

void
beside_room_leave(struct beside_room *room)
{
	if (atomic_fetch_sub(&room->holders, 1) == 1)
		beside_post(&room->empty);
}
