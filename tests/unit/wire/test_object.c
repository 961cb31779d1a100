/* SPDX-License-Identifier: Apache-2.0 */
/* wire/object: the rules of what an OEM signs, written as well as read */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "samples.h"
#include "wire/object.h"

static uint8_t room[HM_OBJECT_MAX];
static const struct hm_span span = { room, sizeof(room) };
static struct hm_object object;

static const struct hm_object *
load(const char *name)
{
	static struct hm_object ret;
	size_t len;

	for (size_t i = 0; i < sample_count; i++) {
		static uint8_t bytes[SAMPLE_MAX];

		if (strcmp(samples[i].name, name) != 0)
			continue;
		assert_int_equal(
		    samples[i].encode(
			(struct hm_span){ bytes, sizeof(bytes) }, &len),
		    HM_OK);
		assert_int_equal(
		    hm_object_decode((struct hm_bytes){ bytes, len }, &ret),
		    HM_OK);
		return &ret;
	}
	fail_msg("no sample %s", name);
	return NULL;
}

static hm_err
write_object(void)
{
	size_t len = 77;
	hm_err err = hm_object_encode(&object, span, &len);

	if (err != HM_OK)
		assert_int_equal(len, 77);
	return err;
}

static struct hm_object before;

/* Change `object`, see whether it is refused and, changed back, taken. */
#define REFUSES(change)                                           \
	do {                                                      \
		before = object;                                  \
		change;                                           \
		assert_int_equal(write_object(), HM_E_BAD_INPUT); \
		object = before;                                  \
		assert_int_equal(write_object(), HM_OK);          \
	} while (0)

#define TAKES(change)                                    \
	do {                                             \
		before = object;                         \
		change;                                  \
		assert_int_equal(write_object(), HM_OK); \
		object = before;                         \
	} while (0)

/* Replace the one place where `from` stands in the encoding; is it refused? */
static void
refuses_bytes(struct hm_bytes from, struct hm_bytes to)
{
	static struct hm_object ret;
	size_t len, hits = 0;

	assert_int_equal(from.len, to.len);
	assert_int_equal(hm_object_encode(&object, span, &len), HM_OK);
	for (size_t i = 0; i + from.len <= len; i++)
		if (memcmp(room + i, from.ptr, from.len) == 0) {
			memcpy(room + i, to.ptr, to.len);
			hits++;
		}
	assert_int_equal(hits, 1);
	assert_int_equal(hm_object_decode((struct hm_bytes){ room, len }, &ret),
	    HM_E_BAD_INPUT);
}

static void
refuses_unknown_kinds(void **state)
{
	(void)state;
	object = *load("object-release.cbor");
	REFUSES(object.kind = (hm_object_kind)0);
	REFUSES(object.kind = (hm_object_kind)(HM_OBJECT_APPROVAL + 1));
}

static void
a_product_says_where_its_keys_come_from(void **state)
{
	struct hm_product *p = &object.product;

	(void)state;
	object = *load("object-product.cbor");
	REFUSES(p->key_count = 0);
	REFUSES(p->key_count = HM_PRODUCT_KEYS_MAX + 1);
	REFUSES(p->key_source = HM_KEYS_ENROLLED);
	REFUSES(p->key_source = HM_KEYS_ANY; p->key_count = 0);
	REFUSES(p->keys[0][0] = 2);
	REFUSES(p->scheme = HM_SCHEME_SOFT; p->mpmr[31] = 1);
	REFUSES(p->scheme = (hm_scheme)3);
	TAKES(p->mpmr[31] = 1);
	TAKES(p->key_source = HM_KEYS_ENROLLED; p->key_count = 0);
	TAKES(p->scheme = HM_SCHEME_SOFT);
	object = *load("object-product-soft.cbor");
	REFUSES(p->scheme = HM_SCHEME_IMX_MP);
	/* ANY with imx-mp, read */
	refuses_bytes(HM_LITERAL("\x03\x01\x04\x03\x05\x80\x06\xf6"),
	    HM_LITERAL("\x03\x02\x04\x03\x05\x80\x06\xf6"));
	/* pinned without a key, read */
	refuses_bytes(HM_LITERAL("\x03\x01\x04\x03\x05\x80"),
	    HM_LITERAL("\x03\x01\x04\x01\x05\x80"));
}

static void
a_product_keeps_its_lengths(void **state)
{
	static const uint8_t long_[HM_CONFIG_MAX + 1];
	struct hm_product *p = &object.product;

	(void)state;
	object = *load("object-product.cbor");
	REFUSES(p->name = HM_LITERAL("a b"));
	REFUSES(p->organization = HM_LITERAL(""));
	REFUSES(p->organization = HM_LITERAL("\xc0\x80"));
	REFUSES(p->hw_type = HM_LITERAL(""));
	REFUSES(p->hw_type = ((struct hm_bytes){ long_, 33 }));
	REFUSES(p->config = HM_BYTES(long_));
	REFUSES(p->lock_min = (hm_lock)3);
	TAKES(p->config.len = 0);
	TAKES(memset(p->lock_plan, 0, HM_DIGEST_LEN));
}

static void
a_secret_has_what_its_kind_needs(void **state)
{
	static const uint8_t long_[HM_SECRET_MAX + 1];
	struct hm_secret_spec *s = object.product.secrets;

	(void)state;
	object = *load("object-product.cbor");
	REFUSES(object.product.secret_count = HM_SECRETS_MAX + 1);
	REFUSES(s[0].name = HM_LITERAL(""));
	REFUSES(s[0].name = s[1].name);
	REFUSES(s[0].kind = (hm_secret_kind)0);
	REFUSES(s[0].kind = (hm_secret_kind)7);
	REFUSES(s[0].size = 0);
	REFUSES(s[0].size = HM_SECRET_MAX + 1);
	REFUSES(s[0].source = HM_LITERAL("x"));
	REFUSES(s[1].size = 0);
	REFUSES(s[2].size = 1);
	REFUSES(s[2].source = HM_LITERAL(""));
	REFUSES(s[2].source = HM_LITERAL("\xff"));
	REFUSES(s[3].source = HM_LITERAL("x"));
	REFUSES(s[4].source = HM_LITERAL(""));
	REFUSES(s[4].source = HM_BYTES(long_));
	TAKES(s[4].kind = HM_SECRET_CERTIFICATE);
	/* names the same, read */
	refuses_bytes(HM_LITERAL("\x63url"), HM_LITERAL("\x63pin"));
	/* random without a size, read */
	refuses_bytes(
	    HM_LITERAL("disk\x01\x18\x20"), HM_LITERAL("disk\x04\x18\x20"));
}

static void
a_release_keeps_its_rules(void **state)
{
	struct hm_release *r = &object.release;

	(void)state;
	object = *load("object-release.cbor");
	REFUSES(r->name = HM_LITERAL(".hidden"));
	REFUSES(r->product = HM_LITERAL(""));
	REFUSES(r->channel = (hm_channel)0);
	REFUSES(r->channel = (hm_channel)3);
	TAKES(r->channel = HM_CHANNEL_DEV);
}

static void
a_release_names_its_images_once(void **state)
{
	struct hm_release *r = &object.release;

	(void)state;
	object = *load("object-release.cbor");
	REFUSES(r->image_count = 0);
	REFUSES(r->image_count = HM_RELEASE_IMAGES_MAX + 1);
	REFUSES(r->measured = 2);
	TAKES(r->measured = 1);
	REFUSES(r->images[1].name = r->images[0].name);
	REFUSES(r->images[0].name = HM_LITERAL(""));
	REFUSES(r->images[0].format = HM_LITERAL("a b"));
	REFUSES(r->images[0].version =
		    HM_LITERAL("0123456789abcdef0123456789abcdef!"));
	REFUSES(r->images[0].target = HM_LITERAL("\xff"));
	REFUSES(r->images[0].counter = 6); /* below the release's */
	TAKES(r->images[0].has_counter = false);
	/* measured 0 -> 2, read */
	refuses_bytes(
	    HM_LITERAL("\x06\x00\x07\x81"), HM_LITERAL("\x06\x02\x07\x81"));
	/* an image's counter 8 -> 6, read */
	refuses_bytes(
	    HM_LITERAL("\x07\x08\x08\x58"), HM_LITERAL("\x07\x06\x08\x58"));
}

static void
a_release_names_its_boms_once(void **state)
{
	struct hm_release *r = &object.release;

	(void)state;
	object = *load("object-release.cbor");
	REFUSES(r->sbom_count = HM_RELEASE_SBOMS_MAX + 1);
	REFUSES(r->sboms[0].type = HM_LITERAL(""));
	REFUSES(r->sboms[1] = r->sboms[0]; r->sbom_count = 2);
	TAKES(r->sboms[1] = r->sboms[0]; r->sbom_count = 2;
	      r->sboms[1].name = HM_LITERAL("b"));
	TAKES(r->sbom_count = 0);
}

static void
what_was_promoted_is_for_production(void **state)
{
	struct hm_release *r = &object.release;

	(void)state;
	object = *load("object-release-promoted.cbor");
	TAKES((void)0);
	REFUSES(r->channel = HM_CHANNEL_DEV);
	REFUSES(memset(r->images[0].payload, 0, HM_DIGEST_LEN));
	TAKES(memset(r->promoted, 0, HM_DIGEST_LEN);
	      r->channel = HM_CHANNEL_DEV);
	/* prod -> dev, read */
	refuses_bytes(
	    HM_LITERAL("\x63toy\x03\x02"), HM_LITERAL("\x63toy\x03\x01"));
}

#define DIFFERS(change)                                        \
	do {                                                   \
		before.release = *r;                           \
		change;                                        \
		assert_false(hm_release_is_promoted(r, &dev)); \
		*r = before.release;                           \
		assert_true(hm_release_is_promoted(r, &dev));  \
	} while (0)

static void
a_promotion_keeps_every_payload(void **state)
{
	static struct hm_release dev;
	struct hm_release *r = &object.release;

	(void)state;
	object = *load("object-release.cbor");
	dev = *r;
	dev.channel = HM_CHANNEL_DEV;
	/* other signatures, in another order */
	r->images[2] = r->images[0];
	r->images[0] = r->images[1];
	r->images[1] = r->images[2];
	r->measured = 1;
	r->images[0].digest[0] ^= 1;
	DIFFERS(r->channel = HM_CHANNEL_DEV);
	DIFFERS(r->product = HM_LITERAL("other"));
	DIFFERS(r->counter--);
	DIFFERS(r->image_count = 1);
	DIFFERS(r->images[0].name = HM_LITERAL("other"));
	DIFFERS(r->images[1].payload[31] ^= 1);
	DIFFERS(r->images[1].counter++);
	DIFFERS(r->images[1].has_counter = false);
	DIFFERS(r->images[1].format = HM_LITERAL("raw"));
	DIFFERS(r->images[1].target = HM_LITERAL(""));
	DIFFERS(r->measured = 0);
	dev.channel = HM_CHANNEL_PROD;
	assert_false(hm_release_is_promoted(r, &dev));
}

static void
an_approval_names_who_and_what(void **state)
{
	(void)state;
	object = *load("object-approval.cbor");
	TAKES(memset(object.approval.release, 0, HM_DIGEST_LEN));
	REFUSES(object.approval.approver = HM_LITERAL("a b"));
	REFUSES(object.approval.approver = HM_LITERAL(""));
}

static void
serials_fit_their_digits(void **state)
{
	struct hm_order *o = &object.order;

	(void)state;
	object = *load("object-order.cbor");
	o->quota = 90;
	o->returns = 9;
	o->serial_digits = 2;
	TAKES(o->serial_first = 1); /* 01 to 99 */
	REFUSES(o->serial_first = 2);
	REFUSES(o->returns = 10);
	TAKES(o->serial_first = 0; o->returns = 10); /* 00 to 99 */
	REFUSES(o->returns = 11; o->serial_first = 0);
	REFUSES(o->serial_digits = 0);
	REFUSES(o->serial_digits = 13);
	REFUSES(o->serial_first = UINT64_MAX);
	TAKES(o->serial_digits = 12; o->quota = UINT32_MAX;
	      o->returns = UINT32_MAX; o->has_macs = false);
	TAKES(o->serial_prefix = HM_LITERAL(""));
	REFUSES(o->serial_prefix = HM_LITERAL("seventeen letters"));
	REFUSES(o->serial_prefix = HM_LITERAL("\t"));
	o->serial_first = 1;
	/* first 1 -> 2, read */
	refuses_bytes(
	    HM_LITERAL("GW2\x08\x01\x09"), HM_LITERAL("GW2\x08\x02\x09"));
}

static void
addresses_stay_within_their_block(void **state)
{
	struct hm_order *o = &object.order;

	(void)state;
	object = *load("object-order.cbor");
	o->quota = 250;
	o->returns = 6;
	memcpy(o->mac_first, (uint8_t[]){ 2, 255, 255, 255, 255, 0 }, 6);
	TAKES((void)0); /* to ff:ff */
	REFUSES(o->returns = 7);
	REFUSES(memcpy(o->mac_first, (uint8_t[]){ 1, 0, 94, 0, 0, 1 }, 6));
	REFUSES(memset(o->mac_first, 0xff, 6));
	REFUSES(
	    memcpy(o->mac_first, (uint8_t[]){ 254, 255, 255, 255, 255, 1 }, 6));
	TAKES(memset(o->mac_first, 0xff, 6); o->has_macs = false);
}

static void
an_order_has_a_quota_dates_and_stations(void **state)
{
	struct hm_order *o = &object.order;

	(void)state;
	object = *load("object-order.cbor");
	REFUSES(o->quota = 0; o->returns = 1);
	REFUSES(o->not_after_s = o->not_before_s);
	REFUSES(o->not_before_s = UINT64_MAX);
	REFUSES(o->station_count = 0);
	REFUSES(o->station_count = HM_ORDER_STATIONS_MAX + 1);
	REFUSES(o->stations[1] = HM_LITERAL("x/y"));
	REFUSES(o->channel = (hm_channel)9);
	REFUSES(o->name = HM_LITERAL(""));
	for (uint32_t i = 0; i < HM_ORDER_STATIONS_MAX; i++)
		o->stations[i] = HM_LITERAL("s");
	TAKES(o->station_count = HM_ORDER_STATIONS_MAX);
	/* a station that is no name, read */
	o->station_count = 1;
	o->stations[0] = HM_LITERAL("line_9");
	refuses_bytes(HM_LITERAL("line_9"), HM_LITERAL("line/9"));
}

static void
an_order_without_stations_is_refused_when_read(void **state)
{
	struct hm_object ret;
	size_t len;

	(void)state;
	object = *load("object-order.cbor");
	object.order.station_count = 1;
	object.order.stations[0] = HM_LITERAL("s9");
	assert_int_equal(hm_object_encode(&object, span, &len), HM_OK);
	for (size_t i = 0; i + 5 < len; i++) {
		if (memcmp(room + i, "\x0b\x81\x62s9", 5) != 0)
			continue;
		room[i + 1] = 0x80;
		memmove(room + i + 2, room + i + 5, len - i - 5);
		assert_int_equal(
		    hm_object_decode((struct hm_bytes){ room, len - 3 }, &ret),
		    HM_E_BAD_INPUT);
		return;
	}
	fail_msg("no stations found");
}

static void
a_credential_keeps_its_rules(void **state)
{
	struct hm_credential *c = &object.credential;

	(void)state;
	object = *load("object-credential.cbor");
	REFUSES(c->name = HM_LITERAL(" "));
	REFUSES(c->role = (hm_role)0);
	REFUSES(c->role = (hm_role)6);
	REFUSES(c->key[0] = 0);
	REFUSES(c->site = HM_LITERAL("0123456789abcdef0123456789abcdef!"));
	TAKES(c->role = HM_ROLE_APPROVER);
	TAKES(c->site = HM_LITERAL(""));
	c->site = HM_LITERAL("PO-1");
	TAKES(c->role = HM_ROLE_DEVICE);
	c->role = HM_ROLE_DEVICE;
	REFUSES(c->site = HM_LITERAL("")); /* of which order? */
	REFUSES(c->site = HM_LITERAL("PO 1"));
}

static void
enrolled_digests_are_sorted_and_distinct(void **state)
{
	static uint8_t digests[(HM_ENROL_KEYS_MAX + 1) * HM_DIGEST_LEN];
	struct hm_enrolment *e = &object.enrolment;

	(void)state;
	for (size_t i = 0; i <= HM_ENROL_KEYS_MAX; i++)
		hm_put_u16(digests + i * HM_DIGEST_LEN, (uint16_t)i);
	object = *load("object-enrolment.cbor");
	e->digests = (struct hm_bytes){ digests, 3 * HM_DIGEST_LEN };
	REFUSES(e->digests.len = 0);
	REFUSES(e->digests.len -= 1);
	REFUSES(e->digests.len = sizeof(digests));
	REFUSES(e->product = HM_LITERAL(""));
	TAKES(e->digests.len = sizeof(digests) - HM_DIGEST_LEN);
	refuses_bytes((struct hm_bytes){ digests + HM_DIGEST_LEN, 32 },
	    (struct hm_bytes){ digests + 3 * HM_DIGEST_LEN, 32 });
	digests[1] = 1; /* the first as the second */
	assert_int_equal(write_object(), HM_E_BAD_INPUT);
}

static void
a_command_names_what_its_verb_wants(void **state)
{
	struct hm_command *c = &object.command;
	struct hm_bytes name = HM_LITERAL("po-2031");

	(void)state;
	object = *load("object-command.cbor");
	REFUSES(c->verb = (hm_verb)0);
	REFUSES(c->verb = (hm_verb)(HM_VERB_REVOKE_RELEASE + 1));
	REFUSES(c->reason = HM_LITERAL(""));
	REFUSES(c->target = HM_LITERAL(""));
	for (int verb = HM_VERB_SCRAP; verb <= HM_VERB_RMA; verb++) {
		TAKES(c->verb = (hm_verb)verb);
		REFUSES(c->verb = (hm_verb)verb; c->target = name);
	}
	REFUSES(c->verb = HM_VERB_CLOSE_ORDER); /* hex is too long a name */
	REFUSES(c->verb = HM_VERB_REVOKE_CREDENTIAL);
	TAKES(c->verb = HM_VERB_CLOSE_ORDER; c->target = name);
	TAKES(c->verb = HM_VERB_REVOKE_CREDENTIAL; c->target = name);
	refuses_bytes(HM_LITERAL("2a2b2c"), HM_LITERAL("2A2B2C"));
}

static void
the_largest_order_and_product_fit(void **state)
{
	static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	static const uint8_t long_[HM_SECRET_MAX];
	size_t len;

	(void)state;
	object = *load("object-product.cbor");
	object.product.secret_count = HM_SECRETS_MAX;
	for (uint32_t i = 0; i < HM_SECRETS_MAX; i++)
		object.product.secrets[i] =
		    (struct hm_secret_spec){ { letters, 25 + i },
			    HM_SECRET_LITERAL, 0, HM_BYTES(long_) };
	object.product.key_count = HM_PRODUCT_KEYS_MAX;
	for (uint32_t i = 0; i < HM_PRODUCT_KEYS_MAX; i++)
		object.product.keys[i][0] = 4;
	assert_int_equal(hm_object_encode(&object, span, &len), HM_OK);
	assert_int_equal(
	    hm_object_decode((struct hm_bytes){ room, len }, &object), HM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_unknown_kinds),
		cmocka_unit_test(a_product_says_where_its_keys_come_from),
		cmocka_unit_test(a_product_keeps_its_lengths),
		cmocka_unit_test(a_secret_has_what_its_kind_needs),
		cmocka_unit_test(a_release_keeps_its_rules),
		cmocka_unit_test(a_release_names_its_images_once),
		cmocka_unit_test(a_release_names_its_boms_once),
		cmocka_unit_test(what_was_promoted_is_for_production),
		cmocka_unit_test(a_promotion_keeps_every_payload),
		cmocka_unit_test(an_approval_names_who_and_what),
		cmocka_unit_test(serials_fit_their_digits),
		cmocka_unit_test(addresses_stay_within_their_block),
		cmocka_unit_test(an_order_has_a_quota_dates_and_stations),
		cmocka_unit_test(
		    an_order_without_stations_is_refused_when_read),
		cmocka_unit_test(a_credential_keeps_its_rules),
		cmocka_unit_test(enrolled_digests_are_sorted_and_distinct),
		cmocka_unit_test(a_command_names_what_its_verb_wants),
		cmocka_unit_test(the_largest_order_and_product_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
