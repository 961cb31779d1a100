/* SPDX-License-Identifier: Apache-2.0 */
#include "memport.h"

#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "memflash.h"
#include "picture.h"

static struct picture picture;
static uint8_t spki[4][PICTURE_SPKI_LEN];

static int
fresh(void **unused)
{
	static const uint8_t no_key[65];

	(void)unused;
	memport_reset(1, no_key);
	memflash_reset();
	for (uint8_t i = 1; i < 4; i++) {
		picture_spki(i, spki[i]);
		flash.publics[i] = HM_BYTES(spki[i]);
	}
	memflash_trust(2, HM_BYTES(spki[1]));
	return 0;
}

/* The verdict on what stands in slot A; agreed with by both entrances. */
static hm_err
judged(hm_area area, struct hm_image *ret)
{
	hm_err err = HM_OK;
	hm_verdict verdict = hm_image_verify(area, ret, &err);

	if (err == HM_OK)
		assert_int_equal(verdict, HM_VERDICT_YES);
	else
		assert_int_equal(verdict, HM_VERDICT_NO);
	return err;
}

static hm_err
judged_how(const struct picture_how *how)
{
	struct hm_image image;

	picture_make(&picture, how);
	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	return judged(HM_AREA_SLOT_A, &image);
}

/* The same picture as an announcement: all but the payload is judged. */
static hm_err
announced(struct hm_image *ret)
{
	hm_err err = hm_image_parse(
	    picture.bytes, picture_tlvs(&picture), flash.size, ret);

	if (err != HM_OK)
		return err;
	ret->area = HM_AREA_SLOT_A;
	if (hm_image_signed(ret, picture_tlvs(&picture), &err) ==
	    HM_VERDICT_YES)
		return HM_OK;
	assert_int_not_equal(err, HM_OK);
	return err;
}

static void
takes_an_image_and_tells_what_it_is(void **unused)
{
	struct picture_how how = picture_good();
	struct hm_image image, stated;
	uint8_t digest[32];

	(void)unused;
	picture_make(&picture, &how);
	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_OK);
	hm_sha256((struct hm_bytes){ picture.bytes, picture.area }, digest);
	assert_memory_equal(image.digest, digest, 32);
	assert_int_equal(image.area, HM_AREA_SLOT_A);
	assert_int_equal(image.key, 2);
	assert_int_equal(image.counter, 7);
	assert_int_equal(image.header_len, 64);
	assert_int_equal(image.payload_len, 1000);
	assert_int_equal(image.size, picture.len);
	assert_int_equal(image.load_addr, 0x08020000);
	assert_int_equal(image.role, HM_ROLE_PRODUCT);
	assert_int_equal(image.version.revision, 3);
	assert_int_equal(image.version.build, 4);
	assert_int_equal(announced(&stated), HM_OK);
	assert_memory_equal(&stated, &image, sizeof(image));
}

static void
reads_without_judging(void **unused)
{
	struct picture_how how = picture_good();
	struct hm_image image;

	(void)unused;
	picture_make(&picture, &how);
	picture.bytes[picture.signature + 9] ^= 1;
	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	assert_int_equal(hm_image_read(HM_AREA_SLOT_A, &image), HM_OK);
	assert_int_equal(image.counter, 7);
	assert_memory_equal(image.digest, picture.bytes + picture.hash, 32);
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_E_IMAGE_SIGNATURE);
	assert_int_equal(hm_image_read(HM_AREA_SLOT_B, &image), HM_E_NOT_FOUND);
	flash.no_factory = true;
	assert_int_equal(
	    hm_image_read(HM_AREA_FACTORY, &image), HM_E_NOT_FOUND);
}

static void
a_failed_read_is_an_error_wherever_it_happens(void **unused)
{
	struct picture_how how = picture_good();
	unsigned count = 0;

	(void)unused;
	assert_int_equal(judged_how(&how), HM_OK);
	count = flash.reads;
	for (unsigned i = 1; i <= count; i++) {
		struct hm_image image;
		hm_err err = HM_OK;

		flash.reads = 0;
		flash.fail_at = i;
		assert_int_not_equal(
		    hm_image_verify(HM_AREA_SLOT_A, &image, &err),
		    HM_VERDICT_YES);
		assert_int_equal(err, HM_E_IO);
	}
	assert_true(count >= 16);
}

static void
takes_keys_in_the_image_and_linked_ones(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	how.full_key = true;
	memset(flash.publics, 0, sizeof(flash.publics));
	assert_int_equal(judged_how(&how), HM_OK);
	how.full_key = false;
	assert_int_equal(judged_how(&how), HM_E_IMAGE_UNTRUSTED);
	flash.publics[3] = HM_BYTES(spki[1]);
	assert_int_equal(judged_how(&how), HM_OK);
}

static void
any_row_is_trusted_until_it_is_revoked(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	for (uint32_t row = 0; row < HM_BOOT_KEYS; row++) {
		for (uint32_t i = 0; i < HM_BOOT_KEYS; i++)
			flash.row_errors[i] = HM_E_NOT_FOUND;
		assert_int_equal(judged_how(&how), HM_E_IMAGE_UNTRUSTED);
		memflash_trust(row, HM_BYTES(spki[1]));
		assert_int_equal(judged_how(&how), HM_OK);
		flash.row_errors[row] = HM_E_KEY;
		assert_int_equal(judged_how(&how), HM_E_IMAGE_UNTRUSTED);
	}
}

static void
one_trusted_signature_is_enough_and_a_bad_one_too_many(void **unused)
{
	struct picture_how how = picture_good();
	struct hm_image image;

	(void)unused;
	how.second = true; /* before the other, by a key of no row */
	assert_int_equal(judged_how(&how), HM_OK);
	how.key = 3;
	assert_int_equal(judged_how(&how), HM_E_IMAGE_UNTRUSTED);
	memflash_trust(0, HM_BYTES(spki[2]));
	assert_int_equal(judged_how(&how), HM_OK);
	how.key = 1;
	assert_int_equal(judged_how(&how), HM_OK);
	picture.bytes[picture.signature + 20] ^= 4;
	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_E_IMAGE_SIGNATURE);
	flash.row_errors[2] = HM_E_KEY; /* revoked: looked at no more */
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_OK);
	assert_int_equal(image.key, 0);
}

static void
roles_start_where_they_may(void **unused)
{
	static const struct {
		uint8_t role;
		hm_area area;
		hm_lock lock;
		hm_err err;
	} rows[] = {
		{ 0, HM_AREA_SLOT_B, HM_LOCK_LOCKED, HM_OK },
		{ HM_ROLE_PRODUCT, HM_AREA_SLOT_A, HM_LOCK_OPEN, HM_OK },
		{ HM_ROLE_PRODUCT, HM_AREA_FACTORY, HM_LOCK_OPEN,
		    HM_E_IMAGE_ROLE },
		{ HM_ROLE_MANUFACTURING, HM_AREA_SLOT_A, HM_LOCK_OPEN, HM_OK },
		{ HM_ROLE_MANUFACTURING, HM_AREA_SLOT_A, HM_LOCK_CLOSED,
		    HM_OK },
		{ HM_ROLE_MANUFACTURING, HM_AREA_SLOT_A, HM_LOCK_LOCKED,
		    HM_E_IMAGE_ROLE },
		{ HM_ROLE_MANUFACTURING, HM_AREA_FACTORY, HM_LOCK_OPEN,
		    HM_E_IMAGE_ROLE },
		{ HM_ROLE_FACTORY, HM_AREA_FACTORY, HM_LOCK_LOCKED, HM_OK },
		{ HM_ROLE_FACTORY, HM_AREA_SLOT_A, HM_LOCK_OPEN,
		    HM_E_IMAGE_ROLE },
		{ 0x5B, HM_AREA_SLOT_A, HM_LOCK_OPEN, HM_E_IMAGE_ROLE },
	};
	struct picture_how how = picture_good();
	struct hm_image image;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		how.role = rows[i].role;
		chip.lock = rows[i].lock;
		picture_make(&picture, &how);
		memflash_put(rows[i].area, picture_bytes(&picture));
		assert_int_equal(judged(rows[i].area, &image), rows[i].err);
	}
	how.role = HM_ROLE_MANUFACTURING;
	chip.fail_lock = true;
	assert_int_equal(judged_how(&how), HM_E_IO);
}

static void
the_counter_goes_one_way(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	assert_int_equal(judged_how(&how), HM_OK);
	how.counter = 6;
	assert_int_equal(judged_how(&how), HM_E_COUNTER);
	how.counter = UINT32_MAX;
	assert_int_equal(judged_how(&how), HM_OK);
	how.no_counter = true;
	assert_int_equal(judged_how(&how), HM_E_COUNTER);
	how = picture_good();
	chip.fail_counter = true;
	assert_int_equal(judged_how(&how), HM_E_IO);
}

static void
needs_the_other_images_that_it_names(void **unused)
{
	static const uint8_t needs[12] = { 1, 0, 0, 0, 2, 0, 1, 0, 5, 0, 0, 0 };
	struct picture_how how = picture_good();

	(void)unused;
	how.more = (struct picture_tlv){ 0x40, HM_BYTES(needs) };
	assert_int_equal(judged_how(&how), HM_E_IMAGE_NEEDS);
	flash.has_version[1] = true;
	flash.versions[1] = (struct hm_image_version){ 2, 0, 1, 4 };
	assert_int_equal(judged_how(&how), HM_E_IMAGE_NEEDS);
	flash.versions[1].build = 5;
	assert_int_equal(judged_how(&how), HM_OK);
	flash.versions[1] = (struct hm_image_version){ 3, 0, 0, 0 };
	assert_int_equal(judged_how(&how), HM_OK);
}

static void
versions_have_an_order(void **unused)
{
	static const struct hm_image_version rising[] = { { 0, 0, 0, 0 },
		{ 0, 0, 0, 1 }, { 0, 0, 0, UINT32_MAX }, { 0, 0, 1, 0 },
		{ 0, 0, UINT16_MAX, 0 }, { 0, 1, 0, 0 }, { 0, 255, 0, 0 },
		{ 1, 0, 0, 0 }, { 255, 0, 0, 0 } };
	int count = sizeof(rising) / sizeof(rising[0]);

	(void)unused;
	for (int i = 0; i < count; i++)
		for (int k = 0; k < count; k++)
			assert_int_equal(
			    hm_image_compare(&rising[i], &rising[k]),
			    (i > k) - (i < k));
}

/* What it takes is header and TLVs at once, and far from a whole image. */
static void
the_watchdog_does_not_bite_during_a_verification(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	how.payload_len = 7000;
	flash.patience = HM_IMAGE_HEADER_LEN + HM_IMAGE_TLVS_MAX;
	assert_int_equal(judged_how(&how), HM_OK);
	assert_false(flash.bitten);
	assert_true(flash.reads > 2 * 7000 / HM_FLASH_PIECE);
}

static unsigned inner;

static void
ask_within(void)
{
	struct hm_image image;
	hm_err err = HM_OK;

	inner++;
	assert_int_equal(
	    hm_image_verify(HM_AREA_SLOT_A, &image, &err), HM_VERDICT_NO);
	assert_int_equal(err, HM_E_WRONG_STATE);
	err = HM_OK;
	assert_int_equal(hm_image_signed(&image, picture_tlvs(&picture), &err),
	    HM_VERDICT_NO);
	assert_int_equal(err, HM_E_WRONG_STATE);
}

static void
a_call_from_within_another_disturbs_nothing(void **unused)
{
	struct picture_how how = picture_good();
	struct hm_image image;

	(void)unused;
	picture_make(&picture, &how);
	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	flash.fed = ask_within;
	inner = 0;
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_OK);
	assert_true(inner > 2);
	inner = 0;
	assert_int_equal(announced(&image), HM_OK);
	assert_int_equal(inner, 2);
	flash.fed = NULL;
	assert_int_equal(judged(HM_AREA_SLOT_A, &image), HM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    takes_an_image_and_tells_what_it_is, fresh),
		cmocka_unit_test_setup(reads_without_judging, fresh),
		cmocka_unit_test_setup(
		    a_call_from_within_another_disturbs_nothing, fresh),
		cmocka_unit_test_setup(
		    a_failed_read_is_an_error_wherever_it_happens, fresh),
		cmocka_unit_test_setup(
		    takes_keys_in_the_image_and_linked_ones, fresh),
		cmocka_unit_test_setup(
		    any_row_is_trusted_until_it_is_revoked, fresh),
		cmocka_unit_test_setup(
		    one_trusted_signature_is_enough_and_a_bad_one_too_many,
		    fresh),
		cmocka_unit_test_setup(roles_start_where_they_may, fresh),
		cmocka_unit_test_setup(the_counter_goes_one_way, fresh),
		cmocka_unit_test_setup(
		    needs_the_other_images_that_it_names, fresh),
		cmocka_unit_test_setup(versions_have_an_order, fresh),
		cmocka_unit_test_setup(
		    the_watchdog_does_not_bite_during_a_verification, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
