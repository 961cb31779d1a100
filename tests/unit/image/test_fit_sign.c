/* SPDX-License-Identifier: Apache-2.0 */
/* image/fit: what is signed verifies, and nothing is signed that should not be
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fit_vectors.h"
#include "image/fdt.h"
#include "image/fit.h"

#define FILE_MAX (1u << 20)

static struct vectors all;

static struct pkey *
key_of(const char *name)
{
	struct input file;
	struct pkey *key = NULL;
	static uint8_t pem[8192];

	vectors_file(&all, name, &file);
	assert_true(file.size <= sizeof(pem));
	assert_int_equal(
	    input_read(&file, 0, (struct hm_span){ pem, file.size }), HM_OK);
	assert_int_equal(pkey_from_pem((struct hm_bytes){ pem, file.size },
			     NULL, &key, NULL),
	    HM_OK);
	input_done(&file);
	return key;
}

/* Sign that file; NULL: refused with `expect`. */
static struct output *
sign_file(const struct fit_sign *how, const char *name, hm_err expect)
{
	struct output *out = NULL;
	struct input file;
	struct why why = { 0 };
	hm_err err;

	vectors_file(&all, name, &file);
	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	err = fit_sign(how, &file, out, &why);
	input_done(&file);
	if (err != expect)
		fail_msg("%s: %d, not %d: %s %s", name, err, expect, why.text,
		    why.where);
	if (err == HM_OK)
		return out;
	output_free(out);
	return NULL;
}

/* The verdict, trusting `key`, or the keys of a control tree. */
static hm_err
verdict(struct output *out, struct pkey *key, const struct input *control,
    struct why *why)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct image_keys keys = { .trusted = { key }, .trusted_count = 1 };
	struct fit_verify how = { .keys = &keys, .control = control };
	struct input file;

	assert_int_equal(findings_new("fit", &f), HM_OK);
	assert_int_equal(output_input(out, &file), HM_OK);
	assert_int_equal(fit_verify(&how, &file, f), HM_OK);
	return findings_verdict(f, why);
}

static void
accept(struct output *out, struct pkey *key, const struct input *control)
{
	struct why why = { 0 };

	if (verdict(out, key, control, &why) != HM_OK)
		fail_msg("%s (%s)", why.text, why.where);
}

/* A control tree with these keys, made from a tree without any. */
static struct output *
control_of(const struct fit_key_entry *entries, size_t count, const char *mode)
{
	struct fit_control_set how = {
		.keys = entries, .key_count = count, .mode = mode
	};
	struct output *out = NULL;
	struct input tree;

	vectors_file(&all, "in/board.dtb", &tree);
	assert_int_equal(output_memory(FILE_MAX, &out), HM_OK);
	assert_int_equal(fit_control_set(&how, &tree, out, NULL), HM_OK);
	input_done(&tree);
	return out;
}

static const struct {
	const char *file;
	hash_kind hash;
	bool is_pss;
} keys[] = {
	{ "keys/rsa2048.key", HASH_SHA256, false },
	{ "keys/rsa2048.key", HASH_SHA256, true },
	{ "keys/rsa3072.key", HASH_SHA384, true },
	{ "keys/rsa4096.key", HASH_SHA512, false },
	{ "keys/ec256.pem", HASH_SHA256, false },
	{ "keys/ec384.pem", HASH_SHA384, false },
};

/* Nodes that are not there are made; keys by list and by control tree. */
static void
signs_with_every_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		AUTO_PKEY struct pkey *key = key_of(keys[i].file);
		AUTO_PKEY struct pkey *other = key_of("keys/ec256-other.pem");
		struct image_signer by = image_signer_of(key);
		struct fit_signer signer = { .by = &by,
			.hint = "dev",
			.hash = keys[i].hash,
			.is_pss = keys[i].is_pss };
		struct fit_sign how = { .signers = &signer,
			.signer_count = 1,
			.images = i % 2 == 1,
			.timestamp = 1,
			.name = "hallmark",
			.version = "1" };
		struct fit_key_entry entry = { key, "dev", keys[i].hash,
			"conf" };
		struct output *out = sign_file(&how, "unsigned.itb", HM_OK);
		struct output *ctl = control_of(&entry, 1, "any");
		struct input control;

		accept(out, key, NULL);
		assert_int_equal(verdict(out, other, NULL, NULL),
		    pkey_kind(key) == PKEY_P256 ? HM_E_IMAGE_SIGNATURE
						: HM_E_IMAGE_UNTRUSTED);
		assert_int_equal(output_input(ctl, &control), HM_OK);
		accept(out, NULL, &control);
		output_free(out);
		output_free(ctl);
	}
}

/* All nodes first, then the signatures; all of them are wanted. */
static void
signs_with_two_keys_at_once(void **state)
{
	AUTO_PKEY struct pkey *a = key_of("keys/rsa2048.key");
	AUTO_PKEY struct pkey *b = key_of("keys/ec256.pem");
	struct image_signer by_a = image_signer_of(a);
	struct image_signer by_b = image_signer_of(b);
	struct fit_signer signers[] = {
		{ .by = &by_a, .hint = "a", .hash = HASH_SHA256 },
		{ .by = &by_b, .hint = "b", .hash = HASH_SHA256 },
	};
	struct fit_sign how = { .signers = signers,
		.signer_count = 2,
		.images = true,
		.again = true,
		.name = "x",
		.version = "y" };
	struct fit_key_entry entries[] = { { a, "a", HASH_SHA256, "conf" },
		{ b, "b", HASH_SHA256, "conf" },
		{ b, "c", HASH_SHA256, "conf" } };
	struct output *out = sign_file(&how, "two-keys.itb", HM_OK);
	struct output *ctl = control_of(entries, 2, NULL);
	struct output *three = control_of(entries, 3, NULL);
	struct output *any = control_of(entries, 3, "any");
	struct input control;

	(void)state;
	assert_int_equal(output_input(ctl, &control), HM_OK);
	accept(out, NULL, &control);
	assert_int_equal(output_input(three, &control), HM_OK);
	assert_int_equal(
	    verdict(out, NULL, &control, NULL), HM_E_IMAGE_UNTRUSTED);
	assert_int_equal(output_input(any, &control), HM_OK);
	accept(out, NULL, &control);
	output_free(out);
	output_free(ctl);
	output_free(three);
	output_free(any);
}

static void
refuses_what_is_signed_unless_told(void **state)
{
	AUTO_PKEY struct pkey *key = key_of("keys/ec256.pem");
	struct image_signer by = image_signer_of(key);
	struct fit_signer signer = {
		.by = &by, .hint = "new", .hash = HASH_SHA256
	};
	struct fit_sign how = { .signers = &signer,
		.signer_count = 1,
		.name = "x",
		.version = "y" };
	struct output *out;

	(void)state;
	sign_file(&how, "rsa2048-pkcs1.itb", HM_E_IMAGE_SIGNED);
	how.again = true;
	out = sign_file(&how, "rsa2048-pkcs1.itb", HM_OK);
	accept(out, key, NULL);
	output_free(out);
	/* An image without a digest gets one; a wrong one is not signed. */
	out = sign_file(&how, "bad/rsa2048-pss-head.hash-removed.itb", HM_OK);
	accept(out, key, NULL);
	output_free(out);
	sign_file(
	    &how, "bad/rsa2048-pss-head.flip-kernel.itb", HM_E_IMAGE_HASH);
	sign_file(&how, "bad/rsa2048-pss-head.append.itb", HM_E_IMAGE_TRAILING);
	sign_file(&how, "bad/rsa2048-pss-head.cut-1.itb", HM_E_IMAGE_SHORT);
	sign_file(&how, "in/board.dtb", HM_E_IMAGE_FORMAT);
	sign_file(&how, "unit-address.itb", HM_E_IMAGE_FIELD);
	how.configuration = "conf-9";
	sign_file(&how, "unsigned.itb", HM_E_IMAGE_EMPTY);
	how.configuration = NULL;
	signer.hint = "a/b";
	sign_file(&how, "unsigned.itb", HM_E_USAGE);
}

/* Data behind the tree moves with it, or stays where it must. */
static void
keeps_external_data(void **state)
{
	AUTO_PKEY struct pkey *key = key_of("keys/rsa4096.key");
	struct image_signer by = image_signer_of(key);
	struct fit_signer signer = {
		.by = &by, .hint = "new", .hash = HASH_SHA256
	};
	struct fit_sign how = { .signers = &signer,
		.signer_count = 1,
		.again = true,
		.name = "x",
		.version = "y" };
	struct output *out = sign_file(&how, "external.itb", HM_OK);
	struct input file;

	(void)state;
	accept(out, key, NULL);
	output_free(out);
	out = sign_file(&how, "external-position.itb", HM_OK);
	accept(out, key, NULL);
	assert_int_equal(output_input(out, &file), HM_OK);
	assert_int_equal(file.size, 5300);
	output_free(out);
	how.images = true;
	sign_file(&how, "external-position.itb", HM_E_IMAGE_PLACE);
	how.images = false;
	how.size = 4097;
	sign_file(&how, "external-position.itb", HM_E_IMAGE_PLACE);
}

/* What the tree says it wants must be what the key can do. */
static void
refuses_a_key_of_another_kind(void **state)
{
	AUTO_PKEY struct pkey *key = key_of("keys/rsa3072.key");
	struct image_signer by = image_signer_of(key);
	struct fit_signer signer = {
		.by = &by, .hint = "rsa2048", .hash = HASH_SHA256
	};
	struct fit_sign how = { .signers = &signer,
		.signer_count = 1,
		.name = "x",
		.version = "y" };

	(void)state;
	sign_file(&how, "unsigned-nodes.itb", HM_E_IMAGE_MIXED);
}

static hm_err
lint(const char *name, struct why *why)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct input file;

	assert_int_equal(findings_new("fit-control", &f), HM_OK);
	vectors_file(&all, name, &file);
	assert_int_equal(fit_control_lint(&file, f), HM_OK);
	input_done(&file);
	return findings_verdict(f, why);
}

static void
lints_control_trees(void **state)
{
	struct why why = { 0 };

	(void)state;
	assert_int_equal(lint("ctl/two-keys.dtb", NULL), HM_OK);
	assert_int_equal(lint("ctl/ecdsa384-head.dtb", NULL), HM_OK);
	assert_int_equal(lint("in/board.dtb", NULL), HM_E_IMAGE_CONTROL);
	assert_int_equal(
	    lint("ctl/ec256-debian-norequired.dtb", NULL), HM_E_IMAGE_CONTROL);
	assert_int_equal(
	    lint("ctl/rsa2048-norequired.dtb", &why), HM_E_IMAGE_CONTROL);
	assert_string_equal(why.text, "control tree: key-rsa2048: not required:"
				      " it protects nothing");
}

/* Change one property of a control tree in place: each is looked at. */
static void
sees_a_key_that_was_altered(void **state)
{
	static const char *const names[] = { "rsa,modulus", "rsa,r-squared",
		"rsa,n0-inverse", "rsa,num-bits", "rsa,exponent", "algo",
		"required", "key-name-hint" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTO_FINDINGS struct findings *f = NULL;
		struct input file, altered;
		static uint8_t bytes[8192];
		struct fdt tree;
		uint32_t at;

		assert_int_equal(findings_new("fit-control", &f), HM_OK);
		vectors_file(&all, "ctl/rsa2048-pss.dtb", &file);
		assert_int_equal(
		    input_read(&file, 0, (struct hm_span){ bytes, file.size }),
		    HM_OK);
		altered = input_of((struct hm_bytes){ bytes, file.size });
		assert_int_equal(fdt_open(&altered, &tree, f), HM_OK);
		at = fdt_prop(
		    &tree, fdt_find(&tree, "/signature/key-rsa2048"), names[i])
			 ->value;
		bytes[at + 1] ^= 1;
		fdt_done(&tree);
		assert_int_equal(fit_control_lint(&altered, f), HM_OK);
		if (findings_verdict(f, NULL) != HM_E_IMAGE_CONTROL)
			fail_msg("%s was altered", names[i]);
		input_done(&file);
	}
}

/* The keys that are there are replaced, others stay. */
static void
replaces_keys_of_the_same_name(void **state)
{
	AUTO_PKEY struct pkey *a = key_of("keys/rsa2048.key");
	AUTO_PKEY struct pkey *b = key_of("keys/rsa2048-other.key");
	struct fit_key_entry first[] = { { a, "x", HASH_SHA256, "conf" },
		{ a, "y", HASH_SHA256, "image" } };
	struct fit_key_entry second = { b, "x", HASH_SHA256, "conf" };
	struct fit_key_entry twice[] = { second, second };
	struct fit_control_set how = {
		.keys = &second, .key_count = 1, .mode = "all", .size = 8192
	};
	struct output *one = control_of(first, 2, "any"), *two;
	AUTO_FINDINGS struct findings *f = NULL;
	struct input tree;
	struct fdt parsed;

	(void)state;
	assert_int_equal(findings_new("fdt", &f), HM_OK);
	assert_int_equal(output_memory(FILE_MAX, &two), HM_OK);
	assert_int_equal(output_input(one, &tree), HM_OK);
	how.keys = twice;
	how.key_count = 2;
	assert_int_equal(fit_control_set(&how, &tree, two, NULL), HM_E_USAGE);
	assert_int_equal(output_size(two), 0);
	how.keys = &second;
	how.key_count = 1;
	assert_int_equal(fit_control_set(&how, &tree, two, NULL), HM_OK);
	assert_int_equal(output_input(two, &tree), HM_OK);
	assert_int_equal(tree.size, 8192);
	assert_int_equal(fdt_open(&tree, &parsed, f), HM_OK);
	assert_int_equal(findings_faults(f), 0);
	assert_true(fdt_find(&parsed, "/signature/key-x") != FDT_NONE);
	assert_true(fdt_find(&parsed, "/signature/key-y") != FDT_NONE);
	assert_int_equal(parsed.nodes[fdt_find(&parsed, "/signature")].last -
			     fdt_find(&parsed, "/signature"),
	    3);
	fdt_done(&parsed);
	assert_int_equal(fit_control_lint(&tree, f), HM_OK);
	assert_int_equal(findings_verdict(f, NULL), HM_OK);
	output_free(one);
	output_free(two);
}

static int
open_all(void **state)
{
	(void)state;
	vectors_open("fit", &all);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	vectors_done(&all);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_with_every_algorithm),
		cmocka_unit_test(signs_with_two_keys_at_once),
		cmocka_unit_test(refuses_what_is_signed_unless_told),
		cmocka_unit_test(keeps_external_data),
		cmocka_unit_test(refuses_a_key_of_another_kind),
		cmocka_unit_test(lints_control_trees),
		cmocka_unit_test(sees_a_key_that_was_altered),
		cmocka_unit_test(replaces_keys_of_the_same_name),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
