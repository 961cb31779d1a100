/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_crl - any bytes as a revocation list of our issuing CA
 *
 * Every signature is taken for good here, so that only the form decides. A
 * list that is taken, OpenSSL takes as well, with the same dates and the same
 * number of certificates on it.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "../unit/server/issuer.h"
#include "ca/parts.h"
#include "fuzz.h"
#include "mutate.h"

hm_err __wrap_signature_verify(ca_sig sig, struct hm_bytes public_key,
    struct hm_bytes tbs, const uint8_t *signature);

hm_err
__wrap_signature_verify(ca_sig sig, struct hm_bytes public_key,
    struct hm_bytes tbs, const uint8_t *signature)
{
	(void)sig;
	(void)public_key;
	(void)tbs;
	(void)signature;
	return HM_OK;
}

static void
compare_time(const ASN1_TIME *theirs, uint64_t ours)
{
	time_t seconds = (time_t)ours;

	fuzz_must(ASN1_TIME_cmp_time_t(theirs, seconds) == 0);
}

static void
compare(X509_CRL *crl, const struct ca_crl_view *view)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	fuzz_must(X509_CRL_get_version(crl) == 1);
	compare_time(X509_CRL_get0_lastUpdate(crl), view->this_update_s);
	compare_time(X509_CRL_get0_nextUpdate(crl), view->next_update_s);
	fuzz_must((sk_X509_REVOKED_num(list) <= 0) == (view->revoked.len == 0));
	for (int i = 0; i < sk_X509_REVOKED_num(list); i++) {
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(
		    sk_X509_REVOKED_value(list, i));
		uint8_t number[CA_SERIAL_LEN + 1] = { 0 };
		size_t len = (size_t)serial->length, pad;

		fuzz_must(len > 0 && len <= CA_SERIAL_LEN);
		memcpy(number + 1, serial->data, len);
		pad = number[1] >= 0x80; /* OpenSSL drops that zero */
		fuzz_must(ca_crl_lists(
		    view, (struct hm_bytes){ number + 1 - pad, len + pad }));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	struct ca_crl_view view;
	X509_CRL *crl;
	uint64_t now_s = 1800000000;
	hm_err err = ca_crl_check((struct hm_bytes){ data, size },
	    HM_BYTES(issuer_der), now_s, &view);

	fuzz_must(err == HM_OK || err == HM_E_CERT || err == HM_E_CERT_DATES);
	if (err != HM_OK)
		return 0;
	fuzz_must(view.this_update_s <= now_s && now_s < view.next_update_s);
	crl = d2i_X509_CRL(NULL, &at, (long)size);
	fuzz_must(crl != NULL && at == data + size);
	compare(crl, &view);
	X509_CRL_free(crl);
	ERR_clear_error();
	return 0;
}

MUTATE_OF(&mutate_der, 0)
