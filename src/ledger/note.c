/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/note.h"

#include <inttypes.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"

#define KEY_ID_LEN 4
#define TIME_LEN 8
/* The longest signature that we understand, with its key id. */
#define RAW_MAX (KEY_ID_LEN + TIME_LEN + ED25519_SIGNATURE_LEN)
#define COSIGNATURE_AHEAD_S 60

/* U+2014 EM DASH and a space */
static const uint8_t dash[] = { 0xe2, 0x80, 0x94, ' ' };

/* A signature line, taken apart. */
struct line {
	struct hm_bytes name;
	uint8_t raw[RAW_MAX]; /* key id, then what fits of the signature */
	size_t raw_len;       /* of the whole, may be over RAW_MAX */
};

/* --- pieces of text --- */

/* Take the text up to the next `end`, which is dropped too. */
static bool
take_until(struct hm_bytes *text, uint8_t end, struct hm_bytes *ret)
{
	const uint8_t *at =
	    text->len > 0 ? memchr(text->ptr, end, text->len) : NULL;
	size_t len;

	if (!at)
		return false;
	len = (size_t)(at - text->ptr);
	*ret = (struct hm_bytes){ text->ptr, len };
	*text = (struct hm_bytes){ at + 1, text->len - len - 1 };
	return true;
}

static bool
starts_with(struct hm_bytes text, struct hm_bytes start)
{
	return text.len >= start.len &&
	       memcmp(text.ptr, start.ptr, start.len) == 0;
}

/* Unicode's White_Space beyond ASCII, as UTF-8. */
static bool
starts_with_wide_space(struct hm_bytes text)
{
	static const char *const spaces[] = { "\xc2\x85", "\xc2\xa0",
		"\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
		"\xe2\x81\x9f", "\xe3\x80\x80" };

	if (text.ptr[0] < 0x80)
		return false; /* nearly always */
	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
		if (starts_with(text, hm_bytes_of(spaces[i])))
			return true;
	/* U+2000 to U+200A */
	return text.len >= 3 && text.ptr[0] == 0xe2 && text.ptr[1] == 0x80 &&
	       text.ptr[2] >= 0x80 && text.ptr[2] <= 0x8a;
}

static bool
is_name(struct hm_bytes name)
{
	if (name.len == 0 || !hm_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		struct hm_bytes rest = { name.ptr + i, name.len - i };

		if (rest.ptr[0] <= ' ' || rest.ptr[0] == '+' ||
		    rest.ptr[0] == 0x7f || starts_with_wide_space(rest))
			return false;
	}
	return true;
}

/* UTF-8 without control characters, but for newlines if allowed. */
static bool
is_plain(struct hm_bytes text, bool newlines)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' && !(newlines && text.ptr[i] == '\n'))
			return false;
	return hm_is_utf8(text);
}

/* --- keys --- */

static void
compute_id(struct note_key *key)
{
	const uint8_t middle[] = { '\n', key->type };
	const struct hm_bytes pieces[] = { hm_bytes_of(key->name),
		HM_BYTES(middle), HM_BYTES(key->key) };
	uint8_t digest[SHA256_LEN];

	sha256(pieces, 3, digest);
	memcpy(key->id, digest, KEY_ID_LEN);
}

static hm_err
key_of(struct hm_bytes name, uint8_t type, const uint8_t key[static 32],
    struct note_key *ret)
{
	struct note_key made = { .type = type };

	if (!is_name(name) || name.len > NOTE_NAME_MAX)
		return HM_E_BAD_INPUT;
	if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
		return HM_E_BAD_INPUT;
	memcpy(made.name, name.ptr, name.len);
	memcpy(made.key, key, sizeof(made.key));
	compute_id(&made);
	*ret = made;
	return HM_OK;
}

hm_err
note_key_make(const char *name, uint8_t type, const uint8_t key[static 32],
    struct note_key *ret)
{
	return key_of(hm_bytes_of(name), type, key, ret);
}

hm_err
note_key_parse(struct hm_bytes vkey, struct note_key *ret)
{
	struct hm_bytes name, hex;
	uint8_t id[KEY_ID_LEN], raw[1 + 32];
	struct note_key key;
	size_t len;

	if (!take_until(&vkey, '+', &name) || !take_until(&vkey, '+', &hex))
		return HM_E_BAD_INPUT;
	HM_TRY(hex_parse(hex, id, sizeof(id)));
	if (base64_parse(vkey, (struct hm_span){ raw, sizeof(raw) }, &len) !=
		HM_OK ||
	    len != sizeof(raw))
		return HM_E_BAD_INPUT;
	HM_TRY(key_of(name, raw[0], raw + 1, &key));
	if (memcmp(key.id, id, sizeof(id)) != 0)
		return HM_E_BAD_INPUT;
	*ret = key;
	return HM_OK;
}

/* Append all pieces or nothing; the last one as base64. */
static hm_err
add_pieces(struct buf *ret, const struct hm_bytes *pieces, size_t count,
    struct hm_bytes as_base64)
{
	size_t before = ret->len;
	hm_err err = HM_OK;

	for (size_t i = 0; i < count && err == HM_OK; i++)
		err = buf_add(ret, pieces[i]);
	if (err == HM_OK)
		err = buf_add_base64(ret, as_base64);
	if (err == HM_OK)
		err = buf_add(ret, HM_LITERAL("\n"));
	if (err != HM_OK)
		ret->len = before;
	return err;
}

hm_err
note_key_format(const struct note_key *key, struct buf *ret)
{
	char id[2 * KEY_ID_LEN + 1];
	uint8_t raw[1 + 32];
	const struct hm_bytes pieces[] = { hm_bytes_of(key->name),
		HM_LITERAL("+"), { (const uint8_t *)id, 2 * KEY_ID_LEN },
		HM_LITERAL("+") };

	hex_format(HM_BYTES(key->id), id);
	raw[0] = key->type;
	memcpy(raw + 1, key->key, sizeof(key->key));
	HM_TRY(add_pieces(ret, pieces, 4, HM_BYTES(raw)));
	ret->len--; /* a key has no newline */
	return HM_OK;
}

/* --- texts --- */

/* A log without entries has one root only. */
static bool
is_possible(const struct checkpoint *checkpoint)
{
	struct tree_hash empty;

	tree_root(&(struct tree){ 0 }, &empty);
	return checkpoint->size != 0 ||
	       memcmp(&empty, &checkpoint->root, sizeof(empty)) == 0;
}

hm_err
checkpoint_text(const struct checkpoint *checkpoint, struct buf *ret)
{
	size_t before = ret->len;
	hm_err err;

	if (checkpoint->origin.len == 0 ||
	    !is_plain(checkpoint->origin, false) ||
	    checkpoint->size > INT64_MAX || !is_possible(checkpoint))
		return HM_E_BAD_INPUT;
	err = buf_add(ret, checkpoint->origin);
	if (err == HM_OK)
		err = buf_print(ret, "\n%" PRIu64 "\n", checkpoint->size);
	if (err == HM_OK)
		err =
		    add_pieces(ret, NULL, 0, HM_BYTES(checkpoint->root.bytes));
	if (err != HM_OK)
		ret->len = before;
	return err;
}

hm_err
checkpoint_parse(struct hm_bytes text, struct checkpoint *ret)
{
	struct checkpoint made;
	struct hm_bytes size, root, extension;
	size_t len;

	if (!is_plain(text, true) || !take_until(&text, '\n', &made.origin) ||
	    !take_until(&text, '\n', &size) || !take_until(&text, '\n', &root))
		return HM_E_BAD_INPUT;
	if (made.origin.len == 0)
		return HM_E_BAD_INPUT;
	HM_TRY(uint_parse(size, INT64_MAX, &made.size));
	if (base64_parse(root,
		(struct hm_span){ made.root.bytes, TREE_HASH_LEN },
		&len) != HM_OK ||
	    len != TREE_HASH_LEN)
		return HM_E_BAD_INPUT;
	while (text.len > 0)
		if (!take_until(&text, '\n', &extension) || extension.len == 0)
			return HM_E_BAD_INPUT;

	if (!is_possible(&made))
		return HM_E_BAD_INPUT;
	*ret = made;
	return HM_OK;
}

hm_err
cosignature_text(
    struct hm_bytes checkpoint_text, uint64_t time_s, struct buf *ret)
{
	size_t before = ret->len;

	if (time_s > INT64_MAX)
		return HM_E_BAD_INPUT;
	HM_TRY(buf_print(ret, "cosignature/v1\ntime %" PRIu64 "\n", time_s));
	hm_err err = buf_add(ret, checkpoint_text);
	if (err != HM_OK)
		ret->len = before;
	return err;
}

hm_err
note_assemble(struct hm_bytes text, const struct note_key *key,
    const uint8_t signature[static 64], struct buf *ret)
{
	uint8_t raw[KEY_ID_LEN + ED25519_SIGNATURE_LEN];
	const struct hm_bytes pieces[] = { text, HM_LITERAL("\n"),
		HM_BYTES(dash), hm_bytes_of(key->name), HM_LITERAL(" ") };

	if (text.len == 0 || text.ptr[text.len - 1] != '\n')
		return HM_E_BAD_INPUT;
	memcpy(raw, key->id, KEY_ID_LEN);
	memcpy(raw + KEY_ID_LEN, signature, ED25519_SIGNATURE_LEN);
	return add_pieces(ret, pieces, 5, HM_BYTES(raw));
}

hm_err
cosignature_line(const struct note_key *witness, uint64_t time_s,
    const uint8_t signature[static 64], struct buf *ret)
{
	uint8_t raw[RAW_MAX];
	const struct hm_bytes pieces[] = { HM_BYTES(dash),
		hm_bytes_of(witness->name), HM_LITERAL(" ") };

	if (time_s > INT64_MAX)
		return HM_E_BAD_INPUT;
	memcpy(raw, witness->id, KEY_ID_LEN);
	hm_put_u64(raw + KEY_ID_LEN, time_s);
	memcpy(raw + KEY_ID_LEN + TIME_LEN, signature, ED25519_SIGNATURE_LEN);
	return add_pieces(ret, pieces, 3, HM_BYTES(raw));
}

/* --- opening --- */

/*
 * Decode base64 of any length, 64 characters at a time: a signature of a kind
 * that we do not know may be thousands of bytes, and must still be well-formed.
 */
static hm_err
decode_raw(struct hm_bytes base64, struct line *ret)
{
	uint8_t chunk[48];
	size_t len;

	ret->raw_len = 0;
	while (base64.len > 0) {
		size_t take = base64.len < 64 ? base64.len : 64;
		struct hm_bytes part = { base64.ptr, take };

		HM_TRY(base64_parse(
		    part, (struct hm_span){ chunk, sizeof(chunk) }, &len));
		base64.ptr += take;
		base64.len -= take;
		if (base64.len > 0 && len != sizeof(chunk))
			return HM_E_BAD_INPUT; /* padding in the middle */
		for (size_t i = 0; i < len; i++, ret->raw_len++)
			if (ret->raw_len < RAW_MAX)
				ret->raw[ret->raw_len] = chunk[i];
	}
	return ret->raw_len > KEY_ID_LEN ? HM_OK : HM_E_BAD_INPUT;
}

static hm_err
take_line(struct hm_bytes *signatures, struct line *ret)
{
	struct hm_bytes line;

	if (!take_until(signatures, '\n', &line) ||
	    !starts_with(line, HM_BYTES(dash)))
		return HM_E_BAD_INPUT;
	line.ptr += sizeof(dash);
	line.len -= sizeof(dash);
	if (!take_until(&line, ' ', &ret->name) || !is_name(ret->name))
		return HM_E_BAD_INPUT;
	return decode_raw(line, ret);
}

/* The last empty line separates text and signatures. */
static hm_err
split(struct hm_bytes note, struct hm_bytes *ret_text,
    struct hm_bytes *ret_signatures)
{
	size_t at = note.len;

	if (note.len < 2 || note.len > NOTE_MAX || !is_plain(note, true) ||
	    note.ptr[note.len - 1] != '\n')
		return HM_E_BAD_INPUT;
	do {
		if (at < 2)
			return HM_E_BAD_INPUT;
		at--;
	} while (note.ptr[at] != '\n' || note.ptr[at - 1] != '\n');

	*ret_text = (struct hm_bytes){ note.ptr, at };
	*ret_signatures =
	    (struct hm_bytes){ note.ptr + at + 1, note.len - at - 1 };
	return ret_signatures->len > 0 ? HM_OK : HM_E_BAD_INPUT;
}

hm_err
note_text(struct hm_bytes note, struct hm_bytes *ret_text)
{
	struct hm_bytes text, signatures;
	struct line line;

	HM_TRY(split(note, &text, &signatures));
	for (uint32_t lines = 0; signatures.len > 0; lines++) {
		if (lines == NOTE_SIGNATURES_MAX)
			return HM_E_BAD_INPUT;
		HM_TRY(take_line(&signatures, &line));
	}
	*ret_text = text;
	return HM_OK;
}

static bool
is_by(const struct line *line, const struct note_key *key)
{
	return memcmp(line->raw, key->id, KEY_ID_LEN) == 0 &&
	       hm_bytes_equal(line->name, hm_bytes_of(key->name));
}

static hm_err
verify_plain(
    struct hm_bytes text, const struct line *line, const struct note_key *key)
{
	if (key->type != NOTE_ED25519 ||
	    line->raw_len != KEY_ID_LEN + ED25519_SIGNATURE_LEN)
		return HM_E_LOG_PROOF;
	return ed25519_verify(key->key, text, line->raw + KEY_ID_LEN) == HM_OK
		   ? HM_OK
		   : HM_E_LOG_PROOF;
}

static hm_err
verify_cosignature(struct hm_bytes text, const struct line *line,
    const struct note_key *witness, uint64_t now_s)
{
	AUTO(buf) struct buf message = { 0 };
	uint64_t time_s;

	if (witness->type != NOTE_COSIGNATURE || line->raw_len != RAW_MAX)
		return HM_E_LOG_PROOF;
	time_s = hm_get_u64(line->raw + KEY_ID_LEN);
	if (time_s > INT64_MAX)
		return HM_E_LOG_PROOF;
	if (now_s > 0 && time_s > now_s && time_s - now_s > COSIGNATURE_AHEAD_S)
		return HM_E_LOG_PROOF;
	buf_init(&message, NOTE_MAX + 64);
	HM_TRY(cosignature_text(text, time_s, &message));
	return ed25519_verify(witness->key, buf_bytes(&message),
		   line->raw + KEY_ID_LEN + TIME_LEN) == HM_OK
		   ? HM_OK
		   : HM_E_LOG_PROOF;
}

/* Judge one line: the log's sets *log, that of witness i bit i of *good. */
static hm_err
judge_line(struct hm_bytes text, const struct line *line,
    const struct note_policy *policy, bool *log, uint64_t *good)
{
	if (is_by(line, policy->log)) {
		HM_TRY(verify_plain(text, line, policy->log));
		*log = true;
	}
	for (uint32_t i = 0; i < policy->witness_count; i++) {
		const struct note_key *witness = &policy->witnesses[i];

		if (!is_by(line, witness))
			continue;
		HM_TRY(verify_cosignature(text, line, witness, policy->now_s));
		*good |= (uint64_t)1 << i;
	}
	return HM_OK;
}

/* Two names for one key are one witness. */
static uint32_t
count_distinct(const struct note_policy *policy, uint64_t good)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < policy->witness_count; i++) {
		bool first = good >> i & 1;

		for (uint32_t j = 0; first && j < i; j++)
			if (good >> j & 1 &&
			    hm_bytes_equal(HM_BYTES(policy->witnesses[i].key),
				HM_BYTES(policy->witnesses[j].key)))
				first = false;
		count += first;
	}
	return count;
}

hm_err
note_open(struct hm_bytes note, const struct note_policy *policy,
    struct hm_bytes *ret_text, uint32_t *ret_witnesses)
{
	struct hm_bytes text, signatures;
	struct line line;
	uint64_t good = 0;
	uint32_t count;
	bool log = false;

	hm_assert(policy->witness_count <= NOTE_WITNESSES_MAX);
	/* Form first: a malformed note is never half judged. */
	HM_TRY(note_text(note, &text));
	HM_TRY(split(note, &text, &signatures));
	while (signatures.len > 0) {
		HM_TRY(take_line(&signatures, &line));
		HM_TRY(judge_line(text, &line, policy, &log, &good));
	}
	count = count_distinct(policy, good);
	if (!log || count < policy->quorum)
		return HM_E_LOG_PROOF;
	if (ret_text)
		*ret_text = text;
	if (ret_witnesses)
		*ret_witnesses = count;
	return HM_OK;
}

hm_err
checkpoint_open(struct hm_bytes note, const struct note_policy *policy,
    struct checkpoint *ret, uint32_t *ret_witnesses)
{
	struct checkpoint made;
	struct hm_bytes text;
	uint32_t witnesses;

	HM_TRY(note_text(note, &text));
	HM_TRY(checkpoint_parse(text, &made));
	if (!hm_bytes_equal(made.origin, hm_bytes_of(policy->log->name)))
		return HM_E_LOG_PROOF;
	HM_TRY(note_open(note, policy, NULL, &witnesses));
	*ret = made;
	if (ret_witnesses)
		*ret_witnesses = witnesses;
	return HM_OK;
}
