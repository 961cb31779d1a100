/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/receipt.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

static const char head[] = "c2sp.org/tlog-proof@v1";
static const char growth_head[] = "hallmark-growth-v1";

static hm_err
add_proof(const struct tree_hash *proof, uint32_t count, struct hm_bytes note,
    struct buf *ret)
{
	for (uint32_t i = 0; i < count; i++) {
		HM_TRY(buf_add_base64(ret, HM_BYTES(proof[i].bytes)));
		HM_TRY(buf_add(ret, HM_LITERAL("\n")));
	}
	HM_TRY(buf_add(ret, HM_LITERAL("\n")));
	return buf_add(ret, note);
}

hm_err
receipt_format(uint64_t index, const struct tree_hash *proof, uint32_t count,
    struct hm_bytes checkpoint_note, struct buf *ret)
{
	size_t before = ret->len;
	hm_err err = buf_print(ret, "%s\nindex %" PRIu64 "\n", head, index);

	if (err == HM_OK)
		err = add_proof(proof, count, checkpoint_note, ret);
	if (err != HM_OK)
		ret->len = before;
	return err;
}

static hm_err
take_line(struct hm_bytes *text, struct hm_bytes *ret)
{
	const uint8_t *end =
	    text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;

	if (!end)
		return HM_E_BAD_INPUT;
	ret->ptr = text->ptr;
	ret->len = (size_t)(end - text->ptr);
	text->ptr = end + 1;
	text->len -= ret->len + 1;
	return HM_OK;
}

/* Drop `start` from the front of `line`, if it is there. */
static bool
drop(struct hm_bytes *line, struct hm_bytes start)
{
	if (line->len < start.len ||
	    memcmp(line->ptr, start.ptr, start.len) != 0)
		return false;
	line->ptr += start.len;
	line->len -= start.len;
	return true;
}

/* Extra data is nobody's word, but it must have its form. */
static hm_err
check_base64(struct hm_bytes text)
{
	uint8_t chunk[48];
	size_t len = 0;

	while (text.len > 0) {
		size_t take = text.len < 64 ? text.len : 64;

		HM_TRY(base64_parse((struct hm_bytes){ text.ptr, take },
		    (struct hm_span){ chunk, sizeof(chunk) }, &len));
		text.ptr += take;
		text.len -= take;
		if (text.len > 0 && len != sizeof(chunk))
			return HM_E_BAD_INPUT;
	}
	return HM_OK;
}

/* Hashes, one a line, up to the empty line. */
static hm_err
take_hashes(struct hm_bytes *text, struct tree_hash ret[static TREE_PROOF_MAX],
    uint32_t *ret_count)
{
	struct hm_bytes line;
	uint32_t count = 0;
	size_t len;

	for (;;) {
		HM_TRY(take_line(text, &line));
		if (line.len == 0)
			break;
		if (count == TREE_PROOF_MAX)
			return HM_E_BAD_INPUT;
		if (base64_parse(line,
			(struct hm_span){ ret[count].bytes, TREE_HASH_LEN },
			&len) != HM_OK ||
		    len != TREE_HASH_LEN)
			return HM_E_BAD_INPUT;
		count++;
	}
	*ret_count = count;
	return HM_OK;
}

/* Everything before the checkpoint note, which is what then is left. */
static hm_err
take_proof(struct hm_bytes *text, uint64_t *ret_index,
    struct tree_hash ret[static TREE_PROOF_MAX], uint32_t *ret_count)
{
	struct hm_bytes line;

	HM_TRY(take_line(text, &line));
	if (!hm_bytes_equal(line, hm_bytes_of(head)))
		return HM_E_BAD_INPUT;
	HM_TRY(take_line(text, &line));
	if (drop(&line, HM_LITERAL("extra "))) {
		HM_TRY(check_base64(line));
		HM_TRY(take_line(text, &line));
	}
	if (!drop(&line, HM_LITERAL("index ")))
		return HM_E_BAD_INPUT;
	HM_TRY(uint_parse(line, INT64_MAX, ret_index));
	return take_hashes(text, ret, ret_count);
}

hm_err
receipt_verify(struct hm_bytes receipt, struct hm_bytes entry,
    const struct note_policy *policy, uint64_t *ret_index,
    struct checkpoint *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX], leaf;
	struct checkpoint checkpoint;
	uint64_t index;
	uint32_t count;

	HM_TRY(take_proof(&receipt, &index, proof, &count));
	HM_TRY(checkpoint_open(receipt, policy, &checkpoint, NULL));
	tree_leaf(entry, &leaf);
	HM_TRY(tree_verify(
	    index, checkpoint.size, &leaf, proof, count, &checkpoint.root));
	if (ret_index)
		*ret_index = index;
	if (ret)
		*ret = checkpoint;
	return HM_OK;
}

hm_err
receipt_note(struct hm_bytes receipt, struct hm_bytes *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	uint64_t index;
	uint32_t count;

	HM_TRY(take_proof(&receipt, &index, proof, &count));
	*ret = receipt;
	return HM_OK;
}

/* ---- growth ---- */

hm_err
growth_format(uint64_t from, const struct tree_hash *proof, uint32_t count,
    struct hm_bytes checkpoint_note, struct buf *ret)
{
	size_t before = ret->len;
	hm_err err =
	    buf_print(ret, "%s\nfrom %" PRIu64 "\n", growth_head, from);

	if (err == HM_OK)
		err = add_proof(proof, count, checkpoint_note, ret);
	if (err != HM_OK)
		ret->len = before;
	return err;
}

static hm_err
take_growth(struct hm_bytes *text, uint64_t *ret_from,
    struct tree_hash ret[static TREE_PROOF_MAX], uint32_t *ret_count)
{
	struct hm_bytes line;

	HM_TRY(take_line(text, &line));
	if (!hm_bytes_equal(line, hm_bytes_of(growth_head)))
		return HM_E_BAD_INPUT;
	HM_TRY(take_line(text, &line));
	if (!drop(&line, HM_LITERAL("from ")))
		return HM_E_BAD_INPUT;
	HM_TRY(uint_parse(line, INT64_MAX, ret_from));
	return take_hashes(text, ret, ret_count);
}

hm_err
growth_note(struct hm_bytes growth, struct hm_bytes *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	uint64_t from;
	uint32_t count;

	HM_TRY(take_growth(&growth, &from, proof, &count));
	*ret = growth;
	return HM_OK;
}

static hm_err
judge_growth(const struct checkpoint *seen, const struct checkpoint *now,
    const struct tree_hash *proof, uint32_t count)
{
	if (seen->size == 0)
		return HM_OK;
	if (now->size < seen->size)
		return HM_E_LOG_ROLLBACK;
	if (now->size == seen->size)
		return memcmp(now->root.bytes, seen->root.bytes,
			   sizeof(now->root.bytes)) == 0
			   ? HM_OK
			   : HM_E_LOG;
	return tree_verify_growth(seen->size, now->size, proof, count,
		   &seen->root, &now->root) == HM_OK
		   ? HM_OK
		   : HM_E_LOG;
}

hm_err
growth_verify(struct hm_bytes growth, const struct note_policy *policy,
    const struct checkpoint *seen, struct checkpoint *ret)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	struct checkpoint now;
	uint64_t from;
	uint32_t count;

	HM_TRY(take_growth(&growth, &from, proof, &count));
	if (from != seen->size)
		return HM_E_BAD_INPUT;
	HM_TRY(checkpoint_open(growth, policy, &now, NULL));
	*ret = now;
	return judge_growth(seen, &now, proof, count);
}
