/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_growth - any text as the proof that a log has grown
 *
 * The first byte is the size that was seen before. The log's key is fixed, so
 * only what it has signed is believed: the checkpoints of the corpus.
 */
#include "fuzz.h"
#include "ledger/receipt.h"

static const char log_key[] = "log.example.com/factory-1+1062b15d+"
			      "AWY7i0ajeaPsjhX2UqbdY2j/IODOjemjwmh4WQ+Bt3Pt";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_key log;
	struct note_policy policy = { .log = &log };
	struct checkpoint seen = { 0 }, now;
	struct hm_bytes text = { data + 1, size - 1 }, note;

	if (size == 0)
		return 0;
	seen.size = data[0];
	fuzz_must(note_key_parse(hm_bytes_of(log_key), &log) == HM_OK);
	if (growth_verify(text, &policy, &seen, &now) == HM_OK) {
		fuzz_must(now.size >= seen.size);
		fuzz_must(growth_note(text, &note) == HM_OK);
		fuzz_must(checkpoint_open(note, &policy, &now, NULL) == HM_OK);
	}
	return 0;
}
