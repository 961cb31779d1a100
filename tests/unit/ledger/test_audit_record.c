/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/audit: what the entries say. Each thing that may not be is found at
 * its entry, with its own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auditing.h"
#include "base/text.h"

/* Publish, and exactly this is wrong with the last entry. */
static void
assert_last(const char *words)
{
	char place[64];

	(void)snprintf(place, sizeof(place), "entry %" PRIu64,
	    tiles_tree(tiles)->size - 1);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	assert_found(place, words);
}

static void
finds_one_unit_too_many(void **state)
{
	(void)state;
	start(2, 1);
	factory_reserve(&factory, "PO-A", 101);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	assert_clean();
	factory_issue(&factory, "PO-A", 102);
	assert_last("unit 3 of the order PO-A, which allows 2");
}

static void
finds_one_return_too_many(void **state)
{
	(void)state;
	start(3, 1);
	factory_issue(&factory, "PO-A", 101);
	factory_void(&factory, "PO-A", 100, true);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	assert_clean();
	factory_void(&factory, "PO-A", 101, true);
	assert_last("return 2 of the order PO-A, which allows 1");
}

static void
finds_an_issue_outside_its_order(void **state)
{
	(void)state;
	start(9, 0);
	factory.now_s += 31536000;
	factory_issue(&factory, "PO-A", 101);
	assert_last("outside the dates");
}

static void
finds_an_issue_after_the_order_was_closed(void **state)
{
	static struct hm_object object;

	(void)state;
	start(9, 0);
	object = (struct hm_object){ .kind = HM_OBJECT_COMMAND };
	object.command.verb = HM_VERB_CLOSE_ORDER;
	object.command.target = HM_LITERAL("PO-A");
	object.command.reason = HM_LITERAL("enough");
	factory_object(&factory, &object, NULL);
	factory_issue(&factory, "PO-A", 101);
	assert_last("was closed before");
}

static void
finds_a_station_that_lost_its_credential(void **state)
{
	static struct hm_object object;

	(void)state;
	start(9, 0);
	object = (struct hm_object){ .kind = HM_OBJECT_COMMAND };
	object.command.verb = HM_VERB_REVOKE_CREDENTIAL;
	object.command.target = HM_LITERAL(FACTORY_STATION);
	object.command.reason = HM_LITERAL("stolen");
	factory_object(&factory, &object, NULL);
	factory_issue(&factory, "PO-A", 101);
	assert_last("was revoked");
}

/* An issue that is as it should be but for one thing. */
typedef void (*alteration)(struct hm_entry_issue *issue);

static void
foreign_order(struct hm_entry_issue *issue)
{
	issue->order = HM_LITERAL("PO-X");
}

static void
foreign_station(struct hm_entry_issue *issue)
{
	issue->station = HM_LITERAL("line-2");
}

static void
foreign_product(struct hm_entry_issue *issue)
{
	issue->product[0] ^= 1;
}

static void
foreign_firmware(struct hm_entry_issue *issue)
{
	issue->release[31] ^= 1;
}

static void
serial_of_no_order(struct hm_entry_issue *issue)
{
	issue->serial = HM_LITERAL("T-0000099");
}

static void
serial_beyond(struct hm_entry_issue *issue)
{
	issue->serial = HM_LITERAL("T-0000109");
}

static void
serial_of_other_form(struct hm_entry_issue *issue)
{
	issue->serial = HM_LITERAL("T-000101");
}

static void
other_mac(struct hm_entry_issue *issue)
{
	issue->mac[5]++;
}

static void
no_mac(struct hm_entry_issue *issue)
{
	issue->has_mac = false;
	memset(issue->mac, 0, sizeof(issue->mac));
}

static void
same_identity(struct hm_entry_issue *issue)
{
	factory_digest("identity", 100, issue->identity);
}

static void
same_evidence(struct hm_entry_issue *issue)
{
	factory_digest("evidence", 100, issue->evidence);
}

static void
same_certificate(struct hm_entry_issue *issue)
{
	factory_digest("certificate", 100, issue->certificate);
}

static void
same_stamp(struct hm_entry_issue *issue)
{
	factory_digest("stamp", 100, issue->stamp);
}

static void
finds_each_wrong_thing_in_an_issue(void **state)
{
	static const struct {
		alteration alter;
		const char *words;
	} cases[] = {
		{ foreign_order, "the order PO-X is not in the log" },
		{ foreign_station, "does not name the station line-2" },
		{ foreign_product, "another product" },
		{ foreign_firmware, "another firmware" },
		{ serial_of_no_order, "serial number T-0000099 is not" },
		{ serial_beyond, "serial number T-0000109 is not" },
		{ serial_of_other_form, "serial number T-000101 is not" },
		{ other_mac, "the MAC address is not" },
		{ no_mac, "the MAC address is not" },
		{ same_identity, "the identity key of entry 5 again" },
		{ same_evidence, "the evidence of entry 5 again" },
		{ same_certificate, "the certificate of entry 5 again" },
		{ same_stamp, "the stamp of entry 5 again" },
	};
	char serial[HM_SERIAL_MAX + 1];
	struct hm_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		start(9, 0);
		factory_issue_of(&factory, "PO-A", 101, serial, &entry);
		cases[i].alter(&entry.issue);
		factory_entry(&factory, &entry);
		assert_last(cases[i].words);
		again();
	}
}

static void
finds_a_serial_and_mac_given_twice(void **state)
{
	char serial[HM_SERIAL_MAX + 1];
	struct audit_result result;
	struct hm_entry entry;

	(void)state;
	start(9, 0);
	factory_issue_of(&factory, "PO-A", 101, serial, &entry);
	entry.issue.serial = HM_LITERAL("T-0000100");
	hm_put_u32(entry.issue.mac + 2, 100);
	factory_entry(&factory, &entry);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 2);
	assert_non_null(strstr(result.findings[0].words, "serial number of"));
	assert_non_null(strstr(result.findings[1].words, "MAC address of"));
	audit_result_done(&result);
}

static void
finds_a_device_made_twice(void **state)
{
	char serial[HM_SERIAL_MAX + 1];
	struct hm_entry entry;

	(void)state;
	start(9, 0);
	factory_issue_of(&factory, "PO-A", 101, serial, &entry);
	factory_device_id(100, entry.issue.device_id);
	factory_entry(&factory, &entry);
	assert_last("issued before");
}

/* Something about device 100, which is issued, and wrong. */
static void
confirm_other_stamp(void)
{
	struct hm_entry entry = { .type = HM_ENTRY_CONFIRM };

	entry.confirm.order = HM_LITERAL("PO-A");
	entry.confirm.station = HM_LITERAL(FACTORY_STATION);
	entry.confirm.lock = HM_LOCK_LOCKED;
	factory_device_id(100, entry.confirm.device_id);
	factory_entry(&factory, &entry);
}

static void
confirm_open_device(void)
{
	struct hm_entry entry = { .type = HM_ENTRY_CONFIRM };

	entry.confirm.order = HM_LITERAL("PO-A");
	entry.confirm.station = HM_LITERAL(FACTORY_STATION);
	entry.confirm.lock = HM_LOCK_OPEN;
	factory_device_id(100, entry.confirm.device_id);
	factory_digest("stamp", 100, entry.confirm.stamp);
	factory_entry(&factory, &entry);
}

static void
confirm_unknown(void)
{
	factory_confirm(&factory, "PO-A", 101);
}

static void
confirm_for_other_order(void)
{
	factory_confirm(&factory, "PO-B", 100);
}

static void
confirm_out_of_a_hold(void)
{
	uint8_t command[HM_DIGEST_LEN];

	factory_command(&factory, HM_VERB_HOLD, 100, command);
	factory_state(&factory, 100, HM_STATE_ISSUED, HM_STATE_HELD, command);
	factory_confirm(&factory, "PO-A", 100);
}

static void
confirm_twice(void)
{
	factory_confirm(&factory, "PO-A", 100);
	factory_confirm(&factory, "PO-A", 100);
}

static void
void_after_confirm(void)
{
	factory_confirm(&factory, "PO-A", 100);
	factory_void(&factory, "PO-A", 100, false);
}

static void
void_by_other_key(void)
{
	struct p256_pair *own = factory.station;

	factory.station = factory.authority;
	factory_void(&factory, "PO-A", 100, true);
	factory.station = own;
}

static void
return_by_state(void)
{
	factory_state(&factory, 100, HM_STATE_ISSUED, HM_STATE_RETURNED, NULL);
}

static void
reserve_again(void)
{
	factory_reserve(&factory, "PO-A", 100);
}

static void
active_too_early(void)
{
	factory_state(&factory, 100, HM_STATE_CONFIRMED, HM_STATE_ACTIVE, NULL);
}

static void
scrap_without_command(void)
{
	factory_state(&factory, 100, HM_STATE_ISSUED, HM_STATE_SCRAPPED, NULL);
}

static void
scrap_by_unknown_command(void)
{
	uint8_t command[HM_DIGEST_LEN] = { 7 };

	factory_state(
	    &factory, 100, HM_STATE_ISSUED, HM_STATE_SCRAPPED, command);
}

static void
scrap_by_other_devices_command(void)
{
	uint8_t command[HM_DIGEST_LEN];

	factory_command(&factory, HM_VERB_SCRAP, 101, command);
	factory_state(
	    &factory, 100, HM_STATE_ISSUED, HM_STATE_SCRAPPED, command);
}

static void
scrap_by_hold(void)
{
	uint8_t command[HM_DIGEST_LEN];

	factory_command(&factory, HM_VERB_HOLD, 100, command);
	factory_state(
	    &factory, 100, HM_STATE_ISSUED, HM_STATE_SCRAPPED, command);
}

static void
release_to_another_state(void)
{
	uint8_t command[HM_DIGEST_LEN];

	factory_state(&factory, 100, HM_STATE_ISSUED, HM_STATE_HELD, NULL);
	factory_command(&factory, HM_VERB_RELEASE_HOLD, 100, command);
	factory_state(&factory, 100, HM_STATE_HELD, HM_STATE_ACTIVE, command);
}

static void
confirm_by_state(void)
{
	uint8_t command[HM_DIGEST_LEN];

	factory_command(&factory, HM_VERB_RELEASE_HOLD, 100, command);
	factory_state(&factory, 100, HM_STATE_ISSUED, HM_STATE_HELD, NULL);
	factory_state(
	    &factory, 100, HM_STATE_HELD, HM_STATE_CONFIRMED, command);
}

static void
crl_again(void)
{
	struct hm_entry entry = { .type = HM_ENTRY_CRL };

	entry.crl.number = 5;
	factory_entry(&factory, &entry);
	factory_entry(&factory, &entry);
}

static void
begin_again(void)
{
	struct hm_entry entry = { .type = HM_ENTRY_GENESIS };

	entry.genesis.origin = HM_LITERAL(FACTORY_ORIGIN);
	memcpy(entry.genesis.authority, factory.authority_point, HM_POINT_LEN);
	memcpy(entry.genesis.stamp_key, factory.authority_point, HM_POINT_LEN);
	factory_entry(&factory, &entry);
}

static void
order_again(void)
{
	factory_order(&factory, "PO-A", 5, 0, 100);
}

static void
order_by_another(void)
{
	struct p256_pair *own = factory.authority;

	factory.authority = factory.station;
	factory_order(&factory, "PO-B", 5, 0, 500);
	factory.authority = own;
}

static void
order_of_unknown_product(void)
{
	factory.product[0] ^= 1;
	factory_order(&factory, "PO-B", 5, 0, 500);
}

/* --- releases --- */

static uint8_t prod[HM_DIGEST_LEN];

/* Two approvers, and a prod release. */
static void
add_prod(uint32_t counter)
{
	static struct hm_object object;

	factory_credential(
	    &factory, "alice", HM_ROLE_APPROVER, factory.approvers[0]);
	factory_credential(
	    &factory, "bob", HM_ROLE_APPROVER, factory.approvers[1]);
	object = (struct hm_object){ .kind = HM_OBJECT_RELEASE };
	object.release.name = HM_LITERAL("3.0");
	object.release.product = HM_LITERAL("thermostat");
	object.release.channel = factory.channel;
	object.release.counter = counter;
	object.release.image_count = 1;
	object.release.images[0] = (struct hm_image){ .name = HM_LITERAL("app"),
		.format = HM_LITERAL("raw") };
	memcpy(object.release.images[0].digest, factory.image, HM_DIGEST_LEN);
	factory_object(&factory, &object, prod);
	memcpy(factory.release, prod, HM_DIGEST_LEN);
}

static void
approve(int who)
{
	factory_approve(
	    &factory, factory.approvers[who], who == 0 ? "alice" : "bob", prod);
}

static void
order_prod(void)
{
	factory_order(&factory, "PO-P", 5, 0, 500);
}

static void
order_with_one_approval(void)
{
	factory.channel = HM_CHANNEL_PROD;
	add_prod(3);
	approve(0);
	order_prod();
}

static void
approve_twice(void)
{
	add_prod(3);
	approve(0);
	approve(0);
}

static void
approve_in_anothers_name(void)
{
	add_prod(3);
	factory_approve(&factory, factory.approvers[0], "bob", prod);
}

static void
approve_by_the_authority(void)
{
	static struct hm_object object;

	add_prod(3);
	object = (struct hm_object){ .kind = HM_OBJECT_APPROVAL };
	object.approval.approver = HM_LITERAL("alice");
	memcpy(object.approval.release, prod, HM_DIGEST_LEN);
	factory_object(&factory, &object, NULL);
}

static void
approve_by_a_station(void)
{
	add_prod(3);
	factory_approve(&factory, factory.station, FACTORY_STATION, prod);
}

static void
approve_nothing(void)
{
	add_prod(3);
	prod[0] ^= 1;
	approve(0);
}

static void
order_of_the_other_channel(void)
{
	factory.channel = HM_CHANNEL_PROD;
	order_prod();
}

static void
order_older_than_before(void)
{
	add_prod(2);
	order_prod();
}

static void
revoke(const uint8_t *digest)
{
	static struct hm_object object;
	char target[2 * HM_DIGEST_LEN + 1];

	hex_format((struct hm_bytes){ digest, HM_DIGEST_LEN }, target);
	object = (struct hm_object){ .kind = HM_OBJECT_COMMAND };
	object.command.verb = HM_VERB_REVOKE_RELEASE;
	object.command.target = hm_bytes_of(target);
	object.command.reason = HM_LITERAL("a hole");
	factory_object(&factory, &object, NULL);
}

static void
revoke_unknown(void)
{
	revoke(factory.product);
}

static void
order_revoked(void)
{
	revoke(factory.release);
	order_prod();
}

static void
issue_revoked(void)
{
	revoke(factory.release);
	factory_issue(&factory, "PO-A", 101);
}

static void
approve_revoked(void)
{
	add_prod(3);
	revoke(prod);
	approve(0);
}

static void
promote_to(const uint8_t *from)
{
	static struct hm_object object;

	object = (struct hm_object){ .kind = HM_OBJECT_RELEASE };
	object.release.name = HM_LITERAL("4.0");
	object.release.product = HM_LITERAL("thermostat");
	object.release.channel = HM_CHANNEL_PROD;
	object.release.counter = 3;
	object.release.image_count = 1;
	object.release.images[0] = (struct hm_image){ .name = HM_LITERAL("app"),
		.format = HM_LITERAL("raw") };
	object.release.images[0].payload[0] = 1;
	memcpy(object.release.promoted, from, HM_DIGEST_LEN);
	factory_object(&factory, &object, NULL);
}

static void
promote_another_payload(void)
{
	promote_to(factory.release);
}

static void
promote_unknown(void)
{
	promote_to(factory.product);
}

static void
takes_an_order_that_two_people_approved(void **state)
{
	uint8_t keys[2][HM_POINT_LEN];
	struct audit_result result;

	(void)state;
	start(9, 0);
	factory.channel = HM_CHANNEL_PROD;
	add_prod(3);
	approve(0);
	approve(1);
	order_prod();
	factory_issue(&factory, "PO-P", 500);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	print(&result);
	assert_int_equal(result.finding_count, 0);
	audit_result_done(&result);
	/* the auditor knows the approvers, and bob is none of them */
	p256_pair_point(factory.approvers[0], keys[0]);
	p256_pair_point(factory.station, keys[1]);
	options.approvers = (const uint8_t(*)[HM_POINT_LEN])keys;
	options.approver_count = 2;
	run_audit(&result);
	assert_int_equal(result.finding_count, 2);
	assert_non_null(strstr(result.findings[0].words, "none of the appr"));
	assert_non_null(strstr(result.findings[1].words, "1 approvals"));
	audit_result_done(&result);
}

static const struct {
	void (*what)(void);
	const char *words;
} cases[] = {
	{ confirm_other_stamp, "another stamp" },
	{ confirm_open_device, "less locked" },
	{ confirm_unknown, "not in the log before" },
	{ confirm_for_other_order, "not of the order PO-B" },
	{ confirm_out_of_a_hold, "held by a command" },
	{ confirm_twice, "cannot go from confirmed to confirmed" },
	{ void_by_other_key, "line-1 did not sign it" },
	{ void_after_confirm, "is confirmed: too late to void" },
	{ return_by_state, "from issued to returned has another entry" },
	{ reserve_again, "is issued already" },
	{ active_too_early, "the device is issued, not confirmed" },
	{ scrap_without_command, "needs a command" },
	{ scrap_by_unknown_command, "command is not in the log" },
	{ scrap_by_other_devices_command, "for another device" },
	{ scrap_by_hold, "says something else" },
	{ release_to_another_state, "it was held while issued" },
	{ confirm_by_state, "it was held while issued" },
	{ crl_again, "revocation list 5 after list 5" },
	{ begin_again, "a second beginning" },
	{ order_again, "a second order" },
	{ order_by_another, "the authority did not sign" },
	{ order_of_unknown_product, "product that is not in the log" },
	{ order_with_one_approval, "1 approvals; production needs" },
	{ approve_twice, "for a second time" },
	{ approve_in_anothers_name, "bob did not sign" },
	{ approve_by_the_authority, "no known form" },
	{ approve_by_a_station, "no credential as approver" },
	{ approve_nothing, "a release that is not in the log" },
	{ order_of_the_other_channel, "of the other channel" },
	{ order_older_than_before, "counter 2, but PO-A was for 3" },
	{ revoke_unknown, "a release that is not known" },
	{ order_revoked, "a release that was revoked" },
	{ issue_revoked, "after its release was revoked" },
	{ approve_revoked, "after it was revoked" },
	{ promote_another_payload, "other payloads than 2.4.1" },
	{ promote_unknown, "one that is not in the log before" },
	{ noise, "no entry of a known form" },
};

static void
finds_each_thing_that_a_device_or_log_may_not_do(void **state)
{
	struct audit_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char place[64];
		bool seen = false;

		start(9, 1);
		cases[i].what();
		(void)snprintf(place, sizeof(place), "entry %" PRIu64,
		    tiles_tree(tiles)->size - 1);
		assert_int_equal(testlog_publish(tiles), HM_OK);
		run_audit(&result);
		for (uint32_t j = 0; j < result.kept; j++)
			seen |=
			    !result.findings[j].note &&
			    strcmp(result.findings[j].place, place) == 0 &&
			    strstr(result.findings[j].words, cases[i].words);
		if (!seen) {
			print(&result);
			fail_msg("not found: %s", cases[i].words);
		}
		audit_result_done(&result);
		again();
	}
}

static void
finds_a_log_that_begins_in_the_middle(void **state)
{
	struct audit_result result;

	(void)state;
	factory_order(&factory, "PO-A", 1, 0, 100);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_true(result.finding_count >= 1);
	assert_non_null(strstr(result.findings[0].words, "does not begin"));
	audit_result_done(&result);
}

static void
notes_a_clock_that_went_back(void **state)
{
	struct audit_result result;

	(void)state;
	start(9, 0);
	factory.now_s -= 62;
	factory_confirm(&factory, "PO-A", 100);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 0);
	assert_int_equal(result.note_count, 1);
	assert_string_equal(result.findings[0].place, "entry 6");
	audit_result_done(&result);
	options.back_s = 61;
	assert_clean();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_one_unit_too_many),
		TEST(finds_one_return_too_many),
		TEST(finds_an_issue_outside_its_order),
		TEST(finds_an_issue_after_the_order_was_closed),
		TEST(finds_a_station_that_lost_its_credential),
		TEST(finds_each_wrong_thing_in_an_issue),
		TEST(finds_a_serial_and_mac_given_twice),
		TEST(finds_a_device_made_twice),
		TEST(finds_each_thing_that_a_device_or_log_may_not_do),
		TEST(takes_an_order_that_two_people_approved),
		TEST(finds_a_log_that_begins_in_the_middle),
		TEST(notes_a_clock_that_went_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
