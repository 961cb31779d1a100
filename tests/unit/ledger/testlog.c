/* SPDX-License-Identifier: Apache-2.0 */
#include "testlog.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/ed25519.h"

static const uint8_t seed[32] = "not a secret: a key for tests  ";
static const uint8_t witness_seed[32] = "not a secret either: a witness ";
static char folder[64];

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
	(void)about;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

void
testlog_folder_clear(void)
{
	assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
testlog_folder(void)
{
	const char *base = getenv("TMPDIR");

	/* Thousands of syncs: in memory, if there is a place. */
	if (!base)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(folder, sizeof(folder), "%.32s/ledger-XXXXXX", base);
	assert_non_null(mkdtemp(folder));
	return folder;
}

void
testlog_folder_done(void)
{
	testlog_folder_clear();
	assert_int_equal(rmdir(folder), 0);
}

static void
make_key(const uint8_t from[static 32], const char *name, uint8_t type,
    struct note_key *ret)
{
	uint8_t point[ED25519_KEY_LEN];

	assert_int_equal(ed25519_public(from, point), HM_OK);
	assert_int_equal(note_key_make(name, type, point, ret), HM_OK);
}

const struct note_key *
testlog_key(void)
{
	static struct note_key key;

	if (key.type == 0)
		make_key(seed, TESTLOG_ORIGIN, NOTE_ED25519, &key);
	return &key;
}

const struct note_key *
testlog_witness(void)
{
	static struct note_key key;

	if (key.type == 0)
		make_key(witness_seed, "witness.example.com/w1",
		    NOTE_COSIGNATURE, &key);
	return &key;
}

void
testlog_checkpoint(const struct tree *tree, struct buf *ret)
{
	struct checkpoint checkpoint = { .origin = HM_LITERAL(TESTLOG_ORIGIN),
		.size = tree->size };
	uint8_t signature[ED25519_SIGNATURE_LEN];
	struct buf text = { .max = 4096 };

	tree_root(tree, &checkpoint.root);
	assert_int_equal(checkpoint_text(&checkpoint, &text), HM_OK);
	assert_int_equal(
	    ed25519_sign(seed, buf_bytes(&text), signature), HM_OK);
	assert_int_equal(
	    note_assemble(buf_bytes(&text), testlog_key(), signature, ret),
	    HM_OK);
	buf_done(&text);
}

void
testlog_cosign(struct buf *note, uint64_t time_s)
{
	uint8_t signature[ED25519_SIGNATURE_LEN];
	struct buf message = { .max = 4096 };
	struct hm_bytes text;

	assert_int_equal(note_text(buf_bytes(note), &text), HM_OK);
	assert_int_equal(cosignature_text(text, time_s, &message), HM_OK);
	assert_int_equal(
	    ed25519_sign(witness_seed, buf_bytes(&message), signature), HM_OK);
	buf_done(&message);
	assert_int_equal(
	    cosignature_line(testlog_witness(), time_s, signature, note),
	    HM_OK);
}

hm_err
testlog_publish(struct tiles *tiles)
{
	struct buf note = { .max = 4096 };
	hm_err err = tiles_flush(tiles, NULL);

	if (err == HM_OK) {
		testlog_checkpoint(tiles_tree(tiles), &note);
		err = tiles_publish(tiles, buf_bytes(&note), NULL);
	}
	buf_done(&note);
	return err;
}

hm_err
testlog_reader(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret)
{
	struct tree_hash left, right;

	if (level == 0) {
		*ret = ((struct tree_hash *)context)[index];
		return HM_OK;
	}
	HM_TRY(testlog_reader(context, level - 1, index * 2, &left));
	HM_TRY(testlog_reader(context, level - 1, index * 2 + 1, &right));
	tree_node(&left, &right, ret);
	return HM_OK;
}
