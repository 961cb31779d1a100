/* SPDX-License-Identifier: Apache-2.0 */
#include "server/life.h"

#include <string.h>

#include "base/clock.h"
#include "base/process.h"

/* Nobody on the other end takes longer to read a word. */
static uint64_t
soon(void)
{
	return clock_mono_us() + 1000000;
}

hm_err
life_go(int fd, struct hm_bytes with)
{
	uint8_t message[1 + SECRET_MAX] = { 'G' };
	hm_err err;

	if (with.len > SECRET_MAX)
		return HM_E_TOO_LARGE;
	if (with.len != 0)
		memcpy(message + 1, with.ptr, with.len);
	err = channel_send(
	    fd, (struct hm_bytes){ message, 1 + with.len }, soon(), NULL);
	hm_wipe(message, sizeof(message));
	return err;
}

void
life_stop(int fd)
{
	/* Gone is as good. */
	HM_LOSE(channel_send(fd, HM_LITERAL("S"), soon(), NULL));
}

hm_err
life_await(int fd, struct secret *ret)
{
	uint8_t message[1 + SECRET_MAX];
	struct hm_span room = { message, sizeof(message) };
	size_t len = 0;
	hm_err err;

	err = channel_recv(fd, room, CHANNEL_FOREVER, &len, NULL);
	if (err == HM_OK && (len < 1 || message[0] != 'G'))
		err = HM_E_BAD_INPUT;
	if (err == HM_OK) {
		ret->len = len - 1;
		memcpy(ret->bytes, message + 1, len - 1);
	}
	hm_wipe(message, sizeof(message));
	return err;
}

hm_err
life_ready(int fd)
{
	return channel_send(fd, HM_LITERAL("R"), soon(), NULL);
}

life_word
life_poll(int fd)
{
	uint8_t word[1 + SECRET_MAX];
	size_t len = 0;
	hm_err err;

	err = channel_recv(
	    fd, (struct hm_span){ word, sizeof(word) }, 0, &len, NULL);
	if (err == HM_E_TIMEOUT)
		return LIFE_NOTHING;
	if (err != HM_OK || len != 1)
		return LIFE_GONE;
	return word[0] == 'S'   ? LIFE_STOP
	       : word[0] == 'R' ? LIFE_READY
				: LIFE_GONE;
}
