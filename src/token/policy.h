/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * policy - which attributes a private key must have, role by role
 *
 * The table is docs/operations.md's. An attribute that the token does not
 * report counts as false: what must be true then fails, what must be false
 * holds. The reading is apart from the judging, so that the doctor can show
 * each value and tests can judge sets that no token here would make.
 */
#include "core/bytes.h"
#include "base/why.h"
#include "token/token.h"

struct session;

#define POLICY_MAX 20

typedef enum policy_value {
	POLICY_NOT_REPORTED,
	POLICY_FALSE,
	POLICY_TRUE,
} policy_value;

struct policy_rule {
	unsigned long type; /* CKA_... */
	const char *name;   /* "CKA_SENSITIVE" */
	bool want;
};

/* The rules of a role; ended by a rule without name. */
const struct policy_rule *policy_rules(token_role role);
bool policy_is_right(const struct policy_rule *rule, policy_value value);
/* Values in the order of the rules. HM_E_TOKEN_POLICY names the first
 * attribute that is wrong. */
HM_MUST hm_err policy_check(
    token_role role, const policy_value values[POLICY_MAX], struct why *why);
/* HM_E_TOKEN_GONE */
HM_MUST hm_err policy_read(struct session *session, unsigned long object,
    token_role role, policy_value ret[static POLICY_MAX]);
