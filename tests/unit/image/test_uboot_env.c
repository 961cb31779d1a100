/* SPDX-License-Identifier: Apache-2.0 */
/* image/uboot_env: images as mkenvimage makes them, and what is wrong in others
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fit_vectors.h"
#include "image/uboot_env.h"

#define FILE_MAX (1u << 20)

static void
says_of_each_vector_what_its_manifest_says(void **state)
{
	struct vectors all;

	(void)state;
	vectors_open("uboot-env", &all);
	assert_int_equal(doc_count(all.list), 8);
	for (size_t i = 0; i < doc_count(all.list); i++) {
		struct doc *one = doc_at(all.list, i);
		AUTO_FINDINGS struct findings *f = NULL;
		struct uboot_env how = { .is_redundant = doc_get_bool(
					     one, "redundant", false) };
		struct input file;
		struct why why = { 0 };

		vectors_file(&all, doc_get_text(one, "file", ""), &file);
		assert_int_equal(findings_new("uboot-env", &f), HM_OK);
		assert_int_equal(uboot_env_verify(&how, &file, f), HM_OK);
		vectors_compare(one, f, &why);
		if (findings_faults(f) > 0)
			assert_int_equal(why.err, HM_E_IMAGE_HASH);
		input_done(&file);
	}
	vectors_done(&all);
}

/* To the byte what mkenvimage wrote, and back to its text. */
static void
writes_what_mkenvimage_wrote(void **state)
{
	static const struct {
		const char *text, *image;
		struct uboot_env how;
	} rows[] = {
		{ "plain.txt", "plain-0x400.bin", { false, 0x400, 0xFF } },
		{ "plain.txt", "plain-redundant-0x400.bin",
		    { true, 0x400, 0xFF } },
		{ "plain.txt", "plain-0x1000.bin", { false, 0x1000, 0 } },
		{ "bootcount.txt", "bootcount-0x400.bin",
		    { false, 0x400, 0xFF } },
		{ "bootcount.txt", "bootcount-redundant-0x400.bin",
		    { true, 0x400, 0xFF } },
		{ "bootcount.txt", "bootcount-0x1000.bin",
		    { false, 0x1000, 0 } },
	};
	static uint8_t is[0x1000], must[0x1000];
	struct vectors all;

	(void)state;
	vectors_open("uboot-env", &all);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct output *out = NULL;
		struct input text, image, made;

		vectors_file(&all, rows[i].text, &text);
		vectors_file(&all, rows[i].image, &image);
		assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
		assert_int_equal(
		    uboot_env_make(&rows[i].how, &text, out, NULL), HM_OK);
		assert_int_equal(output_input(out, &made), HM_OK);
		assert_int_equal(made.size, image.size);
		assert_int_equal(
		    input_read(&made, 0, (struct hm_span){ is, made.size }),
		    HM_OK);
		assert_int_equal(
		    input_read(&image, 0, (struct hm_span){ must, image.size }),
		    HM_OK);
		assert_memory_equal(is, must, made.size);
		output_free(out);
		assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
		assert_int_equal(
		    uboot_env_text(&rows[i].how, &image, out, NULL), HM_OK);
		assert_int_equal(output_input(out, &made), HM_OK);
		assert_int_equal(made.size, text.size);
		assert_int_equal(
		    input_read(&made, 0, (struct hm_span){ is, made.size }),
		    HM_OK);
		assert_int_equal(
		    input_read(&text, 0, (struct hm_span){ must, text.size }),
		    HM_OK);
		assert_memory_equal(is, must, made.size);
		output_free(out);
		input_done(&text);
		input_done(&image);
	}
	vectors_done(&all);
}

static hm_err
make(const char *text, uint32_t size, struct why *why)
{
	struct input lines = input_of(hm_bytes_of(text));
	struct uboot_env how = { .size = size };
	struct output *out = NULL;
	hm_err err;

	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	err = uboot_env_make(&how, &lines, out, why);
	output_free(out);
	return err;
}

static void
refuses_lines_that_are_no_variables(void **state)
{
	struct why why = { 0 };

	(void)state;
	assert_int_equal(make("a=1\nb\n", 64, &why), HM_E_IMAGE_FIELD);
	assert_string_equal(why.where, "offset 4");
	assert_int_equal(make("=1\n", 64, NULL), HM_E_IMAGE_FIELD);
	assert_int_equal(make("a b=1\n", 64, NULL), HM_E_IMAGE_FIELD);
	assert_int_equal(make("a=\n", 64, NULL), HM_E_IMAGE_FIELD);
	assert_int_equal(make("# only words\n\n", 64, NULL), HM_E_IMAGE_EMPTY);
	assert_int_equal(make("a=1\r\n# x\nb=2", 13, NULL), HM_OK);
	assert_int_equal(make("a=1\r\n# x\nb=2", 12, NULL), HM_E_IMAGE_PLACE);
	assert_int_equal(make("a=1", 4, NULL), HM_E_USAGE);
	assert_int_equal(make("a=1", 1u << 21, NULL), HM_E_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_of_each_vector_what_its_manifest_says),
		cmocka_unit_test(writes_what_mkenvimage_wrote),
		cmocka_unit_test(refuses_lines_that_are_no_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
