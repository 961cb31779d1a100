/* SPDX-License-Identifier: Apache-2.0 */
/* Altered images: each class of byte, and the error that names its cause. */
#include "memport.h"

#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "image_parts.h"
#include "memflash.h"
#include "picture.h"

static struct picture picture;
static uint8_t spki[3][PICTURE_SPKI_LEN];

static int
fresh(void **unused)
{
	static const uint8_t no_key[65];

	(void)unused;
	memport_reset(1, no_key);
	memflash_reset();
	for (uint8_t i = 1; i < 3; i++) {
		picture_spki(i, spki[i]);
		flash.publics[i] = HM_BYTES(spki[i]);
	}
	memflash_trust(0, HM_BYTES(spki[1]));
	return 0;
}

static hm_err
judged(void)
{
	struct hm_image image;
	hm_err err = HM_OK;
	hm_verdict verdict;

	memflash_put(HM_AREA_SLOT_A, picture_bytes(&picture));
	verdict = hm_image_verify(HM_AREA_SLOT_A, &image, &err);
	assert_int_equal(
	    verdict, err == HM_OK ? HM_VERDICT_YES : HM_VERDICT_NO);
	assert_int_equal(
	    hm_image_verify(HM_AREA_SLOT_A, &image, NULL), verdict);
	return err;
}

static hm_err
announced(void)
{
	struct hm_image image;
	hm_verdict verdict;
	hm_err err;

	HM_TRY(hm_image_parse(
	    picture.bytes, picture_tlvs(&picture), flash.size, &image));
	image.area = HM_AREA_SLOT_A;
	verdict = hm_image_signed(&image, picture_tlvs(&picture), &err);
	assert_int_equal(
	    verdict, err == HM_OK ? HM_VERDICT_YES : HM_VERDICT_NO);
	return err;
}

typedef enum place {
	HEADER,
	PAYLOAD,
	PROTECTED,
	COUNTER,
	AREA,
	HASH,
	KEY,
	SIGNATURE,
	PLACES,
} place;

/* One byte is changed; `told`: what an announcement is told, where that is not
 * the same. What only the hash covers it cannot know yet. */
struct flip {
	const char *what;
	place place;
	int at; /* from there */
	uint8_t mask;
	hm_err err, told;
};
#define NOTHING HM_E_NOT_FOUND /* is told: only the payload denies it */

static const struct flip flips[] = {
	{ "magic", HEADER, 0, 0x01, HM_E_IMAGE_FORMAT, 0 },
	{ "last byte of magic", HEADER, 3, 0x80, HM_E_IMAGE_FORMAT, 0 },
	{ "load address", HEADER, 4, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "top of load address", HEADER, 7, 0x80, HM_E_IMAGE_HASH, 0 },
	{ "header size 65", HEADER, 8, 0x01, HM_E_IMAGE_FIELD, NOTHING },
	{ "header size 31", HEADER, 8, 0x5F, HM_E_IMAGE_FIELD, 0 },
	{ "header size 0", HEADER, 8, 0x40, HM_E_IMAGE_FIELD, 0 },
	{ "header size 65344", HEADER, 9, 0xFF, HM_E_IMAGE_PLACE, 0 },
	{ "protected size 13", HEADER, 10, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "protected size 0", HEADER, 10, 0x0C, HM_E_IMAGE_FIELD, 0 },
	{ "protected size 2", HEADER, 10, 0x0E, HM_E_IMAGE_FIELD, 0 },
	{ "protected size 65292", HEADER, 11, 0xFF, HM_E_IMAGE_PLACE,
	    HM_E_IMAGE_SHORT },
	{ "payload size 1001", HEADER, 12, 0x01, HM_E_IMAGE_FIELD, NOTHING },
	{ "payload size of the slot", HEADER, 13, 0xFC, HM_E_IMAGE_PLACE, 0 },
	{ "payload size 2 GiB", HEADER, 15, 0x80, HM_E_IMAGE_PLACE, 0 },
	{ "flag: position-independent", HEADER, 16, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "flag: unknown", HEADER, 16, 0x02, HM_E_IMAGE_FIELD, 0 },
	{ "flag: AES-128", HEADER, 16, 0x04, HM_E_IMAGE_FIELD, 0 },
	{ "flags: AES-128 and AES-256", HEADER, 16, 0x0C, HM_E_IMAGE_FIELD, 0 },
	{ "flag: not bootable", HEADER, 16, 0x10, HM_E_IMAGE_FIELD, 0 },
	{ "flag: copied to RAM", HEADER, 16, 0x20, HM_E_IMAGE_HASH, 0 },
	{ "flag: fixed address", HEADER, 17, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "flag: compressed", HEADER, 17, 0x04, HM_E_IMAGE_FIELD, 0 },
	{ "top of flags", HEADER, 19, 0x80, HM_E_IMAGE_FIELD, 0 },
	{ "version, major", HEADER, 20, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "version, minor", HEADER, 21, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "version, revision", HEADER, 22, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "version, build", HEADER, 27, 0x80, HM_E_IMAGE_HASH, 0 },
	{ "pad of the header", HEADER, 28, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "bytes behind the header", HEADER, 63, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "first byte of the payload", PAYLOAD, 0, 0x01, HM_E_IMAGE_HASH, 0 },
	{ "middle of the payload", PAYLOAD, 500, 0x10, HM_E_IMAGE_HASH, 0 },
	{ "last byte of the payload", PAYLOAD, 999, 0x80, HM_E_IMAGE_HASH, 0 },
	{ "protected magic", PROTECTED, 0, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "protected total", PROTECTED, 2, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "counter's type", COUNTER, -4, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "counter's length", COUNTER, -2, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "counter raised", COUNTER, 0, 0x08, HM_E_IMAGE_HASH, 0 },
	{ "counter lowered", COUNTER, 0, 0x01, HM_E_COUNTER, 0 },
	{ "area's magic", AREA, 0, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "area's total 1 off", AREA, 2, 0x01, HM_E_IMAGE_FIELD,
	    HM_E_IMAGE_SHORT },
	{ "area's total 32 KiB", AREA, 3, 0x80, HM_E_TOO_LARGE,
	    HM_E_IMAGE_SHORT },
	{ "hash's type", HASH, -4, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "hash's length", HASH, -2, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "hash", HASH, 0, 0x01, HM_E_IMAGE_HASH, HM_E_IMAGE_SIGNATURE },
	{ "end of the hash", HASH, 31, 0x80, HM_E_IMAGE_HASH,
	    HM_E_IMAGE_SIGNATURE },
	{ "key's type", KEY, -4, 0x02, HM_E_IMAGE_FIELD, 0 },
	{ "hash becomes key", KEY, -4, 0x03, HM_E_IMAGE_UNTRUSTED, 0 },
	{ "key's length", KEY, -2, 0x10, HM_E_IMAGE_FIELD, 0 },
	{ "key", KEY, 0, 0x01, HM_E_IMAGE_UNTRUSTED, 0 },
	{ "end of the key", KEY, 31, 0x80, HM_E_IMAGE_UNTRUSTED, 0 },
	{ "signature's type", SIGNATURE, -4, 0x03, HM_E_IMAGE_FIELD, 0 },
	{ "signature's length", SIGNATURE, -2, 0x01, HM_E_IMAGE_FIELD, 0 },
	{ "signature: sequence", SIGNATURE, 0, 0x01, HM_E_IMAGE_SIGNATURE, 0 },
	{ "signature: length", SIGNATURE, 1, 0x01, HM_E_IMAGE_SIGNATURE, 0 },
	{ "signature: integer", SIGNATURE, 2, 0x01, HM_E_IMAGE_SIGNATURE, 0 },
	{ "signature: its length", SIGNATURE, 3, 1, HM_E_IMAGE_SIGNATURE, 0 },
	{ "signature: r", SIGNATURE, 20, 0x01, HM_E_IMAGE_SIGNATURE, 0 },
	{ "signature: s", SIGNATURE, 60, 0x01, HM_E_IMAGE_SIGNATURE, 0 },
};

static size_t
place_of(place where)
{
	const size_t at[PLACES] = { [PAYLOAD] = picture.payload,
		[PROTECTED] = picture.protected_area,
		[COUNTER] = picture.counter,
		[AREA] = picture.area,
		[HASH] = picture.hash,
		[KEY] = picture.key,
		[SIGNATURE] = picture.signature };

	return at[where];
}

static void
each_altered_byte_is_refused_with_its_cause(void **unused)
{
	const struct picture_how how = picture_good();
	const struct flip *flip;
	hm_err told;

	(void)unused;
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_OK);
	assert_int_equal(announced(), HM_OK);
	for (size_t i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
		flip = &flips[i];
		picture_make(&picture, &how);
		picture.bytes[place_of(flip->place) + (size_t)flip->at] ^=
		    flip->mask;
		told = flip->err == HM_E_IMAGE_HASH ? HM_OK : flip->err;
		if (flip->told != 0)
			told = flip->told == NOTHING ? HM_OK : flip->told;
		print_message("%s\n", flip->what);
		assert_int_equal(judged(), flip->err);
		assert_int_equal(announced(), told);
	}
}

/* Every bit of header, TLVs and a part of the payload: never accepted. */
static void
no_single_bit_can_change(void **unused)
{
	const struct picture_how how = picture_good();

	(void)unused;
	picture_make(&picture, &how);
	for (size_t at = 0; at < picture.len; at++) {
		if (at >= 64 + 8 && at < picture.area - 12 - 8)
			at = picture.area - 12 - 8;
		for (unsigned bit = at % BITS_APART; bit < 8;
		     bit += BITS_APART) {
			picture.bytes[at] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(judged(), HM_OK);
			picture.bytes[at] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(judged(), HM_OK);
}

static void
what_is_cut_off_is_refused(void **unused)
{
	const struct picture_how how = picture_good();
	size_t whole;

	(void)unused;
	picture_make(&picture, &how);
	whole = picture.len;
	for (picture.len = whole - 1; picture.len > picture.area - 20;
	     picture.len--) {
		assert_int_not_equal(judged(), HM_OK);
		if (picture.len > picture.area)
			assert_int_not_equal(announced(), HM_OK);
	}
	picture.len = whole + 1;
	assert_int_equal(announced(), HM_E_IMAGE_TRAILING);
	picture.len = whole;
	assert_int_equal(announced(), HM_OK);
	flash.size = (uint32_t)whole;
	assert_int_equal(judged(), HM_OK);
	flash.size = (uint32_t)whole - 1;
	assert_int_equal(judged(), HM_E_IMAGE_PLACE);
}

/* Signed as it is by the right key, and refused nevertheless. */
struct wrong {
	const char *what;
	bool is_protected;
	struct picture_tlv tlv;
	hm_err err;
};

static const uint8_t zeros[600];
#define OF(length)              \
	{                       \
		zeros, (length) \
	}

static const struct wrong wrongs[] = {
	{ "UUID of the vendor", true, { 0x74, OF(16) }, HM_OK },
	{ "UUID of the class", true, { 0x75, OF(16) }, HM_OK },
	{ "boot record", true, { 0x60, OF(77) }, HM_OK },
	{ "vendor's own", true, { 0x00A0, OF(5) }, HM_OK },
	{ "vendor's own, of another page", true, { 0x49FE, OF(0) }, HM_OK },
	{ "UUID too short", true, { 0x74, OF(15) }, HM_E_IMAGE_FIELD },
	{ "ours, unknown", true, { 0x48A2, OF(1) }, HM_E_IMAGE_FIELD },
	{ "rotation, too short", true, { 0x48A1, OF(1) }, HM_E_IMAGE_FIELD },
	{ "rotation, too long", true, { 0x48A1, OF(259) }, HM_E_IMAGE_FIELD },
	{ "unknown, protected", true, { 0x76, OF(4) }, HM_E_IMAGE_FIELD },
	{ "second counter", true, { 0x50, OF(4) }, HM_E_IMAGE_FIELD },
	{ "key in the protected area", true, { 0x02, OF(9) },
	    HM_E_IMAGE_FIELD },
	{ "hash in the protected area", true, { 0x10, OF(32) },
	    HM_E_IMAGE_FIELD },
	{ "compressed size", true, { 0x70, OF(4) }, HM_E_IMAGE_FIELD },
	{ "dependency too long", true, { 0x40, OF(13) }, HM_E_IMAGE_FIELD },
	{ "role of no bytes", true, { 0x48A0, OF(0) }, HM_E_IMAGE_FIELD },
	{ "role zero", true, { 0x48A0, OF(1) }, HM_E_IMAGE_ROLE },
	{ "too many bytes of TLVs", true, { 0x00A0, OF(600) }, HM_OK },
	{ "vendor's own, unprotected", false, { 0x00A0, OF(5) },
	    HM_E_IMAGE_FIELD },
	{ "counter, unprotected", false, { 0x50, OF(4) }, HM_E_IMAGE_FIELD },
	{ "role, unprotected", false, { 0x48A0, OF(1) }, HM_E_IMAGE_FIELD },
	{ "dependency, unprotected", false, { 0x40, OF(12) },
	    HM_E_IMAGE_FIELD },
	{ "second hash", false, { 0x10, OF(32) }, HM_E_IMAGE_FIELD },
	{ "second hash, longer", false, { 0x12, OF(64) }, HM_E_IMAGE_FIELD },
	{ "pure", false, { 0x25, OF(1) }, HM_E_IMAGE_FIELD },
	{ "key of no signature", false, { 0x02, OF(91) }, HM_E_IMAGE_FIELD },
	{ "signature of no key", false, { 0x22, OF(70) }, HM_E_IMAGE_FIELD },
	{ "wrapped key, not encrypted", false, { 0x32, OF(113) },
	    HM_E_IMAGE_FIELD },
	{ "key wrapped otherwise", false, { 0x31, OF(24) }, HM_E_IMAGE_FIELD },
	{ "ECDSA of 224 bits", false, { 0x21, OF(60) }, HM_E_IMAGE_FIELD },
};

static void
tlvs_that_do_not_belong_are_refused(void **unused)
{
	struct picture_how how;

	(void)unused;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		how = picture_good();
		if (wrongs[i].is_protected)
			how.more = wrongs[i].tlv;
		else
			how.open = wrongs[i].tlv;
		picture_make(&picture, &how);
		print_message("%s\n", wrongs[i].what);
		assert_int_equal(judged(), wrongs[i].err);
		assert_int_equal(announced(), wrongs[i].err);
	}
}

static void
long_areas_are_refused_before_they_are_read(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	how.more = (struct picture_tlv){ 0x00A0, OF(600) };
	how.open = (struct picture_tlv){ 0x02, OF(400) };
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_TOO_LARGE);
	assert_int_equal(announced(), HM_E_TOO_LARGE);
}

static void
signatures_and_sizes_that_are_not_there(void **unused)
{
	struct picture_how how = picture_good();

	(void)unused;
	how.no_signature = true;
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_IMAGE_UNTRUSTED);
	how = picture_good();
	how.payload_len = 0;
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_IMAGE_FIELD);
	how = picture_good();
	how.payload_len = 1008;
	how.flags = HM_IMAGE_ENC_AES128;
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_IMAGE_FIELD);
	how.open = (struct picture_tlv){ 0x32, OF(129) };
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_IMAGE_FIELD);
	how.open = (struct picture_tlv){ 0x32, OF(113) };
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_OK);
	how.payload_len = 1000;
	picture_make(&picture, &how);
	assert_int_equal(judged(), HM_E_IMAGE_FIELD);
}

/* A curve of 8 bits, so to speak: numbers of two bytes. */
static void
signatures_have_one_form(void **unused)
{
	static const struct {
		uint8_t len, der[12];
		bool good;
	} rows[] = {
		{ 8, { 0x30, 6, 2, 1, 1, 2, 1, 0x7F }, true },
		{ 10, { 0x30, 8, 2, 2, 1, 0, 2, 2, 0x7F, 0xFF }, true },
		{ 11, { 0x30, 9, 2, 3, 0, 0x80, 0, 2, 2, 1, 2 }, true },
		{ 9, { 0x30, 7, 2, 2, 0, 0x80, 2, 1, 1 }, true },
		{ 8, { 0x31, 6, 2, 1, 1, 2, 1, 1 }, false },
		{ 8, { 0x30, 5, 2, 1, 1, 2, 1, 1 }, false },
		{ 8, { 0x30, 7, 2, 1, 1, 2, 1, 1 }, false },
		{ 9, { 0x30, 7, 2, 1, 1, 2, 1, 1, 0 }, false },
		{ 9, { 0x30, 6, 2, 1, 1, 2, 1, 1, 0 }, false },
		{ 9, { 0x30, 0x81, 6, 2, 1, 1, 2, 1, 1 }, false },
		{ 8, { 0x30, 6, 2, 1, 0, 2, 1, 1 }, false },    /* zero */
		{ 8, { 0x30, 6, 2, 1, 0x80, 2, 1, 1 }, false }, /* below zero */
		{ 9, { 0x30, 7, 2, 2, 0, 1, 2, 1, 1 }, false }, /* longer */
		{ 11, { 0x30, 9, 2, 3, 1, 2, 3, 2, 2, 1, 2 }, false },
		{ 12, { 0x30, 10, 2, 4, 0, 0x80, 1, 2, 2, 2, 1, 2 }, false },
		{ 7, { 0x30, 5, 2, 0, 2, 1, 1 }, false },
		{ 8, { 0x30, 6, 2, 1, 1, 3, 1, 1 }, false },
		{ 8, { 0x30, 6, 2, 1, 1, 2, 2, 1 }, false },
		{ 5, { 0x30, 3, 2, 1, 1 }, false },
		{ 7, { 0x30, 5, 2, 1, 1, 2, 1 }, false },
		{ 2, { 0x30, 0 }, false },
		{ 1, { 0x30 }, false },
		{ 0, { 0 }, false },
	};
	uint8_t plain[4];

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    image_ecdsa_plain(
			(struct hm_bytes){ rows[i].der, rows[i].len }, 2,
			plain),
		    rows[i].good);
	assert_true(image_ecdsa_plain(
	    (struct hm_bytes){ rows[3].der, rows[3].len }, 2, plain));
	assert_memory_equal(plain, ((uint8_t[]){ 0, 0x80, 0, 1 }), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    each_altered_byte_is_refused_with_its_cause, fresh),
		cmocka_unit_test_setup(no_single_bit_can_change, fresh),
		cmocka_unit_test_setup(what_is_cut_off_is_refused, fresh),
		cmocka_unit_test_setup(
		    tlvs_that_do_not_belong_are_refused, fresh),
		cmocka_unit_test_setup(
		    long_areas_are_refused_before_they_are_read, fresh),
		cmocka_unit_test_setup(
		    signatures_and_sizes_that_are_not_there, fresh),
		cmocka_unit_test_setup(signatures_have_one_form, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
