/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memflash - slots, keys and versions in memory, for what only reads images
 *
 * Three areas of 128 KiB at most and no journal; hm_port_boot_key, _boot_public
 * and _image_version as `flash` says. Nothing can be programmed.
 */
#include "hallmark/image.h"

#define MEMFLASH_SIZE 131072u

struct memflash {
	uint8_t a[MEMFLASH_SIZE], b[MEMFLASH_SIZE], factory[MEMFLASH_SIZE];
	uint32_t size; /* of each area that the port tells */
	bool no_factory;
	unsigned reads, fail_at; /* the read, from 1 on, that fails; 0: none */
	size_t unfed, patience;  /* bytes read since the watchdog was fed; how
				  * many it takes, 0: any number */
	bool bitten;
	void (*fed)(void); /* while the watchdog is fed; NULL: nothing */
	uint8_t rows[HM_BOOT_KEYS][HM_DIGEST_LEN];
	hm_err row_errors[HM_BOOT_KEYS];       /* HM_OK: there */
	struct hm_bytes publics[HM_BOOT_KEYS]; /* borrowed */
	struct hm_image_version versions[4];   /* of other images */
	bool has_version[4];
};
extern struct memflash flash;

/* Erased, no keys. */
void memflash_reset(void);
/* From the start of the area; the rest is erased. */
void memflash_put(hm_area area, struct hm_bytes image);
/* The key of this DER, trusted at `row`. */
void memflash_trust(uint32_t row, struct hm_bytes der);
