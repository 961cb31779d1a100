/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "seal/sign1.h"

static void
loaded_free(struct loaded *loaded)
{
	if (loaded == NULL)
		return;
	ca_template_free(loaded->template_);
	free(loaded->bytes);
	free(loaded);
}

void
objects_done(struct objects *objects)
{
	for (uint32_t i = 0; i < objects->count; i++)
		loaded_free(objects->list[i]);
	free(objects->list);
	free(objects->floors);
	enrolled_done(&objects->enrolled);
	consent_done(&objects->consent);
	pthread_rwlock_destroy(&objects->lock);
	*objects = (struct objects){ 0 };
}

/* The place where `digest` stands, or where it would have to. */
static uint32_t
place(const struct objects *objects, const uint8_t *digest)
{
	uint32_t low = 0, high = objects->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (memcmp(objects->list[mid]->digest, digest, HM_DIGEST_LEN) <
		    0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct loaded *
at_digest(const struct objects *objects, const uint8_t *digest)
{
	uint32_t at = place(objects, digest);

	if (at == objects->count ||
	    memcmp(objects->list[at]->digest, digest, HM_DIGEST_LEN) != 0)
		return NULL;
	return objects->list[at];
}

static const struct loaded *
find(const struct objects *objects, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	const struct loaded *found = at_digest(objects, digest);

	return found != NULL && found->object.kind == kind ? found : NULL;
}

const struct loaded *
objects_find(struct objects *objects, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	const struct loaded *found;

	pthread_rwlock_rdlock(&objects->lock);
	found = find(objects, kind, digest);
	pthread_rwlock_unlock(&objects->lock);
	return found;
}

static hm_err
insert(struct objects *objects, struct loaded *loaded)
{
	uint32_t at = place(objects, loaded->digest);

	if (objects->count == OBJECTS_MAX)
		return HM_E_TOO_LARGE;
	if (objects->count == objects->room) {
		uint32_t room = objects->room == 0 ? 16 : objects->room * 2;
		struct loaded **list =
		    realloc(objects->list, room * sizeof(struct loaded *));

		if (list == NULL)
			return HM_E_NO_MEMORY;
		objects->list = list;
		objects->room = room;
	}
	memmove(objects->list + at + 1, objects->list + at,
	    (objects->count - at) * sizeof(struct loaded *));
	objects->list[at] = loaded;
	objects->count++;
	return HM_OK;
}

/* ---- what only makes sense together with what is loaded already ---- */

static hm_err
check_promotion(const struct objects *objects, const struct hm_release *release)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	const struct loaded *dev;

	if (memcmp(release->promoted, nothing, HM_DIGEST_LEN) == 0)
		return HM_OK;
	dev = find(objects, HM_OBJECT_RELEASE, release->promoted);
	if (dev == NULL)
		return HM_E_NOT_FOUND;
	return hm_release_is_promoted(release, &dev->object.release)
		   ? HM_OK
		   : HM_E_PROMOTION;
}

static hm_err
new_floor(struct objects *objects, const struct hm_release *release)
{
	struct floor *floor;

	if (objects->floor_count == objects->floor_room) {
		uint32_t room = objects->floor_room + 16;
		struct floor *floors =
		    realloc(objects->floors, room * sizeof(*floors));

		if (floors == NULL)
			return HM_E_NO_MEMORY;
		objects->floors = floors;
		objects->floor_room = room;
	}
	floor = &objects->floors[objects->floor_count++];
	*floor = (struct floor){ .channel = release->channel,
		.counter = release->counter };
	memcpy(floor->product, release->product.ptr, release->product.len);
	return HM_OK;
}

/* What was ordered once is not ordered older. */
static hm_err
raise_floor(struct objects *objects, const struct hm_release *release)
{
	for (uint32_t i = 0; i < objects->floor_count; i++) {
		struct floor *floor = &objects->floors[i];

		if (floor->channel != release->channel ||
		    !hm_bytes_equal(
			hm_bytes_of(floor->product), release->product))
			continue;
		if (release->counter < floor->counter)
			return HM_E_COUNTER;
		floor->counter = release->counter;
		return HM_OK;
	}
	return new_floor(objects, release);
}

/* If it is approved is asked when a device is to be made. */
static hm_err
check_order(struct objects *objects, const struct hm_order *order)
{
	const struct loaded *product, *release;

	product = find(objects, HM_OBJECT_PRODUCT, order->product);
	release = find(objects, HM_OBJECT_RELEASE, order->release);
	if (product == NULL || release == NULL)
		return HM_E_NOT_FOUND;
	if (!hm_bytes_equal(
		product->object.product.name, release->object.release.product))
		return HM_E_BAD_INPUT;
	if (release->object.release.channel != order->channel)
		return HM_E_CHANNEL;
	return raise_floor(objects, &release->object.release);
}

static hm_err
complete(struct objects *objects, struct loaded *loaded,
    const struct ca_issuer *issuer)
{
	const struct hm_object *object = &loaded->object;

	if (object->kind == HM_OBJECT_RELEASE)
		return check_promotion(objects, &object->release);
	if (object->kind == HM_OBJECT_PRODUCT)
		return ca_template_new(issuer, object->product.organization,
		    object->product.hw_type, &loaded->template_);
	if (object->kind == HM_OBJECT_ORDER)
		return check_order(objects, &object->order);
	return HM_E_BAD_INPUT;
}

/* ---- approvals and revocations: noted, not kept ---- */

static struct loaded *
release_of(struct objects *objects, const uint8_t digest[static HM_DIGEST_LEN])
{
	struct loaded *found = at_digest(objects, digest);

	return found != NULL && found->object.kind == HM_OBJECT_RELEASE ? found
									: NULL;
}

static hm_err
take_command(struct objects *objects, const struct hm_command *command)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct loaded *release;

	if (command->verb == HM_VERB_REVOKE_CREDENTIAL) {
		consent_revoke(&objects->consent, command->target);
		return HM_OK;
	}
	if (command->verb != HM_VERB_REVOKE_RELEASE)
		return HM_E_BAD_INPUT;
	HM_TRY(hex_parse(command->target, digest, sizeof(digest)));
	release = release_of(objects, digest);
	if (release == NULL)
		return HM_E_NOT_FOUND;
	atomic_store(&release->consent.revoked, true);
	return HM_OK;
}

static hm_err
take_approval(struct objects *objects, const struct loaded *loaded,
    const struct approvers *pinned)
{
	const struct hm_approval *approval = &loaded->object.approval;
	struct loaded *release = release_of(objects, approval->release);
	/* as its bytes were opened */
	const struct consent_person *by =
	    consent_find(&objects->consent, loaded->kid);

	if (by == NULL ||
	    !hm_bytes_equal(hm_bytes_of(by->name), approval->approver))
		return HM_E_BAD_INPUT;
	if (release == NULL)
		return HM_E_NOT_FOUND;
	return consent_note(&objects->consent, by, pinned, &release->consent);
}

/* HM_E_EXISTS: it was noted. HM_OK: it is to be kept. */
static hm_err
take_notes(struct objects *objects, const struct loaded *loaded,
    const struct objects_trust *trust)
{
	const struct hm_object *object = &loaded->object;

	switch (object->kind) {
	case HM_OBJECT_ENROLMENT:
		HM_TRY(enrolled_add(&objects->enrolled, &object->enrolment));
		return HM_E_EXISTS;
	case HM_OBJECT_CREDENTIAL:
		if (object->credential.role != HM_ROLE_APPROVER)
			return HM_E_BAD_INPUT;
		HM_TRY(consent_add(
		    &objects->consent, &object->credential, trust->authority));
		return HM_E_EXISTS;
	case HM_OBJECT_COMMAND:
		HM_TRY(take_command(objects, &object->command));
		return HM_E_EXISTS;
	case HM_OBJECT_APPROVAL:
		HM_TRY(take_approval(objects, loaded, trust->approvers));
		return HM_E_EXISTS;
	case HM_OBJECT_PRODUCT:
	case HM_OBJECT_RELEASE:
	case HM_OBJECT_ORDER:
		break;
	}
	return HM_OK;
}

/* ---- the way in ---- */

/* The key of the approver whom the key id names, if it names one. */
static bool
find_key(struct objects *objects, struct hm_bytes kid,
    uint8_t ret[static HM_POINT_LEN])
{
	const struct consent_person *person;

	pthread_rwlock_rdlock(&objects->lock);
	person = kid.len > 0 ? consent_find(&objects->consent, kid) : NULL;
	if (person != NULL)
		memcpy(ret, person->key, HM_POINT_LEN);
	pthread_rwlock_unlock(&objects->lock);
	return person != NULL;
}

static hm_err
decode(struct objects *objects, struct loaded *loaded, struct hm_bytes message,
    const uint8_t *authority)
{
	uint8_t key[HM_POINT_LEN];
	struct hm_bytes payload;
	struct hm_sign1 sign1;
	bool by_approver;

	loaded->bytes = malloc(message.len);
	if (loaded->bytes == NULL)
		return HM_E_NO_MEMORY;
	memcpy(loaded->bytes, message.ptr, message.len);
	message.ptr = loaded->bytes;
	HM_TRY(hm_sign1_decode(message, HM_OBJECT_MAX, &sign1));
	loaded->kid = sign1.kid;
	by_approver = find_key(objects, sign1.kid, key);
	HM_TRY(sign1_open(message, HM_OBJECT_MAX,
	    by_approver ? HM_LITERAL(HM_AAD_APPROVAL)
			: HM_LITERAL(HM_AAD_OBJECT),
	    by_approver ? key : authority, &payload));
	HM_TRY(hm_object_decode(payload, &loaded->object));
	/* Nobody decides what is not theirs. */
	return (loaded->object.kind == HM_OBJECT_APPROVAL) == by_approver
		   ? HM_OK
		   : HM_E_BAD_INPUT;
}

/* Under the lock. HM_E_EXISTS: it is not needed here. */
static hm_err
add(struct objects *objects, struct loaded *loaded,
    const struct objects_trust *trust)
{
	HM_TRY(take_notes(objects, loaded, trust));
	/* Another thread may have been quicker. */
	if (at_digest(objects, loaded->digest) != NULL)
		return HM_E_EXISTS;
	HM_TRY(complete(objects, loaded, trust->issuer));
	return insert(objects, loaded);
}

static hm_err
keep(struct objects *objects, struct loaded *loaded,
    const struct objects_trust *trust)
{
	hm_err err;

	pthread_rwlock_wrlock(&objects->lock);
	err = add(objects, loaded, trust);
	pthread_rwlock_unlock(&objects->lock);
	return err;
}

static bool
is_loaded(struct objects *objects, const uint8_t *digest)
{
	bool found;

	pthread_rwlock_rdlock(&objects->lock);
	found = at_digest(objects, digest) != NULL;
	pthread_rwlock_unlock(&objects->lock);
	return found;
}

bool
objects_is_enrolled(struct objects *objects, struct hm_bytes product,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	bool is;

	pthread_rwlock_rdlock(&objects->lock);
	is = enrolled_has(&objects->enrolled, product, digest);
	pthread_rwlock_unlock(&objects->lock);
	return is;
}

hm_err
objects_load(struct objects *objects, struct hm_bytes message,
    const struct objects_trust *trust)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct loaded *loaded;
	hm_err err;

	if (message.len == 0 || message.len > HM_OBJECT_MAX)
		return HM_E_BAD_INPUT;
	sha256_one(message, digest);
	if (is_loaded(objects, digest))
		return HM_OK;
	loaded = calloc(1, sizeof(*loaded));
	if (loaded == NULL)
		return HM_E_NO_MEMORY;
	memcpy(loaded->digest, digest, sizeof(digest));
	err = decode(objects, loaded, message, trust->authority);
	if (err == HM_OK)
		err = keep(objects, loaded, trust);
	if (err != HM_OK)
		loaded_free(loaded);
	return err == HM_E_EXISTS ? HM_OK : err;
}
