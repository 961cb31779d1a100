/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "ca/oid.h"
#include "ca/parts.h"

#define REASON_LAST 10 /* aACompromise */
#define REASON_UNUSED 7
#define REASON_REMOVE 8 /* removeFromCRL, of delta lists */

bool
is_reason(uint8_t reason)
{
	return reason <= REASON_LAST && reason != REASON_UNUSED &&
	       reason != REASON_REMOVE;
}

static void
put_entry(struct der_writer *out, const struct ca_revoked *revoked)
{
	size_t entry = der_begin(out, DER_SEQUENCE), extensions;
	struct extension extension;

	der_put(out, DER_INTEGER, HM_BYTES(revoked->serial));
	der_put_time(out, revoked->revoked_s);
	/* "Unspecified" is said by saying nothing (RFC 5280 5.3.1). */
	if (revoked->reason != 0) {
		extensions = der_begin(out, DER_SEQUENCE);
		extension =
		    extension_begin(out, HM_LITERAL(OID_REASON_CODE), false);
		der_put(out, DER_ENUMERATED,
		    (struct hm_bytes){ &revoked->reason, 1 });
		extension_end(out, extension);
		der_end(out, extensions);
	}
	der_end(out, entry);
}

static void
put_extensions(
    struct der_writer *out, const struct ca_view *issuer, uint64_t number)
{
	size_t outer = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
	size_t seq = der_begin(out, DER_SEQUENCE);
	struct extension extension;
	uint8_t room[KEY_ID_LEN];

	put_authority(out, authority_of(issuer, room));
	extension = extension_begin(out, HM_LITERAL(OID_CRL_NUMBER), false);
	der_put_uint(out, number);
	extension_end(out, extension);
	der_end(out, seq);
	der_end(out, outer);
}

static hm_err
build(const struct ca_crl *list, ca_sig sig, const struct ca_view *issuer,
    struct buf *tbs)
{
	struct der_writer out = { .buf = tbs };
	size_t all = der_begin(&out, DER_SEQUENCE), entries;

	der_put_uint(&out, 1); /* v2 */
	put_algorithm(&out, sig);
	der_add(&out, issuer->subject);
	der_put_time(&out, list->this_update_s);
	der_put_time(&out, list->next_update_s);
	/* An empty list is absent. */
	if (list->count > 0) {
		entries = der_begin(&out, DER_SEQUENCE);
		for (size_t i = 0; i < list->count; i++)
			put_entry(&out, &list->revoked[i]);
		der_end(&out, entries);
	}
	put_extensions(&out, issuer, list->number);
	der_end(&out, all);
	return out.err;
}

static hm_err
check(const struct ca_crl *list, const struct ca_view *issuer)
{
	if (!(issuer->usage & CA_USAGE_CRL_SIGN) ||
	    list->next_update_s <= list->this_update_s)
		return HM_E_CERT;
	for (size_t i = 0; i < list->count; i++)
		if (!is_reason(list->revoked[i].reason) ||
		    list->revoked[i].serial[0] == 0 ||
		    list->revoked[i].serial[0] >= 0x80)
			return HM_E_CERT;
	return HM_OK;
}

hm_err
ca_crl_make(
    const struct ca_issuer *issuer, const struct ca_crl *list, struct buf *ret)
{
	AUTO(buf) struct buf tbs = { 0 };
	size_t before = ret->len;
	struct ca_view view;
	uint8_t raw[96];
	hm_err err;

	HM_TRY(ca_view(issuer->certificate, &view));
	HM_TRY(check(list, &view));
	buf_init(&tbs, ret->max);
	HM_TRY(build(list, issuer->sig, &view, &tbs));
	HM_TRY(sign_tbs(issuer, buf_bytes(&tbs), ret, raw));
	err = signature_verify(
	    issuer->sig, view.public_key, buf_bytes(&tbs), raw);
	if (err != HM_OK)
		ret->len = before;
	return err;
}
