/* SPDX-License-Identifier: Apache-2.0 */
#include "factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "wire/cose.h"
#include "wire/void.h"

#define YEAR_S 31536000

static uint8_t room[HM_ENTRY_MAX];

static void
must(hm_err err)
{
	if (err != HM_OK)
		(void)fprintf(stderr, "factory: HM-%04d\n", (int)err);
	hm_assert(err == HM_OK);
}

void
factory_digest(
    const char *what, uint32_t number, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t suffix[4];
	const struct hm_bytes pieces[] = { hm_bytes_of(what),
		HM_BYTES(suffix) };

	hm_put_u32(suffix, number);
	sha256(pieces, 2, ret);
}

void
factory_device_id(uint32_t number, uint8_t ret[static HM_DEVICE_ID_LEN])
{
	factory_digest("device", number, ret);
}

static struct p256_pair *
make_pair(uint8_t last)
{
	uint8_t scalar[P256_SCALAR_LEN] = { 1, 2, 3 };
	struct p256_pair *pair;

	scalar[P256_SCALAR_LEN - 1] = last;
	must(p256_pair_from(scalar, &pair));
	return pair;
}

void
factory_init(struct factory *factory, struct tiles *tiles)
{
	*factory = (struct factory){ .tiles = tiles, .now_s = FACTORY_START_S };
	factory->authority = make_pair(1);
	factory->channel = HM_CHANNEL_DEV;
	factory->station = make_pair(2);
	factory->approvers[0] = make_pair(3);
	factory->approvers[1] = make_pair(4);
	p256_pair_point(factory->authority, factory->authority_point);
	factory_digest("image", 0, factory->image);
}

void
factory_done(struct factory *factory)
{
	p256_pair_free(factory->authority);
	p256_pair_free(factory->station);
	p256_pair_free(factory->approvers[0]);
	p256_pair_free(factory->approvers[1]);
}

void
factory_entry(struct factory *factory, struct hm_entry *entry)
{
	size_t len;

	entry->time_s = factory->now_s++;
	must(hm_entry_encode(
	    entry, (struct hm_span){ room, sizeof(room) }, &len));
	must(tiles_add(factory->tiles, (struct hm_bytes){ room, len }));
}

static size_t
sign(struct p256_pair *pair, struct hm_bytes aad, struct hm_bytes payload,
    struct hm_span to)
{
	struct hm_sign1 sign1 = { .payload = payload };
	uint8_t head[HM_COSE_HEAD_MAX], digest[SHA256_LEN];
	size_t len;

	must(hm_sign1_head(sign1.kid, aad, payload.len,
	    (struct hm_span){ head, sizeof(head) }, &len));
	const struct hm_bytes pieces[] = { { head, len }, payload };

	sha256(pieces, 2, digest);
	must(p256_pair_sign(pair, digest, sign1.signature));
	must(hm_sign1_encode(&sign1, to, &len));
	return len;
}

static void
add_object(struct factory *factory, struct hm_object *object,
    struct p256_pair *by, struct hm_bytes aad, uint8_t *ret_digest)
{
	static uint8_t payload[HM_OBJECT_MAX], message[HM_OBJECT_MAX];
	struct hm_entry entry = { .type = HM_ENTRY_OBJECT };
	size_t len;

	object->made_s = factory->now_s;
	must(hm_object_encode(
	    object, (struct hm_span){ payload, sizeof(payload) }, &len));
	len = sign(by, aad, (struct hm_bytes){ payload, len },
	    (struct hm_span){ message, sizeof(message) });
	entry.object = (struct hm_bytes){ message, len };
	if (ret_digest)
		sha256_one(entry.object, ret_digest);
	factory_entry(factory, &entry);
}

void
factory_object(
    struct factory *factory, struct hm_object *object, uint8_t *ret_digest)
{
	add_object(factory, object, factory->authority,
	    HM_LITERAL(HM_AAD_OBJECT), ret_digest);
}

void
factory_approve(struct factory *factory, struct p256_pair *by, const char *name,
    const uint8_t *release)
{
	static struct hm_object object;

	object = (struct hm_object){ .kind = HM_OBJECT_APPROVAL };
	object.approval.approver = hm_bytes_of(name);
	memcpy(object.approval.release, release, HM_DIGEST_LEN);
	add_object(factory, &object, by, HM_LITERAL(HM_AAD_APPROVAL), NULL);
}

static void
add_product(struct factory *factory)
{
	static const uint8_t oid[] = { 0x2b, 6, 1, 4, 1 };
	static struct hm_object object;

	object = (struct hm_object){ .kind = HM_OBJECT_PRODUCT };
	object.product.name = HM_LITERAL("thermostat");
	object.product.version = 1;
	object.product.scheme = HM_SCHEME_SOFT;
	object.product.key_source = HM_KEYS_ANY;
	object.product.lock_min = HM_LOCK_CLOSED;
	object.product.organization = HM_LITERAL("Example");
	object.product.hw_type = HM_BYTES(oid);
	factory_object(factory, &object, factory->product);
}

static void
add_release(struct factory *factory)
{
	static struct hm_object object;

	object = (struct hm_object){ .kind = HM_OBJECT_RELEASE };
	object.release.name = HM_LITERAL("2.4.1");
	object.release.product = HM_LITERAL("thermostat");
	object.release.channel = HM_CHANNEL_DEV;
	object.release.counter = 3;
	object.release.image_count = 1;
	object.release.images[0] = (struct hm_image){ .name = HM_LITERAL("app"),
		.format = HM_LITERAL("raw"),
		.size = 123456 };
	memcpy(object.release.images[0].digest, factory->image, HM_DIGEST_LEN);
	factory_object(factory, &object, factory->release);
}

void
factory_credential(struct factory *factory, const char *name, hm_role role,
    struct p256_pair *pair)
{
	static struct hm_object object;

	object = (struct hm_object){ .kind = HM_OBJECT_CREDENTIAL };
	object.credential.name = hm_bytes_of(name);
	object.credential.role = role;
	object.credential.site = HM_LITERAL("shenzhen");
	object.credential.not_after_s = FACTORY_START_S + YEAR_S;
	p256_pair_point(pair, object.credential.key);
	factory_object(factory, &object, NULL);
}

void
factory_begin(struct factory *factory)
{
	struct hm_entry entry = { .type = HM_ENTRY_GENESIS };

	entry.genesis.origin = HM_LITERAL(FACTORY_ORIGIN);
	p256_pair_point(factory->authority, entry.genesis.authority);
	p256_pair_point(factory->station, entry.genesis.stamp_key);
	factory_digest("issuer", 0, entry.genesis.issuer);
	factory_entry(factory, &entry);
	add_product(factory);
	add_release(factory);
	factory_credential(
	    factory, FACTORY_STATION, HM_ROLE_STATION, factory->station);
}

void
factory_order(struct factory *factory, const char *name, uint32_t quota,
    uint32_t returns, uint64_t first)
{
	static struct hm_object object;
	struct hm_order *order = &object.order;

	object = (struct hm_object){ .kind = HM_OBJECT_ORDER };
	order->name = hm_bytes_of(name);
	memcpy(order->product, factory->product, HM_DIGEST_LEN);
	memcpy(order->release, factory->release, HM_DIGEST_LEN);
	order->channel = factory->channel;
	order->quota = quota;
	order->returns = returns;
	order->serial_prefix = HM_LITERAL("T-");
	order->serial_first = first;
	order->serial_digits = 7;
	order->has_macs = true;
	order->mac_first[0] = 2;
	hm_put_u32(order->mac_first + 2, (uint32_t)first);
	order->stations[0] = HM_LITERAL(FACTORY_STATION);
	order->station_count = 1;
	order->not_before_s = factory->now_s - 10;
	order->not_after_s = factory->now_s + YEAR_S;
	order->confirm_within_s = 600;
	factory_object(factory, &object, NULL);
}

void
factory_reserve(struct factory *factory, const char *order, uint32_t number)
{
	struct hm_entry entry = { .type = HM_ENTRY_RESERVE };

	entry.reserve.order = hm_bytes_of(order);
	entry.reserve.station = HM_LITERAL(FACTORY_STATION);
	factory_device_id(number, entry.reserve.device_id);
	factory_entry(factory, &entry);
}

void
factory_issue_of(const struct factory *factory, const char *order,
    uint32_t number, char serial[static HM_SERIAL_MAX + 1],
    struct hm_entry *ret)
{
	struct hm_entry_issue *issue = &ret->issue;

	*ret = (struct hm_entry){ .type = HM_ENTRY_ISSUE };
	(void)snprintf(serial, HM_SERIAL_MAX + 1, "T-%07u", (unsigned)number);
	issue->order = hm_bytes_of(order);
	issue->station = HM_LITERAL(FACTORY_STATION);
	issue->serial = hm_bytes_of(serial);
	issue->has_mac = true;
	issue->mac[0] = 2;
	hm_put_u32(issue->mac + 2, number);
	factory_device_id(number, issue->device_id);
	memcpy(issue->product, factory->product, HM_DIGEST_LEN);
	memcpy(issue->release, factory->image, HM_DIGEST_LEN);
	factory_digest("identity", number, issue->identity);
	factory_digest("binding", number, issue->binding);
	factory_digest("evidence", number, issue->evidence);
	factory_digest("certificate", number, issue->certificate);
	factory_digest("stamp", number, issue->stamp);
}

void
factory_issue(struct factory *factory, const char *order, uint32_t number)
{
	char serial[HM_SERIAL_MAX + 1];
	struct hm_entry entry;

	factory_issue_of(factory, order, number, serial, &entry);
	factory_entry(factory, &entry);
}

void
factory_confirm(struct factory *factory, const char *order, uint32_t number)
{
	struct hm_entry entry = { .type = HM_ENTRY_CONFIRM };

	entry.confirm.order = hm_bytes_of(order);
	entry.confirm.station = HM_LITERAL(FACTORY_STATION);
	factory_device_id(number, entry.confirm.device_id);
	factory_digest("stamp", number, entry.confirm.stamp);
	factory_digest("conformance", number, entry.confirm.conformance);
	entry.confirm.lock = HM_LOCK_CLOSED;
	factory_entry(factory, &entry);
}

void
factory_void(
    struct factory *factory, const char *order, uint32_t number, bool returned)
{
	struct hm_entry entry = { .type = HM_ENTRY_VOID };
	struct hm_void said = { .order = hm_bytes_of(order),
		.reason = HM_LITERAL("fell off the belt"),
		.signed_s = factory->now_s };
	uint8_t payload[HM_VOID_MAX], message[HM_VOID_MAX];
	size_t len;

	factory_device_id(number, said.device_id);
	must(hm_void_encode(
	    &said, (struct hm_span){ payload, sizeof(payload) }, &len));
	len = sign(factory->station, HM_LITERAL(HM_AAD_VOID),
	    (struct hm_bytes){ payload, len },
	    (struct hm_span){ message, sizeof(message) });
	entry.voided.order = hm_bytes_of(order);
	entry.voided.station = HM_LITERAL(FACTORY_STATION);
	entry.voided.void_ = (struct hm_bytes){ message, len };
	memcpy(entry.voided.device_id, said.device_id, HM_DEVICE_ID_LEN);
	entry.voided.returned = returned;
	factory_entry(factory, &entry);
}

void
factory_command(struct factory *factory, hm_verb verb, uint32_t number,
    uint8_t ret_digest[static HM_DIGEST_LEN])
{
	static struct hm_object object;
	static uint32_t count;
	uint8_t id[HM_DEVICE_ID_LEN];
	char hex[2 * HM_DEVICE_ID_LEN + 1];

	object = (struct hm_object){ .kind = HM_OBJECT_COMMAND };
	factory_device_id(number, id);
	hex_format(HM_BYTES(id), hex);
	object.command.verb = verb;
	object.command.target = hm_bytes_of(hex);
	object.command.reason = HM_LITERAL("as the test says");
	hm_put_u32(object.command.nonce, ++count);
	factory_object(factory, &object, ret_digest);
}

void
factory_state(struct factory *factory, uint32_t number, hm_device_state from,
    hm_device_state to, const uint8_t *command)
{
	struct hm_entry entry = { .type = HM_ENTRY_STATE };

	factory_device_id(number, entry.state.device_id);
	entry.state.from = from;
	entry.state.to = to;
	if (command)
		memcpy(entry.state.command, command, HM_DIGEST_LEN);
	factory_entry(factory, &entry);
}
