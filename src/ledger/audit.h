/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * audit - recount a whole log from its files, trusting nobody who wrote them
 *
 * Given a folder (a copy is enough) and the log's verifier key, everything is
 * computed again: every leaf from its entry, every tile from the leaves, the
 * root, the signatures; then what the entries say: every object is signed by
 * the authority, every issue is covered by an order that was in the log before
 * it, no order was exceeded at any point, no identity was given twice, every
 * device went only where a device may go. Receipts, certificates and older
 * checkpoints that others kept are held against the log: if it was rolled back
 * or rewritten, they no longer fit.
 *
 * What is wrong is a finding with its place; a note is worth a look and breaks
 * nothing. The audit goes on after a finding, so one flaw may show in several
 * places: the first is the one to look at.
 *
 * The log is read once, from front to back, one bundle of 256 entries at a
 * time. What grows is one record and seven keys a device: about 250 MB for a
 * million devices. Keys of sets are 128 bits of a digest, so a collision could
 * only ever raise a false alarm. Nothing is written, nothing is printed.
 */
#include "base/why.h"
#include "ledger/note.h"
#include "wire/limits.h"

struct audit_options {
	const char *folder;               /* with checkpoint and tile/ */
	const struct note_policy *policy; /* the log's key, witnesses */
	const uint8_t *authority; /* HM_POINT_LEN, pinned; NULL: believe the
				     first entry */
	/* Keys of approvers (HM_POINT_LEN each), pinned; NULL: believe the
	 * authority who they are. */
	const uint8_t (*approvers)[HM_POINT_LEN];
	size_t approver_count;
	/* Paths; all may be NULL. A receipt X.tlog-proof proves the entry
	 * X.entry beside it. Receipts and checkpoints need no witnesses. */
	const char *const *receipts;
	const char *const *certificates; /* DER */
	const char *const *checkpoints;  /* notes */
	size_t receipt_count, certificate_count, checkpoint_count;
	uint32_t back_s;      /* a clock may go back that far: 0 means 60 */
	uint32_t finding_max; /* kept; 0 means 100. All are counted. */
};

#define AUDIT_NO_ENTRY UINT64_MAX

/* Printable ASCII, whatever names the log has. */
struct audit_finding {
	bool note;
	uint64_t entry;  /* index, or AUDIT_NO_ENTRY */
	char place[192]; /* "entry 17", "tile/0/002", "checkpoint line 3" */
	char words[192]; /* lower case, no full stop */
};

struct audit_order {
	char name[HM_NAME_MAX + 1];
	uint32_t ordered, returns; /* as the authority allowed */
	uint32_t reserved;         /* counted, not issued yet */
	uint32_t issued, confirmed, returned;
	uint32_t scrapped, revoked; /* devices that ended there */
	bool closed;
};

struct audit_result {
	uint64_t size; /* entries, as the checkpoint says */
	struct tree_hash root;
	char origin[NOTE_NAME_MAX + 1];
	uint32_t witnesses; /* distinct good cosignatures */
	uint64_t first_s, last_s;
	struct audit_order *orders; /* owned */
	uint32_t order_count;
	struct audit_order total; /* the sums; no name */
	uint32_t objects, alarms, crls;
	uint32_t receipts, certificates, checkpoints; /* that are good */
	struct audit_finding *findings;               /* owned */
	uint32_t kept;                                /* of them */
	uint32_t finding_count, note_count;           /* all */
};

/*
 * HM_OK whatever was found: finding_count 0 means that all is right. A log that
 * cannot be read at all is a finding too. HM_E_IO, HM_E_NO_MEMORY: the audit
 * could not be finished; *ret is untouched.
 */
HM_MUST hm_err audit_run(const struct audit_options *options,
    struct audit_result *ret, struct why *why);
void audit_result_done(struct audit_result *result);
