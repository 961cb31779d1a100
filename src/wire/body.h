/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * body - the bodies of signed objects, field by field
 *
 * For object.c, product.c and release.c only: key 3 of an object, written or
 * read where the writer or reader stands. Rules that span fields are checked on
 * both ways.
 */

#include "wire/object.h"

HM_C_BEGIN

void hm_body_put_product(
    struct hm_cbor_out *out, const struct hm_product *product);
void hm_body_get_product(struct hm_cbor_in *in, struct hm_product *ret);
void hm_body_put_release(
    struct hm_cbor_out *out, const struct hm_release *release);
void hm_body_get_release(struct hm_cbor_in *in, struct hm_release *ret);

HM_C_END
