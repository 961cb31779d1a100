/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "base/auto.h"
#include "ca/oid.h"
#include "ca/parts.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

#define TBS_MAX 8192
#define HOST_MAX 253
#define HOST_LABEL_MAX 63
#define HOSTS_MAX 64

static hm_err
refuse(struct why *why, const char *words)
{
	return WHY(why, HM_E_CERT, "%s", words);
}

static bool
is_ca_profile(ca_profile profile)
{
	return profile == CA_ROOT || profile == CA_SUB;
}

/* Letters, digits and hyphens inside of labels; no wildcard. */
static bool
is_host_name(const char *host)
{
	size_t len = strlen(host), label = 0;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = host[i];
		bool is_word = (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (c == '.' || c == '\0') {
			if (label == 0 || label > HOST_LABEL_MAX ||
			    host[i - 1] == '-')
				return false;
			label = 0;
		} else if (is_word || (c == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
	return true;
}

/* The octets of an iPAddress; empty if it is none. */
static struct hm_bytes
address_of(const char *host, uint8_t room[static 16])
{
	if (inet_pton(AF_INET, host, room) == 1)
		return (struct hm_bytes){ room, 4 };
	if (inet_pton(AF_INET6, host, room) == 1)
		return (struct hm_bytes){ room, 16 };
	return (struct hm_bytes){ 0 };
}

static hm_err
check_names(const struct ca_request *request, struct why *why)
{
	struct hm_bytes cn = hm_bytes_of(request->common_name);
	struct hm_bytes o = hm_bytes_of(request->organization);
	size_t count = 0;

	if (cn.len == 0 || cn.len > NAME_TEXT_MAX || !is_plain_text(cn))
		return refuse(why, "a common name has 1 to 64 bytes of text");
	if (request->organization &&
	    (o.len == 0 || o.len > NAME_TEXT_MAX || !is_plain_text(o)))
		return refuse(why, "an organization has 1 to 64 bytes of text");
	for (; request->hosts && request->hosts[count]; count++) {
		uint8_t room[16];
		const char *host = request->hosts[count];

		if (address_of(host, room).len == 0 && !is_host_name(host))
			return WHY(why, HM_E_CERT,
			    "'%.80s' is neither a host name nor an address",
			    host);
	}
	if (request->profile == CA_SERVER && (count == 0 || count > HOSTS_MAX))
		return refuse(why, "a server has 1 to 64 names or addresses");
	if (request->profile != CA_SERVER && count > 0)
		return refuse(why, "only a server has names and addresses");
	return HM_OK;
}

static hm_err
check_request(const struct ca_request *request, struct why *why)
{
	size_t want =
	    request->profile == CA_ROOT ? P384_POINT_LEN : P256_POINT_LEN;

	if (request->profile < CA_ROOT || request->profile > CA_CLIENT)
		return refuse(why, "no profile that is built this way");
	if (request->not_after_s <= request->not_before_s ||
	    request->not_after_s > DER_TIME_NEVER)
		return refuse(
		    why, "the certificate would end before it begins");
	if (!is_ca_profile(request->profile) &&
	    request->not_after_s - request->not_before_s > CA_LEAF_MAX_S)
		return refuse(why,
		    "servers, stations and clients are certified for a year at "
		    "most");
	if (request->public_key.len != want)
		return WHY(why, HM_E_KEY, "the key has to be of %s",
		    request->profile == CA_ROOT ? "P-384" : "P-256");
	HM_TRY(check_names(request, why));
	return want == P384_POINT_LEN ? p384_check(request->public_key.ptr)
				      : p256_check(request->public_key.ptr);
}

/* The issuer's certificate must allow what is asked of its key. */
static hm_err
check_issuer(const struct ca_issuer *issuer, const struct ca_request *request,
    struct ca_view *ret, struct why *why)
{
	struct ca_view view = { 0 };

	if (request->profile == CA_ROOT) {
		if (issuer->certificate.len > 0 || issuer->sig != CA_ES384)
			return refuse(why, "a root signs itself with ES384");
		return HM_OK;
	}
	if (ca_view(issuer->certificate, &view) != HM_OK)
		return refuse(why, "the issuer's certificate is malformed");
	HM_TRY(ca_check(&view, view.path_len == 0 ? CA_SUB : CA_ROOT, why));
	if (request->profile == CA_SUB && view.path_len == 0)
		return refuse(why, "the issuer may not certify a CA");
	if (request->not_before_s < view.not_before_s ||
	    request->not_after_s > view.not_after_s)
		return refuse(why,
		    "the certificate would outlive its issuer, or begin before "
		    "it");
	if (hm_bytes_equal(request->public_key, view.public_key))
		return WHY(why, HM_E_KEY, "the key is that of the issuer");
	*ret = view;
	return HM_OK;
}

static void
put_subject(struct der_writer *out, const struct ca_request *request)
{
	size_t name = der_begin(out, DER_SEQUENCE);

	if (request->organization)
		put_name_part(out, HM_LITERAL(OID_ORGANIZATION), DER_UTF8,
		    hm_bytes_of(request->organization));
	put_name_part(out, HM_LITERAL(OID_COMMON_NAME), DER_UTF8,
	    hm_bytes_of(request->common_name));
	der_end(out, name);
}

static void
put_constraints(struct der_writer *out, ca_profile profile)
{
	struct extension extension =
	    extension_begin(out, HM_LITERAL(OID_BASIC_CONSTRAINTS), true);
	size_t seq = der_begin(out, DER_SEQUENCE);

	if (is_ca_profile(profile)) {
		der_put(out, DER_BOOLEAN, HM_LITERAL("\xff"));
		der_put_uint(out, profile == CA_ROOT ? 1 : 0);
	}
	der_end(out, seq);
	extension_end(out, extension);
}

static void
put_purposes(struct der_writer *out, ca_profile profile)
{
	struct extension extension;
	size_t seq;

	if (is_ca_profile(profile))
		return;
	extension =
	    extension_begin(out, HM_LITERAL(OID_EXTENDED_KEY_USAGE), false);
	seq = der_begin(out, DER_SEQUENCE);
	if (profile == CA_SERVER)
		der_put(out, DER_OID, HM_LITERAL(OID_SERVER_AUTH));
	else
		der_put(out, DER_OID, HM_LITERAL(OID_CLIENT_AUTH));
	if (profile == CA_STATION)
		der_put(out, DER_OID, HM_LITERAL(OID_CMC_RA));
	der_end(out, seq);
	extension_end(out, extension);
}

static void
put_hosts(struct der_writer *out, const char *const *hosts)
{
	struct extension extension;
	size_t seq;

	if (!hosts || !hosts[0])
		return;
	extension =
	    extension_begin(out, HM_LITERAL(OID_SUBJECT_ALT_NAME), false);
	seq = der_begin(out, DER_SEQUENCE);
	for (; *hosts; hosts++) {
		uint8_t room[16];
		struct hm_bytes address = address_of(*hosts, room);

		if (address.len > 0)
			der_put(out, DER_CONTEXT(7), address);
		else
			der_put(out, DER_CONTEXT(2), hm_bytes_of(*hosts));
	}
	der_end(out, seq);
	extension_end(out, extension);
}

static void
put_extensions(struct der_writer *out, const struct ca_request *request,
    const struct ca_view *issuer)
{
	size_t outer = der_begin(out, DER_CONTEXT_CONSTRUCTED(3));
	size_t seq = der_begin(out, DER_SEQUENCE);
	uint8_t own[KEY_ID_LEN], room[KEY_ID_LEN];
	struct extension ski;

	put_constraints(out, request->profile);
	put_usage(out, is_ca_profile(request->profile)
			   ? CA_USAGE_CERT_SIGN | CA_USAGE_CRL_SIGN
			   : CA_USAGE_SIGNATURE);
	put_purposes(out, request->profile);
	put_hosts(out, request->hosts);
	key_id_of(request->public_key, own);
	ski = extension_begin(out, HM_LITERAL(OID_SUBJECT_KEY_ID), false);
	der_put(out, DER_OCTET_STRING, HM_BYTES(own));
	extension_end(out, ski);
	put_authority(out, request->profile == CA_ROOT
			       ? HM_BYTES(own)
			       : authority_of(issuer, room));
	der_end(out, seq);
	der_end(out, outer);
}

static hm_err
build(const struct ca_request *request, ca_sig sig,
    const struct ca_view *issuer, struct buf *tbs)
{
	struct der_writer out = { .buf = tbs };
	uint8_t serial[CA_SERIAL_LEN];
	size_t all, validity;

	HM_TRY(new_serial(serial));
	all = der_begin(&out, DER_SEQUENCE);
	der_add(&out, HM_LITERAL("\xa0\x03\x02\x01\x02"));
	der_put(&out, DER_INTEGER, HM_BYTES(serial));
	put_algorithm(&out, sig);
	if (request->profile == CA_ROOT)
		put_subject(&out, request);
	else
		der_add(&out, issuer->subject);
	validity = der_begin(&out, DER_SEQUENCE);
	der_put_time(&out, request->not_before_s);
	der_put_time(&out, request->not_after_s);
	der_end(&out, validity);
	put_subject(&out, request);
	put_key(&out, request->public_key);
	put_extensions(&out, request, issuer);
	der_end(&out, all);
	return out.err;
}

hm_err
ca_make(const struct ca_issuer *issuer, const struct ca_request *request,
    struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf tbs = { 0 };
	struct ca_view above = { 0 };
	uint8_t raw[P384_SIGNATURE_LEN];
	size_t before = ret->len;
	hm_err err;

	HM_TRY(check_request(request, why));
	HM_TRY(check_issuer(issuer, request, &above, why));
	buf_init(&tbs, TBS_MAX);
	HM_TRY(build(request, issuer->sig, &above, &tbs));
	HM_TRY(sign_tbs(issuer, buf_bytes(&tbs), ret, raw));
	err = signature_verify(issuer->sig,
	    request->profile == CA_ROOT ? request->public_key
					: above.public_key,
	    buf_bytes(&tbs), raw);
	if (err == HM_OK)
		return HM_OK;
	ret->len = before;
	return WHY(why, err,
	    "the issuing key did not make a signature of its certificate's "
	    "key");
}
