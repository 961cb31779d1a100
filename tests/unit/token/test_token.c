/* SPDX-License-Identifier: Apache-2.0 */
/* token: opening, finding, policy, signing, generation, data objects */
#include "soft.h"

#include <p11-kit/p11-kit.h>

static struct token *token;

static int
setup(void **state)
{
	(void)state;
	token = soft_open(getenv("SOFTHSM"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	token_free(token);
	token = NULL;
	return 0;
}

static struct token_key *
generate(const char *label, token_key_type type)
{
	struct token_key *key = NULL;
	struct why why = { 0 };
	hm_err err = token_generate(token, label, type, TOKEN_SIGN, &key, &why);

	if (err != HM_OK)
		print_error("%s\n", why.text);
	assert_int_equal(err, HM_OK);
	return key;
}

static void
signs_with_each_type_what_openssl_verifies(void **state)
{
	static const struct {
		const char *label;
		token_key_type type;
		size_t public_len, input_len, signature_len;
	} kinds[] = { { "sign-256", TOKEN_P256, 65, 32, 64 },
		{ "sign-384", TOKEN_P384, 97, 48, 96 },
		{ "sign-384-256", TOKEN_P384, 97, 32, 96 },
		{ "sign-ed", TOKEN_ED25519, 32, 700, 64 } };
	uint8_t input[700], signature[96];

	(void)state;
	memset(input, 0x5a, sizeof(input));
	for (size_t i = 0; i < 4; i++) {
		struct token_key *key = generate(kinds[i].label, kinds[i].type);
		struct hm_bytes message = { input, kinds[i].input_len };

		assert_int_equal(token_key_kind(key), kinds[i].type);
		assert_int_equal(
		    token_key_public(key).len, kinds[i].public_len);
		assert_int_equal(
		    token_sign(key, message, signature, kinds[i].signature_len),
		    HM_OK);
		assert_true(soft_verify(key, message, signature));
		signature[5] ^= 1;
		assert_false(soft_verify(key, message, signature));
	}
}

static void
finds_a_key_of_an_earlier_run_by_name(void **state)
{
	struct token_key *made = generate("again", TOKEN_P256);
	struct token_key *found = NULL;
	uint8_t before[65], digest[32] = { 1 }, signature[64];

	(void)state;
	memcpy(before, token_key_public(made).ptr, 65);
	token_free(token);
	token = soft_open(getenv("SOFTHSM"));
	assert_int_equal(token_key(token, SOFT_URI ";object=again;type=private",
			     TOKEN_SIGN, &found, NULL),
	    HM_OK);
	assert_memory_equal(token_key_public(found).ptr, before, 65);
	assert_int_equal(token_digest_signer(found, digest, signature), HM_OK);
	assert_true(soft_verify(found, HM_BYTES(digest), signature));
}

static void
refuses_input_or_room_of_the_wrong_size(void **state)
{
	struct token_key *key = generate("sizes", TOKEN_P256);
	struct token_key *other = generate("sizes-384", TOKEN_P384);
	uint8_t digest[48] = { 1 }, signature[96] = { 0 };
	uint8_t untouched[96] = { 0 };

	(void)state;
	assert_int_equal(
	    token_sign(key, HM_BYTES(digest), signature, 64), HM_E_BAD_INPUT);
	assert_int_equal(
	    token_sign(key, (struct hm_bytes){ digest, 32 }, signature, 63),
	    HM_E_NO_ROOM);
	assert_int_equal(
	    token_digest_signer(other, digest, signature), HM_E_KEY);
	assert_memory_equal(signature, untouched, sizeof(signature));
}

static void
refuses_a_key_that_no_or_two_objects_match(void **state)
{
	struct token_key *key = (struct token_key *)&key, *before = key;
	struct why why = { 0 };

	(void)state;
	(void)generate("pair-a", TOKEN_P256);
	(void)generate("pair-b", TOKEN_P256);
	assert_int_equal(
	    token_key(token, "pkcs11:object=absent", TOKEN_SIGN, &key, &why),
	    HM_E_TOKEN_MATCH);
	assert_non_null(strstr(why.text, "pair-a"));
	assert_string_equal(why.where, "pkcs11:object=absent");
	why = (struct why){ 0 };
	assert_int_equal(token_key(token, SOFT_URI, TOKEN_SIGN, &key, &why),
	    HM_E_TOKEN_MATCH);
	assert_non_null(strstr(why.text, "more than one"));
	assert_int_equal(token_key(token, "pkcs11:token=other;object=pair-a",
			     TOKEN_SIGN, &key, NULL),
	    HM_E_TOKEN_MATCH);
	assert_int_equal(token_key(token, "pkcs11:object=pair-a;type=public",
			     TOKEN_SIGN, &key, NULL),
	    HM_E_TOKEN_MATCH);
	assert_int_equal(
	    token_key(token, "not a uri", TOKEN_SIGN, &key, NULL), HM_E_USAGE);
	assert_ptr_equal(key, before);
}

static void
never_overwrites_a_key(void **state)
{
	struct token_key *key = generate("once", TOKEN_P256), *second = NULL;
	uint8_t before[65];

	(void)state;
	memcpy(before, token_key_public(key).ptr, 65);
	assert_int_equal(token_generate(token, "once", TOKEN_ED25519,
			     TOKEN_SIGN, &second, NULL),
	    HM_E_TOKEN_EXISTS);
	assert_null(second);
	assert_int_equal(
	    token_key(token, "pkcs11:object=once", TOKEN_SIGN, &second, NULL),
	    HM_OK);
	assert_memory_equal(token_key_public(second).ptr, before, 65);
	assert_int_equal(
	    token_generate(token, "", TOKEN_P256, TOKEN_SIGN, &second, NULL),
	    HM_E_USAGE);
}

/* A key as pkcs11-tool would make it: DERIVE allowed too. */
static void
make_lax_key(const char *label)
{
	CK_FUNCTION_LIST *p11 =
	    p11_kit_module_load(getenv("SOFTHSM"), P11_KIT_MODULE_CRITICAL);
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE;
	uint8_t curve[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
	CK_ATTRIBUTE name = { CKA_LABEL, (void *)(uintptr_t)label,
		(CK_ULONG)strlen(label) };
	CK_ATTRIBUTE id = name;
	CK_ATTRIBUTE public[] = { name, id, { CKA_EC_PARAMS, curve, 10 },
		{ CKA_TOKEN, &yes, 1 } };
	CK_ATTRIBUTE private[] = { name, id, { CKA_TOKEN, &yes, 1 },
		{ CKA_PRIVATE, &yes, 1 }, { CKA_SENSITIVE, &yes, 1 },
		{ CKA_SIGN, &yes, 1 }, { CKA_DERIVE, &yes, 1 } };
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE a, b;
	CK_SLOT_ID slots[8];
	CK_ULONG count = 8;

	public[1].type = private[1].type = CKA_ID;
	assert_int_equal(p11_kit_module_initialize(p11), CKR_OK);
	assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	assert_int_equal(
	    p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION,
		NULL, NULL, &session),
	    CKR_OK);
	assert_int_equal(p11->C_GenerateKeyPair(session, &mechanism, public, 4,
			     private, 7, &a, &b),
	    CKR_OK);
	assert_int_equal(p11->C_CloseSession(session), CKR_OK);
	assert_int_equal(p11_kit_module_finalize(p11), CKR_OK);
	p11_kit_module_release(p11);
}

static void
refuses_a_key_whose_attributes_differ_from_the_policy(void **state)
{
	struct token_key *key = NULL;
	struct why why = { 0 };

	(void)state;
	make_lax_key("lax");
	assert_int_equal(
	    token_key(token, "pkcs11:object=lax", TOKEN_SIGN, &key, &why),
	    HM_E_TOKEN_POLICY);
	assert_null(key);
	assert_non_null(strstr(why.text, "CKA_"));
}

static void
keeps_a_secret_and_gives_it_back_once_its_name_fits(void **state)
{
	uint8_t room[16];
	size_t len = 99;

	(void)state;
	assert_int_equal(
	    token_data_store(token, "wifi", HM_LITERAL("pass phrase"), NULL),
	    HM_OK);
	assert_int_equal(
	    token_data_store(token, "wifi", HM_LITERAL("another"), NULL),
	    HM_E_TOKEN_EXISTS);
	assert_int_equal(token_data_load(token, HM_LITERAL("wifi"),
			     (struct hm_span){ room, 10 }, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(token_data_load(token, HM_LITERAL("absent"),
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_E_TOKEN_MATCH);
	assert_int_equal(len, 99);
	assert_int_equal(token_data_load(token, HM_LITERAL("wifi"),
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(len, 11);
	assert_memory_equal(room, "pass phrase", 11);
	assert_int_equal(
	    token_data_store(token, "empty", (struct hm_bytes){ 0 }, NULL),
	    HM_E_TOO_LARGE);
	assert_int_equal(
	    token_data_store(token, "", HM_LITERAL("x"), NULL), HM_E_USAGE);
}

static void
does_not_open_private_keys_without_the_right_pin(void **state)
{
	struct token_options options = { .uri = SOFT_URI,
		.module = getenv("SOFTHSM") };
	struct secret wrong = { 4, "9999" };
	struct token *none = NULL, *public = NULL;
	struct token_key *key = NULL;
	struct why why = { 0 };

	(void)state;
	(void)generate("hidden", TOKEN_P256);
	/* One login is the whole process's: the first must be over. */
	token_free(token);
	token = NULL;
	assert_int_equal(
	    token_open(&options, &wrong, &none, &why), HM_E_TOKEN_PIN);
	assert_null(none);
	assert_null(strstr(why.text, "9999"));
	assert_int_equal(token_open(&options, NULL, &public, NULL), HM_OK);
	assert_int_equal(
	    token_key(public, "pkcs11:object=hidden", TOKEN_SIGN, &key, NULL),
	    HM_E_TOKEN_MATCH);
	token_free(public);
}

static void
opens_only_what_exactly_one_token_matches(void **state)
{
	struct token_options options = { .uri = "pkcs11:token=absent",
		.module = getenv("SOFTHSM") };
	struct token *none = NULL;
	struct why why = { 0 };

	(void)state;
	assert_int_equal(
	    token_open(&options, &soft_pin, &none, &why), HM_E_TOKEN_MATCH);
	assert_non_null(strstr(why.text, SOFT_LABEL));
	soft_make("second");
	options.uri = "pkcs11:";
	why = (struct why){ 0 };
	assert_int_equal(
	    token_open(&options, &soft_pin, &none, &why), HM_E_TOKEN_MATCH);
	assert_non_null(strstr(why.text, "more than one"));
	assert_null(none);
	assert_int_equal(token_init_soft(getenv("SOFTHSM"), "second",
			     &soft_so_pin, &soft_pin, NULL),
	    HM_E_TOKEN_EXISTS);
	assert_int_equal(token_init_soft(getenv("SOFTHSM"), "", &soft_so_pin,
			     &soft_pin, NULL),
	    HM_E_USAGE);
}

static void
takes_the_module_from_the_uri_or_from_the_list_of_p11_kit(void **state)
{
	char uri[256];
	struct token_options options = { .uri = uri };
	struct token *opened = NULL;

	(void)state;
	(void)snprintf(
	    uri, sizeof(uri), SOFT_URI "?module-path=%s", getenv("SOFTHSM"));
	assert_int_equal(token_open(&options, &soft_pin, &opened, NULL), HM_OK);
	token_free(opened);
	(void)snprintf(uri, sizeof(uri), SOFT_URI "?module-name=softhsm2");
	assert_int_equal(token_open(&options, &soft_pin, &opened, NULL), HM_OK);
	token_free(opened);
	opened = NULL;
	(void)snprintf(uri, sizeof(uri), SOFT_URI "?module-name=p11-kit-trust");
	assert_int_equal(
	    token_open(&options, &soft_pin, &opened, NULL), HM_E_TOKEN_MATCH);
	options.module = "/nonexistent/module.so";
	assert_int_equal(
	    token_open(&options, &soft_pin, &opened, NULL), HM_E_TOKEN_MODULE);
	assert_null(opened);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(signs_with_each_type_what_openssl_verifies),
		TEST(finds_a_key_of_an_earlier_run_by_name),
		TEST(refuses_input_or_room_of_the_wrong_size),
		TEST(refuses_a_key_that_no_or_two_objects_match),
		TEST(never_overwrites_a_key),
		TEST(refuses_a_key_whose_attributes_differ_from_the_policy),
		TEST(keeps_a_secret_and_gives_it_back_once_its_name_fits),
		TEST(does_not_open_private_keys_without_the_right_pin),
		TEST(opens_only_what_exactly_one_token_matches),
		TEST(takes_the_module_from_the_uri_or_from_the_list_of_p11_kit),
	};
	return cmocka_run_group_tests(tests, soft_start, soft_stop);
}
