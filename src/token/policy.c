/* SPDX-License-Identifier: Apache-2.0 */
#include "token/policy.h"

#include "core/check.h"
#include "token/inside.h"

#define RULE(attribute, want)               \
	{                                   \
		attribute, #attribute, want \
	}

static const struct policy_rule sign_rules[] = {
	RULE(CKA_TOKEN, true),
	RULE(CKA_PRIVATE, true),
	RULE(CKA_SENSITIVE, true),
	RULE(CKA_ALWAYS_SENSITIVE, true),
	RULE(CKA_EXTRACTABLE, false),
	RULE(CKA_NEVER_EXTRACTABLE, true),
	RULE(CKA_LOCAL, true),
	RULE(CKA_SIGN, true),
	RULE(CKA_SIGN_RECOVER, false),
	RULE(CKA_DECRYPT, false),
	RULE(CKA_WRAP, false),
	RULE(CKA_UNWRAP, false),
	RULE(CKA_DERIVE, false),
	RULE(CKA_MODIFIABLE, false),
	RULE(CKA_COPYABLE, false),
	RULE(CKA_ALWAYS_AUTHENTICATE, false),
	{ 0 },
};
_Static_assert(sizeof(sign_rules) / sizeof(sign_rules[0]) <= POLICY_MAX,
    "values of all rules have room");

const struct policy_rule *
policy_rules(token_role role)
{
	hm_assert(role == TOKEN_SIGN);
	return sign_rules;
}

bool
policy_is_right(const struct policy_rule *rule, policy_value value)
{
	return (value == POLICY_TRUE) == rule->want;
}

hm_err
policy_check(
    token_role role, const policy_value values[POLICY_MAX], struct why *why)
{
	const struct policy_rule *rule = policy_rules(role);

	for (size_t i = 0; rule[i].name; i++)
		if (!policy_is_right(&rule[i], values[i]))
			return WHY(why, HM_E_TOKEN_POLICY, "%s is %s",
			    rule[i].name,
			    values[i] == POLICY_TRUE    ? "true"
			    : values[i] == POLICY_FALSE ? "false"
							: "not reported");
	return HM_OK;
}

hm_err
policy_read(struct session *session, unsigned long object, token_role role,
    policy_value ret[static POLICY_MAX])
{
	const struct policy_rule *rule = policy_rules(role);

	for (size_t i = 0; rule[i].name; i++) {
		CK_BBOOL value = CK_FALSE;
		size_t len = 0;
		hm_err err = object_get(session, object, rule[i].type,
		    (struct hm_span){ &value, sizeof(value) }, &len);

		if (err != HM_OK && err != HM_E_TOKEN_MATCH)
			return err;
		if (err != HM_OK || len != sizeof(value))
			ret[i] = POLICY_NOT_REPORTED;
		else
			ret[i] = value ? POLICY_TRUE : POLICY_FALSE;
	}
	return HM_OK;
}
