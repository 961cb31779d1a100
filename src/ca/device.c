/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template is what all certificates of a product have in common, encoded
 * once; a certificate is these pieces with what differs put between, and costs
 * little above its signature (bench_ca).
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ca/oid.h"
#include "ca/parts.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define TBS_MAX 4096
#define TBS_USUAL 1000 /* one allocation then */
#define PIECE_MAX 1024
#define HW_SERIAL_MAX 64
#define HW_TYPE_MAX 32

struct ca_template {
	struct ca_issuer issuer; /* its certificate is read at compile time */
	struct buf head;         /* algorithm and issuer */
	struct buf organization; /* the first part of the subject */
	struct buf extensions;   /* all but the SAN */
	uint8_t hw_type[HW_TYPE_MAX];
	size_t hw_type_len;
	uint64_t not_before_s; /* of the issuer */
};

static hm_err
compile(struct ca_template *template_, const struct ca_view *issuer,
    struct hm_bytes organization)
{
	struct der_writer head = { .buf = &template_->head };
	struct der_writer subject = { .buf = &template_->organization };
	struct der_writer extensions = { .buf = &template_->extensions };
	uint8_t room[KEY_ID_LEN];

	put_algorithm(&head, template_->issuer.sig);
	der_add(&head, issuer->subject);
	put_name_part(
	    &subject, HM_LITERAL(OID_ORGANIZATION), DER_UTF8, organization);
	put_usage(&extensions, CA_USAGE_SIGNATURE);
	put_authority(&extensions, authority_of(issuer, room));
	HM_TRY(head.err);
	HM_TRY(subject.err);
	return extensions.err;
}

hm_err
ca_template_new(const struct ca_issuer *issuer, struct hm_bytes organization,
    struct hm_bytes hw_type, struct ca_template **ret)
{
	struct ca_template *template_;
	struct ca_view view;
	hm_err err;

	HM_TRY(ca_view(issuer->certificate, &view));
	HM_TRY(ca_check(&view, view.path_len == 0 ? CA_SUB : CA_ROOT, NULL));
	if ((view.public_key.len == P256_POINT_LEN) !=
		(issuer->sig == CA_ES256) ||
	    !der_is_oid(hw_type) || hw_type.len > HW_TYPE_MAX ||
	    organization.len == 0 || organization.len > NAME_TEXT_MAX ||
	    !is_plain_text(organization))
		return HM_E_CERT;
	template_ = calloc(1, sizeof(*template_));
	if (!template_)
		return HM_E_NO_MEMORY;
	template_->issuer = *issuer;
	template_->issuer.certificate = (struct hm_bytes){ 0 };
	template_->not_before_s = view.not_before_s;
	memcpy(template_->hw_type, hw_type.ptr, hw_type.len);
	template_->hw_type_len = hw_type.len;
	buf_init(&template_->head, PIECE_MAX);
	buf_init(&template_->organization, PIECE_MAX);
	buf_init(&template_->extensions, PIECE_MAX);
	err = compile(template_, &view, organization);
	if (err != HM_OK) {
		ca_template_free(template_);
		return err;
	}
	*ret = template_;
	return HM_OK;
}

void
ca_template_free(struct ca_template *template_)
{
	if (!template_)
		return;
	buf_done(&template_->head);
	buf_done(&template_->organization);
	buf_done(&template_->extensions);
	free(template_);
}

static void
put_subject(struct der_writer *out, const struct ca_template *template_,
    struct hm_bytes serial)
{
	size_t name = der_begin(out, DER_SEQUENCE);

	der_add(out, buf_bytes(&template_->organization));
	put_name_part(
	    out, HM_LITERAL(OID_SERIAL_NUMBER), DER_PRINTABLE, serial);
	put_name_part(out, HM_LITERAL(OID_COMMON_NAME), DER_UTF8, serial);
	der_end(out, name);
}

/* SAN { otherName { hardwareModuleName, [0] { hwType, hwSerialNum } } } */
static void
put_hardware(struct der_writer *out, const struct ca_template *template_,
    struct hm_bytes serial)
{
	struct extension san =
	    extension_begin(out, HM_LITERAL(OID_SUBJECT_ALT_NAME), false);
	size_t names = der_begin(out, DER_SEQUENCE);
	size_t other = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
	size_t value, module;

	der_put(out, DER_OID, HM_LITERAL(OID_HARDWARE_MODULE));
	value = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
	module = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_OID,
	    (struct hm_bytes){ template_->hw_type, template_->hw_type_len });
	der_put(out, DER_OCTET_STRING, serial);
	der_end(out, module);
	der_end(out, value);
	der_end(out, other);
	der_end(out, names);
	extension_end(out, san);
}

static void
put_tbs(struct der_writer *out, const struct ca_template *template_,
    const struct ca_device *device, const uint8_t serial[static CA_SERIAL_LEN])
{
	size_t all = der_begin(out, DER_SEQUENCE);
	size_t mark, inner;

	der_add(out, HM_LITERAL("\xa0\x03\x02\x01\x02"));
	der_put(out, DER_INTEGER, (struct hm_bytes){ serial, CA_SERIAL_LEN });
	der_add(out, buf_bytes(&template_->head));
	mark = der_begin(out, DER_SEQUENCE);
	der_put_time(out, device->not_before_s);
	der_put_time(out, DER_TIME_NEVER);
	der_end(out, mark);
	put_subject(out, template_, device->serial);
	put_key(out, (struct hm_bytes){ device->point, P256_POINT_LEN });
	mark = der_begin(out, DER_CONTEXT_CONSTRUCTED(3));
	inner = der_begin(out, DER_SEQUENCE);
	der_add(out, buf_bytes(&template_->extensions));
	put_hardware(out, template_, device->hw_serial);
	der_end(out, inner);
	der_end(out, mark);
	der_end(out, all);
}

hm_err
ca_device_make(const struct ca_template *template_,
    const struct ca_device *device, uint8_t ret_serial[static CA_SERIAL_LEN],
    struct buf *ret)
{
	AUTO(buf) struct buf tbs = { 0 };
	struct der_writer out = { .buf = &tbs };
	uint8_t serial[CA_SERIAL_LEN], raw[96], *room;

	if (device->serial.len == 0 || device->serial.len > NAME_TEXT_MAX ||
	    !is_printable_string(device->serial) ||
	    device->hw_serial.len == 0 ||
	    device->hw_serial.len > HW_SERIAL_MAX || device->point[0] != 0x04 ||
	    device->not_before_s < template_->not_before_s)
		return HM_E_CERT;
	HM_TRY(new_serial(serial));
	buf_init(&tbs, TBS_MAX);
	HM_TRY(buf_reserve(&tbs, TBS_USUAL, &room));
	put_tbs(&out, template_, device, serial);
	HM_TRY(out.err);
	HM_TRY(sign_tbs(&template_->issuer, buf_bytes(&tbs), ret, raw));
	memcpy(ret_serial, serial, CA_SERIAL_LEN);
	return HM_OK;
}
