/* SPDX-License-Identifier: Apache-2.0 */
/* token: which names are taken */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <p11-kit/uri.h>

#include "token/uri.h"

static void
takes_names_of_tokens_and_keys(void **state)
{
	P11KitUri *uri = NULL;

	(void)state;
	assert_int_equal(
	    token_uri_parse("pkcs11:token=a%20b;object=ca;id=%01%ff;type="
			    "private?module-path=/x/y.so",
		&uri, NULL),
	    HM_OK);
	assert_string_equal(p11_kit_uri_get_module_path(uri), "/x/y.so");
	assert_int_equal(p11_kit_uri_get_attribute(uri, CKA_ID)->ulValueLen, 2);
	token_uri_free(uri);
	token_uri_free(NULL);
}

static void
refuses_what_is_no_name_or_has_a_pin_and_never_repeats_it(void **state)
{
	static const char *const wrong[] = { "", "pkcs11", "pkcs12:token=x",
		"pkcs11:token=%zz", "pkcs11:token", "pkcs11:id=%1",
		"pkcs11:token=x?pin-value=4711",
		"pkcs11:token=x?pin-source=file:/4711",
		"pkcs11:token=x;colour=4711" };
	P11KitUri *uri = NULL;
	char long_one[TOKEN_URI_MAX + 2] = "pkcs11:token=";

	(void)state;
	memset(long_one + 13, 'a', TOKEN_URI_MAX - 12);
	assert_int_equal(token_uri_parse(long_one, &uri, NULL), HM_E_USAGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct why why = { 0 };

		assert_int_equal(
		    token_uri_parse(wrong[i], &uri, &why), HM_E_USAGE);
		assert_null(strstr(why.text, "4711"));
		assert_true(why.text[0] != '\0');
	}
	assert_null(uri);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_names_of_tokens_and_keys),
		cmocka_unit_test(
		    refuses_what_is_no_name_or_has_a_pin_and_never_repeats_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
