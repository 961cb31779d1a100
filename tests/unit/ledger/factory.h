/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * factory - a log as a real server writes it, for tests and benches: signed
 * objects, devices by number
 *
 * Serial numbers are "T-" and 7 digits, MAC addresses follow 02:00:00:00:00:00;
 * device `number` of any order has the number as its id. What cannot fail is
 * asserted.
 */
#include "crypto/p256.h"
#include "ledger/tiles.h"
#include "wire/entry.h"

#define FACTORY_ORIGIN "log.example.com/factory-1"
#define FACTORY_STATION "line-1"
#define FACTORY_START_S 1780000000

struct factory {
	struct tiles *tiles; /* borrowed: where entries go */
	struct p256_pair *authority, *station, *approvers[2];
	uint8_t authority_point[HM_POINT_LEN];
	uint8_t product[HM_DIGEST_LEN], release[HM_DIGEST_LEN];
	uint8_t image[HM_DIGEST_LEN];
	hm_channel channel; /* of the orders that are made next */
	uint64_t now_s;     /* one second an entry */
};

void factory_init(struct factory *factory, struct tiles *tiles);
void factory_done(struct factory *factory);

/* Entries 0 to 3: beginning, product, a dev release, station. */
void factory_begin(struct factory *factory);
/* `first` is the number that its serial numbers begin with. */
void factory_order(struct factory *factory, const char *name, uint32_t quota,
    uint32_t returns, uint64_t first);
/* Sign and add; *ret_digest may be NULL. */
void factory_object(
    struct factory *factory, struct hm_object *object, uint8_t *ret_digest);
void factory_credential(struct factory *factory, const char *name, hm_role role,
    struct p256_pair *pair);
/* An approval of factory->release, or of another, by an approver's key. */
void factory_approve(struct factory *factory, struct p256_pair *by,
    const char *name, const uint8_t *release);
/* Encode and add, at the time now_s. */
void factory_entry(struct factory *factory, struct hm_entry *entry);

/* A device's issue as it should be, to alter; borrows from `serial`. */
void factory_issue_of(const struct factory *factory, const char *order,
    uint32_t number, char serial[static HM_SERIAL_MAX + 1],
    struct hm_entry *ret);
void factory_reserve(
    struct factory *factory, const char *order, uint32_t number);
void factory_issue(struct factory *factory, const char *order, uint32_t number);
void factory_confirm(
    struct factory *factory, const char *order, uint32_t number);
void factory_void(
    struct factory *factory, const char *order, uint32_t number, bool returned);
/* A command for a device; digest of its object. */
void factory_command(struct factory *factory, hm_verb verb, uint32_t number,
    uint8_t ret_digest[static HM_DIGEST_LEN]);
/* `command` NULL: a time-out. */
void factory_state(struct factory *factory, uint32_t number,
    hm_device_state from, hm_device_state to, const uint8_t *command);
void factory_device_id(uint32_t number, uint8_t ret[static HM_DEVICE_ID_LEN]);
/* SHA-256 of a word and a number: any digest of a device. */
void factory_digest(
    const char *what, uint32_t number, uint8_t ret[static HM_DIGEST_LEN]);
