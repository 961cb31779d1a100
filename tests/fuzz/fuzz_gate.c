/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gate - any bytes on a connection, in any pieces
 *
 * The first byte says how long the pieces are. Whole or in pieces, the gate
 * finds the same requests; a request that it lets through has one form only.
 * That the server then hands out these requests is fuzz_http's business.
 */
#include <string.h>

#include "fuzz.h"
#include "net/gate.h"
#include "mutate.h"

#define BODY_MAX 4096

static hm_err
judge(void *context, const struct head *head)
{
	(void)context;
	return head->length > BODY_MAX ? HM_E_TOO_LARGE : HM_OK;
}

/* FNV-1a; a mistake, not an attack, has to show. */
static uint64_t
mix(uint64_t sum, struct hm_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		sum = (sum ^ bytes.ptr[i]) * 0x100000001b3u;
	return (sum ^ bytes.len) * 0x100000001b3u;
}

static void
must_be_strict(const struct head *head)
{
	fuzz_must(head->path.len > 0 && head->path.ptr[0] == '/');
	fuzz_must(head->path.len + head->query.len <= HEAD_PATH_MAX);
	fuzz_must(head->type.len <= HEAD_TYPE_MAX);
	fuzz_must(head->method == NET_POST || head->length == 0);
	fuzz_must(head->length <= BODY_MAX);
	for (size_t i = 0; i < head->path.len; i++)
		fuzz_must(head->path.ptr[i] > ' ' && head->path.ptr[i] < 127);
	fuzz_must(memmem(head->path.ptr, head->path.len, "//", 2) == NULL);
	fuzz_must(memmem(head->path.ptr, head->path.len, "/../", 4) == NULL);
}

/* A digest of all requests, and of how it ended. */
static uint64_t
requests(struct hm_bytes bytes, size_t piece)
{
	struct gate gate;
	uint64_t sum = 0;
	size_t at = 0;

	gate_init(&gate, judge, NULL);
	while (at < bytes.len) {
		size_t left = bytes.len - at;

		at += gate_feed(&gate, (struct hm_bytes){ bytes.ptr + at,
					   left < piece ? left : piece });
		if (gate.state == GATE_REFUSED)
			break;
		if (gate.state != GATE_WHOLE)
			continue;
		must_be_strict(&gate.head);
		sum = mix(sum, gate.head.path);
		sum = mix(sum, gate.head.query);
		sum = mix(sum, gate.head.type) + gate.head.length;
		if (gate.head.close)
			break;
		gate_next(&gate);
	}
	sum += (uint64_t)gate.state;
	gate_done(&gate);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes bytes = { data + 1, size - 1 };

	if (size == 0)
		return 0;
	fuzz_must(requests(bytes, SIZE_MAX) == requests(bytes, data[0] + 1u));
	return 0;
}

MUTATE_OF(&mutate_lines, 1)
