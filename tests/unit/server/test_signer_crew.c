/* SPDX-License-Identifier: Apache-2.0 */
/* server/signer: threads and a token that hangs, fails and lies. The signer is
 * the real one, its token SoftHSM behind the shim; the test is the keeper. */
#include "oem.h"

#include "base/clock.h"
#include "base/process.h"
#include "server/signer/crew.h"

#define PATIENT_MS 60000 /* nobody is late */
#define SOON_MS 3500     /* who hangs is; nobody else, on a busy machine too */
#define DEADLINE_US UINT64_C(60000000)
#define HANG "C_Sign hang_ms 600000"

static struct signer_options options;
static struct signer signer;
static struct crew *crew;
static int keeper, own; /* ends of the channel */
static pthread_t runner;
static hm_err ran;
static struct ask_sign_issue ask;
/* The answer that came last. */
static uint8_t room[ASK_MESSAGE_MAX] __attribute__((aligned(8)));
static struct ask_head head;
static const void *body;
static struct hm_bytes tail;

static void *
run(void *context)
{
	(void)context;
	ran = crew_run(crew);
	return NULL;
}

static hm_err
start_crew(uint32_t workers, uint32_t lost_max, uint32_t limit_ms)
{
	struct crew_options crew_options = { .channel = own,
		.workers = workers,
		.lost_max = lost_max,
		.limit_ms = limit_ms,
		.answered_us = &signer.keys.answered_us,
		.blocking = &signer.keys.blocking,
		.context = &signer,
		.begin = answer_begin,
		.end = answer_end,
		.needs_token = answer_needs_token,
		.answer = answer_make };
	hm_err err = crew_start(&crew_options, &crew);

	if (err == HM_OK)
		assert_int_equal(pthread_create(&runner, NULL, run, NULL), 0);
	return err;
}

static int
setup(void **state)
{
	struct secret pin = soft_pin;
	int pair[2];

	(void)state;
	soft_control("");
	options = oem_options(getenv("P11SHIM"));
	options.timeout_ms = SOON_MS;
	options.sessions = 4;
	assert_int_equal(answer_open(&options, &pin, &signer, NULL), HM_OK);
	assert_int_equal(pin.len, 0);
	assert_int_equal(channel_pair(pair, NULL), HM_OK);
	keeper = pair[0];
	own = pair[1];
	crew = NULL;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	soft_control("");
	close(keeper);
	if (crew != NULL) {
		assert_int_equal(pthread_join(runner, NULL), 0);
		assert_int_equal(crew_stop(crew, PATIENT_MS), HM_OK);
	}
	close(own);
	answer_close(&signer);
	buf_done(&message);
	return 0;
}

/* ---- the keeper's part ---- */

static void
send_ask(ask_kind kind, uint64_t id, const void *struct_, struct hm_bytes with)
{
	static uint8_t out[ASK_MESSAGE_MAX];
	size_t len;

	assert_int_equal(ask_request(kind, id, struct_, with,
			     (struct hm_span){ out, sizeof(out) }, &len),
	    HM_OK);
	assert_int_equal(channel_send(keeper, (struct hm_bytes){ out, len },
			     clock_mono_us() + DEADLINE_US, NULL),
	    HM_OK);
}

static void
send_issue(uint64_t id)
{
	ask.number = (uint32_t)id % 7;
	ask.issued_s = clock_now_s();
	send_ask(ASK_SIGN_ISSUE, id, &ask, (struct hm_bytes){ 0 });
}

static void
send_checkpoint(uint64_t id)
{
	struct ask_sign_checkpoint checkpoint = { .size = id, .root = { 1 } };

	send_ask(ASK_SIGN_CHECKPOINT, id, &checkpoint, (struct hm_bytes){ 0 });
}

static hm_err
next_answer(void)
{
	struct hm_span space = { room, sizeof(room) };
	size_t len;

	assert_int_equal(channel_recv(keeper, space,
			     clock_mono_us() + DEADLINE_US, &len, NULL),
	    HM_OK);
	assert_int_equal(ask_check_answer((struct hm_bytes){ room, len }, &head,
			     &body, &tail),
	    HM_OK);
	return (hm_err)head.err;
}

static hm_err
answer_to(ask_kind kind, uint64_t id)
{
	hm_err err = next_answer();

	assert_int_equal(head.kind, kind);
	assert_int_equal(head.id, id);
	return err;
}

static void
load(const struct hm_object *object, uint8_t *ret_digest)
{
	oem_sign(authority, object);
	sha256_one(buf_bytes(&message), ret_digest);
	send_ask(ASK_SIGN_LOAD, 1, NULL, buf_bytes(&message));
	assert_int_equal(answer_to(ASK_SIGN_LOAD, 1), HM_OK);
}

/* An order, and a device that asks for its part of it. */
static void
open_order(void)
{
	oem_fill();
	oem_fill_ask(&ask);
	load(&product, order.order.product);
	load(&release, order.order.release);
	load(&order, ask.order);
	oem_prove(&ask);
}

static void
begin(uint32_t workers, uint32_t lost_max, uint32_t limit_ms)
{
	assert_int_equal(start_crew(workers, lost_max, limit_ms), HM_OK);
	open_order();
}

/* What came is a stamp with a certificate, both rightly signed. */
static void
check_stamp(void)
{
	struct ask_sign_issue_answer answer;
	struct hm_stamp content;
	struct hm_bytes payload;
	uint8_t digest[HM_DIGEST_LEN];

	memcpy(&answer, body, sizeof(answer));
	assert_int_equal(sign1_open(tail, HM_STAMP_MAX,
			     HM_LITERAL(HM_AAD_STAMP), stamp_point, &payload),
	    HM_OK);
	assert_int_equal(hm_stamp_decode(payload, &content), HM_OK);
	assert_int_equal(
	    ca_verify(content.certificate, buf_bytes(&issuer_der)), HM_OK);
	sha256_one(content.certificate, digest);
	assert_memory_equal(answer.certificate, digest, sizeof(digest));
	sha256_one(tail, digest);
	assert_memory_equal(answer.stamp, digest, sizeof(digest));
}

static void
check_checkpoint(void)
{
	struct note_policy policy = { .log = &signer.log_name };
	struct checkpoint at;

	assert_int_equal(checkpoint_open(tail, &policy, &at, NULL), HM_OK);
	assert_int_equal(at.size, head.id);
}

/* One ask alone; a good answer must be rightly signed. */
static hm_err
issue(uint64_t id)
{
	hm_err err;

	send_issue(id);
	err = answer_to(ASK_SIGN_ISSUE, id);
	if (err == HM_OK)
		check_stamp();
	else
		assert_int_equal(tail.len, 0);
	return err;
}

static hm_err
checkpoint(uint64_t id)
{
	hm_err err;

	send_checkpoint(id);
	err = answer_to(ASK_SIGN_CHECKPOINT, id);
	if (err == HM_OK)
		check_checkpoint();
	else
		assert_int_equal(tail.len, 0);
	return err;
}

static void
await_hangs(long count)
{
	uint64_t end_us = clock_mono_us() + DEADLINE_US;

	while (soft_hangs() < count) {
		assert_true(clock_mono_us() < end_us);
		usleep(1000);
	}
}

/* Until nobody is lost any more. */
static void
await_return(void)
{
	uint64_t end_us = clock_mono_us() + DEADLINE_US;

	while (crew_lost(crew) > 0) {
		assert_true(clock_mono_us() < end_us);
		usleep(1000);
	}
}

/* Asks `count` times with `first` and the next ids. */
static void
issue_many(uint64_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		send_issue(first + i);
}

/* Answers to each of these ids once, all of them `expected`. */
static void
collect_many(uint64_t first, size_t count, hm_err expected)
{
	bool seen[64] = { 0 };

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(next_answer(), expected);
		assert_true(head.id >= first && head.id < first + count);
		assert_false(seen[head.id - first]);
		seen[head.id - first] = true;
		if (expected == HM_OK)
			check_stamp();
	}
}

/* Until the token works again: no restart, only asking. */
static void
await_recovery(void)
{
	uint64_t id = 1000, end_us = clock_mono_us() + DEADLINE_US;

	while (issue(id++) != HM_OK) {
		assert_int_equal(head.err, HM_E_TOKEN_BUSY);
		assert_true(clock_mono_us() < end_us);
		usleep(10000);
	}
}

/* ---- in order ---- */

static void
answers_each_ask_once(void **state)
{
	(void)state;
	begin(4, 4, PATIENT_MS);
	assert_int_equal(crew_size(crew), 4);
	for (uint64_t first = 10; first < 200; first += 48) {
		issue_many(first, 48);
		collect_many(first, 48, HM_OK);
	}
	assert_int_equal(checkpoint(7), HM_OK);
	assert_int_equal(checkpoint(8), HM_OK);
	assert_int_equal(crew_lost(crew), 0);
}

static void
loads_while_it_issues(void **state)
{
	uint8_t digest[HM_DIGEST_LEN];
	size_t answers = 0;

	(void)state;
	begin(4, 4, PATIENT_MS);
	for (uint32_t i = 0; i < 12; i++) {
		send_issue(100 + i);
		order.order.quota = 100 + i;
		oem_sign(authority, &order);
		sha256_one(buf_bytes(&message), digest);
		send_ask(ASK_SIGN_LOAD, 200 + i, NULL, buf_bytes(&message));
	}
	for (; answers < 24; answers++)
		assert_int_equal(next_answer(), HM_OK);
	memcpy(ask.order, digest, sizeof(digest));
	assert_int_equal(issue(1), HM_OK);
	assert_int_equal(signer.objects.count, 15);
}

static void
makes_do_with_the_sessions_that_the_token_has(void **state)
{
	(void)state;
	soft_control("sessions 2");
	begin(6, 8, PATIENT_MS);
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
	assert_int_equal(checkpoint(4), HM_OK);
}

static void
ends_when_an_ask_breaks_the_rules(void **state)
{
	(void)state;
	begin(2, 2, PATIENT_MS);
	assert_int_equal(channel_send(keeper, HM_LITERAL("nonsense"),
			     clock_mono_us() + DEADLINE_US, NULL),
	    HM_OK);
	assert_int_equal(pthread_join(runner, NULL), 0);
	assert_int_equal(ran, HM_E_BAD_INPUT);
	assert_int_equal(crew_stop(crew, PATIENT_MS), HM_OK);
	crew = NULL;
}

/* ---- a token that lies or fails ---- */

static void
never_lets_a_wrong_signature_out(void **state)
{
	static const struct {
		const char *orders;
		hm_err expected;
	} cases[] = {
		{ "C_Sign flip", HM_E_TOKEN_WRONG },
		{ "C_Sign zero", HM_E_TOKEN_WRONG },
		{ "C_Sign flip after 1", HM_E_TOKEN_WRONG }, /* the stamp's */
		{ "C_Sign length 63", HM_E_TOKEN_GONE },
		{ "C_Sign length 0", HM_E_TOKEN_GONE },
		{ "C_Sign length 65", HM_E_TOKEN_GONE },
	};

	(void)state;
	begin(1, 1, PATIENT_MS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		soft_control(cases[i].orders);
		assert_int_equal(issue(100 + i), cases[i].expected);
		soft_control("");
		assert_int_equal(issue(200 + i), HM_OK);
	}
	soft_control("C_Sign flip times 1");
	assert_int_equal(checkpoint(5), HM_E_TOKEN_WRONG);
	assert_int_equal(checkpoint(5), HM_OK);
}

/* One device's signatures in a thousand are wrong: none of them leaves. */
static void
finds_the_one_wrong_signature_of_many(void **state)
{
	size_t wrong = 0;

	(void)state;
	begin(4, 4, PATIENT_MS);
	soft_control("C_Sign flip after 37 times 1");
	issue_many(10, 48);
	for (size_t i = 0; i < 48; i++) {
		if (next_answer() == HM_OK) {
			check_stamp();
			continue;
		}
		assert_int_equal(head.err, HM_E_TOKEN_WRONG);
		assert_int_equal(tail.len, 0);
		wrong++;
	}
	assert_int_equal(wrong, 1);
}

static void
mends_dropped_sessions_without_an_error(void **state)
{
	char orders[48];

	(void)state;
	begin(4, 4, PATIENT_MS);
	for (int after = 0; after < 40; after += 13) {
		(void)snprintf(
		    orders, sizeof(orders), "drop_sessions after %d", after);
		soft_control(orders);
		issue_many(10, 24);
		collect_many(10, 24, HM_OK);
	}
}

static void
says_so_while_the_token_is_out_and_works_when_it_is_back(void **state)
{
	(void)state;
	begin(2, 2, PATIENT_MS);
	for (int i = 0; i < 2; i++) {
		soft_control("any fail 0xe0");
		issue_many(10, 12);
		collect_many(10, 12, HM_E_TOKEN_GONE);
		assert_int_equal(checkpoint(3), HM_E_TOKEN_GONE);
		soft_control("");
		issue_many(10, 12);
		collect_many(10, 12, HM_OK);
		assert_int_equal(checkpoint(3), HM_OK);
	}
	assert_int_equal(crew_size(crew), 2);
}

/* ---- a token that hangs ---- */

static void
one_that_hangs_is_answered_without_the_others_waiting(void **state)
{
	int late = 0;

	(void)state;
	begin(2, 2, SOON_MS);
	soft_control(HANG " times 1");
	send_issue(5);
	await_hangs(1);
	issue_many(6, 12);
	for (int i = 0; i < 13; i++) {
		hm_err err = next_answer();

		assert_int_equal(err, head.id == 5 ? HM_E_TOKEN_BUSY : HM_OK);
		late += head.id == 5;
		if (head.id != 5)
			check_stamp();
	}
	assert_int_equal(late, 1);
	assert_int_equal(crew_lost(crew), 1);
	issue_many(30, 12);
	collect_many(30, 12, HM_OK);
	/* It comes back: what it brings is not an answer to anything. */
	soft_control("");
	await_return();
	issue_many(50, 24);
	collect_many(50, 24, HM_OK);
	assert_int_equal(crew_size(crew), 2);
}

static void
a_checkpoint_that_hangs_is_answered_too(void **state)
{
	(void)state;
	begin(2, 2, SOON_MS);
	soft_control(HANG " times 1");
	assert_int_equal(checkpoint(9), HM_E_TOKEN_BUSY);
	await_recovery();
	assert_int_equal(checkpoint(9), HM_OK);
}

/* Everything hangs: bounded errors, then at once; what needs no token works. */
static void
answers_at_once_while_everything_hangs(void **state)
{
	uint64_t start_us;
	uint32_t lost;

	(void)state;
	begin(3, 8, SOON_MS);
	soft_control(HANG);
	for (uint32_t i = 0; i < 3; i++) { /* each thread has one */
		send_issue(10 + i);
		await_hangs(i + 1);
	}
	issue_many(13, 13);
	collect_many(10, 16, HM_E_TOKEN_BUSY);
	lost = crew_lost(crew);
	assert_true(lost >= 3);
	/* No more of them are lost than what tries now and then. */
	start_us = clock_mono_us();
	issue_many(100, 48);
	collect_many(100, 48, HM_E_TOKEN_BUSY);
	assert_true(clock_mono_us() - start_us < 3 * SOON_MS * UINT64_C(1000));
	assert_true(crew_lost(crew) <= lost + 2);
	send_ask(ASK_SIGN_HELLO, 3, NULL, (struct hm_bytes){ 0 });
	assert_int_equal(answer_to(ASK_SIGN_HELLO, 3), HM_OK);
	soft_control("");
	await_recovery();
	await_return();
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
	assert_int_equal(crew_size(crew), 3);
}

/* No thread is left, and none may be started: the main thread answers. */
static void
answers_without_anybody_left(void **state)
{
	(void)state;
	begin(2, 0, SOON_MS);
	soft_control(HANG);
	issue_many(10, 2);
	collect_many(10, 2, HM_E_TOKEN_BUSY);
	assert_int_equal(crew_size(crew), 0);
	issue_many(20, 12);
	collect_many(20, 12, HM_E_TOKEN_BUSY);
	assert_int_equal(checkpoint(2), HM_E_TOKEN_BUSY);
	send_ask(ASK_SIGN_HELLO, 3, NULL, (struct hm_bytes){ 0 });
	assert_int_equal(answer_to(ASK_SIGN_HELLO, 3), HM_OK);
	assert_int_equal(crew_lost(crew), 2);
	soft_control("");
	await_recovery();
	await_return();
	assert_int_equal(crew_size(crew), 2);
	issue_many(10, 12);
	collect_many(10, 12, HM_OK);
}

/* The token has no other session for the one that hangs. */
static void
goes_on_with_the_sessions_that_are_left(void **state)
{
	(void)state;
	soft_control("sessions 3");
	begin(4, 4, SOON_MS);
	soft_control("sessions 3\n" HANG " times 1");
	assert_int_equal(issue(5), HM_E_TOKEN_BUSY);
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
	soft_control("sessions 3");
	await_return();
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
	assert_int_equal(crew_size(crew), 4);
}

/* The token has no session left: an error at once, until one is back. */
static void
says_so_when_all_sessions_hang(void **state)
{
	(void)state;
	soft_control("sessions 2");
	begin(2, 8, SOON_MS);
	soft_control("sessions 2\n" HANG);
	issue_many(10, 8);
	collect_many(10, 8, HM_E_TOKEN_BUSY);
	soft_control("sessions 2");
	await_recovery();
	await_return();
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
}

static void
a_login_that_hangs_is_answered_too(void **state)
{
	(void)state;
	begin(2, 8, SOON_MS);
	soft_control("drop_sessions\nC_Login hang_ms 600000");
	issue_many(10, 8);
	collect_many(10, 8, HM_E_TOKEN_BUSY);
	soft_control("");
	await_recovery();
	issue_many(10, 24);
	collect_many(10, 24, HM_OK);
}

static void
a_list_that_hangs_is_answered_and_blocks_no_other(void **state)
{
	struct ask_sign_crl list = { .number = 1,
		.this_update_s = oem_s,
		.next_update_s = oem_s + DAY,
		.parts = 1 };

	(void)state;
	begin(3, 3, SOON_MS);
	soft_control(HANG " times 1");
	send_ask(ASK_SIGN_CRL, 1, &list, (struct hm_bytes){ 0 });
	await_hangs(1);
	send_ask(ASK_SIGN_CRL, 2, &list, (struct hm_bytes){ 0 });
	assert_int_equal(answer_to(ASK_SIGN_CRL, 2), HM_E_TOKEN_BUSY);
	send_issue(5);
	/* On a slow machine the list is given up before the device is made. */
	for (unsigned i = 0; i < 2; i++) {
		hm_err err = next_answer();
		bool is_list = head.kind == ASK_SIGN_CRL;

		assert_int_equal(head.id, is_list ? 1 : 5);
		assert_int_equal(err, is_list ? HM_E_TOKEN_BUSY : HM_OK);
	}
	soft_control("");
	await_return();
	send_ask(ASK_SIGN_CRL, 3, &list, (struct hm_bytes){ 0 });
	assert_int_equal(answer_to(ASK_SIGN_CRL, 3), HM_OK);
	assert_true(tail.len > 100);
}

static void
does_not_wait_for_a_call_that_hangs_when_it_leaves(void **state)
{
	(void)state;
	begin(2, 2, PATIENT_MS);
	soft_control(HANG " times 1");
	send_issue(5);
	await_hangs(1);
	close(keeper);
	assert_int_equal(pthread_join(runner, NULL), 0);
	assert_int_equal(ran, HM_OK);
	assert_int_equal(crew_stop(crew, 50), HM_E_TIMEOUT);
	assert_int_equal(crew_stop(crew, 50), HM_E_TIMEOUT);
	soft_control("");
	assert_int_equal(crew_stop(crew, PATIENT_MS), HM_OK);
	crew = NULL;
	keeper = dup(own);
}

static int
group_setup(void **state)
{
	oem_s = clock_now_s();
	return oem_start(state);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_each_ask_once),
		TEST(loads_while_it_issues),
		TEST(makes_do_with_the_sessions_that_the_token_has),
		TEST(ends_when_an_ask_breaks_the_rules),
		TEST(never_lets_a_wrong_signature_out),
		TEST(finds_the_one_wrong_signature_of_many),
		TEST(mends_dropped_sessions_without_an_error),
		TEST(says_so_while_the_token_is_out_and_works_when_it_is_back),
		TEST(one_that_hangs_is_answered_without_the_others_waiting),
		TEST(a_checkpoint_that_hangs_is_answered_too),
		TEST(answers_at_once_while_everything_hangs),
		TEST(answers_without_anybody_left),
		TEST(goes_on_with_the_sessions_that_are_left),
		TEST(says_so_when_all_sessions_hang),
		TEST(a_login_that_hangs_is_answered_too),
		TEST(a_list_that_hangs_is_answered_and_blocks_no_other),
		TEST(does_not_wait_for_a_call_that_hangs_when_it_leaves),
	};

	return cmocka_run_group_tests(tests, group_setup, oem_stop);
}
