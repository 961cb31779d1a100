/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * oem - what a signer needs: a token with all keys, CAs, an authority with its
 * objects, and devices that ask. Included once a program.
 */
#include "../token/soft.h"

#include "ca/ca.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "seal/sign1.h"
#include "server/signer/answer.h"
#include "server/signer/issue.h"

#define DAY UINT64_C(86400)
#define ORIGIN "log.example.com/test"
#define FLEET "a secret of the whole fleet"

/* Now, for everybody; a test may set it before oem_start(). */
static uint64_t oem_s = UINT64_C(1800000000);
static const uint8_t hw_type[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37 };
static struct buf root_der = { .max = 8192 }, issuer_der = { .max = 8192 };
static struct p256_pair *authority, *stranger;
static uint8_t authority_point[HM_POINT_LEN], stamp_point[HM_POINT_LEN];
/* What oem_sign() signs, once it is filled; and the result. */
static struct hm_object product, release, order;
static struct buf message = { .max = HM_OBJECT_MAX };

/* ---- a token with everything, once ---- */

static hm_err
sign_ca(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return token_sign(context, digest, ret, ret_len);
}

static void
make_cas(struct token_key *root, struct token_key *issuer)
{
	struct ca_issuer self = {
		.sig = CA_ES384, .sign = sign_ca, .context = root
	};
	struct ca_request request = { .profile = CA_ROOT,
		.common_name = "Root",
		.public_key = token_key_public(root),
		.not_before_s = oem_s - DAY,
		.not_after_s = oem_s + 9000 * DAY };

	assert_int_equal(ca_make(&self, &request, &root_der, NULL), HM_OK);
	self.certificate = buf_bytes(&root_der);
	request.profile = CA_SUB;
	request.common_name = "Issuing";
	request.public_key = token_key_public(issuer);
	request.not_after_s = oem_s + 4000 * DAY;
	assert_int_equal(ca_make(&self, &request, &issuer_der, NULL), HM_OK);
}

static int
oem_start(void **state)
{
	struct token_key *root, *issuer, *key;
	struct token *token;

	assert_int_equal(soft_start(state), 0);
	token = soft_open(getenv("SOFTHSM"));
	assert_int_equal(
	    token_generate(token, "root", TOKEN_P384, TOKEN_SIGN, &root, NULL),
	    HM_OK);
	assert_int_equal(token_generate(token, "issuer", TOKEN_P256, TOKEN_SIGN,
			     &issuer, NULL),
	    HM_OK);
	assert_int_equal(
	    token_generate(token, "stamp", TOKEN_P256, TOKEN_SIGN, &key, NULL),
	    HM_OK);
	memcpy(stamp_point, token_key_public(key).ptr, HM_POINT_LEN);
	assert_int_equal(
	    token_generate(token, "log", TOKEN_ED25519, TOKEN_SIGN, &key, NULL),
	    HM_OK);
	assert_int_equal(
	    token_data_store(token, "fleet", HM_LITERAL(FLEET), NULL), HM_OK);
	make_cas(root, issuer);
	token_free(token);
	assert_int_equal(p256_pair_new(&authority), HM_OK);
	assert_int_equal(p256_pair_new(&stranger), HM_OK);
	p256_pair_point(authority, authority_point);
	return 0;
}

static int
oem_stop(void **state)
{
	p256_pair_free(authority);
	p256_pair_free(stranger);
	buf_done(&root_der);
	buf_done(&issuer_der);
	return soft_stop(state);
}

/* ---- each test ---- */

/* The signed object, into `message`. */
static void
oem_sign(struct p256_pair *who, const struct hm_object *object)
{
	static uint8_t payload[HM_OBJECT_MAX];
	size_t len;

	buf_clear(&message);
	assert_int_equal(
	    hm_object_encode(
		object, (struct hm_span){ payload, sizeof(payload) }, &len),
	    HM_OK);
	assert_int_equal(
	    sign1_make((struct hm_bytes){ 0 }, HM_LITERAL(HM_AAD_OBJECT),
		(struct hm_bytes){ payload, len }, p256_pair_signer, who,
		&message),
	    HM_OK);
}

static struct signer_options
oem_options(const char *module)
{
	struct signer_options options = { .token_uri = SOFT_URI,
		.module = module,
		.issuer_key = "pkcs11:object=issuer",
		.stamp_key = "pkcs11:object=stamp",
		.log_key = "pkcs11:object=log",
		.origin = ORIGIN,
		.issuer_certificate = buf_bytes(&issuer_der) };

	memcpy(options.authority, authority_point, HM_POINT_LEN);
	return options;
}

/* A product, a release of it, and an order that does not name them yet. */
static void
oem_fill(void)
{
	memset(&product, 0, sizeof(product));
	memset(&release, 0, sizeof(release));
	memset(&order, 0, sizeof(order));
	product.kind = HM_OBJECT_PRODUCT;
	release.kind = HM_OBJECT_RELEASE;
	order.kind = HM_OBJECT_ORDER;
	product.made_s = release.made_s = order.made_s = oem_s;
	product.product = (struct hm_product){ .name = HM_LITERAL("lamp"),
		.version = 1,
		.scheme = HM_SCHEME_SOFT,
		.key_source = HM_KEYS_ANY,
		.lock_min = HM_LOCK_CLOSED,
		.organization = HM_LITERAL("Example"),
		.hw_type = HM_BYTES(hw_type),
		.secrets = { { .name = HM_LITERAL("fleet"),
		    .kind = HM_SECRET_SHARED,
		    .source = HM_LITERAL("fleet") } },
		.secret_count = 1 };
	release.release = (struct hm_release){ .name = HM_LITERAL("1.0"),
		.product = HM_LITERAL("lamp"),
		.channel = HM_CHANNEL_DEV,
		.counter = 3,
		.images = { { .name = HM_LITERAL("app"),
		    .format = HM_LITERAL("raw"),
		    .digest = { 0xf1 },
		    .size = 1000 } },
		.image_count = 1 };
	order.order = (struct hm_order){ .name = HM_LITERAL("PO-1"),
		.channel = HM_CHANNEL_DEV,
		.quota = 5,
		.returns = 2,
		.serial_prefix = HM_LITERAL("SN"),
		.serial_first = 10,
		.serial_digits = 6,
		.mac_first = { 0x02, 0, 0, 0, 0, 0xfe },
		.has_macs = true,
		.stations = { HM_LITERAL("st-a") },
		.station_count = 1,
		.not_before_s = oem_s - 1000,
		.not_after_s = oem_s + 1000,
		.confirm_within_s = 600 };
}

/* A device that tells the truth. */
static void
oem_prove(struct ask_sign_issue *ask)
{
	struct attest_case *kase = &ask->kase;
	struct p256_pair *pairs[3];
	uint8_t binding[HM_DIGEST_LEN], digest[32];

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(p256_pair_new(&pairs[i]), HM_OK);
	p256_pair_point(pairs[0], kase->claims.identity);
	p256_pair_point(pairs[1], kase->claims.kem);
	p256_pair_point(pairs[2], kase->proof.soft.key);
	attest_binding(&kase->claims, binding);
	sha256_one(HM_BYTES(binding), digest);
	assert_int_equal(
	    p256_pair_sign(pairs[2], digest, kase->proof.soft.signature),
	    HM_OK);
	for (size_t i = 0; i < 3; i++)
		p256_pair_free(pairs[i]);
}

/* What asks for a device of the order, but for its keys. */
static void
oem_fill_ask(struct ask_sign_issue *ask)
{
	memset(ask, 0, sizeof(*ask));
	ask->issued_s = oem_s;
	ask->kase.claims.device_id[0] = 0xd1;
	ask->kase.claims.scheme = HM_SCHEME_SOFT;
	ask->kase.claims.counter = 3;
	ask->kase.claims.lock = HM_LOCK_CLOSED;
	ask->kase.claims.release[0] = 0xf1;
}
