/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/digest.h"
#include "seal/hpke.h"

/* Everything that is plaintext, in one piece to wipe. Certificates and literals
 * stay where the product has them. */
struct workshop {
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint8_t values[HM_SECRETS_MAX][HM_SECRET_MAX];
	uint8_t plain[HM_SECRETS_PLAIN_MAX];
	size_t plain_len;
};

static void
workshop_done(struct workshop **workshop)
{
	if (*workshop != NULL)
		hm_wipe(*workshop, sizeof(**workshop));
	free(*workshop);
}

/* 250 is the largest multiple of ten that a byte can hold: bytes above it are
 * thrown away, so that no digit is likelier than another. */
static hm_err
make_digits(struct hm_span ret)
{
	uint8_t pool[32];
	size_t done = 0;

	while (done < ret.len) {
		HM_TRY(random_secret((struct hm_span){ pool, sizeof(pool) }));
		for (size_t i = 0; i < sizeof(pool) && done < ret.len; i++) {
			if (pool[i] < 250)
				ret.ptr[done++] = (uint8_t)('0' + pool[i] % 10);
		}
	}
	hm_wipe(pool, sizeof(pool));
	return HM_OK;
}

static hm_err
make_key(struct hm_span room, size_t *ret_len)
{
	struct p256_pair *pair;
	hm_err err;

	HM_TRY(p256_pair_new(&pair));
	err = p256_pair_sec1(pair, room, ret_len);
	p256_pair_free(pair);
	return err;
}

/* A value that is not in the product's own words. */
static hm_err
make_value(const struct hm_secret_spec *spec, const struct secrets_vault *vault,
    struct hm_span room, size_t *ret_len)
{
	struct hm_span sized = { room.ptr, spec->size };

	if (spec->kind == HM_SECRET_SHARED)
		return vault->shared(
		    vault->context, spec->source, room, ret_len);
	if (spec->kind == HM_SECRET_KEY)
		return make_key(room, ret_len);
	if (spec->size == 0 || spec->size > room.len)
		return HM_E_BAD_INPUT;
	*ret_len = spec->size;
	if (spec->kind == HM_SECRET_RANDOM)
		return random_secret(sized);
	if (spec->kind == HM_SECRET_PASSCODE)
		return make_digits(sized);
	return HM_E_BAD_INPUT;
}

static hm_err
make_secret(const struct hm_secret_spec *spec,
    const struct secrets_vault *vault, struct hm_span room,
    struct hm_secret *ret)
{
	ret->name = spec->name;
	ret->kind = spec->kind;
	ret->value = spec->source;
	if (spec->kind == HM_SECRET_CERTIFICATE ||
	    spec->kind == HM_SECRET_LITERAL)
		return HM_OK;
	ret->value.ptr = room.ptr;
	return make_value(spec, vault, room, &ret->value.len);
}

/* Bytes of a CBOR string of `len` bytes. */
static size_t
string_size(size_t len)
{
	return (len < 24 ? 1U : len < 256 ? 2U : 3U) + len;
}

/* hm_secrets_encode() calls too much of it malformed; to people it is large. */
static bool
is_too_large(const struct hm_secret *secrets, uint32_t count)
{
	size_t size = 1;

	for (uint32_t i = 0; i < count; i++)
		size += 2 + string_size(secrets[i].name.len) +
			string_size(secrets[i].value.len);
	return size > HM_SECRETS_PLAIN_MAX;
}

static hm_err
make_plain(const struct hm_product *product, const struct secrets_vault *vault,
    struct workshop *ret)
{
	struct hm_span plain = { ret->plain, sizeof(ret->plain) };

	if (product->secret_count > HM_SECRETS_MAX)
		return HM_E_BAD_INPUT;
	for (uint32_t i = 0; i < product->secret_count; i++) {
		struct hm_span room = { ret->values[i], HM_SECRET_MAX };

		HM_TRY(make_secret(
		    &product->secrets[i], vault, room, &ret->secrets[i]));
	}
	if (is_too_large(ret->secrets, product->secret_count))
		return HM_E_TOO_LARGE;
	return hm_secrets_encode(
	    ret->secrets, product->secret_count, plain, &ret->plain_len);
}

/* What stands in wire/stamp.h as info and aad. */
struct purpose {
	uint8_t info[HM_SEAL_INFO_MAX], aad[HM_SEAL_AAD_MAX];
	size_t info_len, aad_len;
};

static hm_err
name_purpose(const struct secrets_owner *owner, struct purpose *ret)
{
	const uint8_t *device_id = owner->claims->device_id;

	HM_TRY(hm_seal_info(owner->order, device_id, owner->binding,
	    (struct hm_span){ ret->info, sizeof(ret->info) }, &ret->info_len));
	return hm_seal_aad(device_id, owner->serial,
	    (struct hm_span){ ret->aad, sizeof(ret->aad) }, &ret->aad_len);
}

hm_err
secrets_seal(const struct hm_product *product,
    const struct secrets_owner *owner, const struct secrets_vault *vault,
    uint8_t enc[static HM_POINT_LEN], struct buf *ret)
{
	AUTO(workshop) struct workshop *workshop = NULL;
	struct purpose purpose;
	struct hpke_message message;
	uint8_t *room;
	size_t len;

	HM_TRY(name_purpose(owner, &purpose));
	workshop = calloc(1, sizeof(*workshop));
	if (workshop == NULL)
		return HM_E_NO_MEMORY;
	HM_TRY(make_plain(product, vault, workshop));
	len = workshop->plain_len + 16;
	HM_TRY(buf_reserve(ret, len, &room));
	message = (struct hpke_message){ HPKE_AES_128_GCM,
		{ purpose.info, purpose.info_len },
		{ purpose.aad, purpose.aad_len },
		{ workshop->plain, workshop->plain_len } };
	HM_TRY(hpke_seal(&message, owner->claims->kem, enc, room));
	ret->len += len;
	return HM_OK;
}
