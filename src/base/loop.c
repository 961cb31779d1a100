/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/process.h"

struct loop {
	struct event_base *base;
	struct watch *first; /* all that are not freed yet */
};

struct watch {
	struct loop *loop;
	struct watch *next, **link;
	struct event *event;
	struct timeval every; /* of a timer */
	loop_callback callback;
	void *context;
};

/*
 * Without memory libevent drops an event without a word to whoever waits for
 * it: a connection would stay for ever without its deadline.
 */
static void *
or_end(void *memory)
{
	if (memory == NULL)
		process_out_of_memory("the event loop");
	return memory;
}

static void *
malloc_or_end(size_t size)
{
	return or_end(malloc(size > 0 ? size : 1));
}

static void *
realloc_or_end(void *old, size_t size)
{
	return or_end(realloc(old, size > 0 ? size : 1));
}

hm_err
loop_new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return HM_E_NO_MEMORY;
	event_set_mem_functions(malloc_or_end, realloc_or_end, free);
	loop->base = event_base_new();
	if (loop->base == NULL) {
		free(loop);
		return HM_E_NO_MEMORY;
	}
	*ret = loop;
	return HM_OK;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->first != NULL)
		watch_free(loop->first);
	event_base_free(loop->base);
	free(loop);
}

hm_err
loop_run(struct loop *loop)
{
	return event_base_dispatch(loop->base) < 0 ? HM_E_IO : HM_OK;
}

void
loop_stop(struct loop *loop)
{
	(void)event_base_loopbreak(loop->base); /* fails on a NULL base only */
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

static void
fire(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;

	(void)fd;
	(void)what;
	watch->callback(watch->context);
}

static hm_err
add(struct loop *loop, int fd, short what, struct watch model,
    struct watch **ret)
{
	struct watch *watch = malloc(sizeof(*watch));

	if (watch == NULL)
		return HM_E_NO_MEMORY;
	*watch = model;
	watch->loop = loop;
	watch->event = event_new(loop->base, fd, what, fire, watch);
	if (watch->event == NULL) {
		free(watch);
		return HM_E_NO_MEMORY;
	}
	watch->next = loop->first;
	watch->link = &loop->first;
	if (loop->first != NULL)
		loop->first->link = &watch->next;
	loop->first = watch;
	watch_resume(watch);
	*ret = watch;
	return HM_OK;
}

hm_err
watch_read(struct loop *loop, int fd, loop_callback callback, void *context,
    struct watch **ret)
{
	return add(loop, fd, EV_READ | EV_PERSIST,
	    (struct watch){ .callback = callback, .context = context }, ret);
}

hm_err
watch_write(struct loop *loop, int fd, loop_callback callback, void *context,
    struct watch **ret)
{
	return add(loop, fd, EV_WRITE | EV_PERSIST,
	    (struct watch){ .callback = callback, .context = context }, ret);
}

hm_err
watch_timer(struct loop *loop, uint32_t every_ms, loop_callback callback,
    void *context, struct watch **ret)
{
	struct watch model = { .callback = callback,
		.context = context,
		.every = { every_ms / 1000, every_ms % 1000 * 1000 } };

	return add(loop, -1, EV_PERSIST, model, ret);
}

hm_err
watch_signal(struct loop *loop, int signal_, loop_callback callback,
    void *context, struct watch **ret)
{
	return add(loop, signal_, EV_SIGNAL | EV_PERSIST,
	    (struct watch){ .callback = callback, .context = context }, ret);
}

void
watch_pause(struct watch *watch)
{
	(void)event_del(watch->event); /* fails for no event of ours */
}

void
watch_resume(struct watch *watch)
{
	bool timed = watch->every.tv_sec != 0 || watch->every.tv_usec != 0;

	(void)event_add(watch->event, timed ? &watch->every : NULL);
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	event_free(watch->event);
	*watch->link = watch->next;
	if (watch->next != NULL)
		watch->next->link = watch->link;
	free(watch);
}
