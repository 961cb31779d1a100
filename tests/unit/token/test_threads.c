/* SPDX-License-Identifier: Apache-2.0 */
/* token: several threads share its sessions */
#include "soft.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define THREADS 6
#define ROUNDS 12

static struct token *token;
static struct token_key *key;
static const uint8_t digest[32] = { 7, 7 };

/* What one thread does, and what came of it. */
struct hand {
	pthread_t thread;
	struct token_key *by; /* NULL: the key of all */
	int rounds, good;
	hm_err err;
};

static int
group_setup(void **state)
{
	struct token_key *made = NULL;
	struct token *maker;
	hm_err err;

	if (soft_start(state) != 0)
		return -1;
	soft_control("");
	maker = soft_open(getenv("P11SHIM"));
	err = token_generate(maker, "ca", TOKEN_P256, TOKEN_SIGN, &made, NULL);
	if (err == HM_OK)
		err = token_generate(
		    maker, "stamp", TOKEN_P256, TOKEN_SIGN, &made, NULL);
	token_free(maker);
	return err == HM_OK ? 0 : -1;
}

static void
open_with(uint32_t sessions, uint32_t timeout_ms)
{
	struct token_options options = { .uri = SOFT_URI,
		.module = getenv("P11SHIM"),
		.sessions = sessions,
		.timeout_ms = timeout_ms };

	assert_int_equal(token_open(&options, &soft_pin, &token, NULL), HM_OK);
	assert_int_equal(
	    token_key(token, "pkcs11:object=ca", TOKEN_SIGN, &key, NULL),
	    HM_OK);
}

static int
setup(void **state)
{
	(void)state;
	soft_control("");
	open_with(THREADS, 60000);
	return 0;
}

/* Only so many, and no patience. */
static void
reopen_with(uint32_t sessions, uint32_t timeout_ms)
{
	token_free(token);
	open_with(sessions, timeout_ms);
}

static int
teardown(void **state)
{
	(void)state;
	soft_control("");
	token_free(token);
	return 0;
}

static void
sign_all(struct hand *hand)
{
	struct token_key *by = hand->by == NULL ? key : hand->by;
	uint8_t signature[64];

	for (int i = 0; i < hand->rounds && hand->err == HM_OK; i++) {
		hand->err = token_sign(by, HM_BYTES(digest), signature, 64);
		hand->good += hand->err == HM_OK &&
			      soft_verify(by, HM_BYTES(digest), signature);
	}
}

static hm_err
sign(void)
{
	struct hand own = { .rounds = 1 };

	sign_all(&own);
	assert_int_equal(own.good, own.err == HM_OK);
	return own.err;
}

static void *
work(void *context)
{
	sign_all(context);
	return NULL;
}

static void
begin(struct hand *hand)
{
	assert_int_equal(pthread_create(&hand->thread, NULL, work, hand), 0);
}

static void
end(struct hand *hand, int good)
{
	assert_int_equal(pthread_join(hand->thread, NULL), 0);
	assert_int_equal(hand->err, HM_OK);
	assert_int_equal(hand->good, good);
}

static void
all_sign(const char *orders)
{
	struct hand hands[THREADS] = { 0 };

	soft_control(orders);
	for (int i = 0; i < THREADS; i++) {
		hands[i].rounds = ROUNDS;
		begin(&hands[i]);
	}
	for (int i = 0; i < THREADS; i++)
		end(&hands[i], ROUNDS);
}

static void
signs_in_many_threads_at_once(void **state)
{
	(void)state;
	all_sign("");
	all_sign("C_Sign delay_ms 2");
}

static void
mends_for_all_what_the_token_dropped(void **state)
{
	char orders[64];

	(void)state;
	for (int after = 0; after < 60; after += 7) {
		(void)snprintf(
		    orders, sizeof(orders), "drop_sessions after %d", after);
		all_sign(orders);
	}
	/* One thread is told that the token is gone, and looks for it. */
	all_sign("C_Sign fail 0x32 after 20 times 1");
	all_sign("C_Sign fail 0x101 after 9 times 1");
}

/*
 * The session that failed was the last one, and with it the login ended. One
 * thread looks for a key that nobody can see then; before it asks why it is not
 * there, another one has logged in.
 */
static void
looks_again_for_a_key_if_another_thread_logged_in(void **state)
{
	struct hand late = { .rounds = 1 };

	(void)state;
	assert_int_equal(
	    token_key(token, "pkcs11:object=stamp", TOKEN_SIGN, &late.by, NULL),
	    HM_OK);
	soft_control("drop_sessions");
	assert_int_equal(sign(), HM_OK);
	soft_control("C_Sign fail 0x5 times 1");
	assert_int_equal(sign(), HM_E_TOKEN_GONE);
	soft_control("C_GetSessionInfo delay_ms 500");
	begin(&late);
	usleep(200000);
	assert_int_equal(sign(), HM_OK);
	end(&late, 1);
}

static void
one_that_hangs_holds_up_nobody_else(void **state)
{
	struct hand stuck = { .rounds = 1 };

	(void)state;
	soft_control("C_Sign hang_ms 60000 times 1");
	begin(&stuck);
	while (soft_hangs() == 0)
		usleep(1000);
	assert_int_equal(pthread_tryjoin_np(stuck.thread, NULL), EBUSY);
	for (int i = 0; i < 2; i++) {
		struct hand other = { .rounds = ROUNDS };

		begin(&other);
		end(&other, ROUNDS);
	}
	assert_int_equal(pthread_tryjoin_np(stuck.thread, NULL), EBUSY);
	soft_control("");
	end(&stuck, 1);
}

static void
shares_the_sessions_that_the_token_gives(void **state)
{
	(void)state;
	for (unsigned most = 1; most <= 3; most++) {
		char orders[64];

		(void)snprintf(orders, sizeof(orders),
		    "sessions %u\nC_Sign delay_ms 1", most);
		soft_control(orders);
		reopen_with(THREADS, 60000);
		all_sign(orders);
	}
	/* None at all is an error. */
	soft_control("C_OpenSession fail 0xb1\nC_Sign fail 0xb3 times 1");
	{
		struct hand hand = { .rounds = 1 };

		begin(&hand);
		assert_int_equal(pthread_join(hand.thread, NULL), 0);
		assert_int_equal(hand.err, HM_E_TOKEN_BUSY);
	}
	all_sign("");
}

static void
opens_no_more_than_it_may(void **state)
{
	(void)state;
	reopen_with(2, 60000);
	/* One is open. A third would be an error that is not mended. */
	all_sign("C_OpenSession fail 0x5 after 1\nC_Sign delay_ms 2");
}

static void
takes_another_session_when_one_is_late(void **state)
{
	struct hand stuck = { .rounds = 1 }, other = { .rounds = ROUNDS };

	(void)state;
	reopen_with(1, 500);
	soft_control("C_Sign hang_ms 60000 times 1");
	begin(&stuck);
	while (soft_hangs() == 0)
		usleep(1000);
	/* The first waits in vain for the one session; then it is late. */
	do {
		struct hand early = { .rounds = 1 };

		begin(&early);
		assert_int_equal(pthread_join(early.thread, NULL), 0);
		other.err = early.err;
		assert_true(early.err == HM_OK || early.err == HM_E_TOKEN_BUSY);
	} while (other.err != HM_OK);
	begin(&other);
	end(&other, ROUNDS);
	assert_int_equal(pthread_tryjoin_np(stuck.thread, NULL), EBUSY);
	soft_control("");
	end(&stuck, 1);
	/* Only one again. */
	all_sign("C_OpenSession fail 0x5 after 1");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(signs_in_many_threads_at_once),
		TEST(mends_for_all_what_the_token_dropped),
		TEST(looks_again_for_a_key_if_another_thread_logged_in),
		TEST(one_that_hangs_holds_up_nobody_else),
		TEST(shares_the_sessions_that_the_token_gives),
		TEST(opens_no_more_than_it_may),
		TEST(takes_another_session_when_one_is_late),
	};
	return cmocka_run_group_tests(tests, group_setup, soft_stop);
}
