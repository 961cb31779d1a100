/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image - firmware files that boot code checks: what all formats share
 *
 * One file of this room a format, one row a format in the table. A format reads
 * from a struct input and writes to a struct output in constant memory, signs
 * by an image_signer and says what it sees to its findings. It opens no file,
 * no token, asks nobody.
 *
 * There are two verdicts. The strict one is ours: a file is accepted if every
 * byte of it is as it should be. The boot loader's is what the chip's code
 * would say; where it differs the facts about the format say so, and
 * findings_boot() repeats it beside ours, never in place of it.
 */
#include "base/doc.h"
#include "base/input.h"
#include "base/output.h"
#include "crypto/cipher.h"
#include "crypto/pkey.h"

/*
 * Whoever can sign: a key in a PEM file, in a token, or far away. `sign` is
 * called with what pkey_sign() takes; the result is verified with `key` by
 * image_sign(), so that a wrong signature ends there.
 */
struct image_signer {
	struct pkey *key; /* its public part at least; borrowed */
	hm_err (*sign)(void *context, const struct pkey_input *input,
	    struct hm_span room, size_t *ret_len, struct why *why);
	void *context;
	bool takes_stream; /* else a message of at most IMAGE_LOADED_MAX bytes
			      is given as a whole */
	bool is_record;    /* it notes what is asked for and gives no signature:
			      the file that comes out is thrown away */
};

#define IMAGE_LOADED_MAX (16u << 20)

/* Sign and verify. What `sign` returns; HM_E_TOKEN_WRONG if it does not verify;
 * HM_E_TOO_LARGE */
HM_MUST hm_err image_sign(const struct image_signer *signer,
    const struct pkey_input *input, struct hm_span room, size_t *ret_len,
    struct why *why);
/* A signer for a private key in memory (pkey_sign()). */
struct image_signer image_signer_of(struct pkey *key);

/* Keys that a verifier is given; all borrowed. */
#define IMAGE_KEYS_MAX 16
struct image_keys {
	struct pkey *trusted[IMAGE_KEYS_MAX];
	size_t trusted_count;
	struct pkey *decrypt;        /* NULL: none */
	struct hm_bytes decrypt_kek; /* a symmetric one; empty: none */
};

/* Whose sample a key is ("MCUboot"), if everybody has its private part: it
 * comes with the sources of a boot loader or a tool. NULL: of nobody we know.
 */
const char *image_sample_key(const struct pkey *key);
/* A key that signs for production; `name` is for people. HM_E_KEY_ROLE: it is a
 * sample. */
HM_MUST hm_err image_check_role(
    const struct pkey *key, const char *name, struct why *why);

/*
 * Findings: what a file consists of, and what is wrong with it. They collect,
 * a format goes on after a fault as long as it can. At most FINDINGS_MAX parts
 * and 32 faults and notes are kept. Parts may overlap (a TLV in its area).
 */
#define FINDINGS_MAX 512
struct findings; /* opaque, heap */
HM_MUST hm_err findings_new(const char *format, struct findings **ret);
/* Before anything is found: somebody looks at a file without keys. What is said
 * is no verdict but the file's form (good or bad), and that no key is trusted
 * is no fault. */
void findings_only_look(struct findings *findings);
void findings_free(struct findings *findings);
void findings_clean(struct findings **findings);
#define AUTO_FINDINGS __attribute__((cleanup(findings_clean)))

/* A range of bytes: `name` is a constant ("KEYHASH"), the text its value. */
__attribute__((format(printf, 5, 6))) void findings_part(
    struct findings *findings, uint64_t at, uint64_t size, const char *name,
    const char *format, ...);
/* The same with bytes as its value, in hex (the first 64 of them). */
void findings_bytes(struct findings *findings, uint64_t at, uint64_t size,
    const char *name, struct hm_bytes value);
/* Behind them all: a part for each range of bytes that none has, so that the
 * document has every byte of the file. One that is filled by one value is
 * "fill", with that value; another is `name`, a constant, without its bytes,
 * which may be secret. The text has none of these. HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err findings_rest(
    struct findings *findings, const struct input *file, const char *name);
/* The strict verifier refuses. The first fault's error is the verdict. Returns
 * `err`, so that it can end a function. */
__attribute__((format(printf, 4, 5))) hm_err findings_fault(
    struct findings *findings, hm_err err, uint64_t at, const char *format,
    ...);
/* Not wrong, but somebody should know. */
__attribute__((format(printf, 3, 4))) void findings_note(
    struct findings *findings, uint64_t at, const char *format, ...);
/* What the boot loader would say, and why, if it differs from the strict
 * verdict. Not called: the same. */
__attribute__((format(printf, 3, 4))) void findings_boot(
    struct findings *findings, bool accepts, const char *format, ...);

/* HM_OK: accepted. Else the first fault's error, its text in *why. */
hm_err findings_verdict(const struct findings *findings, struct why *why);
size_t findings_faults(const struct findings *findings);
/* The i-th fault (i < faults), or HM_OK. */
hm_err findings_fault_at(const struct findings *findings, size_t i);
/* As keys of a JSON object: format, verdict, error, boot_loader (or form in
 * their place), parts, faults, notes. For people: a table in text. */
void findings_doc(const struct findings *findings, struct doc *at);
HM_MUST hm_err findings_text(const struct findings *findings, struct buf *ret);

/* One row a format; image_formats[] ends with a NULL name. */
struct image_format {
	const char *name;  /* "mcuboot" */
	const char *words; /* one line for people */
	/* Does it look like one? Reads as little as possible; never fails. */
	bool (*is)(const struct input *file);
	/* Say what is there, verify what needs no key; faults are found, not
	 * returned: the result is a breakdown (HM_E_IO, HM_E_NO_MEMORY) or OK.
	 */
	hm_err (*inspect)(const struct input *file, struct findings *findings);
};
extern const struct image_format image_formats[];
/* By name; NULL: no such format. By content; NULL: not recognised. */
const struct image_format *image_format_named(const char *name);
const struct image_format *image_format_of(const struct input *file);

/* Little-endian integers, as most boot code reads them. */
uint16_t image_get_u16(const uint8_t at[static 2]);
uint32_t image_get_u32(const uint8_t at[static 4]);
void image_put_u16(uint8_t at[static 2], uint16_t value);
void image_put_u32(uint8_t at[static 4], uint32_t value);
/* Digest of a part of an input, computed unless it is known. As input_walk().
 */
HM_MUST hm_err image_hash(const struct input *file, uint64_t at, uint64_t size,
    hash_kind kind, uint8_t ret[static HASH_MAX]);
/* What a cipher that works byte by byte (CTR, GCM) makes of a piece, at the end
 * of `out`. As output_add(), HM_E_BAD_INPUT */
HM_MUST hm_err image_add_by(
    struct cipher *cipher, struct hm_bytes piece, struct output *out);
