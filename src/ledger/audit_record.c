/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "wire/cose.h"
#include "wire/void.h"

#define NAME(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static void
copy_text(char *ret, size_t size, struct hm_bytes text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len > 0)
		memcpy(ret, text.ptr, len);
	ret[len] = '\0';
}

/* --- signatures --- */

/* As seal/ does it; floor 4 does not know itself. */
static hm_err
open_sign1(struct p256_public *key, struct hm_bytes aad, size_t max,
    struct hm_bytes message, struct hm_bytes *ret_payload)
{
	struct hm_sign1 sign1;
	uint8_t head[HM_COSE_HEAD_MAX], digest[SHA256_LEN];
	size_t len;

	HM_TRY(hm_sign1_decode(message, max, &sign1));
	HM_TRY(hm_sign1_head(sign1.kid, aad, sign1.payload.len,
	    (struct hm_span){ head, sizeof(head) }, &len));
	const struct hm_bytes pieces[] = { { head, len }, sign1.payload };

	sha256(pieces, 2, digest);
	HM_TRY(p256_verify_with(key, digest, sign1.signature));
	*ret_payload = sign1.payload;
	return HM_OK;
}

struct audit_credential *
audit_find_credential(struct audit *audit, struct hm_bytes name)
{
	const struct audit_slot *slot;
	uint8_t key[AUDIT_KEY_LEN];

	audit_key(name, key);
	slot = audit_table_find(&audit->credential_names, key);
	return slot ? &audit->credentials.list[slot->value - 1] : NULL;
}

hm_err
audit_open_by_station(struct audit *audit, struct hm_bytes name,
    struct hm_bytes aad, struct hm_bytes message, struct hm_bytes *ret_payload)
{
	struct audit_credential *credential =
	    audit_find_credential(audit, name);

	if (!credential)
		return HM_E_NOT_FOUND;
	if (!credential->key)
		HM_TRY(p256_public_new(credential->point, &credential->key));
	return open_sign1(
	    credential->key, aad, HM_VOID_MAX, message, ret_payload);
}

/* --- orders and stations --- */

uint32_t
audit_find_order(struct audit *audit, struct hm_bytes name)
{
	const struct audit_slot *slot;
	uint8_t key[AUDIT_KEY_LEN];

	/* Neighbours are of one order, mostly. */
	if (audit->last_order < audit->orders.count &&
	    hm_bytes_equal(
		name, hm_bytes_of(audit->orders.list[audit->last_order].name)))
		return audit->last_order;
	audit_key(name, key);
	slot = audit_table_find(&audit->order_names, key);
	if (!slot)
		return UINT32_MAX;
	audit->last_order = slot->value - 1;
	return audit->last_order;
}

void
audit_check_station(struct audit *audit, uint32_t order, struct hm_bytes name)
{
	const struct audit_grant *grant = &audit->grants.list[order];
	const struct audit_credential *station;
	bool named = false;

	for (uint32_t i = 0; !named && i < grant->station_count; i++)
		named = hm_bytes_equal(name, hm_bytes_of(grant->stations[i]));
	station = audit_find_credential(audit, name);
	if (station && station->role == HM_ROLE_DEVICE)
		named =
		    strcmp(station->bound, audit->orders.list[order].name) == 0;
	if (!named)
		audit_entry_found(audit,
		    "the order %s does not name the station %.*s",
		    audit->orders.list[order].name, NAME(name));
	else if (!station || (station->role != HM_ROLE_STATION &&
				 station->role != HM_ROLE_DEVICE))
		audit_entry_found(audit,
		    "%.*s has no credential as a station or device",
		    NAME(name));
	else if (station->revoked)
		audit_entry_found(
		    audit, "the credential of %.*s was revoked", NAME(name));
}

/* --- objects --- */

static const struct audit_product *
find_product(const struct audit *audit, const uint8_t *digest)
{
	for (uint32_t i = 0; i < audit->products.count; i++)
		if (memcmp(audit->products.list[i].digest, digest,
			HM_DIGEST_LEN) == 0)
			return &audit->products.list[i];
	return NULL;
}

static hm_err
copy_stations(const struct hm_order *order, struct audit_grant *ret)
{
	ret->stations = calloc(order->station_count, sizeof(*ret->stations));
	if (!ret->stations)
		return HM_E_NO_MEMORY;
	ret->station_count = order->station_count;
	for (uint32_t i = 0; i < order->station_count; i++)
		copy_text(ret->stations[i], sizeof(ret->stations[i]),
		    order->stations[i]);
	return HM_OK;
}

static void
copy_grant(const struct hm_order *order, struct audit_grant *ret)
{
	uint8_t wide[8] = { 0 };

	memcpy(ret->product, order->product, HM_DIGEST_LEN);
	copy_text(ret->prefix, sizeof(ret->prefix), order->serial_prefix);
	ret->first = order->serial_first;
	ret->digits = order->serial_digits;
	ret->has_macs = order->has_macs;
	memcpy(wide + 2, order->mac_first, HM_MAC_LEN);
	ret->mac_first = hm_get_u64(wide);
	ret->not_before_s = order->not_before_s;
	ret->not_after_s = order->not_after_s;
}

static hm_err
add_order(struct audit *audit, const struct hm_order *order)
{
	const struct audit_product *product =
	    find_product(audit, order->product);
	uint32_t release = audit_find_release(audit, order->release);
	uint32_t index = audit->orders.count, old;
	struct audit_grant *grant;
	uint8_t key[AUDIT_KEY_LEN];
	bool is_new;

	audit_key(order->name, key);
	HM_TRY(audit_table_add(&audit->order_names, key, index, &old, &is_new));
	if (!is_new) {
		audit_entry_found(audit, "a second order of the name %.*s",
		    NAME(order->name));
		return HM_OK;
	}
	if (!product || release == UINT32_MAX)
		audit_entry_found(audit,
		    "the order %.*s is for a %s that is not in the log before",
		    NAME(order->name), product ? "release" : "product");

	if (release != UINT32_MAX)
		audit_check_release(audit, order, release);
	HM_TRY(AUDIT_GROW(&audit->orders));
	HM_TRY(AUDIT_GROW(&audit->grants));
	grant = &audit->grants.list[index];
	HM_TRY(copy_stations(order, grant));
	copy_grant(order, grant);
	if (product)
		grant->lock_min = product->lock_min;
	grant->release = release;
	if (release != UINT32_MAX)
		memcpy(grant->image, audit->releases.list[release].image,
		    HM_DIGEST_LEN);
	copy_text(audit->orders.list[index].name,
	    sizeof(audit->orders.list[index].name), order->name);
	audit->orders.list[index].ordered = order->quota;
	audit->orders.list[index].returns = order->returns;
	audit->orders.count++;
	audit->grants.count++;
	return HM_OK;
}

static hm_err
add_credential(struct audit *audit, const struct hm_credential *credential)
{
	uint32_t index = audit->credentials.count, old;
	struct audit_credential *made;
	uint8_t key[AUDIT_KEY_LEN];
	bool is_new;

	audit_key(credential->name, key);
	HM_TRY(audit_table_add(
	    &audit->credential_names, key, index, &old, &is_new));
	if (!is_new) {
		audit_entry_found(audit, "a second credential of the name %.*s",
		    NAME(credential->name));
		return HM_OK;
	}
	HM_TRY(AUDIT_GROW(&audit->credentials));
	made = &audit->credentials.list[index];
	copy_text(made->name, sizeof(made->name), credential->name);
	made->role = credential->role;
	if (made->role == HM_ROLE_DEVICE)
		copy_text(made->bound, sizeof(made->bound), credential->site);
	memcpy(made->point, credential->key, sizeof(made->point));
	audit->credentials.count++;
	return HM_OK;
}

static void
revoke_credential(struct audit *audit, struct hm_bytes name)
{
	struct audit_credential *credential =
	    audit_find_credential(audit, name);

	if (credential)
		credential->revoked = true;
	else
		audit_entry_found(audit,
		    "a command revokes the credential %.*s that is not known",
		    NAME(name));
}

static hm_err
add_command(struct audit *audit, const struct hm_command *command,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	uint32_t index = audit->commands.count, old, order;
	struct audit_command *made;
	uint8_t device[HM_DEVICE_ID_LEN];
	bool is_new;

	if (command->verb == HM_VERB_REVOKE_CREDENTIAL) {
		revoke_credential(audit, command->target);
		return HM_OK;
	}
	if (command->verb == HM_VERB_REVOKE_RELEASE) {
		audit_revoke_release(audit, command->target);
		return HM_OK;
	}
	if (command->verb == HM_VERB_CLOSE_ORDER) {
		order = audit_find_order(audit, command->target);
		if (order != UINT32_MAX)
			audit->orders.list[order].closed = true;
		else
			audit_entry_found(audit,
			    "a command closes the order %.*s that is not known",
			    NAME(command->target));
		return HM_OK;
	}
	if (hex_parse(command->target, device, sizeof(device)) != HM_OK) {
		audit_entry_found(audit, "a command for no device id");
		return HM_OK;
	}
	HM_TRY(AUDIT_GROW(&audit->commands));
	made = &audit->commands.list[index];
	memcpy(made->digest, digest, HM_DIGEST_LEN);
	audit_key(HM_BYTES(device), made->device);
	made->verb = command->verb;
	audit->commands.count++;
	return audit_table_add(
	    &audit->command_digests, digest, index, &old, &is_new);
}

static hm_err
add_product(struct audit *audit, const struct hm_product *product,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	struct audit_product *made;

	HM_TRY(AUDIT_GROW(&audit->products));
	made = &audit->products.list[audit->products.count++];
	memcpy(made->digest, digest, HM_DIGEST_LEN);
	made->lock_min = product->lock_min;
	return HM_OK;
}

static hm_err
take_object(struct audit *audit, const struct hm_object *object,
    struct hm_bytes payload, const uint8_t digest[static HM_DIGEST_LEN])
{
	switch (object->kind) {
	case HM_OBJECT_PRODUCT:
		return add_product(audit, &object->product, digest);
	case HM_OBJECT_RELEASE:
		return audit_add_release(audit, digest, payload);
	case HM_OBJECT_ORDER:
		return add_order(audit, &object->order);
	case HM_OBJECT_CREDENTIAL:
		return add_credential(audit, &object->credential);
	case HM_OBJECT_COMMAND:
		return add_command(audit, &object->command, digest);
	case HM_OBJECT_APPROVAL:
		audit_approve(audit, &object->approval);
		return HM_OK;
	case HM_OBJECT_ENROLMENT:
		break; /* signed and there: the keys are the verifier's */
	}
	return HM_OK;
}

/* By the authority, or an approval by the approver that it names. */
static hm_err
open_object(struct audit *audit, struct hm_bytes message, struct hm_object *ret,
    struct hm_bytes *ret_payload)
{
	struct hm_sign1 sign1;
	hm_err err;

	if (open_sign1(audit->authority, HM_LITERAL(HM_AAD_OBJECT),
		HM_OBJECT_MAX, message, ret_payload) == HM_OK) {
		err = hm_object_decode(*ret_payload, ret);
		if (err == HM_OK && ret->kind == HM_OBJECT_APPROVAL)
			err = HM_E_BAD_INPUT;
		if (err != HM_OK)
			audit_entry_found(
			    audit, "a signed object of no known form");
		return err;
	}
	err = hm_sign1_decode(message, HM_OBJECT_MAX, &sign1);
	if (err == HM_OK)
		err = hm_object_decode(sign1.payload, ret);
	if (err != HM_OK || ret->kind != HM_OBJECT_APPROVAL) {
		audit_entry_found(
		    audit, "an object that the authority did not sign");
		return HM_E_SIGNATURE;
	}
	err = audit_open_by_station(audit, ret->approval.approver,
	    HM_LITERAL(HM_AAD_APPROVAL), message, ret_payload);
	if (err != HM_OK)
		audit_entry_found(audit, "an approval that %.*s did not sign",
		    NAME(ret->approval.approver));
	return err;
}

static hm_err
check_object(struct audit *audit, struct hm_bytes message)
{
	static struct hm_object object; /* 4 KB and more; one thread */
	uint8_t digest[HM_DIGEST_LEN];
	struct hm_bytes payload;
	uint32_t old;
	bool is_new;

	audit->result.objects++;
	if (!audit->authority)
		return HM_OK; /* that there is no key was said before */
	if (open_object(audit, message, &object, &payload) != HM_OK)
		return HM_OK; /* that was a finding */
	sha256_one(message, digest);
	HM_TRY(audit_table_add(&audit->objects, digest,
	    (uint32_t)audit->tree.size, &old, &is_new));
	if (!is_new) {
		audit_entry_found(
		    audit, "the same object as in entry %" PRIu32, old);
		return HM_OK;
	}
	return take_object(audit, &object, payload, digest);
}

/* --- the rest --- */

hm_err
audit_trust(struct audit *audit, const uint8_t point[static HM_POINT_LEN])
{
	hm_err err = p256_public_new(point, &audit->authority);

	if (err != HM_E_KEY)
		return err;
	audit_entry_found(audit, "the authority's key is no key");
	return HM_OK;
}

static hm_err
check_genesis(struct audit *audit, const struct hm_entry_genesis *genesis)
{
	const uint8_t *point = audit->options->authority;

	if (audit->has_genesis) {
		audit_entry_found(audit, "a second beginning of the log");
		return HM_OK;
	}
	audit->has_genesis = true;
	copy_text(audit->origin, sizeof(audit->origin), genesis->origin);
	if (point && memcmp(point, genesis->authority, HM_POINT_LEN) != 0)
		audit_entry_found(audit,
		    "it names another authority than the one that was given");
	if (audit->authority || point)
		return HM_OK;
	return audit_trust(audit, genesis->authority);
}

/* From here on it is another log, and its older orders give nothing more. */
static void
check_succession(
    struct audit *audit, const struct hm_entry_succession *succession)
{
	char place[64];

	if (hm_bytes_equal(succession->origin, hm_bytes_of(audit->origin)))
		audit_entry_found(audit, "it follows a log of its own name");
	(void)snprintf(
	    place, sizeof(place), "entry %" PRIu64, audit->tree.size);
	audit_noted(audit, place,
	    "a restored server goes on as %.*s; %s had %" PRIu64
	    " entries that are known of",
	    NAME(succession->origin), audit->origin, succession->seen);
	copy_text(audit->origin, sizeof(audit->origin), succession->origin);
	for (uint32_t i = 0; i < audit->orders.count; i++)
		audit->orders.list[i].closed = true;
}

void
audit_check_name(struct audit *audit)
{
	if (audit->has_genesis && !audit->blind &&
	    strcmp(audit->origin, audit->options->policy->log->name) != 0)
		audit_found(
		    audit, "entries", "they are of the log %s", audit->origin);
}

static void
check_crl(struct audit *audit, const struct hm_entry_crl *crl)
{
	audit->result.crls++;
	if (crl->number <= audit->crl_number && audit->result.crls > 1)
		audit_entry_found(audit,
		    "revocation list %" PRIu64 " after list %" PRIu64,
		    crl->number, audit->crl_number);
	audit->crl_number = crl->number;
}

static void
check_time(struct audit *audit, uint64_t time_s)
{
	uint32_t back_s =
	    audit->options->back_s > 0 ? audit->options->back_s : AUDIT_BACK_S;
	char place[64];

	if (audit->tree.size == 0)
		audit->result.first_s = time_s;
	if (time_s < audit->last_s && audit->last_s - time_s > back_s) {
		(void)snprintf(
		    place, sizeof(place), "entry %" PRIu64, audit->tree.size);
		audit_noted(audit, place,
		    "the clock went back by %" PRIu64 " s",
		    audit->last_s - time_s);
	}
	audit->last_s = time_s;
	audit->result.last_s = time_s;
}

static hm_err
take_entry(struct audit *audit, const struct hm_entry *entry)
{
	switch (entry->type) {
	case HM_ENTRY_GENESIS:
		return check_genesis(audit, &entry->genesis);
	case HM_ENTRY_OBJECT:
		return check_object(audit, entry->object);
	case HM_ENTRY_RESERVE:
		return audit_reserve(audit, entry);
	case HM_ENTRY_ISSUE:
		return audit_issue(audit, entry);
	case HM_ENTRY_CONFIRM:
		audit_confirm(audit, entry);
		return HM_OK;
	case HM_ENTRY_VOID:
		audit_void(audit, entry);
		return HM_OK;
	case HM_ENTRY_STATE:
		audit_state(audit, entry);
		return HM_OK;
	case HM_ENTRY_CRL:
		check_crl(audit, &entry->crl);
		return HM_OK;
	case HM_ENTRY_ALARM:
		audit->result.alarms++;
		return HM_OK;
	case HM_ENTRY_SUCCESSION:
		check_succession(audit, &entry->succession);
		return HM_OK;
	}
	return HM_OK;
}

hm_err
audit_entry(struct audit *audit, struct hm_bytes message)
{
	struct hm_entry entry;

	if (hm_entry_decode(message, &entry) != HM_OK) {
		audit_entry_found(audit, "it is no entry of a known form");
		return HM_OK;
	}
	check_time(audit, entry.time_s);
	if (audit->tree.size == 0 && entry.type != HM_ENTRY_GENESIS)
		audit_entry_found(
		    audit, "the log does not begin with its beginning");
	/* What an entry means hangs on those before it. */
	return audit->blind ? HM_OK : take_entry(audit, &entry);
}
