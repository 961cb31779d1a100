/* SPDX-License-Identifier: Apache-2.0 */
/* token: the key policy, judged on the sets of tests/vectors/certificates */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <p11-kit/pkcs11.h>

#include "token/policy.h"

/* What a proper key reports. */
static void
fill(policy_value values[static POLICY_MAX])
{
	const struct policy_rule *rule = policy_rules(TOKEN_SIGN);

	for (size_t i = 0; rule[i].name; i++)
		values[i] = rule[i].want ? POLICY_TRUE : POLICY_FALSE;
}

static void
set(policy_value values[static POLICY_MAX], unsigned long type,
    policy_value value)
{
	const struct policy_rule *rule = policy_rules(TOKEN_SIGN);

	for (size_t i = 0; rule[i].name; i++) {
		if (rule[i].type != type)
			continue;
		values[i] = value;
		return;
	}
	fail_msg("no rule for attribute 0x%lx", type);
}

static void
takes_a_key_that_signs_and_nothing_else(void **state)
{
	policy_value values[POLICY_MAX] = { 0 };

	(void)state;
	fill(values);
	assert_int_equal(policy_check(TOKEN_SIGN, values, NULL), HM_OK);
	/* Not reported is false, and false is right here. */
	set(values, CKA_WRAP, POLICY_NOT_REPORTED);
	set(values, CKA_SIGN_RECOVER, POLICY_NOT_REPORTED);
	assert_int_equal(policy_check(TOKEN_SIGN, values, NULL), HM_OK);
}

static void
refuses_each_attribute_that_differs_and_names_it(void **state)
{
	const struct policy_rule *rule = policy_rules(TOKEN_SIGN);

	(void)state;
	for (size_t i = 0; rule[i].name; i++) {
		policy_value values[POLICY_MAX] = { 0 };
		struct why why = { 0 };

		fill(values);
		values[i] = rule[i].want ? POLICY_FALSE : POLICY_TRUE;
		assert_int_equal(
		    policy_check(TOKEN_SIGN, values, &why), HM_E_TOKEN_POLICY);
		assert_non_null(strstr(why.text, rule[i].name));
		if (!rule[i].want)
			continue;
		values[i] = POLICY_NOT_REPORTED;
		assert_int_equal(
		    policy_check(TOKEN_SIGN, values, NULL), HM_E_TOKEN_POLICY);
	}
}

/* pkcs11-policy.json: ids of the roles that sign. */
static void
judges_the_known_sets_as_they_are_meant(void **state)
{
	static const struct {
		const char *id;
		struct {
			unsigned long type;
			policy_value value;
		} change[3];
		hm_err expect;
	} sets[] = {
		{ "p11-ca-ok", { { CKA_TOKEN, POLICY_TRUE } }, HM_OK },
		{ "p11-log-ok", { { CKA_LOCAL, POLICY_TRUE } }, HM_OK },
		{ "p11-ca-default-softhsm",
		    { { CKA_DECRYPT, POLICY_TRUE }, { CKA_UNWRAP, POLICY_TRUE },
			{ CKA_DERIVE, POLICY_TRUE } },
		    HM_E_TOKEN_POLICY },
		{ "p11-ca-extractable",
		    { { CKA_EXTRACTABLE, POLICY_TRUE },
			{ CKA_NEVER_EXTRACTABLE, POLICY_FALSE } },
		    HM_E_TOKEN_POLICY },
		{ "p11-ca-imported",
		    { { CKA_LOCAL, POLICY_FALSE },
			{ CKA_ALWAYS_SENSITIVE, POLICY_FALSE } },
		    HM_E_TOKEN_POLICY },
		{ "p11-ca-session", { { CKA_TOKEN, POLICY_FALSE } },
		    HM_E_TOKEN_POLICY },
		{ "p11-ca-modifiable", { { CKA_MODIFIABLE, POLICY_TRUE } },
		    HM_E_TOKEN_POLICY },
		{ "p11-wrap-ok, which may not sign",
		    { { CKA_SIGN, POLICY_FALSE }, { CKA_DECRYPT, POLICY_TRUE },
			{ CKA_UNWRAP, POLICY_TRUE } },
		    HM_E_TOKEN_POLICY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		policy_value values[POLICY_MAX] = { 0 };

		fill(values);
		for (size_t j = 0; j < 3 && sets[i].change[j].value; j++)
			set(values, sets[i].change[j].type,
			    sets[i].change[j].value);
		assert_int_equal(
		    policy_check(TOKEN_SIGN, values, NULL), sets[i].expect);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_key_that_signs_and_nothing_else),
		cmocka_unit_test(
		    refuses_each_attribute_that_differs_and_names_it),
		cmocka_unit_test(judges_the_known_sets_as_they_are_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
