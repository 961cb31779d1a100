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
 * What the counters must fit together to (confirmed <= used <= quota ...) is
 * asserted: the caller loads what this room counted.
 */
#include "wire/entry.h"

struct book {
	uint32_t quota, returns_allowed; /* from the order */
	uint32_t reserved, used, returned, confirmed, scrapped; /* counters */
	uint32_t next; /* next number: serial and MAC are first + next */
	uint64_t not_before_s, not_after_s;
	bool closed;
};

/* HM_E_ORDER_CLOSED, HM_E_NOT_YET, HM_E_EXPIRED */
HM_MUST hm_err book_check(const struct book *book, uint64_t now_s);
/* Count one device; *ret_number is its place in the serial range. As
 * book_check, HM_E_QUOTA (units or numbers are used up). Nothing changes on
 * failure. */
HM_MUST hm_err book_reserve(
    struct book *book, uint64_t now_s, uint32_t *ret_number);
void book_issue(struct book *book); /* reserved -> used */
void book_confirm(struct book *book);
/* A reserved unit goes back. */
void book_unreserve(struct book *book);
/* An issued unit goes back while returns last. HM_E_RETURNS: it stays used. */
HM_MUST hm_err book_return(struct book *book);
uint32_t book_left(const struct book *book);

/* Serial text and MAC of the number-th device of an order. HM_E_NO_ROOM: the
 * number does not fit the order's digits; *ret is untouched. */
HM_MUST hm_err book_serial(const struct hm_order *order, uint32_t number,
    char ret[static HM_SERIAL_MAX + 1]);
void book_mac(const struct hm_order *order, uint32_t number,
    uint8_t ret[static HM_MAC_LEN]);
