/* SPDX-License-Identifier: Apache-2.0 */
/* image/fit: what is signed, what is refused, and what U-Boot would say */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "image/fit.h"
#include "fit_vectors.h"

/* What the manifest says is wrong first, and by which error we say so. */
static const struct {
	const char *words;
	hm_err err;
} causes[] = {
	{ "FDT magic", HM_E_IMAGE_FORMAT },
	{ "algorithm of the key", HM_E_IMAGE_FIELD },
	{ "control tree has no required key", HM_E_IMAGE_CONTROL },
	{ "data after the FIT", HM_E_IMAGE_TRAILING },
	{ "external data beyond", HM_E_IMAGE_SHORT },
	{ "hash of /images/", HM_E_IMAGE_HASH },
	{ "hashed-nodes differ", HM_E_IMAGE_FIELD },
	{ "hashed-strings", HM_E_IMAGE_FIELD },
	{ "image missing", HM_E_IMAGE_FIELD },
	{ "image without hash", HM_E_IMAGE_FIELD },
	{ "no signature", HM_E_IMAGE_UNTRUSTED },
	{ "node name with @", HM_E_IMAGE_FIELD },
	{ "signature node incomplete", HM_E_IMAGE_FIELD },
	{ "signature", HM_E_IMAGE_SIGNATURE },
	{ "total size beyond", HM_E_IMAGE_SHORT },
	{ "unknown key", HM_E_IMAGE_UNTRUSTED },
};

static void
check_cause(struct doc *vector, const struct findings *f)
{
	const char *words = doc_get_text(vector, "first_fault", NULL);
	size_t i = 0, fault = 0;

	if (words == NULL)
		return;
	while (i < sizeof(causes) / sizeof(causes[0]) &&
	       strncmp(words, causes[i].words, strlen(causes[i].words)) != 0)
		i++;
	if (i == sizeof(causes) / sizeof(causes[0]))
		fail_msg("no error for: %s", words);
	while (fault < findings_faults(f) &&
	       findings_fault_at(f, fault) != causes[i].err)
		fault++;
	if (fault == findings_faults(f))
		fail_msg("%s: %s is not among the faults",
		    doc_get_text(vector, "id", ""), words);
}

static void
judge(const struct vectors *all, struct doc *vector)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct input file, control;
	struct fit_verify how = { .control = &control };
	struct why why = { 0 };

	vectors_file(all, doc_get_text(vector, "file", ""), &file);
	vectors_file(all, doc_get_text(vector, "control", ""), &control);
	how.configuration = doc_get_text(vector, "configuration", NULL);
	assert_int_equal(findings_new("fit", &f), HM_OK);
	assert_int_equal(fit_verify(&how, &file, f), HM_OK);
	vectors_compare(vector, f, &why);
	check_cause(vector, f);
	input_done(&file);
	input_done(&control);
}

/* Verdict of the strict verifier and of U-Boot, and the cause. */
static void
says_of_each_vector_what_its_manifest_says(void **state)
{
	struct vectors all;

	(void)state;
	vectors_open("fit", &all);
	assert_int_equal(doc_count(all.list), 115);
	for (size_t i = 0; i < doc_count(all.list); i++)
		judge(&all, doc_at(all.list, i));
	vectors_done(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_of_each_vector_what_its_manifest_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
