/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert reads the table of Espressif's generator:
 *   tlv_type,tlv_subtype,data_value,data_type,priv_key_type,algorithm,key_size,
 *   efuse_id,efuse_key
 * and two data_types of ours: stamp (a device's, verified) and efuse (SEC_CFG).
 */
#include "cmd/image_esp_data.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/stamp_row.h"
#include "image/esp_cert.h"

#define COLUMNS 9
#define CSV_MAX 65536
#define SEC_CFG_LEN 44
#define SEC_CFG_EFUSE_AT 4

enum { TYPE, SUBTYPE, VALUE, KIND, KEY_TYPE, ALGORITHM, KEY_SIZE, EFUSE, HMAC };

/* ---- values ---- */

static hm_err
type_of(const struct csv_row *row, uint8_t *ret, struct why *why)
{
	char name[64];

	for (unsigned type = 0; type < 256; type++) {
		const char *word = esp_cert_type_name(type);

		if (word == NULL)
			continue;
		(void)snprintf(
		    name, sizeof(name), "ESP_SECURE_CERT_%s_TLV", word);
		if (strcmp(row->cells[TYPE], name) == 0 ||
		    strcmp(row->cells[TYPE], word) == 0) {
			*ret = (uint8_t)type;
			return type == ESP_CERT_SIGNATURE ||
				       type == ESP_CERT_INTEGRITY
				   ? csv_bad(row, why,
					 "this type is made, not given")
				   : HM_OK;
		}
	}
	return csv_bad(row, why, "no such tlv_type");
}

/* A private key in PEM as PKCS#1 or SEC1, which the readers take. */
static hm_err
key_value(struct buf *ret, struct why *why)
{
	AUTO_PKEY struct pkey *key = NULL;
	struct buf pem = { .max = ESP_CERT_VALUE_MAX };
	hm_err err = pkey_from_pem(buf_bytes(ret), NULL, &key, why);

	if (err == HM_OK)
		err = pkey_traditional_pem(key, &pem);
	if (err != HM_OK) {
		buf_wipe(&pem);
		return WHY(why, err, "not a private RSA or EC key");
	}
	buf_wipe(ret);
	*ret = pem;
	return HM_OK;
}

/* PEM is kept with its NUL, as its readers want it. */
static hm_err
file_value(const char *path, bool is_key, struct buf *ret, struct why *why)
{
	hm_err err = file_read(path, ESP_CERT_VALUE_MAX - 1, ret, why);

	if (err != HM_OK || ret->len <= 10 ||
	    memcmp(ret->ptr, "-----BEGIN", 10) != 0)
		return err;
	if (is_key)
		HM_TRY(key_value(ret, why));
	ret->max = ESP_CERT_VALUE_MAX;
	return buf_add(ret, HM_BYTES("")); /* its NUL */
}

/* A certificate of a stamp, in DER: that of the device, or the CA's that its
 * subtype counts from the issuing one on. Its secrets stay sealed. */
static hm_err
take_certificate(const struct csv_row *row, const struct esp_cert_tlv *tlv,
    const struct hm_stamp *stamp, struct buf *ret, struct why *why)
{
	struct hm_bytes der = { 0 };

	if (tlv->type == ESP_CERT_DEVICE && tlv->subtype == 0)
		der = stamp->certificate;
	if (tlv->type == ESP_CERT_CA && tlv->subtype < stamp->chain_count)
		der = stamp->chain[tlv->subtype];
	if (der.len == 0)
		return csv_bad(row, why, "a stamp has no such certificate");
	return buf_add(ret, der);
}

static hm_err
stamp_value(const struct image_job *job, const struct csv_row *row,
    const struct esp_cert_tlv *tlv, struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_stamp stamp;

	HM_TRY(stamp_row_read(
	    job->given, row, row->cells[VALUE], &message, &stamp, why));
	return take_certificate(row, tlv, &stamp, ret, why);
}

/* SEC_CFG: which eFuse block the key of the ECDSA peripheral is in. */
static hm_err
efuse_value(const struct csv_row *row, struct buf *ret, struct why *why)
{
	uint8_t config[SEC_CFG_LEN] = { 0 };
	uint64_t id;

	if (uint_parse(hm_bytes_of(row->cells[VALUE]), 5, &id) != HM_OK)
		return csv_bad(row, why, "the eFuse key block is 0 to 5");
	config[SEC_CFG_EFUSE_AT] = (uint8_t)id;
	return buf_add(ret, HM_BYTES(config));
}

static hm_err
value_of(const struct image_job *job, const struct csv_row *row,
    const struct esp_cert_tlv *tlv, struct buf *ret, struct why *why)
{
	const char *text = row->cells[VALUE], *kind = row->cells[KIND];
	size_t len = strlen(text), got;
	uint8_t *at;

	if (strcmp(kind, "file") == 0)
		return file_value(
		    text, tlv->type == ESP_CERT_PRIVATE_KEY, ret, why);
	buf_init(ret, ESP_CERT_VALUE_MAX);
	if (strcmp(kind, "stamp") == 0)
		return stamp_value(job, row, tlv, ret, why);
	if (strcmp(kind, "efuse") == 0 && tlv->type == ESP_CERT_SEC_CFG)
		return efuse_value(row, ret, why);
	if (strcmp(kind, "string") == 0)
		return buf_add(ret, hm_bytes_of(text));
	HM_TRY(buf_reserve(ret, len + 1, &at));
	if (strcmp(kind, "hex") == 0) {
		if (len % 2 != 0 ||
		    hex_parse(hm_bytes_of(text), at, len / 2) != HM_OK)
			return csv_bad(row, why, "the value is not hex");
		ret->len = len / 2;
		return HM_OK;
	}
	if (strcmp(kind, "base64") != 0)
		return csv_bad(row, why,
		    "data_type is file, stamp, string, hex or base64");
	if (base64_parse(hm_bytes_of(text), (struct hm_span){ at, len + 1 },
		&got) != HM_OK)
		return csv_bad(row, why, "the value is not base64");
	ret->len = got;
	return HM_OK;
}

static bool
is_ds(const struct csv_row *row)
{
	return strcmp(row->cells[KEY_TYPE], "rsa_ds") == 0;
}

static hm_err
subtype_of(const struct csv_row *row, uint8_t *ret, struct why *why)
{
	uint64_t number;

	if (uint_parse(hm_bytes_of(row->cells[SUBTYPE]), ESP_CERT_SUBTYPE_MAX,
		&number) != HM_OK)
		return csv_bad(row, why, "tlv_subtype is 0 to 16");
	*ret = (uint8_t)number;
	return HM_OK;
}

static hm_err
add_value(const struct image_job *job, const struct csv_row *row,
    struct buf *out, struct why *why)
{
	struct esp_cert_tlv tlv = { 0 };
	struct buf value = { 0 };
	hm_err err = type_of(row, &tlv.type, why);

	if (err == HM_OK)
		err = subtype_of(row, &tlv.subtype, why);
	if (err == HM_OK && tlv.type == ESP_CERT_PRIVATE_KEY &&
	    strcmp(row->cells[KEY_TYPE], "plaintext") != 0)
		err = csv_bad(
		    row, why, "priv_key_type is plaintext or rsa_ds here");
	if (err == HM_OK)
		err = value_of(job, row, &tlv, &value, why);
	tlv.value = buf_bytes(&value);
	if (err == HM_OK)
		err = esp_cert_add(out, &tlv);
	buf_wipe(&value); /* it may be a private key */
	return err;
}

/* ---- the key for the DS peripheral ---- */

static hm_err
load_hmac_key(const struct csv_row *row, struct secret *ret, struct why *why)
{
	struct buf bytes = { 0 };
	hm_err err = file_read(row->cells[HMAC], 32, &bytes, why);

	if (err == HM_OK && bytes.len != 32)
		err = csv_bad(row, why, "efuse_key has 32 bytes");
	if (err == HM_OK) {
		memcpy(ret->bytes, bytes.ptr, 32);
		ret->len = 32;
	}
	buf_wipe(&bytes);
	return err;
}

static hm_err
load_rsa_key(const struct csv_row *row, struct pkey **ret, struct why *why)
{
	struct buf pem = { 0 };
	hm_err err = file_read(row->cells[VALUE], 16384, &pem, why);

	if (err == HM_OK)
		err = pkey_from_pem(buf_bytes(&pem), NULL, ret, why);
	buf_wipe(&pem);
	return err;
}

static hm_err
add_ds(const struct image_job *job, const struct csv_row *row, struct buf *out,
    struct why *why)
{
	const char *chip = options_text(job->given, "ds-chip");
	AUTO(secret) struct secret hmac_key = { 0 };
	AUTO_PKEY struct pkey *key = NULL;
	struct esp_cert_ds ds = { .hmac_key = hmac_key.bytes };
	uint64_t efuse;

	if (chip == NULL)
		return csv_bad(row, why, "rsa_ds wants --ds-chip");
	ds.max_bits = esp_cert_ds_bits(chip);
	if (ds.max_bits == 0)
		return csv_bad(
		    row, why, "this chip has no DS peripheral that is known");
	if (uint_parse(hm_bytes_of(row->cells[EFUSE]), 5, &efuse) != HM_OK)
		return csv_bad(row, why, "efuse_id is 0 to 5");
	ds.efuse_id = (uint8_t)efuse;
	HM_TRY(load_hmac_key(row, &hmac_key, why));
	HM_TRY(load_rsa_key(row, &key, why));
	ds.key = key;
	if (esp_cert_add_ds(out, &ds) == HM_OK)
		return HM_OK;
	return csv_bad(row, why, "not a private RSA key that the chip takes");
}

/* ---- the verbs ---- */

static hm_err
add_row(const struct image_job *job, const struct csv_row *row, bool ds,
    struct buf *out, struct why *why)
{
	if (strcmp(row->cells[TYPE], "tlv_type") == 0)
		return HM_OK; /* the heading */
	if (is_ds(row) != ds)
		return HM_OK;
	return ds ? add_ds(job, row, out, why) : add_value(job, row, out, why);
}

static hm_err
add_all(const struct image_job *job, struct buf *text, bool ds, struct buf *out,
    struct why *why)
{
	struct csv csv;
	struct csv_row row;
	bool more = true;

	HM_TRY(csv_begin(text, &csv, why));
	for (;;) {
		HM_TRY(csv_next(&csv, &row, &more, why));
		if (!more)
			return HM_OK;
		if (row.count != COLUMNS)
			return csv_bad(&row, why, "not a row of 9 cells");
		HM_TRY(add_row(job, &row, ds, out, why));
	}
}

/* The reader of a table writes into it; a cell may be a key. */
static hm_err
add_rows(const struct image_job *job, const struct buf *text, bool ds,
    struct buf *out, struct why *why)
{
	struct buf copy = { .max = CSV_MAX };
	hm_err err = buf_add(&copy, buf_bytes(text));

	if (err == HM_OK)
		err = add_all(job, &copy, ds, out, why);
	buf_wipe(&copy);
	return err;
}

/* DS data first, then the rows as they stand. */
static hm_err
make(const struct image_job *job, const struct buf *csv, struct buf *out,
    struct why *why)
{
	HM_TRY(add_rows(job, csv, true, out, why));
	HM_TRY(add_rows(job, csv, false, out, why));
	if (out->len == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the table has no rows");
	return esp_cert_seal(out, 0);
}

static hm_err
convert(struct image_job *job, struct why *why)
{
	struct buf csv = { 0 }, out = { .max = ESP_CERT_MAX };
	hm_err err = input_load(&job->input, CSV_MAX, &csv);

	if (err == HM_E_TOO_LARGE)
		err = WHY(why, err, "a table has %d bytes at most", CSV_MAX);
	else if (err == HM_OK)
		err = make(job, &csv, &out, why);
	if (err == HM_OK)
		err = output_add(job->out, buf_bytes(&out));
	buf_wipe(&csv);
	buf_wipe(&out);
	return err;
}

static hm_err
check_unsigned(struct image_job *job, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct esp_cert_verify anybody = { 0 };

	HM_TRY(findings_new("esp-secure-cert", &findings));
	HM_TRY(esp_cert_verify(&anybody, &job->input, findings));
	return findings_verdict(findings, why);
}

static hm_err
sign(struct image_job *job, struct why *why)
{
	struct buf all = { 0 };
	hm_err err = check_unsigned(job, why);

	if (err == HM_OK)
		err = input_load(&job->input, ESP_CERT_MAX, &all);
	all.max += ESP_CERT_MAX;
	if (err == HM_OK && esp_cert_is_signed(buf_bytes(&all)))
		err = WHY(why, HM_E_IMAGE_SIGNED, "the partition is signed");
	else if (err == HM_OK && esp_cert_used(buf_bytes(&all)) != all.len)
		err = WHY(why, HM_E_IMAGE_TRAILING,
		    "the partition is filled up; sign it before that");
	if (err == HM_OK)
		err = esp_cert_sign(&all, job->signers, job->signer_count, why);
	if (err == HM_OK)
		err = output_add(job->out, buf_bytes(&all));
	buf_wipe(&all);
	return err;
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	struct esp_cert_verify how = { .keys = job->keys,
		.is_judged = job->verb == IMAGE_VERIFY };

	(void)why;
	return esp_cert_verify(&how, file, job->findings);
}

static const struct option_spec convert_rows[] = { ESP_CERT_CONVERT_OPTIONS,
	{ 0 } };

const struct image_command image_esp_cert = { .format = "esp-secure-cert",
	.words = "partition with an ESP32's certificates and keys",
	.steps = { [IMAGE_SIGN] = { .run = sign, .needs = "key" },
	    [IMAGE_CONVERT] = { .run = convert,
		.options = convert_rows,
		.is_judged = true } },
	.judge = judge,
	.rest = "end mark" };
