/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nor_store - the memory behind nor.c: its planes, their undo, their file
 */

#include "nor.h"

#define STORE_PAGE 256u /* bytes; every sector is a multiple */

struct nor_plane {
	hm_area area;
	struct hm_flash flash;
	uint8_t *is;     /* what sound units hold, torn ones were to become */
	uint8_t *was;    /* what torn units were before */
	uint8_t *states; /* one a unit */
	uint32_t *saved; /* one a page: the mark that has saved it; 0: none */
};

struct nor_store {
	const struct nor_chip *chip;
	struct nor_plane planes[NOR_AREAS];
};

extern struct nor_store store;

/* NULL: this chip has no such area */
struct nor_plane *store_find(hm_area area);
/* Bytes at `at` are about to change: save their pages for the last mark. */
void store_touch(const struct nor_plane *plane, uint32_t at, uint32_t len);
