/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* release_sbom - names and versions in a bill of materials, SPDX 2 or CycloneDX
 * in JSON */

#include <stddef.h>

#include "base/buf.h"
#include "base/why.h"

#define SBOM_FILE_MAX (64u * 1024 * 1024) /* bytes */
#define SBOM_PARTS_MAX 100000

struct sbom_part {
	char name[128], version[64]; /* cut off if longer */
};

struct sbom {                   /* all zeros: empty */
	struct sbom_part *list; /* owned */
	size_t count, room;
};

/* All components of a file. HM_E_BAD_INPUT, HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err sbom_add(
    struct sbom *sbom, struct hm_bytes text, struct why *why);
void sbom_sort(struct sbom *sbom); /* by name, then version */
void sbom_done(struct sbom *sbom);
