/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/asker.h"

#include <stdlib.h>
#include <string.h>

#include "base/process.h"

/* An id is (turn of the slot << 16) | slot: a late answer fits nothing. */
struct slot {
	asker_done done; /* NULL: free */
	void *context;
	uint32_t kind;
	uint32_t next_free;
	uint64_t turn;
};

struct asker {
	int channel;
	struct watch *watch;
	loop_callback broken;
	void *context;
	bool is_broken;
	uint32_t first_free; /* ASKER_MAX: none */
	struct slot slots[ASKER_MAX];
	uint8_t room[ASK_MESSAGE_MAX];
};

static void
give_up(struct asker *asker)
{
	if (asker->is_broken)
		return;
	asker->is_broken = true;
	watch_pause(asker->watch);
	asker->broken(asker->context);
}

static struct slot *
slot_of(struct asker *asker, const struct ask_head *head)
{
	uint64_t at = head->id & 0xffff;
	struct slot *slot = &asker->slots[at % ASKER_MAX];

	if (at >= ASKER_MAX || slot->done == NULL ||
	    slot->turn != head->id >> 16 || slot->kind != head->kind)
		return NULL;
	return slot;
}

static void
release(struct asker *asker, struct slot *slot)
{
	slot->done = NULL;
	slot->turn++;
	slot->next_free = asker->first_free;
	asker->first_free = (uint32_t)(slot - asker->slots);
}

/* False if nothing more waits, or nothing more will come. */
static bool
take_one(struct asker *asker)
{
	struct hm_span room = { asker->room, sizeof(asker->room) };
	struct hm_bytes tail;
	struct ask_head head;
	struct slot *slot, was;
	const void *body;
	size_t len = 0;
	hm_err err;

	err = channel_recv(asker->channel, room, 0, &len, NULL);
	if (err == HM_E_TIMEOUT)
		return false;
	if (err == HM_OK)
		err = ask_check_answer(
		    (struct hm_bytes){ asker->room, len }, &head, &body, &tail);
	slot = err == HM_OK ? slot_of(asker, &head) : NULL;
	if (slot == NULL) {
		give_up(asker);
		return false;
	}
	was = *slot;
	release(asker, slot);
	err = (hm_err)head.err;
	was.done(was.context, err, err == HM_OK ? body : NULL, tail);
	return true;
}

static void
on_answer(void *context)
{
	while (take_one(context))
		;
}

hm_err
asker_new(struct loop *loop, int channel, loop_callback broken, void *context,
    struct asker **ret)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	hm_err err;

	if (asker == NULL)
		return HM_E_NO_MEMORY;
	asker->channel = channel;
	asker->broken = broken;
	asker->context = context;
	for (uint32_t i = 0; i < ASKER_MAX; i++)
		asker->slots[i].next_free = i + 1;
	err = watch_read(loop, channel, on_answer, asker, &asker->watch);
	if (err != HM_OK) {
		free(asker);
		return err;
	}
	*ret = asker;
	return HM_OK;
}

void
asker_free(struct asker *asker)
{
	if (asker == NULL)
		return;
	asker->is_broken = true;
	for (uint32_t i = 0; i < ASKER_MAX; i++) {
		struct slot was = asker->slots[i];

		asker->slots[i].done = NULL;
		if (was.done != NULL)
			was.done(was.context, HM_E_STOPPING, NULL,
			    (struct hm_bytes){ 0 });
	}
	watch_free(asker->watch);
	free(asker);
}

hm_err
asker_send(struct asker *asker, ask_kind kind, const void *body,
    struct hm_bytes tail, asker_done done, void *context)
{
	static uint8_t message[ASK_MESSAGE_MAX];
	struct slot *slot;
	uint64_t id;
	size_t len;
	hm_err err;

	if (asker->is_broken)
		return HM_E_STOPPING;
	if (asker->first_free == ASKER_MAX)
		return HM_E_BUSY;
	slot = &asker->slots[asker->first_free];
	id = slot->turn << 16 | asker->first_free;
	HM_TRY(ask_request(kind, id, body, tail,
	    (struct hm_span){ message, sizeof(message) }, &len));
	err = channel_send(
	    asker->channel, (struct hm_bytes){ message, len }, 0, NULL);
	if (err == HM_E_TIMEOUT)
		return HM_E_BUSY;
	if (err != HM_OK)
		return HM_E_STOPPING; /* the watch sees it too, and says so */
	asker->first_free = slot->next_free;
	slot->done = done;
	slot->context = context;
	slot->kind = kind;
	return HM_OK;
}
