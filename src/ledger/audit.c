/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/audit_inner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "crypto/digest.h"

/* --- lists, keys, files --- */

hm_err
audit_grow(void **list, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t wide = *room < 16 ? 16 : *room + *room / 2;
	void *grown;

	if (count < *room) {
		memset((uint8_t *)*list + count * size, 0, size);
		return HM_OK;
	}
	if (wide <= *room)
		return HM_E_NO_MEMORY;
	grown = reallocarray(*list, wide, size);
	if (!grown)
		return HM_E_NO_MEMORY;
	memset((uint8_t *)grown + count * size, 0, size);
	*list = grown;
	*room = wide;
	return HM_OK;
}

void
audit_key(struct hm_bytes of, uint8_t ret[static AUDIT_KEY_LEN])
{
	uint8_t digest[SHA256_LEN];

	sha256_one(of, digest);
	memcpy(ret, digest, AUDIT_KEY_LEN);
}

hm_err
audit_read(struct audit *audit, const char *path, size_t max, struct buf *ret,
    bool *ret_there, struct why *why)
{
	hm_err err;

	*ret_there = false;
	HM_TRY(path_join(audit->log_path, sizeof(audit->log_path),
	    audit->options->folder, path));
	err = file_read(audit->log_path, max, ret, NULL);
	if (err == HM_E_FILE)
		return HM_OK;
	if (err == HM_E_TOO_LARGE) {
		audit_found(audit, path, "the file is too long");
		return HM_OK;
	}
	if (err != HM_OK) {
		why_where(why, "%s", audit->log_path);
		return WHY(why, err, "cannot read a file of the log");
	}
	*ret_there = true;
	return HM_OK;
}

/* --- findings --- */

/* Names of files and logs are others' words: nothing in them may speak to a
 * terminal, or break the JSON. */
static void
make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

__attribute__((format(printf, 4, 0))) static void
add_finding(struct audit *audit, const char *place, uint64_t entry,
    const char *format, va_list args, bool note)
{
	struct audit_result *result = &audit->result;
	uint32_t max = audit->options->finding_max > 0
			   ? audit->options->finding_max
			   : AUDIT_FINDINGS;
	struct audit_finding *finding;

	if (note)
		result->note_count++;
	else
		result->finding_count++;
	if (result->kept == max)
		return;
	finding = &result->findings[result->kept++];
	finding->note = note;
	finding->entry = entry;
	if (entry == AUDIT_NO_ENTRY)
		(void)snprintf(
		    finding->place, sizeof(finding->place), "%s", place);
	else
		(void)snprintf(finding->place, sizeof(finding->place),
		    "entry %" PRIu64, entry);
	(void)vsnprintf(finding->words, sizeof(finding->words), format, args);
	make_plain(finding->place);
	make_plain(finding->words);
}

void
audit_found(struct audit *audit, const char *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_finding(audit, place, AUDIT_NO_ENTRY, format, args, false);
	va_end(args);
}

void
audit_noted(struct audit *audit, const char *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_finding(audit, place, AUDIT_NO_ENTRY, format, args, true);
	va_end(args);
}

void
audit_entry_found(struct audit *audit, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_finding(audit, "", audit->tree.size, format, args, false);
	va_end(args);
}

/* --- the checkpoint --- */

/* Number of the line where the signatures begin. */
static unsigned
signature_line(struct hm_bytes text)
{
	unsigned line = 2; /* the empty line, and the one behind it */

	for (size_t i = 0; i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}

/* The note as far as it can be read; *ret_usable: there is a size and root. */
static hm_err
read_checkpoint(struct audit *audit, bool *ret_usable, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct note_policy policy = *audit->options->policy;
	struct audit_result *result = &audit->result;
	struct checkpoint checkpoint;
	struct hm_bytes text;
	char place[64];
	bool there;

	*ret_usable = false;
	HM_TRY(audit_read(audit, "checkpoint", NOTE_MAX, &note, &there, why));
	if (!there) {
		audit_found(audit, "checkpoint", "there is no checkpoint");
		return HM_OK;
	}
	if (note_text(buf_bytes(&note), &text) != HM_OK ||
	    checkpoint_parse(text, &checkpoint) != HM_OK) {
		audit_found(audit, "checkpoint", "it is malformed");
		return HM_OK;
	}
	result->size = checkpoint.size;
	result->root = checkpoint.root;
	(void)snprintf(result->origin, sizeof(result->origin), "%.*s",
	    (int)(checkpoint.origin.len < NOTE_NAME_MAX ? checkpoint.origin.len
							: NOTE_NAME_MAX),
	    (const char *)checkpoint.origin.ptr);
	make_plain(result->origin);
	*ret_usable = true;

	(void)snprintf(
	    place, sizeof(place), "checkpoint line %u", signature_line(text));
	policy.quorum = 0;
	if (!hm_bytes_equal(checkpoint.origin, hm_bytes_of(policy.log->name)))
		audit_found(audit, "checkpoint line 1",
		    "it is of the log %s, not of %s", result->origin,
		    policy.log->name);
	else if (checkpoint_open(buf_bytes(&note), &policy, &checkpoint,
		     &result->witnesses) != HM_OK)
		audit_found(audit, place,
		    "no good signature by the log, or a bad one by a witness");
	else if (result->witnesses < audit->options->policy->quorum)
		audit_found(audit, place, "%u of %u witnesses have signed",
		    result->witnesses, audit->options->policy->quorum);
	return HM_OK;
}

/* --- the way through --- */

/* What tiles hold is kept, to compare them. */
static void
keep_row(
    void *context, unsigned level, uint64_t index, const struct tree_hash *hash)
{
	struct audit *audit = context;

	if (level % 8 == 0)
		audit->rows[level / 8][index % TILE_WIDTH] = *hash;
}

/* Tiles that the last bundle has filled. */
static hm_err
check_full_tiles(struct audit *audit, struct why *why)
{
	for (unsigned level = 0; level < AUDIT_LEVELS; level++) {
		uint64_t count = audit->tree.size >> 8 * level;

		if (count == 0 || count % TILE_WIDTH != 0 ||
		    audit->tree.size != count << 8 * level)
			break;
		HM_TRY(audit_tile(
		    audit, level, count / TILE_WIDTH - 1, TILE_WIDTH, why));
	}
	return HM_OK;
}

static hm_err
check_last_tiles(struct audit *audit, struct why *why)
{
	for (unsigned level = 0; level < AUDIT_LEVELS; level++) {
		uint64_t count = audit->tree.size >> 8 * level;

		if (count % TILE_WIDTH != 0)
			HM_TRY(audit_tile(audit, level, count / TILE_WIDTH,
			    (unsigned)(count % TILE_WIDTH), why));
	}
	return HM_OK;
}

/* One bundle: its entries one by one, then the tiles that are full now. */
static hm_err
run_bundle(struct audit *audit, uint64_t index, struct why *why)
{
	uint64_t left = audit->result.size - index * TILE_WIDTH;
	unsigned width = left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
	struct tree_hash leaf;
	bool readable;

	HM_TRY(audit_bundle(audit, index, width, &readable, why));
	if (!readable && !audit->blind) {
		audit->blind = true;
		audit_noted(audit, "entries",
		    "entries from %" PRIu64 " on are lost: what the later ones "
		    "say is not judged",
		    index * TILE_WIDTH);
	}
	for (unsigned i = 0; i < width; i++) {
		if (readable) {
			struct hm_bytes entry = { audit->bundle.ptr +
						      audit->ends[i] + 2,
				audit->ends[i + 1] - audit->ends[i] - 2 };

			HM_TRY(audit_entry(audit, entry));
		}
		leaf = audit->rows[0][i];
		tree_add_keeping(&audit->tree, &leaf, keep_row, audit);
		audit_proof_mark(audit);
	}
	if (width == TILE_WIDTH)
		HM_TRY(check_full_tiles(audit, why));
	return HM_OK;
}

static hm_err
check_end(struct audit *audit, struct why *why)
{
	struct tree_hash root;

	HM_TRY(check_last_tiles(audit, why));
	audit_check_name(audit);
	tree_root(&audit->tree, &root);
	if (!hm_bytes_equal(
		HM_BYTES(root.bytes), HM_BYTES(audit->result.root.bytes)))
		audit_found(audit, "checkpoint line 3",
		    "the root is not that of the entries");
	return HM_OK;
}

static hm_err
run(struct audit *audit, struct why *why)
{
	bool usable;

	HM_TRY(audit_proof_load(audit, why));
	HM_TRY(read_checkpoint(audit, &usable, why));
	if (!usable)
		return HM_OK;
	if (audit->options->authority)
		HM_TRY(audit_trust(audit, audit->options->authority));
	HM_TRY(audit_files_list(audit, why));
	for (uint64_t i = 0; i * TILE_WIDTH < audit->result.size; i++) {
		/* A size far beyond the files is not walked to its end. */
		if (audit_bundles_end(audit, i)) {
			audit_no_bundle(audit, i);
			break;
		}
		HM_TRY(run_bundle(audit, i, why));
	}
	if (audit->tree.size == audit->result.size)
		HM_TRY(check_end(audit, why));
	audit_files_rest(audit);
	audit_count(audit);
	return audit_proof_rest(audit, why);
}

static void
audit_done(struct audit **at)
{
	struct audit *audit = *at;

	if (!audit)
		return;
	for (uint32_t i = 0; i < audit->credentials.count; i++)
		p256_public_free(audit->credentials.list[i].key);
	for (uint32_t i = 0; i < audit->grants.count; i++)
		free(audit->grants.list[i].stations);
	p256_public_free(audit->authority);
	free(audit->files.list);
	free(audit->marks.list);
	free(audit->credentials.list);
	free(audit->products.list);
	for (uint32_t i = 0; i < audit->releases.count; i++)
		audit_release_done(&audit->releases.list[i]);
	free(audit->releases.list);
	free(audit->commands.list);
	free(audit->orders.list);
	free(audit->grants.list);
	free(audit->devices.list);
	buf_done(&audit->bundle);
	buf_done(&audit->file);
	audit_table_done(&audit->order_names);
	audit_table_done(&audit->credential_names);
	audit_table_done(&audit->objects);
	audit_table_done(&audit->command_digests);
	audit_table_done(&audit->ids);
	audit_table_done(&audit->identities);
	audit_table_done(&audit->serials);
	audit_table_done(&audit->macs);
	audit_table_done(&audit->evidences);
	audit_table_done(&audit->certificates);
	audit_table_done(&audit->stamps);
	audit_result_done(&audit->result);
	free(audit);
}

static struct audit *
audit_new(const struct audit_options *options)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	uint32_t max =
	    options->finding_max > 0 ? options->finding_max : AUDIT_FINDINGS;

	if (!audit)
		return NULL;
	audit->options = options;
	audit->result.findings = calloc(max, sizeof(*audit->result.findings));
	if (audit->result.findings)
		return audit;
	free(audit);
	return NULL;
}

hm_err
audit_run(const struct audit_options *options, struct audit_result *ret,
    struct why *why)
{
	AUTO(audit) struct audit *audit = audit_new(options);

	if (!audit)
		return HM_E_NO_MEMORY;
	HM_TRY(run(audit, why));

	*ret = audit->result;
	ret->orders = audit->orders.list;
	ret->order_count = audit->orders.count;
	audit->orders.list = NULL;
	audit->result = (struct audit_result){ 0 };
	return HM_OK;
}

void
audit_result_done(struct audit_result *result)
{
	free(result->orders);
	free(result->findings);
	*result = (struct audit_result){ 0 };
}
