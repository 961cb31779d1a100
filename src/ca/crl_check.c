/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/oid.h"
#include "ca/parts.h"
#include "core/check.h"

#define IS(got, text) hm_bytes_equal((got), HM_LITERAL(text))

struct parts {
	struct ca_crl_view view;
	struct hm_bytes tbs, issuer, authority_key_id;
	ca_sig sig;
	bool has_number;
};

static void
read_reason(struct der_reader *in)
{
	struct hm_bytes reason = der_get(in, DER_ENUMERATED);

	if (reason.len != 1 || !is_reason(reason.ptr[0]) || reason.ptr[0] == 0)
		der_refuse(in);
}

/* { serial, date, extensions }: a reason, and no other that is critical. */
static struct hm_bytes
read_entry(struct der_reader *in)
{
	struct der_reader entry = der_enter(in, DER_SEQUENCE), seq;
	struct hm_bytes serial = der_get_positive(&entry, CA_SERIAL_LEN);

	(void)der_get_time(&entry);
	if (der_more(&entry)) {
		seq = der_enter(&entry, DER_SEQUENCE);
		if (!der_more(&seq))
			der_refuse(&seq);
		while (der_more(&seq)) {
			struct extension_in one = read_extension_head(&seq);
			struct der_reader value = der_reader_of(one.value);

			if (one.is_critical)
				der_refuse(&seq);
			if (!IS(one.oid, OID_REASON_CODE))
				continue;
			read_reason(&value);
			if (der_close(&value) != HM_OK)
				der_refuse(&seq);
		}
		der_leave(&entry, &seq);
	}
	der_leave(in, &entry);
	return serial;
}

static void
read_number(struct der_reader *in, struct parts *parts)
{
	bool is_zero =
	    in->end - in->at == 3 && memcmp(in->at, "\x02\x01\x00", 3) == 0;
	struct hm_bytes number =
	    is_zero ? der_get(in, DER_INTEGER) : der_get_positive(in, 9);

	if (parts->has_number || (number.len == 9 && number.ptr[0] != 0))
		der_refuse(in);
	for (size_t i = 0; i < number.len; i++)
		parts->view.number = parts->view.number << 8 | number.ptr[i];
	parts->has_number = true;
}

static void
read_extensions(struct der_reader *in, struct parts *parts)
{
	struct der_reader outer = der_enter(in, DER_CONTEXT_CONSTRUCTED(0));
	struct der_reader seq = der_enter(&outer, DER_SEQUENCE);

	while (der_more(&seq)) {
		struct extension_in one = read_extension_head(&seq);
		struct der_reader value = der_reader_of(one.value);

		if (one.is_critical)
			der_refuse(&value);
		else if (IS(one.oid, OID_CRL_NUMBER))
			read_number(&value, parts);
		else if (IS(one.oid, OID_AUTHORITY_KEY_ID) &&
			 parts->authority_key_id.len == 0)
			read_authority(&value, &parts->authority_key_id);
		else
			der_refuse(&value);
		if (der_close(&value) != HM_OK)
			der_refuse(&seq);
	}
	der_leave(&outer, &seq);
	der_leave(in, &outer);
	if (!parts->has_number || parts->authority_key_id.len == 0)
		der_refuse(in);
}

static void
read_tbs(struct der_reader *in, struct parts *parts)
{
	struct der_reader tbs = der_enter(in, DER_SEQUENCE), list;
	struct hm_bytes version = der_get(&tbs, DER_INTEGER);

	if (!IS(version, "\x01"))
		der_refuse(&tbs);
	parts->sig = read_algorithm(&tbs);
	parts->issuer = read_name(&tbs, NULL);
	parts->view.this_update_s = der_get_time(&tbs);
	parts->view.next_update_s = der_get_time(&tbs);
	/* An empty list is absent. */
	if (der_is(&tbs, DER_SEQUENCE)) {
		list = der_enter(&tbs, DER_SEQUENCE);
		parts->view.revoked =
		    (struct hm_bytes){ list.at, (size_t)(list.end - list.at) };
		if (!der_more(&list))
			der_refuse(&list);
		while (der_more(&list))
			(void)read_entry(&list);
		der_leave(&tbs, &list);
	}
	read_extensions(&tbs, parts);
	der_leave(in, &tbs);
}

static hm_err
check_issuer(const struct parts *parts, const struct ca_view *issuer)
{
	uint8_t room[KEY_ID_LEN];

	if (!(issuer->usage & CA_USAGE_CRL_SIGN) ||
	    !hm_bytes_equal(parts->issuer, issuer->subject) ||
	    !hm_bytes_equal(
		parts->authority_key_id, authority_of(issuer, room)))
		return HM_E_CERT;
	return HM_OK;
}

hm_err
ca_crl_check(struct hm_bytes crl, struct hm_bytes issuer, uint64_t now_s,
    struct ca_crl_view *ret)
{
	struct parts parts = { 0 };
	struct der_reader in = der_reader_of(crl), look;
	struct der_reader list = der_enter(&in, DER_SEQUENCE);
	struct ca_view above, signed_by = { 0 };
	uint8_t raw[96];

	look = list;
	parts.tbs = der_get_whole(&look, DER_SEQUENCE);
	read_tbs(&list, &parts);
	if (read_algorithm(&list) != parts.sig)
		der_refuse(&list);
	signed_by.sig = parts.sig;
	signed_by.signature = der_get_bits(&list);
	der_leave(&in, &list);
	HM_TRY(der_close(&in));
	if (signature_raw(&signed_by, raw) != HM_OK)
		return HM_E_CERT;
	HM_TRY(ca_view(issuer, &above));
	HM_TRY(check_issuer(&parts, &above));
	HM_TRY(signature_verify(parts.sig, above.public_key, parts.tbs, raw));
	if (now_s < parts.view.this_update_s ||
	    now_s >= parts.view.next_update_s)
		return HM_E_CERT_DATES;
	*ret = parts.view;
	return HM_OK;
}

bool
ca_crl_lists(const struct ca_crl_view *crl, struct hm_bytes serial)
{
	struct der_reader in = der_reader_of(crl->revoked);
	bool is_listed = false;

	while (der_more(&in) && !is_listed)
		is_listed = hm_bytes_equal(read_entry(&in), serial);
	hm_assert(in.err == HM_OK);
	return is_listed;
}
