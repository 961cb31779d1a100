/* SPDX-License-Identifier: Apache-2.0 */
/* server/signer: what it issues for and what it refuses, with keys in SoftHSM
 */
#include "base/clock.h"
#include "oem.h"

#include "base/text.h"

#define T0 oem_s

static struct signer_options options;
static struct signer_keys keys;
static struct objects objects;
static struct objects_trust trust = { .authority = authority_point,
	.issuer = &keys.ca };
static struct ask_sign_issue ask;
static struct ask_sign_issue_answer answer;
static struct buf stamp = { .max = HM_STAMP_MAX };

static hm_err
load_as(struct p256_pair *who, const struct hm_object *object)
{
	oem_sign(who, object);
	return objects_load(&objects, buf_bytes(&message), &trust);
}

static void
prove(void)
{
	oem_prove(&ask);
}

static void
load_all(void)
{
	assert_int_equal(load_as(authority, &product), HM_OK);
	sha256_one(buf_bytes(&message), order.order.product);
	assert_int_equal(load_as(authority, &release), HM_OK);
	sha256_one(buf_bytes(&message), order.order.release);
	assert_int_equal(load_as(authority, &order), HM_OK);
	sha256_one(buf_bytes(&message), ask.order);
}

static int
setup(void **state)
{
	(void)state;
	options = oem_options(getenv("SOFTHSM"));
	assert_int_equal(
	    signer_keys_open(&options, &soft_pin, &keys, NULL), HM_OK);
	oem_fill();
	oem_fill_ask(&ask);
	memset(&answer, 0x5a, sizeof(answer));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	objects_done(&objects);
	signer_keys_done(&keys);
	buf_done(&message);
	buf_done(&stamp);
	return 0;
}

static hm_err
issue_at(uint64_t now_s)
{
	const struct issue_with with = { &keys, &objects, HM_LITERAL(ORIGIN) };

	buf_clear(&stamp);
	return issue_make(&with, now_s, &ask, &answer, &stamp);
}

static void
check_refused(hm_err expected)
{
	assert_int_equal(issue_at(T0), expected);
	assert_int_equal(stamp.len, 0);
}

/* ---- keys ---- */

static void
check_not_opened(hm_err expected)
{
	struct signer_keys other = { 0 };
	struct why why = { 0 };

	assert_int_equal(
	    signer_keys_open(&options, &soft_pin, &other, &why), expected);
	assert_true(why.text[0] != 0);
	signer_keys_done(&other);
}

static void
opens_with_the_right_keys_only(void **state)
{
	(void)state;
	options.issuer_certificate = buf_bytes(&root_der);
	check_not_opened(HM_E_CERT);
	options.issuer_certificate = buf_bytes(&issuer_der);
	options.log_key = "pkcs11:object=stamp";
	check_not_opened(HM_E_KEY);
	options.log_key = "pkcs11:object=log";
	options.issuer_key = "pkcs11:object=root";
	check_not_opened(HM_E_KEY);
	options.issuer_key = "pkcs11:object=nobody";
	check_not_opened(HM_E_TOKEN_MATCH);
}

static void
fetches_a_shared_secret_by_its_label(void **state)
{
	uint8_t room[64];
	struct hm_span span = { room, sizeof(room) };
	size_t len = 0;

	(void)state;
	assert_int_equal(
	    signer_keys_shared(&keys, HM_LITERAL("fleet"), span, &len), HM_OK);
	assert_int_equal(len, sizeof(FLEET) - 1);
	assert_memory_equal(room, FLEET, len);
	assert_int_equal(
	    signer_keys_shared(&keys, HM_LITERAL("other"), span, &len),
	    HM_E_TOKEN_MATCH);
}

/* The kept one is changed to see which one comes. */
static void
keeps_a_shared_secret_until_its_time_has_passed(void **state)
{
	struct hm_bytes fleet = HM_LITERAL("fleet");
	struct signer_shared *kept = &keys.shared[0];
	static const struct signer_shared none;
	uint8_t room[64];
	struct hm_span span = { room, sizeof(room) }, small = { room, 1 };
	size_t len = 0;

	(void)state;
	assert_int_equal(signer_keys_shared(&keys, fleet, span, &len), HM_OK);
	assert_true(kept->until_us > clock_mono_us());
	assert_true(kept->until_us <= clock_mono_us() + SIGNER_SHARED_US);
	kept->value.bytes[0] ^= 1;
	assert_int_equal(signer_keys_tidy(&keys), kept->until_us);
	assert_int_equal(signer_keys_shared(&keys, fleet, span, &len), HM_OK);
	assert_int_equal(room[0], FLEET[0] ^ 1);
	assert_int_equal(len, sizeof(FLEET) - 1);
	assert_int_not_equal(
	    signer_keys_shared(&keys, fleet, small, &len), HM_OK);
	assert_int_equal(
	    signer_keys_shared(&keys, HM_LITERAL("fleetx"), span, &len),
	    HM_E_TOKEN_MATCH);
	kept->until_us = clock_mono_us();
	assert_true(signer_keys_tidy(&keys) == UINT64_MAX);
	assert_memory_equal(kept, &none, sizeof(none));
	assert_int_equal(signer_keys_shared(&keys, fleet, span, &len), HM_OK);
	assert_int_equal(room[0], FLEET[0]);
}

/* ---- objects ---- */

static void
keeps_what_the_authority_signed_once(void **state)
{
	(void)state;
	load_all();
	assert_int_equal(objects.count, 3);
	assert_int_equal(load_as(authority, &release), HM_OK);
	assert_non_null(objects_find(&objects, HM_OBJECT_ORDER, ask.order));
	assert_null(objects_find(&objects, HM_OBJECT_PRODUCT, ask.order));
	ask.order[0] ^= 1;
	assert_null(objects_find(&objects, HM_OBJECT_ORDER, ask.order));
}

static void
takes_the_same_bytes_again_without_a_copy(void **state)
{
	(void)state;
	assert_int_equal(load_as(authority, &product), HM_OK);
	assert_int_equal(
	    objects_load(&objects, buf_bytes(&message), &trust), HM_OK);
	assert_int_equal(objects.count, 1);
}

static void
refuses_what_somebody_else_signed(void **state)
{
	(void)state;
	load_all();
	order.order.quota = 1000;
	assert_int_equal(load_as(stranger, &order), HM_E_SIGNATURE);
	assert_int_equal(objects.count, 3);
	sha256_one(buf_bytes(&message), ask.order);
	prove();
	check_refused(HM_E_NO_ORDER);
}

static void
refuses_every_flipped_byte_of_an_object(void **state)
{
	(void)state;
	assert_int_equal(load_as(authority, &product), HM_OK);
	objects_done(&objects);
	for (size_t i = 0; i < message.len; i++) {
		hm_err err;

		message.ptr[i] ^= 0x10;
		err = objects_load(&objects, buf_bytes(&message), &trust);
		assert_true(err == HM_E_SIGNATURE || err == HM_E_BAD_INPUT);
		message.ptr[i] ^= 0x10;
	}
	assert_int_equal(objects.count, 0);
}

static void
refuses_an_order_without_its_product_or_release(void **state)
{
	(void)state;
	assert_int_equal(load_as(authority, &product), HM_OK);
	sha256_one(buf_bytes(&message), order.order.product);
	assert_int_equal(load_as(authority, &order), HM_E_NOT_FOUND);
	/* A product is no release. */
	memcpy(order.order.release, order.order.product, HM_DIGEST_LEN);
	assert_int_equal(load_as(authority, &order), HM_E_NOT_FOUND);
	assert_int_equal(objects.count, 1);
}

static void
refuses_kinds_and_sizes_that_it_has_no_use_for(void **state)
{
	static const uint8_t large[HM_OBJECT_MAX + 1];
	static struct hm_object object;

	(void)state;
	object.kind = HM_OBJECT_CREDENTIAL;
	object.made_s = T0;
	object.credential = (struct hm_credential){ .name = HM_LITERAL("x"),
		.role = HM_ROLE_STATION,
		.key = { 4 },
		.not_after_s = T0 };
	assert_int_equal(load_as(authority, &object), HM_E_BAD_INPUT);
	assert_int_equal(objects_load(&objects, (struct hm_bytes){ 0 }, &trust),
	    HM_E_BAD_INPUT);
	assert_int_equal(
	    objects_load(&objects, HM_BYTES(large), &trust), HM_E_BAD_INPUT);
	assert_int_equal(objects.count, 0);
}

/* ---- enrolment ---- */

static void
fill_enrolment(struct hm_object *ret, const uint8_t *digests, size_t count)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = HM_OBJECT_ENROLMENT;
	ret->made_s = T0;
	ret->enrolment.product = HM_LITERAL("lamp");
	ret->enrolment.digests =
	    (struct hm_bytes){ digests, count * HM_DIGEST_LEN };
}

/* The keeper looked it up; but a keeper that was taken over says what it likes.
 */
static void
seals_for_keys_that_the_authority_enrolled(void **state)
{
	static struct hm_object list;
	uint8_t digest[HM_DIGEST_LEN];

	(void)state;
	product.product.key_source = HM_KEYS_ENROLLED;
	load_all();
	prove();
	check_refused(HM_E_EVIDENCE_KEY);
	attest_key_digest(&ask.kase, digest);
	fill_enrolment(&list, digest, 1);
	assert_int_equal(load_as(stranger, &list), HM_E_SIGNATURE);
	check_refused(HM_E_EVIDENCE_KEY);
	list.enrolment.product = HM_LITERAL("other");
	assert_int_equal(load_as(authority, &list), HM_OK);
	check_refused(HM_E_EVIDENCE_KEY);
	list.enrolment.product = HM_LITERAL("lamp");
	assert_int_equal(load_as(authority, &list), HM_OK);
	assert_int_equal(load_as(authority, &list), HM_OK);
	assert_int_equal(issue_at(T0), HM_OK);
	assert_int_equal(objects.count, 3);
	assert_int_equal(objects.enrolled.count, 2);
	prove(); /* another key */
	check_refused(HM_E_EVIDENCE_KEY);
}

static void
make_digest(uint32_t seed, uint8_t *ret)
{
	sha256_one((struct hm_bytes){ (uint8_t *)&seed, sizeof(seed) }, ret);
}

static void
remembers_every_key_of_many_lists(void **state)
{
	enum { LISTS = 40, KEYS = 500 };
	static uint8_t digests[KEYS][HM_DIGEST_LEN];
	static struct hm_object list;
	uint8_t digest[HM_DIGEST_LEN];
	uint32_t seed = 0;

	(void)state;
	for (size_t i = 0; i < LISTS; i++) {
		for (size_t k = 0; k < KEYS; k++)
			make_digest(seed++, digests[k]);
		fill_enrolment(&list, digests[0], KEYS);
		assert_int_equal(
		    enrolled_add(&objects.enrolled, &list.enrolment), HM_OK);
	}
	assert_int_equal(objects.enrolled.count, LISTS * KEYS);
	while (seed-- > 0) {
		make_digest(seed, digest);
		assert_true(enrolled_has(
		    &objects.enrolled, HM_LITERAL("lamp"), digest));
		assert_false(enrolled_has(
		    &objects.enrolled, HM_LITERAL("pump"), digest));
		digest[15] ^= 1;
		assert_false(enrolled_has(
		    &objects.enrolled, HM_LITERAL("lamp"), digest));
	}
}

/* ---- issue ---- */

static void
check_stamp(const struct hm_stamp *content)
{
	static const uint8_t mac[] = { 0x02, 0, 0, 0, 1, 0 };
	uint8_t digest[HM_DIGEST_LEN], binding[HM_DIGEST_LEN];
	struct ca_view view;

	attest_binding(&ask.kase.claims, binding);
	assert_memory_equal(content->binding, binding, sizeof(binding));
	assert_memory_equal(
	    content->device_id, ask.kase.claims.device_id, HM_DEVICE_ID_LEN);
	assert_memory_equal(
	    content->product, order.order.product, HM_DIGEST_LEN);
	assert_true(hm_bytes_equal(content->serial, HM_LITERAL("SN000012")));
	assert_true(hm_bytes_equal(content->origin, HM_LITERAL(ORIGIN)));
	assert_memory_equal(content->mac, mac, sizeof(mac));
	assert_int_equal(content->issued_s, T0);
	sha256_one(content->certificate, digest);
	assert_memory_equal(answer.certificate, digest, sizeof(digest));
	assert_int_equal(
	    ca_verify(content->certificate, buf_bytes(&issuer_der)), HM_OK);
	assert_int_equal(ca_view(content->certificate, &view), HM_OK);
	assert_memory_equal(view.point, ask.kase.claims.identity, HM_POINT_LEN);
	assert_true(hm_bytes_equal(view.serial, HM_BYTES(answer.cert_serial)));
}

static void
issues_what_the_order_says(void **state)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct hm_stamp content;
	struct hm_bytes payload;

	(void)state;
	load_all();
	prove();
	ask.number = 2;
	assert_int_equal(issue_at(T0), HM_OK);
	assert_int_equal(sign1_open(buf_bytes(&stamp), HM_STAMP_MAX,
			     HM_LITERAL(HM_AAD_STAMP), stamp_point, &payload),
	    HM_OK);
	assert_int_equal(hm_stamp_decode(payload, &content), HM_OK);
	check_stamp(&content);
	sha256_one(buf_bytes(&stamp), digest);
	assert_memory_equal(answer.stamp, digest, sizeof(digest));
	/* The secret is nowhere in the open. */
	assert_null(memmem(stamp.ptr, stamp.len, FLEET, sizeof(FLEET) - 1));
}

static void
numbers_no_device_beyond_the_order(void **state)
{
	(void)state;
	load_all();
	prove();
	ask.number = 6; /* quota and returns are 7 */
	assert_int_equal(issue_at(T0), HM_OK);
	ask.number = 7;
	check_refused(HM_E_QUOTA);
	ask.number = UINT32_MAX;
	check_refused(HM_E_QUOTA);
}

static void
has_a_clock_of_its_own(void **state)
{
	(void)state;
	load_all();
	prove();
	assert_int_equal(issue_at(T0 + ISSUE_CLOCK_S), HM_OK);
	assert_int_equal(issue_at(T0 - ISSUE_CLOCK_S), HM_OK);
	assert_int_equal(issue_at(T0 + ISSUE_CLOCK_S + 1), HM_E_CLOCK);
	assert_int_equal(issue_at(T0 - ISSUE_CLOCK_S - 1), HM_E_CLOCK);
	assert_int_equal(stamp.len, 0);
	ask.issued_s = UINT64_MAX;
	check_refused(HM_E_CLOCK);
}

static void
keeps_the_dates_of_the_order(void **state)
{
	(void)state;
	load_all();
	prove();
	ask.issued_s = T0 - 1001;
	assert_int_equal(issue_at(ask.issued_s), HM_E_NOT_YET);
	ask.issued_s = T0 - 1000;
	assert_int_equal(issue_at(ask.issued_s), HM_OK);
	ask.issued_s = T0 + 999;
	assert_int_equal(issue_at(ask.issued_s), HM_OK);
	ask.issued_s = T0 + 1000;
	assert_int_equal(issue_at(ask.issued_s), HM_E_EXPIRED);
	assert_int_equal(stamp.len, 0);
}

static void
signs_nothing_for_evidence_that_is_not_right(void **state)
{
	struct ask_sign_issue good;

	(void)state;
	load_all();
	prove();
	good = ask;
	ask.kase.proof.soft.signature[5] ^= 1;
	check_refused(HM_E_EVIDENCE);
	ask = good;
	ask.kase.claims.nonce[0] ^= 1; /* another binding */
	check_refused(HM_E_EVIDENCE);
	ask = good;
	ask.kase.claims.kem[64] ^= 1; /* to have secrets sealed elsewhere */
	check_refused(HM_E_EVIDENCE);
	ask = good;
	ask.kase.claims.lock = HM_LOCK_OPEN;
	check_refused(HM_E_EVIDENCE_OPEN);
	ask = good;
	ask.kase.claims.release[0] ^= 1;
	check_refused(HM_E_RELEASE);
	ask = good;
	ask.kase.claims.counter = 2;
	check_refused(HM_E_COUNTER);
	ask = good;
	ask.kase.claims.scheme = HM_SCHEME_IMX_MP;
	check_refused(HM_E_EVIDENCE_SCHEME);
	ask = good;
	assert_int_equal(issue_at(T0), HM_OK);
}

static void
certifies_no_key_that_is_none(void **state)
{
	struct p256_pair *root;
	uint8_t binding[HM_DIGEST_LEN], digest[32];

	(void)state;
	load_all();
	prove();
	/* The hardware vouches for an identity that is off the curve. */
	ask.kase.claims.identity[64] ^= 1;
	assert_int_equal(p256_pair_new(&root), HM_OK);
	p256_pair_point(root, ask.kase.proof.soft.key);
	attest_binding(&ask.kase.claims, binding);
	sha256_one(HM_BYTES(binding), digest);
	assert_int_equal(
	    p256_pair_sign(root, digest, ask.kase.proof.soft.signature), HM_OK);
	p256_pair_free(root);
	check_refused(HM_E_KEY);
}

static void
signs_nothing_without_the_secrets_of_the_product(void **state)
{
	(void)state;
	product.product.secrets[0].source = HM_LITERAL("missing");
	load_all();
	prove();
	check_refused(HM_E_TOKEN_MATCH);
}

/* ---- approvals ---- */

static struct approvers pinned;
static struct hm_object said; /* large */

static void
begin(hm_object_kind kind)
{
	memset(&said, 0, sizeof(said));
	said.kind = kind;
	said.made_s = T0;
}

/* Registered by the authority; pinned by the server's administrator or not. */
static hm_err
add_approver(const char *name, struct p256_pair *key, bool is_pinned)
{
	begin(HM_OBJECT_CREDENTIAL);
	said.credential.name = hm_bytes_of(name);
	said.credential.role = HM_ROLE_APPROVER;
	said.credential.not_after_s = T0;
	p256_pair_point(key, said.credential.key);
	if (is_pinned)
		memcpy(pinned.keys[pinned.count++], said.credential.key,
		    HM_POINT_LEN);
	return load_as(authority, &said);
}

static hm_err
approve(const char *name, struct p256_pair *key)
{
	uint8_t payload[256], point[HM_POINT_LEN], kid[HM_KID_LEN];
	size_t len;

	begin(HM_OBJECT_APPROVAL);
	said.approval.approver = hm_bytes_of(name);
	memcpy(said.approval.release, order.order.release, HM_DIGEST_LEN);
	assert_int_equal(
	    hm_object_encode(
		&said, (struct hm_span){ payload, sizeof(payload) }, &len),
	    HM_OK);
	p256_pair_point(key, point);
	sign1_kid(point, kid);
	buf_clear(&message);
	assert_int_equal(sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_APPROVAL),
			     (struct hm_bytes){ payload, len },
			     p256_pair_signer, key, &message),
	    HM_OK);
	return objects_load(&objects, buf_bytes(&message), &trust);
}

static hm_err
command(hm_verb verb, const char *target)
{
	begin(HM_OBJECT_COMMAND);
	said.command.verb = verb;
	said.command.target = hm_bytes_of(target);
	said.command.reason = HM_LITERAL("a test");
	return load_as(authority, &said);
}

/* A prod order with a release that nobody approved yet. */
static void
load_prod(struct p256_pair *people[3])
{
	memset(&pinned, 0, sizeof(pinned));
	trust.approvers = &pinned;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(p256_pair_new(&people[i]), HM_OK);
	product.product.soft_in_prod = true;
	release.release.channel = HM_CHANNEL_PROD;
	order.order.channel = HM_CHANNEL_PROD;
	load_all();
	prove();
	assert_int_equal(add_approver("alice", people[0], true), HM_OK);
	assert_int_equal(add_approver("bob", people[1], true), HM_OK);
}

static void
free_people(struct p256_pair *people[3])
{
	for (size_t i = 0; i < 3; i++)
		p256_pair_free(people[i]);
	trust.approvers = NULL;
}

static void
makes_production_devices_with_two_approvals(void **state)
{
	struct p256_pair *people[3];

	(void)state;
	load_prod(people);
	check_refused(HM_E_APPROVALS);
	assert_int_equal(approve("alice", people[0]), HM_OK);
	check_refused(HM_E_APPROVALS);
	/* the same again, and signed once more */
	assert_int_equal(
	    objects_load(&objects, buf_bytes(&message), &trust), HM_OK);
	assert_int_equal(approve("alice", people[0]), HM_OK);
	check_refused(HM_E_APPROVALS);
	assert_int_equal(approve("bob", people[1]), HM_OK);
	assert_int_equal(issue_at(T0), HM_OK);
	free_people(people);
}

static void
counts_pinned_people_only(void **state)
{
	struct p256_pair *people[3];

	(void)state;
	load_prod(people);
	assert_int_equal(approve("alice", people[0]), HM_OK);
	/* registered by the authority alone: heard, not counted */
	assert_int_equal(add_approver("carol", people[2], false), HM_OK);
	assert_int_equal(approve("carol", people[2]), HM_OK);
	check_refused(HM_E_APPROVALS);
	/* pinned alone: nobody knows the key */
	assert_int_equal(approve("eve", stranger), HM_E_SIGNATURE);
	check_refused(HM_E_APPROVALS);
	free_people(people);
}

static void
takes_one_person_for_one(void **state)
{
	struct p256_pair *people[3];

	(void)state;
	load_prod(people);
	assert_int_equal(approve("alice", people[0]), HM_OK);
	assert_int_equal(approve("bob", people[0]), HM_E_BAD_INPUT);
	assert_int_equal(
	    add_approver("alice-2", people[0], false), HM_E_TWICE_KEY);
	assert_int_equal(add_approver("alice", people[2], true), HM_E_TWICE);
	assert_int_equal(add_approver("boss", authority, true), HM_E_TWICE_KEY);
	/* what an approver signs is an approval, and nothing else is one */
	begin(HM_OBJECT_APPROVAL);
	said.approval.approver = HM_LITERAL("bob");
	memcpy(said.approval.release, order.order.release, HM_DIGEST_LEN);
	assert_int_equal(load_as(authority, &said), HM_E_BAD_INPUT);
	check_refused(HM_E_APPROVALS);
	assert_int_equal(command(HM_VERB_REVOKE_CREDENTIAL, "bob"), HM_OK);
	assert_int_equal(approve("bob", people[1]), HM_E_UNKNOWN_PEER);
	check_refused(HM_E_APPROVALS);
	free_people(people);
}

static void
makes_nothing_with_a_revoked_release(void **state)
{
	char target[2 * HM_DIGEST_LEN + 1];

	(void)state;
	load_all();
	prove();
	assert_int_equal(issue_at(T0), HM_OK);
	hex_format(HM_BYTES(order.order.product), target);
	assert_int_equal(
	    command(HM_VERB_REVOKE_RELEASE, target), HM_E_NOT_FOUND);
	hex_format(HM_BYTES(order.order.release), target);
	assert_int_equal(command(HM_VERB_REVOKE_RELEASE, target), HM_OK);
	check_refused(HM_E_RELEASE_REVOKED);
	assert_int_equal(command(HM_VERB_SCRAP, target), HM_E_BAD_INPUT);
}

static void
keeps_channels_apart_and_counters_growing(void **state)
{
	(void)state;
	load_all();
	order.order.channel = HM_CHANNEL_PROD;
	assert_int_equal(load_as(authority, &order), HM_E_CHANNEL);
	order.order.channel = HM_CHANNEL_DEV;
	release.release.counter = 2;
	assert_int_equal(load_as(authority, &release), HM_OK);
	sha256_one(buf_bytes(&message), order.order.release);
	assert_int_equal(load_as(authority, &order), HM_E_COUNTER);
	release.release.counter = 4;
	assert_int_equal(load_as(authority, &release), HM_OK);
	sha256_one(buf_bytes(&message), order.order.release);
	assert_int_equal(load_as(authority, &order), HM_OK);
	product.product.name = HM_LITERAL("kettle");
	assert_int_equal(load_as(authority, &product), HM_OK);
	sha256_one(buf_bytes(&message), order.order.product);
	assert_int_equal(load_as(authority, &order), HM_E_BAD_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_with_the_right_keys_only),
		TEST(fetches_a_shared_secret_by_its_label),
		TEST(keeps_a_shared_secret_until_its_time_has_passed),
		TEST(keeps_what_the_authority_signed_once),
		TEST(takes_the_same_bytes_again_without_a_copy),
		TEST(refuses_what_somebody_else_signed),
		TEST(refuses_every_flipped_byte_of_an_object),
		TEST(refuses_an_order_without_its_product_or_release),
		TEST(refuses_kinds_and_sizes_that_it_has_no_use_for),
		TEST(seals_for_keys_that_the_authority_enrolled),
		TEST(remembers_every_key_of_many_lists),
		TEST(issues_what_the_order_says),
		TEST(numbers_no_device_beyond_the_order),
		TEST(has_a_clock_of_its_own),
		TEST(keeps_the_dates_of_the_order),
		TEST(signs_nothing_for_evidence_that_is_not_right),
		TEST(certifies_no_key_that_is_none),
		TEST(signs_nothing_without_the_secrets_of_the_product),
		TEST(makes_production_devices_with_two_approvals),
		TEST(counts_pinned_people_only),
		TEST(takes_one_person_for_one),
		TEST(makes_nothing_with_a_revoked_release),
		TEST(keeps_channels_apart_and_counters_growing),
	};

	return cmocka_run_group_tests(tests, oem_start, oem_stop);
}
