/* SPDX-License-Identifier: Apache-2.0 */
/* What token_uri_parse takes means the same when it is written and read again.
 */
#include <string.h>

#include <p11-kit/uri.h>

#include "fuzz.h"
#include "token/uri.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	P11KitUri *uri = NULL, *again = NULL;
	char *text = malloc(len + 1), *first = NULL, *second = NULL;

	fuzz_must(text);
	memcpy(text, data, len);
	text[len] = '\0';
	if (token_uri_parse(text, &uri, NULL) == HM_OK &&
	    p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &first) ==
		P11_KIT_URI_OK &&
	    strlen(first) <= TOKEN_URI_MAX) {
		fuzz_must(token_uri_parse(first, &again, NULL) == HM_OK);
		fuzz_must(p11_kit_uri_format(again, P11_KIT_URI_FOR_ANY,
			      &second) == P11_KIT_URI_OK);
		fuzz_must(strcmp(first, second) == 0);
	}
	token_uri_free(uri);
	token_uri_free(again);
	free(first);
	free(second);
	free(text);
	return 0;
}
