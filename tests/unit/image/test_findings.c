/* SPDX-License-Identifier: Apache-2.0 */
/* image/findings and image/image: verdicts, limits, a signer that lies */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "image/image.h"

static void
the_first_fault_is_the_verdict(void **state)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct why why = { 0 };

	(void)state;
	assert_int_equal(findings_new("toy", &f), HM_OK);
	assert_int_equal(findings_verdict(f, NULL), HM_OK);
	assert_int_equal(
	    findings_fault(f, HM_E_IMAGE_HASH, 16, "hash of %d bytes", 32),
	    HM_E_IMAGE_HASH);
	findings_fault(f, HM_E_IMAGE_TRAILING, 99, "three more");
	assert_int_equal(findings_verdict(f, &why), HM_E_IMAGE_HASH);
	assert_string_equal(why.text, "hash of 32 bytes");
	assert_string_equal(why.where, "offset 16");
	assert_int_equal(findings_faults(f), 2);
	assert_int_equal(findings_fault_at(f, 1), HM_E_IMAGE_TRAILING);
	assert_int_equal(findings_fault_at(f, 2), HM_OK);
}

static void
says_it_to_people_and_programs(void **state)
{
	AUTO_FINDINGS struct findings *f = NULL;
	AUTO_DOC struct doc *doc = doc_new(NULL);
	struct buf text = { .max = 65536 };
	uint8_t many[100];

	(void)state;
	memset(many, 0xab, sizeof(many));
	assert_int_equal(findings_new("toy", &f), HM_OK);
	findings_part(f, 0, 4, "magic", "%s", "TOY!");
	findings_bytes(f, 4, 100, "body", HM_BYTES(many));
	findings_fault(f, HM_E_IMAGE_FIELD, 4, "odd");
	findings_note(f, 0, "old form");
	findings_boot(f, true, "it does not look there");
	findings_doc(f, doc);
	assert_int_equal(doc_write(doc, false, &text), HM_OK);
	assert_non_null(strstr(buf_text(&text),
	    "{\"format\":\"toy\",\"verdict\":\"reject\",\"error\":\"HM-3204\","
	    "\"boot_loader\":\"accept\",\"boot_loader_why\":\"it does not look "
	    "there\",\"parts\":[{\"offset\":0,\"size\":4,\"name\":\"magic\","
	    "\"value\":\"TOY!\"}"));
	assert_non_null(strstr(buf_text(&text),
	    "\"faults\":[{\"error\":\"HM-3204\",\"offset\":4,\"text\":\"odd\"}]"
	    ","
	    "\"notes\":[{\"offset\":0,\"text\":\"old form\"}]"));
	buf_clear(&text);
	assert_int_equal(findings_text(f, &text), HM_OK);
	assert_non_null(strstr(buf_text(&text), "verdict reject\n"));
	assert_non_null(strstr(buf_text(&text), "boot loader accepts"));
	buf_done(&text);
}

static void
gives_no_verdict_without_keys(void **state)
{
	AUTO_FINDINGS struct findings *f = NULL;
	AUTO_DOC struct doc *doc = doc_new(NULL), *bad = doc_new(NULL);
	struct buf text = { .max = 65536 };

	(void)state;
	assert_int_equal(findings_new("toy", &f), HM_OK);
	findings_only_look(f);
	assert_int_equal(
	    findings_fault(f, HM_E_IMAGE_UNTRUSTED, 0, "unknown key"),
	    HM_E_IMAGE_UNTRUSTED);
	findings_boot(f, true, "it does not look there");
	findings_doc(f, doc);
	assert_int_equal(doc_write(doc, false, &text), HM_OK);
	assert_non_null(strstr(buf_text(&text),
	    "{\"format\":\"toy\",\"form\":\"good\",\"parts\""));
	assert_null(strstr(buf_text(&text), "verdict"));
	buf_clear(&text);
	findings_fault(f, HM_E_IMAGE_FIELD, 4, "odd");
	findings_doc(f, bad);
	assert_int_equal(doc_write(bad, false, &text), HM_OK);
	assert_non_null(
	    strstr(buf_text(&text), "\"form\":\"bad\",\"error\":\"HM-3204\""));
	buf_clear(&text);
	assert_int_equal(findings_text(f, &text), HM_OK);
	assert_non_null(strstr(buf_text(&text), "form    bad;"));
	assert_null(strstr(buf_text(&text), "verdict"));
	buf_done(&text);
}

static void
keeps_so_many_and_no_more(void **state)
{
	AUTO_FINDINGS struct findings *f = NULL;

	(void)state;
	assert_int_equal(findings_new("toy", &f), HM_OK);
	for (uint64_t i = 0; i < 2 * FINDINGS_MAX; i++) {
		findings_part(f, i, 1, "part", "%llu", (unsigned long long)i);
		findings_fault(f, HM_E_IMAGE_FIELD, i, "again");
		findings_note(f, i, "again");
	}
	assert_int_equal(findings_faults(f), 32);
	assert_int_equal(findings_verdict(f, NULL), HM_E_IMAGE_FIELD);
}

static hm_err
sign_wrongly(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	(void)why;
	HM_TRY(pkey_sign(context, input, room, ret_len));
	room.ptr[20] ^= 1;
	return HM_OK;
}

static void
a_wrong_signature_goes_no_further(void **state)
{
	AUTO_PKEY struct pkey *key = NULL;
	uint8_t digest[32] = { 1 }, room[64], zeros[64] = { 0 };
	struct pkey_input input = { .scheme = PKEY_ECDSA,
		.hash = HASH_SHA256,
		.bytes = HM_BYTES(digest) };
	struct image_signer signer;
	struct hm_span span = { room, sizeof(room) };
	size_t len;

	(void)state;
	assert_int_equal(pkey_generate(PKEY_P256, 0, &key), HM_OK);
	signer = image_signer_of(key);
	assert_int_equal(image_sign(&signer, &input, span, &len, NULL), HM_OK);
	signer.sign = sign_wrongly;
	assert_int_equal(
	    image_sign(&signer, &input, span, &len, NULL), HM_E_TOKEN_WRONG);
	assert_memory_equal(room, zeros, sizeof(room));
}

static void
numbers_are_little_endian(void **state)
{
	uint8_t at[4];

	(void)state;
	image_put_u32(at, 0x96f3b83d);
	assert_memory_equal(at, "\x3d\xb8\xf3\x96", 4);
	assert_int_equal(image_get_u32(at), 0x96f3b83d);
	assert_int_equal(image_get_u16(at + 1), 0xf3b8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_fault_is_the_verdict),
		cmocka_unit_test(says_it_to_people_and_programs),
		cmocka_unit_test(gives_no_verdict_without_keys),
		cmocka_unit_test(keeps_so_many_and_no_more),
		cmocka_unit_test(a_wrong_signature_goes_no_further),
		cmocka_unit_test(numbers_are_little_endian),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
