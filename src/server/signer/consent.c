/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/consent.h"

#include <stdlib.h>
#include <string.h>

#include "seal/sign1.h"

void
consent_done(struct consent *consent)
{
	free(consent->people);
	*consent = (struct consent){ 0 };
}

hm_err
consent_add(struct consent *consent, const struct hm_credential *credential,
    const uint8_t authority[static HM_POINT_LEN])
{
	struct consent_person *person;

	if (memcmp(credential->key, authority, HM_POINT_LEN) == 0)
		return HM_E_TWICE_KEY;
	for (uint32_t i = 0; i < consent->count; i++) {
		bool name, key;

		person = &consent->people[i];
		name =
		    hm_bytes_equal(hm_bytes_of(person->name), credential->name);
		key = memcmp(person->key, credential->key, HM_POINT_LEN) == 0;
		if (name && key)
			return HM_OK;
		if (name || key)
			return key ? HM_E_TWICE_KEY : HM_E_TWICE;
	}
	if (consent->count == APPROVERS_MAX)
		return HM_E_TOO_LARGE;
	/* At once, so that nobody moves. */
	if (consent->people == NULL)
		consent->people =
		    calloc(APPROVERS_MAX, sizeof(*consent->people));
	if (consent->people == NULL)
		return HM_E_NO_MEMORY;
	person = &consent->people[consent->count++];
	*person = (struct consent_person){ 0 };
	memcpy(person->name, credential->name.ptr, credential->name.len);
	memcpy(person->key, credential->key, HM_POINT_LEN);
	return HM_OK;
}

void
consent_revoke(struct consent *consent, struct hm_bytes name)
{
	for (uint32_t i = 0; i < consent->count; i++)
		if (hm_bytes_equal(hm_bytes_of(consent->people[i].name), name))
			consent->people[i].revoked = true;
}

const struct consent_person *
consent_find(const struct consent *consent, struct hm_bytes kid)
{
	uint8_t own[HM_KID_LEN];

	for (uint32_t i = 0; i < consent->count; i++) {
		sign1_kid(consent->people[i].key, own);
		if (hm_bytes_equal(HM_BYTES(own), kid))
			return &consent->people[i];
	}
	return NULL;
}

hm_err
consent_note(const struct consent *consent, const struct consent_person *by,
    const struct approvers *pinned, struct consent_state *state)
{
	uint8_t index = (uint8_t)(by - consent->people);
	unsigned count = atomic_load(&state->approvals);

	if (by->revoked)
		return HM_E_UNKNOWN_PEER;
	if (pinned == NULL || !approvers_have(pinned, by->key))
		return HM_OK;
	for (unsigned i = 0; i < count; i++)
		if (state->by[i] == index)
			return HM_OK;
	if (count == CONSENT_APPROVALS_MAX)
		return HM_E_TOO_LARGE;
	state->by[count] = index;
	atomic_store(&state->approvals, count + 1);
	return HM_OK;
}

hm_err
consent_check(const struct consent_state *state, hm_channel channel)
{
	if (atomic_load(&state->revoked))
		return HM_E_RELEASE_REVOKED;
	if (channel == HM_CHANNEL_PROD &&
	    atomic_load(&state->approvals) < HM_APPROVALS_MIN)
		return HM_E_APPROVALS;
	return HM_OK;
}
