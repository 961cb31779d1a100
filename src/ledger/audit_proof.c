/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "ledger/receipt.h"

static const char receipt_end[] = ".tlog-proof";

/* A file that somebody gave us; a finding if it cannot be had. */
static hm_err
read_given(struct audit *audit, const char *path, size_t max, struct buf *ret,
    bool *ret_there, struct why *why)
{
	hm_err err = file_read(path, max, ret, NULL);

	*ret_there = err == HM_OK;
	if (err == HM_E_FILE || err == HM_E_TOO_LARGE) {
		audit_found(audit, path,
		    err == HM_E_FILE ? "the file cannot be read"
				     : "the file is too long");
		return HM_OK;
	}
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, err, "cannot read a file");
	}
	return HM_OK;
}

static hm_err
add_mark(struct audit *audit, const struct checkpoint *checkpoint,
    const char *path, bool receipt)
{
	HM_TRY(AUDIT_GROW(&audit->marks));
	audit->marks.list[audit->marks.count++] =
	    (struct audit_mark){ .size = checkpoint->size,
		    .root = checkpoint->root,
		    .path = path,
		    .kind = receipt ? MARK_RECEIPT : MARK_CHECKPOINT };
	return HM_OK;
}

static struct note_policy
plain_policy(const struct audit *audit)
{
	struct note_policy policy = *audit->options->policy;

	policy.quorum = 0;
	return policy;
}

static hm_err
load_receipt(struct audit *audit, const char *path, struct why *why)
{
	AUTO(buf) struct buf receipt = { 0 };
	AUTO(buf) struct buf entry = { 0 };
	struct note_policy policy = plain_policy(audit);
	struct checkpoint checkpoint;
	size_t len = strlen(path);
	char other[1024];
	bool there;

	if (len < sizeof(receipt_end) || len >= sizeof(other) ||
	    strcmp(path + len + 1 - sizeof(receipt_end), receipt_end) != 0) {
		audit_found(audit, path, "it is not called %s", receipt_end);
		return HM_OK;
	}
	(void)snprintf(other, sizeof(other), "%.*s.entry",
	    (int)(len + 1 - sizeof(receipt_end)), path);
	HM_TRY(read_given(audit, path, NOTE_MAX, &receipt, &there, why));
	if (!there)
		return HM_OK;
	HM_TRY(read_given(audit, other, HM_ENTRY_MAX, &entry, &there, why));
	if (!there)
		return HM_OK;
	if (receipt_verify(buf_bytes(&receipt), buf_bytes(&entry), &policy,
		NULL, &checkpoint) != HM_OK) {
		audit_found(audit, path,
		    "it does not prove its entry under the log's key");
		return HM_OK;
	}
	return add_mark(audit, &checkpoint, path, true);
}

static hm_err
load_checkpoint(struct audit *audit, const char *path, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct note_policy policy = plain_policy(audit);
	struct checkpoint checkpoint;
	bool there;

	HM_TRY(read_given(audit, path, NOTE_MAX, &note, &there, why));
	if (!there)
		return HM_OK;
	if (checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL) !=
	    HM_OK) {
		audit_found(
		    audit, path, "it is no checkpoint under the log's key");
		return HM_OK;
	}
	return add_mark(audit, &checkpoint, path, false);
}

static int
compare(const void *a, const void *b)
{
	const struct audit_mark *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

/* The root of the tree as it is now, against the marks of that size. */
static void
check_marks(struct audit *audit)
{
	struct tree_hash root;

	tree_root(&audit->tree, &root);
	while (audit->mark_next < audit->marks.count &&
	       audit->marks.list[audit->mark_next].size == audit->tree.size) {
		const struct audit_mark *mark =
		    &audit->marks.list[audit->mark_next++];

		if (memcmp(&mark->root, &root, sizeof(root)) != 0)
			audit_found(audit, mark->path,
			    "at %" PRIu64 " entries this log was another: it "
			    "was rewritten, or shown differently to others",
			    mark->size);
		else if (mark->kind == MARK_RECEIPT)
			audit->result.receipts++;
		else
			audit->result.checkpoints++;
	}
}

hm_err
audit_proof_load(struct audit *audit, struct why *why)
{
	const struct audit_options *options = audit->options;

	for (size_t i = 0; i < options->receipt_count; i++)
		HM_TRY(load_receipt(audit, options->receipts[i], why));
	for (size_t i = 0; i < options->checkpoint_count; i++)
		HM_TRY(load_checkpoint(audit, options->checkpoints[i], why));
	if (audit->marks.count > 0)
		qsort(audit->marks.list, audit->marks.count,
		    sizeof(*audit->marks.list), compare);
	if (audit->marks.count > 0)
		check_marks(audit);
	return HM_OK;
}

void
audit_proof_mark(struct audit *audit)
{
	if (audit->mark_next < audit->marks.count &&
	    audit->marks.list[audit->mark_next].size == audit->tree.size)
		check_marks(audit);
}

static hm_err
check_certificate(struct audit *audit, const char *path, struct why *why)
{
	AUTO(buf) struct buf der = { 0 };
	uint8_t digest[SHA256_LEN];
	bool there;

	HM_TRY(read_given(audit, path, HM_CERT_MAX, &der, &there, why));
	if (!there)
		return HM_OK;
	sha256_one(buf_bytes(&der), digest);
	if (audit_table_find(&audit->certificates, digest))
		audit->result.certificates++;
	else
		audit_found(
		    audit, path, "no issue in the log is of this certificate");
	return HM_OK;
}

hm_err
audit_proof_rest(struct audit *audit, struct why *why)
{
	for (; audit->mark_next < audit->marks.count; audit->mark_next++) {
		const struct audit_mark *mark =
		    &audit->marks.list[audit->mark_next];

		if (mark->size > audit->result.size)
			audit_found(audit, mark->path,
			    "it is of %" PRIu64 " entries, but the log has "
			    "only %" PRIu64 ": it was rolled back",
			    mark->size, audit->result.size);
		else
			audit_found(audit, mark->path,
			    "it is of %" PRIu64
			    " entries, which could not be read",
			    mark->size);
	}
	for (size_t i = 0; i < audit->options->certificate_count; i++)
		HM_TRY(check_certificate(
		    audit, audit->options->certificates[i], why));
	return HM_OK;
}
