/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds FOLDER - write inputs of fuzz_audit and fuzz_station anew
 *
 * FOLDER is tests/fuzz/corpus; run by hand when the wire changes. The log has
 * all that a log can have, the unit goes its whole way, so that changed inputs
 * begin with what is good.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../unit/ledger/factory.h"
#include "../unit/ledger/testlog.h"
#include "../unit/station/played.h"
#include "base/file.h"
#include "wire/challenge.h"
#include "wire/link.h"
#include "wire/problem.h"

#define MUST(call) assert_int_equal((call), HM_OK)
#define DEVICE 0
#define SERVER 1

static const char *folder;

static void
put_turn(struct buf *to, uint8_t kind, struct hm_bytes bytes)
{
	const uint8_t head[3] = { kind, (uint8_t)(bytes.len >> 8),
		(uint8_t)bytes.len };

	MUST(buf_add(to, HM_BYTES(head)));
	MUST(buf_add(to, bytes));
}

static void
write_out(const char *name, struct buf *bytes)
{
	char path[1024];

	MUST(path_join(path, sizeof(path), folder, name));
	MUST(file_write(path, buf_bytes(bytes), 0644, NULL));
	buf_clear(bytes);
}

/* ---- audit ---- */

static void
fill_log(struct factory *log)
{
	struct hm_entry crl = { .type = HM_ENTRY_CRL };
	struct hm_entry alarm = { .type = HM_ENTRY_ALARM };
	uint8_t command[HM_DIGEST_LEN];

	factory_begin(log);
	factory_order(log, "PO-A", 10, 1, 100);
	factory_issue(log, "PO-A", 100);
	factory_confirm(log, "PO-A", 100);
	factory_issue(log, "PO-A", 101);
	factory_void(log, "PO-A", 101, true);
	factory_reserve(log, "PO-A", 102);
	factory_state(log, 102, HM_STATE_RESERVED, HM_STATE_RETURNED, NULL);
	factory_issue(log, "PO-A", 103);
	factory_state(log, 103, HM_STATE_ISSUED, HM_STATE_HELD, NULL);
	factory_confirm(log, "PO-A", 103);
	factory_command(log, HM_VERB_SCRAP, 100, command);
	factory_state(log, 100, HM_STATE_CONFIRMED, HM_STATE_SCRAPPED, command);
	crl.crl.number = 1;
	factory_entry(log, &crl);
	alarm.alarm.err = HM_E_CLONE;
	alarm.alarm.order = HM_LITERAL("PO-A");
	alarm.alarm.station = HM_LITERAL(FACTORY_STATION);
	factory_entry(log, &alarm);
}

static void
write_audit(void)
{
	struct buf out = { .max = 1 << 20 }, entry = { .max = 65536 };
	struct factory log;
	struct tiles *tiles;

	MUST(tiles_open(testlog_folder(), &tiles, NULL));
	factory_init(&log, tiles);
	fill_log(&log);
	MUST(testlog_publish(tiles));
	for (uint64_t i = 0; i < tiles_tree(tiles)->size; i++) {
		buf_clear(&entry);
		MUST(tiles_entry(tiles, i, &entry));
		put_turn(&out, 0, buf_bytes(&entry));
	}
	write_out("audit/everything", &out);
	put_turn(&out, 0, HM_LITERAL("noise"));
	put_turn(&out, 2, HM_LITERAL("tile/entries/x001/000.p/3\nxx"));
	put_turn(&out, 2, HM_LITERAL("tile/0/000.p/9\nxx"));
	put_turn(&out, 2, HM_LITERAL("tile/odd\n"));
	put_turn(&out, 3, HM_LITERAL("\0\0\0\0\0\1\0\0"));
	write_out("audit/files", &out);
	put_turn(&out, 2, HM_LITERAL("checkpoint\nnothing"));
	write_out("audit/checkpoint", &out);
	factory_done(&log);
	tiles_free(tiles);
	testlog_folder_done();
	buf_done(&entry);
	buf_done(&out);
}

/* ---- station ---- */

static void
device_says(struct buf *to, hm_link_type type, struct hm_bytes body)
{
	static uint8_t message[HM_LINK_MAX];
	const struct hm_link link = { .type = type, .body = body };
	size_t len;

	MUST(hm_link_encode(
	    &link, (struct hm_span){ message, sizeof(message) }, &len));
	put_turn(to, DEVICE, (struct hm_bytes){ message, len });
}

static void
device_is(struct buf *to, hm_agent_state state, bool leaves)
{
	const struct hm_opened opened = { .device_id = { 1 },
		.state = state,
		.longest = HM_LINK_MAX,
		.leaves = leaves,
		.evidence = HM_LITERAL("evidence") };
	uint8_t body[256];
	size_t len;

	MUST(hm_opened_encode(
	    &opened, (struct hm_span){ body, sizeof(body) }, &len));
	device_says(to, HM_LINK_OPENED, (struct hm_bytes){ body, len });
}

static void
server_refuses(struct buf *to, hm_err err)
{
	const struct hm_problem problem = { .err = err };
	uint8_t body[HM_PROBLEM_MAX];
	size_t len;

	MUST(hm_problem_encode(
	    &problem, (struct hm_span){ body, sizeof(body) }, &len));
	put_turn(to, SERVER | 2 << 2, (struct hm_bytes){ body, len });
}

static void
server_challenges(struct buf *to)
{
	const struct hm_challenge challenge = { .order = HM_LITERAL("PO-1"),
		.nonce = { 9 } };
	uint8_t body[HM_CHALLENGE_MAX];
	size_t len;

	MUST(hm_challenge_encode(
	    &challenge, (struct hm_span){ body, sizeof(body) }, &len));
	put_turn(to, SERVER, (struct hm_bytes){ body, len });
}

static void
put_life(struct buf *to, bool leaves)
{
	struct buf issued = { .max = 20480 }, confirmed = { .max = 20480 };

	played_issue(&issued);
	played_confirm(&confirmed);
	server_challenges(to);
	device_is(to, HM_AGENT_READY, leaves);
	put_turn(to, SERVER, buf_bytes(&issued));
	device_says(to, leaves ? HM_LINK_CONFORMANCE : HM_LINK_DELIVERED,
	    HM_LITERAL("conforms"));
	put_turn(to, SERVER, buf_bytes(&confirmed));
	if (leaves)
		device_says(to, HM_LINK_DONE, (struct hm_bytes){ 0 });
	buf_done(&issued);
	buf_done(&confirmed);
}

/* Odd and even: with the log's key and without. */
static void
write_both(const char *name, struct buf *bytes)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "station/%s-a", name);
	MUST(buf_add(bytes, HM_LITERAL("\0")));
	bytes->len--;
	struct buf copy = { .max = bytes->max };
	MUST(buf_add(&copy, (struct hm_bytes){ bytes->ptr, bytes->len }));
	write_out(path, &copy);
	buf_done(&copy);
	(void)snprintf(path, sizeof(path), "station/%s-b", name);
	bytes->len++;
	write_out(path, bytes);
}

static void
write_station(void)
{
	struct buf out = { .max = 1 << 20 }, note = { .max = 8192 };
	struct tree tree = { 0 };
	struct tree_hash leaf;

	put_life(&out, true);
	write_both("whole", &out);
	put_life(&out, false);
	write_both("short", &out);
	server_challenges(&out);
	device_is(&out, HM_AGENT_READY, false);
	server_refuses(&out, HM_E_NONCE);
	server_refuses(&out, HM_E_QUOTA);
	write_both("refused", &out);
	server_challenges(&out);
	device_is(&out, HM_AGENT_COMPLETE, false);
	write_both("complete", &out);
	tree_leaf(HM_LITERAL("issued"), &leaf);
	tree_add(&tree, &leaf);
	testlog_checkpoint(&tree, &note);
	put_turn(&out, 3, buf_bytes(&note));
	put_turn(&out, SERVER, HM_LITERAL("hallmark-growth-v1\nfrom 1\n\n"));
	put_life(&out, false);
	write_both("seen", &out);
	buf_done(&note);
	buf_done(&out);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s tests/fuzz/corpus\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	write_audit();
	write_station();
	return 0;
}
