/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * loop - one event loop a process (libevent), as little of it as we use
 *
 * Descriptors to read from, timers, signals. Rooms that serve HTTP get the
 * event base itself (loop_base), everyone else stays on this side of the door.
 * Callbacks run one after another in loop_run(); none may block.
 *
 * A process that has a loop ends when libevent gets no memory: it says HM-9002
 * on standard error, and its parent starts it again: an event that is lost is
 * a deadline that never comes. Our own lack of memory stays an error like any
 * other.
 */

#include <stdint.h>

#include "core/err.h"

struct event_base;
struct loop;  /* opaque, heap */
struct watch; /* opaque, heap; freed by watch_free() or with its loop */

typedef void (*loop_callback)(void *context);

/* HM_E_NO_MEMORY */
HM_MUST hm_err loop_new(struct loop **ret);
void loop_free(struct loop *loop);
/* Returns when loop_stop() was called or nothing is watched any more. */
HM_MUST hm_err loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

/* Call back whenever `fd` can be read (or written). HM_E_NO_MEMORY */
HM_MUST hm_err watch_read(struct loop *loop, int fd, loop_callback callback,
    void *context, struct watch **ret);
HM_MUST hm_err watch_write(struct loop *loop, int fd, loop_callback callback,
    void *context, struct watch **ret);
/* Call back every `every_ms`, the first time after that long. */
HM_MUST hm_err watch_timer(struct loop *loop, uint32_t every_ms,
    loop_callback callback, void *context, struct watch **ret);
HM_MUST hm_err watch_signal(struct loop *loop, int signal_,
    loop_callback callback, void *context, struct watch **ret);
/* Stop and go on listening, without freeing. */
void watch_pause(struct watch *watch);
void watch_resume(struct watch *watch);
/* NULL is fine. */
void watch_free(struct watch *watch);
