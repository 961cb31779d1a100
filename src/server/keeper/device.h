/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * device - the row of a device, its stamp, and the digests that are its alone
 */

#include "server/ask.h"
#include "store/db.h"

/* A leaf that is not there. */
#define NO_LEAF UINT64_MAX
#define KEEPER_ALARMS_MAX 16 /* kept for one device */

struct device {
	int64_t id; /* of the row; 0: none yet */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	int64_t order; /* row of its order */
	uint32_t number;
	hm_device_state state, held_from;
	ask_name station;
	char serial[HM_SERIAL_MAX + 1]; /* "": none now */
	uint8_t mac[HM_MAC_LEN];
	bool has_mac;
	uint8_t identity[HM_POINT_LEN], kem[HM_POINT_LEN];
	uint8_t evidence[HM_DIGEST_LEN]; /* that it was made for */
	uint32_t counter; /* as claimed then, as the lock state */
	hm_lock lock;
	bool has_stamp; /* then also: */
	uint8_t cert_serial[20], stamp[HM_DIGEST_LEN];
	uint64_t issued_s, confirmed_s;
	uint64_t issue_index, confirm_index, void_index; /* or NO_LEAF */
	uint64_t due_s;                                  /* time-out; 0: none */
	bool quarantine; /* it ran into its time-out */
};

HM_MUST hm_err device_find(struct db *db,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], struct device *ret,
    bool *ret_found);
HM_MUST hm_err device_find_serial(
    struct db *db, struct hm_bytes serial, struct device *ret, bool *ret_found);
/* One whose time-out has passed. */
HM_MUST hm_err device_find_due(
    struct db *db, uint64_t now_s, struct device *ret, bool *ret_found);
/* Insert (id 0, then set) or update. HM_E_TWICE_SERIAL, HM_E_TWICE_MAC,
 * HM_E_TWICE: nothing was written. */
HM_MUST hm_err device_store(struct db *db, struct device *device);
/* Update state, held_from, confirmed_s, confirm_index, due_s and quarantine,
 * and nothing else: what a confirmation changes. */
HM_MUST hm_err device_store_state(struct db *db, const struct device *device);

HM_MUST hm_err stamp_store(
    struct db *db, int64_t device, struct hm_bytes stamp);
/* Append it. HM_E_NOT_FOUND */
HM_MUST hm_err stamp_load(struct db *db, int64_t device, struct buf *ret);

typedef enum seen_kind {
	SEEN_IDENTITY = 1,
	SEEN_KEM = 2,
	SEEN_KEY = 3,   /* evidence key of one chip */
	SEEN_REUSE = 4, /* evidence key and r */
} seen_kind;

/* Whose is it? *ret_device is 0 if it is nobody's. */
HM_MUST hm_err seen_find(struct db *db, seen_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN], int64_t *ret_device);
/* It is this device's from now on; fine if it is already. */
HM_MUST hm_err seen_add(struct db *db, seen_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN], int64_t device);
