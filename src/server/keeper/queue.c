/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

void
queue_add(struct queue *queue, struct work *work)
{
	work->next = NULL;
	if (queue->last == NULL)
		queue->first = work;
	else
		queue->last->next = work;
	queue->last = work;
	queue->count++;
}

void
queue_push(struct queue *queue, struct work *work)
{
	work->next = queue->first;
	queue->first = work;
	if (queue->last == NULL)
		queue->last = work;
	queue->count++;
}

struct work *
queue_pop(struct queue *queue)
{
	struct work *work = queue->first;

	if (work == NULL)
		return NULL;
	queue->first = work->next;
	if (queue->first == NULL)
		queue->last = NULL;
	queue->count--;
	return work;
}

void
queue_remove(struct queue *queue, struct work *work)
{
	struct work **at = &queue->first, *before = NULL;

	while (*at != work) {
		before = *at;
		at = &before->next;
	}
	*at = work->next;
	if (queue->last == work)
		queue->last = before;
	queue->count--;
}

void
queue_join(struct queue *queue, struct queue *from)
{
	if (from->first == NULL)
		return;
	if (queue->last == NULL)
		queue->first = from->first;
	else
		queue->last->next = from->first;
	queue->last = from->last;
	queue->count += from->count;
	*from = (struct queue){ 0 };
}
