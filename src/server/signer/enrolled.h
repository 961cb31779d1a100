/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * enrolled - evidence keys that the authority listed, as the signer knows them
 *
 * The keeper looks a key up in its database. But a keeper that was taken over
 * could name a key of its own, and have secrets sealed for a chip that is none;
 * so the signer keeps the lists too, under the authority's signature. Of each
 * key it keeps 16 bytes: the beginning of its digest, mixed with that of the
 * product's name. To find a key that passes for one of N takes 2^128 / N tries.
 *
 * A hash table without a way to remove: nothing that was enrolled is taken
 * back.
 */

#include "wire/object.h"

#define ENROLLED_MARK_LEN 16
#define ENROLLED_MAX (UINT32_C(1) << 24) /* keys: 256 to 512 MiB */

struct enrolled {
	uint8_t (*marks)[ENROLLED_MARK_LEN]; /* all zero: free */
	uint32_t count, room;                /* room: a power of two, or 0 */
};

void enrolled_done(struct enrolled *enrolled);

/* What is there already is fine. On failure a part of the list may be in.
 * HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err enrolled_add(
    struct enrolled *enrolled, const struct hm_enrolment *list);

/* Was the key of this digest (attest_key_digest) enrolled for this product? */
bool enrolled_has(const struct enrolled *enrolled, struct hm_bytes product,
    const uint8_t digest[static HM_DIGEST_LEN]);
