/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest: both schemes from the device's bytes to the verdict, and every way in
 * which evidence can be worth nothing
 */
#include "../crypto/hex.h"

#include "attest/attest.h"
#include "attest/schemes.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define TF_M_KEY                                                             \
	"0479eba90e8bf450a6751576ad4599b07adf938da3bb0bd17d0036ed49a2d0fc3f" \
	"bfcdfa8956b568bfdb8673e648d8b58d929955b14a26c3080f34117d971d6864"

/* A device with its keys, what it says, and who is to believe it. */
static struct p256_pair *root, *identity;
static struct attest_case kase;
static struct hm_product product;
static struct attest_wanted wanted;
static uint8_t evidence[HM_EVIDENCE_MAX];
static size_t evidence_len;

/* As the root of trust would: SHA-256(binding), or (MPMR || label || binding).
 */
static void
sign_as_hardware(void)
{
	uint8_t binding[HM_DIGEST_LEN], digest[SHA256_LEN];
	struct hm_bytes pieces[] = { HM_BYTES(kase.proof.imx_mp.mpmr),
		HM_LITERAL(HM_IMX_MP_LABEL), HM_BYTES(binding) };
	uint8_t *signature = kase.proof.imx_mp.signature;

	attest_binding(&kase.claims, binding);
	if (kase.claims.scheme == HM_SCHEME_IMX_MP) {
		sha256(pieces, 3, digest);
	} else {
		sha256_one(HM_BYTES(binding), digest);
		signature = kase.proof.soft.signature;
	}
	assert_int_equal(p256_pair_sign(root, digest, signature), HM_OK);
}

/* As the device would; the evidence then is what it sends. */
static void
send(void)
{
	uint8_t claims[HM_CLAIMS_MAX], proof[256], digest[SHA256_LEN];
	struct hm_span claims_room = { claims, sizeof(claims) };
	struct hm_span proof_room = { proof, sizeof(proof) };
	struct hm_bytes pieces[] = { HM_LITERAL("hallmark-possession-v1"),
		{ claims, 0 }, { proof, 0 } };
	struct hm_evidence outer;

	assert_int_equal(
	    hm_claims_encode(&kase.claims, claims_room, &pieces[1].len), HM_OK);
	assert_int_equal(kase.claims.scheme == HM_SCHEME_SOFT
			     ? hm_proof_soft_encode(
				   &kase.proof.soft, proof_room, &pieces[2].len)
			     : hm_proof_imx_mp_encode(&kase.proof.imx_mp,
				   proof_room, &pieces[2].len),
	    HM_OK);
	sha256(pieces, 3, digest);
	assert_int_equal(
	    p256_pair_sign(identity, digest, kase.possession), HM_OK);
	outer.claims = pieces[1];
	outer.proof = pieces[2];
	memcpy(outer.possession, kase.possession, sizeof(outer.possession));
	assert_int_equal(
	    hm_evidence_encode(&outer,
		(struct hm_span){ evidence, sizeof(evidence) }, &evidence_len),
	    HM_OK);
}

static void
make(hm_scheme scheme)
{
	uint8_t point[HM_POINT_LEN];

	memset(&kase, 0, sizeof(kase));
	assert_int_equal(p256_pair_new(&root), HM_OK);
	assert_int_equal(p256_pair_new(&identity), HM_OK);
	p256_pair_point(root, point);
	p256_pair_point(identity, kase.claims.identity);
	memcpy(kase.claims.kem, kase.claims.identity, HM_POINT_LEN);
	memset(kase.claims.nonce, 1, HM_NONCE_LEN);
	memset(kase.claims.device_id, 2, HM_DEVICE_ID_LEN);
	memset(kase.claims.release, 3, HM_DIGEST_LEN);
	kase.claims.scheme = scheme;
	kase.claims.counter = 7;
	kase.claims.lock = HM_LOCK_CLOSED;
	product = (struct hm_product){ .scheme = scheme,
		.key_source = HM_KEYS_PINNED,
		.key_count = 2,
		.lock_min = HM_LOCK_CLOSED };
	memset(product.mpmr, 4, sizeof(product.mpmr));
	memcpy(product.keys[1], point, sizeof(point));
	wanted =
	    (struct attest_wanted){ .channel = HM_CHANNEL_PROD, .counter = 7 };
	memset(wanted.release, 3, HM_DIGEST_LEN);
	if (scheme == HM_SCHEME_IMX_MP) {
		memcpy(kase.proof.imx_mp.key, point + 1, 64);
		memset(kase.proof.imx_mp.mpmr, 4, HM_MPMR_LEN);
	} else {
		product.soft_in_prod = true;
		memcpy(kase.proof.soft.key, point, HM_POINT_LEN);
	}
	sign_as_hardware();
	send();
}

static int
setup_imx_mp(void **state)
{
	(void)state;
	make(HM_SCHEME_IMX_MP);
	return 0;
}

static int
setup_soft(void **state)
{
	(void)state;
	make(HM_SCHEME_SOFT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	p256_pair_free(root);
	p256_pair_free(identity);
	return 0;
}

static void
assert_judged(hm_err err)
{
	assert_int_equal(attest_judge(&kase, &product, &wanted), err);
}

static void
believes_what_is_right(void **state)
{
	struct attest_case parsed;

	(void)state;
	memset(&parsed, 0xff, sizeof(parsed));
	assert_int_equal(
	    attest_parse((struct hm_bytes){ evidence, evidence_len }, &parsed),
	    HM_OK);
	assert_memory_equal(&parsed, &kase, sizeof(kase));
	assert_int_equal(attest_judge(&parsed, &product, &wanted), HM_OK);
	assert_int_equal(attest_verify(&parsed), HM_OK);
	assert_int_equal(attest_possession(&parsed), HM_OK);
}

static void
knows_the_digest_of_the_message_again(void **state)
{
	uint8_t digest[HM_DIGEST_LEN], expected[HM_DIGEST_LEN];

	(void)state;
	sha256_one((struct hm_bytes){ evidence, evidence_len }, expected);
	assert_int_equal(attest_evidence_digest(&kase, digest), HM_OK);
	assert_memory_equal(digest, expected, sizeof(digest));
	kase.claims.lock = (hm_lock)3;
	assert_int_equal(attest_evidence_digest(&kase, digest), HM_E_BAD_INPUT);
	kase.claims.lock = HM_LOCK_CLOSED;
	kase.claims.kem[0] = 3;
	assert_int_equal(attest_evidence_digest(&kase, digest), HM_E_KEY);
	kase.claims.scheme = (hm_scheme)0;
	assert_int_equal(
	    attest_evidence_digest(&kase, digest), HM_E_EVIDENCE_SCHEME);
	assert_memory_equal(digest, expected, sizeof(digest));
}

static void
refuses_broken_evidence_and_changes_nothing(void **state)
{
	struct attest_case parsed, before;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	memcpy(&parsed, &before, sizeof(parsed));
	for (size_t len = 0; len < evidence_len; len++) {
		assert_int_equal(
		    attest_parse((struct hm_bytes){ evidence, len }, &parsed),
		    HM_E_BAD_INPUT);
		assert_memory_equal(&parsed, &before, sizeof(parsed));
	}
	evidence[evidence_len] = 0;
	assert_int_equal(
	    attest_parse(
		(struct hm_bytes){ evidence, evidence_len + 1 }, &parsed),
	    HM_E_BAD_INPUT);
}

/* Whatever bit is flipped: it is not read, or it does not verify. */
static void
no_bit_can_be_changed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * evidence_len; bit++) {
		struct attest_case parsed;

		evidence[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (attest_parse((struct hm_bytes){ evidence, evidence_len },
			&parsed) == HM_OK &&
		    attest_verify(&parsed) == HM_OK &&
		    attest_possession(&parsed) == HM_OK)
			fail_msg("bit %zu changes nothing", bit);
		evidence[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static uint8_t *
find(const void *what, size_t len)
{
	uint8_t *at = memmem(evidence, evidence_len, what, len);

	assert_non_null(at);
	return at;
}

static void
refuses_a_key_of_another_form(void **state)
{
	struct attest_case parsed;

	(void)state;
	*find(kase.claims.identity, HM_POINT_LEN) = 0x06;
	assert_int_equal(
	    attest_parse((struct hm_bytes){ evidence, evidence_len }, &parsed),
	    HM_E_KEY);
}

static void
refuses_keys_off_the_curve(void **state)
{
	(void)state;
	kase.claims.identity[64] ^= 1;
	assert_int_equal(attest_possession(&kase), HM_E_KEY);
	kase.claims.identity[64] ^= 1;
	if (kase.claims.scheme == HM_SCHEME_SOFT)
		kase.proof.soft.key[64] ^= 1;
	else
		kase.proof.imx_mp.key[63] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_KEY);
	kase.claims.kem[0] = 2; /* from a front that was taken over */
	assert_int_equal(attest_verify(&kase), HM_E_KEY);
}

static void
refuses_an_unknown_scheme(void **state)
{
	(void)state;
	product.scheme = kase.claims.scheme = (hm_scheme)77;
	assert_judged(HM_E_EVIDENCE_SCHEME);
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE_SCHEME);
	assert_int_equal(attest_possession(&kase), HM_E_EVIDENCE_SCHEME);
}

static void
refuses_claims_that_no_decoder_gave(void **state)
{
	(void)state;
	kase.claims.lock = (hm_lock)3;
	assert_int_equal(attest_verify(&kase), HM_E_BAD_INPUT);
	assert_int_equal(attest_possession(&kase), HM_E_BAD_INPUT);
}

static void
refuses_the_other_scheme(void **state)
{
	(void)state;
	product.scheme = HM_SCHEME_SOFT + HM_SCHEME_IMX_MP - product.scheme;
	assert_judged(HM_E_EVIDENCE_SCHEME);
}

static void
evidence_of_the_hardware_covers_every_claim(void **state)
{
	uint8_t *claims = (uint8_t *)&kase.claims;
	struct hm_claims before = kase.claims;

	(void)state;
	claims[offsetof(struct hm_claims, nonce)] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.device_id[31] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.kem[64] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.identity[64] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.release[0] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.counter++;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	kase.claims.lock = HM_LOCK_LOCKED;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
	kase.claims = before;
	assert_int_equal(attest_verify(&kase), HM_OK);
}

static void
possession_needs_the_identity_key(void **state)
{
	(void)state;
	kase.possession[0] ^= 1;
	assert_int_equal(attest_possession(&kase), HM_E_POSSESSION);
	memset(kase.possession, 0, sizeof(kase.possession));
	assert_int_equal(attest_possession(&kase), HM_E_POSSESSION);
	send();
	assert_int_equal(attest_possession(&kase), HM_OK);
	/* The hardware's key is not the identity key. */
	p256_pair_point(root, kase.claims.identity);
	assert_int_equal(attest_possession(&kase), HM_E_POSSESSION);
}

static void
takes_pinned_and_enrolled_keys_only(void **state)
{
	bool soft = kase.claims.scheme == HM_SCHEME_SOFT;

	(void)state;
	product.key_count = 1; /* the other one */
	assert_judged(HM_E_EVIDENCE_KEY);
	product.key_count = 0;
	assert_judged(HM_E_EVIDENCE_KEY);
	product.key_source = HM_KEYS_ENROLLED; /* the list is the caller's */
	assert_judged(HM_OK);
	product.key_source = HM_KEYS_ANY;
	assert_judged(soft ? HM_OK : HM_E_EVIDENCE_KEY);
	product.key_source = (hm_key_source)0;
	assert_judged(HM_E_EVIDENCE_KEY);
}

static void
take_key(const uint8_t *point)
{
	memcpy(kase.proof.imx_mp.key, point + 1, 64);
	memcpy(product.keys[0], point, HM_POINT_LEN);
}

static void
refuses_keys_that_everybody_can_have(void **state)
{
	uint8_t point[HM_POINT_LEN], scalar[SHA256_LEN];
	struct p256_pair *open_chip;

	(void)state;
	unhex(TF_M_KEY, point, sizeof(point));
	assert_int_equal(p256_check(point), HM_OK);
	take_key(point);
	assert_judged(HM_E_EVIDENCE_DUMMY);
	/* The open chip's scalar is below n - 1: adding one is all. */
	sha256_one(HM_LITERAL("hallmark-vdevice-open-mp"
			      "manufacturing protection"),
	    scalar);
	for (size_t i = sizeof(scalar); i-- > 0 && ++scalar[i] == 0;)
		;
	assert_int_equal(p256_pair_from(scalar, &open_chip), HM_OK);
	p256_pair_point(open_chip, point);
	p256_pair_free(open_chip);
	take_key(point);
	assert_judged(HM_E_EVIDENCE_DUMMY);
	product.key_source = HM_KEYS_ENROLLED;
	assert_judged(HM_E_EVIDENCE_DUMMY);
	point[64] ^= 1;
	take_key(point);
	assert_judged(HM_OK);
}

static void
refuses_open_chips(void **state)
{
	(void)state;
	kase.claims.lock = HM_LOCK_OPEN;
	assert_judged(HM_E_EVIDENCE_OPEN);
	kase.claims.lock = HM_LOCK_LOCKED;
	assert_judged(HM_OK);
	product.lock_min = HM_LOCK_LOCKED;
	assert_judged(HM_OK);
	kase.claims.lock = HM_LOCK_CLOSED;
	assert_judged(HM_E_EVIDENCE_OPEN);
	kase.claims.lock = (hm_lock)3;
	assert_judged(HM_E_EVIDENCE_OPEN);
	product.lock_min = HM_LOCK_OPEN;
	kase.claims.lock = HM_LOCK_OPEN;
	assert_judged(HM_OK);
}

static void
refuses_another_mpmr_and_the_open_one_always(void **state)
{
	static const char text[32] = "value to fill the MPMR content";

	(void)state;
	kase.proof.imx_mp.mpmr[31] ^= 1;
	assert_judged(HM_E_EVIDENCE_OPEN);
	memcpy(kase.proof.imx_mp.mpmr, text, sizeof(text));
	assert_judged(HM_E_EVIDENCE_OPEN);
	memcpy(product.mpmr, text, sizeof(text));
	assert_judged(HM_E_EVIDENCE_OPEN);
}

static void
the_signature_covers_the_mpmr(void **state)
{
	(void)state;
	kase.proof.imx_mp.mpmr[0] ^= 1;
	assert_int_equal(attest_verify(&kase), HM_E_EVIDENCE);
}

static void
refuses_other_firmware_and_older_counters(void **state)
{
	(void)state;
	wanted.counter = 8;
	assert_judged(HM_E_COUNTER);
	wanted.counter = 6;
	assert_judged(HM_OK);
	kase.claims.release[31] ^= 1;
	assert_judged(HM_E_RELEASE);
}

static void
software_needs_the_products_word_in_production(void **state)
{
	(void)state;
	product.soft_in_prod = false;
	assert_judged(HM_E_CHANNEL);
	wanted.channel = HM_CHANNEL_DEV;
	assert_judged(HM_OK);
	wanted.channel = (hm_channel)0;
	assert_judged(HM_E_CHANNEL);
}

static void
hardware_does_not(void **state)
{
	(void)state;
	assert_false(product.soft_in_prod);
	assert_judged(HM_OK);
}

static void
reasons_come_in_order(void **state)
{
	(void)state;
	unhex(TF_M_KEY, product.keys[0], HM_POINT_LEN);
	memcpy(kase.proof.imx_mp.key, product.keys[0] + 1, 64);
	kase.claims.lock = HM_LOCK_OPEN;
	kase.claims.release[0] ^= 1;
	wanted.counter = 99;
	product.key_count = 0;
	product.scheme = HM_SCHEME_SOFT;
	assert_judged(HM_E_EVIDENCE_SCHEME);
	product.scheme = HM_SCHEME_IMX_MP;
	assert_judged(HM_E_EVIDENCE_KEY);
	product.key_count = 2;
	assert_judged(HM_E_EVIDENCE_DUMMY);
	take_key(product.keys[1]);
	assert_judged(HM_E_EVIDENCE_OPEN);
	kase.claims.lock = HM_LOCK_CLOSED;
	assert_judged(HM_E_RELEASE);
	kase.claims.release[0] ^= 1;
	assert_judged(HM_E_COUNTER);
}

static void
digests_name_the_key_and_its_r(void **state)
{
	uint8_t point[HM_POINT_LEN], a[HM_DIGEST_LEN], b[HM_DIGEST_LEN];
	struct hm_bytes pieces[] = { HM_BYTES(point),
		{ kase.proof.imx_mp.signature, 32 } };

	(void)state;
	p256_pair_point(root, point);
	if (kase.claims.scheme == HM_SCHEME_SOFT)
		pieces[1].ptr = kase.proof.soft.signature;
	attest_key_digest(&kase, a);
	sha256_one(HM_BYTES(point), b);
	assert_memory_equal(a, b, sizeof(a));
	attest_reuse_digest(&kase, a);
	sha256(pieces, 2, b);
	assert_memory_equal(a, b, sizeof(a));
	sign_as_hardware(); /* anew: another r */
	attest_reuse_digest(&kase, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
the_binding_is_of_the_claims(void **state)
{
	uint8_t claims[HM_CLAIMS_MAX], a[HM_DIGEST_LEN], b[HM_DIGEST_LEN];
	struct hm_bytes pieces[] = { HM_LITERAL("hallmark-binding-v1"),
		{ claims, 0 } };

	(void)state;
	assert_int_equal(
	    hm_claims_encode(&kase.claims,
		(struct hm_span){ claims, sizeof(claims) }, &pieces[1].len),
	    HM_OK);
	sha256(pieces, 2, a);
	attest_binding(&kase.claims, b);
	assert_memory_equal(a, b, sizeof(a));
}

static void
schemes_have_names(void **state)
{
	(void)state;
	assert_string_equal(attest_scheme_name(HM_SCHEME_SOFT), "soft");
	assert_string_equal(attest_scheme_name(HM_SCHEME_IMX_MP), "imx-mp");
	assert_null(attest_scheme_name((hm_scheme)0));
	assert_null(attest_scheme_name((hm_scheme)99));
	assert_int_equal(
	    attest_scheme_of(HM_LITERAL("imx-mp")), HM_SCHEME_IMX_MP);
	assert_int_equal(attest_scheme_of(HM_LITERAL("soft")), HM_SCHEME_SOFT);
	assert_int_equal(attest_scheme_of(HM_LITERAL("soft ")), 0);
	assert_int_equal(attest_scheme_of(HM_LITERAL("")), 0);
}

#define SOFT(name) cmocka_unit_test_setup_teardown(name, setup_soft, teardown)
#define IMX(name) cmocka_unit_test_setup_teardown(name, setup_imx_mp, teardown)
#define BOTH(name) SOFT(name), IMX(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(believes_what_is_right),
		BOTH(knows_the_digest_of_the_message_again),
		BOTH(refuses_broken_evidence_and_changes_nothing),
		BOTH(no_bit_can_be_changed),
		BOTH(refuses_a_key_of_another_form),
		BOTH(refuses_keys_off_the_curve),
		BOTH(refuses_an_unknown_scheme),
		BOTH(refuses_claims_that_no_decoder_gave),
		BOTH(refuses_the_other_scheme),
		BOTH(evidence_of_the_hardware_covers_every_claim),
		BOTH(possession_needs_the_identity_key),
		BOTH(takes_pinned_and_enrolled_keys_only),
		IMX(refuses_keys_that_everybody_can_have),
		BOTH(refuses_open_chips),
		IMX(refuses_another_mpmr_and_the_open_one_always),
		IMX(the_signature_covers_the_mpmr),
		BOTH(refuses_other_firmware_and_older_counters),
		SOFT(software_needs_the_products_word_in_production),
		IMX(hardware_does_not),
		IMX(reasons_come_in_order),
		BOTH(digests_name_the_key_and_its_r),
		BOTH(the_binding_is_of_the_claims),
		cmocka_unit_test(schemes_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
