/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_note - any text as a note, as a checkpoint and as a verifier key
 *
 * What opens has good form; what has good form and no extension lines is what
 * we would have written; a key that is read is the key that is written.
 */
#include <string.h>

#include "fuzz.h"
#include "ledger/note.h"
#include "mutate.h"

static const char log_key[] = "log.example.com/factory-1+1062b15d+"
			      "AWY7i0ajeaPsjhX2UqbdY2j/IODOjemjwmh4WQ+Bt3Pt";
static const char witness_key[] =
    "witness.example.com/w1+e7a0bec9+"
    "BJM3H/ilWIbsIeizHmi1SGa/u099ON6FMwf6BEhpXRw8";

static void
try_note(struct hm_bytes input)
{
	static struct note_key log, witness;
	struct note_policy policy = { .log = &log,
		.witnesses = &witness,
		.witness_count = 1,
		.now_s = 1780000000 };
	struct checkpoint checkpoint;
	struct hm_bytes text, again;
	uint32_t witnesses;

	if (log.name[0] == '\0') {
		fuzz_must(note_key_parse(hm_bytes_of(log_key), &log) == HM_OK);
		fuzz_must(note_key_parse(hm_bytes_of(witness_key), &witness) ==
			  HM_OK);
	}
	if (note_open(input, &policy, &text, &witnesses) == HM_OK) {
		fuzz_must(witnesses <= 1);
		fuzz_must(note_text(input, &again) == HM_OK);
		fuzz_must(hm_bytes_equal(text, again));
	}
	if (checkpoint_open(input, &policy, &checkpoint, NULL) == HM_OK)
		fuzz_must(
		    hm_bytes_equal(checkpoint.origin, hm_bytes_of(log.name)));
}

static void
try_checkpoint(struct hm_bytes input)
{
	struct buf text = { .max = 2 * NOTE_MAX };
	struct checkpoint checkpoint;

	if (checkpoint_parse(input, &checkpoint) != HM_OK)
		return;
	fuzz_must(checkpoint_text(&checkpoint, &text) == HM_OK);
	fuzz_must(text.len <= input.len);
	fuzz_must(memcmp(text.ptr, input.ptr, text.len) == 0);
	buf_done(&text);
}

static void
try_key(struct hm_bytes input)
{
	struct buf text = { .max = 1024 };
	struct note_key key, again;

	if (note_key_parse(input, &key) != HM_OK)
		return;
	fuzz_must(note_key_format(&key, &text) == HM_OK);
	fuzz_must(note_key_parse(buf_bytes(&text), &again) == HM_OK);
	fuzz_must(memcmp(&key, &again, sizeof(key)) == 0);
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size };

	try_note(input);
	try_checkpoint(input);
	try_key(input);
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
