/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_tool - src/ledger at the other end of a pipe, for tests in Python
 *
 * A line is a verb and words: bytes in hex ("-" for none) or decimal numbers.
 * The answer is "ok" and such words, or the id of the error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/ed25519.h"
#include "ledger/receipt.h"
#include "ledger/tiles.h"

#define LINE_MAX_LEN 262144
#define WORDS_MAX 128

static char line[LINE_MAX_LEN];
static char *words[WORDS_MAX];
static size_t word_count;
static uint8_t rooms[WORDS_MAX][8192];
static const uint8_t seed[32] = "a key for tests";

static struct hm_bytes
bytes_at(size_t i)
{
	size_t len;

	hm_assert(i < word_count);
	if (strcmp(words[i], "-") == 0)
		return (struct hm_bytes){ 0 };
	len = strlen(words[i]) / 2;
	hm_assert(len <= sizeof(rooms[i]));
	hm_assert(hex_parse(hm_bytes_of(words[i]), rooms[i], len) == HM_OK);
	return (struct hm_bytes){ rooms[i], len };
}

static uint64_t
number_at(size_t i)
{
	hm_assert(i < word_count);
	return strtoull(words[i], NULL, 10);
}

static void
hash_at(size_t i, struct tree_hash *ret)
{
	struct hm_bytes bytes = bytes_at(i);

	hm_assert(bytes.len == TREE_HASH_LEN);
	memcpy(ret->bytes, bytes.ptr, TREE_HASH_LEN);
}

/* The hashes from word i on; the number of them. */
static uint32_t
hashes_at(size_t i, struct tree_hash ret[static WORDS_MAX])
{
	uint32_t count = 0;

	while (i < word_count)
		hash_at(i++, &ret[count++]);
	return count;
}

static void
put_hex(struct hm_bytes bytes)
{
	printf(" ");
	for (size_t i = 0; i < bytes.len; i++)
		printf("%02x", bytes.ptr[i]);
	if (bytes.len == 0)
		printf("-");
}

static void
answer(hm_err err)
{
	if (err == HM_OK)
		printf("ok");
	else
		printf("HM-%04d", (int)err);
}

/* --- trees of numbered leaves --- */

static struct tiles *tiles; /* the log at hand */

static struct tiles *
numbered(const char *folder, uint64_t size)
{
	char text[32];

	if (folder || !tiles) {
		tiles_free(tiles);
		hm_assert(tiles_open(folder ? folder : getenv("LEDGER_DIR"),
			      &tiles, NULL) == HM_OK);
	}
	while (tiles_tree(tiles)->size < size) {
		(void)snprintf(text, sizeof(text), "leaf %" PRIu64,
		    tiles_tree(tiles)->size);
		hm_assert(tiles_add(tiles, hm_bytes_of(text)) == HM_OK);
	}
	return tiles;
}

static void
do_root(void)
{
	struct tree_hash root;
	uint64_t size = number_at(1);

	hm_assert(tree_root_at(size, tiles_reader, numbered(NULL, size),
		      &root) == HM_OK);
	answer(HM_OK);
	put_hex(HM_BYTES(root.bytes));
}

static void
do_root_of(void)
{
	static struct tree tree;
	struct tree_hash hash;

	tree = (struct tree){ 0 };
	for (size_t i = 1; i < word_count; i++) {
		tree_leaf(bytes_at(i), &hash);
		tree_add(&tree, &hash);
	}
	tree_root(&tree, &hash);
	answer(HM_OK);
	put_hex(HM_BYTES(hash.bytes));
}

static void
put_proof(hm_err err, const struct tree_hash *proof, uint32_t count)
{
	answer(err);
	for (uint32_t i = 0; err == HM_OK && i < count; i++)
		put_hex(HM_BYTES(proof[i].bytes));
}

static void
do_prove(void)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	uint32_t count = 0;
	hm_err err = tree_prove(number_at(1), number_at(2), tiles_reader,
	    numbered(NULL, number_at(2)), proof, &count);

	put_proof(err, proof, count);
}

static void
do_prove_growth(void)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	uint32_t count = 0;
	hm_err err = tree_prove_growth(number_at(1), number_at(2), tiles_reader,
	    numbered(NULL, number_at(2)), proof, &count);

	put_proof(err, proof, count);
}

/* include INDEX SIZE LEAF ROOT HASH... */
static void
do_include(void)
{
	static struct tree_hash proof[WORDS_MAX];
	struct tree_hash leaf, root;

	hash_at(3, &leaf);
	hash_at(4, &root);
	answer(tree_verify(number_at(1), number_at(2), &leaf, proof,
	    hashes_at(5, proof), &root));
}

/* grow OLD SIZE OLDROOT ROOT HASH... */
static void
do_grow(void)
{
	static struct tree_hash proof[WORDS_MAX];
	struct tree_hash old, root;

	hash_at(3, &old);
	hash_at(4, &root);
	answer(tree_verify_growth(number_at(1), number_at(2), proof,
	    hashes_at(5, proof), &old, &root));
}

/* --- notes --- */

static hm_err
parse_keys(size_t from, struct note_key *ret, uint32_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = from; i < word_count; i++)
		HM_TRY(note_key_parse(bytes_at(i), &ret[(*ret_count)++]));
	return HM_OK;
}

/* note NOTE VKEY...: the first is the log's */
static void
do_note(void)
{
	static struct note_key keys[8];
	struct note_policy policy = { .log = keys, .witnesses = keys + 1 };
	uint32_t count, witnesses;
	hm_err err = parse_keys(2, keys, &count);

	if (err == HM_OK) {
		policy.witness_count = count - 1;
		err = note_open(bytes_at(1), &policy, NULL, &witnesses);
	}
	answer(err);
}

/* checkpoint NOTE VKEY...: size and root */
static void
do_checkpoint(void)
{
	static struct note_key keys[8];
	struct note_policy policy = { .log = keys, .witnesses = keys + 1 };
	struct checkpoint checkpoint;
	uint32_t count, witnesses;
	hm_err err = parse_keys(2, keys, &count);

	if (err == HM_OK) {
		policy.witness_count = count - 1;
		err = checkpoint_open(
		    bytes_at(1), &policy, &checkpoint, &witnesses);
	}
	answer(err);
	if (err != HM_OK)
		return;
	put_hex(checkpoint.origin);
	printf(" %" PRIu64, checkpoint.size);
	put_hex(HM_BYTES(checkpoint.root.bytes));
}

static void
our_key(const char *name, struct note_key *ret)
{
	uint8_t point[ED25519_KEY_LEN];

	hm_assert(ed25519_public(seed, point) == HM_OK);
	hm_assert(note_key_make(name, NOTE_ED25519, point, ret) == HM_OK);
}

static void
sign_note(struct hm_bytes text, const struct note_key *key, struct buf *ret)
{
	uint8_t signature[ED25519_SIGNATURE_LEN];

	hm_assert(ed25519_sign(seed, text, signature) == HM_OK);
	hm_assert(note_assemble(text, key, signature, ret) == HM_OK);
}

/* cosigned TEXT LINE VKEY NOW: is the line a cosignature of the text? */
static void
do_cosigned(void)
{
	struct note_key log, witness;
	struct note_policy policy = { .log = &log,
		.witnesses = &witness,
		.witness_count = 1,
		.quorum = 1,
		.now_s = number_at(4) };
	struct buf note = { .max = 16384 };
	hm_err err = note_key_parse(bytes_at(3), &witness);

	if (err == HM_OK) {
		our_key("log", &log);
		sign_note(bytes_at(1), &log, &note);
		hm_assert(buf_add(&note, bytes_at(2)) == HM_OK);
		err = note_open(buf_bytes(&note), &policy, NULL, NULL);
	}
	answer(err);
	buf_done(&note);
}

/* cosign TEXT SEED VKEY TIME: what is signed, and the line */
static void
do_cosign(void)
{
	struct buf message = { .max = 16384 }, out = { .max = 16384 };
	uint8_t signature[ED25519_SIGNATURE_LEN];
	struct note_key witness;

	hm_assert(note_key_parse(bytes_at(3), &witness) == HM_OK);
	hm_assert(
	    cosignature_text(bytes_at(1), number_at(4), &message) == HM_OK);
	hm_assert(ed25519_sign(bytes_at(2).ptr, buf_bytes(&message),
		      signature) == HM_OK);
	hm_assert(
	    cosignature_line(&witness, number_at(4), signature, &out) == HM_OK);
	answer(HM_OK);
	put_hex(buf_bytes(&message));
	put_hex(buf_bytes(&out));
	buf_done(&message);
	buf_done(&out);
}

/* receipt RECEIPT ENTRY QUORUM VKEY... */
static void
do_receipt(void)
{
	static struct note_key keys[8];
	struct note_policy policy = { .log = keys,
		.witnesses = keys + 1,
		.quorum = (uint32_t)number_at(3) };
	uint64_t index;
	uint32_t count;
	hm_err err = parse_keys(4, keys, &count);

	if (err == HM_OK) {
		policy.witness_count = count - 1;
		err = receipt_verify(
		    bytes_at(1), bytes_at(2), &policy, &index, NULL);
	}
	answer(err);
	if (err == HM_OK)
		printf(" %" PRIu64, index);
}

/* --- tiles --- */

static void
do_tile_path(void)
{
	char path[TILE_PATH_MAX];
	hm_err err = tile_path((unsigned)number_at(1), number_at(2),
	    (unsigned)number_at(3), path, sizeof(path));

	answer(err);
	if (err == HM_OK)
		put_hex(hm_bytes_of(path));
}

static void
do_tile_parse(void)
{
	unsigned level, width;
	uint64_t index;
	hm_err err = tile_path_parse(bytes_at(1), &level, &index, &width);

	answer(err);
	if (err == HM_OK)
		printf(" %u %" PRIu64 " %u", level, index, width);
}

/* bundle BYTES COUNT: the entries */
static void
do_bundle(void)
{
	struct hm_bytes rest = bytes_at(1), entries[WORDS_MAX];
	uint64_t count = number_at(2);
	hm_err err = HM_OK;

	hm_assert(count <= WORDS_MAX);
	for (uint64_t i = 0; err == HM_OK && i < count; i++)
		err = tile_take_entry(&rest, &entries[i]);
	answer(err);
	for (uint64_t i = 0; err == HM_OK && i < count; i++)
		put_hex(entries[i]);
}

static void
write_file(const char *folder, const char *name, struct buf *content)
{
	char path[1024];

	hm_assert(path_join(path, sizeof(path), folder, name) == HM_OK);
	hm_assert(file_write(path, buf_bytes(content), 0644, NULL) == HM_OK);
	buf_done(content);
}

/* log FOLDER SIZE INDEX: tiles, checkpoint, vkey; a receipt of entry INDEX */
static void
do_log(void)
{
	const char *folder = words[1];
	uint64_t size = number_at(2), index = number_at(3);
	struct checkpoint checkpoint = { .origin = HM_LITERAL("log.test/1") };
	struct buf text = { .max = 4096 }, note = { .max = 4096 };
	struct buf receipt = { .max = 8192 }, vkey = { .max = 256 };
	static struct tree_hash proof[TREE_PROOF_MAX];
	struct note_key key;
	uint32_t count;

	(void)numbered(folder, size);
	our_key("log.test/1", &key);
	checkpoint.size = size;
	tree_root(tiles_tree(tiles), &checkpoint.root);
	hm_assert(checkpoint_text(&checkpoint, &text) == HM_OK);
	sign_note(buf_bytes(&text), &key, &note);
	hm_assert(tiles_flush(tiles, NULL) == HM_OK);
	hm_assert(tiles_publish(tiles, buf_bytes(&note), NULL) == HM_OK);
	hm_assert(tree_prove(index, size, tiles_reader, tiles, proof, &count) ==
		  HM_OK);
	hm_assert(receipt_format(index, proof, count, buf_bytes(&note),
		      &receipt) == HM_OK);
	hm_assert(note_key_format(&key, &vkey) == HM_OK);
	write_file(folder, "receipt", &receipt);
	write_file(folder, "vkey", &vkey);
	buf_done(&text);
	buf_done(&note);
	answer(HM_OK);
}

static const struct verb {
	const char *name;
	void (*act)(void);
} verbs[] = {
	{ "bundle", do_bundle },
	{ "checkpoint", do_checkpoint },
	{ "cosign", do_cosign },
	{ "cosigned", do_cosigned },
	{ "grow", do_grow },
	{ "include", do_include },
	{ "log", do_log },
	{ "note", do_note },
	{ "prove", do_prove },
	{ "prove-growth", do_prove_growth },
	{ "receipt", do_receipt },
	{ "root", do_root },
	{ "root-of", do_root_of },
	{ "tile-parse", do_tile_parse },
	{ "tile-path", do_tile_path },
};

static void
act(void)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(words[0], verbs[i].name) == 0) {
			verbs[i].act();
			printf("\n");
			(void)fflush(stdout);
			return;
		}
	(void)fprintf(stderr, "no verb %s\n", words[0]);
	exit(2);
}

int
main(void)
{
	char *save;

	while (fgets(line, sizeof(line), stdin)) {
		word_count = 0;
		for (char *word = strtok_r(line, " \n", &save); word;
		     word = strtok_r(NULL, " \n", &save)) {
			hm_assert(word_count < WORDS_MAX);
			words[word_count++] = word;
		}
		if (word_count > 0)
			act();
	}
	tiles_free(tiles);
	return 0;
}
