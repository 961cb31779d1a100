/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_receipt - any text as the receipt of any entry
 *
 * The first byte says how many of the next are the entry. The log's key is
 * fixed, so only receipts of the corpus verify, and those only for their entry.
 */
#include "fuzz.h"
#include "ledger/receipt.h"

static const char log_key[] = "log.example.com/factory-1+1062b15d+"
			      "AWY7i0ajeaPsjhX2UqbdY2j/IODOjemjwmh4WQ+Bt3Pt";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note_key log;
	struct note_policy policy = { .log = &log };
	struct checkpoint checkpoint;
	uint64_t index;
	size_t len;

	if (size == 0)
		return 0;
	len = data[0] < size ? data[0] : size - 1;
	if (log.name[0] == '\0')
		fuzz_must(note_key_parse(hm_bytes_of(log_key), &log) == HM_OK);
	if (receipt_verify((struct hm_bytes){ data + 1 + len, size - 1 - len },
		(struct hm_bytes){ data + 1, len }, &policy, &index,
		&checkpoint) == HM_OK)
		fuzz_must(index < checkpoint.size);
	return 0;
}
