/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_efuse - any text as a plan for eFuses, on every chip there is a table of
 *
 * The first byte chooses the chip. Files are 16, 32, 48 or 64 bytes by the
 * length of their name. However it ends, a second run of the plan finds no bit
 * that went back to 0, and what is hidden shows zeros.
 */
#include <string.h>

#include "base/auto.h"
#include "fuzz.h"
#include "image/efuse.h"

static hm_err
load_file(void *context, const char *path, struct buf *ret, struct why *why)
{
	static const size_t sizes[] = { 16, 32, 48, 64 };
	uint8_t bytes[64];

	(void)context;
	(void)why;
	memset(bytes, 0xa5, sizeof(bytes));
	buf_init(ret, 4096);
	return buf_add(
	    ret, (struct hm_bytes){ bytes, sizes[strlen(path) % 4] });
}

static void
take_bits(struct efuse *efuse, struct output *out, uint8_t *ret)
{
	struct input in;

	fuzz_must(output_cut(out, 0) == HM_OK);
	fuzz_must(efuse_save(efuse, out) == HM_OK);
	fuzz_must(output_input(out, &in) == HM_OK);
	fuzz_must(input_read(&in, 0,
		      (struct hm_span){ ret, (size_t)in.size }) == HM_OK);
}

/* `bits` is a file: the last byte is register 0. */
static void
check_hidden(const struct efuse_chip *chip, const struct efuse *efuse,
    const uint8_t *bits)
{
	uint32_t hidden = 0;

	fuzz_must(efuse_get(efuse, "RD_DIS", &hidden) == HM_OK);
	for (size_t i = 0; i < chip->keys * 32u; i++)
		if (hidden >> i / chip->hidden_len & 1)
			fuzz_must(bits[chip->size - 1u - chip->key0 - i] == 0);
}

static void
run(struct efuse *efuse, const uint8_t *data, size_t size)
{
	static char text[4097];
	struct efuse_plan plan = { .text = text, .load = load_file };

	memcpy(text, data, size);
	text[size] = '\0';
	HM_LOSE(efuse_run(efuse, &plan, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "esp32", "esp32s2", "esp32s3",
		"esp32c2", "esp32c3", "esp32c5", "esp32c6", "esp32h2",
		"esp32p4", "esp32c61", "esp32h21", "esp32h4", "esp32s31" };
	static struct output *out;
	AUTO_FINDINGS struct findings *findings = NULL;
	uint8_t before[EFUSE_FILE_MAX], after[EFUSE_FILE_MAX];
	const struct efuse_chip *chip;
	struct efuse *efuse;

	if (size == 0 || size > 4096 ||
	    (out == NULL && output_memory(4096, &out) != HM_OK))
		return 0;
	chip = efuse_chip_named(names[data[0] % 13]);
	if (efuse_new(chip, &efuse) != HM_OK)
		return 0;
	run(efuse, data + 1, size - 1);
	take_bits(efuse, out, before);
	run(efuse, data + 1, size - 1);
	take_bits(efuse, out, after);
	/* Block 0 lies behind the key blocks in the file. */
	for (size_t i = 1; i <= 36; i++) {
		size_t at = chip->size - chip->block0 - i;

		fuzz_must((before[at] & ~after[at]) == 0);
	}
	check_hidden(chip, efuse, after);
	if (findings_new("esp-efuse", &findings) == HM_OK)
		fuzz_must(efuse_judge(efuse, findings) == HM_OK);
	efuse_free(efuse);
	return 0;
}
