/* SPDX-License-Identifier: Apache-2.0 */
/* wire: the rules of single messages; what is common is in test_golden.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "samples.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/evidence.h"
#include "wire/link.h"
#include "wire/problem.h"
#include "wire/stamp.h"
#include "wire/void.h"

static uint8_t room[HM_MESSAGE_MAX];
static const struct hm_span span = { room, sizeof(room) };
static const uint8_t many[HM_LINK_MAX + 1];

static struct hm_bytes
zeros(size_t len)
{
	return (struct hm_bytes){ many, len };
}

static struct hm_bytes
letters(size_t len)
{
	static uint8_t text[HM_RECEIPT_MAX + 1];

	memset(text, 'a', sizeof(text));
	return (struct hm_bytes){ text, len };
}

/* ---- names ---- */

static void
names_are_short_and_plain(void **state)
{
	(void)state;
	assert_true(hm_is_name(HM_LITERAL("a")));
	assert_true(hm_is_name(HM_LITERAL("AZaz09._-")));
	assert_true(hm_is_name(letters(HM_NAME_MAX)));
	assert_false(hm_is_name(letters(HM_NAME_MAX + 1)));
	assert_false(hm_is_name(HM_LITERAL("")));
	assert_false(hm_is_name(HM_LITERAL(".a")));
	assert_false(hm_is_name(HM_LITERAL("..")));
	for (int c = 0; c < 256; c++) {
		uint8_t text[2] = { 'x', (uint8_t)c };
		bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789._-",
				 c) &&
			     c != 0;

		assert_int_equal(hm_is_name(HM_BYTES(text)), plain);
	}
}

static void
a_challenge_names_its_order(void **state)
{
	static const uint8_t slash[] = { 0xa2, 0, 1, 1, 0x61, '/' };
	static const uint8_t empty[] = { 0xa2, 0, 1, 1, 0x60 };
	static const uint8_t good[] = { 0xa2, 0, 1, 1, 0x61, 'o' };
	struct hm_challenge_request request = { .order = letters(33) };
	struct hm_challenge challenge = { .order = HM_LITERAL("a b") };
	size_t len = 77;

	(void)state;
	assert_int_equal(
	    hm_challenge_request_encode(&request, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_challenge_encode(&challenge, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	assert_int_equal(hm_challenge_request_decode(HM_BYTES(slash), &request),
	    HM_E_BAD_INPUT);
	assert_int_equal(hm_challenge_request_decode(HM_BYTES(empty), &request),
	    HM_E_BAD_INPUT);
	assert_int_equal(request.order.len, 33);
	assert_int_equal(
	    hm_challenge_request_decode(HM_BYTES(good), &request), HM_OK);
	assert_true(hm_bytes_equal(request.order, HM_LITERAL("o")));
}

static void
the_longest_challenge_fits_its_maximum(void **state)
{
	struct hm_challenge challenge = { .order = letters(HM_NAME_MAX) };
	size_t len;

	(void)state;
	assert_int_equal(hm_challenge_encode(&challenge, span, &len), HM_OK);
	assert_true(len <= HM_CHALLENGE_MAX);
	assert_int_equal(
	    hm_challenge_decode((struct hm_bytes){ room, len }, &challenge),
	    HM_OK);
}

/* ---- evidence ---- */

static hm_err
evidence_of(size_t claims, size_t proof)
{
	struct hm_evidence evidence = { zeros(claims), zeros(proof), { 0 } };
	size_t len;

	HM_TRY(hm_evidence_encode(&evidence, span, &len));
	assert_true(len <= HM_EVIDENCE_MAX);
	return hm_evidence_decode((struct hm_bytes){ room, len }, &evidence);
}

static void
evidence_keeps_its_maxima(void **state)
{
	(void)state;
	assert_int_equal(evidence_of(1, 1), HM_OK);
	assert_int_equal(evidence_of(HM_CLAIMS_MAX, HM_PROOF_MAX), HM_OK);
	assert_int_equal(evidence_of(0, 1), HM_E_BAD_INPUT);
	assert_int_equal(evidence_of(1, 0), HM_E_BAD_INPUT);
	assert_int_equal(evidence_of(HM_CLAIMS_MAX + 1, 1), HM_E_BAD_INPUT);
	assert_int_equal(evidence_of(1, HM_PROOF_MAX + 1), HM_E_BAD_INPUT);
}

static void
a_soft_key_is_an_uncompressed_point(void **state)
{
	struct hm_proof_soft proof = { .key = { 3 } };
	size_t len = 77;

	(void)state;
	assert_int_equal(
	    hm_proof_soft_encode(&proof, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	proof.key[0] = 4;
	assert_int_equal(hm_proof_soft_encode(&proof, span, &len), HM_OK);
	room[4] = 3;
	assert_int_equal(
	    hm_proof_soft_decode((struct hm_bytes){ room, len }, &proof),
	    HM_E_BAD_INPUT);
	assert_int_equal(proof.key[0], 4);
}

/* ---- issue ---- */

static void
an_issue_keeps_its_maxima(void **state)
{
	struct hm_issue_request request = {
		.order = HM_LITERAL("o"),
		.slot = HM_LITERAL("1"),
		.evidence = zeros(HM_EVIDENCE_MAX + 1),
	};
	struct hm_issue_answer read, answer = {
		.stamp = zeros(HM_STAMP_MAX),
		.entry = zeros(1024),
		.receipt = letters(HM_RECEIPT_MAX + 1),
	};
	size_t len = 77;

	(void)state;
	assert_int_equal(
	    hm_issue_request_encode(&request, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_issue_answer_encode(&answer, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	request.evidence.len--;
	answer.receipt.len--;
	assert_int_equal(hm_issue_request_encode(&request, span, &len), HM_OK);
	assert_int_equal(hm_issue_answer_encode(&answer, span, &len), HM_OK);
	assert_int_equal(
	    hm_issue_answer_decode((struct hm_bytes){ room, len }, &read),
	    HM_OK);
	answer.stamp = zeros(HM_STAMP_MAX + 1);
	assert_int_equal(
	    hm_issue_answer_encode(&answer, span, &len), HM_E_BAD_INPUT);
	answer.stamp = zeros(HM_STAMP_MAX); /* together too long */
	answer.entry = (struct hm_bytes){ room, HM_ENTRY_MAX };
	assert_int_equal(
	    hm_issue_answer_encode(&answer, (struct hm_span){ NULL, 0 }, &len),
	    HM_E_BAD_INPUT);
	answer.stamp = zeros(1);
	answer.receipt = HM_LITERAL("\xff");
	answer.entry = zeros(1);
	assert_int_equal(
	    hm_issue_answer_encode(&answer, span, &len), HM_E_BAD_INPUT);
}

static struct hm_stamp
stamp(void)
{
	return (struct hm_stamp){
		.order = HM_LITERAL("o"),
		.serial = HM_LITERAL("s-1"),
		.certificate = zeros(1),
		.sealed = zeros(16),
		.origin = HM_LITERAL("o"),
		.enc = { 4 },
	};
}

static hm_err
stamp_encode(const struct hm_stamp *stamp)
{
	size_t len = 77;
	hm_err err = hm_stamp_encode(stamp, span, &len);

	if (err != HM_OK)
		assert_int_equal(len, 77);
	return err;
}

static void
a_stamp_keeps_its_rules(void **state)
{
	/* They stand in certificates, file names and URLs as they are. */
	static const char *const not_serials[] = { "s\n", "s 1", "s_1", "s/1",
		"../s", ".s", "-s", "s*" };
	struct hm_stamp s = stamp();

	(void)state;
	assert_int_equal(stamp_encode(&s), HM_OK);
	s.enc[0] = 2;
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s = stamp();
	s.sealed.len = 15;
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s = stamp();
	for (size_t i = 0; i < sizeof(not_serials) / sizeof(not_serials[0]);
	     i++) {
		s.serial = hm_bytes_of(not_serials[i]);
		assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	}
	s.serial = letters(HM_SERIAL_MAX + 1);
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s = stamp();
	s.chain_count = HM_CHAIN_MAX + 1;
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s.chain_count = 1; /* an empty certificate */
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s = stamp();
	s.certificate = zeros(HM_CERT_MAX);
	s.chain[0] = zeros(HM_CERT_MAX);
	s.chain_count = 1; /* each is allowed, together they are too long */
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	/* what fits may be signed and still fits */
	s = stamp();
	s.certificate = zeros(HM_CERT_MAX);
	s.chain_count = 1;
	for (size_t n = HM_CERT_MAX - 400; n < HM_CERT_MAX; n++) {
		size_t len = 0;

		s.chain[0] = zeros(n);
		if (hm_stamp_encode(&s, span, &len) != HM_OK)
			break;
		assert_true(len + HM_COSE_OVERHEAD_MAX <= HM_STAMP_MAX);
	}
	s = stamp();
	s.config = zeros(HM_CONFIG_MAX + 1);
	assert_int_equal(stamp_encode(&s), HM_E_BAD_INPUT);
	s.config.len--;
	assert_int_equal(stamp_encode(&s), HM_OK);
}

/* ---- secrets ---- */

static void
secrets_of(uint32_t count, size_t value, hm_err want)
{
	static const uint8_t names[] = "abcdefghi";
	struct hm_secret secrets[HM_SECRETS_MAX + 1];
	size_t len = 77;

	for (uint32_t i = 0; i < HM_SECRETS_MAX + 1; i++)
		secrets[i] = (struct hm_secret){ { names + i, 1 },
			HM_SECRET_RANDOM, zeros(value) };
	assert_int_equal(hm_secrets_encode(secrets, count, span, &len), want);
	if (want != HM_OK) {
		assert_int_equal(len, 77);
		return;
	}
	assert_int_equal(
	    hm_secrets_decode((struct hm_bytes){ room, len }, secrets, &count),
	    HM_OK);
}

static void
secrets_keep_their_maxima(void **state)
{
	(void)state;
	secrets_of(0, 0, HM_OK);
	secrets_of(HM_SECRETS_MAX, 500, HM_OK);
	secrets_of(HM_SECRETS_MAX + 1, 1, HM_E_BAD_INPUT);
	secrets_of(1, HM_SECRET_MAX, HM_OK);
	secrets_of(1, HM_SECRET_MAX + 1, HM_E_BAD_INPUT);
	secrets_of(HM_SECRETS_MAX, HM_SECRET_MAX, HM_E_BAD_INPUT);
}

static void
no_two_secrets_share_a_name(void **state)
{
	static const uint8_t twice[] = { 0x82, 0x83, 0x61, 'a', 1, 0x40, 0x83,
		0x61, 'a', 2, 0x40 };
	static const uint8_t kind_0[] = { 0x81, 0x83, 0x61, 'a', 0, 0x40 };
	static const uint8_t kind_7[] = { 0x81, 0x83, 0x61, 'a', 7, 0x40 };
	static const uint8_t good[] = { 0x81, 0x83, 0x61, 'a', 6, 0x40 };
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t count = 99;

	(void)state;
	assert_int_equal(hm_secrets_decode(HM_BYTES(twice), secrets, &count),
	    HM_E_BAD_INPUT);
	assert_int_equal(hm_secrets_decode(HM_BYTES(kind_0), secrets, &count),
	    HM_E_BAD_INPUT);
	assert_int_equal(hm_secrets_decode(HM_BYTES(kind_7), secrets, &count),
	    HM_E_BAD_INPUT);
	assert_int_equal(count, 99);
	assert_int_equal(
	    hm_secrets_decode(HM_BYTES(good), secrets, &count), HM_OK);
	assert_int_equal(count, 1);
	secrets[1] = secrets[0];
	assert_int_equal(hm_secrets_encode(secrets, 2, span, &(size_t){ 0 }),
	    HM_E_BAD_INPUT);
}

static void
sealing_is_bound_to_order_device_and_binding(void **state)
{
	uint8_t device_id[HM_DEVICE_ID_LEN], binding[HM_DIGEST_LEN],
	    info[HM_SEAL_INFO_MAX], aad[HM_SEAL_AAD_MAX];
	struct hm_span info_room = { info, sizeof(info) };
	size_t len;

	(void)state;
	sample_fill(device_id, sizeof(device_id), 0x20);
	sample_fill(binding, sizeof(binding), 0x90);
	assert_int_equal(hm_seal_info(HM_LITERAL("po-1"), device_id, binding,
			     info_room, &len),
	    HM_OK);
	assert_int_equal(len, 16 + 4 + 1 + 32 + 32);
	assert_memory_equal(info, "hallmark-seal-v1po-1", 21);
	assert_memory_equal(info + 21, device_id, 32);
	assert_memory_equal(info + 53, binding, 32);

	assert_int_equal(hm_seal_info(letters(HM_NAME_MAX), device_id, binding,
			     info_room, &len),
	    HM_OK);
	assert_int_equal(hm_seal_aad(device_id, letters(HM_SERIAL_MAX),
			     (struct hm_span){ aad, sizeof(aad) }, &len),
	    HM_OK);
	info_room.len = 80;
	assert_int_equal(hm_seal_info(HM_LITERAL("po-1"), device_id, binding,
			     info_room, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(hm_seal_aad(device_id, HM_LITERAL("s"),
			     (struct hm_span){ aad, 3 }, &len),
	    HM_E_NO_ROOM);
	len = 77;
	assert_int_equal(hm_seal_info(HM_LITERAL("a/b"), device_id, binding,
			     info_room, &len),
	    HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_seal_aad(device_id, HM_LITERAL(""), span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
}

/* ---- confirm and void ---- */

static void
a_confirmation_keeps_its_maxima(void **state)
{
	struct hm_conformance conformance = { .lock = (hm_lock)3 };
	struct hm_confirm_request request = { HM_LITERAL("o"),
		zeros(HM_CONFORMANCE_MAX + 1) };
	struct hm_confirm_answer answer = { zeros(1), { 0 } };
	size_t len = 77;

	(void)state;
	assert_int_equal(
	    hm_conformance_encode(&conformance, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_confirm_request_encode(&request, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_confirm_answer_encode(&answer, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	request.conformance.len--;
	assert_int_equal(
	    hm_confirm_request_encode(&request, span, &len), HM_OK);
}

static void
the_longest_conformance_fits_its_message(void **state)
{
	struct hm_conformance conformance = { .counter = UINT32_MAX };
	size_t len;

	(void)state;
	assert_int_equal(
	    hm_conformance_encode(&conformance, span, &len), HM_OK);
	assert_true(len + HM_COSE_OVERHEAD_MAX <= HM_CONFORMANCE_MAX);
}

static void
a_void_needs_its_reason(void **state)
{
	struct hm_void void_ = { .order = letters(HM_NAME_MAX),
		.signed_s = UINT64_MAX };
	size_t len = 77;

	(void)state;
	assert_int_equal(hm_void_encode(&void_, span, &len), HM_E_BAD_INPUT);
	void_.reason = letters(HM_REASON_MAX + 1);
	assert_int_equal(hm_void_encode(&void_, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	void_.reason = letters(HM_REASON_MAX);
	assert_int_equal(hm_void_encode(&void_, span, &len), HM_OK);
	assert_true(len + HM_COSE_OVERHEAD_MAX <= HM_VOID_MAX);
}

/* ---- problem ---- */

static void
a_problem_is_one_of_the_list(void **state)
{
	static const uint8_t ok[] = { 0xa3, 0, 1, 1, 0, 2, 0xf6 };
	static const uint8_t unknown[] = { 0xa3, 0, 1, 1, 0x19, 0x17, 0xda, 2,
		0xf6 };
	struct hm_problem problem = { .err = HM_OK };
	size_t len = 77;

	(void)state;
	assert_int_equal(
	    hm_problem_encode(&problem, span, &len), HM_E_BAD_INPUT);
	problem.err = (hm_err)1000;
	assert_int_equal(
	    hm_problem_encode(&problem, span, &len), HM_E_BAD_INPUT);
	problem.err = (hm_err)10000;
	assert_int_equal(
	    hm_problem_encode(&problem, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	assert_int_equal(
	    hm_problem_decode(HM_BYTES(ok), &problem), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_problem_decode(HM_BYTES(unknown), &problem), HM_E_BAD_INPUT);
	assert_int_equal((int)problem.err, 10000);
}

static void
every_error_of_the_list_is_a_problem(void **state)
{
#define ROW(name, id, http, ex, class, words, act) HM_##name,
	static const hm_err all[] = { HM_ERR_LIST(ROW) };
#undef ROW

	(void)state;
	for (size_t i = 1; i < sizeof(all) / sizeof(all[0]); i++) {
		struct hm_problem problem = { .err = all[i],
			.has_reference = true };
		size_t len;

		assert_int_equal(
		    hm_problem_encode(&problem, span, &len), HM_OK);
		assert_true(len <= HM_PROBLEM_MAX);
		problem.err = HM_OK;
		assert_int_equal(
		    hm_problem_decode((struct hm_bytes){ room, len }, &problem),
		    HM_OK);
		assert_int_equal(problem.err, all[i]);
	}
}

/* ---- link ---- */

static void
only_hello_and_done_have_no_body(void **state)
{
	(void)state;
	for (int type = -1; type <= HM_LINK_LAST + 1; type++) {
		struct hm_link bare = { .type = (hm_link_type)type };
		struct hm_link full = { bare.type, HM_LITERAL("x") };
		bool known = type >= HM_LINK_HELLO && type <= HM_LINK_LAST;
		bool none = type == HM_LINK_HELLO || type == HM_LINK_DONE;
		size_t len;

		assert_int_equal(hm_link_encode(&bare, span, &len),
		    known && none ? HM_OK : HM_E_BAD_INPUT);
		assert_int_equal(hm_link_encode(&full, span, &len),
		    known && !none ? HM_OK : HM_E_BAD_INPUT);
	}
}

static void
refuses_bodies_that_do_not_belong(void **state)
{
	static const uint8_t type_0[] = { 0x82, 0, 0xf6 };
	static const uint8_t type_14[] = { 0x82, 14, 0x41, 0 };
	static const uint8_t hello_bytes[] = { 0x82, 1, 0x40 };
	static const uint8_t stamp_null[] = { 0x82, 5, 0xf6 };
	static const uint8_t stamp_empty[] = { 0x82, 5, 0x40 };
	static const uint8_t info_map[] = { 0x82, 2, 0xa0 };
	const struct hm_bytes bad[] = { HM_BYTES(type_0), HM_BYTES(type_14),
		HM_BYTES(hello_bytes), HM_BYTES(stamp_null),
		HM_BYTES(stamp_empty), HM_BYTES(info_map) };
	struct hm_link link = { HM_LINK_DONE, zeros(5) };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hm_link_decode(bad[i], &link), HM_E_BAD_INPUT);
	assert_int_equal(link.type, HM_LINK_DONE);
	assert_int_equal(link.body.len, 5);
}

static void
a_link_message_keeps_its_maximum(void **state)
{
	struct hm_link link = { HM_LINK_STAMP, zeros(HM_LINK_MAX - 5) };
	size_t len = 77;

	(void)state;
	assert_int_equal(hm_link_encode(&link, span, &len), HM_OK);
	assert_int_equal(len, HM_LINK_MAX);
	assert_int_equal(
	    hm_link_decode((struct hm_bytes){ room, len }, &link), HM_OK);
	link.body = zeros(HM_LINK_MAX - 4);
	len = 77;
	assert_int_equal(hm_link_encode(&link, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
}

static void
an_info_keeps_its_ranges(void **state)
{
	struct hm_info info = { .state = (hm_agent_state)4,
		.scheme = HM_SCHEME_SOFT };
	size_t len = 77;

	(void)state;
	assert_int_equal(hm_info_encode(&info, span, &len), HM_E_BAD_INPUT);
	info.state = HM_AGENT_COMPLETE;
	info.scheme = (hm_scheme)0;
	assert_int_equal(hm_info_encode(&info, span, &len), HM_E_BAD_INPUT);
	info.scheme = HM_SCHEME_IMX_MP;
	info.last = (hm_err)1;
	assert_int_equal(hm_info_encode(&info, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
	info.last = HM_OK;
	assert_int_equal(hm_info_encode(&info, span, &len), HM_OK);
	room[len - 1] = 1; /* no such error */
	assert_int_equal(hm_info_decode((struct hm_bytes){ room, len }, &info),
	    HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_short_and_plain),
		cmocka_unit_test(a_challenge_names_its_order),
		cmocka_unit_test(the_longest_challenge_fits_its_maximum),
		cmocka_unit_test(evidence_keeps_its_maxima),
		cmocka_unit_test(a_soft_key_is_an_uncompressed_point),
		cmocka_unit_test(an_issue_keeps_its_maxima),
		cmocka_unit_test(a_stamp_keeps_its_rules),
		cmocka_unit_test(secrets_keep_their_maxima),
		cmocka_unit_test(no_two_secrets_share_a_name),
		cmocka_unit_test(sealing_is_bound_to_order_device_and_binding),
		cmocka_unit_test(a_confirmation_keeps_its_maxima),
		cmocka_unit_test(the_longest_conformance_fits_its_message),
		cmocka_unit_test(a_void_needs_its_reason),
		cmocka_unit_test(a_problem_is_one_of_the_list),
		cmocka_unit_test(every_error_of_the_list_is_a_problem),
		cmocka_unit_test(only_hello_and_done_have_no_body),
		cmocka_unit_test(refuses_bodies_that_do_not_belong),
		cmocka_unit_test(a_link_message_keeps_its_maximum),
		cmocka_unit_test(an_info_keeps_its_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
