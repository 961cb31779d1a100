/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * facts - what a release says of an image, whatever its format is
 *
 * A release names the version, the security counter and the payload of each
 * image: the digest of what stays the same when it goes from development to
 * production and is signed anew.
 *
 *   mcuboot              header, image in plaintext, protected area; of a boot
 *                        record not who signed, then without the area's length
 *   esp-secure-boot-v2   everything before the sector of signatures
 *   esp-encrypted-img    the same of the signed image inside
 *   fit                  every node and property but the signatures, and the
 *                        data of each image
 *
 * An encrypted image has a payload for who has its key only; it cannot be
 * promoted without. The rows are in facts.c, beside the table of formats.
 */
#include "image/image.h"

#define IMAGE_VERSION_MAX 32

struct image_facts {
	char version[IMAGE_VERSION_MAX + 1]; /* "" : it says none */
	bool has_counter;
	uint32_t counter; /* security counter */
	bool has_payload; /* else it is encrypted and no key was given */
	uint8_t payload[HASH_MAX]; /* SHA-256 */
};

/* A file that image_format_of() gave that format to, and that has no fault; of
 * `keys` those that decrypt. HM_E_IMAGE_*, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err image_facts(const struct image_format *format,
    const struct input *file, const struct image_keys *keys,
    struct image_facts *ret);

/* Does the format carry signatures that image_check() verifies? */
bool image_is_signable(const struct image_format *format);
/* The strict verifier of the format, trusting `keys`. Faults are found: HM_OK
 * or a breakdown. */
HM_MUST hm_err image_check(const struct image_format *format,
    const struct input *file, const struct image_keys *keys,
    struct findings *findings);
struct image_resign {
	const struct image_keys *old; /* who signed it, and who decrypts it */
	const struct image_signer *signer;
	const char *hint; /* fit: the key's name in the control tree */
	uint64_t time_s;  /* fit: since 1970 */
};
/* Verify, take all signatures off, sign the same payload into `out`, verify
 * that. HM_E_IMAGE_FORMAT (cannot), HM_E_USAGE (no hint), what the verifier and
 * the signer say; `out` is to be dropped then. */
HM_MUST hm_err image_resign(const struct image_format *format,
    const struct input *file, const struct image_resign *how,
    struct output *out, struct why *why);
