/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * testlog - a folder of its own, and a log key in memory, for tests of ledger/
 */
#include "ledger/note.h"
#include "ledger/tiles.h"

#define TESTLOG_ORIGIN "log.example.com/factory-1"

/* A fresh folder; the path is valid until testlog_folder_done(). */
const char *testlog_folder(void);
void testlog_folder_done(void);
/* Remove all that is in the folder. */
void testlog_folder_clear(void);

/* The log's key. */
const struct note_key *testlog_key(void);
/* A witness's key, type 4. */
const struct note_key *testlog_witness(void);
/* A checkpoint note of the tree, signed by the log. */
void testlog_checkpoint(const struct tree *tree, struct buf *ret);
/* One more line, by the witness. */
void testlog_cosign(struct buf *note, uint64_t time_s);
/* Flush and publish. Errors are passed on. */
hm_err testlog_publish(struct tiles *tiles);
/* A tree_reader over an array of leaf hashes (context). */
hm_err testlog_reader(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret);
