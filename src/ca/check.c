/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/oid.h"
#include "ca/parts.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

static hm_err
refuse(struct why *why, const char *words)
{
	return WHY(why, HM_E_CERT, "%s", words);
}

static hm_err
check_ca(const struct ca_view *view, ca_profile profile, struct why *why)
{
	int path_len = profile == CA_ROOT ? 1 : 0;

	if (!view->is_ca || view->path_len != path_len)
		return refuse(why, "not a CA of that path length");
	if (view->usage != (CA_USAGE_CERT_SIGN | CA_USAGE_CRL_SIGN))
		return refuse(why, "keyUsage is not keyCertSign and cRLSign");
	if (view->purpose != 0 || view->subject_key_id.len == 0)
		return refuse(why, "a CA has a key identifier and no purpose");
	if (profile == CA_ROOT && !hm_bytes_equal(view->issuer, view->subject))
		return refuse(why, "a root names itself as its issuer");
	if (profile == CA_SUB && view->authority_key_id.len == 0)
		return refuse(why, "authorityKeyIdentifier is missing");
	return HM_OK;
}

static hm_err
check_device(const struct ca_view *view, struct why *why)
{
	if (view->not_after_s != DER_TIME_NEVER)
		return refuse(why, "notAfter of an IDevID is 99991231235959Z");
	if (view->serial_number.len == 0)
		return refuse(why, "the subject has no serialNumber");
	if (view->purpose != 0)
		return refuse(why, "an IDevID has no purpose");
	if (view->has_alt_name && view->hw_serial.len == 0)
		return refuse(why, "a SAN without hardwareModuleName");
	return HM_OK;
}

static hm_err
check_purpose(const struct ca_view *view, ca_profile profile, struct why *why)
{
	uint16_t want = profile == CA_SERVER ? CA_PURPOSE_SERVER
			: profile == CA_STATION
			    ? CA_PURPOSE_CLIENT | CA_PURPOSE_RA
			    : CA_PURPOSE_CLIENT;

	if (view->purpose != want)
		return refuse(why, "extKeyUsage is not that of the profile");
	if (view->common_name.len == 0)
		return refuse(why, "the subject has no common name");
	if (profile == CA_SERVER && !view->has_host)
		return refuse(why, "a server has no name or address");
	return HM_OK;
}

hm_err
ca_check(const struct ca_view *view, ca_profile profile, struct why *why)
{
	if (profile == CA_ROOT || profile == CA_SUB)
		return check_ca(view, profile, why);
	if (view->is_ca)
		return refuse(why, "a CA where none is allowed");
	if (view->usage != CA_USAGE_SIGNATURE)
		return refuse(why, "keyUsage is not digitalSignature alone");
	if (view->authority_key_id.len == 0)
		return refuse(why, "authorityKeyIdentifier is missing");
	if (profile == CA_DEVICE)
		return check_device(view, why);
	return check_purpose(view, profile, why);
}

/* May the issuer issue that? The key of a CA is never that of a leaf. */
static hm_err
check_link(const struct ca_view *view, const struct ca_view *issuer)
{
	bool is_self = hm_bytes_equal(view->tbs, issuer->tbs);

	if (!issuer->is_ca || !(issuer->usage & CA_USAGE_CERT_SIGN) ||
	    !hm_bytes_equal(view->issuer, issuer->subject))
		return HM_E_CERT;
	if (view->authority_key_id.len > 0 && issuer->subject_key_id.len > 0 &&
	    !hm_bytes_equal(view->authority_key_id, issuer->subject_key_id))
		return HM_E_CERT;
	if (is_self)
		return HM_OK;
	if (view->is_ca && issuer->path_len == 0)
		return HM_E_CERT;
	return hm_bytes_equal(view->public_key, issuer->public_key) ? HM_E_CERT
								    : HM_OK;
}

hm_err
ca_verify(struct hm_bytes certificate, struct hm_bytes issuer)
{
	struct ca_view view, above;
	uint8_t raw[P384_SIGNATURE_LEN];

	HM_TRY(ca_view(certificate, &view));
	HM_TRY(ca_view(issuer, &above));
	HM_TRY(check_link(&view, &above));
	HM_TRY(view.public_key.len == P256_POINT_LEN
		   ? p256_check(view.public_key.ptr)
		   : p384_check(view.public_key.ptr));
	if (signature_raw(&view, raw) != HM_OK)
		return HM_E_CERT;
	return signature_verify(view.sig, above.public_key, view.tbs, raw);
}
