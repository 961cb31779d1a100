/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public part of a key (crypto/pkey.h), for memo.h: OpenSSL 3.0 looks for
 * an encoder each time, a third of a target's time. For targets whose keys are
 * few and are never freed.
 */
#include <string.h>

#include "crypto/pkey.h"
#include "fuzz.h"

#define KEYS 8
#define PART_MAX 512

enum part { SPKI, MODULUS, POINT, PARTS };

hm_err __real_pkey_spki(const struct pkey *key, struct buf *ret);
hm_err __wrap_pkey_spki(const struct pkey *key, struct buf *ret);
hm_err __real_pkey_modulus(const struct pkey *key, struct buf *ret);
hm_err __wrap_pkey_modulus(const struct pkey *key, struct buf *ret);
hm_err __real_pkey_point(const struct pkey *key, struct buf *ret);
hm_err __wrap_pkey_point(const struct pkey *key, struct buf *ret);

static struct {
	const struct pkey *key;
	struct {
		bool known;
		hm_err err;
		struct buf bytes;
	} parts[PARTS];
} keys[KEYS];

static hm_err
part_of(const struct pkey *key, enum part part, struct buf *ret)
{
	static hm_err (*const real[PARTS])(
	    const struct pkey *, struct buf *) = { __real_pkey_spki,
		__real_pkey_modulus, __real_pkey_point };
	size_t i = 0;

	while (i < KEYS && keys[i].key != NULL && keys[i].key != key)
		i++;
	fuzz_must(i < KEYS);
	keys[i].key = key;
	if (!keys[i].parts[part].known) {
		keys[i].parts[part].bytes.max = PART_MAX;
		keys[i].parts[part].err =
		    real[part](key, &keys[i].parts[part].bytes);
		keys[i].parts[part].known = true;
	}
	HM_TRY(keys[i].parts[part].err);
	return buf_add(ret, buf_bytes(&keys[i].parts[part].bytes));
}

hm_err
__wrap_pkey_spki(const struct pkey *key, struct buf *ret)
{
	return part_of(key, SPKI, ret);
}

hm_err
__wrap_pkey_modulus(const struct pkey *key, struct buf *ret)
{
	return part_of(key, MODULUS, ret);
}

hm_err
__wrap_pkey_point(const struct pkey *key, struct buf *ret)
{
	return part_of(key, POINT, ret);
}
