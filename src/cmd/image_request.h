/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_request - what the files of image_remote share; nobody else includes it
 */
#include "cmd/image_remote.h"

#define IMAGE_MESSAGE_MAX 65536u /* PKEY_EDDSA takes no more */
#define IMAGE_SPKI_MAX 1024u
#define IMAGE_RESPONSE_MAX 1024u /* RSA-4096 in base64 has 684 */
#define IMAGE_REQUEST_MAX (8u << 20)

struct image_item {
	pkey_scheme scheme;
	hash_kind hash;   /* not of PKEY_EDDSA */
	struct buf bytes; /* digest, or message */
	struct buf spki;
};

struct image_request {
	char format[32];
	uint8_t input[32]; /* SHA-256 of the file */
	uint64_t time_s;   /* what the result says; a request may have none */
	bool has_time;
	struct image_item items[IMAGE_ITEMS_MAX];
	size_t count, next; /* next: which is answered next */
	struct buf responses[IMAGE_ITEMS_MAX];
	size_t response_count;
};
