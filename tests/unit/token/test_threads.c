/* SPDX-License-Identifier: Apache-2.0 */
/* token: several threads, each with a session of its own */
#include "soft.h"

#include <errno.h>
#include <pthread.h>

#define THREADS 6
#define ROUNDS 12

static struct token *token;
static struct token_key *key;
static const uint8_t digest[32] = { 7, 7 };

/* What one thread does, and what came of it. */
struct hand {
	pthread_t thread;
	pthread_barrier_t *met, *leave; /* or NULL */
	int rounds, good;
	hm_err attached, err;
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
	token_free(maker);
	return err == HM_OK ? 0 : -1;
}

static int
setup(void **state)
{
	struct token_options options = { .uri = SOFT_URI,
		.module = getenv("P11SHIM"),
		.sessions = THREADS + 1 };

	(void)state;
	soft_control("");
	assert_int_equal(token_open(&options, &soft_pin, &token, NULL), HM_OK);
	assert_int_equal(
	    token_key(token, "pkcs11:object=ca", TOKEN_SIGN, &key, NULL),
	    HM_OK);
	return 0;
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
	uint8_t signature[64];

	for (int i = 0; i < hand->rounds && hand->err == HM_OK; i++) {
		hand->err = token_sign(key, HM_BYTES(digest), signature, 64);
		hand->good += hand->err == HM_OK &&
			      soft_verify(key, HM_BYTES(digest), signature);
	}
}

static void *
work(void *context)
{
	struct hand *hand = context;

	hand->attached = token_attach(token, NULL);
	if (hand->met != NULL)
		pthread_barrier_wait(hand->met);
	if (hand->attached == HM_OK)
		sign_all(hand);
	if (hand->leave != NULL)
		pthread_barrier_wait(hand->leave);
	if (hand->attached == HM_OK)
		token_detach(token);
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
	assert_int_equal(hand->attached, HM_OK);
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
says_busy_when_there_is_no_session_for_one_more(void **state)
{
	pthread_barrier_t met, leave;
	struct hand hands[4] = { 0 }, late = { .rounds = 1 };
	int attached = 0, busy = 0;

	(void)state;
	soft_control("sessions 3");
	assert_int_equal(pthread_barrier_init(&met, NULL, 4), 0);
	assert_int_equal(pthread_barrier_init(&leave, NULL, 4), 0);
	for (int i = 0; i < 4; i++) {
		hands[i] =
		    (struct hand){ .met = &met, .leave = &leave, .rounds = 2 };
		begin(&hands[i]);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(hands[i].thread, NULL), 0);
		attached += hands[i].attached == HM_OK;
		busy += hands[i].attached == HM_E_TOKEN_BUSY;
		assert_int_equal(
		    hands[i].good, hands[i].attached == HM_OK ? 2 : 0);
	}
	assert_int_equal(attached, 3);
	assert_int_equal(busy, 1);
	/* One that was given back can be had again. */
	begin(&late);
	end(&late, 1);
	pthread_barrier_destroy(&met);
	pthread_barrier_destroy(&leave);
}

static void
gives_no_more_than_its_own_limit(void **state)
{
	pthread_barrier_t met, leave;
	struct hand hands[THREADS + 2] = { 0 };
	int attached = 0;

	(void)state;
	assert_int_equal(pthread_barrier_init(&met, NULL, THREADS + 2), 0);
	assert_int_equal(pthread_barrier_init(&leave, NULL, THREADS + 2), 0);
	for (int i = 0; i < THREADS + 2; i++) {
		hands[i] = (struct hand){ .met = &met, .leave = &leave };
		begin(&hands[i]);
	}
	for (int i = 0; i < THREADS + 2; i++) {
		assert_int_equal(pthread_join(hands[i].thread, NULL), 0);
		attached += hands[i].attached == HM_OK;
	}
	assert_int_equal(attached, THREADS + 1);
	pthread_barrier_destroy(&met);
	pthread_barrier_destroy(&leave);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(signs_in_many_threads_at_once),
		TEST(mends_for_all_what_the_token_dropped),
		TEST(one_that_hangs_holds_up_nobody_else),
		TEST(says_busy_when_there_is_no_session_for_one_more),
		TEST(gives_no_more_than_its_own_limit),
	};
	return cmocka_run_group_tests(tests, group_setup, soft_stop);
}
