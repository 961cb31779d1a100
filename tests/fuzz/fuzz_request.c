/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_request - any text as a request to sign an image, and any bytes as the
 * response to it
 *
 * The response stands behind the first NUL. A request that is taken has items
 * of known schemes only, whose digests are as long as their hash; what answers
 * its first item is a signature that pkey_verify() took, which here takes those
 * that begin with a byte of 1.
 */
#include <string.h>

#include "cmd/image_request.h"
#include "crypto/hash.h"
#include "fuzz.h"
#include "mutate.h"

/* P-256's base point is as good a key as any. */
static const uint8_t point[65] = { 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
	0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
	0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
	0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
	0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
	0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };
static struct pkey *key;

hm_err __wrap_pkey_verify(struct pkey *with, const struct pkey_input *input,
    struct hm_bytes signature);

hm_err
__wrap_pkey_verify(struct pkey *with, const struct pkey_input *input,
    struct hm_bytes signature)
{
	fuzz_must(with == key && input->bytes.len > 0 && signature.len == 64);
	return signature.ptr[0] == 1 ? HM_OK : HM_E_SIGNATURE;
}

hm_err __wrap_pkey_spki(const struct pkey *of, struct buf *ret);

/* OpenSSL's encoder takes a millisecond: what the corpus calls the key. */
hm_err
__wrap_pkey_spki(const struct pkey *of, struct buf *ret)
{
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07,
		0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
		0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

	fuzz_must(of == key);
	HM_TRY(buf_add(ret, HM_BYTES(head)));
	return buf_add(ret, HM_BYTES(point));
}

static void
check_item(const struct image_item *item)
{
	fuzz_must(item->scheme >= PKEY_PKCS1 && item->scheme <= PKEY_EDDSA &&
		  item->scheme != PKEY_PSS_ANY);
	fuzz_must(item->spki.len > 0 && item->spki.len <= IMAGE_SPKI_MAX);
	fuzz_must(item->bytes.len > 0 && item->bytes.len <= IMAGE_MESSAGE_MAX);
	if (item->scheme != PKEY_EDDSA)
		fuzz_must(item->bytes.len == hash_len(item->hash));
}

/* The first item, asked for as image sign would. */
static void
answer(struct image_request *request, struct hm_bytes response)
{
	const struct image_item *item = &request->items[0];
	struct image_far far = image_request_answerer(request);
	struct pkey_input input = { .scheme = item->scheme,
		.hash = item->hash,
		.bytes = buf_bytes(&item->bytes) };
	uint8_t room[PKEY_SIGNATURE_MAX] = { 0 };
	size_t len = 0;

	buf_init(&request->responses[0], IMAGE_RESPONSE_MAX);
	if (buf_add(&request->responses[0], response) != HM_OK)
		return;
	request->response_count = 1;
	if (far.sign(far.context, key, &input,
		(struct hm_span){ room, sizeof(room) }, &len, NULL) == HM_OK)
		fuzz_must(len == 64 && room[0] == 1);
	else
		fuzz_must(len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
	struct hm_bytes text = { data,
		end == NULL ? size : (size_t)(end - data) };
	struct image_request *request = NULL;

	if (key == NULL)
		fuzz_must(
		    pkey_from_point(PKEY_P256, HM_BYTES(point), &key) == HM_OK);
	if (image_request_parse(text, &request, NULL) != HM_OK) {
		fuzz_must(request == NULL);
		return 0;
	}
	fuzz_must(request->count > 0 && request->count <= IMAGE_ITEMS_MAX);
	for (size_t i = 0; i < request->count; i++)
		check_item(&request->items[i]);
	if (end != NULL)
		answer(
		    request, (struct hm_bytes){ end + 1, size - text.len - 1 });
	image_request_free(request);
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
