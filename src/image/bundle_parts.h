/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* bundle_parts - the head of a bundle, and the headers of its archive */
#include "image/bundle.h"

#define BUNDLE_KEY_LEN 32
#define BUNDLE_WRAPPED_LEN 40
#define BUNDLE_POINT_LEN 65
#define BUNDLE_PREFIX_LEN 12 /* magic and length */

struct bundle_recipient {
	uint8_t kid[32];
	uint8_t point[BUNDLE_POINT_LEN]; /* ephemeral */
	uint8_t wrapped[BUNDLE_WRAPPED_LEN];
};

struct bundle_head {
	struct bundle_recipient recipients[BUNDLE_RECIPIENTS_MAX];
	size_t count;
};

/* Encode; HM_E_NO_ROOM. Decode: HM_E_BAD_INPUT unless every byte is as encode
 * would have made it. */
HM_MUST hm_err bundle_head_encode(
    const struct bundle_head *head, struct hm_span room, size_t *ret_len);
HM_MUST hm_err bundle_head_decode(
    struct hm_bytes bytes, struct bundle_head *ret);
/* What each segment's tag covers besides it. */
#define BUNDLE_AAD_MAX 96
HM_MUST hm_err bundle_aad(
    struct hm_bytes start, uint8_t ret[static BUNDLE_AAD_MAX], size_t *ret_len);

/* SHA-256 of the SubjectPublicKeyInfo. */
HM_MUST hm_err bundle_kid(const struct pkey *key, uint8_t ret[static 32]);
/* A fresh ephemeral key for one recipient. HM_E_KEY, HM_E_NO_ENTROPY */
HM_MUST hm_err bundle_wrap(const struct pkey *to,
    const uint8_t content_key[static BUNDLE_KEY_LEN],
    struct bundle_recipient *ret);
/* HM_E_OPEN, HM_E_KEY */
HM_MUST hm_err bundle_unwrap(struct pkey *own,
    const struct bundle_recipient *from,
    uint8_t ret_content_key[static BUNDLE_KEY_LEN]);

/* A ustar header and its reading: what write does not make is not taken. */
#define TAR_BLOCK 512
struct tar_item {
	char name[BUNDLE_NAME_MAX + 1];
	uint64_t size;    /* bytes, below 8 GiB */
	uint64_t mtime_s; /* since 1970, below 2^33 */
};
bool tar_name_is_good(const char *name);
void tar_write(const struct tar_item *item, uint8_t ret[static TAR_BLOCK]);
/* HM_E_BAD_INPUT */
HM_MUST hm_err tar_read(
    const uint8_t block[static TAR_BLOCK], struct tar_item *ret);
