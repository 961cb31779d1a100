/* SPDX-License-Identifier: Apache-2.0 */
/* image/esp_sbv1: trailers and digests as the vectors have them */
#include "esp_vectors.h"

#include "image/esp_sbv1.h"

#define FOLDER "esp-secure-boot-v1"

static hm_err
judge_app(const struct input *input, struct pkey *key, struct findings *f)
{
	struct sbv1_verify how = { 0 };

	how.keys.trusted[0] = key;
	how.keys.trusted_count = key != NULL;
	return esp_sbv1_verify(&how, input, f);
}

static void
judge(struct vector *v)
{
	AUTO_FINDINGS struct findings *f = NULL;
	const char *name = doc_get_text(v->row, "key", NULL);
	struct pkey *key = NULL;
	struct buf secret;

	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	if (name != NULL) {
		key = vector_pkey(FOLDER, strcmp(name, "app") == 0
					      ? "keys/app.pem"
					      : "keys/app-other.pem");
		assert_int_equal(judge_app(&v->input, key, f), HM_OK);
		pkey_free(key);
	} else {
		vector_read(FOLDER, "keys/key.bin", &secret);
		assert_int_equal(
		    esp_sbv1_boot_verify(buf_bytes(&secret), &v->input, f),
		    HM_OK);
		buf_done(&secret);
	}
	vector_judge(v, f);
	assert_true(!v->accept || esp_sbv1_is(&v->input));
}

static void
decides_as_the_vectors(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 9, judge);
}

static void
expect(struct output *out, const char *file)
{
	static uint8_t is[8192];
	struct input made;
	struct buf should;

	vector_read(FOLDER, file, &should);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal(made.size, should.len);
	assert_int_equal(
	    input_read(&made, 0, (struct hm_span){ is, should.len }), HM_OK);
	assert_memory_equal(is, should.ptr, should.len);
	buf_done(&should);
	output_free(out);
}

static void
make_boot(const char *from, const char *to)
{
	struct buf key, iv, image;
	struct sbv1_digest how;
	struct output *out = NULL;
	struct input input;

	vector_read(FOLDER, "keys/key.bin", &key);
	vector_read(FOLDER, "keys/iv.bin", &iv);
	vector_read(FOLDER, from, &image);
	how = (struct sbv1_digest){ buf_bytes(&key), buf_bytes(&iv) };
	input = input_of(buf_bytes(&image));
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(esp_sbv1_boot_make(&how, &input, out, NULL), HM_OK);
	expect(out, to);
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	how.key.len = 31;
	assert_int_equal(esp_sbv1_boot_make(&how, &input, out, NULL), HM_E_KEY);
	how.key.len = 32;
	how.iv.len = 127;
	assert_int_equal(
	    esp_sbv1_boot_make(&how, &input, out, NULL), HM_E_BAD_INPUT);
	assert_int_equal(output_size(out), 0);
	output_free(out);
	buf_done(&key);
	buf_done(&iv);
	buf_done(&image);
}

static void
digests_boot_loaders_byte_for_byte(void **state)
{
	(void)state;
	make_boot("payloads/boot.bin", "boot-digested.bin");
	make_boot("payloads/boot2.bin", "boot2-digested.bin");
}

static hm_err
give(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	const struct buf *is_signed = context;

	(void)input;
	(void)why;
	assert_int_equal(room.len, 64);
	memcpy(room.ptr, is_signed->ptr + is_signed->len - 64, 64);
	*ret_len = 64;
	return HM_OK;
}

static void
signs_an_app_byte_for_byte_and_once(void **state)
{
	struct buf image, is_signed;
	struct image_signer signer = { .sign = give, .context = &is_signed };
	struct esp_app_rules rules = { 0 };
	struct output *out = NULL;
	struct input input;

	(void)state;
	vector_read(FOLDER, "payloads/boot.bin", &image);
	vector_read(FOLDER, "app-signed.bin", &is_signed);
	signer.key = vector_pkey(FOLDER, "keys/app.pem");
	input = input_of(buf_bytes(&image));
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	assert_int_equal(
	    esp_sbv1_sign(&rules, &signer, &input, out, NULL), HM_OK);
	expect(out, "app-signed.bin");
	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	input = input_of(buf_bytes(&is_signed));
	assert_int_equal(esp_sbv1_sign(&rules, &signer, &input, out, NULL),
	    HM_E_IMAGE_SIGNED);
	input.size--;
	assert_int_equal(esp_sbv1_sign(&rules, &signer, &input, out, NULL),
	    HM_E_IMAGE_TRAILING);
	input.size = 0;
	assert_int_equal(esp_sbv1_sign(&rules, &signer, &input, out, NULL),
	    HM_E_IMAGE_EMPTY);
	assert_int_equal(output_size(out), 0);
	output_free(out);
	pkey_free(signer.key);
	buf_done(&image);
	buf_done(&is_signed);
}

static hm_err
boot_verdict(const struct buf *file, const struct buf *key)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct input input = input_of(buf_bytes(file));

	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(
	    esp_sbv1_boot_verify(buf_bytes(key), &input, f), HM_OK);
	return findings_verdict(f, NULL);
}

static void
sees_every_change_of_a_boot_loader(void **state)
{
	struct buf file, key;

	(void)state;
	vector_read(FOLDER, "boot-digested.bin", &file);
	vector_read(FOLDER, "keys/key.bin", &key);
	assert_int_equal(boot_verdict(&file, &key), HM_OK);
	file.ptr[5] ^= 1; /* iv */
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_SIGNATURE);
	file.ptr[5] ^= 1;
	file.ptr[150] ^= 1; /* digest */
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_SIGNATURE);
	file.ptr[150] ^= 1;
	file.ptr[300] ^= 1; /* between */
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_TRAILING);
	file.ptr[300] ^= 1;
	file.ptr[0x1000 + 200] ^= 1;
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_SIGNATURE);
	file.ptr[0x1000 + 200] ^= 1;
	file.len--;
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_SHORT);
	file.len = 0x1000;
	assert_int_equal(boot_verdict(&file, &key), HM_E_IMAGE_SHORT);
	buf_done(&file);
	buf_done(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_vectors),
		cmocka_unit_test(digests_boot_loaders_byte_for_byte),
		cmocka_unit_test(signs_an_app_byte_for_byte_and_once),
		cmocka_unit_test(sees_every_change_of_a_boot_loader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
