/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL has a table for multiples of a group's generator only, so Q becomes
 * the generator of a copy of the group. That is deprecated in OpenSSL 3 without
 * a successor, which is why it stands alone here. Without a table (another
 * machine, another OpenSSL) the result is the same, later.
 */
#include "crypto/p256_fixed.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "crypto/p256_desk.h"

struct p256_fixed {
	EC_GROUP *group, *group_q; /* the second has Q as generator */
};

/* ---- the key ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/* Without a table the group works as well. */
static void
make_table(EC_GROUP *group)
{
	if (EC_GROUP_precompute_mult(group, NULL) != 1)
		ERR_clear_error();
}
#pragma GCC diagnostic pop

static bool
make_groups(struct p256_fixed *key, const uint8_t *point)
{
	EC_POINT *q;
	bool ok;

	key->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (key->group == NULL)
		return false;
	key->group_q = EC_GROUP_dup(key->group);
	q = EC_POINT_new(key->group);
	ok = key->group_q != NULL && q != NULL &&
	     EC_POINT_oct2point(key->group, q, point, P256_POINT_LEN, NULL) ==
		 1 &&
	     EC_GROUP_set_generator(key->group_q, q,
		 EC_GROUP_get0_order(key->group), BN_value_one()) == 1;
	EC_POINT_free(q);
	if (ok)
		make_table(key->group_q);
	return ok;
}

hm_err
p256_fixed_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_fixed **ret)
{
	struct p256_fixed *key;

	HM_TRY(p256_check(point));
	key = calloc(1, sizeof(*key));
	if (key == NULL)
		return HM_E_NO_MEMORY;
	if (!make_groups(key, point)) {
		p256_fixed_free(key);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = key;
	return HM_OK;
}

void
p256_fixed_free(struct p256_fixed *key)
{
	if (key == NULL)
		return;
	EC_GROUP_free(key->group_q);
	EC_GROUP_free(key->group);
	free(key);
}

/* ---- verifying ---- */

/* u1 G + u2 Q */
static bool
add_up(const struct p256_fixed *key, struct p256_desk *desk)
{
	return EC_POINT_mul(key->group, desk->other, desk->u1, NULL, NULL,
		   desk->ctx) == 1 &&
	       EC_POINT_mul(key->group_q, desk->sum, desk->u2, NULL, NULL,
		   desk->ctx) == 1 &&
	       EC_POINT_add(key->group, desk->sum, desk->sum, desk->other,
		   desk->ctx) == 1;
}

hm_err
p256_fixed_verify(const struct p256_fixed *key, const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN])
{
	struct p256_desk *desk;

	HM_TRY(p256_desk_open(&desk));
	HM_TRY(p256_desk_begin(desk, digest, signature));
	if (!add_up(key, desk))
		return ossl_failed(HM_E_NO_MEMORY);
	return p256_desk_judge(desk);
}
