/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/note and ledger/receipt: what we make opens; what is altered does not.
 * Foreign notes and receipts are in tests/e2e/test_ledger.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "ledger/receipt.h"
#include "testlog.h"

#define NOW 1780000000

#define ENTRY HM_LITERAL("leaf 5")

/* A tree of eight entries; the proof of the sixth. */
static void
make_tree(struct tree *ret, struct tree_hash proof[static 3])
{
	struct tree_hash leaves[8], pair;
	char text[16];

	*ret = (struct tree){ 0 };
	for (int i = 0; i < 8; i++) {
		(void)snprintf(text, sizeof(text), "leaf %d", i);
		tree_leaf(hm_bytes_of(text), &leaves[i]);
		tree_add(ret, &leaves[i]);
	}
	proof[0] = leaves[4];
	tree_node(&leaves[6], &leaves[7], &proof[1]);
	tree_node(&leaves[0], &leaves[1], &proof[2]);
	tree_node(&leaves[2], &leaves[3], &pair);
	tree_node(&proof[2], &pair, &proof[2]);
}

static void
make_note(struct buf *ret)
{
	struct tree_hash proof[3];
	static struct tree tree;

	make_tree(&tree, proof);
	buf_init(ret, 8192);
	testlog_checkpoint(&tree, ret);
}

static struct note_policy
policy_of(uint32_t quorum)
{
	return (struct note_policy){ .log = testlog_key(),
		.witnesses = testlog_witness(),
		.witness_count = 1,
		.quorum = quorum,
		.now_s = NOW };
}

static void
opens_what_it_assembled(void **state)
{
	struct note_policy policy = policy_of(1);
	struct checkpoint checkpoint;
	struct buf note;
	uint32_t witnesses = 77;

	(void)state;
	make_note(&note);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, &witnesses),
	    HM_E_LOG_PROOF);
	assert_int_equal(witnesses, 77);
	testlog_cosign(&note, NOW);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, &witnesses),
	    HM_OK);
	assert_int_equal(witnesses, 1);
	assert_int_equal(checkpoint.size, 8);
	assert_true(
	    hm_bytes_equal(checkpoint.origin, HM_LITERAL(TESTLOG_ORIGIN)));
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_OK);
	buf_done(&note);
}

static void
counts_a_witness_once_however_often_it_signs(void **state)
{
	struct note_policy policy = policy_of(2);
	struct note_key twice[] = { *testlog_witness(), *testlog_witness() };
	struct checkpoint checkpoint;
	struct buf note;

	(void)state;
	make_note(&note);
	testlog_cosign(&note, NOW);
	testlog_cosign(&note, NOW - 1);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_E_LOG_PROOF);
	policy.witnesses = twice;
	policy.witness_count = 2;
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_E_LOG_PROOF);
	buf_done(&note);
}

static void
refuses_a_cosignature_from_the_future(void **state)
{
	struct note_policy policy = policy_of(1);
	struct checkpoint checkpoint;
	struct buf note;

	(void)state;
	make_note(&note);
	testlog_cosign(&note, NOW + 60);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_OK);
	testlog_cosign(&note, NOW + 61);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_E_LOG_PROOF);
	policy.now_s = 0;
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_OK);
	buf_done(&note);
}

static void
refuses_a_note_with_any_byte_altered(void **state)
{
	struct note_policy policy = policy_of(1);
	struct checkpoint checkpoint;
	struct buf note;

	(void)state;
	make_note(&note);
	testlog_cosign(&note, NOW);
	for (size_t i = 0; i < note.len; i++) {
		note.ptr[i] ^= 1;
		assert_int_not_equal(checkpoint_open(buf_bytes(&note), &policy,
					 &checkpoint, NULL),
		    HM_OK);
		note.ptr[i] ^= 1;
	}
	for (size_t len = 0; len < note.len; len++)
		assert_int_not_equal(
		    checkpoint_open((struct hm_bytes){ note.ptr, len }, &policy,
			&checkpoint, NULL),
		    HM_OK);
	buf_done(&note);
}

static void
refuses_more_signatures_than_it_wants_to_read(void **state)
{
	struct note_policy policy = policy_of(0);
	struct checkpoint checkpoint;
	struct buf note;

	(void)state;
	make_note(&note);
	for (int i = 1; i < NOTE_SIGNATURES_MAX; i++)
		testlog_cosign(&note, NOW);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_OK);
	testlog_cosign(&note, NOW);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_E_BAD_INPUT);
	buf_done(&note);
}

static void
passes_over_long_signatures_of_unknown_kinds(void **state)
{
	static const uint8_t big[2432] = { 1, 2, 3, 4 };
	struct note_policy policy = policy_of(0);
	struct checkpoint checkpoint;
	struct buf note;

	(void)state;
	make_note(&note);
	assert_int_equal(
	    buf_add(&note, HM_LITERAL("\xe2\x80\x94 other.example.com ")),
	    HM_OK);
	assert_int_equal(buf_add_base64(&note, HM_BYTES(big)), HM_OK);
	assert_int_equal(buf_add(&note, HM_LITERAL("\n")), HM_OK);
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_OK);
	note.ptr[note.len - 100] = '=';
	assert_int_equal(
	    checkpoint_open(buf_bytes(&note), &policy, &checkpoint, NULL),
	    HM_E_BAD_INPUT);
	buf_done(&note);
}

static void
takes_keys_only_in_their_form(void **state)
{
	static const char good[] =
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/"
	    "LDE4izWy10TW";
	static const char *const bad[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a4+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"Peter Neumann+c74f20a3+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
		"PeterNeumann+c74f20a3+"
		"AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct note_key key, other = { .type = 9 };
	struct buf text = { .max = 300 };
	uint8_t point[32] = { 0 };
	char name[NOTE_NAME_MAX + 2];

	(void)state;
	assert_int_equal(note_key_parse(hm_bytes_of(good), &key), HM_OK);
	assert_string_equal(key.name, "PeterNeumann");
	assert_int_equal(note_key_format(&key, &text), HM_OK);
	assert_string_equal(buf_text(&text), good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(note_key_parse(hm_bytes_of(bad[i]), &other),
		    HM_E_BAD_INPUT);
	assert_int_equal(
	    note_key_make("a b", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(
	    note_key_make("a+b", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(
	    note_key_make("a\xe2\x80\x83z", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(
	    note_key_make("a\xc2\xa0z", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(
	    note_key_make("a\xffz", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(note_key_make("", 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(note_key_make("a", 2, point, &other), HM_E_BAD_INPUT);
	memset(name, 'a', sizeof(name));
	name[NOTE_NAME_MAX + 1] = '\0';
	assert_int_equal(note_key_make(name, 1, point, &other), HM_E_BAD_INPUT);
	assert_int_equal(other.type, 9);
	name[NOTE_NAME_MAX] = '\0';
	assert_int_equal(note_key_make(name, 1, point, &other), HM_OK);
	buf_done(&text);
}

static void
writes_whole_texts_or_nothing(void **state)
{
	struct checkpoint checkpoint = { .origin = HM_LITERAL("a"), .size = 1 };
	const uint8_t signature[64] = { 0 };
	struct buf full = { .max = 20 };

	(void)state;
	assert_int_equal(buf_add(&full, HM_LITERAL("0123456789")), HM_OK);
	assert_int_equal(checkpoint_text(&checkpoint, &full), HM_E_TOO_LARGE);
	assert_int_equal(
	    cosignature_text(HM_LITERAL("a\n"), 1, &full), HM_E_TOO_LARGE);
	assert_int_equal(
	    cosignature_line(testlog_witness(), 1, signature, &full),
	    HM_E_TOO_LARGE);
	assert_int_equal(
	    note_assemble(HM_LITERAL("a\n"), testlog_key(), signature, &full),
	    HM_E_TOO_LARGE);
	assert_int_equal(note_key_format(testlog_key(), &full), HM_E_TOO_LARGE);
	assert_int_equal(
	    receipt_format(1, NULL, 0, HM_LITERAL("a"), &full), HM_E_TOO_LARGE);
	assert_int_equal(full.len, 10);

	assert_int_equal(
	    note_assemble(HM_LITERAL("a"), testlog_key(), signature, &full),
	    HM_E_BAD_INPUT);
	checkpoint.size = (uint64_t)INT64_MAX + 1;
	assert_int_equal(checkpoint_text(&checkpoint, &full), HM_E_BAD_INPUT);
	checkpoint.size = 0; /* and not the root of no entries */
	assert_int_equal(checkpoint_text(&checkpoint, &full), HM_E_BAD_INPUT);
	checkpoint.size = 1;
	checkpoint.origin = HM_LITERAL("a\nb");
	assert_int_equal(checkpoint_text(&checkpoint, &full), HM_E_BAD_INPUT);
	checkpoint.origin = HM_LITERAL("");
	assert_int_equal(checkpoint_text(&checkpoint, &full), HM_E_BAD_INPUT);
	assert_int_equal(full.len, 10);
	buf_done(&full);
}

static void
make_receipt(uint64_t index, uint32_t hashes, struct buf *ret)
{
	struct tree_hash proof[4] = { 0 };
	static struct tree tree;
	struct buf note = { .max = 4096 };

	make_tree(&tree, proof);
	testlog_checkpoint(&tree, &note);
	testlog_cosign(&note, NOW);
	buf_init(ret, 4096);
	assert_int_equal(
	    receipt_format(index, proof, hashes, buf_bytes(&note), ret), HM_OK);
	buf_done(&note);
}

static void
verifies_its_own_receipt_and_no_altered_one(void **state)
{
	struct note_policy policy = policy_of(1);
	struct checkpoint checkpoint = { 0 };
	struct buf receipt;
	uint64_t index = 77;

	(void)state;
	make_receipt(5, 3, &receipt);
	assert_int_equal(receipt_verify(buf_bytes(&receipt), ENTRY, &policy,
			     &index, &checkpoint),
	    HM_OK);
	assert_int_equal(index, 5);
	assert_int_equal(checkpoint.size, 8);
	index = 77;
	for (size_t i = 0; i < receipt.len; i++) {
		receipt.ptr[i] ^= 1;
		assert_int_not_equal(receipt_verify(buf_bytes(&receipt), ENTRY,
					 &policy, &index, &checkpoint),
		    HM_OK);
		receipt.ptr[i] ^= 1;
	}
	assert_int_equal(index, 77);
	assert_int_equal(receipt_verify(buf_bytes(&receipt),
			     HM_LITERAL("leaf 6"), &policy, NULL, NULL),
	    HM_E_LOG_PROOF);
	buf_done(&receipt);
}

static void
refuses_a_receipt_for_another_place_or_with_other_hashes(void **state)
{
	struct note_policy policy = policy_of(0);
	struct buf receipt;
	static const struct {
		uint64_t index;
		uint32_t hashes;
	} cases[] = { { 4, 3 }, { 5, 2 }, { 5, 4 }, { 8, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_receipt(cases[i].index, cases[i].hashes, &receipt);
		assert_int_equal(receipt_verify(buf_bytes(&receipt), ENTRY,
				     &policy, NULL, NULL),
		    HM_E_LOG_PROOF);
		buf_done(&receipt);
	}
}

/* What was seen: the first 5 entries of the 8. */
static void
make_growth(uint64_t from, struct buf *ret, struct checkpoint *ret_seen)
{
	AUTO(buf) struct buf note = { .max = 4096 };
	static struct tree_hash proof[TREE_PROOF_MAX];
	struct tree_hash leaves[8];
	struct tree tree = { 0 };
	uint32_t count = 0;

	for (uint64_t i = 0; i < 8; i++) {
		const uint8_t entry = (uint8_t)i;

		tree_leaf((struct hm_bytes){ &entry, 1 }, &leaves[i]);
		tree_add(&tree, &leaves[i]);
		if (i + 1 == 5)
			tree_root(&tree, &ret_seen->root);
	}
	ret_seen->size = 5;
	if (from > 0 && from < 8)
		assert_int_equal(tree_prove_growth(from, 8, testlog_reader,
				     leaves, proof, &count),
		    HM_OK);
	testlog_checkpoint(&tree, &note);
	buf_init(ret, 4096);
	assert_int_equal(
	    growth_format(from, proof, count, buf_bytes(&note), ret), HM_OK);
}

static void
verifies_growth_and_no_altered_one(void **state)
{
	struct note_policy policy = policy_of(0);
	struct checkpoint seen = { 0 }, now = { 0 };
	struct hm_bytes note;
	struct buf growth;

	(void)state;
	make_growth(5, &growth, &seen);
	assert_int_equal(
	    growth_verify(buf_bytes(&growth), &policy, &seen, &now), HM_OK);
	assert_int_equal(now.size, 8);
	assert_int_equal(growth_note(buf_bytes(&growth), &note), HM_OK);
	assert_int_equal(checkpoint_open(note, &policy, &now, NULL), HM_OK);
	for (size_t i = 0; i < growth.len; i++) {
		growth.ptr[i] ^= 1;
		assert_int_not_equal(
		    growth_verify(buf_bytes(&growth), &policy, &seen, &now),
		    HM_OK);
		growth.ptr[i] ^= 1;
	}
	for (size_t len = 0; len < growth.len; len++)
		assert_int_not_equal(
		    growth_verify((struct hm_bytes){ growth.ptr, len }, &policy,
			&seen, &now),
		    HM_OK);
	buf_done(&growth);
}

static void
tells_a_roll_back_from_another_past(void **state)
{
	struct note_policy policy = policy_of(0);
	struct checkpoint seen = { 0 }, now = { 0 };
	struct buf growth;

	(void)state;
	make_growth(5, &growth, &seen);
	seen.root.bytes[0] ^= 1;
	assert_int_equal(
	    growth_verify(buf_bytes(&growth), &policy, &seen, &now), HM_E_LOG);
	seen.size = 4; /* it is about another size than was asked for */
	assert_int_equal(
	    growth_verify(buf_bytes(&growth), &policy, &seen, &now),
	    HM_E_BAD_INPUT);
	buf_done(&growth);
	make_growth(9, &growth, &seen);
	seen.size = 9;
	assert_int_equal(
	    growth_verify(buf_bytes(&growth), &policy, &seen, &now),
	    HM_E_LOG_ROLLBACK);
	assert_int_equal(now.size, 8);
	buf_done(&growth);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_growth_and_no_altered_one),
		cmocka_unit_test(tells_a_roll_back_from_another_past),
		cmocka_unit_test(opens_what_it_assembled),
		cmocka_unit_test(counts_a_witness_once_however_often_it_signs),
		cmocka_unit_test(refuses_a_cosignature_from_the_future),
		cmocka_unit_test(refuses_a_note_with_any_byte_altered),
		cmocka_unit_test(refuses_more_signatures_than_it_wants_to_read),
		cmocka_unit_test(passes_over_long_signatures_of_unknown_kinds),
		cmocka_unit_test(takes_keys_only_in_their_form),
		cmocka_unit_test(writes_whole_texts_or_nothing),
		cmocka_unit_test(verifies_its_own_receipt_and_no_altered_one),
		cmocka_unit_test(
		    refuses_a_receipt_for_another_place_or_with_other_hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
