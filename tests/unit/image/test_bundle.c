/* SPDX-License-Identifier: Apache-2.0 */
/* image/bundle: what went in comes out, for its recipients, whole or not */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "image/bundle_parts.h"

#define ROOM (1u << 20)

static struct pkey *station, *other, *stranger;
static uint8_t content[300000];

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(pkey_generate(PKEY_P256, 0, &station), HM_OK);
	assert_int_equal(pkey_generate(PKEY_P256, 0, &other), HM_OK);
	assert_int_equal(pkey_generate(PKEY_P256, 0, &stranger), HM_OK);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 31 >> 4);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pkey_free(station);
	pkey_free(other);
	pkey_free(stranger);
	return 0;
}

/* A bundle of one file of `size` bytes and an empty one. */
static struct output *
make(size_t size)
{
	struct pkey *const to[] = { station, other };
	struct bundle_to how = {
		.recipients = to, .count = 2, .mtime_s = 1767225600
	};
	struct input one = input_of((struct hm_bytes){ content, size });
	struct input none = input_of((struct hm_bytes){ 0 });
	struct output *out;
	struct bundle *bundle;

	assert_int_equal(output_memory(ROOM, &out), HM_OK);
	assert_int_equal(bundle_begin(&how, out, &bundle, NULL), HM_OK);
	assert_int_equal(bundle_add(bundle, "app/app.bin", &one, NULL), HM_OK);
	assert_int_equal(bundle_add(bundle, "empty", &none, NULL), HM_OK);
	assert_int_equal(bundle_end(bundle), HM_OK);
	bundle_free(bundle);
	return out;
}

static hm_err
open_bytes(struct hm_bytes bytes, struct pkey *key, struct output *archive)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input in = input_of(bytes);

	assert_int_equal(findings_new("bundle", &findings), HM_OK);
	assert_int_equal(bundle_open(&in, key, archive, findings), HM_OK);
	return findings_verdict(findings, NULL);
}

static hm_err
try_open(struct hm_bytes bytes, struct pkey *key)
{
	AUTO_OUTPUT struct output *archive = NULL;

	assert_int_equal(output_memory(ROOM, &archive), HM_OK);
	return open_bytes(bytes, key, archive);
}

struct seen {
	size_t size, files;
};

static hm_err
look(void *context, const char *name, const struct input *file)
{
	struct seen *seen = context;

	if (seen->files++ == 1) {
		assert_string_equal(name, "empty");
		assert_int_equal(file->size, 0);
		return HM_OK;
	}
	assert_string_equal(name, "app/app.bin");
	assert_int_equal(file->size, seen->size);
	assert_memory_equal(file->bytes.ptr + file->start, content, seen->size);
	return HM_OK;
}

static void
gives_back_what_was_put_in(void **state)
{
	/* Around blocks, around segments: 3 headers and the end are 2,560. */
	static const size_t sizes[] = { 0, 1, 511, 512, 513, 65536 - 2048,
		65536 - 2047, 65536, 131072 - 2048, 299999 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		AUTO_OUTPUT struct output *out = make(sizes[i]);
		AUTO_OUTPUT struct output *archive = NULL;
		struct input file, tar;
		struct seen seen = { .size = sizes[i] };

		assert_int_equal(output_memory(ROOM, &archive), HM_OK);
		assert_int_equal(output_input(out, &file), HM_OK);
		assert_int_equal(
		    open_bytes(file.bytes, i % 2 ? station : other, archive),
		    HM_OK);
		assert_int_equal(output_input(archive, &tar), HM_OK);
		assert_int_equal(bundle_files(&tar, look, &seen, NULL), HM_OK);
		assert_int_equal(seen.files, 2);
	}
}

static void
opens_for_its_recipients_only(void **state)
{
	AUTO_OUTPUT struct output *out = make(1000);
	struct input file;

	(void)state;
	assert_int_equal(output_input(out, &file), HM_OK);
	assert_int_equal(try_open(file.bytes, stranger), HM_E_IMAGE_OPEN);
	assert_true(bundle_is(&file));
}

static void
no_byte_of_it_can_be_changed(void **state)
{
	AUTO_OUTPUT struct output *out = make(150000);
	struct input file;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(output_input(out, &file), HM_OK);
	bytes = malloc(file.size);
	memcpy(bytes, file.bytes.ptr, file.size);
	for (size_t i = 0; i < file.size; i += i < 600 ? 1 : 9973) {
		bytes[i] ^= 0x40;
		assert_int_not_equal(
		    try_open((struct hm_bytes){ bytes, file.size }, station),
		    HM_OK);
		bytes[i] ^= 0x40;
	}
	assert_int_equal(
	    try_open((struct hm_bytes){ bytes, file.size }, station), HM_OK);
	free(bytes);
}

static void
is_refused_if_cut_off_anywhere(void **state)
{
	AUTO_OUTPUT struct output *out = make(200000);
	struct input file;
	size_t start, segment = BUNDLE_SEGMENT + BUNDLE_TAG;

	(void)state;
	assert_int_equal(output_input(out, &file), HM_OK);
	start = BUNDLE_PREFIX_LEN + hm_get_u32(file.bytes.ptr + 8);
	for (size_t n = 0; n < start; n++)
		assert_int_not_equal(
		    try_open((struct hm_bytes){ file.bytes.ptr, n }, station),
		    HM_OK);
	/* Between segments each tag is good: only the count tells. */
	for (size_t n = start; n < file.size; n += segment)
		assert_int_equal(
		    try_open((struct hm_bytes){ file.bytes.ptr, n }, station),
		    HM_E_IMAGE_SHORT);
	assert_int_equal(
	    try_open(
		(struct hm_bytes){ file.bytes.ptr, file.size - 1 }, station),
	    HM_E_IMAGE_OPEN);
	assert_int_equal(
	    try_open((struct hm_bytes){ file.bytes.ptr, start + 7 }, station),
	    HM_E_IMAGE_SHORT);
}

static void
segments_cannot_be_exchanged(void **state)
{
	AUTO_OUTPUT struct output *out = make(200000);
	struct input file;
	size_t segment = BUNDLE_SEGMENT + BUNDLE_TAG, start;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(output_input(out, &file), HM_OK);
	start = BUNDLE_PREFIX_LEN + hm_get_u32(file.bytes.ptr + 8);
	bytes = malloc(file.size);
	memcpy(bytes, file.bytes.ptr, file.size);
	memcpy(bytes + start, file.bytes.ptr + start + segment, segment);
	memcpy(bytes + start + segment, file.bytes.ptr + start, segment);
	assert_int_equal(
	    try_open((struct hm_bytes){ bytes, file.size }, station),
	    HM_E_IMAGE_OPEN);
	free(bytes);
}

static void
takes_good_names_once(void **state)
{
	static const char *const bad[] = { "", "/a", "a/", "a//b", ".", "..",
		"a/../b", "a b", "a\nb", "\xc3\xa4" };
	struct pkey *const to[] = { station, station };
	struct bundle_to how = { .recipients = to, .count = 1 };
	struct input none = input_of((struct hm_bytes){ 0 });
	AUTO_OUTPUT struct output *out = NULL;
	char longest[BUNDLE_NAME_MAX + 2];
	struct bundle *bundle;

	(void)state;
	assert_int_equal(output_memory(ROOM, &out), HM_OK);
	assert_int_equal(bundle_begin(&how, out, &bundle, NULL), HM_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    bundle_add(bundle, bad[i], &none, NULL), HM_E_USAGE);
	memset(longest, 'x', sizeof(longest));
	longest[BUNDLE_NAME_MAX + 1] = '\0';
	assert_int_equal(bundle_add(bundle, longest, &none, NULL), HM_E_USAGE);
	longest[BUNDLE_NAME_MAX] = '\0';
	assert_int_equal(bundle_add(bundle, longest, &none, NULL), HM_OK);
	assert_int_equal(bundle_add(bundle, longest, &none, NULL), HM_E_USAGE);
	assert_int_equal(bundle_add(bundle, "..a/b.bin", &none, NULL), HM_OK);
	bundle_free(bundle);
	how.count = 0;
	assert_int_equal(bundle_begin(&how, out, &bundle, NULL), HM_E_USAGE);
	how.count = 2; /* the same twice */
	assert_int_equal(bundle_begin(&how, out, &bundle, NULL), HM_E_USAGE);
}

static hm_err
take(void *context, const char *name, const struct input *file)
{
	(void)context;
	(void)name;
	(void)file;
	return HM_OK;
}

static void
takes_archives_of_its_own_form_only(void **state)
{
	static uint8_t archive[4 * TAR_BLOCK];
	struct tar_item item = { .name = "a", .size = 3, .mtime_s = 7 };
	struct input in = input_of(HM_BYTES(archive));

	(void)state;
	tar_write(&item, archive);
	memcpy(archive + TAR_BLOCK, "abc", 3);
	assert_int_equal(bundle_files(&in, take, NULL, NULL), HM_OK);
	for (size_t i = 0; i < sizeof(archive); i++) {
		hm_err want = i >= TAR_BLOCK && i < TAR_BLOCK + 3
				  ? HM_OK
				  : HM_E_IMAGE_FIELD;

		archive[i] ^= 1;
		assert_int_equal(bundle_files(&in, take, NULL, NULL), want);
		archive[i] ^= 1;
	}
	for (size_t n = 0; n < sizeof(archive); n++) {
		in.size = n;
		assert_int_equal(
		    bundle_files(&in, take, NULL, NULL), HM_E_IMAGE_FIELD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_put_in),
		cmocka_unit_test(opens_for_its_recipients_only),
		cmocka_unit_test(no_byte_of_it_can_be_changed),
		cmocka_unit_test(is_refused_if_cut_off_anywhere),
		cmocka_unit_test(segments_cannot_be_exchanged),
		cmocka_unit_test(takes_good_names_once),
		cmocka_unit_test(takes_archives_of_its_own_form_only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
