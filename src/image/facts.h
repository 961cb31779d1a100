/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * facts - what a release says of an image, whatever its format is
 *
 * A release names the version, the security counter and the payload of each
 * image: the bytes that its signatures cover, which stay the same when it goes
 * from development to production and is signed anew. Formats whose signature
 * covers no single range have no payload here, and cannot be promoted.
 *
 *   mcuboot              header, image, protected area
 *   esp-secure-boot-v2   everything before the sector of signatures
 *
 * The rows are in facts.c, beside the table of formats.
 */
#include "image/image.h"

#define IMAGE_VERSION_MAX 32

struct image_facts {
	char version[IMAGE_VERSION_MAX + 1]; /* "" : it says none */
	bool has_counter;
	uint32_t counter;     /* security counter */
	bool has_payload;     /* else one of several ranges, or encrypted */
	struct input payload; /* a window of the file */
};

/* A file that image_format_of() gave that format to, and that has no fault.
 * HM_E_IMAGE_*, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err image_facts(const struct image_format *format,
    const struct input *file, struct image_facts *ret);

/* Does the format carry signatures that image_check() verifies? */
bool image_is_signable(const struct image_format *format);
/* The strict verifier of the format, trusting `keys`. Faults are found: HM_OK
 * or a breakdown. */
HM_MUST hm_err image_check(const struct image_format *format,
    const struct input *file, const struct image_keys *keys,
    struct findings *findings);
/* Verify with `old`, take all signatures off, sign the same payload with
 * `signer` into `out`, verify that. HM_E_IMAGE_FORMAT (cannot), what the
 * verifier and the signer say; `out` is to be dropped then. */
HM_MUST hm_err image_resign(const struct image_format *format,
    const struct input *file, const struct image_keys *old,
    const struct image_signer *signer, struct output *out, struct why *why);
