/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * behind - blocks of a file are written while the next one is made
 *
 * New pages of a file cost as much as half of the SHA-256 of what is in them:
 * a second thread (beside.h) writes what its owner hands over, in that order:
 * one of two rooms while the other is filled, or bytes that lie in a room of
 * somebody else and are not copied. A failure is told at the next call; nothing
 * is written after it.
 */
#include "base/beside.h"

#define BEHIND_BLOCK (128u << 10) /* bytes; two of them */

struct behind; /* opaque, heap */

/* For a file that stays open. NULL: not allowed, or no thread to be had. */
struct behind *behind_new(int fd);
void behind_free(struct behind *behind); /* waits; NULL is fine */
/* The room of BEHIND_BLOCK bytes that may be filled; another one after each
 * behind_write(). */
uint8_t *behind_room(struct behind *behind);
/* Its first `len` bytes to that place. HM_E_IO (and errno), of this block or
 * one before it. */
HM_MUST hm_err behind_write(struct behind *behind, uint64_t at, size_t len);
/* These bytes of a room that the caller holds; it is held until they are
 * written. As behind_write(). */
HM_MUST hm_err behind_lend(struct behind *behind, uint64_t at,
    struct hm_bytes bytes, struct beside_room *room);
/* All of it is written. HM_E_IO */
HM_MUST hm_err behind_drain(struct behind *behind);
