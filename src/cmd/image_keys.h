/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_keys - the keys that a command of `hallmark image` was given
 *
 * A key is a PEM file, or a PKCS#11 URI, whose private part stays in its token.
 * A token's PIN comes from --pin, the passphrase of PEM files from --passphrase
 * (forms of secret_load()), each asked for once and only when a key needs it.
 * --channel prod refuses private keys in files.
 *
 * Where signatures come from outside (request, assemble), a public key stands
 * for its far private part, and `far` signs for it.
 */
#include "cmd/image_job.h"

struct image_ring; /* opaque, heap: owns all keys; wiped by free */

/* HM_E_NO_MEMORY */
HM_MUST hm_err image_ring_new(
    const struct options *given, struct image_ring **ret);
void image_ring_free(struct image_ring *ring);

/* Public parts of the keys of an option, for a verifier. HM_E_KEY,
 * HM_E_KEY_WEAK, HM_E_FILE, HM_E_TOKEN_* */
HM_MUST hm_err image_ring_trust(struct image_ring *ring, const char *option,
    struct image_keys *ret, struct why *why);
/* A private key to decrypt with, from a file; or a symmetric one of 16 or 32
 * bytes, binary or base64, into *ret_kek. Neither if it was not given. */
HM_MUST hm_err image_ring_private(struct image_ring *ring, const char *option,
    struct pkey **ret, struct hm_bytes *ret_kek, struct why *why);
/* The same for a public key to encrypt to. */
HM_MUST hm_err image_ring_recipient(struct image_ring *ring, const char *option,
    struct pkey **ret, struct hm_bytes *ret_kek, struct why *why);

/* Signs for keys whose private part is elsewhere; NULL: there are none such. */
typedef hm_err image_far_sign(void *context, struct pkey *key,
    const struct pkey_input *input, struct hm_span room, size_t *ret_len,
    struct why *why);
struct image_far {
	image_far_sign *sign;
	void *context;
	bool is_record; /* what it returns is not verified */
};
/* Signers for --key. HM_E_KEY_ROLE (a PEM file, and --channel prod),
 * HM_E_IMAGE_PENDING (a public key, and no `far`) */
HM_MUST hm_err image_ring_signers(struct image_ring *ring,
    const struct image_far *far, struct image_job *job, struct why *why);
