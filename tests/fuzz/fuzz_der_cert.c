/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca_view against OpenSSL: whatever we accept, OpenSSL must read, and to the
 * same serial, key, names, dates, usages and constraints. (The reverse does not
 * hold: we are stricter.)
 */
#include <string.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "ca/ca.h"
#include "fuzz.h"
#include "mutate.h"

static void
compare_time(const ASN1_TIME *time, uint64_t seconds)
{
	struct tm tm;

	fuzz_must(ASN1_TIME_to_tm(time, &tm) == 1);
	fuzz_must((uint64_t)timegm(&tm) == seconds);
}

static void
compare_name(const X509_NAME *name, struct hm_bytes der)
{
	const uint8_t *at;
	size_t len;

	fuzz_must(X509_NAME_get0_der(name, &at, &len) == 1);
	fuzz_must(hm_bytes_equal((struct hm_bytes){ at, len }, der));
}

static void
compare_key_id(const ASN1_OCTET_STRING *id, struct hm_bytes ours)
{
	fuzz_must((id != NULL) == (ours.len > 0));
	if (id)
		fuzz_must(hm_bytes_equal(
		    (struct hm_bytes){ id->data, (size_t)id->length }, ours));
}

static uint16_t
purpose_of(uint32_t flags)
{
	uint16_t purpose = 0;

	if (flags & XKU_SSL_SERVER)
		purpose |= CA_PURPOSE_SERVER;
	if (flags & XKU_SSL_CLIENT)
		purpose |= CA_PURPOSE_CLIENT;
	return purpose;
}

/* OpenSSL looks into three more, which we pass over if they are not critical:
 * where one of them is malformed, it gives up on all. */
static bool
has_foreign_extension(X509 *x509)
{
	return X509_get_ext_by_NID(x509, NID_proxyCertInfo, -1) >= 0 ||
	       X509_get_ext_by_NID(x509, NID_sbgp_ipAddrBlock, -1) >= 0 ||
	       X509_get_ext_by_NID(x509, NID_sbgp_autonomousSysNum, -1) >= 0;
}

static void
compare_extensions(X509 *x509, const struct ca_view *view)
{
	uint32_t flags = X509_get_extension_flags(x509);
	uint16_t both = CA_PURPOSE_SERVER | CA_PURPOSE_CLIENT;

	fuzz_must(((flags & EXFLAG_CA) != 0) == view->is_ca);
	fuzz_must(X509_get_pathlen(x509) == view->path_len);
	/* OpenSSL numbers the bits of the first octet from the other end. */
	if (flags & EXFLAG_KUSAGE)
		for (unsigned i = 0; i < 8; i++)
			fuzz_must(((X509_get_key_usage(x509) >> (7 - i)) & 1) ==
				  ((view->usage >> i) & 1u));
	else
		fuzz_must(view->usage == 0);
	if (flags & EXFLAG_XKUSAGE)
		fuzz_must(purpose_of(X509_get_extended_key_usage(x509)) ==
			  (view->purpose & both));
	else
		fuzz_must(view->purpose == 0);
	compare_key_id(X509_get0_subject_key_id(x509), view->subject_key_id);
	compare_key_id(
	    X509_get0_authority_key_id(x509), view->authority_key_id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *at = data;
	const ASN1_BIT_STRING *key;
	const ASN1_INTEGER *serial;
	struct ca_view view;
	X509 *x509;

	if (ca_view((struct hm_bytes){ data, len }, &view) != HM_OK)
		return 0;
	x509 = d2i_X509(NULL, &at, (long)len);
	fuzz_must(x509);
	fuzz_must(at == data + len);
	fuzz_must(X509_get_version(x509) == X509_VERSION_3);
	serial = X509_get0_serialNumber(x509);
	/* OpenSSL drops the zero before a high bit. */
	fuzz_must((size_t)serial->length ==
		  view.serial.len - (view.serial.ptr[0] == 0));
	fuzz_must(
	    memcmp(serial->data, view.serial.ptr + (view.serial.ptr[0] == 0),
		(size_t)serial->length) == 0);
	key = X509_get0_pubkey_bitstr(x509);
	fuzz_must(
	    hm_bytes_equal((struct hm_bytes){ key->data, (size_t)key->length },
		view.public_key));
	compare_name(X509_get_issuer_name(x509), view.issuer);
	compare_name(X509_get_subject_name(x509), view.subject);
	compare_time(X509_get0_notBefore(x509), view.not_before_s);
	compare_time(X509_get0_notAfter(x509), view.not_after_s);
	if (!has_foreign_extension(x509))
		compare_extensions(x509, &view);
	X509_free(x509);
	return 0;
}

MUTATE_OF(&mutate_der, 0)
