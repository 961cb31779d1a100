/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power is cut at every step of a device's provisioning, alone and again at
 * every step of what follows; the station begins anew each time. In the end the
 * device has the keys that it first told, one stamp, and the conformance that
 * it first gave. So in each of the three ways that messages go (wire/link.h):
 * challenge, stamp, receipt; open, deliver; open, stamp, receipt of a device
 * that leaves.
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
static power_way way;

/* What a station remembers of the unit in its slot: its journal. */
struct journal {
	bool has_claims, has_stamp, has_conformance;
	struct hm_claims claims;
	uint8_t binding[32];
	struct buf stamp;
	struct reply conformance;
};

static void
take_evidence(struct journal *journal, struct hm_bytes evidence)
{
	struct hm_claims claims;
	uint8_t binding[32];

	oem_check_evidence(evidence, 1, &claims, binding);
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

/* The one that it gave first, or there was none. */
static void
take_conformance(struct journal *journal, const struct reply *reply)
{
	oem_check_conformance(
	    reply_body(reply), buf_bytes(&journal->stamp), &journal->claims);
	if (journal->has_conformance)
		assert_memory_equal(
		    reply, &journal->conformance, sizeof(*reply));
	journal->conformance = *reply;
	journal->has_conformance = true;
}

/* The OEM issues once: the same stamp whenever it is asked for again. */
static struct hm_bytes
issue(struct journal *journal)
{
	if (!journal->has_stamp)
		oem_stamp(&oem, &journal->claims, journal->binding, OEM_RIGHT,
		    &journal->stamp);
	journal->has_stamp = true;
	return buf_bytes(&journal->stamp);
}

/* ---- what stations say. All is static: power may go while it is in use ----
 */

static struct buf body, receipt;
static struct reply reply;

static void
ask_challenge(struct journal *journal)
{
	ask_for(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_LINK_EVIDENCE,
	    &reply);
	take_evidence(journal, reply_body(&reply));
}

static void
ask_open(struct journal *journal)
{
	struct hm_opened opened;

	ask_for(&agent, HM_LINK_OPEN, buf_bytes(&body), HM_LINK_OPENED, &reply);
	assert_int_equal(hm_opened_decode(reply_body(&reply), &opened), HM_OK);
	assert_int_equal(opened.state, hm_agent_where(&agent));
	assert_int_equal(opened.leaves, way == POWER_LEAVES);
	take_evidence(journal, opened.evidence);
}

static void
ask_stamp_and_receipt(struct journal *journal)
{
	if (hm_agent_where(&agent) < HM_AGENT_COMPLETE) {
		ask_for(&agent, HM_LINK_STAMP, issue(journal),
		    HM_LINK_CONFORMANCE, &reply);
		take_conformance(journal, &reply);
	}
	ask_for(
	    &agent, HM_LINK_RECEIPT, buf_bytes(&receipt), HM_LINK_DONE, &reply);
}

static void
ask_deliver(struct journal *journal)
{
	static uint8_t message[HM_LINK_MAX];
	const struct hm_delivery delivery = { issue(journal),
		buf_bytes(&receipt) };
	size_t len;

	assert_int_equal(
	    hm_delivery_encode(
		&delivery, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	ask_for(&agent, HM_LINK_DELIVER, (struct hm_bytes){ message, len },
	    HM_LINK_DELIVERED, &reply);
	assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
	take_conformance(journal, &reply);
}

/* What a station does with a unit, whatever state it finds it in. */
static void
provision(struct journal *journal)
{
	buf_done(&body);
	buf_done(&receipt);
	buf_init(&body, HM_CHALLENGE_MAX);
	buf_init(&receipt, 256);
	oem_challenge(1, &body);
	oem_receipt(&receipt);
	power_start();
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	agent.leaves = way == POWER_LEAVES;
	if (way == POWER_DELIVERED) {
		ask_open(journal);
		ask_deliver(journal);
		return;
	}
	if (way == POWER_LEAVES) {
		if (hm_agent_where(&agent) == HM_AGENT_COMPLETE)
			return; /* its agent starts no more */
		ask_open(journal);
	} else if (hm_agent_where(&agent) < HM_AGENT_STAMPED) {
		ask_challenge(journal);
	}
	ask_stamp_and_receipt(journal);
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
survives_a_cut_at_every_step(void **state)
{
	unsigned first = 1;
	bool again;

	way = *(const power_way *)*state;
	while (life(first, 0, &again))
		first += power_every;
	assert_true(first > power_least[way]);
	printf("%u power cuts\n", (first - 1) / power_every);
}

static void
survives_a_second_cut_in_every_recovery(void **state)
{
	unsigned first = 1, cuts = 0;
	bool again;

	way = *(const power_way *)*state;
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
#define WAY(test, way)                                                 \
	{                                                              \
#test " " #way, test, NULL, NULL, (void *)&(power_way) \
		{                                                      \
			way                                            \
		}                                                      \
	}
#define BOTH(way)                               \
	WAY(survives_a_cut_at_every_step, way), \
	    WAY(survives_a_second_cut_in_every_recovery, way)
	const struct CMUnitTest tests[] = { BOTH(POWER_STAMPED),
		BOTH(POWER_DELIVERED), BOTH(POWER_LEAVES) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
