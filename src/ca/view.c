/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ca/ca.h"
#include "base/der.h"
#include "ca/oid.h"
#include "ca/parts.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

#define EXTENSIONS_MAX 32

static bool
is_oid(struct hm_bytes got, struct hm_bytes want)
{
	return hm_bytes_equal(got, want);
}
#define IS(got, text) is_oid((got), HM_LITERAL(text))

bool
is_printable_string(struct hm_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
		    (c < '0' || c > '9') && (!c || !strchr(" '()+,-./:=?", c)))
			return false;
	}
	return true;
}

bool
is_plain_text(struct hm_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	return hm_is_utf8(text);
}

static bool
is_name_text(uint8_t tag, struct hm_bytes text)
{
	if (text.len == 0 || !is_plain_text(text))
		return false;
	switch (tag) {
	case DER_UTF8:
		return true;
	case DER_PRINTABLE:
		return is_printable_string(text);
	case DER_IA5:
		for (size_t i = 0; i < text.len; i++)
			if (text.ptr[i] >= 0x80)
				return false;
		return true;
	default:
		return false;
	}
}

static void
keep_first(struct hm_bytes *kept, struct hm_bytes text)
{
	if (kept->len == 0)
		*kept = text;
}

/* A Name: SEQUENCE OF SET of one { OID, text }. `view` NULL: the issuer's. */
struct hm_bytes
read_name(struct der_reader *in, struct ca_view *view)
{
	struct der_reader look = *in;
	struct hm_bytes whole = der_get_whole(in, DER_SEQUENCE);
	struct der_reader name = der_enter(&look, DER_SEQUENCE);

	if (!der_more(&name))
		der_refuse(&name);
	while (der_more(&name)) {
		struct der_reader set = der_enter(&name, DER_SET);
		struct der_reader pair = der_enter(&set, DER_SEQUENCE);
		struct hm_bytes type = der_get_oid(&pair);
		uint8_t tag;
		struct hm_bytes text = der_get_any(&pair, &tag);

		if (!is_name_text(tag, text))
			der_refuse(&pair);
		der_leave(&set, &pair);
		der_leave(&name, &set);
		if (view && IS(type, OID_COMMON_NAME))
			keep_first(&view->common_name, text);
		if (view && IS(type, OID_SERIAL_NUMBER))
			keep_first(&view->serial_number, text);
		if (view && IS(type, OID_ORGANIZATION))
			keep_first(&view->organization, text);
	}
	der_leave(in, &name);
	return whole;
}

ca_sig
read_algorithm(struct der_reader *in)
{
	struct hm_bytes whole = der_get_whole(in, DER_SEQUENCE);

	if (hm_bytes_equal(whole, HM_LITERAL(ALGORITHM_ES256)))
		return CA_ES256;
	if (!hm_bytes_equal(whole, HM_LITERAL(ALGORITHM_ES384)))
		der_refuse(in);
	return CA_ES384;
}

static bool
is_key(struct hm_bytes spki, struct hm_bytes head, size_t point_len)
{
	return spki.len == head.len + point_len &&
	       memcmp(spki.ptr, head.ptr, head.len) == 0 &&
	       spki.ptr[head.len] == 0x04;
}

static void
read_key(struct der_reader *in, struct ca_view *view)
{
	struct hm_bytes spki = der_get_whole(in, DER_SEQUENCE);
	size_t len = 0;

	if (is_key(spki, HM_LITERAL(SPKI_P256), P256_POINT_LEN))
		len = P256_POINT_LEN;
	else if (is_key(spki, HM_LITERAL(SPKI_P384), P384_POINT_LEN))
		len = P384_POINT_LEN;
	else
		der_refuse(in);
	if (len == 0)
		return;
	view->spki = spki;
	view->public_key = (struct hm_bytes){ spki.ptr + spki.len - len, len };
	if (len == P256_POINT_LEN)
		memcpy(view->point, view->public_key.ptr, P256_POINT_LEN);
}

static void
read_basic_constraints(struct der_reader *in, struct ca_view *view)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);

	if (der_is(&seq, DER_BOOLEAN)) {
		view->is_ca = der_get_bool(&seq);
		/* FALSE is the default, which DER leaves out. */
		if (!view->is_ca)
			der_refuse(&seq);
	}
	if (der_more(&seq)) {
		bool is_zero = seq.end - seq.at == 3 &&
			       memcmp(seq.at, "\x02\x01\x00", 3) == 0;
		struct hm_bytes number = is_zero ? der_get(&seq, DER_INTEGER)
						 : der_get_positive(&seq, 1);

		if (number.len == 1 && view->is_ca)
			view->path_len = number.ptr[0];
		else
			der_refuse(&seq);
	}
	der_leave(in, &seq);
}

/* A named bit list: no zero bits behind the last one, and not empty. */
static void
read_usage(struct der_reader *in, struct ca_view *view)
{
	struct hm_bytes bits = der_get(in, DER_BIT_STRING);
	uint8_t last, unused;

	if (bits.len < 2 || bits.len > 3 || bits.ptr[0] > 7) {
		der_refuse(in);
		return;
	}
	last = bits.ptr[bits.len - 1];
	unused = bits.ptr[0];
	if (last == 0 || (last & -last) != 1 << unused) {
		der_refuse(in);
		return;
	}
	for (size_t i = 0; i < 8 * (bits.len - 1); i++)
		if (bits.ptr[1 + i / 8] & (0x80 >> i % 8))
			view->usage |= (uint16_t)(1 << i);
}

static void
read_purposes(struct der_reader *in, struct ca_view *view)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);

	if (!der_more(&seq))
		der_refuse(&seq);
	while (der_more(&seq)) {
		struct hm_bytes oid = der_get_oid(&seq);

		view->purpose |= IS(oid, OID_SERVER_AUTH)   ? CA_PURPOSE_SERVER
				 : IS(oid, OID_CLIENT_AUTH) ? CA_PURPOSE_CLIENT
				 : IS(oid, OID_CMC_RA)      ? CA_PURPOSE_RA
							    : CA_PURPOSE_OTHER;
	}
	der_leave(in, &seq);
}

static void
read_hardware_module(struct der_reader *in, struct ca_view *view)
{
	struct der_reader module = der_enter(in, DER_SEQUENCE);

	view->hw_type = der_get_oid(&module);
	view->hw_serial = der_get(&module, DER_OCTET_STRING);
	if (view->hw_serial.len == 0)
		der_refuse(&module);
	der_leave(in, &module);
}

/* RFC 4043: { identifierValue UTF8String, assigner OID }, both optional. */
static void
read_permanent_identifier(struct der_reader *in)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);

	if (der_is(&seq, DER_UTF8) &&
	    !is_name_text(DER_UTF8, der_get(&seq, DER_UTF8)))
		der_refuse(&seq);
	if (der_is(&seq, DER_OID))
		(void)der_get_oid(&seq);
	der_leave(in, &seq);
}

/* otherName { type-id, [0] value } of the two types that IDevIDs have. */
static void
read_other_name(struct der_reader *in, struct ca_view *view)
{
	struct der_reader other = der_enter(in, DER_CONTEXT_CONSTRUCTED(0));
	struct hm_bytes type = der_get_oid(&other);
	struct der_reader value = der_enter(&other, DER_CONTEXT_CONSTRUCTED(0));

	if (IS(type, OID_HARDWARE_MODULE))
		read_hardware_module(&value, view);
	else if (IS(type, OID_PERMANENT_IDENTIFIER))
		read_permanent_identifier(&value);
	else
		der_refuse(&value);
	der_leave(&other, &value);
	der_leave(in, &other);
}

static void
read_alt_names(struct der_reader *in, struct ca_view *view)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);

	view->has_alt_name = true;
	if (!der_more(&seq))
		der_refuse(&seq);
	while (der_more(&seq)) {
		uint8_t tag = *seq.at;
		struct hm_bytes text;

		if (tag == DER_CONTEXT_CONSTRUCTED(0)) {
			read_other_name(&seq, view);
			continue;
		}
		text = der_get_any(&seq, &tag);
		switch (tag) {
		case DER_CONTEXT(2): /* dNSName */
			if (!is_name_text(DER_IA5, text))
				der_refuse(&seq);
			view->has_host = true;
			break;
		case DER_CONTEXT(7): /* iPAddress */
			if (text.len != 4 && text.len != 16)
				der_refuse(&seq);
			view->has_host = true;
			break;
		case DER_CONTEXT(1): /* rfc822Name */
		case DER_CONTEXT(6): /* URI */
			if (!is_name_text(DER_IA5, text))
				der_refuse(&seq);
			break;
		default:
			der_refuse(&seq);
		}
	}
	der_leave(in, &seq);
}

/* Name and serial number of the issuer's certificate: one name, both or none
 * (RFC 5280 4.2.1.1). Nobody looks them up, but what is taken has one form. */
static void
read_authority_issuer(struct der_reader *in)
{
	struct der_reader names = der_enter(in, DER_CONTEXT_CONSTRUCTED(1));
	struct der_reader name = der_enter(&names, DER_CONTEXT_CONSTRUCTED(4));

	(void)read_name(&name, NULL);
	der_leave(&names, &name);
	der_leave(in, &names);
	(void)der_get_positive_as(in, DER_CONTEXT(2), CA_SERIAL_LEN);
}

void
read_authority(struct der_reader *in, struct hm_bytes *ret_key_id)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);

	if (der_is(&seq, DER_CONTEXT(0))) {
		*ret_key_id = der_get(&seq, DER_CONTEXT(0));
		if (ret_key_id->len == 0) /* elsewhere that means: none */
			der_refuse(&seq);
	}
	if (der_more(&seq))
		read_authority_issuer(&seq);
	der_leave(in, &seq);
}

static void
read_authority_key_id(struct der_reader *in, struct ca_view *view)
{
	read_authority(in, &view->authority_key_id);
}

static void
read_subject_key_id(struct der_reader *in, struct ca_view *view)
{
	view->subject_key_id = der_get(in, DER_OCTET_STRING);
	if (view->subject_key_id.len == 0)
		der_refuse(in);
}

/* What an extension may be: 5280 4.2.1.1 and .2 forbid critical key ids. */
static const struct known {
	const char *oid;
	void (*read)(struct der_reader *in, struct ca_view *view);
	bool may_be_critical;
} known[] = {
	{ OID_BASIC_CONSTRAINTS, read_basic_constraints, true },
	{ OID_KEY_USAGE, read_usage, true },
	{ OID_EXTENDED_KEY_USAGE, read_purposes, true },
	{ OID_SUBJECT_ALT_NAME, read_alt_names, true },
	{ OID_AUTHORITY_KEY_ID, read_authority_key_id, false },
	{ OID_SUBJECT_KEY_ID, read_subject_key_id, false },
};

/* The others of id-ce restrict what we would then not see (nameConstraints),
 * or have no place here; policies only inform. */
static bool
is_restriction(struct hm_bytes oid)
{
	return oid.len >= 2 && memcmp(oid.ptr, OID_CE, 2) == 0 &&
	       !IS(oid, OID_CERTIFICATE_POLICIES);
}

struct extension_in
read_extension_head(struct der_reader *in)
{
	struct der_reader seq = der_enter(in, DER_SEQUENCE);
	struct extension_in extension = { 0 };

	extension.oid = der_get_oid(&seq);
	if (der_is(&seq, DER_BOOLEAN)) {
		extension.is_critical = der_get_bool(&seq);
		/* FALSE is the default, which DER leaves out. */
		if (!extension.is_critical)
			der_refuse(&seq);
	}
	extension.value = der_get(&seq, DER_OCTET_STRING);
	der_leave(in, &seq);
	return extension;
}

static void
read_extension(
    struct der_reader *in, struct ca_view *view, struct hm_bytes *ret_oid)
{
	struct extension_in extension = read_extension_head(in);

	*ret_oid = extension.oid;
	if (in->err != HM_OK)
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct der_reader inner = der_reader_of(extension.value);

		if (!is_oid(extension.oid, hm_bytes_of(known[i].oid)))
			continue;
		known[i].read(&inner, view);
		if (der_close(&inner) != HM_OK ||
		    (extension.is_critical && !known[i].may_be_critical))
			der_refuse(in);
		return;
	}
	if (extension.is_critical || is_restriction(extension.oid))
		der_refuse(in);
}

static void
read_extensions(struct der_reader *in, struct ca_view *view)
{
	struct der_reader outer = der_enter(in, DER_CONTEXT_CONSTRUCTED(3));
	struct der_reader seq = der_enter(&outer, DER_SEQUENCE);
	struct hm_bytes seen[EXTENSIONS_MAX];
	size_t count = 0;

	if (!der_more(&seq))
		der_refuse(&seq);
	while (der_more(&seq)) {
		if (count == EXTENSIONS_MAX) {
			der_refuse(&seq);
			break;
		}
		read_extension(&seq, view, &seen[count]);
		for (size_t i = 0; i < count; i++)
			if (hm_bytes_equal(seen[i], seen[count]))
				der_refuse(&seq);
		count++;
	}
	der_leave(&outer, &seq);
	der_leave(in, &outer);
}

static void
read_tbs(struct der_reader *in, struct ca_view *view)
{
	struct der_reader tbs = der_enter(in, DER_SEQUENCE);
	struct hm_bytes version = der_get(&tbs, DER_CONTEXT_CONSTRUCTED(0));
	struct der_reader validity;

	if (!hm_bytes_equal(version, HM_LITERAL("\x02\x01\x02")))
		der_refuse(&tbs);
	view->serial = der_get_positive(&tbs, CA_SERIAL_LEN);
	view->sig = read_algorithm(&tbs);
	view->issuer = read_name(&tbs, NULL);
	validity = der_enter(&tbs, DER_SEQUENCE);
	view->not_before_s = der_get_time(&validity);
	view->not_after_s = der_get_time(&validity);
	if (view->not_after_s < view->not_before_s)
		der_refuse(&validity);
	der_leave(&tbs, &validity);
	view->subject = read_name(&tbs, view);
	read_key(&tbs, view);
	read_extensions(&tbs, view);
	der_leave(in, &tbs);
}

hm_err
ca_view(struct hm_bytes der, struct ca_view *ret)
{
	struct ca_view view = { .path_len = CA_NO_PATHLEN };
	struct der_reader in = der_reader_of(der), look;
	struct der_reader certificate = der_enter(&in, DER_SEQUENCE);
	uint8_t raw[P384_SIGNATURE_LEN];

	look = certificate;
	view.tbs = der_get_whole(&look, DER_SEQUENCE);
	read_tbs(&certificate, &view);
	if (read_algorithm(&certificate) != view.sig)
		der_refuse(&certificate);
	view.signature = der_get_bits(&certificate);
	der_leave(&in, &certificate);
	HM_TRY(der_close(&in));
	if (signature_raw(&view, raw) != HM_OK)
		return HM_E_CERT;
	*ret = view;
	return HM_OK;
}
