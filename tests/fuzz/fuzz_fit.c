/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees, FITs and control trees: verified, looked at, signed, given
 * keys. Whatever could be signed can be read again; a control tree that was
 * given a key has it. Signatures are good if their digest begins with an even
 * byte.
 */
#include <string.h>

#include "fuzz.h"
#include "image/fdt.h"
#include "image/fit.h"

#define OUT_MAX (1u << 16)

hm_err __wrap_pkey_verify(struct pkey *key, const struct pkey_input *input,
    struct hm_bytes signature);
hm_err __wrap_pkey_montgomery(
    const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0);
hm_err __wrap_pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret);
hm_err __wrap_pkey_from_point(
    pkey_type type, struct hm_bytes point, struct pkey **ret);

hm_err
__wrap_pkey_verify(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	(void)key;
	(void)signature;
	return input->bytes.ptr[0] % 2 == 0 ? HM_OK : HM_E_SIGNATURE;
}

hm_err
__wrap_pkey_montgomery(
    const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0)
{
	(void)key;
	memset(ret_r2.ptr, 1, ret_r2.len);
	*ret_n0 = 1;
	return HM_OK;
}

/* Reading a key is somebody else's target. */
hm_err
__wrap_pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret)
{
	(void)modulus;
	*ret = NULL;
	return HM_E_KEY;
}

hm_err
__wrap_pkey_from_point(pkey_type type, struct hm_bytes point, struct pkey **ret)
{
	(void)type;
	(void)point;
	*ret = NULL;
	return HM_E_KEY;
}

static struct pkey *
own_key(void)
{
	static struct pkey *key;

	if (key == NULL)
		fuzz_must(pkey_generate(PKEY_P256, 0, &key) == HM_OK);
	return key;
}

static hm_err
sign(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	(void)context;
	(void)input;
	(void)why;
	*ret_len = 64;
	memset(room.ptr, 7, 64);
	return HM_OK;
}

static void
sign_it(const struct input *file)
{
	struct image_signer by = {
		.key = own_key(), .sign = sign, .is_record = false
	};
	struct fit_signer signer = {
		.by = &by, .hint = "k", .hash = HASH_SHA256
	};
	struct fit_sign how = { .signers = &signer,
		.signer_count = 1,
		.images = file->size % 2 == 0,
		.again = file->size % 3 != 0,
		.name = "n",
		.version = "v" };
	struct findings *findings = NULL;
	struct output *out = NULL;
	struct input made;

	fuzz_must(output_memory(OUT_MAX, &out) == HM_OK);
	fuzz_must(findings_new("fit", &findings) == HM_OK);
	if (fit_sign(&how, file, out, NULL) == HM_OK) {
		fuzz_must(output_input(out, &made) == HM_OK);
		fuzz_must(fit_is(&made));
		fuzz_must(fit_inspect(&made, findings) == HM_OK);
	}
	findings_free(findings);
	output_free(out);
}

static void
set_key(const struct input *file)
{
	struct fit_key_entry entry = { own_key(), "k", HASH_SHA256, "conf" };
	struct fit_control_set how = {
		.keys = &entry, .key_count = 1, .mode = "any"
	};
	struct output *out = NULL;
	struct input made;

	fuzz_must(output_memory(OUT_MAX, &out) == HM_OK);
	if (fit_control_set(&how, file, out, NULL) == HM_OK) {
		fuzz_must(output_input(out, &made) == HM_OK);
		fuzz_must(fit_control_is(&made));
	}
	output_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input file = input_of((struct hm_bytes){ data, size });
	struct image_keys keys = { .trusted = { own_key() },
		.trusted_count = 1 };
	struct fit_verify by_list = { .keys = &keys };
	struct fit_verify by_tree = { .control = &file };
	struct findings *findings = NULL;

	fuzz_must(findings_new("fit", &findings) == HM_OK);
	fuzz_must(fit_verify(&by_list, &file, findings) == HM_OK);
	fuzz_must(fit_control_lint(&file, findings) == HM_OK);
	if (size % 8 == 0)
		fuzz_must(fit_verify(&by_tree, &file, findings) == HM_OK);
	if (fit_is(&file))
		sign_it(&file);
	else if (fdt_is(&file))
		set_key(&file);
	findings_free(findings);
	return 0;
}
