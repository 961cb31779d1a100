/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power is cut at every step of a device's provisioning, alone and again at
 * every step of what follows; the station begins anew with hello each time. In
 * the end the device has the keys that it first told, one stamp, and the
 * conformance that it first gave.
 */
#include "power.h"
#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire/stamp.h"

static struct oem oem;
static struct hm_agent agent;

/* What a station remembers of the unit in its slot: its journal. */
struct journal {
	bool has_claims, has_stamp, has_conformance;
	struct hm_claims claims;
	uint8_t binding[32];
	struct buf stamp;
	struct reply conformance;
};

static void
take_evidence(struct journal *journal, const struct reply *reply)
{
	struct hm_claims claims;
	uint8_t binding[32];

	oem_check_evidence(reply_body(reply), 1, &claims, binding);
	if (journal->has_claims) {
		assert_memory_equal(
		    claims.identity, journal->claims.identity, 65);
		assert_memory_equal(claims.kem, journal->claims.kem, 65);
	} else {
		journal->claims = claims;
		memcpy(journal->binding, binding, 32);
		journal->has_claims = true;
	}
}

/* The OEM issues once: the same stamp whenever it is asked for again. */
static void
offer_stamp(struct journal *journal)
{
	static struct reply reply;

	if (!journal->has_stamp)
		oem_stamp(&oem, &journal->claims, journal->binding, OEM_RIGHT,
		    &journal->stamp);
	journal->has_stamp = true;
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&journal->stamp),
	    HM_LINK_CONFORMANCE, &reply);
	oem_check_conformance(
	    reply_body(&reply), buf_bytes(&journal->stamp), &journal->claims);
	if (journal->has_conformance)
		assert_memory_equal(
		    &reply, &journal->conformance, sizeof(reply));
	journal->conformance = reply;
	journal->has_conformance = true;
}

/* What a station does with a unit, whatever state it finds it in. */
static void
provision(struct journal *journal)
{
	/* Static: power may go while they are in use. */
	static struct buf body, receipt;
	static struct reply reply;

	buf_done(&body);
	buf_done(&receipt);
	buf_init(&body, HM_CHALLENGE_MAX);
	buf_init(&receipt, 256);
	power_start();
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	if (hm_agent_where(&agent) < HM_AGENT_STAMPED) {
		oem_challenge(1, &body);
		ask_for(&agent, HM_LINK_CHALLENGE, buf_bytes(&body),
		    HM_LINK_EVIDENCE, &reply);
		take_evidence(journal, &reply);
	}
	if (hm_agent_where(&agent) < HM_AGENT_COMPLETE)
		offer_stamp(journal);
	oem_receipt(&receipt);
	ask_for(
	    &agent, HM_LINK_RECEIPT, buf_bytes(&receipt), HM_LINK_DONE, &reply);
}

static struct hm_bytes
stored(hm_record record)
{
	static uint8_t room[HM_LINK_MAX];
	size_t len = 0;

	assert_int_equal(hm_port_store_read(record,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	return (struct hm_bytes){ room, len };
}

/* What must hold in the end. */
static void
assert_provisioned(const struct journal *journal)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t count = 0;

	power_on(0, NULL);
	power_start();
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
	assert_true(hm_bytes_equal(
	    stored(HM_RECORD_STAMP), buf_bytes(&journal->stamp)));
	assert_int_equal(
	    hm_secrets_decode(stored(HM_RECORD_SECRETS), secrets, &count),
	    HM_OK);
	assert_true(
	    hm_bytes_equal(secrets[0].value, HM_LITERAL(OEM_SECRET_VALUE)));
	assert_true(stored(HM_RECORD_RECEIPT).len > 0);
}

/* One go with power until step `cut_at` (0: all the way). Was it cut? */
static bool
powered(struct journal *journal, unsigned cut_at)
{
	jmp_buf off;

	power_on(cut_at, &off);
	if (setjmp(off) != 0) {
		memset(&agent, 0xa5, sizeof(agent)); /* RAM is gone */
		return true;
	}
	provision(journal);
	return false;
}

/* Cut at `first` and, in the next go, at `second`. False: past the end. */
static bool
life(unsigned first, unsigned second, bool *ret_second_hit)
{
	static struct journal journal;
	bool hit;

	memset(&journal, 0, sizeof(journal));
	buf_init(&journal.stamp, HM_STAMP_MAX);
	power_chip(first, oem.point);
	hit = powered(&journal, first);
	*ret_second_hit = hit && second != 0 && powered(&journal, second);
	(void)powered(&journal, 0);
	assert_provisioned(&journal);
	buf_done(&journal.stamp);
	return hit;
}

static void
survives_a_cut_at_every_step(void **unused)
{
	unsigned first = 1;
	bool again;

	(void)unused;
	while (life(first, 0, &again))
		first += power_every;
	/* in memory: 8 writes, before and after each */
	assert_true(first > power_least);
	printf("%u power cuts\n", first / power_every);
}

static void
survives_a_second_cut_in_every_recovery(void **unused)
{
	unsigned first = 1, cuts = 0;
	bool again;

	(void)unused;
	for (; life(first, 1, &again); first += power_every_nested / 2 + 1)
		for (unsigned second = 2; again; second += power_every_nested) {
			(void)life(first, second, &again);
			cuts++;
		}
	assert_true(cuts > 60);
	printf("%u nested power cuts\n", cuts);
}

static int
set_up(void **unused)
{
	(void)unused;
	oem_init(&oem);
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	oem_done(&oem);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_a_cut_at_every_step),
		cmocka_unit_test(survives_a_second_cut_in_every_recovery),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
