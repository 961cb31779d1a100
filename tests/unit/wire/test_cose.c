/* SPDX-License-Identifier: Apache-2.0 */
/* wire/cose: the one form, byte for byte, and every other refused */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "wire/cose.h"

#define SIGNATURE 0x58, 0x40
#define MAX 256

struct message {
	uint8_t bytes[MAX];
	size_t len;
};

/* `front`, a signature of zeros after it. */
static struct message
with_signature(struct hm_bytes front)
{
	struct message message = { { 0 }, front.len + HM_SIGNATURE_LEN };

	memcpy(message.bytes, front.ptr, front.len);
	return message;
}

static hm_err
decode(struct hm_bytes front, struct hm_sign1 *ret)
{
	struct message message = with_signature(front);

	return hm_sign1_decode(
	    (struct hm_bytes){ message.bytes, message.len }, MAX, ret);
}

static void
encodes_with_and_without_a_key_id(void **state)
{
	static const uint8_t plain[] = { 0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26,
		0xa0, 0x42, 'h', 'i', SIGNATURE };
	static const uint8_t with_kid[] = { 0xd2, 0x84, 0x4d, 0xa2, 0x01, 0x26,
		0x04, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0xa0, 0x42, 'h', 'i',
		SIGNATURE };
	static const uint8_t kid[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct hm_sign1 sign1 = { .payload = HM_LITERAL("hi") };
	struct message want = with_signature(HM_BYTES(plain));
	uint8_t room[MAX];
	size_t len;

	(void)state;
	assert_int_equal(hm_sign1_encode(&sign1,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(len, want.len);
	assert_memory_equal(room, want.bytes, len);

	want = with_signature(HM_BYTES(with_kid));
	sign1.kid = HM_BYTES(kid);
	assert_int_equal(hm_sign1_encode(&sign1,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(len, want.len);
	assert_memory_equal(room, want.bytes, len);
	assert_int_equal(
	    hm_sign1_decode((struct hm_bytes){ room, len }, len, &sign1),
	    HM_OK);
	assert_true(hm_bytes_equal(sign1.kid, HM_BYTES(kid)));
	assert_true(hm_bytes_equal(sign1.payload, HM_LITERAL("hi")));
}

static void
refuses_every_other_form(void **state)
{
#define FORM(...)                                      \
	{                                              \
		(const uint8_t[]){ __VA_ARGS__ },      \
		    sizeof((uint8_t[]){ __VA_ARGS__ }) \
	}
	const struct hm_bytes forms[] = {
		/* no tag */
		FORM(0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x40, SIGNATURE),
		/* tag of COSE_Mac0 */
		FORM(0xd1, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x40, SIGNATURE),
		/* ES384 */
		FORM(0xd2, 0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x40,
		    SIGNATURE),
		/* empty protected header */
		FORM(0xd2, 0x84, 0x40, 0xa0, 0x40, SIGNATURE),
		/* algorithm left out */
		FORM(0xd2, 0x84, 0x41, 0xa0, 0xa0, 0x40, SIGNATURE),
		/* an empty map, and pairs after it */
		FORM(0xd2, 0x84, 0x43, 0xa0, 0x01, 0x26, 0xa0, 0x40, SIGNATURE),
		/* algorithm not protected */
		FORM(0xd2, 0x84, 0x41, 0xa0, 0xa1, 0x01, 0x26, 0x40, SIGNATURE),
		/* something unprotected beside it */
		FORM(0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa1, 0x04, 0x41, 0,
		    0x40, SIGNATURE),
		/* key id of 7 bytes */
		FORM(0xd2, 0x84, 0x4c, 0xa2, 0x01, 0x26, 0x04, 0x47, 1, 2, 3, 4,
		    5, 6, 7, 0xa0, 0x40, SIGNATURE),
		/* a critical header */
		FORM(0xd2, 0x84, 0x47, 0xa2, 0x01, 0x26, 0x02, 0x81, 0x18, 0x64,
		    0xa0, 0x40, SIGNATURE),
		/* bytes after the protected map */
		FORM(0xd2, 0x84, 0x44, 0xa1, 0x01, 0x26, 0x00, 0xa0, 0x40,
		    SIGNATURE),
		/* detached payload */
		FORM(0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0xf6, SIGNATURE),
		/* payload as text */
		FORM(0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x60, SIGNATURE),
		/* five items */
		FORM(0xd2, 0x85, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x40, SIGNATURE),
		/* a longer head of the protected header */
		FORM(0xd2, 0x84, 0x58, 0x03, 0xa1, 0x01, 0x26, 0xa0, 0x40,
		    SIGNATURE),
	};
	struct hm_sign1 sign1, before;

	(void)state;
	memset(&sign1, 0xa5, sizeof(sign1));
	memcpy(&before, &sign1, sizeof(sign1));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_int_equal(decode(forms[i], &sign1), HM_E_BAD_INPUT);
	assert_memory_equal(&sign1, &before, sizeof(sign1));
}

static void
takes_up_to_the_maximum_and_no_more(void **state)
{
	static const uint8_t plain[] = { 0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26,
		0xa0, 0x42, 'h', 'i', SIGNATURE };
	struct message message = with_signature(HM_BYTES(plain));
	struct hm_bytes bytes = { message.bytes, message.len };
	struct hm_sign1 sign1;

	(void)state;
	assert_int_equal(hm_sign1_decode(bytes, bytes.len, &sign1), HM_OK);
	assert_int_equal(
	    hm_sign1_decode(bytes, bytes.len - 1, &sign1), HM_E_BAD_INPUT);
}

static void
the_head_is_that_of_rfc_9052(void **state)
{
	static const uint8_t want[] = { 0x84, 0x6a, 'S', 'i', 'g', 'n', 'a',
		't', 'u', 'r', 'e', '1', 0x43, 0xa1, 0x01, 0x26, 0x43, 'a', 'a',
		'd', 0x59, 0x01, 0x00 };
	uint8_t room[HM_COSE_HEAD_MAX];
	struct hm_span span = { room, sizeof(room) };
	struct hm_bytes none = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(
	    hm_sign1_head(none, HM_LITERAL("aad"), 256, span, &len), HM_OK);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(room, want, len);
}

static void
head_and_overhead_fit_their_maxima(void **state)
{
	uint8_t room[HM_COSE_HEAD_MAX], kid[HM_KID_LEN] = { 0 };
	struct hm_span span = { room, sizeof(room) };
	struct hm_sign1 sign1 = { .kid = HM_BYTES(kid) };
	size_t len;

	(void)state;
	assert_int_equal(
	    hm_sign1_head(HM_BYTES(kid), HM_LITERAL(HM_AAD_CONFORMANCE),
		SIZE_MAX, span, &len),
	    HM_OK);
	assert_int_equal(hm_sign1_encode(&sign1, span, &len), HM_OK);
	/* and up to four more for the length of a longer payload */
	assert_true(len + 4 <= HM_COSE_OVERHEAD_MAX);
	span.len = 20;
	assert_int_equal(
	    hm_sign1_head(HM_BYTES(kid), HM_LITERAL("aad"), 1, span, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(len, 1 + 11 + 14 + 4 + 1);
}

static void
refuses_to_write_a_key_id_of_another_length(void **state)
{
	uint8_t room[MAX], kid[HM_KID_LEN + 1] = { 0 };
	struct hm_span span = { room, sizeof(room) };
	struct hm_sign1 sign1 = { .kid = HM_BYTES(kid) };
	size_t len = 77;

	(void)state;
	assert_int_equal(hm_sign1_encode(&sign1, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_sign1_head(sign1.kid, HM_LITERAL("aad"), 1, span, &len),
	    HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_with_and_without_a_key_id),
		cmocka_unit_test(refuses_every_other_form),
		cmocka_unit_test(takes_up_to_the_maximum_and_no_more),
		cmocka_unit_test(the_head_is_that_of_rfc_9052),
		cmocka_unit_test(head_and_overhead_fit_their_maxima),
		cmocka_unit_test(refuses_to_write_a_key_id_of_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
