/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark product: what is made, as a signed object */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/nouns.h"
#include "cmd/oid.h"
#include "cmd/sign_object.h"

static const struct config_key key_keys[] = {
	{ "source", CONFIG_ENUM, .choices = "pinned|enrolled|any",
	    .required = true, .example = "enrolled",
	    .words = "pinned: those below; enrolled: one per chip, listed by "
		     "`hallmark product enrol`; any: scheme soft only" },
	{ "pinned", CONFIG_HEX, .list = true, .items_max = HM_PRODUCT_KEYS_MAX,
	    .min = HM_POINT_LEN, .max = HM_POINT_LEN,
	    .words = "P-256 points, uncompressed" },
	{ 0 },
};

static const struct config_key evidence_keys[] = {
	{ "scheme", CONFIG_ENUM, .choices = "imx-mp|soft", .required = true,
	    .example = "imx-mp", .words = "root of trust of the chip" },
	{ "keys", CONFIG_MAP, .required = true, .keys = key_keys,
	    .words = "whose signatures count" },
	{ "mpmr", CONFIG_HEX, .min = 32, .max = 32,
	    .fallback = "00000000000000000000000000000000"
			"00000000000000000000000000000000",
	    .words = "imx-mp: the manufacturing-protection message register" },
	{ "lock_min", CONFIG_ENUM, .choices = "open|closed|locked",
	    .fallback = "closed", .words = "least life cycle" },
	{ "soft_in_prod", CONFIG_BOOL, .fallback = "false",
	    .words = "a plain key is enough for production orders" },
	{ 0 },
};

static const struct config_key certificate_keys[] = {
	{ "organization", CONFIG_STRING, .required = true, .min = 1, .max = 64,
	    .example = "ACME", .words = "O of the subject" },
	{ "hw_type", CONFIG_STRING, .required = true, .min = 3, .max = 64,
	    .example = "1.3.6.1.4.1.32473.1",
	    .words = "OID: type in hardwareModuleName (RFC 4108)" },
	{ 0 },
};

static const struct config_key secret_keys[] = {
	{ "name", CONFIG_NAME, .required = true, .max = HM_SECRET_NAME_MAX,
	    .example = "disk-key", .words = "how the firmware finds it" },
	{ "kind", CONFIG_ENUM, .required = true,
	    .choices = "random|passcode|shared|key|certificate|literal",
	    .example = "random", .words = "how it is made" },
	{ "size", CONFIG_INT, .min = 0, .max = HM_SECRET_MAX, .fallback = "0",
	    .words = "random: bytes; passcode: digits" },
	{ "label", CONFIG_STRING, .fallback = "", .max = 64,
	    .words = "shared: label of the data object in the token" },
	{ "file", CONFIG_PATH, .fallback = "",
	    .words = "certificate (DER), literal: the value" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "name", CONFIG_NAME, .required = true, .max = HM_NAME_MAX,
	    .example = "thermo", .words = "the product" },
	{ "version", CONFIG_INT, .required = true, .min = 1, .max = UINT32_MAX,
	    .example = "1", .words = "of this description" },
	{ "evidence", CONFIG_MAP, .required = true, .keys = evidence_keys,
	    .words = "what proves that a chip is genuine" },
	{ "certificate", CONFIG_MAP, .required = true, .keys = certificate_keys,
	    .words = "identity certificate (IEEE 802.1AR IDevID)" },
	{ "secrets", CONFIG_MAP, .list = true, .items_max = HM_SECRETS_MAX,
	    .keys = secret_keys, .words = "sealed to each device" },
	{ "configuration", CONFIG_TEXT, .fallback = "",
	    .words = "handed to each device as it is, readable by the line" },
	{ "lock_plan", CONFIG_HEX, .min = 32, .max = 32,
	    .fallback = "00000000000000000000000000000000"
			"00000000000000000000000000000000",
	    .words = "digest of the approved lock plan" },
	{ 0 },
};

const struct config_schema product_schema = { "product", 1, keys,
	"what is made" };

/* Values of certificates and literals; they live as long as the product. */
struct values {
	struct buf file[HM_SECRETS_MAX];
	uint8_t hw_type[32];
};

static void
values_done(struct values *values)
{
	for (size_t i = 0; i < HM_SECRETS_MAX; i++)
		buf_wipe(&values->file[i]);
}

/* Which of the words of an enum, counted from 0. */
static unsigned
word_index(const char *text, const char *choices)
{
	unsigned at = 0;
	size_t len = strlen(text);

	for (const char *c = choices; c != NULL; at++) {
		if (strncmp(c, text, len) == 0 &&
		    (c[len] == '|' || c[len] == 0))
			return at;
		c = strchr(c, '|');
		c = c == NULL ? NULL : c + 1;
	}
	return at;
}

static hm_err
take_keys(const struct config_node *at, struct hm_product *ret, struct why *why)
{
	const char *source = config_text(at, "source");

	ret->key_source =
	    (hm_key_source)(word_index(source, "pinned|enrolled|any") + 1);
	ret->key_count = (uint32_t)config_count(at, "pinned");
	for (uint32_t i = 0; i < ret->key_count; i++)
		HM_TRY(hex_parse(hm_bytes_of(config_text_at(at, "pinned", i)),
		    ret->keys[i], HM_POINT_LEN));
	if ((ret->key_source == HM_KEYS_PINNED) != (ret->key_count != 0)) {
		config_point(at, "source", why);
		return WHY(why, HM_E_CONFIG_TYPE,
		    "source \"pinned\" goes with a list of pinned keys");
	}
	return HM_OK;
}

static hm_err
take_evidence(
    const struct config_node *at, struct hm_product *ret, struct why *why)
{
	ret->scheme = attest_scheme_of(hm_bytes_of(config_text(at, "scheme")));
	(void)config_hex(at, "mpmr", ret->mpmr, sizeof(ret->mpmr));
	ret->lock_min = (hm_lock)word_index(
	    config_text(at, "lock_min"), "open|closed|locked");
	ret->soft_in_prod = config_bool(at, "soft_in_prod");
	return take_keys(config_map(at, "keys"), ret, why);
}

static hm_err
take_secret(const struct config_node *at, struct hm_secret_spec *ret,
    struct buf *file, struct why *why)
{
	const char *path = config_text(at, "file");

	ret->name = hm_bytes_of(config_text(at, "name"));
	ret->kind = (hm_secret_kind)(word_index(config_text(at, "kind"),
					 "random|passcode|shared|key|"
					 "certificate|literal") +
				     1);
	ret->size = (uint32_t)config_int(at, "size");
	if (ret->kind == HM_SECRET_SHARED)
		ret->source = hm_bytes_of(config_text(at, "label"));
	if (ret->kind == HM_SECRET_CERTIFICATE ||
	    ret->kind == HM_SECRET_LITERAL) {
		HM_TRY(file_read(path, HM_SECRET_MAX, file, why));
		ret->source = buf_bytes(file);
	}
	return HM_OK;
}

static hm_err
take_product(const struct config_node *top, struct hm_product *ret,
    struct values *values, struct why *why)
{
	size_t len;

	ret->name = hm_bytes_of(config_text(top, "name"));
	ret->version = (uint32_t)config_int(top, "version");
	ret->organization =
	    hm_bytes_of(config_text(top, "certificate.organization"));
	ret->config = hm_bytes_of(config_text(top, "configuration"));
	(void)config_hex(
	    top, "lock_plan", ret->lock_plan, sizeof(ret->lock_plan));
	if (oid_parse(config_text(top, "certificate.hw_type"), values->hw_type,
		sizeof(values->hw_type), &len) != HM_OK) {
		config_point(top, "certificate.hw_type", why);
		return WHY(why, HM_E_CONFIG_TYPE, "not an OID");
	}
	ret->hw_type = (struct hm_bytes){ values->hw_type, len };
	ret->secret_count = (uint32_t)config_count(top, "secrets");
	for (uint32_t i = 0; i < ret->secret_count; i++)
		HM_TRY(take_secret(config_item(top, "secrets", i),
		    &ret->secrets[i], &values->file[i], why));
	return take_evidence(config_map(top, "evidence"), ret, why);
}

/* ---- create, check, template ---- */

static const struct option_spec create_options[] = { OBJECT_OPTIONS, { 0 } };
static const struct option_spec file_operand[] = {
	{ "file", OPTION_PATH, .required = true,
	    .help = "description of the product, YAML" },
	{ 0 },
};

static int
create(const struct options *given)
{
	static struct hm_object object = { .kind = HM_OBJECT_PRODUCT };
	AUTO(config) struct config config = { 0 };
	AUTO(values) struct values values = { 0 };
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err;

	err = config_load(
	    options_text(given, "file"), &product_schema, &config, NULL, &why);
	if (err == HM_OK)
		err = take_product(
		    config_top(&config), &object.product, &values, &why);
	if (err == HM_OK)
		err = sign_object(given, &object, digest, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.product.create/1", "product",
	    config_text(config_top(&config), "name"), digest);
}

static int
template_(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = config_template_print(&product_schema, &why);

	(void)given;
	return report_failure(err, &why);
}

/* ---- enrol ---- */

static const struct option_spec enrol_options[] = { OBJECT_OPTIONS, { 0 } };
static const struct option_spec enrol_operands[] = {
	{ "product", OPTION_TEXT, .required = true, .help = "its name" },
	{ "file", OPTION_PATH, .required = true,
	    .help = "a point a line: 128 hex digits X || Y, or 130 with 04" },
	{ 0 },
};

static int
compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, HM_DIGEST_LEN);
}

/* Digests of the points in `text`, sorted; twice the same is one. */
static hm_err
read_points(struct buf *text, uint8_t (*digests)[HM_DIGEST_LEN],
    uint32_t *ret_count, struct why *why)
{
	const char *at = buf_text(text);
	uint32_t count = 0, kept = 0;

	for (unsigned line = 1; *at != 0; line++) {
		size_t len = strcspn(at, "\n");

		if (len != 0 && *at != '#') {
			if (count == HM_ENROL_KEYS_MAX)
				return WHY(why, HM_E_TOO_LARGE,
				    "more than %d keys: split the file",
				    HM_ENROL_KEYS_MAX);
			if (enrol_digest(
				(struct hm_bytes){ (const uint8_t *)at, len },
				digests[count++]) != HM_OK)
				return WHY(why, HM_E_KEY,
				    "line %u is not a P-256 point", line);
		}
		at += len + (at[len] == '\n');
	}
	qsort(digests, count, HM_DIGEST_LEN, compare_digests);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 ||
		    compare_digests(digests[kept - 1], digests[i]) != 0)
			memmove(digests[kept++], digests[i], HM_DIGEST_LEN);
	*ret_count = kept;
	return HM_OK;
}

static hm_err
enrol_file(const struct options *given, uint8_t *digest, uint32_t *ret_count,
    struct why *why)
{
	static uint8_t digests[HM_ENROL_KEYS_MAX][HM_DIGEST_LEN];
	static struct hm_object object = { .kind = HM_OBJECT_ENROLMENT };
	AUTO(buf) struct buf text = { 0 };

	HM_TRY(file_read_text(
	    options_text(given, "file"), 1024 * 1024, &text, why));
	HM_TRY(read_points(&text, digests, ret_count, why));
	if (*ret_count == 0)
		return WHY(why, HM_E_NOTHING, "the file has no keys");
	object.enrolment.product = hm_bytes_of(options_text(given, "product"));
	object.enrolment.digests =
	    (struct hm_bytes){ digests[0], *ret_count * HM_DIGEST_LEN };
	return sign_object(given, &object, digest, why);
}

static int
enrol(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.product.enrol/1");
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	uint32_t count = 0;
	hm_err err = enrol_file(given, digest, &count, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "product", options_text(given, "product"));
	doc_uint(doc, "keys", count);
	doc_hex(doc, "digest", HM_BYTES(digest));
	report_line("enrolled %" PRIu32 " keys for %s", count,
	    options_text(given, "product"));
	return report_end(doc);
}

static const struct verb_spec create_verb = { .name = "create",
	.words = "sign a product and give it to the server",
	.options = create_options,
	.operands = file_operand,
	.run = create };
static const struct verb_spec template_verb = { .name = "template",
	.words = "print a commented description",
	.run = template_ };
static const struct verb_spec enrol_verb = { .name = "enrol",
	.words = "list the evidence keys of genuine chips",
	.options = enrol_options,
	.operands = enrol_operands,
	.run = enrol };
static const struct verb_spec *const verbs[] = { &create_verb, &template_verb,
	&enrol_verb, NULL };

const struct noun_spec noun_product = { .name = "product",
	.words = "what is made: evidence, certificate, secrets",
	.verbs = verbs };
