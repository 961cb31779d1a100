/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* fit_parts - what the files of fit share */
#include "image/fdt.h"
#include "image/fit.h"

#define FIT_TEXT_MAX 256u
#define FIT_LIST_MAX 4096u /* of names or paths; U-Boot's own limit */

/* ---- the file ---- */

struct fit {
	struct fdt tree;
	struct findings *findings;
	uint32_t images, configurations; /* nodes */
	uint64_t base;                   /* where data-offset counts from */
	uint8_t *seen; /* a byte a node: what is known of an image */
};
/* HM_OK: usable, whatever was found. As fdt_open(). */
HM_MUST hm_err fit_open(
    const struct input *file, struct findings *findings, struct fit *ret);
void fit_done(struct fit *fit);
/* Is that an end of the work, not a fault of the file? */
bool fit_is_breakdown(hm_err err);
/* "hash-1" is of the kind "hash". */
bool fit_is_kind(const struct fit *fit, uint32_t node, const char *kind);
/* A fault at a node; its path comes first. */
__attribute__((format(printf, 4, 5))) hm_err fit_fault(
    const struct fit *fit, uint32_t node, hm_err err, const char *format, ...);

struct fit_data {
	uint64_t at, size;
	bool is_external, is_fixed; /* is_fixed: data-position */
};
/* Where the bytes of an image are. A fault is reported and returned. */
HM_MUST hm_err fit_data(
    const struct fit *fit, uint32_t image, struct fit_data *ret);
/* Nothing behind the last byte, nothing between. */
HM_MUST hm_err fit_check_layout(const struct fit *fit);

/* ---- what a configuration covers ---- */

struct fit_cover {
	bool *wanted; /* one a node */
	char *text;   /* FIT_LIST_MAX, to read lists to */
	/* Before signing: those that have none get one. */
	bool may_lack_hash;
	uint32_t nodes[FIT_NODES_MAX];
	uint32_t count;
	uint32_t images[FIT_NODES_MAX]; /* those of the nodes that are images */
	uint32_t image_count;
};
HM_MUST hm_err fit_cover_init(const struct fit *fit, struct fit_cover *ret);
void fit_cover_done(struct fit_cover *cover);
/* All that it refers to. A fault is reported and returned, or a breakdown. */
HM_MUST hm_err fit_cover_configuration(
    const struct fit *fit, uint32_t configuration, struct fit_cover *ret);
/* Those of a list hashed-nodes. HM_E_IMAGE_FIELD: not a list of nodes; nothing
 * is reported. */
HM_MUST hm_err fit_cover_list(
    const struct fit *fit, const struct fdt_prop *list, struct fit_cover *ret);

/* ---- digests of images ---- */

enum {
	FIT_SEEN_GOOD = 1,
	FIT_SEEN_WEAK = 2, /* by itself no reason for U-Boot */
	FIT_SEEN_BAD = 3,
	FIT_SEEN_STATE = 3,
	FIT_SEEN_USED = 4, /* by a configuration */
};
/* What a hash node of that algorithm has. HM_E_IMAGE_FIELD: not one of ours. */
HM_MUST hm_err fit_hash_compute(const struct fit *fit,
    const struct fit_data *data, const char *algo, uint8_t ret[static HASH_MAX],
    size_t *ret_len);
bool fit_has_hash(const struct fit *fit, uint32_t image);
/* One that has a value. A fault is reported and returned. */
HM_MUST hm_err fit_check_hash(const struct fit *fit, uint32_t image,
    uint32_t node, const struct fit_data *data, bool *ret_strong);
/* Each hash node of an image, and that it has one that is strong. Faults are
 * reported once and returned. */
HM_MUST hm_err fit_check_hashes(struct fit *fit, uint32_t image);

/* ---- copying ---- */

/* Data that are hashed while the file is copied; others are hashed when their
 * digest is asked for. fit_watch_done() in any case. */
#define FIT_WATCHED_MAX KNOWN_PARTS
struct fit_watch {
	const struct input *file; /* the old one; borrowed */
	struct fit_watched {
		uint64_t at, size, done; /* in the old file */
		uint64_t place;          /* in the new one */
		hash_kind kind;
		struct hash_run *run;
	} parts[FIT_WATCHED_MAX];
	size_t count;
};
void fit_watch_done(struct fit_watch *watch);
/* HM_E_NO_MEMORY */
HM_MUST hm_err fit_watch_add(
    struct fit_watch *watch, const struct fit_data *data, hash_kind kind);
/* As output_copy(); `context` is the struct fit_watch. */
hm_err fit_watch_copy(
    void *context, struct output *out, uint64_t at, uint64_t size);
/* All is copied: output_input() knows these digests. */
void fit_watch_tell(struct fit_watch *watch, struct output *out);

/* ---- signatures ---- */

struct fit_algorithm {
	hash_kind hash;
	pkey_type type;
	unsigned bits;
};
/* "sha256,rsa2048". False: unknown, or too weak. */
bool fit_algorithm_parse(const char *text, struct fit_algorithm *ret);
void fit_algorithm_format(
    hash_kind hash, const struct pkey *key, char *ret, size_t size);
bool fit_hash_parse(const char *text, hash_kind *ret);

/* Can it be a key-name-hint, and so the name of a node? HM_E_USAGE */
HM_MUST hm_err fit_hint_check(const char *hint, struct why *why);

struct fit_signature {
	uint32_t node;
	char algo[32], hint[FIT_HINT_MAX];
	struct fit_algorithm algorithm;
	bool is_pss;
	uint8_t value[PKEY_SIGNATURE_MAX];
	size_t value_len;
	uint32_t strings; /* hashed-strings */
};
/* Of a configuration or of an image. Faults are reported and returned. */
HM_MUST hm_err fit_signature_read(const struct fit *fit, uint32_t node,
    bool of_image, struct fit_signature *ret);

/* ---- keys ---- */

struct fit_key {
	struct pkey *key;        /* NULL: it could not be read */
	char hint[FIT_HINT_MAX]; /* empty: fits each */
	char algo[32];           /* empty: none */
	uint32_t at;
	bool of_configurations, of_images; /* required for */
};
struct fit_keys {
	struct fit_key keys[FIT_KEYS_MAX];
	size_t count;
	bool any;      /* one required key is enough */
	bool is_owned; /* the keys are to be freed */
};
/* Faults (but for one: that none is required) are reported; the result is HM_OK
 * or a breakdown. */
HM_MUST hm_err fit_keys_of_control(
    const struct input *tree, struct findings *findings, struct fit_keys *ret);
void fit_keys_of_list(const struct image_keys *list, struct fit_keys *ret);
void fit_keys_done(struct fit_keys *keys);
/* Does one of them have to sign each configuration? */
bool fit_keys_enforce(const struct fit_keys *keys);

/* ---- signing ---- */

/* Make each signature that was left room for in `out`. */
HM_MUST hm_err fit_fill(const struct fit_sign *how, struct findings *findings,
    struct output *out, struct why *why);

/* ---- one file and its keys ---- */

struct fit_proof {
	const struct fit_verify *how;
	struct fit fit;
	struct fit_keys keys;
	struct fit_cover cover, listed;
	bool is_inspection; /* signatures are read, not verified */
};
/* May this key have made that signature? Hint, and algorithm. */
bool fit_key_is_named(const struct fit_key *key, const char *hint);
bool fit_key_can(const struct fit_key *key, const struct fit_signature *from);
/* HM_OK, HM_E_IMAGE_SIGNATURE, or a breakdown; nothing is reported. */
HM_MUST hm_err fit_key_verify(const struct fit_key *key,
    const struct fit_signature *from, const uint8_t digest[static HASH_MAX]);
/* What U-Boot would say of a configuration, new and before March 2026. */
HM_MUST hm_err fit_boot(struct fit_proof *proof, uint32_t configuration,
    bool *ret_new, bool *ret_old);
