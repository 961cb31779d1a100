/* SPDX-License-Identifier: Apache-2.0 */
/* token: what happens when the token forgets, fails, stalls or lies */
#include "soft.h"

#include <p11-kit/p11-kit.h>

#include "base/clock.h"

static struct token *token;
static struct token_key *key;
static const uint8_t digest[32] = { 7, 7 };

static int
group_setup(void **state)
{
	struct token *maker;
	struct token_key *made = NULL;
	hm_err err;

	if (soft_start(state) != 0)
		return -1;
	soft_control("");
	maker = soft_open(getenv("P11SHIM"));
	err = token_generate(maker, "ca", TOKEN_P256, TOKEN_SIGN, &made, NULL);
	token_free(maker);
	return err == HM_OK ? 0 : -1;
}

static void
open_with(uint32_t timeout_ms)
{
	struct token_options options = { .uri = SOFT_URI,
		.module = getenv("P11SHIM"),
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
	open_with(0);
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

static hm_err
sign(void)
{
	uint8_t signature[64] = { 0 }, untouched[64] = { 0 };
	hm_err err = token_sign(key, HM_BYTES(digest), signature, 64);

	if (err == HM_OK)
		assert_true(soft_verify(key, HM_BYTES(digest), signature));
	else
		assert_memory_equal(signature, untouched, 64);
	return err;
}

static void
signs_again_after_each_answer_that_a_new_session_mends(void **state)
{
	/* SESSION_HANDLE_INVALID, SESSION_CLOSED, DEVICE_REMOVED, DEVICE_ERROR,
	 * TOKEN_NOT_PRESENT, USER_NOT_LOGGED_IN, KEY_HANDLE_INVALID,
	 * OBJECT_HANDLE_INVALID */
	static const unsigned answers[] = { 0xb3, 0xb0, 0x32, 0x30, 0xe0, 0x101,
		0x60, 0x82 };
	static const char *const calls[] = { "C_Sign", "C_SignInit" };
	char order[64];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		for (size_t j = 0; j < 2; j++) {
			(void)snprintf(order, sizeof(order),
			    "%s fail 0x%x times 1", calls[j], answers[i]);
			soft_control(order);
			assert_int_equal(sign(), HM_OK);
			assert_int_equal(sign(), HM_OK);
		}
}

static void
tries_once_more_and_not_twice(void **state)
{
	(void)state;
	soft_control("C_Sign fail 0x30 times 2");
	assert_int_equal(sign(), HM_E_TOKEN_GONE);
	/* The next call begins anew. */
	assert_int_equal(sign(), HM_OK);
}

static void
does_not_repair_what_a_new_session_does_not_mend(void **state)
{
	static const struct {
		const char *order;
		hm_err expect;
	} cases[] = {
		{ "C_Sign fail 0x5 times 1", HM_E_TOKEN_GONE },
		{ "C_SignInit fail 0x70 times 1", HM_E_TOKEN_MECHANISM },
		{ "C_Sign fail 0x31 times 1", HM_E_TOKEN_BUSY },
		{ "C_Sign fail 0x2 times 1", HM_E_NO_MEMORY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		soft_control(cases[i].order);
		assert_int_equal(sign(), cases[i].expect);
		assert_int_equal(sign(), HM_OK);
	}
}

static void
survives_sessions_that_the_token_drops_itself(void **state)
{
	(void)state;
	soft_control("drop_sessions");
	assert_int_equal(sign(), HM_OK);
	/* In the middle of a signature, and at each call of the next ones. */
	for (int after = 1; after < 24; after++) {
		char order[32];

		(void)snprintf(
		    order, sizeof(order), "drop_sessions after %d", after);
		soft_control(order);
		for (int i = 0; i < 12; i++)
			assert_int_equal(sign(), HM_OK);
	}
}

static void
never_tries_a_wrong_pin_twice(void **state)
{
	(void)state;
	soft_control("C_Login fail 0xa0\nC_Sign fail 0x101 times 1");
	assert_int_equal(sign(), HM_E_TOKEN_PIN);
	/* The token would accept the PIN now, but is not asked. */
	soft_control("");
	assert_int_equal(sign(), HM_E_TOKEN_PIN);
	assert_int_equal(sign(), HM_E_TOKEN_PIN);
	/* A new token asks. */
	token_free(token);
	open_with(0);
	assert_int_equal(sign(), HM_OK);
}

static void
begins_no_repair_when_the_time_is_over(void **state)
{
	uint64_t start_us;

	(void)state;
	token_free(token);
	open_with(10);
	soft_control("C_Sign delay_ms 20\nC_Sign fail 0x30 times 1");
	start_us = clock_mono_us();
	assert_int_equal(sign(), HM_E_TOKEN_BUSY);
	assert_true(clock_mono_us() - start_us < 5000000);
	/* A late answer is an answer. */
	soft_control("C_Sign delay_ms 20");
	assert_int_equal(sign(), HM_OK);
}

static void
says_gone_while_the_token_is_out_and_works_when_it_is_back(void **state)
{
	(void)state;
	soft_control("C_Sign fail 0x32\nC_OpenSession fail 0xe0\n"
		     "C_GetTokenInfo fail 0xe0");
	assert_int_equal(sign(), HM_E_TOKEN_GONE);
	assert_int_equal(sign(), HM_E_TOKEN_GONE);
	soft_control("");
	assert_int_equal(sign(), HM_OK);
}

static void
says_busy_when_the_token_has_no_session_left(void **state)
{
	(void)state;
	soft_control("C_OpenSession fail 0xb1\nC_Sign fail 0xb3 times 1");
	assert_int_equal(sign(), HM_E_TOKEN_BUSY);
	soft_control("");
	assert_int_equal(sign(), HM_OK);
}

/* By the module itself: we have no way to destroy a key. */
static void
destroy_label(const char *label)
{
	CK_FUNCTION_LIST *p11 =
	    p11_kit_module_load(getenv("SOFTHSM"), P11_KIT_MODULE_CRITICAL);
	CK_ATTRIBUTE wanted = { CKA_LABEL, (void *)(uintptr_t)label,
		(CK_ULONG)strlen(label) };
	CK_OBJECT_HANDLE objects[2];
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slots[8];
	CK_ULONG count = 8;

	assert_int_equal(p11_kit_module_initialize(p11), CKR_OK);
	assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	assert_int_equal(
	    p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION,
		NULL, NULL, &session),
	    CKR_OK);
	assert_int_equal(p11->C_FindObjectsInit(session, &wanted, 1), CKR_OK);
	assert_int_equal(
	    p11->C_FindObjects(session, objects, 2, &count), CKR_OK);
	assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
	assert_int_equal(count, 2);
	for (CK_ULONG i = 0; i < count; i++)
		assert_int_equal(
		    p11->C_DestroyObject(session, objects[i]), CKR_OK);
	assert_int_equal(p11->C_CloseSession(session), CKR_OK);
	assert_int_equal(p11_kit_module_finalize(p11), CKR_OK);
	p11_kit_module_release(p11);
}

static void
refuses_another_key_of_the_same_name_after_a_repair(void **state)
{
	struct token_key *stale = key, *other = NULL;
	struct token *twin;

	(void)state;
	assert_int_equal(
	    token_generate(token, "mine", TOKEN_P256, TOKEN_SIGN, &other, NULL),
	    HM_OK);
	assert_int_equal(
	    token_key(token, "pkcs11:object=mine", TOKEN_SIGN, &stale, NULL),
	    HM_OK);
	/* Someone destroys it and makes another one of that name. */
	twin = soft_open(getenv("P11SHIM"));
	destroy_label("mine");
	assert_int_equal(
	    token_generate(twin, "mine", TOKEN_P256, TOKEN_SIGN, &other, NULL),
	    HM_OK);
	token_free(twin);
	key = stale;
	soft_control("C_SignInit fail 0x60 times 1");
	assert_int_equal(sign(), HM_E_TOKEN_MATCH);
}

static void
generates_once_when_the_answer_was_lost(void **state)
{
	struct token_key *made = NULL;

	(void)state;
	soft_control("C_GenerateKeyPair fail 0x32 times 1");
	assert_int_equal(
	    token_generate(token, "lost", TOKEN_P256, TOKEN_SIGN, &made, NULL),
	    HM_OK);
	made = NULL;
	/* Refused templates: once without what is false by default. */
	soft_control("C_GenerateKeyPair fail 0x12 times 1");
	assert_int_equal(
	    token_generate(token, "plain", TOKEN_P256, TOKEN_SIGN, &made, NULL),
	    HM_E_TOKEN_POLICY);
	assert_null(made);
	soft_control("");
	assert_int_equal(
	    token_key(token, "pkcs11:object=plain", TOKEN_SIGN, &made, NULL),
	    HM_E_TOKEN_MATCH);
}

static void
does_not_open_what_answers_with_errors(void **state)
{
	static const struct {
		const char *order;
		hm_err expect;
	} cases[] = {
		{ "C_OpenSession fail 0x30", HM_E_TOKEN_GONE },
		{ "C_OpenSession fail 0xb1", HM_E_TOKEN_BUSY },
		{ "C_Login fail 0xa4", HM_E_TOKEN_PIN },
		{ "C_GetTokenInfo fail 0xe1", HM_E_TOKEN_MATCH },
		{ "C_GetSlotList fail 0x5", HM_E_TOKEN_MATCH },
	};
	struct token_options options = { .uri = SOFT_URI,
		.module = getenv("P11SHIM") };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token *none = NULL;

		soft_control(cases[i].order);
		assert_int_equal(token_open(&options, &soft_pin, &none, NULL),
		    cases[i].expect);
		assert_null(none);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(signs_again_after_each_answer_that_a_new_session_mends),
		TEST(tries_once_more_and_not_twice),
		TEST(does_not_repair_what_a_new_session_does_not_mend),
		TEST(survives_sessions_that_the_token_drops_itself),
		TEST(never_tries_a_wrong_pin_twice),
		TEST(begins_no_repair_when_the_time_is_over),
		TEST(
		    says_gone_while_the_token_is_out_and_works_when_it_is_back),
		TEST(says_busy_when_the_token_has_no_session_left),
		TEST(refuses_another_key_of_the_same_name_after_a_repair),
		TEST(generates_once_when_the_answer_was_lost),
		TEST(does_not_open_what_answers_with_errors),
	};
	return cmocka_run_group_tests(tests, group_setup, soft_stop);
}
