/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_ledger [ENTRIES [DIR]] - what the ledger costs beside bare SHA-256
 *
 * One JSON line a figure. A log of a real shape (issue and confirmation of one
 * device after the other, 200,000 entries) is written to a folder of its own
 * and audited. "Bare" is SHA-256 over the same leaves and nodes, one call each,
 * through the same door: what any log of this tree must spend.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/ledger/factory.h"
#include "core/check.h"
#include "crypto/ed25519.h"
#include "ledger/audit.h"

#define GROUP 16

static const uint8_t seed[32] = "a key for benches";
static struct note_key key;

static double
now_s(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
figure(const char *name, double count, double seconds, double bare)
{
	printf("{\"figure\":\"%s\",\"count\":%.0f,\"per_second\":%.0f,"
	       "\"us\":%.3f",
	    name, count, count / seconds, seconds / count * 1e6);
	if (bare > 0)
		printf(",\"ratio_to_bare\":%.2f", seconds / bare);
	printf("}\n");
	(void)fflush(stdout);
}

static void
publish(struct tiles *tiles)
{
	struct checkpoint checkpoint = { .origin = HM_LITERAL(FACTORY_ORIGIN),
		.size = tiles_tree(tiles)->size };
	struct buf text = { .max = 4096 }, note = { .max = 4096 };
	uint8_t signature[ED25519_SIGNATURE_LEN];

	tree_root(tiles_tree(tiles), &checkpoint.root);
	hm_assert(checkpoint_text(&checkpoint, &text) == HM_OK);
	hm_assert(ed25519_sign(seed, buf_bytes(&text), signature) == HM_OK);
	hm_assert(
	    note_assemble(buf_bytes(&text), &key, signature, &note) == HM_OK);
	hm_assert(tiles_flush(tiles, NULL) == HM_OK);
	hm_assert(tiles_publish(tiles, buf_bytes(&note), NULL) == HM_OK);
	buf_done(&text);
	buf_done(&note);
}

static void
make_devices(struct factory *factory, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		factory_issue(factory, "PO-1", i);
		factory_confirm(factory, "PO-1", i);
	}
}

/* Durable batches of GROUP entries. */
static void
bench_append(struct factory *factory)
{
	double start = now_s(CLOCK_MONOTONIC), spent;
	uint32_t count = 0;

	do {
		make_devices(factory, count, count + GROUP / 2);
		publish(factory->tiles);
		count += GROUP / 2;
		spent = now_s(CLOCK_MONOTONIC) - start;
	} while (spent < 2);
	figure("append, flush and publish per 16", 2.0 * count, spent, 0);
}

static double
bare_seconds(uint32_t entries)
{
	static uint8_t leaf[418], node[64];
	struct tree_hash hash;
	double start = now_s(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 0; i < entries; i++) {
		/* an issue has 417 bytes, a confirmation 146 */
		tree_leaf((struct hm_bytes){ leaf, i % 2 ? 146 : 417 }, &hash);
		memcpy(node, &hash, sizeof(hash));
		tree_node((struct tree_hash *)node,
		    (struct tree_hash *)(node + 32), &hash);
	}
	return now_s(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static void
bench_prove(struct tiles *tiles, bool recent)
{
	struct tree_hash proof[TREE_PROOF_MAX];
	uint64_t size = tiles_tree(tiles)->size, index;
	double start = now_s(CLOCK_PROCESS_CPUTIME_ID);
	uint32_t count;

	for (uint32_t i = 0; i < 100000; i++) {
		index = recent ? size - 1 - i % GROUP : i * 7919UL % size;
		hm_assert(tree_prove(index, size, tiles_reader, tiles, proof,
			      &count) == HM_OK);
	}
	figure(recent ? "prove a new entry" : "prove an old entry", 100000,
	    now_s(CLOCK_PROCESS_CPUTIME_ID) - start, 0);
}

static void
bench_open(const char *folder)
{
	struct tiles *tiles;
	double start = now_s(CLOCK_MONOTONIC);

	hm_assert(tiles_open(folder, &tiles, NULL) == HM_OK);
	figure("open", 1, now_s(CLOCK_MONOTONIC) - start, 0);
	bench_prove(tiles, true);
	bench_prove(tiles, false);
	tiles_free(tiles);
}

static void
bench_audit(const char *folder, double bare)
{
	struct note_policy policy = { .log = &key };
	struct audit_options options = { .folder = folder, .policy = &policy };
	struct audit_result result;
	struct rusage before, after;
	double start = now_s(CLOCK_PROCESS_CPUTIME_ID);

	(void)getrusage(RUSAGE_SELF, &before);
	hm_assert(audit_run(&options, &result, NULL) == HM_OK);
	hm_assert(result.finding_count == 0 && result.note_count == 0);
	(void)getrusage(RUSAGE_SELF, &after);
	figure("audit", (double)result.size,
	    now_s(CLOCK_PROCESS_CPUTIME_ID) - start, bare);
	printf("{\"figure\":\"audit memory\",\"peak_kib\":%ld,"
	       "\"before_kib\":%ld}\n",
	    after.ru_maxrss, before.ru_maxrss);
	audit_result_done(&result);
}

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
	(void)about;
	(void)type;
	(void)at;
	return remove(path);
}

static void
make_log(const char *folder, uint32_t entries)
{
	struct factory factory;
	struct tiles *tiles;
	double start;

	hm_assert(tiles_open(folder, &tiles, NULL) == HM_OK);
	factory_init(&factory, tiles);
	factory_begin(&factory);
	factory_order(&factory, "PO-1", 9000000, 0, 0);
	start = now_s(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 0; i < entries / 2; i += 5000) {
		make_devices(&factory, i, i + 5000);
		hm_assert(tiles_flush(tiles, NULL) == HM_OK);
	}
	figure("add (with making of the entry)", entries,
	    now_s(CLOCK_PROCESS_CPUTIME_ID) - start, 0);
	publish(tiles);
	factory_done(&factory);
	tiles_free(tiles);
}

static void
bench_durable(const char *folder)
{
	struct factory factory;
	struct tiles *tiles;

	hm_assert(tiles_open(folder, &tiles, NULL) == HM_OK);
	factory_init(&factory, tiles);
	factory_begin(&factory);
	factory_order(&factory, "PO-1", 9000000, 0, 0);
	bench_append(&factory);
	factory_done(&factory);
	tiles_free(tiles);
}

int
main(int argc, char **argv)
{
	uint32_t entries =
	    argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;
	char base[512], folder[600];
	uint8_t point[ED25519_KEY_LEN];

	(void)snprintf(base, sizeof(base), "%.400s/bench-ledger-XXXXXX",
	    argc > 2 ? argv[2] : "/tmp");
	hm_assert(mkdtemp(base));
	hm_assert(ed25519_public(seed, point) == HM_OK);
	hm_assert(
	    note_key_make(FACTORY_ORIGIN, NOTE_ED25519, point, &key) == HM_OK);

	(void)snprintf(folder, sizeof(folder), "%s/durable", base);
	bench_durable(folder);
	(void)snprintf(folder, sizeof(folder), "%s/long", base);
	make_log(folder, entries);
	bench_open(folder);
	bench_audit(folder, bare_seconds(entries));
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
