/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: who approves a release, what becomes of one that is revoked */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "plant.h"
#include "seal/sign1.h"

static struct p256_pair *alice, *bob, *carol;
static struct approvers pinned;
static struct hm_object object; /* large */
static uint8_t prod[HM_DIGEST_LEN];

static void
pin(const struct p256_pair *pair)
{
	p256_pair_point(pair, pinned.keys[pinned.count++]);
}

static void
begin(hm_object_kind kind)
{
	memset(&object, 0, sizeof(object));
	object.kind = kind;
	object.made_s = T0;
}

/* A prod release; the digest goes to `prod`. */
static hm_err
add_release(struct plant *plant, const char *name, uint32_t counter)
{
	begin(HM_OBJECT_RELEASE);
	object.release = plant->release;
	object.release.name = hm_bytes_of(name);
	object.release.channel = HM_CHANNEL_PROD;
	object.release.counter = counter;
	return plant_object(plant, plant->planner, &object, prod);
}

/* Signed by `key` in the name of `name`, sent by `by`. */
static hm_err
approve_as(struct plant *plant, struct p256_pair *by, struct p256_pair *key,
    const char *name, struct buf *ret)
{
	AUTO(said) struct said said = { 0 };
	uint8_t payload[256], point[HM_POINT_LEN], kid[HM_KID_LEN];
	struct ask_from from;
	size_t len;

	begin(HM_OBJECT_APPROVAL);
	object.approval.approver = hm_bytes_of(name);
	memcpy(object.approval.release, prod, HM_DIGEST_LEN);
	assert_int_equal(
	    hm_object_encode(
		&object, (struct hm_span){ payload, sizeof(payload) }, &len),
	    HM_OK);
	p256_pair_point(key, point);
	sign1_kid(point, kid);
	buf_init(ret, HM_OBJECT_MAX);
	assert_int_equal(
	    sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_APPROVAL),
		(struct hm_bytes){ payload, len }, p256_pair_signer, key, ret),
	    HM_OK);
	p256_pair_point(by, from.peer);
	return plant_ask(plant, ASK_OBJECT, &from, buf_bytes(ret), &said);
}

static hm_err
approve(struct plant *plant, struct p256_pair *key, const char *name)
{
	AUTO(buf) struct buf message = { 0 };

	return approve_as(plant, key, key, name, &message);
}

static hm_err
order(struct plant *plant, const char *name, hm_channel channel)
{
	static uint64_t first = 500000;

	begin(HM_OBJECT_ORDER);
	object.order = plant->order;
	object.order.name = hm_bytes_of(name);
	object.order.channel = channel;
	object.order.serial_first = first;
	object.order.has_macs = false;
	first += 100;
	memcpy(object.order.product, plant->product_digest, HM_DIGEST_LEN);
	memcpy(object.order.release, prod, HM_DIGEST_LEN);
	return plant_object(plant, plant->planner, &object, NULL);
}

static hm_err
revoke(struct plant *plant, const uint8_t *digest)
{
	char target[2 * HM_DIGEST_LEN + 1];

	hex_format((struct hm_bytes){ digest, HM_DIGEST_LEN }, target);
	return plant_command(plant, HM_VERB_REVOKE_RELEASE, target);
}

static struct ask_release_answer
look(struct plant *plant)
{
	AUTO(said) struct said said = { 0 };
	struct ask_release ask = { 0 };

	p256_pair_point(alice, ask.peer);
	memcpy(ask.digest, prod, HM_DIGEST_LEN);
	assert_int_equal(
	    plant_ask(plant, ASK_RELEASE, &ask, (struct hm_bytes){ 0 }, &said),
	    HM_OK);
	return *(const struct ask_release_answer *)said.body;
}

static int
setup(void **state)
{
	static struct plant plant;

	memset(&pinned, 0, sizeof(pinned));
	plant_init(&plant, 4);
	plant.product.soft_in_prod = true;
	plant.approvers = &pinned;
	assert_int_equal(p256_pair_new(&alice), HM_OK);
	assert_int_equal(p256_pair_new(&bob), HM_OK);
	assert_int_equal(p256_pair_new(&carol), HM_OK);
	pin(alice);
	pin(bob);
	plant_folder(&plant);
	assert_int_equal(plant_open(&plant, NULL), HM_OK);
	plant_load(&plant);
	assert_int_equal(plant_credential(&plant, plant.planner, "alice",
			     HM_ROLE_APPROVER, alice),
	    HM_OK);
	assert_int_equal(plant_credential(&plant, plant.planner, "bob",
			     HM_ROLE_APPROVER, bob),
	    HM_OK);
	assert_int_equal(add_release(&plant, "2.0", 5), HM_OK);
	*state = &plant;
	return 0;
}

static int
teardown(void **state)
{
	plant_done(*state);
	p256_pair_free(alice);
	p256_pair_free(bob);
	p256_pair_free(carol);
	return 0;
}

/* ---- approvals ---- */

static void
production_needs_two_people(void **state)
{
	struct plant *plant = *state;

	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_E_APPROVALS);
	assert_int_equal(approve(plant, alice, "alice"), HM_OK);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_E_APPROVALS);
	/* not twice the same, however often she signs */
	assert_int_equal(approve(plant, alice, "alice"), HM_E_TWICE);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_E_APPROVALS);
	assert_int_equal(approve(plant, bob, "bob"), HM_OK);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_DEV), HM_E_CHANNEL);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_OK);
}

static void
repeats_the_receipt_of_an_approval(void **state)
{
	AUTO(buf) struct buf message = { 0 };
	AUTO(said) struct said said = { 0 };
	struct plant *plant = *state;
	struct ask_from from;
	uint64_t size;

	assert_int_equal(
	    approve_as(plant, plant->planner, alice, "alice", &message), HM_OK);
	size = plant_size(plant);
	p256_pair_point(alice, from.peer);
	assert_int_equal(
	    plant_ask(plant, ASK_OBJECT, &from, buf_bytes(&message), &said),
	    HM_OK);
	assert_int_equal(plant_size(plant), size);
	assert_int_equal(look(plant).approval_count, 1);
}

static void
remembers_approvals_after_a_restart(void **state)
{
	struct plant *plant = *state;
	struct ask_release_answer seen;

	assert_int_equal(approve(plant, alice, "alice"), HM_OK);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_E_APPROVALS);
	assert_int_equal(approve(plant, alice, "alice"), HM_E_TWICE);
	assert_int_equal(approve(plant, bob, "bob"), HM_OK);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_OK);
	seen = look(plant);
	assert_int_equal(seen.approval_count, 2);
	assert_string_equal(seen.approvals[0].by, "alice");
	assert_string_equal(seen.approvals[1].by, "bob");
	assert_int_equal(seen.revoked, 0);
}

/* ---- who may not ---- */

static void
one_person_is_not_two(void **state)
{
	struct plant *plant = *state;
	AUTO(buf) struct buf message = { 0 };

	/* in another's name */
	assert_int_equal(approve(plant, alice, "bob"), HM_E_BAD_INPUT);
	/* with a second credential for the same key */
	assert_int_equal(plant_credential(plant, plant->planner, "alice-2",
			     HM_ROLE_APPROVER, alice),
	    HM_E_TWICE_KEY);
	/* with a key that nobody registered: then it is the authority's word */
	assert_int_equal(
	    approve_as(plant, plant->planner, carol, "carol", &message),
	    HM_E_SIGNATURE);
	assert_int_equal(look(plant).approval_count, 0);
}

static void
the_authority_makes_no_approvers_up(void **state)
{
	struct plant *plant = *state;

	/* not pinned by who administrates the server */
	assert_int_equal(plant_credential(plant, plant->planner, "carol",
			     HM_ROLE_APPROVER, carol),
	    HM_E_APPROVER);
	/* nor the authority itself, even if it were */
	pin(plant->play.authority);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(plant_credential(plant, plant->planner, "boss",
			     HM_ROLE_APPROVER, plant->play.authority),
	    HM_E_TWICE_KEY);
	/* and it signs no approval in the name of another */
	begin(HM_OBJECT_APPROVAL);
	object.approval.approver = HM_LITERAL("alice");
	memcpy(object.approval.release, prod, HM_DIGEST_LEN);
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_E_BAD_INPUT);
	assert_int_equal(look(plant).approval_count, 0);
}

static void
who_left_approves_nothing(void **state)
{
	struct plant *plant = *state;

	assert_int_equal(approve(plant, alice, "alice"), HM_OK);
	assert_int_equal(
	    plant_command(plant, HM_VERB_REVOKE_CREDENTIAL, "bob"), HM_OK);
	assert_int_equal(approve(plant, bob, "bob"), HM_E_UNKNOWN_PEER);
	/* no longer pinned */
	pinned.count = 1;
	memcpy(pinned.keys[0], pinned.keys[1], HM_POINT_LEN);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(add_release(plant, "2.1", 5), HM_OK);
	assert_int_equal(approve(plant, alice, "alice"), HM_E_APPROVER);
	plant->now_s = plant->until_s;
	assert_int_equal(approve(plant, alice, "alice"), HM_E_EXPIRED);
	plant->now_s = T0;
}

static void
an_approver_does_nothing_else(void **state)
{
	struct plant *plant = *state;

	begin(HM_OBJECT_RELEASE);
	object.release = plant->release;
	object.release.name = HM_LITERAL("9.9");
	assert_int_equal(
	    plant_object(plant, alice, &object, NULL), HM_E_RIGHTS);
	prod[0] ^= 1;
	assert_int_equal(approve(plant, alice, "alice"), HM_E_NOT_FOUND);
	prod[0] ^= 1;
	/* and nobody but planners and approvers brings what one signed */
	{
		AUTO(buf) struct buf message = { 0 };

		assert_int_equal(
		    approve_as(plant, plant->st_a, alice, "alice", &message),
		    HM_E_RIGHTS);
	}
}

/* ---- going back ---- */

static void
nothing_is_ordered_older_than_before(void **state)
{
	struct plant *plant = *state;
	uint8_t old[HM_DIGEST_LEN];

	assert_int_equal(approve(plant, alice, "alice"), HM_OK);
	assert_int_equal(approve(plant, bob, "bob"), HM_OK);
	assert_int_equal(order(plant, "P-1", HM_CHANNEL_PROD), HM_OK);
	memcpy(old, prod, sizeof(old));
	assert_int_equal(add_release(plant, "3.0", 6), HM_OK);
	assert_int_equal(approve(plant, alice, "alice"), HM_OK);
	assert_int_equal(approve(plant, bob, "bob"), HM_OK);
	assert_int_equal(order(plant, "P-2", HM_CHANNEL_PROD), HM_OK);
	memcpy(prod, old, sizeof(old));
	assert_int_equal(order(plant, "P-3", HM_CHANNEL_PROD), HM_E_COUNTER);
}

static void
a_promotion_is_what_it_says(void **state)
{
	struct plant *plant = *state;
	uint8_t dev[HM_DIGEST_LEN];

	begin(HM_OBJECT_RELEASE);
	object.release = plant->release;
	object.release.name = HM_LITERAL("2.2-dev");
	memset(object.release.images[0].payload, 7, HM_DIGEST_LEN);
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, dev), HM_OK);
	object.release.name = HM_LITERAL("2.2");
	object.release.channel = HM_CHANNEL_PROD;
	object.release.counter = 5;
	memset(object.release.images[0].digest, 9, HM_DIGEST_LEN);
	memcpy(object.release.promoted, dev, HM_DIGEST_LEN);
	object.release.images[0].payload[0] ^= 1;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_E_PROMOTION);
	object.release.images[0].payload[0] ^= 1;
	object.release.promoted[0] ^= 1;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_E_NOT_FOUND);
	object.release.promoted[0] ^= 1;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, prod), HM_OK);
	assert_memory_equal(look(plant).promoted, dev, HM_DIGEST_LEN);
	/* none of what was revoked */
	assert_int_equal(revoke(plant, dev), HM_OK);
	object.release.name = HM_LITERAL("2.3");
	assert_int_equal(plant_object(plant, plant->planner, &object, NULL),
	    HM_E_RELEASE_REVOKED);
}

/* ---- revocation ---- */

static void
nothing_is_made_with_a_revoked_release(void **state)
{
	AUTO(said) struct said said = { 0 }, again = { 0 };
	struct plant *plant = *state;
	struct chip chip, late;

	chip_new(&chip, plant, 1);
	chip_new(&late, plant, 2);
	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	assert_int_equal(revoke(plant, plant->release_digest), HM_OK);
	assert_int_equal(
	    revoke(plant, plant->release_digest), HM_E_RELEASE_REVOKED);
	assert_int_equal(
	    plant_issue(plant, &late, &again), HM_E_RELEASE_REVOKED);
	memcpy(prod, plant->release_digest, HM_DIGEST_LEN);
	assert_int_equal(
	    order(plant, "P-1", HM_CHANNEL_DEV), HM_E_RELEASE_REVOKED);
	assert_int_equal(approve(plant, alice, "alice"), HM_E_RELEASE_REVOKED);
	/* what was made before stays good */
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	said_done(&again);
	assert_int_equal(
	    plant_issue(plant, &late, &again), HM_E_RELEASE_REVOKED);
	said_done(&again);
	assert_int_equal(
	    plant_confirm(plant, &chip, said.stamp, &again), HM_OK);
	assert_int_equal(look(plant).revoked, 1);
	chip_done(&chip);
	chip_done(&late);
}

static void
only_a_release_is_revoked(void **state)
{
	struct plant *plant = *state;

	assert_int_equal(revoke(plant, plant->product_digest), HM_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(production_needs_two_people),
		TEST(repeats_the_receipt_of_an_approval),
		TEST(remembers_approvals_after_a_restart),
		TEST(one_person_is_not_two),
		TEST(the_authority_makes_no_approvers_up),
		TEST(who_left_approves_nothing),
		TEST(an_approver_does_nothing_else),
		TEST(nothing_is_ordered_older_than_before),
		TEST(a_promotion_is_what_it_says),
		TEST(nothing_is_made_with_a_revoked_release),
		TEST(only_a_release_is_revoked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
