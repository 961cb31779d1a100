/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark audit witness: cosign what has only grown
 *
 * The memory is one file: the newest checkpoint that this witness has cosigned.
 * It is replaced, durably, before anybody sees the new one; two witnesses never
 * work on one memory at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/report.h"
#include "cmd/context.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/token_sign.h"
#include "ledger/receipt.h"
#include "ledger/tiles.h"

static const struct option_spec witness_options[] = {
	{ "log-key", OPTION_TEXT, .required = true, .metavar = "VKEY",
	    .help = "verifier key of the log, or the file with it" },
	{ "memory", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the newest checkpoint that was cosigned; replaced by "
		    "the next" },
	{ "begin", OPTION_FLAG,
	    .help = "there is no memory yet: believe what is there now" },
	{ "ledger", OPTION_PATH, .metavar = "FOLDER",
	    .help = "a copy of the ledger; without it the server is asked" },
	{ "name", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "of the witness, as in its verifier key" },
	{ "token", OPTION_TEXT, .required = true, .metavar = "URI",
	    .help = "token with the witness's key, Ed25519" },
	{ "key", OPTION_TEXT, .required = true, .metavar = "URI",
	    .help = "the key, as pkcs11:object=..." },
	{ "module", OPTION_PATH, .metavar = "FILE",
	    .help = "PKCS#11 module; without it those of p11-kit" },
	{ "pin", OPTION_TEXT, .fallback = "prompt", .metavar = "SOURCE",
	    .help = "PIN of the token: prompt, fd:N, file:PATH ..." },
	{ "public", OPTION_PATH, .metavar = "FILE",
	    .help = "write the witness's verifier key, for --witness" },
	CONTEXT_OPTION,
	{ 0 },
};

struct witness {
	const char *memory;
	struct note_key log, own;
	struct token *token; /* owned */
	struct token_key *key;
	int lock;
	struct checkpoint seen; /* size 0: nothing yet; origin is not kept */
};

static void
witness_done(struct witness *witness)
{
	token_free(witness->token);
	if (witness->lock >= 0)
		close(witness->lock);
}

/* ---- what it remembers ---- */

static hm_err
lock_memory(struct witness *witness, struct why *why)
{
	static char path[FILE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s.lock", witness->memory);

	if (n < 0 || (size_t)n >= sizeof(path))
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	witness->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (witness->lock >= 0 && flock(witness->lock, LOCK_EX | LOCK_NB) == 0)
		return HM_OK;
	why_where(why, "%s", path);
	return witness->lock < 0
		   ? WHY(why, HM_E_FILE, "cannot open: %s", strerror(errno))
		   : WHY(why, HM_E_BUSY, "another witness is at work");
}

/* Only what we have cosigned ourselves is a memory. */
static hm_err
remember(struct witness *witness, bool begin, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct note_policy policy = { .log = &witness->log,
		.witnesses = &witness->own,
		.witness_count = 1,
		.quorum = 1 };

	if (begin == file_exists(witness->memory)) {
		why_where(why, "%s", witness->memory);
		return begin
			   ? WHY(why, HM_E_EXISTS, "there is a memory already")
			   : WHY(why, HM_E_FILE,
				 "there is no memory; a first time is said "
				 "with --begin");
	}
	if (begin)
		return HM_OK;
	HM_TRY(file_read(witness->memory, NOTE_MAX, &note, why));
	if (checkpoint_open(buf_bytes(&note), &policy, &witness->seen, NULL) !=
	    HM_OK) {
		why_where(why, "%s", witness->memory);
		return WHY(why, HM_E_LOG_PROOF,
		    "log and witness have not signed this");
	}
	witness->seen.origin = (struct hm_bytes){ 0 };
	return HM_OK;
}

/* ---- what there is now, as a proof of growth ---- */

static hm_err
prove(struct tiles *tiles, const char *folder, uint64_t from, struct buf *ret,
    struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	static struct tree_hash proof[TREE_PROOF_MAX];
	static char path[FILE_PATH_MAX];
	uint64_t size = tiles_published(tiles);
	uint32_t count = 0;

	HM_TRY(path_join(path, sizeof(path), folder, "checkpoint"));
	HM_TRY(file_read(path, NOTE_MAX, &note, why));
	if (from > 0 && from < size)
		HM_TRY(tree_prove_growth(
		    from, size, tiles_reader, tiles, proof, &count));
	return growth_format(from, proof, count, buf_bytes(&note), ret);
}

static hm_err
growth_of_folder(
    const char *folder, uint64_t from, struct buf *ret, struct why *why)
{
	struct tiles *tiles = NULL;
	hm_err err;

	HM_TRY(tiles_open_readonly(folder, &tiles, why));
	err = prove(tiles, folder, from, ret, why);
	tiles_free(tiles);
	return err;
}

static hm_err
growth_of_server(const struct options *given, uint64_t from, struct buf *ret,
    struct why *why)
{
	AUTO(context) struct context context = { 0 };
	char path[64];

	HM_TRY(context_load(given, &context, why));
	(void)snprintf(path, sizeof(path), "/v1/growth?from=%" PRIu64, from);
	return context_get(&context, path, ret, why);
}

/* ---- judging ---- */

/* Two checkpoints that the log has signed and that cannot both be true are
 * evidence: the one that was refused lies beside the memory. */
static void
keep_evidence(const struct witness *witness, struct hm_bytes growth)
{
	static char path[FILE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s.refused", witness->memory);

	if (n > 0 && (size_t)n < sizeof(path))
		HM_LOSE(file_write(path, growth, 0644, NULL));
}

static hm_err
judge(const struct witness *witness, struct hm_bytes growth,
    struct checkpoint *ret, struct why *why)
{
	struct note_policy policy = { .log = &witness->log };
	uint64_t seen = witness->seen.size;
	hm_err err = growth_verify(growth, &policy, &witness->seen, ret);

	if (err == HM_OK)
		return HM_OK;
	why_where(why, "%s", witness->memory);
	if (err != HM_E_LOG && err != HM_E_LOG_ROLLBACK)
		return WHY(why, err, "no proof that the log has grown");
	keep_evidence(witness, growth);
	why_do(why, "keep the memory and the file .refused beside it: the log "
		    "has signed both; tell everybody who relies on it");
	if (err == HM_E_LOG)
		return WHY(why, err,
		    "the log was rewritten: %" PRIu64
		    " entries that were seen are not the past of what it has "
		    "now",
		    seen);
	return WHY(why, err,
	    "the log was rolled back: %" PRIu64 " entries were seen, it has "
	    "%" PRIu64,
	    seen, ret->size);
}

/* ---- cosigning ---- */

static hm_err
cosign(const struct witness *witness, struct hm_bytes growth, struct why *why)
{
	AUTO(buf) struct buf text = { .max = NOTE_MAX };
	AUTO(buf) struct buf note = { .max = NOTE_MAX };
	uint8_t signature[64];
	uint64_t now_s = clock_now_s();
	struct hm_bytes log_note, content;

	HM_TRY(growth_note(growth, &log_note));
	HM_TRY(note_text(log_note, &content));
	HM_TRY(cosignature_text(content, now_s, &text));
	HM_TRY(token_sign_verified(
	    witness->key, buf_bytes(&text), signature, sizeof(signature)));
	HM_TRY(buf_add(&note, log_note));
	HM_TRY(cosignature_line(&witness->own, now_s, signature, &note));
	return file_write(witness->memory, buf_bytes(&note), 0644, why);
}

static hm_err
open_key(const struct options *given, struct witness *witness, struct why *why)
{
	struct hm_bytes point;

	HM_TRY(open_token(options_text(given, "token"),
	    options_text(given, "module"), options_text(given, "pin"),
	    &witness->token, why));
	HM_TRY(token_key(witness->token, options_text(given, "key"), TOKEN_SIGN,
	    &witness->key, why));
	if (token_key_kind(witness->key) != TOKEN_ED25519)
		return WHY(why, HM_E_KEY, "a witness signs with Ed25519");
	point = token_key_public(witness->key);
	if (note_key_make(options_text(given, "name"), NOTE_COSIGNATURE,
		point.ptr, &witness->own) != HM_OK)
		return WHY(
		    why, HM_E_USAGE, "the name has no space and no plus");
	return HM_OK;
}

static hm_err
write_public(const struct witness *witness, const char *path, struct why *why)
{
	AUTO(buf) struct buf text = { .max = 1024 };

	if (path == NULL)
		return HM_OK;
	HM_TRY(note_key_format(&witness->own, &text));
	HM_TRY(buf_print(&text, "\n"));
	return file_write(path, buf_bytes(&text), 0644, why);
}

static hm_err
work(const struct options *given, struct witness *witness,
    struct checkpoint *ret, struct why *why)
{
	AUTO(buf) struct buf growth = { .max = NOTE_MAX };
	const char *folder = options_text(given, "ledger");

	witness->memory = options_text(given, "memory");
	HM_TRY(verifier_key_load(
	    options_text(given, "log-key"), &witness->log, why));
	HM_TRY(open_key(given, witness, why));
	HM_TRY(write_public(witness, options_text(given, "public"), why));
	HM_TRY(lock_memory(witness, why));
	HM_TRY(remember(witness, options_flag(given, "begin"), why));
	if (folder != NULL)
		HM_TRY(
		    growth_of_folder(folder, witness->seen.size, &growth, why));
	else
		HM_TRY(
		    growth_of_server(given, witness->seen.size, &growth, why));
	HM_TRY(judge(witness, buf_bytes(&growth), ret, why));
	return cosign(witness, buf_bytes(&growth), why);
}

static int
witness(const struct options *given)
{
	AUTO(witness) struct witness witness = { .lock = -1 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.audit.witness/1");
	struct checkpoint now = { 0 };
	struct why why = { 0 };
	hm_err err = work(given, &witness, &now, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	report_line("%s  %" PRIu64 " entries, %" PRIu64 " before",
	    witness.log.name, now.size, witness.seen.size);
	doc_text(doc, "origin", witness.log.name);
	doc_text(doc, "witness", witness.own.name);
	doc_uint(doc, "entries", now.size);
	doc_uint(doc, "before", witness.seen.size);
	doc_hex(doc, "root", HM_BYTES(now.root.bytes));
	return report_end(doc);
}

const struct verb_spec audit_witness = { .name = "witness",
	.words = "cosign the newest checkpoint if the log has only grown",
	.text = "For whoever is not the server's administrator. The memory is "
		"the cosigned checkpoint itself (C2SP cosignature/v1): hand it "
		"out. A log that was rolled back (HM-8203) or rewritten "
		"(HM-8201) is not cosigned, and its checkpoint is kept beside "
		"the memory as evidence.",
	.example = "hallmark audit witness --ledger ledger/ --log-key log.vkey "
		   "--memory seen --name w1.example --token pkcs11:token=w1 "
		   "--key pkcs11:object=witness",
	.options = witness_options,
	.run = witness };
