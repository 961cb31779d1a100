/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doctor - what a token is and can, measured rather than believed
 *
 * token_survey() goes the way of token_open step by step and goes on as far as
 * it gets: module, token, login, mechanisms, random numbers, then each private
 * key with its attributes against the policy, one signature that the token
 * verifies again, and its rate. A finding is not a failure of the survey: it
 * returns HM_OK and each part says its own error. `hallmark hsm doctor` prints
 * it.
 */
#include "token/policy.h"
#include "token/token.h"

#define SURVEY_KEYS_MAX 64
#define SURVEY_MECHANISMS_MAX 12
#define SURVEY_TEXT_LEN 72

struct survey_mechanism {
	const char *name; /* "CKM_ECDSA" */
	const char *use;  /* "certificates, stamps" */
	bool is_needed;   /* Hallmark cannot work without */
	bool is_present;
};

struct survey_key {
	char label[SURVEY_TEXT_LEN];
	char id[2 * 64 + 1];                 /* hex */
	const char *type;                    /* "P-256", or "other" */
	policy_value attributes[POLICY_MAX]; /* order of policy_rules() */
	hm_err policy;                       /* the verdict */
	char policy_words[SURVEY_TEXT_LEN];  /* "CKA_DERIVE is true" */
	hm_err signature;                    /* made and verified? */
	uint32_t signatures, per_s;          /* made in the timed loop */
};

/* What has been reached; everything of an earlier step is valid. */
typedef enum survey_step {
	SURVEY_NOTHING,
	SURVEY_MODULE,
	SURVEY_TOKEN,
	SURVEY_LOGIN,
} survey_step;

struct token_survey {
	survey_step reached;
	hm_err err;     /* of the next step; HM_OK: all done */
	struct why why; /* words for it */
	char module_path[256], module_words[SURVEY_TEXT_LEN];
	char module_maker[SURVEY_TEXT_LEN], module_version[16];
	char label[SURVEY_TEXT_LEN], serial[SURVEY_TEXT_LEN];
	char model[SURVEY_TEXT_LEN], firmware[16];
	bool is_logged_in;
	bool is_pin_low; /* wrong tries since the last login */
	struct survey_mechanism mechanisms[SURVEY_MECHANISMS_MAX];
	size_t mechanism_count;
	hm_err random;           /* 32 bytes twice, which differ */
	struct survey_key *keys; /* owned */
	size_t key_count;
	bool has_more_keys; /* than SURVEY_KEYS_MAX */
};

struct survey_plan {
	uint32_t signatures; /* of each key's timed loop, at most; 0: none */
	uint32_t time_ms;    /* of each loop, at most */
};

/* `pin` NULL: without login, so without private keys. HM_E_USAGE (the URI),
 * HM_E_NO_MEMORY */
HM_MUST hm_err token_survey(const struct token_options *options,
    const struct secret *pin, const struct survey_plan *plan,
    struct token_survey *ret, struct why *why);
void token_survey_done(struct token_survey *survey);
