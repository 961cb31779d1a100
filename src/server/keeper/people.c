/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/people.h"

#include <stdlib.h>
#include <string.h>

#include "seal/sign1.h"

void
people_done(struct people *people)
{
	free(people->list);
	*people = (struct people){ 0 };
}

static hm_err
keep(struct people *people, const struct person *person)
{
	if (people->count == people->room) {
		uint32_t room = people->room == 0 ? 16 : 2 * people->room;
		struct person *list =
		    reallocarray(people->list, room, sizeof(*list));

		if (list == NULL)
			return HM_E_NO_MEMORY;
		people->list = list;
		people->room = room;
	}
	people->list[people->count++] = *person;
	return HM_OK;
}

hm_err
people_load(struct people *people, struct db *db)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	people->count = 0;
	HM_TRY(db_prepare(db,
	    "SELECT name, role, key, not_after_s, revoked, bound"
	    " FROM credential",
	    &q, NULL));
	for (;;) {
		struct person person = { 0 };

		HM_TRY(db_step(&q, &row, NULL));
		if (!row)
			return HM_OK;
		strncat(person.name, db_text(&q, 0), HM_NAME_MAX);
		person.role = (hm_role)db_uint(&q, 1);
		HM_TRY(db_fixed(&q, 2, person.key, sizeof(person.key)));
		person.not_after_s = db_uint(&q, 3);
		person.revoked = db_int(&q, 4) != 0;
		strncat(person.bound, db_text(&q, 5), HM_NAME_MAX);
		HM_TRY(keep(people, &person));
	}
}

struct person *
people_by_name(struct people *people, struct hm_bytes name)
{
	for (uint32_t i = 0; i < people->count; i++)
		if (hm_bytes_equal(hm_bytes_of(people->list[i].name), name))
			return &people->list[i];
	return NULL;
}

static const struct person *
by_key(const struct people *people, const uint8_t *key)
{
	for (uint32_t i = 0; i < people->count; i++)
		if (memcmp(people->list[i].key, key, HM_POINT_LEN) == 0)
			return &people->list[i];
	return NULL;
}

hm_err
people_admit(struct people *people, const uint8_t key[static HM_POINT_LEN],
    uint64_t now_s, const struct person **ret)
{
	const struct person *person = by_key(people, key);

	if (person == NULL || person->revoked)
		return HM_E_UNKNOWN_PEER;
	if (now_s >= person->not_after_s)
		return HM_E_EXPIRED;
	*ret = person;
	return HM_OK;
}

const struct person *
people_approver(const struct people *people, struct hm_bytes kid)
{
	uint8_t own[HM_KID_LEN];

	for (uint32_t i = 0; kid.len > 0 && i < people->count; i++) {
		const struct person *person = &people->list[i];

		if (person->role != HM_ROLE_APPROVER)
			continue;
		sign1_kid(person->key, own);
		if (hm_bytes_equal(HM_BYTES(own), kid))
			return person;
	}
	return NULL;
}

hm_err
people_check_new(struct people *people, const struct hm_credential *credential)
{
	if (credential->not_after_s > INT64_MAX) /* no column holds it */
		return HM_E_BAD_INPUT;
	if (people_by_name(people, credential->name) != NULL)
		return HM_E_TWICE;
	if (by_key(people, credential->key) != NULL)
		return HM_E_TWICE_KEY;
	return HM_OK;
}

hm_err
people_add(struct people *people, struct db *db,
    const struct hm_credential *credential)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	struct person person = { .role = credential->role,
		.not_after_s = credential->not_after_s };

	memcpy(person.name, credential->name.ptr, credential->name.len);
	memcpy(person.key, credential->key, sizeof(person.key));
	if (credential->role == HM_ROLE_DEVICE)
		memcpy(
		    person.bound, credential->site.ptr, credential->site.len);
	HM_TRY(db_prepare(db,
	    "INSERT INTO credential (name, role, key, not_after_s, revoked,"
	    " bound) VALUES (?, ?, ?, ?, 0, ?)",
	    &q, NULL));
	db_bind_text(&q, 1, credential->name);
	db_bind_uint(&q, 2, (uint64_t)credential->role);
	db_bind_bytes(&q, 3, HM_BYTES(credential->key));
	db_bind_uint(&q, 4, credential->not_after_s);
	db_bind_text(&q, 5, hm_bytes_of(person.bound));
	HM_TRY(db_run(&q, NULL));
	return keep(people, &person);
}

hm_err
people_revoke(struct db *db, struct person *person)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(
	    db, "UPDATE credential SET revoked = 1 WHERE name = ?", &q, NULL));
	db_bind_text(&q, 1, hm_bytes_of(person->name));
	HM_TRY(db_run(&q, NULL));
	person->revoked = true;
	return HM_OK;
}
