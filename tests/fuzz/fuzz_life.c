/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_life - any messages on the line between the parent and a process
 *
 * The input is turns (turns.h). Odd kinds are heard by a process that waits
 * for its start, even ones by one that polls. What it hears is one of the
 * words, with the bytes that came; all else is as if the other side were gone.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/process.h"
#include "fuzz.h"
#include "server/life.h"
#include "turns.h"

static void
hear_start(int fd, struct hm_bytes message)
{
	struct secret secret = { .len = 77 };
	bool is_go = message.ptr[0] == 'G' && message.len <= 1 + SECRET_MAX;
	hm_err err = life_await(fd, &secret);

	fuzz_must((err == HM_OK) == is_go);
	if (is_go) {
		fuzz_must(secret.len == message.len - 1);
		fuzz_must(
		    memcmp(secret.bytes, message.ptr + 1, secret.len) == 0);
	} else {
		fuzz_must(secret.len == 77);
		fuzz_must(err == HM_E_BAD_INPUT || err == HM_E_TOO_LARGE);
	}
	secret_done(&secret);
}

static void
hear_word(int fd, struct hm_bytes message)
{
	life_word word = life_poll(fd);

	if (message.len == 1 && message.ptr[0] == 'S')
		fuzz_must(word == LIFE_STOP);
	else if (message.len == 1 && message.ptr[0] == 'R')
		fuzz_must(word == LIFE_READY);
	else
		fuzz_must(word == LIFE_GONE);
	fuzz_must(life_poll(fd) == LIFE_NOTHING);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int pair[2] = { -1, -1 };
	struct hm_bytes input = { data, size };
	struct turn turn;

	if (pair[0] < 0)
		fuzz_must(channel_pair(pair, NULL) == HM_OK);
	while (turns_next(&input, &turn)) {
		if (turn.bytes.len == 0)
			continue;
		fuzz_must(channel_send(pair[0], turn.bytes, 0, NULL) == HM_OK);
		if (turn.kind & 1)
			hear_start(pair[1], turn.bytes);
		else
			hear_word(pair[1], turn.bytes);
	}
	return 0;
}
