/* SPDX-License-Identifier: Apache-2.0 */
#include "quota/book.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"

hm_err
book_check_counts(const struct book *book)
{
	uint64_t numbers = (uint64_t)book->quota + book->returns_allowed;

	if ((uint64_t)book->used + book->reserved > book->quota ||
	    book->confirmed > book->used ||
	    book->returned > book->returns_allowed || book->next > numbers)
		return HM_E_COUNTS;
	return HM_OK;
}

hm_err
book_check(const struct book *book, uint64_t now_s)
{
	if (book->closed)
		return HM_E_ORDER_CLOSED;
	if (now_s < book->not_before_s)
		return HM_E_NOT_YET;
	if (now_s >= book->not_after_s)
		return HM_E_EXPIRED;
	return HM_OK;
}

uint32_t
book_left(const struct book *book)
{
	hm_assert(book->used <= book->quota);
	hm_assert(book->reserved <= book->quota - book->used);

	return book->quota - book->used - book->reserved;
}

hm_err
book_reserve(struct book *book, uint64_t now_s, uint32_t *ret_number)
{
	HM_TRY(book_check(book, now_s));
	if (book_left(book) == 0)
		return HM_E_QUOTA;
	/* Numbers end too: the maker of the order set aside no more of them. */
	if (book->next >= (uint64_t)book->quota + book->returns_allowed ||
	    book->next == UINT32_MAX)
		return HM_E_QUOTA;

	book->reserved++;
	*ret_number = book->next++;
	return HM_OK;
}

hm_err
book_issue(struct book *book)
{
	if (book->reserved == 0)
		return HM_E_COUNTS;
	book->reserved--;
	book->used++;
	return HM_OK;
}

hm_err
book_confirm(struct book *book)
{
	if (book->confirmed >= book->used)
		return HM_E_COUNTS;
	book->confirmed++;
	return HM_OK;
}

hm_err
book_unreserve(struct book *book)
{
	if (book->reserved == 0)
		return HM_E_COUNTS;
	book->reserved--;
	return HM_OK;
}

hm_err
book_return(struct book *book)
{
	if (book->confirmed >= book->used)
		return HM_E_COUNTS;
	if (book->returned >= book->returns_allowed)
		return HM_E_RETURNS;
	book->used--;
	book->returned++;
	return HM_OK;
}

static uint64_t
power_of_ten(uint32_t digits)
{
	uint64_t power = 1;

	while (digits-- > 0)
		power *= 10;
	return power;
}

hm_err
book_serial(const struct hm_order *order, uint32_t number,
    char ret[static HM_SERIAL_MAX + 1])
{
	char digits[24];
	size_t prefix = order->serial_prefix.len;
	uint64_t value;
	int len;

	/* 19: the largest power of ten that fits 64 bits */
	if (order->serial_digits == 0 || order->serial_digits > 19 ||
	    __builtin_add_overflow(order->serial_first, number, &value) ||
	    value >= power_of_ten(order->serial_digits))
		return HM_E_NO_ROOM;
	if (prefix > HM_SERIAL_MAX - order->serial_digits)
		return HM_E_NO_ROOM;

	len = snprintf(digits, sizeof(digits), "%0*" PRIu64,
	    (int)order->serial_digits, value);
	hm_assert(len == (int)order->serial_digits);
	if (prefix > 0)
		memcpy(ret, order->serial_prefix.ptr, prefix);
	memcpy(ret + prefix, digits, (size_t)len + 1);
	return HM_OK;
}

void
book_mac(const struct hm_order *order, uint32_t number,
    uint8_t ret[static HM_MAC_LEN])
{
	uint8_t wide[8] = { 0 };

	memcpy(wide + 2, order->mac_first, HM_MAC_LEN);
	hm_put_u64(wide, hm_get_u64(wide) + number);
	memcpy(ret, wide + 2, HM_MAC_LEN);
}
