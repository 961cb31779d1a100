/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/entry.h"
#include "wire/evidence.h"
#include "wire/link.h"
#include "wire/problem.h"
#include "wire/update.h"
#include "wire/void.h"

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "codecs: %s\n", what);
	abort();
}

/* Decode into memory of a known pattern, and encode again. */
#define CODEC(noun)                                                        \
	static hm_err recode_##noun(                                       \
	    struct hm_bytes message, struct hm_span room, size_t *ret_len) \
	{                                                                  \
		struct hm_##noun value, before;                            \
		hm_err err;                                                \
                                                                           \
		memset(&value, 0xa5, sizeof(value));                       \
		memcpy(&before, &value, sizeof(value));                    \
		err = hm_##noun##_decode(message, &value);                 \
		if (err == HM_OK)                                          \
			return hm_##noun##_encode(&value, room, ret_len);  \
		must(memcmp(&before, &value, sizeof(value)) == 0,          \
		    #noun ": changed by a refusal");                       \
		return err;                                                \
	}

CODEC(challenge_request)
CODEC(challenge)
CODEC(claims)
CODEC(evidence)
CODEC(proof_soft)
CODEC(proof_imx_mp)
CODEC(issue_request)
CODEC(issue_answer)
CODEC(stamp)
CODEC(conformance)
CODEC(confirm_request)
CODEC(confirm_answer)
CODEC(void)
CODEC(problem)
CODEC(link)
CODEC(info)
CODEC(opened)
CODEC(delivery)
CODEC(update_ask)
CODEC(update_answer)

static hm_err
recode_sign1(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct hm_sign1 value, before;
	hm_err err;

	memset(&value, 0xa5, sizeof(value));
	memcpy(&before, &value, sizeof(value));
	err = hm_sign1_decode(message, HM_OBJECT_MAX, &value);
	if (err == HM_OK)
		return hm_sign1_encode(&value, room, ret_len);
	must(memcmp(&before, &value, sizeof(value)) == 0,
	    "sign1: changed by a refusal");
	return err;
}

static hm_err
recode_secrets(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct hm_secret value[HM_SECRETS_MAX], before[HM_SECRETS_MAX];
	uint32_t count = 99;
	hm_err err;

	memset(value, 0xa5, sizeof(value));
	memcpy(before, value, sizeof(value));
	err = hm_secrets_decode(message, value, &count);
	if (err == HM_OK)
		return hm_secrets_encode(value, count, room, ret_len);
	must(count == 99 && memcmp(before, value, sizeof(value)) == 0,
	    "secrets: changed by a refusal");
	return err;
}

/* Of these two the result is undefined after a refusal. */
static hm_err
recode_object(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct hm_object value;

	HM_TRY(hm_object_decode(message, &value));
	return hm_object_encode(&value, room, ret_len);
}

static hm_err
recode_entry(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct hm_entry value;

	HM_TRY(hm_entry_decode(message, &value));
	return hm_entry_encode(&value, room, ret_len);
}

#define ROW(noun)                     \
	{                             \
#noun, recode_##noun, \
	}

/* The fuzzer takes the first byte as the index: append only. */
const struct codec codecs[] = {
	ROW(challenge_request),
	ROW(challenge),
	ROW(claims),
	ROW(evidence),
	ROW(proof_soft),
	ROW(proof_imx_mp),
	ROW(issue_request),
	ROW(issue_answer),
	ROW(stamp),
	ROW(conformance),
	ROW(confirm_request),
	ROW(confirm_answer),
	ROW(void),
	ROW(problem),
	ROW(link),
	ROW(info),
	ROW(sign1),
	ROW(secrets),
	ROW(object),
	ROW(entry),
	ROW(update_ask),
	ROW(update_answer),
	ROW(opened),
	ROW(delivery),
};
const size_t codec_count = sizeof(codecs) / sizeof(codecs[0]);

const struct codec *
codec_find(const char *name)
{
	for (size_t i = 0; i < codec_count; i++)
		if (strcmp(codecs[i].name, name) == 0)
			return &codecs[i];
	must(false, name);
	return NULL;
}
