/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fit - images and control trees of U-Boot's verified boot (flattened image
 * tree)
 *
 *   /  timestamp description
 *   |- images
 *   |   `- kernel-1   data | data-size data-offset | data-size data-position
 *   |       |- hash-1        algo value
 *   |       `- signature-1   algo key-name-hint value       (over the data)
 *   `- configurations  default
 *       `- conf-1     kernel fdt ramdisk loadables ...   names of images
 *           `- signature-1   algo padding key-name-hint value
 *                            hashed-nodes hashed-strings
 *   external data follows the tree: data-offset counts from its end, rounded up
 *   to 4; data-position from the start of the file
 *
 * A configuration's signature covers nodes of the tree (fdt.h), and through
 * their hashes the images. U-Boot since March 2026 computes which nodes those
 * are; older ones believe the list hashed-nodes, which nobody signs. So
 * fit_sign() covers all that a configuration refers to, and fit_verify()
 * insists on it.
 *
 * The public keys are in the control tree, U-Boot's own device tree:
 *
 *   /signature  required-mode = "all" | "any"
 *    |- key-NAME  required = "conf" | "image", algo, rsa,modulus ...
 *    `- NAME      the same, ecdsa,curve ecdsa,x-point ecdsa,y-point
 *
 * A key without `required` protects nothing: U-Boot then starts files that
 * nobody signed. fit_control_lint() says so, and fit_verify() refuses.
 */
#include "image/image.h"

#define FIT_KEYS_MAX 16u   /* in a control tree, or of those who sign */
#define FIT_NODES_MAX 100u /* under a signature; U-Boot's own limit */
#define FIT_HINT_MAX 64u
#define FIT_VERSION_MAX 64u

/* ---- verifying ---- */

struct fit_verify {
	const struct input *control; /* the keys; NULL: `keys` */
	/* Without a control tree: each signature is by one of these. */
	const struct image_keys *keys;
	/* NULL: the default one, and all others that have a signature. */
	const char *configuration;
};
/* Faults go to the findings; the result is HM_OK or a breakdown (HM_E_IO,
 * HM_E_NO_MEMORY). */
HM_MUST hm_err fit_verify(const struct fit_verify *how,
    const struct input *file, struct findings *findings);
/* What there is, and whatever needs no key: as fit_verify(). */
HM_MUST hm_err fit_inspect(const struct input *file, struct findings *findings);
bool fit_is(const struct input *file);

/* ---- signing ---- */

struct fit_signer {
	const struct image_signer *by;
	const char *hint; /* key-name-hint, by which U-Boot finds the key */
	hash_kind hash;   /* of nodes that do not say */
	bool is_pss;      /* the same; RSA */
};

struct fit_sign {
	const struct fit_signer *signers; /* all at once: a node that is added
					     later breaks what is signed */
	size_t signer_count;
	const char *configuration;  /* NULL: every one */
	bool images;                /* each image by itself, too */
	bool again;                 /* take old signatures away first */
	uint32_t timestamp;         /* seconds since 1970 */
	const char *name, *version; /* who signs; nobody verifies that */
	uint32_t size;              /* the tree is at least so long */
};
/*
 * Hash every image that has no digest yet, sign, write. Digests that are there
 * must be right. Nodes named signature* that have the hint and no value are
 * filled, others are added.
 *
 * HM_E_IMAGE_SIGNED (again would help), _EMPTY (no image or configuration),
 * _MIXED (a node wants what the key cannot), _PLACE (external data with a fixed
 * position would be overwritten), _HASH, _FIELD and what else the strict walk
 * finds; what a signer returns.
 */
HM_MUST hm_err fit_sign(const struct fit_sign *how, const struct input *file,
    struct output *out, struct why *why);

/* The same FIT with the data of its images behind the tree, which is at least
 * `size` bytes; what is signed stays so. HM_E_IMAGE_FIELD (an image whose data
 * are there already), HM_E_IMAGE_EMPTY, other HM_E_IMAGE_* of a tree that is
 * wrong, HM_E_IO, HM_E_NO_MEMORY; `out` is to be dropped then. */
HM_MUST hm_err fit_external(const struct input *file, uint32_t size,
    struct output *out, struct why *why);

/* SHA-256 of what stays the same when a FIT is signed anew (facts.h).
 * HM_E_IMAGE_*, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err fit_payload(
    const struct input *file, uint8_t ret[static HASH_MAX]);
/* Sign what was signed before, each configuration, in the way it was, by
 * another key of the name `hint`. As fit_sign(); HM_E_IMAGE_SIGNATURE: nobody
 * had signed a configuration. */
HM_MUST hm_err fit_again(const struct input *file,
    const struct image_signer *signer, const char *hint, uint64_t time_s,
    struct output *out, struct why *why);

/* ---- control trees ---- */

struct fit_key_entry {
	struct pkey *key; /* public part */
	const char *hint;
	hash_kind hash;
	const char *required; /* "conf", "image" */
};
struct fit_control_set {
	const struct fit_key_entry *keys;
	size_t key_count;
	const char *mode; /* required-mode: "all", "any"; NULL: as it is */
	uint32_t size;    /* the tree is at least so long */
};
/* Write `tree` with those keys in it, in place of others of the same names.
 * HM_E_IMAGE_*, HM_E_KEY, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err fit_control_set(const struct fit_control_set *how,
    const struct input *tree, struct output *out, struct why *why);
/* Would U-Boot enforce what this tree asks for? As fit_inspect(). */
HM_MUST hm_err fit_control_lint(
    const struct input *tree, struct findings *findings);
bool fit_control_is(const struct input *file);
