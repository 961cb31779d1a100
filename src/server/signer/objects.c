/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/objects.h"

#include <stdlib.h>
#include <string.h>

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
	enrolled_done(&objects->enrolled);
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

/* What only makes sense together with what is loaded already. */
static hm_err
complete(const struct objects *objects, struct loaded *loaded,
    const struct ca_issuer *issuer)
{
	const struct hm_object *object = &loaded->object;

	if (object->kind == HM_OBJECT_RELEASE)
		return HM_OK;
	if (object->kind == HM_OBJECT_PRODUCT)
		return ca_template_new(issuer, object->product.organization,
		    object->product.hw_type, &loaded->template_);
	if (object->kind != HM_OBJECT_ORDER)
		return HM_E_BAD_INPUT;
	if (find(objects, HM_OBJECT_PRODUCT, object->order.product) == NULL ||
	    find(objects, HM_OBJECT_RELEASE, object->order.release) == NULL)
		return HM_E_NOT_FOUND;
	return HM_OK;
}

static hm_err
decode(struct loaded *loaded, struct hm_bytes message, const uint8_t *authority)
{
	struct hm_bytes payload;

	loaded->bytes = malloc(message.len);
	if (loaded->bytes == NULL)
		return HM_E_NO_MEMORY;
	memcpy(loaded->bytes, message.ptr, message.len);
	message.ptr = loaded->bytes;
	HM_TRY(sign1_open(message, HM_OBJECT_MAX, HM_LITERAL(HM_AAD_OBJECT),
	    authority, &payload));
	return hm_object_decode(payload, &loaded->object);
}

/* Under the lock. HM_E_EXISTS: it is not needed here. */
static hm_err
add(struct objects *objects, struct loaded *loaded,
    const struct ca_issuer *issuer)
{
	const struct hm_object *object = &loaded->object;

	if (object->kind == HM_OBJECT_ENROLMENT) {
		HM_TRY(enrolled_add(&objects->enrolled, &object->enrolment));
		return HM_E_EXISTS;
	}
	/* Another thread may have been quicker. */
	if (at_digest(objects, loaded->digest) != NULL)
		return HM_E_EXISTS;
	HM_TRY(complete(objects, loaded, issuer));
	return insert(objects, loaded);
}

static hm_err
keep(struct objects *objects, struct loaded *loaded,
    const struct ca_issuer *issuer)
{
	hm_err err;

	pthread_rwlock_wrlock(&objects->lock);
	err = add(objects, loaded, issuer);
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
    const uint8_t authority[static HM_POINT_LEN],
    const struct ca_issuer *issuer)
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
	err = decode(loaded, message, authority);
	if (err == HM_OK)
		err = keep(objects, loaded, issuer);
	if (err != HM_OK)
		loaded_free(loaded);
	return err == HM_E_EXISTS ? HM_OK : err;
}
