/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/release_sbom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"

static hm_err
add_part(struct sbom *sbom, const char *name, const char *version)
{
	struct sbom_part *part;

	if (sbom->count == SBOM_PARTS_MAX)
		return HM_E_TOO_LARGE;
	if (sbom->count == sbom->room) {
		size_t room = sbom->room == 0 ? 64 : 2 * sbom->room;

		part = reallocarray(sbom->list, room, sizeof(*part));
		if (part == NULL)
			return HM_E_NO_MEMORY;
		sbom->list = part;
		sbom->room = room;
	}
	part = &sbom->list[sbom->count++];
	(void)snprintf(part->name, sizeof(part->name), "%s", name);
	(void)snprintf(part->version, sizeof(part->version), "%s", version);
	return HM_OK;
}

static hm_err
add_all(struct sbom *sbom, struct doc *list, const char *version)
{
	for (size_t i = 0; list != NULL && i < doc_count(list); i++) {
		struct doc *at = doc_at(list, i);
		const char *name = doc_get_text(at, "name", NULL);

		if (name != NULL)
			HM_TRY(add_part(
			    sbom, name, doc_get_text(at, version, "")));
	}
	return HM_OK;
}

hm_err
sbom_add(struct sbom *sbom, struct hm_bytes text, struct why *why)
{
	AUTO_DOC struct doc *doc = NULL;

	HM_TRY(doc_parse(text, &doc, why));
	if (doc_get_text(doc, "spdxVersion", NULL) != NULL)
		return add_all(sbom, doc_get(doc, "packages"), "versionInfo");
	if (strcmp(doc_get_text(doc, "bomFormat", ""), "CycloneDX") == 0)
		return add_all(sbom, doc_get(doc, "components"), "version");
	return WHY(why, HM_E_BAD_INPUT, "neither SPDX nor CycloneDX in JSON");
}

static int
compare(const void *a, const void *b)
{
	const struct sbom_part *left = a, *right = b;
	int way = strcmp(left->name, right->name);

	return way != 0 ? way : strcmp(left->version, right->version);
}

void
sbom_sort(struct sbom *sbom)
{
	if (sbom->count > 1)
		qsort(sbom->list, sbom->count, sizeof(*sbom->list), compare);
}

void
sbom_done(struct sbom *sbom)
{
	free(sbom->list);
	*sbom = (struct sbom){ 0 };
}
