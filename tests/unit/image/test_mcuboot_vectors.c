/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcuboot: every vector of tests/vectors/images/mcuboot, as its manifest says
 *
 * Verdict, the rule that decides, what bootutil says, payload keys, trailers;
 * and each valid image made again from the options of its command, byte for
 * byte: signatures and wrapped keys, which are random, come from the vector.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "image/ihex.h"
#include "image/mcuboot_parts.h"
#include "image/mcuboot_text.h"
#include "mcuboot_vectors.h"

#define ARGS_MAX 48

/* ---- verdicts ---- */

/* The manifest's rule, our error, our words. */
static const struct rule {
	const char *rule;
	hm_err err;
	const char *words;
} rules[] = {
	{ "header magic", HM_E_IMAGE_FORMAT, "header magic" },
	{ "header pad", HM_E_IMAGE_FIELD, "header pad" },
	{ "header size below 32", HM_E_IMAGE_FIELD, "below 32" },
	{ "shorter than a header", HM_E_IMAGE_SHORT, "shorter than a header" },
	{ "prot area magic", HM_E_IMAGE_FIELD, "protected TLV area magic" },
	{ "unprot area magic", HM_E_IMAGE_FIELD, "TLV area magic" },
	{ "protected size differs", HM_E_IMAGE_FIELD, "protected size" },
	{ "protected area without", HM_E_IMAGE_FIELD, "without a size" },
	{ "unprot area beyond", HM_E_IMAGE_SHORT, "beyond the file" },
	{ "file ends before", HM_E_IMAGE_SHORT, "file ends before" },
	{ "TLV beyond its area", HM_E_IMAGE_FIELD, "TLV beyond its area" },
	{ "TLV 0x50 length", HM_E_IMAGE_FIELD, "TLV 0x50 length" },
	{ "TLV 0x", HM_E_IMAGE_FIELD, "not allowed outside" },
	{ "SIG_PURE", HM_E_IMAGE_FIELD, "SIG_PURE" },
	{ "exactly one hash", HM_E_IMAGE_FIELD, "exactly one hash TLV" },
	{ "image hash", HM_E_IMAGE_HASH, "image hash" },
	{ "both encryption", HM_E_IMAGE_FIELD, "both encryption flags" },
	{ "encryption TLV without", HM_E_IMAGE_FIELD, "without flag" },
	{ "exactly one encryption", HM_E_IMAGE_FIELD, "exactly one encry" },
	{ "ECIES MAC", HM_E_IMAGE_OPEN, "ECIES MAC" },
	{ "ECIES point", HM_E_IMAGE_OPEN, "ECIES point" },
	{ "OAEP", HM_E_IMAGE_OPEN, "OAEP" },
	{ "key wrap", HM_E_IMAGE_OPEN, "key wrap" },
	{ "unknown key", HM_E_IMAGE_UNTRUSTED, "unknown key" },
	{ "no signature", HM_E_IMAGE_UNTRUSTED, "no signature" },
	{ "signature without key", HM_E_IMAGE_FIELD, "without key TLV" },
	{ "signature type", HM_E_IMAGE_MIXED, "signature type" },
	{ "signature", HM_E_IMAGE_SIGNATURE, "signature does not verify" },
	{ "DER", HM_E_IMAGE_SIGNATURE, "not minimal DER" },
	{ "KEYHASH length", HM_E_IMAGE_FIELD, "KEYHASH length" },
	{ "data after", HM_E_IMAGE_TRAILING, "data after the TLV area" },
};

static void
check_rule(struct doc *row, hm_err err, const char *words)
{
	const char *id = doc_get_text(row, "id", "");
	const char *rule = doc_get_text(row, "first_fault", "?");
	const struct rule *is = NULL;

	/* An area of no bytes has its own words. */
	if (strcmp(id, "p256-protected.tlvtotal-0") == 0) {
		assert_int_equal(err, HM_E_IMAGE_FIELD);
		assert_non_null(strstr(words, "shorter than its own head"));
		return;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (is == NULL &&
		    strncmp(rule, rules[i].rule, strlen(rules[i].rule)) == 0)
			is = &rules[i];
	if (is == NULL || err != is->err || strstr(words, is->words) == NULL)
		fail_msg("%s: rule \"%s\", we say %d \"%s\"", id, rule,
		    (int)err, words);
}

static void
check_boot(struct doc *row, const struct findings *findings, bool accepted)
{
	const char *bootutil = doc_get_text(row, "bootloader", NULL);
	AUTO_DOC struct doc *doc = doc_new(NULL);
	const char *ours, *words;

	if (bootutil == NULL)
		return; /* not judged by it: HEX, compressed */
	findings_doc(findings, doc);
	ours = doc_get_text(doc, "boot_loader", accepted ? "accept" : "reject");
	words = doc_get_text(doc, "boot_loader_why", "");
	if (strcmp(bootutil, "mixed") == 0) {
		assert_string_equal(ours, "accept");
		assert_non_null(strstr(words, "Mbed TLS builds refuse it"));
	} else if (strcmp(ours, bootutil) != 0) {
		fail_msg("%s: bootutil %s, we say %s (%s)",
		    doc_get_text(row, "id", ""), bootutil, ours, words);
	}
}

static const char *
value_of(struct doc *doc, const char *name)
{
	struct doc *parts = doc_get(doc, "parts");

	for (size_t i = 0; i < doc_count(parts); i++) {
		struct doc *part = doc_at(parts, i);

		if (strcmp(doc_get_text(part, "name", ""), name) == 0)
			return doc_get_text(part, "value", "");
	}
	return "";
}

static void
check_trailer(struct doc *row, const struct findings *findings)
{
	static const char *const flags[] = { "image_ok", "copy_done" };
	struct doc *trailer = doc_get(row, "trailer");
	AUTO_DOC struct doc *doc = doc_new(NULL);
	const char *magic;

	if (trailer == NULL)
		return;
	findings_doc(findings, doc);
	magic = doc_get_text(trailer, "magic", "?");
	assert_memory_equal(value_of(doc, "boot magic"), magic, strlen(magic));
	/* The manifest takes FF for erased even where 00 is. */
	if (strcmp(doc_get_text(row, "id", ""), "p256-pad-erased0") == 0)
		return;
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(value_of(doc, flags[i]),
		    doc_get_text(trailer, flags[i], "?"));
}

static void
judge_vector(struct doc *row)
{
	const char *id = doc_get_text(row, "id", "");
	bool accept = strcmp(doc_get_text(row, "expect", ""), "accept") == 0;
	AUTO(buf) struct buf file = { 0 };
	AUTO(told) struct told told = { 0 };
	AUTO_OUTPUT struct output *temp = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	struct mcuboot_verify how = {
		.keys = &told.keys,
		.slot_size = (uint64_t)doc_get_int(row, "slot_size", 0),
	};
	struct input raw, image;
	struct why why = { 0 };
	hm_err verdict;

	vectors_tell(row, &told);
	vectors_load(doc_get_text(row, "file", ""), &file);
	assert_int_equal(file.len, doc_get_int(row, "size", -1));
	raw = input_of(buf_bytes(&file));
	vectors_plain(&raw, &temp, &image);
	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(mcuboot_verify(&how, &image, findings), HM_OK);
	verdict = findings_verdict(findings, &why);
	if ((verdict == HM_OK) != accept)
		fail_msg("%s: %d %s %s", id, (int)verdict, why.text, why.where);
	if (!accept)
		check_rule(row, verdict, why.text);
	check_boot(row, findings, accept);
	check_trailer(row, findings);
}

static void
judges_every_vector_as_the_manifest_says(void **state)
{
	struct doc *vectors = doc_get(vectors_manifest, "vectors");
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < doc_count(vectors); i++) {
		struct doc *row = doc_at(vectors, i);

		judge_vector(row);
		refused +=
		    strcmp(doc_get_text(row, "expect", ""), "reject") == 0;
	}
	assert_int_equal(doc_count(vectors), 242);
	assert_int_equal(refused, 191);
}

/* ---- made again ---- */

/* Answers with the signatures of a vector, in their order. */
struct replayed {
	struct mcuboot_image image;
	struct mcuboot_cursor cursor;
	struct pkey *key;
};

static hm_err
replay(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	struct replayed *replayed = context;
	struct mcuboot_tlv tlv;

	(void)input;
	(void)why;
	do {
		assert_true(
		    mcuboot_next(&replayed->image, &replayed->cursor, &tlv));
	} while (
	    tlv.place == MCUBOOT_PROTECTED || !mcuboot_is_signature(tlv.type));
	if (tlv.type == MCUBOOT_ECDSA)
		return pkey_sig_from_der(
		    replayed->key, tlv.value, room, ret_len);
	assert_true(tlv.value.len <= room.len);
	memcpy(room.ptr, tlv.value.ptr, tlv.value.len);
	*ret_len = tlv.value.len;
	return HM_OK;
}

/* Words of a command; what stands in quotes is one. */
static size_t
split(char *text, char **ret)
{
	size_t count = 0;

	while (*text != '\0') {
		char end = ' ';

		assert_true(count < ARGS_MAX);
		if (*text == '\'') {
			end = '\'';
			text++;
		}
		ret[count++] = text;
		text += strcspn(text, end == ' ' ? " " : "'");
		if (*text != '\0')
			*text++ = '\0';
		text += strspn(text, " ");
	}
	return count;
}

struct again {
	struct mcuboot_sign how;
	uint8_t vid[16], cid[16], extras[256], key[32];
	char text[4][64];
	size_t texts;
	struct hm_span room;
	struct mcuboot_sealed sealed;
	struct known recipient;
	uint64_t hex_at;
	bool is_hex, was_confirm;
};

static uint64_t
number(const char *text)
{
	uint64_t value;

	assert_int_equal(
	    mcuboot_parse_number(hm_bytes_of(text), UINT32_MAX, &value, NULL),
	    HM_OK);
	return value;
}

static void
take_extra(struct again *again, char **args)
{
	char *text = again->text[again->texts++];

	(void)snprintf(text, sizeof(again->text[0]), "%s=%s", args[1], args[2]);
	assert_int_equal(mcuboot_parse_extra(hm_bytes_of(text), &again->room,
			     &again->how, NULL),
	    HM_OK);
}

static bool
is(const char *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

/* Options with one word more, about the slot. */
static bool
take_slot_option(struct mcuboot_slot *slot, char **args)
{
	if (is(args[0], "-S"))
		slot->size = number(args[1]);
	else if (is(args[0], "--align"))
		slot->align = (uint32_t)number(args[1]);
	else if (is(args[0], "--max-align"))
		slot->max_align = (uint32_t)number(args[1]);
	else if (is(args[0], "-M"))
		slot->sectors = (uint32_t)number(args[1]);
	else if (is(args[0], "-R"))
		slot->erased = (uint8_t)number(args[1]);
	else
		return false;
	return true;
}

static bool
take_address_option(struct again *again, char **args)
{
	struct mcuboot_sign *how = &again->how;

	if (is(args[0], "-x")) {
		again->is_hex = true;
		again->hex_at = number(args[1]);
		return true;
	}
	how->ram_load = how->ram_load || is(args[0], "--load-addr");
	how->rom_fixed = how->rom_fixed || is(args[0], "--rom-fixed");
	if (!is(args[0], "--load-addr") && !is(args[0], "--rom-fixed"))
		return false;
	how->load_addr = (uint32_t)number(args[1]);
	return true;
}

static bool
take_id_option(struct again *again, char **args)
{
	struct hm_bytes text = hm_bytes_of(args[1]);
	struct mcuboot_sign *how = &again->how;

	if (is(args[0], "--vid")) {
		how->vid = again->vid;
		assert_int_equal(
		    mcuboot_parse_uuid(text, NULL, again->vid, NULL), HM_OK);
	} else if (is(args[0], "--cid")) {
		how->cid = again->cid;
		assert_int_equal(
		    mcuboot_parse_uuid(text, again->vid, again->cid, NULL),
		    HM_OK);
	} else if (is(args[0], "-d")) {
		assert_int_equal(
		    mcuboot_parse_dependencies(text, how, NULL), HM_OK);
	} else {
		return false;
	}
	return true;
}

static bool
take_value_option(struct again *again, char **args)
{
	struct mcuboot_sign *how = &again->how;
	struct hm_bytes text = hm_bytes_of(args[1]);

	if (is(args[0], "-H")) {
		how->header_size = (uint32_t)number(args[1]);
	} else if (is(args[0], "-v")) {
		assert_int_equal(
		    mcuboot_parse_version(text, &how->version, NULL), HM_OK);
	} else if (is(args[0], "-s")) {
		how->has_counter = true;
		assert_int_equal(mcuboot_parse_counter(
				     text, how->version, &how->counter, NULL),
		    HM_OK);
	} else if (is(args[0], "--boot-record")) {
		how->boot_record = args[1];
	} else if (is(args[0], "--public-key-format")) {
		how->full_key = true;
	} else if (is(args[0], "--sha")) {
		how->hash = HASH_SHA512;
	} else if (is(args[0], "-E")) {
		vectors_pem(args[1], &again->recipient.key);
		how->sealing.to = again->recipient.key;
		how->sealing.bits = 128;
	} else if (is(args[0], "--encrypt-keylen")) {
		how->sealing.bits = (unsigned)number(args[1]);
	} else if (is(args[0], "--hmac-sha")) {
		how->sealing.hmac_sha512 = true;
	} else {
		return take_slot_option(&how->slot, args) ||
		       take_address_option(again, args) ||
		       take_id_option(again, args);
	}
	return true;
}

static void
take_flag(struct again *again, const char *arg)
{
	struct mcuboot_sign *how = &again->how;

	if (is(arg, "--pad-header"))
		how->pad_header = true;
	else if (is(arg, "--pure"))
		how->pure = true;
	else if (is(arg, "--clear"))
		how->clear = true;
	else if (is(arg, "--non-bootable"))
		how->non_bootable = true;
	else if (is(arg, "--overwrite-only"))
		how->slot.overwrite_only = true;
	else if (is(arg, "--confirm"))
		how->slot.confirm = true;
	else if (is(arg, "--pad") || is(arg, "--test"))
		how->slot.pad = true;
	else
		fail_msg("the command has %s", arg);
}

/* Its options; the last two words are files. */
static void
read_command(struct again *again, char **args, size_t count)
{
	assert_string_equal(args[0], "imgtool");
	for (size_t i = 2; i < count - 2; i++) {
		bool is_key =
		    is(args[i], "-k") || strncmp(args[i], "--fix-sig", 9) == 0;

		if (is(args[i], "--custom-tlv")) {
			take_extra(again, args + i);
			i += 2;
		} else if (is_key || take_value_option(again, args + i)) {
			i++;
		} else {
			take_flag(again, args[i]);
		}
	}
}

static void
use_sealed(struct again *again, struct doc *row, const struct replayed *from)
{
	const char *hex = doc_get_text(row, "payload_key", NULL);
	struct mcuboot_cursor cursor = { .place = MCUBOOT_PLAIN };
	struct mcuboot_tlv tlv;
	size_t len = again->how.sealing.bits / 8;

	if (again->how.sealing.to == NULL)
		return;
	if (hex != NULL) /* one in clear has a key that nobody uses */
		assert_int_equal(
		    hex_parse(hm_bytes_of(hex), again->key, len), HM_OK);
	while (mcuboot_next(&from->image, &cursor, &tlv))
		if (mcuboot_is_wrap(tlv.type))
			again->sealed =
			    (struct mcuboot_sealed){ { again->key, len },
				    tlv.type, tlv.value };
	assert_int_not_equal(again->sealed.type, 0);
	again->how.sealing.known = &again->sealed;
}

static void
compare(struct output *out, const struct buf *file, const char *id)
{
	AUTO(buf) struct buf made = { 0 };
	struct input input;

	assert_int_equal(output_input(out, &input), HM_OK);
	assert_int_equal(input_load(&input, FILE_MAX, &made), HM_OK);
	if (!hm_bytes_equal(buf_bytes(&made), buf_bytes(file)))
		fail_msg("%s: other bytes", id);
}

static void
sign_again(struct again *again, struct doc *row, const struct buf *file)
{
	const char *id = doc_get_text(row, "id", "");
	AUTO(buf) struct buf payload = { 0 };
	AUTO_OUTPUT struct output *out = NULL, *hex = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	struct mcuboot_made made;
	struct input input;

	vectors_load(doc_get_text(row, "payload", ""), &payload);
	input = input_of(buf_bytes(&payload));
	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	if (again->how.slot.overwrite_only && again->how.slot.confirm) {
		assert_int_equal(
		    mcuboot_sign(&again->how, &input, out, &made, NULL),
		    HM_E_USAGE);
		again->how.slot.confirm = false;
		again->how.slot.pad = true;
	}
	assert_int_equal(
	    mcuboot_sign(&again->how, &input, out, &made, NULL), HM_OK);
	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(output_input(out, &input), HM_OK);
	assert_int_equal(
	    mcuboot_judge(&made, again->how.slot.size, &input, findings),
	    HM_OK);
	assert_int_equal(findings_verdict(findings, NULL), HM_OK);
	mcuboot_made_done(&made);
	if (!again->is_hex) {
		compare(out, file, id);
		return;
	}
	assert_int_equal(output_memory(FILE_MAX, &hex), HM_OK);
	assert_int_equal(
	    mcuboot_to_hex(&input, (uint32_t)again->hex_at, hex, NULL), HM_OK);
	compare(hex, file, id);
}

static bool
make_again(struct doc *row)
{
	const char *command = doc_get_text(row, "made_by", "");
	AUTO(buf) struct buf file = { 0 };
	AUTO(told) struct told told = { 0 };
	AUTO_OUTPUT struct output *temp = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	static struct again again;
	struct replayed from = { 0 };
	struct input raw, image;
	static char text[1024];
	char *args[ARGS_MAX];

	if (strncmp(command, "imgtool ", 8) != 0 ||
	    strstr(command, "--compression") != NULL)
		return false;
	again = (struct again){ .how.slot.erased = 0xFF };
	vectors_tell(row, &told);
	vectors_load(doc_get_text(row, "file", ""), &file);
	raw = input_of(buf_bytes(&file));
	vectors_plain(&raw, &temp, &image);
	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(mcuboot_read(&image, &from.image, findings), HM_OK);
	from.key = told.keys.trusted[0];
	again.room = (struct hm_span){ again.extras, sizeof(again.extras) };
	again.how.signers[0] = (struct image_signer){
		.key = from.key, .sign = replay, .context = &from
	};
	again.how.signer_count = 1;
	(void)snprintf(text, sizeof(text), "%s", command);
	read_command(&again, args, split(text, args));
	use_sealed(&again, row, &from);
	sign_again(&again, row, &file);
	known_done(&again.recipient);
	mcuboot_image_done(&from.image);
	return true;
}

static void
makes_every_valid_vector_again(void **state)
{
	struct doc *vectors = doc_get(vectors_manifest, "vectors");
	size_t made = 0;

	(void)state;
	for (size_t i = 0; i < doc_count(vectors); i++) {
		struct doc *row = doc_at(vectors, i);

		if (strcmp(doc_get_text(row, "kind", ""), "valid") == 0)
			made += make_again(row);
	}
	/* 47, without those of the next test and the compressed one */
	assert_int_equal(made, 43);
}

/* ---- changed ---- */

static void
wraps_the_same_key_for_another_device(const char *from, const char *to)
{
	AUTO(told) struct told old = { 0 }, new = { 0 };
	AUTO(buf) struct buf file = { 0 }, expected = { 0 };
	AUTO_OUTPUT struct output *out = NULL;
	struct mcuboot_change how = { 0 };
	struct mcuboot_made made;
	struct input input;

	vectors_tell(vectors_row(from), &old);
	vectors_tell(vectors_row(to), &new);
	vectors_load(doc_get_text(vectors_row(from), "file", ""), &file);
	vectors_load(doc_get_text(vectors_row(to), "file", ""), &expected);
	how.verify.keys = &old.keys;
	how.sealing.kek = new.keys.decrypt_kek;
	input = input_of(buf_bytes(&file));
	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	assert_int_equal(mcuboot_rewrap(&how, &input, out, &made, NULL), HM_OK);
	compare(out, &expected, to);
}

static void
makes_the_edited_vectors_by_its_own_verbs(void **state)
{
	struct doc *row = vectors_row("p256-two-signers");
	AUTO(told) struct told both = { 0 };
	AUTO(buf) struct buf file = { 0 }, expected = { 0 };
	AUTO_OUTPUT struct output *out = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	struct image_keys first = { 0 };
	struct replayed from = { 0 };
	struct image_signer signer = { .sign = replay, .context = &from };
	struct mcuboot_change how = { .signers = &signer, .signer_count = 1 };
	struct mcuboot_made made;
	struct mcuboot_tlv tlv;
	struct input input;

	(void)state;
	wraps_the_same_key_for_another_device(
	    "p256-ecies-aes128", "p256-keywrap-aes128");
	wraps_the_same_key_for_another_device(
	    "p256-ecies-aes256", "p256-keywrap-aes256");
	vectors_tell(row, &both);
	vectors_load("p256.bin", &file);
	vectors_load(doc_get_text(row, "file", ""), &expected);
	input = input_of(buf_bytes(&expected));
	assert_int_equal(findings_new("mcuboot", &findings), HM_OK);
	assert_int_equal(mcuboot_read(&input, &from.image, findings), HM_OK);
	/* past the first signature */
	do
		assert_true(mcuboot_next(&from.image, &from.cursor, &tlv));
	while (!mcuboot_is_signature(tlv.type));
	signer.key = from.key = both.keys.trusted[1];
	first.trusted[first.trusted_count++] = both.keys.trusted[0];
	how.verify.keys = &first;
	input = input_of(buf_bytes(&file));
	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	assert_int_equal(mcuboot_append(&how, &input, out, &made, NULL), HM_OK);
	compare(out, &expected, "p256-two-signers");
	mcuboot_image_done(&from.image);
}

static void
opens_every_encrypted_vector(void **state)
{
	struct doc *vectors = doc_get(vectors_manifest, "vectors");
	size_t opened = 0;

	(void)state;
	for (size_t i = 0; i < doc_count(vectors); i++) {
		struct doc *row = doc_at(vectors, i);
		AUTO(told) struct told told = { 0 };
		AUTO(buf) struct buf file = { 0 }, payload = { 0 };
		AUTO_OUTPUT struct output *out = NULL;
		struct mcuboot_change how = { .verify.keys = &told.keys };
		struct mcuboot_made made;
		struct input input;

		if (doc_get_text(row, "payload_key", NULL) == NULL ||
		    strcmp(doc_get_text(row, "kind", ""), "valid") != 0)
			continue;
		vectors_tell(row, &told);
		vectors_load(doc_get_text(row, "file", ""), &file);
		vectors_load(doc_get_text(row, "payload", ""), &payload);
		input = input_of(buf_bytes(&file));
		assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
		assert_int_equal(
		    mcuboot_extract(&how, &input, out, &made, NULL), HM_OK);
		assert_int_equal(
		    output_cut(out, payload.len), HM_OK); /* padding */
		compare(out, &payload, doc_get_text(row, "id", ""));
		opened++;
	}
	assert_int_equal(opened, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_every_vector_as_the_manifest_says),
		cmocka_unit_test(makes_every_valid_vector_again),
		cmocka_unit_test(makes_the_edited_vectors_by_its_own_verbs),
		cmocka_unit_test(opens_every_encrypted_vector),
	};

	return cmocka_run_group_tests(tests, vectors_open, vectors_close);
}
