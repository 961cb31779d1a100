/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * note - C2SP signed notes, checkpoints and cosignatures
 *
 *   text, ending with a newline
 *   (empty line)
 *   U+2014 SP name SP base64( key id[4] || signature )      one line or more
 *
 * A checkpoint is a note whose text is origin, size and root hash of a log, one
 * line each (extension lines may follow: they are signed, not understood). The
 * log signs the text; a witness signs the text and the time at which it saw it.
 *
 * Signatures by keys that the reader does not know are passed over, whatever
 * they are; one by a known key must be good, or the whole note is refused. A
 * witness that signs twice counts once.
 *
 * Nothing here holds a private key: texts to be signed come out, signatures go
 * in. signed-note.md, tlog-checkpoint.md and tlog-cosignature.md of C2SP.
 */
#include "base/buf.h"
#include "ledger/tree.h"

#define NOTE_NAME_MAX 128
#define NOTE_MAX 65536 /* bytes of a whole note */
#define NOTE_SIGNATURES_MAX 16
#define NOTE_WITNESSES_MAX 64

/* A verifier key: "name+hex8+base64(type || key)"; types 1 (Ed25519) and 4
 * (Ed25519 cosignature). */
struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t type;
	uint8_t key[32];
};
#define NOTE_ED25519 1
#define NOTE_COSIGNATURE 4
/* HM_E_BAD_INPUT: form, type, or a key id that is not the key's. */
HM_MUST hm_err note_key_parse(struct hm_bytes vkey, struct note_key *ret);
/* HM_E_BAD_INPUT for a name with space or plus. */
HM_MUST hm_err note_key_make(const char *name, uint8_t type,
    const uint8_t key[static 32], struct note_key *ret);
/* Append the verifier key. HM_E_TOO_LARGE, HM_E_NO_MEMORY, as all below that
 * append. */
HM_MUST hm_err note_key_format(const struct note_key *key, struct buf *ret);

struct checkpoint {
	struct hm_bytes origin; /* borrowed */
	uint64_t size;
	struct tree_hash root;
};
/* The text that is signed, with its final newline. HM_E_BAD_INPUT: an origin
 * that is empty or has a newline or control character, a size over 2^63 - 1, no
 * entries but another root than that of none. */
HM_MUST hm_err checkpoint_text(
    const struct checkpoint *checkpoint, struct buf *ret);
/* Read such a text; *ret borrows from it. HM_E_BAD_INPUT */
HM_MUST hm_err checkpoint_parse(struct hm_bytes text, struct checkpoint *ret);
/* text + blank line + one signature line. HM_E_BAD_INPUT: text without newline
 * at its end. */
HM_MUST hm_err note_assemble(struct hm_bytes text, const struct note_key *key,
    const uint8_t signature[static 64], struct buf *ret);

struct note_policy {
	const struct note_key *log;
	const struct note_key *witnesses; /* type 4; borrowed */
	uint32_t witness_count;           /* up to NOTE_WITNESSES_MAX */
	uint32_t quorum;                  /* distinct witnesses needed */
	uint64_t now_s; /* cosignatures from more than 60 s ahead are refused;
			   0: any */
};
/*
 * Open any note, whatever its text says. HM_E_BAD_INPUT (form), HM_E_LOG_PROOF
 * (a known key with a bad signature, no log signature, too few witnesses).
 * *ret_text borrows from `note`; *ret_witnesses counts distinct good ones; both
 * may be NULL.
 */
HM_MUST hm_err note_open(struct hm_bytes note, const struct note_policy *policy,
    struct hm_bytes *ret_text, uint32_t *ret_witnesses);
/* The text of a note; its form is checked, its signatures are not.
 * HM_E_BAD_INPUT */
HM_MUST hm_err note_text(struct hm_bytes note, struct hm_bytes *ret_text);
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
/* One more signature line, to append to a note: timestamp || signature. */
HM_MUST hm_err cosignature_line(const struct note_key *witness, uint64_t time_s,
    const uint8_t signature[static 64], struct buf *ret);
