/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments: what is accepted gives a text, and the text the same variables;
 * a text that is taken makes an image that is accepted.
 */
#include <string.h>

#include "base/crc.h"
#include "fuzz.h"
#include "image/uboot_env.h"

#define OUT_MAX (1u << 16)

static bool
is_accepted(const struct uboot_env *how, const struct input *file)
{
	struct findings *findings = NULL;
	bool is;

	fuzz_must(findings_new("uboot-env", &findings) == HM_OK);
	fuzz_must(uboot_env_verify(how, file, findings) == HM_OK);
	is = findings_verdict(findings, NULL) == HM_OK;
	findings_free(findings);
	return is;
}

/* Image, text, image, text: the two texts are one. */
static void
there_and_back(const struct uboot_env *how, const struct input *file)
{
	struct output *text = NULL, *image = NULL, *again = NULL;
	struct input made, remade;
	static uint8_t a[OUT_MAX], b[OUT_MAX];

	fuzz_must(output_memory(OUT_MAX, &text) == HM_OK);
	fuzz_must(output_memory(OUT_MAX, &image) == HM_OK);
	fuzz_must(output_memory(OUT_MAX, &again) == HM_OK);
	fuzz_must(uboot_env_text(how, file, text, NULL) == HM_OK);
	fuzz_must(output_input(text, &made) == HM_OK);
	if (made.size > 0 && uboot_env_make(how, &made, image, NULL) == HM_OK) {
		fuzz_must(output_input(image, &remade) == HM_OK);
		fuzz_must(is_accepted(how, &remade));
		fuzz_must(uboot_env_text(how, &remade, again, NULL) == HM_OK);
		fuzz_must(output_input(again, &remade) == HM_OK);
		fuzz_must(made.size == remade.size);
		fuzz_must(input_read(&made, 0,
			      (struct hm_span){ a, made.size }) == HM_OK);
		fuzz_must(input_read(&remade, 0,
			      (struct hm_span){ b, made.size }) == HM_OK);
		fuzz_must(memcmp(a, b, made.size) == 0);
	}
	output_free(text);
	output_free(image);
	output_free(again);
}

static void
make(const struct uboot_env *how, const struct input *text)
{
	struct output *out = NULL;
	struct input made;

	fuzz_must(output_memory(OUT_MAX, &out) == HM_OK);
	if (uboot_env_make(how, text, out, NULL) == HM_OK) {
		fuzz_must(output_input(out, &made) == HM_OK);
		fuzz_must(made.size == how->size && is_accepted(how, &made));
	}
	output_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uboot_env how = {
		.is_redundant = size % 2 == 1, .size = 512, .fill = 0xFF
	};
	uint8_t copy[1024];
	size_t head = how.is_redundant ? 5 : 4;
	struct input file = input_of((struct hm_bytes){ data, size });

	make(&how, &file);
	(void)is_accepted(&how, &file);
	if (size < head + 4 || size > sizeof(copy))
		return 0;
	/* With a CRC that is right, the list behind it is looked at. */
	memcpy(copy, data, size);
	image_put_u32(
	    copy, crc32_add(0, (struct hm_bytes){ copy + head, size - head }));
	file = input_of((struct hm_bytes){ copy, size });
	if (is_accepted(&how, &file))
		there_and_back(&how, &file);
	return 0;
}
