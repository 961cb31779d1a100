/* SPDX-License-Identifier: Apache-2.0 */
#include "fit_vectors.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_MAX (1u << 20)

void
vectors_open(const char *format, struct vectors *ret)
{
	struct input manifest;
	uint8_t *text;

	assert_non_null(getenv("VECTORS"));
	(void)snprintf(ret->folder, sizeof(ret->folder), "%s/%s",
	    getenv("VECTORS"), format);
	vectors_file(ret, "manifest.json", &manifest);
	assert_true(manifest.size < MANIFEST_MAX);
	text = malloc(manifest.size);
	assert_non_null(text);
	assert_int_equal(
	    input_read(&manifest, 0, (struct hm_span){ text, manifest.size }),
	    HM_OK);
	assert_int_equal(doc_parse((struct hm_bytes){ text, manifest.size },
			     &ret->root, NULL),
	    HM_OK);
	free(text);
	input_done(&manifest);
	ret->list = doc_get(ret->root, "vectors");
	assert_true(doc_count(ret->list) > 0);
}

void
vectors_done(struct vectors *all)
{
	doc_free(all->root);
}

void
vectors_file(const struct vectors *all, const char *name, struct input *ret)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", all->folder, name);
	assert_int_equal(input_open(path, 1u << 30, ret, NULL), HM_OK);
}

void
vectors_compare(
    struct doc *vector, const struct findings *findings, struct why *ret_why)
{
	const char *id = doc_get_text(vector, "id", "");
	const char *expect = doc_get_text(vector, "expect", "");
	hm_err verdict = findings_verdict(findings, ret_why);
	AUTO_DOC struct doc *said = doc_new(NULL);
	const char *boot;

	if ((verdict == HM_OK) != (strcmp(expect, "accept") == 0))
		fail_msg("%s: expected %s, found %s", id, expect,
		    verdict == HM_OK ? "accept" : ret_why->text);
	findings_doc(findings, said);
	boot = doc_get_text(vector, "bootloader", NULL);
	if (boot != NULL &&
	    strcmp(boot, doc_get_text(said, "boot_loader", "")) != 0)
		fail_msg("%s: the boot loader would %s (%s)", id, boot,
		    doc_get_text(said, "boot_loader_why", "as we do"));
}
