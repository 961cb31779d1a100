/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark.c goes on as hallmark-full before anybody names a key in a token. */
#include "cmd/image_token.h"

hm_err
image_token_open(const struct image_token_place *place, struct image_token *ret,
    struct why *why)
{
	(void)ret;
	why_where(why, "%s", place->uri);
	return WHY(why, HM_E_BUG, "this program has no tokens");
}

void
image_token_done(struct image_token *token)
{
	*token = (struct image_token){ 0 };
}

struct image_signer
image_token_signer(struct image_token *token)
{
	return (struct image_signer){ .key = token->key };
}
