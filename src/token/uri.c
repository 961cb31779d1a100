/* SPDX-License-Identifier: Apache-2.0 */
#include "token/uri.h"

#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

/* The words for a failed parse never repeat the text: a PIN may be in it. */
static hm_err
check(P11KitUri *uri, const char *text, struct why *why)
{
	int got = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);

	if (got == P11_KIT_URI_NO_MEMORY)
		return HM_E_NO_MEMORY;
	if (got != P11_KIT_URI_OK)
		return WHY(why, HM_E_USAGE, "not a pkcs11: URI: %s",
		    p11_kit_uri_message(got));
	if (p11_kit_uri_get_pin_value(uri) || p11_kit_uri_get_pin_source(uri))
		return WHY(why, HM_E_USAGE,
		    "a PIN does not belong into a URI: give it by descriptor, "
		    "credential or prompt");
	if (p11_kit_uri_any_unrecognized(uri))
		return WHY(why, HM_E_USAGE,
		    "the pkcs11: URI has an attribute that is not known");
	return HM_OK;
}

hm_err
token_uri_parse(const char *text, P11KitUri **ret, struct why *why)
{
	P11KitUri *uri;
	hm_err err;

	if (strnlen(text, TOKEN_URI_MAX + 1) > TOKEN_URI_MAX)
		return WHY(why, HM_E_USAGE, "the pkcs11: URI is too long");
	uri = p11_kit_uri_new();
	if (!uri)
		return HM_E_NO_MEMORY;
	err = check(uri, text, why);
	if (err != HM_OK) {
		p11_kit_uri_free(uri);
		return err;
	}
	*ret = uri;
	return HM_OK;
}

void
token_uri_free(P11KitUri *uri)
{
	p11_kit_uri_free(uri);
}
