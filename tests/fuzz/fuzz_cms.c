/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cms - any bytes as a detached CMS signature over a file of ours
 *
 * Digests are taken for right and signatures for good here, so that only the
 * form decides. What is taken, OpenSSL reads as well: a SignedData without
 * content, with one signer who has signed attributes. It may only object to
 * what decides nothing and is not looked at: certificates that come along, and
 * values of attributes that are not ours.
 */
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "fuzz.h"
#include "image/raw.h"
#include "mutate.h"

static struct pkey *key;

hm_err __wrap_pkey_verify(
    struct pkey *by, const struct pkey_input *input, struct hm_bytes signature);

hm_err
__wrap_pkey_verify(
    struct pkey *by, const struct pkey_input *input, struct hm_bytes signature)
{
	(void)by;
	(void)input;
	(void)signature;
	return HM_OK;
}

hm_err __wrap_pkey_sig_from_der(const struct pkey *by, struct hm_bytes der,
    struct hm_span room, size_t *ret_len);

hm_err
__wrap_pkey_sig_from_der(const struct pkey *by, struct hm_bytes der,
    struct hm_span room, size_t *ret_len)
{
	(void)by;
	(void)der;
	memset(room.ptr, 1, 64);
	*ret_len = 64;
	return HM_OK;
}

bool __wrap_hm_bytes_equal(struct hm_bytes a, struct hm_bytes b);

/* Equal, or both as long as a digest. */
bool
__wrap_hm_bytes_equal(struct hm_bytes a, struct hm_bytes b)
{
	if (a.len != b.len)
		return false;
	return a.len >= 32 || a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Did OpenSSL stop in what nobody looks at? */
static bool
is_unseen(void)
{
	const char *data;
	int flags;

	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		if ((flags & ERR_TXT_STRING) != 0 &&
		    (strstr(data, "d.certificate") != NULL ||
			strstr(data, "certificates") != NULL ||
			strstr(data, "X509_ATTRIBUTE") != NULL))
			return true;
	return false;
}

static void
compare(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)size);
	STACK_OF(CMS_SignerInfo) * signers;

	if (cms == NULL && is_unseen())
		return;
	fuzz_must(cms != NULL && at == data + size);
	fuzz_must(CMS_is_detached(cms) == 1);
	signers = CMS_get0_SignerInfos(cms);
	fuzz_must(sk_CMS_SignerInfo_num(signers) == 1);
	fuzz_must(CMS_signed_get_attr_count(
		      sk_CMS_SignerInfo_value(signers, 0)) >= 2);
	CMS_ContentInfo_free(cms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input file = input_of(HM_LITERAL("content"));
	struct image_keys keys = { .trusted_count = 1 };

	if (key == NULL && pkey_generate(PKEY_P256, 0, &key) != HM_OK)
		return 0;
	keys.trusted[0] = key;
	if (findings_new("cms", &findings) != HM_OK)
		return 0;
	fuzz_must(cms_verify(&keys, &file, (struct hm_bytes){ data, size },
		      findings) == HM_OK);
	if (findings_faults(findings) == 0)
		compare(data, size);
	ERR_clear_error();
	return 0;
}

MUTATE_OF(&mutate_der, 0)
