/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sbom - any text as a bill of materials
 *
 * The components are in order, their texts end, and a second reading of the
 * same file gives each of them twice.
 */
#include <string.h>

#include "../../src/cmd/release_sbom.h"
#include "fuzz.h"

static int
order_of(const struct sbom_part *a, const struct sbom_part *b)
{
	int way = strcmp(a->name, b->name);

	return way != 0 ? way : strcmp(a->version, b->version);
}

static void
check(const struct sbom *sbom)
{
	for (size_t i = 0; i < sbom->count; i++) {
		const struct sbom_part *part = &sbom->list[i];

		fuzz_must(memchr(part->name, 0, sizeof(part->name)) != NULL);
		fuzz_must(
		    memchr(part->version, 0, sizeof(part->version)) != NULL);
		fuzz_must(i == 0 || order_of(part - 1, part) <= 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes text = { data, size };
	struct sbom sbom = { 0 };
	struct why why = { 0 };
	hm_err err = sbom_add(&sbom, text, &why);
	size_t count = sbom.count;

	if (err == HM_OK) {
		fuzz_must(sbom_add(&sbom, text, &why) == HM_OK);
		fuzz_must(sbom.count == 2 * count);
		sbom_sort(&sbom);
		check(&sbom);
		for (size_t i = 0; i < count; i++)
			fuzz_must(order_of(&sbom.list[2 * i],
				      &sbom.list[2 * i + 1]) == 0);
	} else {
		fuzz_must(why.text[0] != '\0' || err == HM_E_NO_MEMORY);
	}
	sbom_done(&sbom);
	return 0;
}
