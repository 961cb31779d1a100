/* SPDX-License-Identifier: Apache-2.0 */
/* token: the survey of `hallmark hsm doctor` */
#include "soft.h"

#include "token/doctor.h"

static const struct survey_plan plan = { .signatures = 20, .time_ms = 1000 };

static int
group_setup(void **state)
{
	struct token_key *key = NULL;
	struct token *maker;
	hm_err err;

	if (soft_start(state) != 0)
		return -1;
	soft_control("");
	maker = soft_open(getenv("P11SHIM"));
	err = token_generate(maker, "ca", TOKEN_P384, TOKEN_SIGN, &key, NULL);
	if (err == HM_OK)
		err = token_generate(
		    maker, "log", TOKEN_ED25519, TOKEN_SIGN, &key, NULL);
	token_free(maker);
	return err == HM_OK ? 0 : -1;
}

static struct token_survey got;

static void
survey(const char *uri, const struct secret *pin, const char *orders)
{
	struct token_options options = { .uri = uri,
		.module = getenv("P11SHIM") };

	soft_control(orders);
	assert_int_equal(token_survey(&options, pin, &plan, &got, NULL), HM_OK);
	soft_control("");
}

static void
tells_all_of_a_healthy_token(void **state)
{
	int seen = 0;

	(void)state;
	survey(SOFT_URI, &soft_pin, "");
	assert_int_equal(got.err, HM_OK);
	assert_int_equal(got.reached, SURVEY_LOGIN);
	assert_true(got.is_logged_in);
	assert_string_equal(got.label, SOFT_LABEL);
	assert_string_equal(got.model, "SoftHSM v2");
	assert_non_null(strstr(got.module_path, "p11shim"));
	assert_int_equal(strlen(got.serial), 16);
	for (size_t i = 0; i < got.mechanism_count; i++)
		assert_true(got.mechanisms[i].is_present ||
			    !got.mechanisms[i].is_needed);
	assert_int_equal(got.random, HM_OK);
	assert_int_equal(got.key_count, 2);
	for (size_t i = 0; i < got.key_count; i++) {
		assert_int_equal(got.keys[i].policy, HM_OK);
		assert_int_equal(got.keys[i].signature, HM_OK);
		assert_true(got.keys[i].signatures > 0);
		assert_true(got.keys[i].per_s > 0);
		assert_int_equal(strlen(got.keys[i].id), 32);
		if (strcmp(got.keys[i].label, "ca") == 0)
			seen += strcmp(got.keys[i].type, "P-384") == 0;
		if (strcmp(got.keys[i].label, "log") == 0)
			seen += strcmp(got.keys[i].type, "Ed25519") == 0;
	}
	assert_int_equal(seen, 2);
	token_survey_done(&got);
	assert_null(got.keys);
}

static void
says_how_far_it_came(void **state)
{
	struct secret wrong = { 4, "0000" };
	struct token_options options = { .uri = SOFT_URI,
		.module = "/nonexistent.so" };

	(void)state;
	assert_int_equal(
	    token_survey(&options, NULL, &plan, &got, NULL), HM_OK);
	assert_int_equal(got.reached, SURVEY_NOTHING);
	assert_int_equal(got.err, HM_E_TOKEN_MODULE);
	token_survey_done(&got);
	survey("pkcs11:token=absent", NULL, "");
	assert_int_equal(got.reached, SURVEY_MODULE);
	assert_int_equal(got.err, HM_E_TOKEN_MATCH);
	assert_non_null(strstr(got.why.text, SOFT_LABEL));
	token_survey_done(&got);
	survey(SOFT_URI, &wrong, "");
	assert_int_equal(got.reached, SURVEY_TOKEN);
	assert_int_equal(got.err, HM_E_TOKEN_PIN);
	assert_string_equal(got.label, SOFT_LABEL);
	token_survey_done(&got);
	survey(SOFT_URI, NULL, "");
	assert_int_equal(got.err, HM_OK);
	assert_false(got.is_logged_in);
	assert_int_equal(got.key_count, 0);
	token_survey_done(&got);
	options.uri = "nonsense";
	assert_int_equal(
	    token_survey(&options, NULL, &plan, &got, NULL), HM_E_USAGE);
}

static void
finds_a_token_that_lies(void **state)
{
	(void)state;
	survey(SOFT_URI, &soft_pin, "C_Sign flip");
	assert_int_equal(got.keys[0].signature, HM_E_SIGNATURE);
	assert_int_equal(got.keys[1].signature, HM_E_SIGNATURE);
	assert_int_equal(got.keys[0].signatures, 0);
	token_survey_done(&got);
	survey(SOFT_URI, &soft_pin, "C_GenerateRandom zero");
	assert_int_equal(got.random, HM_E_NO_ENTROPY);
	token_survey_done(&got);
	survey(SOFT_URI, &soft_pin, "C_GenerateRandom fail 0x121");
	assert_int_equal(got.random, HM_E_TOKEN_GONE);
	token_survey_done(&got);
	survey(SOFT_URI, &soft_pin, "C_GetMechanismInfo fail 0x70");
	for (size_t i = 0; i < got.mechanism_count; i++)
		assert_false(got.mechanisms[i].is_present);
	token_survey_done(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_all_of_a_healthy_token),
		cmocka_unit_test(says_how_far_it_came),
		cmocka_unit_test(finds_a_token_that_lies),
	};
	return cmocka_run_group_tests(tests, group_setup, soft_stop);
}
