/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * course - what an order sees, from its first device to its end
 *
 * By way of plant.h: a device that is issued and confirmed, each asked for
 * twice with the same answer; two devices at once; a station that has no
 * business here; a device that is voided, another instead of it, one too many;
 * a scrapped one, lists and files, the end of the order. Counts are right in
 * the end, every receipt verifies.
 */
#include "../../unit/server/plant.h"

/* `plant` is new, with a quota of COURSE_QUOTA. */
#define COURSE_QUOTA 3
void course(struct plant *plant);

/* Is there an answer that is no breakdown? */
bool is_answered(const struct buf *answer);
bool all_answered(const struct buf *answers, size_t count);
