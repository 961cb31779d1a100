/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * note - C2SP signed notes, checkpoints and cosignatures
 */
#include "base/buf.h"
#include "ledger/tree.h"

#define NOTE_NAME_MAX 128
#define NOTE_SIGNATURES_MAX 16

/* A verifier key: "name+hex8+base64(type || key)"; types 1 (Ed25519) and 4
 * (Ed25519 cosignature). */
struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t type;
	uint8_t key[32];
};
HM_MUST hm_err note_key_parse(struct hm_bytes vkey, struct note_key *ret);
/* HM_E_BAD_INPUT for a name with space or plus. */
HM_MUST hm_err note_key_make(const char *name, uint8_t type,
    const uint8_t key[static 32], struct note_key *ret);
HM_MUST hm_err note_key_format(const struct note_key *key, struct buf *ret);

struct checkpoint {
	struct hm_bytes origin; /* borrowed */
	uint64_t size;
	struct tree_hash root;
};
/* The text that is signed, with its final newline. */
HM_MUST hm_err checkpoint_text(
    const struct checkpoint *checkpoint, struct buf *ret);
/* text + blank line + one signature line. */
HM_MUST hm_err note_assemble(struct hm_bytes text, const struct note_key *key,
    const uint8_t signature[static 64], struct buf *ret);

struct note_policy {
	const struct note_key *log;
	const struct note_key *witnesses; /* type 4 */
	uint32_t witness_count;
	uint32_t quorum; /* distinct witnesses needed */
	uint64_t now_s;  /* cosignatures from more than 60 s ahead are refused;
			    0: any */
};
/*
 * Open a checkpoint note. HM_E_BAD_INPUT (form), HM_E_LOG_PROOF (a known key
 * with a bad signature, no log signature, other origin, too few witnesses).
 * *ret borrows from `note`; *ret_witnesses counts distinct good ones; may be
 * NULL.
 */
HM_MUST hm_err checkpoint_open(struct hm_bytes note,
    const struct note_policy *policy, struct checkpoint *ret,
    uint32_t *ret_witnesses);
/* What a witness signs: "cosignature/v1\ntime N\n" || checkpoint text. */
HM_MUST hm_err cosignature_text(
    struct hm_bytes checkpoint_text, uint64_t time_s, struct buf *ret);
/* One more signature line: timestamp || signature. */
HM_MUST hm_err cosignature_line(const struct note_key *witness, uint64_t time_s,
    const uint8_t signature[static 64], struct buf *ret);
