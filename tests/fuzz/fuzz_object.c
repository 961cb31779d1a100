/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_object - any payload of a signed object, of every kind
 *
 * What is taken is made again byte for byte; of an order the first, the last
 * and one unit beyond have a serial number of the right length, or none.
 */
#include <string.h>

#include "fuzz.h"
#include "quota/book.h"
#include "mutate.h"

static void
try_number(const struct hm_order *order, uint32_t number)
{
	char serial[HM_SERIAL_MAX + 1];
	uint8_t mac[HM_MAC_LEN];

	if (book_serial(order, number, serial) == HM_OK)
		fuzz_must(strlen(serial) ==
			  order->serial_prefix.len + order->serial_digits);
	if (order->has_macs)
		book_mac(order, number, mac);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hm_object object;
	static uint8_t again[HM_OBJECT_MAX];
	struct hm_bytes payload = { data, size };
	const struct hm_order *order = &object.order;
	size_t len = 0;

	if (hm_object_decode(payload, &object) != HM_OK)
		return 0;
	fuzz_must(hm_object_encode(&object,
		      (struct hm_span){ again, sizeof(again) }, &len) == HM_OK);
	fuzz_must(len == size && memcmp(again, data, size) == 0);
	if (object.kind != HM_OBJECT_ORDER)
		return 0;
	try_number(order, 0);
	try_number(order, order->quota - 1);
	try_number(order, order->quota + order->returns - 1);
	return 0;
}

MUTATE_OF(&mutate_cbor, 0)
