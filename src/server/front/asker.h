/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * asker - the front's asks to the keeper that are under way
 *
 * A bounded number at once; one more is refused with HM_E_BUSY, which the
 * client gets as 429 and tries again. Every ask that was taken is answered
 * exactly once through its callback, from the event loop, never from within
 * asker_send().
 */

#include "base/loop.h"
#include "server/ask.h"

#define ASKER_MAX 1024 /* under way */

/* `body` and `tail` lie in the asker until the callback returns; with an error
 * `body` is NULL. */
typedef void (*asker_done)(
    void *context, hm_err err, const void *body, struct hm_bytes tail);

struct asker; /* opaque, heap */

/* `broken` is called once if the keeper is gone or speaks nonsense. */
HM_MUST hm_err asker_new(struct loop *loop, int channel, loop_callback broken,
    void *context, struct asker **ret);
/* Asks that are still under way are answered with HM_E_STOPPING. */
void asker_free(struct asker *asker);

/* HM_E_BUSY, HM_E_STOPPING (the keeper is gone): no callback then. */
HM_MUST hm_err asker_send(struct asker *asker, ask_kind kind, const void *body,
    struct hm_bytes tail, asker_done done, void *context);
