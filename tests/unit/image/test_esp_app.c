/* SPDX-License-Identifier: Apache-2.0 */
/* image/esp_app: where an image ends, and what is wrong in it */
#include "esp_vectors.h"

#include "image/esp_app.h"

#define FOLDER "esp-app-image"

static struct buf image; /* payloads/esp32s3.bin, 560 bytes */

static int
setup(void **state)
{
	(void)state;
	vector_read(FOLDER, "payloads/esp32s3.bin", &image);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_done(&image);
	return 0;
}

/* The error of what is in `image`. */
static hm_err
verdict(const struct esp_app_rules *rules)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct input input = input_of(buf_bytes(&image));

	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_app_verify(rules, &input, f), HM_OK);
	return findings_verdict(f, NULL);
}

/* Checksum and hash of what is in `image` are made right again. */
static void
repair(void)
{
	uint8_t sum = 0xef, digest[HASH_MAX];
	size_t at = 24;

	for (unsigned i = 0; i < image.ptr[1]; i++) {
		uint32_t len = image_get_u32(image.ptr + at + 4);

		for (size_t k = 0; k < len; k++)
			sum ^= image.ptr[at + 8 + k];
		at += 8 + len;
	}
	image.ptr[at | 15] = sum;
	assert_int_equal(
	    hash_one(HASH_SHA256,
		(struct hm_bytes){ image.ptr, image.len - 32 }, digest),
	    HM_OK);
	memcpy(image.ptr + image.len - 32, digest, 32);
}

static void
judge(struct vector *v)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct esp_app_rules rules = { .chip = esp_chip_named(
					   doc_get_text(v->row, "chip", "")) };

	assert_non_null(rules.chip);
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_app_verify(&rules, &v->input, f), HM_OK);
	vector_judge(v, f);
	assert_true(!v->accept || esp_app_is(&v->input));
}

static void
decides_as_the_vectors(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 26, judge);
}

static void
compare_layout(struct vector *v)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct esp_app_rules rules = { 0 };
	struct doc *should = doc_get(v->row, "image"), *list;
	struct esp_app app;

	if (!v->accept)
		return;
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_app_layout(&rules, &v->input, f, &app), HM_OK);
	assert_int_equal(app.size, doc_get_int(should, "length", 0));
	assert_int_equal(app.sum_at, doc_get_int(should, "checksum_offset", 0));
	assert_int_equal(app.chip_id, doc_get_int(should, "chip_id", -1));
	assert_int_equal(
	    app.has_hash, doc_get_int(should, "hash_appended", -1));
	list = doc_get(should, "segments");
	assert_int_equal(app.segment_count, doc_count(list));
	for (size_t i = 0; i < app.segment_count; i++) {
		assert_int_equal(app.segments[i].size,
		    doc_get_int(doc_at(list, i), "len", -1));
		assert_int_equal(app.segments[i].at,
		    doc_get_int(doc_at(list, i), "offset", -1));
	}
	should = doc_get(should, "app_desc");
	assert_int_equal(
	    app.secure_version, doc_get_int(should, "secure_version", -1));
	assert_string_equal(app.version, doc_get_text(should, "version", ""));
	assert_string_equal(app.project, doc_get_text(should, "project", ""));
}

static void
finds_the_parts_that_the_maker_put_there(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 26, compare_layout);
}

/* esptool image_info exits 0 on each of these (section 1.12, 15). */
static void
names_what_is_wrong(void **state)
{
	struct esp_app_rules rules = { 0 };

	(void)state;
	assert_int_equal(verdict(&rules), HM_OK);
	image.ptr[60] ^= 1;
	assert_int_equal(verdict(&rules), HM_E_IMAGE_HASH);
	image.ptr[60] ^= 1;
	image.ptr[526] = 1; /* in the padding before the checksum */
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	image.ptr[526] = 0;
	image.ptr[19] = 1; /* reserved */
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	image.ptr[19] = 0;
	image.ptr[23] = 2; /* hash flag */
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	image.ptr[23] = 1;
	repair();
	assert_int_equal(verdict(&rules), HM_OK);
}

static void
keeps_the_rules_of_the_chip(void **state)
{
	struct esp_app_rules rules = { .chip = esp_chip_named("esp32-c3") };

	(void)state;
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	rules.chip = esp_chip_named("esp32-s3");
	assert_int_equal(verdict(&rules), HM_OK);
	rules.secure_version_min = 2;
	assert_int_equal(verdict(&rules), HM_OK);
	rules.secure_version_min = 3;
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	rules.secure_version_min = 0;
	image_put_u32(image.ptr + 36, 17); /* the eFuse counts to 16 */
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	image_put_u32(image.ptr + 36, 16);
	image_put_u32(image.ptr + 24, 0x3c000040); /* not its place in a page */
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	assert_null(esp_chip_named("esp32c"));
	assert_null(esp_chip_named("esp32c33"));
}

static void
a_boot_loader_needs_no_description(void **state)
{
	struct esp_app_rules rules = { .content = ESP_APP };

	(void)state;
	image.ptr[32] = 0;
	repair();
	assert_int_equal(verdict(&rules), HM_E_IMAGE_FIELD);
	rules.content = ESP_BOOTLOADER;
	assert_int_equal(verdict(&rules), HM_OK);
}

/* Cut anywhere, it is refused; nothing is read beyond the end. */
static void
refuses_every_cut(void **state)
{
	struct esp_app_rules rules = { 0 };
	size_t whole = image.len;

	(void)state;
	for (image.len = 0; image.len < whole; image.len++)
		assert_int_not_equal(verdict(&rules), HM_OK);
	image.len = whole;
}

/* c6-padv2.bin was made by elf2image --secure-pad-v2, its pad segment last. */
static void
pads_as_elf2image_does(void **state)
{
	struct esp_app_pad how = { .version = ESP_PAD_V2, .page = 8192 };
	struct output *out = NULL;
	struct input input, made;
	struct buf should;
	static uint8_t again[8192];
	size_t sum_at = 24 + 8 + 1000 + 8 + 64; /* two segments stay */

	(void)state;
	vector_read("esp-secure-boot-v2", "payloads/c6-padv2.bin", &should);
	assert_int_equal(should.len, sizeof(again));
	buf_clear(&image);
	assert_int_equal(buf_add(&image, (struct hm_bytes){ should.ptr,
					     (sum_at | 15) + 1 + 32 }),
	    HM_OK);
	image.ptr[1] = 2;
	memset(image.ptr + sum_at, 0, (sum_at | 15) + 1 - sum_at);
	repair();
	input = input_of(buf_bytes(&image));
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_app_pad(&how, &input, out, NULL), HM_OK);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal(made.size, should.len);
	assert_int_equal(
	    input_read(&made, 0, (struct hm_span){ again, sizeof(again) }),
	    HM_OK);
	assert_memory_equal(again, should.ptr, sizeof(again));
	output_free(out);
	buf_done(&should);
}

static void
pads_v1_so_that_the_signature_ends_12_before_the_page(void **state)
{
	struct esp_app_pad how = { .version = ESP_PAD_V1 };
	struct output *out = NULL;
	struct input input = input_of(buf_bytes(&image)), made;

	(void)state;
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_app_pad(&how, &input, out, NULL), HM_OK);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal((made.size + 68 + 12) % 65536, 0);
	output_free(out);
}

static void
pads_nothing_that_is_not_good(void **state)
{
	struct esp_app_pad how = { .version = ESP_PAD_V2 };
	struct output *out = NULL;
	struct input input = input_of(buf_bytes(&image));
	struct why why = { 0 };

	(void)state;
	image.ptr[60] ^= 1;
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_app_pad(&how, &input, out, &why), HM_E_IMAGE_HASH);
	assert_int_equal(output_size(out), 0);
	assert_non_null(strstr(why.text, "checksum"));
	output_free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_vectors),
		cmocka_unit_test(finds_the_parts_that_the_maker_put_there),
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		WITH(names_what_is_wrong),
		WITH(keeps_the_rules_of_the_chip),
		WITH(a_boot_loader_needs_no_description),
		WITH(refuses_every_cut),
		WITH(pads_as_elf2image_does),
		WITH(pads_v1_so_that_the_signature_ends_12_before_the_page),
		WITH(pads_nothing_that_is_not_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
