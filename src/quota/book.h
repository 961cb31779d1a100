/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * book - may this order make one more device, for this station, now?
 *
 * Pure counting and dates; the keeper loads the counters from its database and
 * writes them back in the same transaction as the device.
 *
 *   quota = used + reserved + left; a return lowers used (or reserved).
 *
 * Each unit has a number, its place in the order's serial and MAC ranges. A
 * number is given once, even if its unit goes back; so numbers run from 0 to
 * quota + returns_allowed, and an order ends early rather than beyond them.
 * `confirmed` and `scrapped` never lower the count: a made device stays made.
 *
 * The caller loads counters that others may have edited: book_check_counts()
 * says whether they fit together. Devices have counters of their own, so a
 * step may not fit them either: HM_E_COUNTS, and nothing changes.
 */
#include "wire/entry.h"

struct book {
	uint32_t quota, returns_allowed; /* from the order */
	uint32_t reserved, used, returned, confirmed, scrapped; /* counters */
	uint32_t next; /* next number: serial and MAC are first + next */
	uint64_t not_before_s, not_after_s;
	bool closed;
};

/* Do the counters fit together? Whoever loads them asks before all else.
 * HM_E_COUNTS */
HM_MUST hm_err book_check_counts(const struct book *book);
/* HM_E_ORDER_CLOSED, HM_E_NOT_YET, HM_E_EXPIRED */
HM_MUST hm_err book_check(const struct book *book, uint64_t now_s);
/* Count one device; *ret_number is its place in the serial range. As
 * book_check, HM_E_QUOTA (units or numbers are used up). Nothing changes on
 * failure. */
HM_MUST hm_err book_reserve(
    struct book *book, uint64_t now_s, uint32_t *ret_number);
/* reserved -> used. HM_E_COUNTS: none is reserved */
HM_MUST hm_err book_issue(struct book *book);
/* HM_E_COUNTS: all that are used are confirmed */
HM_MUST hm_err book_confirm(struct book *book);
/* A reserved unit goes back. HM_E_COUNTS: none is reserved */
HM_MUST hm_err book_unreserve(struct book *book);
/* An issued unit goes back while returns last. HM_E_RETURNS: it stays used;
 * HM_E_COUNTS: all that are used are confirmed */
HM_MUST hm_err book_return(struct book *book);
uint32_t book_left(const struct book *book);

/* Serial text and MAC of the number-th device of an order. HM_E_NO_ROOM: the
 * number does not fit the order's digits; *ret is untouched. */
HM_MUST hm_err book_serial(const struct hm_order *order, uint32_t number,
    char ret[static HM_SERIAL_MAX + 1]);
void book_mac(const struct hm_order *order, uint32_t number,
    uint8_t ret[static HM_MAC_LEN]);
