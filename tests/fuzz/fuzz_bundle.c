/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_bundle - any bytes as a bundle's head, as its archive, as a whole file
 *
 * The first byte chooses. A head that is taken encodes to the same bytes; an
 * archive that is taken consists of its headers, contents and zeros. No input
 * opens: there is no recipient with a key of ours.
 */
#include <string.h>

#include "fuzz.h"
#include "image/bundle_parts.h"
#include "mutate.h"

static void
try_head(struct hm_bytes bytes)
{
	static struct bundle_head head;
	static uint8_t again[BUNDLE_HEAD_MAX];
	size_t len;

	if (bundle_head_decode(bytes, &head) != HM_OK)
		return;
	fuzz_must(head.count >= 1 && head.count <= BUNDLE_RECIPIENTS_MAX);
	fuzz_must(bundle_head_encode(&head,
		      (struct hm_span){ again, sizeof(again) }, &len) == HM_OK);
	fuzz_must(len == bytes.len && memcmp(again, bytes.ptr, len) == 0);
}

static hm_err
add_size(void *context, const char *name, const struct input *content)
{
	uint64_t *sum = context;

	fuzz_must(tar_name_is_good(name));
	*sum +=
	    TAR_BLOCK + (content->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	return HM_OK;
}

static void
try_archive(struct hm_bytes bytes)
{
	struct input archive = input_of(bytes);
	uint64_t sum = (uint64_t)2 * TAR_BLOCK;
	hm_err err = bundle_files(&archive, add_size, &sum, NULL);

	fuzz_must(err == HM_OK || err == HM_E_IMAGE_FIELD);
	fuzz_must(err != HM_OK || sum == bytes.len);
}

static void
try_file(struct hm_bytes bytes)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input file = input_of(bytes);

	if (findings_new("bundle", &findings) == HM_OK)
		fuzz_must(bundle_inspect(&file, findings) == HM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes rest = { data + 1, size - 1 };

	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		try_head(rest);
	else if (data[0] % 3 == 1)
		try_archive(rest);
	else
		try_file(rest);
	return 0;
}

MUTATE_OF(&mutate_cbor, 1)
