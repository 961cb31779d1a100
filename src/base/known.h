/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * known - digests of parts of a file, computed as their bytes went by
 *
 * A signer hashes what it writes, and a moment later a strict verifier would
 * read it back only to hash it again. Whoever hashed the very bytes that an
 * output took (or an input gave) may say so; whoever wants that digest finds it
 * here and computes nothing. An output forgets what it overwrites or cuts off.
 * A few parts are kept, the oldest goes first: who does not find one, hashes.
 *
 * Nothing of it outlives the command: what was read from a disk is hashed.
 */
#include "core/bytes.h"

#define KNOWN_LEN 64 /* bytes of a digest; what is shorter ends in anything */
#define KNOWN_PARTS 8

struct known_digests {
	struct known_part {
		uint64_t at, size; /* of the file */
		int kind;          /* the caller's; 0: free */
		uint8_t value[KNOWN_LEN];
	} parts[KNOWN_PARTS];
	size_t next; /* where the next one goes */
};

/* `known` may be NULL: nothing is kept, nothing found. */
void known_add(struct known_digests *known, uint64_t at, uint64_t size,
    int kind, const uint8_t value[static KNOWN_LEN]);
/* Its value, until the next call that adds; NULL: not known. */
const uint8_t *known_find(
    const struct known_digests *known, uint64_t at, uint64_t size, int kind);
/* These bytes are others now: every part that has one of them goes. */
void known_forget(struct known_digests *known, uint64_t at, uint64_t size);
