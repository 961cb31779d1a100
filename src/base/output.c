/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pieces are gathered before they are written, so that a format may add
 * field by field. Whoever reads or writes elsewhere waits first until all of it
 * is in the file.
 */
#include "base/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/behind.h"
#include "base/file.h"
#include "core/check.h"

#define LEND_LEAST 16384u /* bytes; less is copied */

struct output {
	char path[FILE_PATH_MAX];
	struct file_temp temp; /* fd -1: memory */
	bool is_stream;        /* standard output; the file has no name */
	bool is_nowhere;       /* what comes is only counted */
	struct buf memory;
	uint64_t flushed; /* bytes in the file */
	size_t held;      /* bytes gathered behind them, in `room` */
	struct known_digests known;
	struct behind *behind; /* writes, from the first MiB on; or NULL */
	bool is_behind_tried;
	uint8_t *room; /* its one, or `piece` */
	size_t room_len;
	uint8_t piece[INPUT_PIECE];
};

static hm_err
new_output(struct output **ret)
{
	struct output *out = malloc(sizeof(*out));

	if (out == NULL)
		return HM_E_NO_MEMORY;
	out->temp.fd = -1;
	out->temp.name[0] = '\0';
	out->is_stream = false;
	out->is_nowhere = false;
	out->memory = (struct buf){ 0 };
	out->known = (struct known_digests){ 0 };
	out->flushed = 0;
	out->held = 0;
	out->behind = NULL;
	out->is_behind_tried = false;
	out->room = out->piece;
	out->room_len = sizeof(out->piece);
	*ret = out;
	return HM_OK;
}

static hm_err
open_nameless(struct output *out, struct why *why)
{
	out->is_stream = true;
	return file_nameless(&out->temp.fd, why);
}

hm_err
output_open(
    const char *path, unsigned mode, struct output **ret, struct why *why)
{
	struct output *out;
	hm_err err;

	HM_TRY(new_output(&out));
	if (strcmp(path, "-") == 0)
		err = open_nameless(out, why);
	else if (strlen(path) >= sizeof(out->path))
		err = WHY(why, HM_E_TOO_LARGE, "the path is too long");
	else
		err = file_temp_open(path, mode, &out->temp, why);
	if (err != HM_OK) {
		output_free(out);
		return err;
	}
	memcpy(out->path, path, strlen(path) + 1);
	*ret = out;
	return HM_OK;
}

hm_err
output_memory(size_t max, struct output **ret)
{
	HM_TRY(new_output(ret));
	buf_init(&(*ret)->memory, max);
	return HM_OK;
}

hm_err
output_nowhere(struct output **ret)
{
	HM_TRY(new_output(ret));
	(*ret)->is_nowhere = true;
	return HM_OK;
}

static bool
is_memory(const struct output *out)
{
	return out->temp.fd < 0;
}

void
output_free(struct output *out)
{
	if (out == NULL)
		return;
	behind_free(out->behind);
	if (out->is_stream && out->temp.fd >= 0) {
		(void)close(out->temp.fd); /* it had no name */
		out->temp.fd = -1;
	}
	file_temp_drop(&out->temp);
	buf_wipe(&out->memory);
	hm_wipe(out->piece, sizeof(out->piece));
	free(out);
}

void
output_clean(struct output **out)
{
	output_free(*out);
}

/* Whole blocks at places that are multiples of one: pages are written once. */
static void
take_room(struct output *out)
{
	if (out->behind == NULL && !out->is_behind_tried &&
	    out->flushed >= BESIDE_LEAST) {
		out->behind = behind_new(out->temp.fd);
		out->is_behind_tried = true;
	}
	out->held = 0;
	if (out->behind == NULL) {
		out->room_len = sizeof(out->piece) -
				(size_t)(out->flushed % sizeof(out->piece));
		return;
	}
	out->room = behind_room(out->behind);
	out->room_len = BEHIND_BLOCK - (size_t)(out->flushed % BEHIND_BLOCK);
}

/* What is held is given to whoever writes. */
static hm_err
flush(struct output *out)
{
	if (out->held == 0)
		return HM_OK;
	if (out->behind != NULL)
		HM_TRY(behind_write(out->behind, out->flushed, out->held));
	else
		HM_TRY(file_put_at(out->temp.fd, out->flushed,
		    (struct hm_bytes){ out->room, out->held }));
	out->flushed += out->held;
	take_room(out);
	return HM_OK;
}

/* All is in the file. */
static hm_err
settle(struct output *out)
{
	HM_TRY(flush(out));
	return out->behind == NULL ? HM_OK : behind_drain(out->behind);
}

/* Much of what somebody read is written from where it was read to. */
static bool
lend(struct output *out, struct hm_bytes bytes, hm_err *ret)
{
	struct beside_room *room =
	    out->behind != NULL && bytes.len >= LEND_LEAST
		? ahead_room_of(bytes)
		: NULL;

	if (room == NULL)
		return false;
	*ret = flush(out);
	if (*ret == HM_OK)
		*ret = behind_lend(out->behind, out->flushed, bytes, room);
	out->flushed += bytes.len;
	take_room(out);
	return true;
}

static hm_err
add_to_file(struct output *out, struct hm_bytes bytes)
{
	hm_err err;

	if (lend(out, bytes, &err))
		return err;
	while (bytes.len > 0) {
		size_t left = out->room_len - out->held;
		size_t len = bytes.len < left ? bytes.len : left;

		memcpy(out->room + out->held, bytes.ptr, len);
		out->held += len;
		bytes.ptr += len;
		bytes.len -= len;
		if (out->held == out->room_len)
			HM_TRY(flush(out));
	}
	return HM_OK;
}

hm_err
output_add(struct output *out, struct hm_bytes bytes)
{
	if (out->is_nowhere) {
		out->flushed += bytes.len;
		return HM_OK;
	}
	return is_memory(out) ? buf_add(&out->memory, bytes)
			      : add_to_file(out, bytes);
}

static bool
is_file(const struct output *out)
{
	return !out->is_nowhere && !is_memory(out);
}

hm_err
output_room(struct output *out, size_t len, uint8_t **ret)
{
	hm_assert(len <= OUTPUT_ROOM_MAX);
	if (is_file(out) && len > out->room_len - out->held)
		HM_TRY(flush(out));
	/* Only what is held ends at a block; a room is one at least. */
	if (is_file(out) && len > out->room_len)
		out->room_len = sizeof(out->piece);
	*ret = is_file(out) ? out->room + out->held : out->piece;
	return HM_OK;
}

hm_err
output_used(struct output *out, size_t len)
{
	if (!is_file(out))
		return output_add(out, (struct hm_bytes){ out->piece, len });
	hm_assert(len <= out->room_len - out->held);
	out->held += len;
	return out->held == out->room_len ? flush(out) : HM_OK;
}

hm_err
output_put(struct output *out, uint64_t at, struct hm_bytes bytes)
{
	uint64_t size = output_size(out);

	if (at > size || bytes.len > size - at)
		return HM_E_NO_ROOM;
	known_forget(&out->known, at, bytes.len);
	if (out->is_nowhere)
		return HM_OK;
	if (is_memory(out)) {
		if (bytes.len > 0)
			memcpy(out->memory.ptr + at, bytes.ptr, bytes.len);
		return HM_OK;
	}
	HM_TRY(settle(out));
	return file_put_at(out->temp.fd, at, bytes);
}

hm_err
output_fill(struct output *out, uint8_t value, uint64_t count)
{
	uint8_t piece[1024];

	memset(piece, value, sizeof(piece));
	while (count > 0) {
		size_t len =
		    count < sizeof(piece) ? (size_t)count : sizeof(piece);

		HM_TRY(output_add(out, (struct hm_bytes){ piece, len }));
		count -= len;
	}
	return HM_OK;
}

static hm_err
add_piece(void *context, struct hm_bytes piece)
{
	return output_add(context, piece);
}

hm_err
output_copy(
    struct output *out, const struct input *from, uint64_t at, uint64_t size)
{
	return input_walk(from, at, size, add_piece, out);
}

bool
output_turn(struct output *out, const struct input *from, turner *each,
    void *const contexts[TURN_WORKERS], hm_err *ret)
{
	if (!is_file(out) || from->fd < 0)
		return false;
	*ret = settle(out);
	if (*ret != HM_OK)
		return true;
	if (!turn_file(from, out->temp.fd, out->flushed, each, contexts, ret))
		return false;
	if (*ret == HM_OK)
		out->flushed += from->size;
	take_room(out);
	return true;
}

void
output_note(struct output *out, uint64_t at, uint64_t size, int kind,
    const uint8_t value[static KNOWN_LEN])
{
	hm_assert(at <= output_size(out) && size <= output_size(out) - at);
	known_add(&out->known, at, size, kind, value);
}

hm_err
output_cut(struct output *out, uint64_t size)
{
	if (size > output_size(out))
		return HM_E_NO_ROOM;
	known_forget(&out->known, size, UINT64_MAX);
	if (out->is_nowhere) {
		out->flushed = size;
		return HM_OK;
	}
	if (is_memory(out)) {
		out->memory.len = (size_t)size;
		return HM_OK;
	}
	HM_TRY(settle(out));
	HM_TRY(file_cut(out->temp.fd, size));
	out->flushed = size;
	take_room(out);
	return HM_OK;
}

uint64_t
output_size(const struct output *out)
{
	if (is_memory(out) && !out->is_nowhere)
		return out->memory.len;
	return out->flushed + out->held;
}

hm_err
output_input(struct output *out, struct input *ret)
{
	if (is_memory(out)) {
		*ret = input_of(buf_bytes(&out->memory));
	} else {
		HM_TRY(settle(out));
		*ret = (struct input){ .size = out->flushed,
			.fd = out->temp.fd,
			.name = out->path };
	}
	ret->known = &out->known;
	return HM_OK;
}

static hm_err
say(void *context, struct hm_bytes piece)
{
	(void)context;
	return file_put(STDOUT_FILENO, piece);
}

hm_err
output_commit(struct output *out, struct why *why)
{
	struct input all;

	if (is_memory(out))
		return HM_OK;
	HM_TRY(output_input(out, &all));
	if (!out->is_stream)
		return file_temp_place(&out->temp, out->path, why);
	if (input_walk(&all, 0, all.size, say, NULL) == HM_OK)
		return HM_OK;
	why_where(why, "standard output");
	return WHY(why, HM_E_IO, "cannot write: %s", strerror(errno));
}
