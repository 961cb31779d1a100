/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_tool - decodes messages, for test_input.py
 *
 * Reads cases until the end: length of the codec's name (one byte), the name,
 * length of the message (4 bytes, big-endian), the message. Answers each with
 * the number of the error on a line; 0 if it was taken, and then made again
 * byte for byte. That a refusal leaves the result alone the codecs see to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs.h"
#include "core/err.h"
#include "wire/limits.h"

#define CASE_MAX (1024 * 1024)

static void
die(const char *why)
{
	fprintf(stderr, "wire_tool: %s\n", why);
	exit(1);
}

static void
read_all(void *room, size_t len)
{
	if (fread(room, 1, len, stdin) != len)
		die("cut off");
}

static int
judge(const char *name, struct hm_bytes message)
{
	static uint8_t room[HM_MESSAGE_MAX + 64];
	size_t len = 0;
	hm_err err = codec_find(name)->recode(
	    message, (struct hm_span){ room, sizeof(room) }, &len);

	if (err == HM_OK &&
	    (len != message.len || memcmp(room, message.ptr, len) != 0))
		die("taken, but it would be written otherwise");
	return (int)err;
}

int
main(void)
{
	char name[256];
	int n;

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	while ((n = getchar()) != EOF) {
		uint8_t head[4], *message;
		size_t len;

		read_all(name, (size_t)n);
		name[n] = 0;
		read_all(head, sizeof(head));
		len = hm_get_u32(head);
		/* Of this size exactly: the sanitizer sees a byte too far. */
		message = len <= CASE_MAX ? malloc(len ? len : 1) : NULL;
		if (message == NULL)
			die("too long");
		read_all(message, len);
		printf("%d\n", judge(name, (struct hm_bytes){ message, len }));
		free(message);
	}
	return 0;
}
