/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_enc - any bytes as a pre-encrypted image, with the key that opens it
 *
 * Agreement and decryption are left out: the tag is right if the last byte of
 * the body says so. What is taken has a header with zeros where zeros belong,
 * and a size that is its own; what comes out is as long as the header says.
 */
#include <string.h>

#include "fuzz.h"
#include "crypto/cipher.h"
#include "image/esp_enc.h"

static struct pkey *key;
static const uint8_t *last;

hm_err __wrap_pkey_from_point(
    pkey_type type, struct hm_bytes point, struct pkey **ret);
hm_err __wrap_pkey_agree(struct pkey *own, const struct pkey *other,
    struct hm_span room, size_t *ret_len);
hm_err __wrap_cipher_check(struct cipher *cipher, const uint8_t tag[static 16]);
void __wrap_pkey_clean(struct pkey **ret);

hm_err
__wrap_pkey_from_point(pkey_type type, struct hm_bytes point, struct pkey **ret)
{
	(void)type;
	*ret = key;
	return point.ptr[1] == 0xff ? HM_E_KEY : HM_OK;
}

void
__wrap_pkey_clean(struct pkey **ret)
{
	(void)ret;
}

hm_err
__wrap_pkey_agree(struct pkey *own, const struct pkey *other,
    struct hm_span room, size_t *ret_len)
{
	(void)own;
	(void)other;
	memset(room.ptr, 7, room.len);
	*ret_len = room.len;
	return HM_OK;
}

hm_err
__wrap_cipher_check(struct cipher *cipher, const uint8_t tag[static 16])
{
	(void)cipher;
	(void)tag;
	return *last == 0 ? HM_OK : HM_E_OPEN;
}

static void
check(const uint8_t *data, size_t size, struct output *out)
{
	for (size_t i = ESP_ENC_FILL_AT; i < ESP_ENC_HEADER; i++)
		fuzz_must(data[i] == 0);
	for (size_t i = 100; i < ESP_ENC_IV_AT; i++)
		fuzz_must(data[i] == 0);
	fuzz_must(size > ESP_ENC_HEADER);
	fuzz_must(
	    image_get_u32(data + ESP_ENC_SIZE_AT) == size - ESP_ENC_HEADER);
	fuzz_must(output_size(out) == size - ESP_ENC_HEADER);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct output *out;
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input file = input_of((struct hm_bytes){ data, size });

	if (key == NULL && (pkey_generate(PKEY_P256, 0, &key) != HM_OK ||
			       output_memory(1 << 20, &out) != HM_OK))
		return 0;
	if (size == 0 || findings_new("esp-encrypted-img", &findings) != HM_OK)
		return 0;
	last = data + size - 1;
	fuzz_must(output_cut(out, 0) == HM_OK);
	fuzz_must(esp_enc_open(key, &file, out, findings) == HM_OK);
	if (findings_faults(findings) == 0)
		check(data, size, out);
	return 0;
}
