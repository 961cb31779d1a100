/* SPDX-License-Identifier: Apache-2.0 */
/* mcuboot: what the vectors do not have; slots, words, signers that lie */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <ctype.h>
#include <string.h>

#include "base/auto.h"
#include "image/ihex.h"
#include "image/ihex_digits.h"
#include "image/mcuboot_parts.h"
#include "image/mcuboot_text.h"

#define OUT_MAX (1u << 20)

static struct pkey *p256, *ed25519, *x25519;
static uint8_t payload[1000];

static int
make_keys(void **state)
{
	(void)state;
	assert_int_equal(pkey_generate(PKEY_P256, 0, &p256), HM_OK);
	assert_int_equal(pkey_generate(PKEY_ED25519, 0, &ed25519), HM_OK);
	assert_int_equal(pkey_generate(PKEY_X25519, 0, &x25519), HM_OK);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + 1);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	pkey_free(p256);
	pkey_free(ed25519);
	pkey_free(x25519);
	return 0;
}

static struct mcuboot_sign
plain_sign(struct pkey *key)
{
	struct mcuboot_sign how = { .header_size = 64,
		.pad_header = true,
		.version = { 1, 2, 3, 4 },
		.slot = { .erased = 0xFF },
		.signer_count = 1 };

	how.signers[0] = image_signer_of(key);
	return how;
}

static hm_err
sign(const struct mcuboot_sign *how, struct output **out, struct why *why)
{
	struct input input = input_of(HM_BYTES(payload));
	struct mcuboot_made made;
	hm_err err;

	assert_int_equal(output_memory(OUT_MAX, out), HM_OK);
	err = mcuboot_sign(how, &input, *out, &made, why);
	if (err == HM_OK)
		mcuboot_made_done(&made);
	return err;
}

static hm_err
judge(struct output *out, struct pkey *trusted, uint64_t slot, struct why *why)
{
	struct image_keys keys = { .trusted = { trusted },
		.trusted_count = trusted == NULL ? 0 : 1,
		.decrypt = x25519 };
	const struct mcuboot_verify how = { .keys = &keys, .slot_size = slot };
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input input;

	AUTO_FINDINGS struct findings *read = NULL;

	*why = (struct why){ 0 };
	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(findings_new("mcuboot", &read), HM_OK);
	assert_int_equal(output_input(out, &input), HM_OK);
	assert_int_equal(mcuboot_verify(&how, &input, findings), HM_OK);
	input.known = NULL; /* as if it came from a disk */
	assert_int_equal(mcuboot_verify(&how, &input, read), HM_OK);
	assert_int_equal(
	    findings_verdict(findings, NULL), findings_verdict(read, NULL));
	return findings_verdict(findings, why);
}

/* ---- slots ---- */

static void
counts_trailers_as_the_boot_code_does(void **state)
{
	static const struct {
		struct mcuboot_slot slot;
		unsigned bits;
		size_t enctlv;
		uint64_t size;
	} rows[] = {
		/* status 128 x 3 x 8, four fields of 8, magic 16 */
		{ { .align = 8 }, 0, 0, 3072 + 32 + 16 },
		{ { .align = 8, .sectors = 16 }, 0, 0, 384 + 32 + 16 },
		{ { .align = 1, .sectors = 16 }, 0, 0, 48 + 32 + 16 },
		{ { .align = 16, .sectors = 16 }, 0, 0, 768 + 64 + 16 },
		{ { .align = 32, .sectors = 16 }, 0, 0, 1536 + 128 + 32 },
		{ { .align = 4, .max_align = 32, .sectors = 1 }, 0, 0,
		    12 + 128 + 32 },
		/* keys: 16 and, unlike imgtool, 32 bytes */
		{ { .align = 8, .sectors = 16 }, 128, 113, 432 + 32 },
		{ { .align = 8, .sectors = 16 }, 256, 129, 432 + 64 },
		{ { .align = 32, .sectors = 16 }, 128, 113, 1696 + 64 },
		{ { .align = 8, .sectors = 16, .save_enctlv = true }, 128, 113,
		    432 + 2 * 120 },
		{ { .align = 8, .overwrite_only = true }, 256, 129, 32 },
		{ { .align = 32, .overwrite_only = true }, 0, 0, 96 },
		/* by offset: status 128 x 2 x 8, five fields */
		{ { .align = 8, .offset = 4096 }, 0, 0, 2048 + 40 + 16 },
		{ { .align = 32, .sectors = 16, .offset = 4096 }, 128, 113,
		    1024 + 160 + 32 + 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(mcuboot_trailer_size(&rows[i].slot,
				     rows[i].bits, rows[i].enctlv),
		    rows[i].size);
}

static void
fills_a_slot_to_the_last_byte_and_no_further(void **state)
{
	struct mcuboot_sign how = plain_sign(ed25519);
	AUTO_OUTPUT struct output *out = NULL, *full = NULL, *none = NULL;
	struct why why = { 0 };
	uint64_t size;

	(void)state;
	assert_int_equal(sign(&how, &out, &why), HM_OK);
	size = output_size(out) + 384 + 32 + 16;
	how.slot.sectors = 16;
	how.slot.confirm = true;
	how.slot.size = size;
	assert_int_equal(sign(&how, &full, &why), HM_OK);
	assert_int_equal(output_size(full), size);
	assert_int_equal(judge(full, ed25519, size, &why), HM_OK);
	assert_int_equal(judge(full, ed25519, 0, &why), HM_OK);
	assert_int_equal(
	    judge(full, ed25519, size + 1, &why), HM_E_IMAGE_TRAILING);
	assert_int_equal(
	    judge(full, ed25519, size - 1, &why), HM_E_IMAGE_PLACE);
	how.slot.size--;
	why = (struct why){ 0 };
	assert_int_equal(sign(&how, &none, &why), HM_E_IMAGE_PLACE);
	assert_non_null(strstr(why.text, "a trailer of 432"));
	/* by offset: a sector stays free, two states in place of three */
	how.slot.offset = 4096;
	how.slot.size = output_size(out) + 4096 + 256 + 40 + 16;
	output_free(full);
	full = NULL;
	assert_int_equal(sign(&how, &full, &why), HM_OK);
	assert_int_equal(judge(full, ed25519, how.slot.size, &why), HM_OK);
	how.slot.size--;
	output_free(none);
	none = NULL;
	assert_int_equal(sign(&how, &none, &why), HM_E_IMAGE_PLACE);
	how.slot.overwrite_only = true;
	output_free(none);
	none = NULL;
	assert_int_equal(sign(&how, &none, &why), HM_E_USAGE);
}

/* One byte of a confirmed slot of 4096 bytes, its trailer at the end. */
static hm_err
change_slot(uint64_t at, uint8_t value, struct why *why)
{
	struct mcuboot_sign how = plain_sign(ed25519);
	AUTO_OUTPUT struct output *out = NULL;

	how.slot.size = 4096;
	how.slot.sectors = 16;
	how.slot.confirm = true;
	assert_int_equal(sign(&how, &out, NULL), HM_OK);
	assert_int_equal(
	    output_put(out, at, (struct hm_bytes){ &value, 1 }), HM_OK);
	return judge(out, ed25519, 4096, why);
}

static void
knows_a_slots_rest_from_data(void **state)
{
	struct why why;

	(void)state;
	/* states of the boot loader's fields are said, not judged */
	assert_int_equal(change_slot(4096 - 24, 0x03, &why), HM_OK);
	assert_int_equal(change_slot(4096 - 32, 0x01, &why), HM_OK);
	assert_int_equal(change_slot(4096 - 40, 0x02, &why), HM_OK);
	assert_int_equal(change_slot(4096 - 1, 0x00, &why), HM_OK);
	/* anything between is data */
	assert_int_equal(
	    change_slot(4096 - 23, 0x01, &why), HM_E_IMAGE_TRAILING);
	assert_int_equal(
	    change_slot(4096 - 41, 0x00, &why), HM_E_IMAGE_TRAILING);
	assert_int_equal(change_slot(2000, 0x00, &why), HM_E_IMAGE_TRAILING);
	assert_non_null(strstr(why.text, "not all erased"));
}

/* ---- settings ---- */

static void
refuses(const struct mcuboot_sign *how, hm_err err, const char *words)
{
	AUTO_OUTPUT struct output *out = NULL;
	struct why why = { 0 };

	assert_int_equal(sign(how, &out, &why), err);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, why.text);
}

static void
refuses_what_does_not_go_together(void **state)
{
	static struct mcuboot_sign plain, how;

	(void)state;
	plain = how = plain_sign(p256);
	how.signer_count = 0;
	refuses(&how, HM_E_USAGE, "mere hash");
	how = plain;
	how.header_size = 31;
	refuses(&how, HM_E_USAGE, "32 to 65535");
	how = plain;
	how.ram_load = how.rom_fixed = true;
	refuses(&how, HM_E_USAGE, "exclude each other");
	how = plain;
	how.extras[how.extra_count++].type = 0x9F;
	refuses(&how, HM_E_USAGE, "not a vendor's");
	how.extras[0].type = 0xFF;
	refuses(&how, HM_E_USAGE, "not a vendor's");
	how.extras[0].type = how.extras[1].type = 0x12A0;
	how.extra_count = 2;
	refuses(&how, HM_E_USAGE, "given twice");
	how = plain;
	how.slot = (struct mcuboot_slot){
		.size = 8192, .overwrite_only = true, .confirm = true
	};
	refuses(&how, HM_E_USAGE, "no effect with overwrite-only");
	how.slot = (struct mcuboot_slot){ .confirm = true };
	refuses(&how, HM_E_USAGE, "size of the slot");
	how.slot = (struct mcuboot_slot){ .align = 3 };
	refuses(&how, HM_E_USAGE, "align is");
	how.slot = (struct mcuboot_slot){ .align = 16, .max_align = 8 };
	refuses(&how, HM_E_USAGE, "max-align");
	how = plain;
	how.clear = true;
	refuses(&how, HM_E_USAGE, "clear goes with");
	how.sealing = (struct mcuboot_sealing){ .to = x25519, .bits = 192 };
	refuses(&how, HM_E_USAGE, "128 or 256");
	how.sealing = (struct mcuboot_sealing){ .to = ed25519, .bits = 128 };
	refuses(&how, HM_E_KEY, "no image is encrypted for");
	how.sealing =
	    (struct mcuboot_sealing){ .bits = 256, .kek = { payload, 16 } };
	refuses(&how, HM_E_KEY, "as long as the payload key");
}

static void
refuses_keys_that_no_boot_loader_takes_together(void **state)
{
	static struct mcuboot_sign how;

	(void)state;
	how = plain_sign(p256);
	how.signers[how.signer_count++] = image_signer_of(ed25519);
	refuses(&how, HM_E_IMAGE_MIXED, "one kind");
	how.signers[1] = image_signer_of(p256);
	refuses(&how, HM_E_USAGE, "same key twice");
	how = plain_sign(p256);
	how.hash = HASH_SHA512;
	refuses(&how, HM_E_IMAGE_MIXED, "sha512 does not go with");
	how.hash = 0;
	how.pure = true;
	refuses(&how, HM_E_IMAGE_MIXED, "does not go with");
	how = plain_sign(x25519);
	refuses(&how, HM_E_KEY, "checks no signature by");
}

static void
refuses_a_payload_that_is_none(void **state)
{
	struct mcuboot_sign how = plain_sign(p256);
	AUTO_OUTPUT struct output *out = NULL, *other = NULL;
	struct input empty = input_of((struct hm_bytes){ 0 }), twice;
	struct mcuboot_made made;
	struct why why = { 0 };

	(void)state;
	assert_int_equal(output_memory(OUT_MAX, &other), HM_OK);
	assert_int_equal(
	    mcuboot_sign(&how, &empty, other, &made, NULL), HM_E_IMAGE_EMPTY);
	assert_int_equal(sign(&how, &out, NULL), HM_OK);
	assert_int_equal(output_input(out, &twice), HM_OK);
	assert_int_equal(
	    mcuboot_sign(&how, &twice, other, &made, NULL), HM_E_IMAGE_SIGNED);
	how.pad_header = false;
	refuses(&how, HM_E_IMAGE_FIELD, "not zeros");
	how.header_size = sizeof(payload);
	refuses(&how, HM_E_IMAGE_EMPTY, "no more than the header");
	assert_int_equal(output_size(other), 0);
	(void)why;
}

/* ---- signers and verifiers ---- */

static hm_err
lies(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	(void)context;
	(void)input;
	(void)why;
	memset(room.ptr, 0x55, 64);
	*ret_len = 64;
	return HM_OK;
}

static void
takes_no_signature_that_does_not_verify(void **state)
{
	struct mcuboot_sign how = plain_sign(ed25519);

	(void)state;
	how.signers[0].sign = lies;
	refuses(&how, HM_E_TOKEN_WRONG, "does not verify");
}

/* A signer that wants all of the message, as a token does, makes the same
 * signature as one that takes it by walks. */
static void
signs_the_image_itself_at_once_and_by_walks(void **state)
{
	static uint8_t large[400000];
	struct input input = input_of(HM_BYTES(large));
	struct mcuboot_sign how = plain_sign(ed25519);
	struct mcuboot_made made;
	struct input all[2];
	struct output *outs[2];
	struct why why;

	(void)state;
	how.pure = true;
	for (size_t i = 0; i < 2; i++) {
		how.signers[0].takes_stream = i == 0;
		assert_int_equal(output_memory(OUT_MAX, &outs[i]), HM_OK);
		assert_int_equal(
		    mcuboot_sign(&how, &input, outs[i], &made, NULL), HM_OK);
		mcuboot_made_done(&made);
		assert_int_equal(judge(outs[i], ed25519, 0, &why), HM_OK);
		assert_int_equal(output_input(outs[i], &all[i]), HM_OK);
	}
	assert_int_equal(all[0].size, all[1].size);
	assert_memory_equal(
	    all[0].bytes.ptr, all[1].bytes.ptr, (size_t)all[0].size);
	output_free(outs[0]);
	output_free(outs[1]);
}

static hm_err
walk_nothing(void *context, input_walker *each, void *each_context)
{
	(void)context;
	(void)each;
	(void)each_context;
	return HM_E_BUG; /* it is not asked */
}

static void
gives_no_message_beyond_its_limit_to_a_token(void **state)
{
	const struct ed25519_message message = { IMAGE_LOADED_MAX + 1,
		walk_nothing, NULL };
	const struct pkey_input input = {
		.scheme = PKEY_EDDSA, .hash = HASH_SHA512, .stream = &message
	};
	struct image_signer signer = image_signer_of(ed25519);
	uint8_t room[PKEY_SIGNATURE_MAX];
	struct why why = { 0 };
	size_t len;

	(void)state;
	signer.takes_stream = false;
	assert_int_equal(
	    image_sign(&signer, &input, (struct hm_span){ room, sizeof(room) },
		&len, &why),
	    HM_E_TOO_LARGE);
	assert_non_null(strstr(why.text, "16777216 bytes"));
}

/* The image with its pair of key and signature `times` over. */
static void
repeat_signature(struct output *from, size_t times, struct output **ret)
{
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(buf) struct buf area = { 0 };
	struct mcuboot_tlv hash, pair[2];
	struct mcuboot_image image;
	struct input input;

	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(output_input(from, &input), HM_OK);
	assert_int_equal(mcuboot_read(&input, &image, findings), HM_OK);
	assert_true(mcuboot_next(&image, &cursor, &hash));
	assert_true(mcuboot_next(&image, &cursor, &pair[0]));
	assert_true(mcuboot_next(&image, &cursor, &pair[1]));
	assert_int_equal(mcuboot_area_begin(&area, MCUBOOT_AREA_MAGIC), HM_OK);
	assert_int_equal(mcuboot_add(&area, hash.type, hash.value), HM_OK);
	for (size_t i = 0; i < 2 * times; i++)
		assert_int_equal(
		    mcuboot_add(&area, pair[i % 2].type, pair[i % 2].value),
		    HM_OK);
	mcuboot_area_end(&area);
	assert_int_equal(output_memory(OUT_MAX, ret), HM_OK);
	assert_int_equal(output_copy(*ret, &input, 0, image.body_end), HM_OK);
	assert_int_equal(output_add(*ret, buf_bytes(&area)), HM_OK);
	mcuboot_image_done(&image);
}

static void
verifies_so_many_signatures_and_no_more(void **state)
{
	struct mcuboot_sign how = plain_sign(ed25519);
	AUTO_OUTPUT struct output *out = NULL, *most = NULL, *more = NULL;
	struct why why;

	(void)state;
	assert_int_equal(sign(&how, &out, NULL), HM_OK);
	repeat_signature(out, MCUBOOT_SIGNATURES_MAX, &most);
	assert_int_equal(judge(most, ed25519, 0, &why), HM_OK);
	repeat_signature(out, MCUBOOT_SIGNATURES_MAX + 1, &more);
	assert_int_equal(judge(more, ed25519, 0, &why), HM_E_TOO_LARGE);
}

/* ---- words ---- */

static void
reads_versions(void **state)
{
	static const char *const bad[] = { "", ".", "1.", "1.2.3.4", "256",
		"1.256", "1.2.65536", "1.2.3+4294967296", "01", "1.2.3+", "1+2",
		"v1", "1.2 ", "-1" };
	struct mcuboot_version v;

	(void)state;
	assert_int_equal(mcuboot_parse_version(
			     hm_bytes_of("255.1.65535+4294967295"), &v, NULL),
	    HM_OK);
	assert_true(v.major == 255 && v.minor == 1 && v.revision == 65535 &&
		    v.build == UINT32_MAX);
	assert_int_equal(
	    mcuboot_parse_version(hm_bytes_of("3"), &v, NULL), HM_OK);
	assert_true(v.major == 3 && v.minor == 0 && v.build == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mcuboot_parse_version(hm_bytes_of(bad[i]), &v, NULL) !=
		    HM_E_USAGE)
			fail_msg("took version \"%s\"", bad[i]);
}

static void
reads_counters_and_numbers(void **state)
{
	const struct mcuboot_version v = { 1, 2, 3, 4 };
	uint64_t number;
	uint32_t counter;

	(void)state;
	assert_int_equal(
	    mcuboot_parse_counter(HM_LITERAL("auto"), v, &counter, NULL),
	    HM_OK);
	assert_int_equal(counter, 0x01020003);
	assert_int_equal(
	    mcuboot_parse_counter(HM_LITERAL("0xFFFFffff"), v, &counter, NULL),
	    HM_OK);
	assert_int_equal(counter, UINT32_MAX);
	assert_int_equal(
	    mcuboot_parse_counter(HM_LITERAL("4294967296"), v, &counter, NULL),
	    HM_E_USAGE);
	assert_int_equal(
	    mcuboot_parse_number(HM_LITERAL("0x"), 9, &number, NULL),
	    HM_E_USAGE);
	assert_int_equal(
	    mcuboot_parse_number(HM_LITERAL("0x1g"), 99, &number, NULL),
	    HM_E_USAGE);
	assert_int_equal(mcuboot_parse_number(HM_LITERAL("0x10000000000000000"),
			     UINT64_MAX, &number, NULL),
	    HM_E_USAGE);
}

static void
reads_dependencies_and_tlvs(void **state)
{
	static const char *const bad[] = { "1, 2", "(1)", "(1, 2", "x (1, 2)",
		"(1, 2) y", "(256, 1)", "(1, 2.3.4.5)", "()" };
	struct mcuboot_sign how = { 0 };
	uint8_t bytes[4];
	struct hm_span room = { bytes, sizeof(bytes) };

	(void)state;
	assert_int_equal(
	    mcuboot_parse_dependencies(
		HM_LITERAL("(1, 2.0.0+0)  (3,0.9.65535+7)"), &how, NULL),
	    HM_OK);
	assert_int_equal(how.dependency_count, 2);
	assert_int_equal(how.dependencies[1].image, 3);
	assert_int_equal(how.dependencies[1].least.build, 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mcuboot_parse_dependencies(
			hm_bytes_of(bad[i]), &how, NULL) != HM_E_USAGE)
			fail_msg("took dependencies \"%s\"", bad[i]);
	assert_int_equal(
	    mcuboot_parse_extra(HM_LITERAL("0x00a0=0x0123"), &room, &how, NULL),
	    HM_OK);
	assert_int_equal(
	    mcuboot_parse_extra(HM_LITERAL("0xfe=a=b"), &room, &how, NULL),
	    HM_OK);
	assert_int_equal(how.extra_count, 2);
	assert_memory_equal(how.extras[0].value.ptr, "\x01\x23", 2);
	assert_memory_equal(how.extras[1].value.ptr, "a=b", 3);
	assert_int_equal(
	    mcuboot_parse_extra(HM_LITERAL("0xa1=0x012345"), &room, &how, NULL),
	    HM_E_USAGE); /* room for two more */
	assert_int_equal(
	    mcuboot_parse_extra(HM_LITERAL("0xa1=0x1"), &room, &how, NULL),
	    HM_E_USAGE);
	assert_int_equal(
	    mcuboot_parse_extra(HM_LITERAL("0xa1"), &room, &how, NULL),
	    HM_E_USAGE);
	assert_int_equal(how.extra_count, 2);
}

static void
makes_uuids_from_names(void **state)
{
	static const uint8_t vendor[16] = { 0xcf, 0xbf, 0xf0, 0xd1, 0x93, 0x75,
		0x56, 0x85, 0x96, 0x8c, 0x48, 0xce, 0x8b, 0x15, 0xae, 0x17 };
	uint8_t uuid[16];

	(void)state;
	assert_int_equal(
	    mcuboot_parse_uuid(HM_LITERAL("example.com"), NULL, uuid, NULL),
	    HM_OK);
	assert_memory_equal(uuid, vendor, 16);
	assert_int_equal(mcuboot_parse_uuid(
			     HM_LITERAL("CFBFF0D1-9375-5685-968c-48ce8b15ae17"),
			     NULL, uuid, NULL),
	    HM_OK);
	assert_memory_equal(uuid, vendor, 16);
	assert_int_equal(
	    mcuboot_parse_uuid(HM_LITERAL(""), NULL, uuid, NULL), HM_E_USAGE);
}

/* ---- Intel HEX ---- */

static hm_err
read_hex(const char *text, struct ihex_map *map, struct output **out,
    struct why *why)
{
	struct input file = input_of(hm_bytes_of(text));

	*why = (struct why){ 0 };
	assert_int_equal(output_memory(OUT_MAX, out), HM_OK);
	return ihex_read(&file, 0xFF, *out, map, why);
}

static void
reads_records_in_any_order_and_every_addressing(void **state)
{
	/* at 0x10000 by segment base, then 0xfffe below it, then a gap */
	static const char text[] = ":020000021000EC\r\n:020000001122CB\r\n"
				   ":020000040000FA\n:02FFFE003344 8A\n";
	static const char good[] = ":020000021000EC\r\n:020000001122CB\r\n"
				   ":020000040000FA\n:02FFFE0033448A\n"
				   ":0400000300003800C1\n"
				   ":01FFFC0055AF\n:00000001FF\n\n";
	static struct ihex_map map;
	AUTO_OUTPUT struct output *out = NULL, *none = NULL;
	uint8_t bytes[6];
	struct input data;
	struct why why;

	(void)state;
	assert_int_equal(read_hex(good, &map, &out, &why), HM_OK);
	assert_int_equal(map.count, 2);
	assert_int_equal(map.segments[0].at, 0xFFFC);
	assert_int_equal(map.segments[1].at, 0xFFFE);
	assert_int_equal(map.segments[1].size, 4);
	assert_int_equal(output_input(out, &data), HM_OK);
	assert_int_equal(
	    input_read(&data, 0, (struct hm_span){ bytes, 6 }), HM_OK);
	assert_memory_equal(bytes, "\x55\xff\x33\x44\x11\x22", 6);
	assert_int_equal(read_hex(text, &map, &none, &why), HM_E_IMAGE_FORMAT);
	assert_string_equal(why.where, "line 4");
}

static void
refuses_records_that_are_none(void **state)
{
	static const struct {
		const char *text, *words;
		hm_err err;
	} rows[] = {
		{ "", "without an end record", HM_E_IMAGE_SHORT },
		{ ":00000001FF\n", "no data", HM_E_IMAGE_EMPTY },
		{ ":0100000055AB\n", "checksum", HM_E_IMAGE_HASH },
		{ ":0100000055\n", "as long as it says", HM_E_IMAGE_FORMAT },
		{ ":010000005AA\n", "as long as it says", HM_E_IMAGE_FORMAT },
		{ "x\n", "begin with ':'", HM_E_IMAGE_FORMAT },
		{ ":01:", "within another", HM_E_IMAGE_FORMAT },
		{ ":0000000 1FF", "no hex digit", HM_E_IMAGE_FORMAT },
		{ ":00000006FA\n", "unknown type", HM_E_IMAGE_FIELD },
		{ ":0100000400FB\n", "another length", HM_E_IMAGE_FIELD },
		{ ":02FFFF000102FD\n", "64 KiB", HM_E_IMAGE_FIELD },
		{ ":00000001FF\n:00000001FF\n", "behind the end",
		    HM_E_IMAGE_TRAILING },
		{ ":0100000055AA\n:0100000055AA\n:00000001FF\n", "two records",
		    HM_E_IMAGE_FIELD },
		{ ":0200000055AAFF\n:0100010055A9\n:00000001FF\n",
		    "two records", HM_E_IMAGE_FIELD },
		{ ":0100000055AA\n:02000004FFFFFC\n:0100000055AA\n"
		  ":00000001FF\n",
		    "too far apart", HM_E_TOO_LARGE },
	};
	static struct ihex_map map;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_OUTPUT struct output *out = NULL;
		struct why why;
		hm_err err = read_hex(rows[i].text, &map, &out, &why);

		if (err != rows[i].err ||
		    strstr(why.text, rows[i].words) == NULL)
			fail_msg("%s: %d %s", rows[i].text, (int)err, why.text);
		assert_int_equal(output_size(out), 0);
	}
}

/* Each character at each place, where a vector takes it and where none does. */
static void
digits_are_digits_wherever_they_stand(void **state)
{
	static const char valid[] = "0123456789ABCDEFabcdef";
	uint8_t text[38], bytes[19], again[38];

	(void)state;
	for (unsigned at = 0; at < 38; at++)
		for (unsigned c = 0; c < 256; c++) {
			bool is_digit = c != 0 && strchr(valid, (int)c) != NULL;

			memcpy(text, "0123456789ABCDEF76543210FEDCBA9800FF55",
			    sizeof(text));
			text[at] = (uint8_t)c;
			assert_int_equal(
			    ihex_decode(text, 19, bytes), is_digit);
			if (!is_digit)
				continue;
			text[at] = (uint8_t)toupper((int)c);
			ihex_encode(bytes, 19, again);
			assert_memory_equal(again, text, sizeof(text));
		}
	memset(text, 0xff, sizeof(text));
	assert_int_equal(ihex_sum(text, 38), (uint8_t)(38 * 0xff));
}

static void
writes_lines_as_everybody_does(void **state)
{
	static const char expected[] = ":020000040001F9\n"
				       ":02FFFE00A1A2BE\n"
				       ":020000040002F8\n"
				       ":01000000A35C\n"
				       ":01000500A456\n"
				       ":00000001FF\n";
	AUTO_OUTPUT struct output *out = NULL;
	struct ihex_writer writer = { .highest = 0x20005 };
	char text[sizeof(expected)];
	struct input made;

	(void)state;
	assert_int_equal(output_memory(4096, &out), HM_OK);
	writer.out = out;
	assert_int_equal(ihex_seek(&writer, 0x1FFFE), HM_OK);
	assert_int_equal(ihex_add(&writer, HM_LITERAL("\xa1\xa2\xa3")), HM_OK);
	assert_int_equal(ihex_seek(&writer, 0x20005), HM_OK);
	assert_int_equal(ihex_add(&writer, HM_LITERAL("\xa4")), HM_OK);
	assert_int_equal(ihex_end(&writer), HM_OK);
	assert_int_equal(output_size(out), sizeof(expected) - 1);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal(
	    input_read(&made, 0,
		(struct hm_span){ (uint8_t *)text, sizeof(expected) - 1 }),
	    HM_OK);
	assert_memory_equal(text, expected, sizeof(expected) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_trailers_as_the_boot_code_does),
		cmocka_unit_test(fills_a_slot_to_the_last_byte_and_no_further),
		cmocka_unit_test(knows_a_slots_rest_from_data),
		cmocka_unit_test(refuses_what_does_not_go_together),
		cmocka_unit_test(
		    refuses_keys_that_no_boot_loader_takes_together),
		cmocka_unit_test(refuses_a_payload_that_is_none),
		cmocka_unit_test(takes_no_signature_that_does_not_verify),
		cmocka_unit_test(signs_the_image_itself_at_once_and_by_walks),
		cmocka_unit_test(gives_no_message_beyond_its_limit_to_a_token),
		cmocka_unit_test(verifies_so_many_signatures_and_no_more),
		cmocka_unit_test(reads_versions),
		cmocka_unit_test(reads_counters_and_numbers),
		cmocka_unit_test(reads_dependencies_and_tlvs),
		cmocka_unit_test(makes_uuids_from_names),
		cmocka_unit_test(
		    reads_records_in_any_order_and_every_addressing),
		cmocka_unit_test(refuses_records_that_are_none),
		cmocka_unit_test(digits_are_digits_wherever_they_stand),
		cmocka_unit_test(writes_lines_as_everybody_does),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
