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
