/* SPDX-License-Identifier: Apache-2.0 */
#include "station/seen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "ledger/receipt.h"

#define SEEN_MAX 8192 /* bytes of a signed checkpoint */
#define DO                                                            \
	"stop this line and tell the OEM; operations.md, Roll-back, " \
	"says how to go on"

static hm_err
rolled_back(const struct seen *seen, uint64_t size, struct why *why)
{
	why_where(why, "%s", seen->path);
	why_do(why, DO);
	return WHY(why, HM_E_LOG_ROLLBACK,
	    "the server's ledger has %" PRIu64 " entries, this slot has seen "
	    "%" PRIu64,
	    size, seen->size);
}

static hm_err
rewritten(const struct seen *seen, uint64_t size, struct why *why)
{
	why_where(why, "%s", seen->path);
	why_do(why, DO);
	return WHY(why, HM_E_LOG,
	    "the server's ledger is another than the one of %" PRIu64
	    " entries that was seen",
	    size);
}

/* Is it of another log, with which a station begins anew? */
static bool
is_of_another_log(const struct seen *seen, struct hm_bytes note)
{
	struct checkpoint checkpoint;
	struct hm_bytes text;

	return note_text(note, &text) == HM_OK &&
	       checkpoint_parse(text, &checkpoint) == HM_OK &&
	       !hm_bytes_equal(
		   checkpoint.origin, hm_bytes_of(seen->log_key->name));
}

static hm_err
load(struct seen *seen, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct note_policy policy = { .log = seen->log_key };
	struct checkpoint checkpoint;

	if (!file_exists(seen->path))
		return HM_OK;
	if (file_read(seen->path, SEEN_MAX, &note, why) != HM_OK)
		return HM_E_JOURNAL;
	if (is_of_another_log(seen, buf_bytes(&note)))
		return HM_OK;
	if (checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL) !=
	    HM_OK) {
		why_where(why, "%s", seen->path);
		return WHY(why, HM_E_JOURNAL,
		    "this is no checkpoint that the log has signed");
	}
	seen->size = checkpoint.size;
	seen->root = checkpoint.root;
	return HM_OK;
}

hm_err
seen_open(struct seen *ret, const char *folder, const char *slot,
    const struct note_key *log_key, struct why *why)
{
	char name[128];
	int n = snprintf(name, sizeof(name), "%s.seen", slot);

	*ret = (struct seen){ .log_key = log_key };
	if (n < 0 || (size_t)n >= sizeof(name))
		return HM_E_TOO_LARGE;
	HM_TRY(path_join(ret->path, sizeof(ret->path), folder, name));
	return load(ret, why);
}

struct checkpoint
seen_checkpoint(const struct seen *seen)
{
	return (struct checkpoint){ .size = seen->size, .root = seen->root };
}

/* The file comes first. */
static hm_err
remember(struct seen *seen, const struct checkpoint *checkpoint,
    struct hm_bytes note, struct why *why)
{
	if (file_write(seen->path, note, 0644, why) != HM_OK)
		return HM_E_JOURNAL;
	seen->size = checkpoint->size;
	seen->root = checkpoint->root;
	return HM_OK;
}

/* A checkpoint that the log has signed, which should be ours or a later one. */
static hm_err
take(struct seen *seen, const struct checkpoint *now, struct hm_bytes note,
    struct why *why)
{
	if (now->size < seen->size)
		return rolled_back(seen, now->size, why);
	if (now->size > seen->size)
		return remember(seen, now, note, why);
	return memcmp(now->root.bytes, seen->root.bytes,
		   sizeof(now->root.bytes)) == 0
		   ? HM_OK
		   : rewritten(seen, now->size, why);
}

hm_err
seen_judge(struct seen *seen, const struct checkpoint *asked,
    struct hm_bytes growth, struct why *why)
{
	struct note_policy policy = { .log = seen->log_key };
	struct checkpoint now = { 0 };
	struct hm_bytes note;
	hm_err err = growth_verify(growth, &policy, asked, &now);

	if (err == HM_E_LOG_ROLLBACK)
		return rolled_back(seen, now.size, why);
	if (err == HM_E_LOG)
		return rewritten(seen, asked->size, why);
	HM_TRY(err);
	HM_TRY(growth_note(growth, &note));
	return take(seen, &now, note, why);
}

hm_err
seen_receipt(struct seen *seen, struct hm_bytes receipt, bool *ret_old,
    struct checkpoint *ret_checkpoint, struct why *why)
{
	struct note_policy policy = { .log = seen->log_key };
	struct hm_bytes note;

	HM_TRY(receipt_note(receipt, &note));
	HM_TRY(checkpoint_open(note, &policy, ret_checkpoint, NULL));
	*ret_old = ret_checkpoint->size < seen->size;
	return *ret_old ? HM_OK : take(seen, ret_checkpoint, note, why);
}

bool
seen_is_broken(hm_err err)
{
	return err == HM_E_LOG_ROLLBACK || err == HM_E_LOG;
}
