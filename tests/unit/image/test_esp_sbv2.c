/* SPDX-License-Identifier: Apache-2.0 */
/* image/esp_sbv2: as strict as the vectors, and as the makers of them write */
#include "esp_vectors.h"

#include "image/esp_sbv2_block.h"

#define FOLDER "esp-secure-boot-v2"
#define BLOCK 1216
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void
tell(struct sbv2_verify *how, const struct vector *v)
{
	*how = (struct sbv2_verify){ 0 };
	if (strcmp(doc_get_text(v->row, "content", ""), "data") == 0)
		how->rules.content = ESP_DATA;
	for (size_t i = 0; i < v->key_count; i++)
		how->keys.trusted[i] = v->keys[i];
	how->keys.trusted_count = v->key_count;
}

static void
judge(struct vector *v)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct sbv2_verify how;

	tell(&how, v);
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_sbv2_verify(&how, &v->input, f), HM_OK);
	vector_judge(v, f);
	assert_true(!v->accept || esp_sbv2_is(&v->input));
}

static void
decides_as_the_vectors_and_as_boot_code(void **state)
{
	(void)state;
	vectors_each(FOLDER, "trusted", 125, judge);
}

/* ---- what is made ---- */

/* A signer that knows the answer: the signature of a block of a vector. */
struct answer {
	const uint8_t *block;
	struct pkey *key;
};

static hm_err
give(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	const struct answer *answer = context;
	size_t n = 32, at = 101, count = 2;

	(void)why;
	assert_int_equal(input->bytes.len, hash_len(input->hash));
	if (pkey_kind(answer->key) == PKEY_RSA) {
		n = 384, at = 812, count = 1;
	} else if (pkey_kind(answer->key) == PKEY_P192) {
		n = 24;
	} else if (pkey_kind(answer->key) == PKEY_P384) {
		n = 48, at = 149;
	}
	assert_true(room.len >= count * n);
	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < n; i++)
			room.ptr[k * n + i] =
			    answer->block[at + k * n + n - 1 - i];
	*ret_len = count * n;
	return HM_OK;
}

static void
expect_output(struct output *out, struct hm_bytes should, const char *id)
{
	static uint8_t is[65536];
	struct input made;

	assert_int_equal(output_input(out, &made), HM_OK);
	if (made.size != should.len)
		fail_msg("%s: %llu bytes, not %zu", id,
		    (unsigned long long)made.size, should.len);
	assert_int_equal(
	    input_read(&made, 0, (struct hm_span){ is, should.len }), HM_OK);
	if (memcmp(is, should.ptr, should.len) != 0)
		fail_msg("%s: other bytes", id);
}

static unsigned remade;

static void
remake(struct vector *v)
{
	const char *payload = doc_get_text(v->row, "payload", NULL);
	struct answer answers[3];
	struct image_signer signers[3];
	struct sbv2_sign how = { .any_chip = true, .signers = signers };
	struct output *out = NULL;
	struct buf body;
	struct input input;
	size_t first = 0;

	if (!v->accept || payload == NULL)
		return;
	if (strcmp(v->id, "rsa-appended") == 0) {
		payload = "rsa-1.bin";
		how.mode = SBV2_APPEND;
		first = 1;
	}
	vector_read(FOLDER, payload, &body);
	input = input_of(buf_bytes(&body));
	if (strcmp(doc_get_text(v->row, "content", ""), "data") == 0)
		how.rules.content = ESP_DATA;
	for (size_t i = first; i < v->key_count; i++) {
		answers[i - first] = (struct answer){
			v->file.ptr + v->file.len - 4096 + i * BLOCK, v->keys[i]
		};
		signers[how.signer_count++] =
		    (struct image_signer){ .key = v->keys[i],
			    .sign = give,
			    .context = &answers[i - first] };
	}
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_sbv2_sign(&how, &input, out, NULL), HM_OK);
	expect_output(out, buf_bytes(&v->file), v->id);
	output_free(out);
	buf_done(&body);
	remade++;
}

static void
signs_every_vector_byte_for_byte(void **state)
{
	(void)state;
	vectors_each(FOLDER, "signers", 125, remake);
	assert_int_equal(remade, 23);
}

static void
knows_the_digests_that_are_burned(void **state)
{
	static const struct {
		const char *file, *digest;
		unsigned scheme;
	} keys[] = {
		{ "keys/rsa3072.pem", "b22cad7c019dacb9948ee094a9ccb1bd",
		    ESP_RSA3072 },
		{ "keys/ecdsa192.pub.pem", "e8b705de11a547149f5a508bbb15ec6e",
		    ESP_P192 },
		{ "keys/ecdsa256-shortx.pem",
		    "17e3e19258d5aeac9ffa06174b887208", ESP_P256 },
		{ "keys/ecdsa384.pub.pem", "74e03eab6679f9dda3de1194c1971496",
		    ESP_P384 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct pkey *key = vector_pkey(FOLDER, keys[i].file);
		uint8_t digest[SBV2_DIGEST];
		unsigned scheme = 0;
		struct buf hex = { .max = 64 };

		assert_int_equal(sbv2_key_digest(key, digest, &scheme), HM_OK);
		assert_int_equal(
		    buf_add_hex(&hex, (struct hm_bytes){ digest, 16 }), HM_OK);
		assert_string_equal(buf_text(&hex), keys[i].digest);
		assert_int_equal(scheme, keys[i].scheme);
		buf_done(&hex);
		pkey_free(key);
	}
}

static void
knows_the_test_keys_of_esptool(void **state)
{
	const uint8_t theirs[4] = { 0xcb, 0x27, 0x91, 0xa3 };
	const uint8_t other[4] = { 0xcb, 0x27, 0x91, 0xa4 };

	(void)state;
	assert_true(sbv2_is_public_key(theirs));
	assert_false(sbv2_is_public_key(other));
}

/* ---- refusals ---- */

struct world {
	struct buf file;
	struct input input;
	struct pkey *keys[4]; /* rsa, rsa-b, ecdsa256, ecdsa384 */
	struct image_signer signers[4];
	struct sbv2_sign how;
	struct why why;
};

static void
open_file(struct world *w, const char *name)
{
	buf_done(&w->file);
	vector_read(FOLDER, name, &w->file);
	w->input = input_of(buf_bytes(&w->file));
	w->why = (struct why){ 0 };
}

static int
setup(void **state)
{
	static const char *names[] = { "keys/rsa3072.pem", "keys/rsa3072-b.pem",
		"keys/ecdsa256.pem", "keys/ecdsa384.pem" };
	static struct world world;

	world = (struct world){ 0 };
	for (size_t i = 0; i < COUNT(names); i++) {
		world.keys[i] = vector_pkey(FOLDER, names[i]);
		world.signers[i] = image_signer_of(world.keys[i]);
	}
	world.how.signers = world.signers;
	world.how.signer_count = 1;
	open_file(&world, "payloads/c3-small.bin");
	*state = &world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	buf_done(&w->file);
	for (size_t i = 0; i < COUNT(w->keys); i++)
		pkey_free(w->keys[i]);
	return 0;
}

/* Signing; what comes out is put in the place of the file. */
static hm_err
sign(struct world *w)
{
	struct output *out = NULL;
	struct input made;
	hm_err err;

	w->why = (struct why){ 0 };
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	err = esp_sbv2_sign(&w->how, &w->input, out, &w->why);
	assert_int_equal(output_input(out, &made), HM_OK);
	if (err != HM_OK) {
		assert_int_equal(made.size, 0);
		assert_true(w->why.text[0] != '\0');
	} else {
		uint8_t *room;

		buf_clear(&w->file);
		assert_int_equal(
		    buf_reserve(&w->file, (size_t)made.size, &room), HM_OK);
		assert_int_equal(
		    input_read(
			&made, 0, (struct hm_span){ room, (size_t)made.size }),
		    HM_OK);
		w->file.len = (size_t)made.size;
		w->input = input_of(buf_bytes(&w->file));
	}
	output_free(out);
	return err;
}

static hm_err
verify(struct world *w, struct sbv2_verify *how)
{
	AUTO_FINDINGS struct findings *f = NULL;

	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_sbv2_verify(how, &w->input, f), HM_OK);
	return findings_verdict(f, NULL);
}

static void
what_it_signs_it_accepts(void **state)
{
	struct world *w = *state;
	struct sbv2_verify how = { .keys = { .trusted = { w->keys[1] },
				       .trusted_count = 1 } };

	w->how.signer_count = 2;
	assert_int_equal(sign(w), HM_OK);
	assert_int_equal(w->input.size, 8192);
	assert_int_equal(verify(w, &how), HM_OK);
	how.rules.chip = esp_chip_named("esp32c3");
	assert_int_equal(verify(w, &how), HM_OK);
	how.rules.chip = esp_chip_named("esp32c2");
	assert_int_equal(verify(w, &how), HM_E_IMAGE_FIELD);
}

/* What the output knows of itself, and what is read of it as if from a disk:
 * the same verdict, before and after a byte has changed. */
static hm_err
judge_output(struct world *w, struct output *out)
{
	struct sbv2_verify how = {
		.rules = w->how.rules,
		.keys = { .trusted = { w->how.signers[0].key },
		    .trusted_count = 1 },
	};
	AUTO_FINDINGS struct findings *known = NULL, *read = NULL;
	struct input made;

	assert_int_equal(findings_new(FOLDER, &known), HM_OK);
	assert_int_equal(findings_new(FOLDER, &read), HM_OK);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal(esp_sbv2_verify(&how, &made, known), HM_OK);
	made.known = NULL;
	assert_int_equal(esp_sbv2_verify(&how, &made, read), HM_OK);
	assert_int_equal(
	    findings_verdict(known, NULL), findings_verdict(read, NULL));
	assert_int_equal(findings_faults(known), findings_faults(read));
	return findings_verdict(read, NULL);
}

static void
judge_made(struct world *w)
{
	static const uint64_t places[] = { 0, 100, 1023, 3000, 4095 };
	struct output *out = NULL;
	struct input made;
	uint8_t byte;

	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_sbv2_sign(&w->how, &w->input, out, NULL), HM_OK);
	assert_int_equal(judge_output(w, out), HM_OK);
	for (size_t i = 0; i < COUNT(places); i++) {
		struct hm_bytes one = { &byte, 1 };

		assert_int_equal(output_input(out, &made), HM_OK);
		assert_int_equal(
		    input_read(&made, places[i], (struct hm_span){ &byte, 1 }),
		    HM_OK);
		byte ^= 1;
		assert_int_equal(output_put(out, places[i], one), HM_OK);
		assert_int_not_equal(judge_output(w, out), HM_OK);
		byte ^= 1;
		assert_int_equal(output_put(out, places[i], one), HM_OK);
		assert_int_equal(judge_output(w, out), HM_OK);
	}
	output_free(out);
}

static void
judges_what_it_hashed_while_it_wrote_as_what_it_reads(void **state)
{
	struct world *w = *state;

	judge_made(w);
	w->how.any_chip = true;
	w->how.signers = &w->signers[3]; /* two digests */
	judge_made(w);
	w->how.rules.content = ESP_DATA;
	judge_made(w);
	w->how.signers = w->signers;
	judge_made(w);
}

/* Section 1.12, 3, 4, 11. */
static void
refuses_what_is_signed_empty_or_of_another_length(void **state)
{
	struct world *w = *state;

	assert_int_equal(sign(w), HM_OK);
	assert_int_equal(sign(w), HM_E_IMAGE_SIGNED);
	open_file(w, "payloads/c3-small.bin");
	w->input.size = 0;
	assert_int_equal(sign(w), HM_E_IMAGE_EMPTY);
	open_file(w, "payloads/c3-small.bin");
	w->input.size--;
	assert_int_equal(sign(w), HM_E_IMAGE_SHORT);
	open_file(w, "payloads/c3-small.bin");
	assert_int_equal(buf_add(&w->file, HM_LITERAL("\xff\xff\0")), HM_OK);
	w->input = input_of(buf_bytes(&w->file));
	assert_int_equal(sign(w), HM_E_IMAGE_TRAILING);
	w->input.size -= 1; /* only FF: part of the fill */
	assert_int_equal(sign(w), HM_OK);
	open_file(w, "bad/rsa-1.sector-late.bin");
	assert_int_equal(sign(w), HM_E_IMAGE_TRAILING);
	open_file(w, "bad/rsa-1.bad-checksum.bin");
	assert_int_equal(sign(w), HM_E_IMAGE_HASH);
}

static void
data_is_signed_once(void **state)
{
	struct world *w = *state;

	w->how.rules.content = ESP_DATA;
	open_file(w, "payloads/data1.bin");
	assert_int_equal(sign(w), HM_OK);
	assert_int_equal(w->input.size, 8192);
	assert_int_equal(sign(w), HM_E_IMAGE_SIGNED);
}

/* Section 1.12, 1: espsecure appends to what was tampered with. */
static void
appends_only_to_what_is_good(void **state)
{
	struct world *w = *state;

	w->how.mode = SBV2_APPEND;
	w->how.signers = &w->signers[1];
	open_file(w, "rsa-1.bin");
	w->file.ptr[4095] ^= 1; /* the fill is signed too */
	assert_int_equal(sign(w), HM_E_IMAGE_HASH);
	w->file.ptr[4095] ^= 1;
	assert_int_equal(sign(w), HM_OK);
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED); /* the same key */
	open_file(w, "rsa-3.bin");
	w->how.signers = &w->signers[0];
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	open_file(w, "payloads/c3-small.bin"); /* no block to append to */
	assert_int_equal(sign(w), HM_E_IMAGE_SHORT);
}

/* Section 1.12, 2. */
static void
refuses_mixed_schemes_and_a_key_twice(void **state)
{
	struct world *w = *state;

	w->how.any_chip = true;
	w->how.signer_count = 3; /* rsa, rsa-b, ecdsa256 */
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	w->signers[1] = w->signers[0];
	w->how.signer_count = 2;
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	w->how.signer_count = 0;
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	w->how.signer_count = 4;
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	w->how.mode = SBV2_APPEND;
	w->how.signers = &w->signers[2];
	w->how.signer_count = 1;
	open_file(w, "rsa-1.bin");
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
}

static void
refuses_keys_that_the_chip_does_not_know(void **state)
{
	struct world *w = *state;
	struct pkey *small = NULL;

	w->how.signers = &w->signers[2]; /* C3 has no ECDSA */
	assert_int_equal(sign(w), HM_E_IMAGE_FIELD);
	open_file(w, "payloads/c2-small.bin");
	assert_int_equal(sign(w), HM_OK);
	open_file(w, "payloads/esp32-v3.bin"); /* looks at one block */
	w->how.signers = w->signers;
	w->how.signer_count = 2;
	assert_int_equal(sign(w), HM_E_IMAGE_MIXED);
	open_file(w, "payloads/h2-nohash.bin");
	w->how.signers = &w->signers[3];
	w->how.signer_count = 1;
	w->how.any_chip = true;
	assert_int_equal(sign(w), HM_E_IMAGE_FIELD); /* P-384 needs a hash */
	assert_int_equal(pkey_generate(PKEY_RSA, 2048, &small), HM_OK);
	w->signers[0] = image_signer_of(small);
	w->how.signers = w->signers;
	assert_int_equal(sign(w), HM_E_KEY);
	pkey_free(small);
}

static void
refuses_what_does_not_fit_or_goes_back(void **state)
{
	struct world *w = *state;

	w->how.partition_size = 8191;
	assert_int_equal(sign(w), HM_E_IMAGE_PLACE);
	w->how.partition_size = 8192;
	w->how.rules.secure_version_min = 4; /* it has 3 */
	assert_int_equal(sign(w), HM_E_IMAGE_FIELD);
	w->how.rules.secure_version_min = 3;
	assert_int_equal(sign(w), HM_OK);
}

static void
replaces_what_the_old_key_signed(void **state)
{
	struct world *w = *state;
	struct sbv2_verify old = { .keys = { .trusted = { w->keys[1] },
				       .trusted_count = 1 } };
	struct sbv2_verify now = { .keys = { .trusted = { w->keys[0] },
				       .trusted_count = 1 } };

	open_file(w, "rsa-1.bin"); /* by rsa */
	w->how.mode = SBV2_RESIGN;
	w->how.old = &old;
	w->how.signers = &w->signers[1];
	assert_int_equal(sign(w), HM_E_IMAGE_UNTRUSTED);
	old.keys.trusted[0] = w->keys[0];
	assert_int_equal(sign(w), HM_OK);
	assert_int_equal(verify(w, &now), HM_E_IMAGE_UNTRUSTED);
	now.keys.trusted[0] = w->keys[1];
	assert_int_equal(verify(w, &now), HM_OK);
}

static void
knows_digests_and_revoked_ones(void **state)
{
	struct world *w = *state;
	struct sbv2_digest one = { .len = 16 }, other = { .len = 32 };
	struct sbv2_verify how = { .trusted = &one, .trusted_count = 1 };
	unsigned scheme;

	assert_int_equal(
	    sbv2_key_digest(w->keys[0], one.bytes, &scheme), HM_OK);
	assert_int_equal(
	    sbv2_key_digest(w->keys[1], other.bytes, &scheme), HM_OK);
	open_file(w, "rsa-2.bin");
	assert_int_equal(verify(w, &how), HM_OK);
	how.revoked = &other;
	how.revoked_count = 1;
	assert_int_equal(verify(w, &how), HM_OK);
	how.revoked = &one;
	assert_int_equal(verify(w, &how), HM_E_IMAGE_UNTRUSTED);
	how = (struct sbv2_verify){ 0 };
	assert_int_equal(verify(w, &how), HM_E_IMAGE_UNTRUSTED);
	how.any_key = true;
	assert_int_equal(verify(w, &how), HM_OK);
}

/* Section 1.12, 16: bytes that nobody looks at; each flip is refused. */
static void
refuses_every_changed_byte(void **state)
{
	struct world *w = *state;
	struct sbv2_verify how = { .keys = { .trusted = { w->keys[2] },
				       .trusted_count = 1 } };

	open_file(w, "ecdsa256.bin");
	for (size_t i = 0; i < w->file.len; i += i < 1500 ? 37 : 61) {
		w->file.ptr[i] ^= 0x10;
		assert_int_not_equal(verify(w, &how), HM_OK);
		w->file.ptr[i] ^= 0x10;
	}
	assert_int_equal(verify(w, &how), HM_OK);
}

/* Whatever an outside signer returns is verified before it is written. */
static void
refuses_a_signature_of_something_else(void **state)
{
	struct world *w = *state;
	struct buf other;
	struct answer wrong = { .key = w->keys[0] };

	vector_read(FOLDER, "rsa-2.bin", &other);
	wrong.block = other.ptr + 8192;
	w->signers[0] = (struct image_signer){
		.key = w->keys[0], .sign = give, .context = &wrong
	};
	assert_int_equal(sign(w), HM_E_TOKEN_WRONG);
	buf_done(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_vectors_and_as_boot_code),
		cmocka_unit_test(signs_every_vector_byte_for_byte),
		cmocka_unit_test(knows_the_digests_that_are_burned),
		cmocka_unit_test(knows_the_test_keys_of_esptool),
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		WITH(what_it_signs_it_accepts),
		WITH(judges_what_it_hashed_while_it_wrote_as_what_it_reads),
		WITH(refuses_what_is_signed_empty_or_of_another_length),
		WITH(data_is_signed_once),
		WITH(appends_only_to_what_is_good),
		WITH(refuses_mixed_schemes_and_a_key_twice),
		WITH(refuses_keys_that_the_chip_does_not_know),
		WITH(refuses_what_does_not_fit_or_goes_back),
		WITH(replaces_what_the_old_key_signed),
		WITH(knows_digests_and_revoked_ones),
		WITH(refuses_every_changed_byte),
		WITH(refuses_a_signature_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
