/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bundle - files on their way to a factory, for the eyes of its stations only
 *
 *   0      8  "hmbundle"
 *   8      4  length of the head, big-endian, at most BUNDLE_HEAD_MAX
 *   12     n  head: COSE_Encrypt (RFC 9052, tag 96), deterministic CBOR, with
 *             detached ciphertext: content A256GCM, one recipient each by
 *             ECDH-ES + A256KW on P-256 (RFC 9053 section 6.4.1), named by kid,
 *             SHA-256 of its SubjectPublicKeyInfo
 *   12+n      segments: 65,536 bytes of content and a tag of 16; the last one
 *             shorter or as long, never empty
 *
 * The nonce of a segment is 7 zero bytes, its number (u32, big-endian, from 0)
 * and 1 for the last, 0 for the others: segments can be neither left out nor
 * cut off nor exchanged. A key is used for one bundle. Each segment's
 * additional data is the Enc_structure with SHA-256 of bytes 0 to 12+n as
 * external_aad, so no byte of the head can be changed. The content is a ustar
 * archive (POSIX.1-1988) of plain files.
 *
 * It says nothing about who made it: what it carries is signed itself.
 * docs/formats/bundle.md
 */
#include "image/image.h"

#define BUNDLE_MAGIC "hmbundle"
#define BUNDLE_RECIPIENTS_MAX 64
#define BUNDLE_HEAD_MAX 16384
#define BUNDLE_SEGMENT 65536u
#define BUNDLE_TAG 16u
#define BUNDLE_NAME_MAX 100 /* bytes of a file's name in it */

struct bundle; /* one that is being made; opaque, heap, wiped */

struct bundle_to {
	struct pkey *const *recipients; /* P-256; distinct */
	size_t count;                   /* 1 to BUNDLE_RECIPIENTS_MAX */
	uint64_t mtime_s;               /* of the files in it, since 1970 */
};
/* HM_E_USAGE (no recipient, one twice, too many), HM_E_KEY (another type) */
HM_MUST hm_err bundle_begin(const struct bundle_to *to, struct output *out,
    struct bundle **ret, struct why *why);
/* `name`: letters, digits, and ._+-/ ; no part of it "", "." or "..".
 * HM_E_USAGE (name; twice), HM_E_TOO_LARGE (8 GiB), HM_E_IO */
HM_MUST hm_err bundle_add(struct bundle *bundle, const char *name,
    const struct input *content, struct why *why);
HM_MUST hm_err bundle_end(struct bundle *bundle);
void bundle_free(struct bundle *bundle);

/*
 * Decrypt and check all of it; `archive` gets the ustar archive, of which
 * nothing may be used if there is a fault. HM_E_IMAGE_OPEN: not for this key,
 * or altered; _SHORT: cut off. A breakdown, or HM_OK with faults found.
 */
HM_MUST hm_err bundle_open(const struct input *file, struct pkey *key,
    struct output *archive, struct findings *findings);
/* Its files in turn, checked strictly. HM_E_IMAGE_FIELD, and what `each` gives.
 */
typedef hm_err bundle_visitor(
    void *context, const char *name, const struct input *content);
HM_MUST hm_err bundle_files(const struct input *archive, bundle_visitor *each,
    void *context, struct why *why);

/* For the table of formats. */
bool bundle_is(const struct input *file);
HM_MUST hm_err bundle_inspect(
    const struct input *file, struct findings *findings);
