/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: what the OEM signed comes in once, and nothing else */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "crypto/digest.h"
#include "plant.h"
#include "server/keeper/ranges.h"

static int
setup(void **state)
{
	static struct plant plant;

	plant_new(&plant, 4);
	*state = &plant;
	return 0;
}

static int
teardown(void **state)
{
	plant_done(*state);
	return 0;
}

#define SAID(name) AUTO(said) struct said name = { 0 }
#define PAIR(name)                                                         \
	struct p256_pair *name __attribute__((cleanup(pair_done))) = NULL; \
	assert_int_equal(p256_pair_new(&name), HM_OK)

static void
pair_done(struct p256_pair **pair)
{
	p256_pair_free(*pair);
}

static struct hm_object object; /* large */

static void
begin(hm_object_kind kind)
{
	memset(&object, 0, sizeof(object));
	object.kind = kind;
	object.made_s = T0;
}

static void
assert_refused(struct plant *plant, struct p256_pair *by, hm_err err)
{
	uint64_t size = plant_size(plant);

	assert_int_equal(plant_object(plant, by, &object, NULL), err);
	assert_int_equal(plant_size(plant), size);
}

/* Another order of the same product and release, apart from all others. */
static void
begin_order(struct plant *plant, const char *name)
{
	begin(HM_OBJECT_ORDER);
	object.order = plant->order;
	object.order.name = hm_bytes_of(name);
	object.order.serial_first = 100000;
	object.order.mac_first[2] = 9;
	memcpy(object.order.product, plant->product_digest, HM_DIGEST_LEN);
	memcpy(object.order.release, plant->release_digest, HM_DIGEST_LEN);
}

/* Of another person, with that key, for a while. */
static void
begin_credential(const char *name, hm_role role, const struct p256_pair *pair)
{
	begin(HM_OBJECT_CREDENTIAL);
	object.credential.name = hm_bytes_of(name);
	object.credential.role = role;
	object.credential.site = HM_LITERAL("office");
	object.credential.not_after_s = T0 + 1000;
	p256_pair_point(pair, object.credential.key);
}

static void
takes_an_object_once_and_repeats_its_receipt(void **state)
{
	struct plant *plant = *state;
	AUTO(buf) struct buf message = { 0 };
	SAID(first);
	SAID(second);
	struct ask_from from;
	uint64_t size;

	begin_order(plant, "PO-2");
	plant_sign(plant, &object, &message);
	p256_pair_point(plant->planner, from.peer);
	assert_int_equal(
	    plant_ask(plant, ASK_OBJECT, &from, buf_bytes(&message), &first),
	    HM_OK);
	assert_int_equal(plant_verify(plant, &first), HM_OK);
	size = plant_size(plant);
	assert_int_equal(
	    plant_ask(plant, ASK_OBJECT, &from, buf_bytes(&message), &second),
	    HM_OK);
	assert_true(hm_bytes_equal(first.tail, second.tail));
	assert_int_equal(plant_size(plant), size);
	/* The same name with other content, or signed anew. */
	assert_refused(plant, plant->planner, HM_E_TWICE);
	object.order.quota++;
	assert_refused(plant, plant->planner, HM_E_TWICE);
}

static void
takes_objects_from_planners_only(void **state)
{
	struct plant *plant = *state;

	begin_order(plant, "PO-2");
	assert_refused(plant, plant->stranger, HM_E_UNKNOWN_PEER);
	assert_refused(plant, plant->auditor, HM_E_RIGHTS);
	assert_refused(plant, plant->st_a, HM_E_RIGHTS);
}

static void
takes_what_the_authority_signed_only(void **state)
{
	struct plant *plant = *state;
	struct p256_pair *authority = plant->play.authority;
	uint64_t size = plant_size(plant);

	begin_order(plant, "PO-2");
	plant->play.authority = plant->planner;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_E_SIGNATURE);
	plant->play.authority = authority;
	assert_int_equal(plant_size(plant), size);
}

static void
lets_a_stranger_bring_its_own_credential_only(void **state)
{
	struct plant *plant = *state;
	PAIR(another);

	begin_credential("second-planner", HM_ROLE_PLANNER, another);
	assert_refused(plant, plant->stranger, HM_E_UNKNOWN_PEER);
	assert_int_equal(plant_object(plant, another, &object, NULL), HM_OK);
	begin_order(plant, "PO-2");
	assert_int_equal(plant_object(plant, another, &object, NULL), HM_OK);
}

static void
gives_names_and_keys_of_credentials_once(void **state)
{
	struct plant *plant = *state;
	PAIR(fresh);

	begin_credential("st-a", HM_ROLE_STATION, fresh);
	assert_refused(plant, plant->planner, HM_E_TWICE);
	object.credential.name = HM_LITERAL("st-c");
	p256_pair_point(plant->st_a, object.credential.key);
	assert_refused(plant, plant->planner, HM_E_TWICE_KEY);
}

/* Found by fuzz_keeper: the database failed, and what was under way with it. */
static void
takes_no_credential_until_a_time_that_it_cannot_keep(void **state)
{
	struct plant *plant = *state;
	PAIR(fresh);

	begin_credential("st-c", HM_ROLE_STATION, fresh);
	object.credential.not_after_s = (uint64_t)INT64_MAX + 1;
	assert_refused(plant, plant->planner, HM_E_BAD_INPUT);
	object.credential.not_after_s = INT64_MAX;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
}

static void
checks_what_an_order_names(void **state)
{
	struct plant *plant = *state;
	uint8_t other[HM_DIGEST_LEN];

	begin_order(plant, "PO-2");
	object.order.product[0] ^= 1;
	assert_refused(plant, plant->planner, HM_E_NOT_FOUND);
	begin_order(plant, "PO-2");
	object.order.release[0] ^= 1;
	assert_refused(plant, plant->planner, HM_E_NOT_FOUND);
	begin_order(plant, "PO-2");
	object.order.channel = HM_CHANNEL_PROD;
	assert_refused(plant, plant->planner, HM_E_CHANNEL);
	/* The release of another product. */
	begin(HM_OBJECT_RELEASE);
	object.release = plant->release;
	object.release.product = HM_LITERAL("kettle");
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, other), HM_OK);
	begin_order(plant, "PO-2");
	memcpy(object.order.release, other, sizeof(other));
	assert_refused(plant, plant->planner, HM_E_BAD_INPUT);
}

static void
keeps_serials_and_addresses_of_orders_apart(void **state)
{
	struct plant *plant = *state;

	/* PO-1 has SN000001 to SN000005, with its one return. */
	begin_order(plant, "PO-2");
	object.order.serial_first = 5;
	assert_refused(plant, plant->planner, HM_E_TWICE_SERIAL);
	begin_order(plant, "PO-2");
	object.order.mac_first[2] = 0;
	object.order.mac_first[5] = 4;
	assert_refused(plant, plant->planner, HM_E_TWICE_MAC);
	begin_order(plant, "PO-2");
	object.order.serial_first = 6;
	object.order.mac_first[2] = 0;
	object.order.mac_first[5] = 5;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
}

static void
knows_serials_that_meet_under_other_prefixes(void **state)
{
	struct hm_order a = { .serial_prefix = HM_LITERAL("A1"),
		.serial_digits = 3,
		.serial_first = 0,
		.quota = 10 };
	struct hm_order b = { .serial_prefix = HM_LITERAL("A"),
		.serial_digits = 4,
		.serial_first = 990,
		.quota = 10 };

	(void)state;
	assert_false(ranges_share_serial(&a, &b)); /* A1000.. and A0990.. */
	b.quota = 11;
	assert_true(ranges_share_serial(&a, &b));
	assert_true(ranges_share_serial(&b, &a));
	b.serial_digits = 5;
	assert_false(ranges_share_serial(&a, &b));
	b.serial_digits = 4;
	b.serial_prefix = HM_LITERAL("B");
	assert_false(ranges_share_serial(&a, &b));
	a.serial_prefix = HM_LITERAL("9999999999999999");
	b.serial_prefix = a.serial_prefix;
	a.serial_digits = b.serial_digits = 12;
	assert_false(ranges_share_serial(&a, &b));
	b.serial_first = 9;
	assert_true(ranges_share_serial(&a, &b));
}

static void
never_goes_back_with_a_security_counter(void **state)
{
	struct plant *plant = *state;

	begin(HM_OBJECT_RELEASE);
	object.release = plant->release;
	object.release.name = HM_LITERAL("1.1");
	object.release.counter = 2;
	assert_refused(plant, plant->planner, HM_E_COUNTER);
	object.release.channel = HM_CHANNEL_PROD; /* counts apart */
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
	object.release.channel = HM_CHANNEL_DEV;
	object.release.name = HM_LITERAL("1.2");
	object.release.counter = 3;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
}

static void
enrols_a_key_for_one_product(void **state)
{
	struct plant *plant = *state;
	uint8_t digests[2 * HM_DIGEST_LEN];

	memset(digests, 0x11, HM_DIGEST_LEN);
	memset(digests + HM_DIGEST_LEN, 0x22, HM_DIGEST_LEN);
	begin(HM_OBJECT_ENROLMENT);
	object.enrolment.product = HM_LITERAL("lamp");
	object.enrolment.digests = HM_BYTES(digests);
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
	/* A second list may name it again, but not for another product. */
	object.made_s++;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
	object.enrolment.product = HM_LITERAL("kettle");
	object.enrolment.digests.len = HM_DIGEST_LEN;
	assert_refused(plant, plant->planner, HM_E_TWICE_KEY);
}

static void
takes_nothing_that_the_signer_does_not_take(void **state)
{
	struct plant *plant = *state;

	begin_order(plant, "PO-2");
	plant->play.fail_load = HM_E_TOKEN_GONE;
	assert_refused(plant, plant->planner, HM_E_TOKEN_GONE);
	plant->play.fail_load = HM_OK;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, NULL), HM_OK);
}

/* ---- views ---- */

static hm_err
ask(struct plant *plant, ask_kind kind, const void *body)
{
	SAID(said);

	return plant_ask(plant, kind, body, (struct hm_bytes){ 0 }, &said);
}

static void
tells_who_somebody_is(void **state)
{
	struct plant *plant = *state;
	SAID(said);
	struct ask_peer peer = { 0 };
	const struct ask_peer_answer *ret;

	assert_int_equal(ask(plant, ASK_PEER, &peer), HM_E_UNKNOWN_PEER);
	p256_pair_point(plant->st_b, peer.key);
	assert_int_equal(
	    plant_ask(plant, ASK_PEER, &peer, (struct hm_bytes){ 0 }, &said),
	    HM_OK);
	ret = said.body;
	assert_string_equal(ret->name, "st-b");
	assert_int_equal(ret->role, HM_ROLE_STATION);
}

static void
gives_challenges_to_stations_of_an_open_order(void **state)
{
	struct plant *plant = *state;
	AUTO(chip) struct chip chip = { 0 };
	SAID(said);
	struct ask_challenge challenge = { .order = "PO-1" };

	p256_pair_point(plant->planner, challenge.peer);
	assert_int_equal(ask(plant, ASK_CHALLENGE, &challenge), HM_E_RIGHTS);
	p256_pair_point(plant->st_b, challenge.peer);
	assert_int_equal(
	    ask(plant, ASK_CHALLENGE, &challenge), HM_E_ORDER_STATION);
	p256_pair_point(plant->st_a, challenge.peer);
	assert_int_equal(ask(plant, ASK_CHALLENGE, &challenge), HM_OK);
	plant->now_s = T0 + 100000;
	assert_int_equal(ask(plant, ASK_CHALLENGE, &challenge), HM_E_EXPIRED);
	/* But a device that is under way may finish. */
	plant->now_s = T0;
	chip_new(&chip, plant, 1);
	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	plant->now_s = T0 + 100000;
	assert_int_equal(ask(plant, ASK_CHALLENGE, &challenge), HM_OK);
}

static void
shows_a_station_its_own_orders_and_devices(void **state)
{
	struct plant *plant = *state;
	AUTO(chip) struct chip chip = { 0 };
	SAID(issued);
	SAID(said);
	struct ask_order order = { .order = "PO-1" };
	struct ask_device device = { .serial = "SN000001" };
	struct ask_quarantine list = { 0 };

	chip_new(&chip, plant, 1);
	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	p256_pair_point(plant->st_b, order.peer);
	p256_pair_point(plant->st_b, device.peer);
	p256_pair_point(plant->st_a, list.peer);
	assert_int_equal(ask(plant, ASK_ORDER, &order), HM_E_ORDER_STATION);
	assert_int_equal(ask(plant, ASK_DEVICE, &device), HM_E_ORDER_STATION);
	assert_int_equal(ask(plant, ASK_QUARANTINE, &list), HM_E_RIGHTS);
	p256_pair_point(plant->st_a, order.peer);
	p256_pair_point(plant->st_a, device.peer);
	assert_int_equal(ask(plant, ASK_ORDER, &order), HM_OK);
	assert_int_equal(plant_ask(plant, ASK_DEVICE, &device,
			     (struct hm_bytes){ 0 }, &said),
	    HM_OK);
	assert_true(said.tail.len > 200); /* its certificate */
	strcpy(device.serial, "SN000002");
	assert_int_equal(ask(plant, ASK_DEVICE, &device), HM_E_NOT_FOUND);
	strcpy(order.order, "PO-9");
	assert_int_equal(ask(plant, ASK_ORDER, &order), HM_E_NO_ORDER);
}

static void
serves_the_published_log(void **state)
{
	struct plant *plant = *state;
	SAID(said);
	struct ask_part part = { .level = ASK_CHECKPOINT };
	const struct ask_part_answer *ret;
	uint32_t size;

	plant_settle(plant);
	size = (uint32_t)plant_size(plant);
	p256_pair_point(plant->st_a, part.peer);
	assert_int_equal(
	    plant_ask(plant, ASK_FILE, &part, (struct hm_bytes){ 0 }, &said),
	    HM_OK);
	ret = said.body;
	assert_int_equal(ret->total, said.tail.len);
	assert_memory_equal(
	    said.tail.ptr, PLAY_ORIGIN, sizeof(PLAY_ORIGIN) - 1);
	part.level = 64; /* entries */
	part.width = size;
	assert_int_equal(ask(plant, ASK_FILE, &part), HM_E_RIGHTS);
	p256_pair_point(plant->auditor, part.peer);
	assert_int_equal(ask(plant, ASK_FILE, &part), HM_OK);
	part.width = size + 1;
	assert_int_equal(ask(plant, ASK_FILE, &part), HM_E_NOT_FOUND);
	part.width = size;
	part.offset = 1 << 20;
	assert_int_equal(ask(plant, ASK_FILE, &part), HM_E_BAD_INPUT);
	part.level = 200;
	assert_int_equal(ask(plant, ASK_FILE, &part), HM_E_BAD_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_an_object_once_and_repeats_its_receipt),
		TEST(takes_objects_from_planners_only),
		TEST(takes_what_the_authority_signed_only),
		TEST(lets_a_stranger_bring_its_own_credential_only),
		TEST(gives_names_and_keys_of_credentials_once),
		TEST(takes_no_credential_until_a_time_that_it_cannot_keep),
		TEST(checks_what_an_order_names),
		TEST(keeps_serials_and_addresses_of_orders_apart),
		cmocka_unit_test(knows_serials_that_meet_under_other_prefixes),
		TEST(never_goes_back_with_a_security_counter),
		TEST(enrols_a_key_for_one_product),
		TEST(takes_nothing_that_the_signer_does_not_take),
		TEST(tells_who_somebody_is),
		TEST(gives_challenges_to_stations_of_an_open_order),
		TEST(shows_a_station_its_own_orders_and_devices),
		TEST(serves_the_published_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
