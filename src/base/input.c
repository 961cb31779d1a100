/* SPDX-License-Identifier: Apache-2.0 */
#include "base/input.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/file.h"
#include "core/check.h"

static hm_err
failed(hm_err err, const char *what, const char *name, struct why *why)
{
	int code = errno;

	why_where(why, "%s", name);
	return WHY(why, err, "cannot %s: %s", what, strerror(code));
}

/* All that comes from `from` into the file `to`; the size is counted. */
static hm_err
spool(int from, int to, uint64_t max, struct input *input, struct why *why)
{
	static uint8_t piece[INPUT_PIECE];
	hm_err err = HM_OK;

	while (err == HM_OK) {
		ssize_t got = read(from, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = failed(HM_E_IO, "read", input->name, why);
		if (got <= 0)
			break;
		input->size += (uint64_t)got;
		if (input->size > max)
			err = WHY(why, HM_E_TOO_LARGE,
			    "standard input has more than %llu bytes",
			    (unsigned long long)max);
		else if (file_put(to,
			     (struct hm_bytes){ piece, (size_t)got }) != HM_OK)
			err = failed(HM_E_IO, "keep", input->name, why);
	}
	hm_wipe(piece, sizeof(piece));
	return err;
}

/* A stream can be read once; formats look twice. */
static hm_err
open_stream(int stream, uint64_t max, struct input *ret, struct why *why)
{
	struct input input = { .name = ret->name };

	HM_TRY(file_nameless(&input.fd, why));
	*ret = input;
	return spool(stream, input.fd, max, ret, why);
}

static hm_err
look(int fd, uint64_t max, struct input *ret, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return failed(HM_E_IO, "look at", ret->name, why);
	if (!S_ISREG(st.st_mode)) {
		hm_err err;

		ret->fd = -1;
		err = open_stream(fd, max, ret, why);
		(void)close(fd);
		return err;
	}
	ret->size = (uint64_t)st.st_size;
	if (ret->size <= max)
		return HM_OK;
	why_where(why, "%s", ret->name);
	return WHY(why, HM_E_TOO_LARGE, "the file has more than %llu bytes",
	    (unsigned long long)max);
}

hm_err
input_open(const char *path, uint64_t max, struct input *ret, struct why *why)
{
	hm_err err;

	*ret = (struct input){ .fd = -1, .name = path };
	if (strcmp(path, "-") == 0) {
		ret->name = "standard input";
		err = open_stream(STDIN_FILENO, max, ret, why);
	} else {
		ret->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (ret->fd < 0)
			return failed(HM_E_FILE, "open", path, why);
		err = look(ret->fd, max, ret, why);
	}
	if (err != HM_OK)
		input_done(ret);
	return err;
}

void
input_done(struct input *input)
{
	if (input->fd >= 0)
		(void)close(input->fd);
	*input = (struct input){ .fd = -1, .name = input->name };
}

struct input
input_of(struct hm_bytes bytes)
{
	return (struct input){
		.size = bytes.len, .fd = -1, .bytes = bytes, .name = "memory"
	};
}

static bool
is_inside(const struct input *input, uint64_t at, uint64_t size)
{
	return at <= input->size && size <= input->size - at;
}

hm_err
input_window(
    const struct input *input, uint64_t at, uint64_t size, struct input *ret)
{
	if (!is_inside(input, at, size))
		return HM_E_IMAGE_SHORT;
	*ret = *input;
	ret->size = size;
	ret->start += at;
	return HM_OK;
}

hm_err
input_read(const struct input *input, uint64_t at, struct hm_span room)
{
	size_t done = 0;

	if (!is_inside(input, at, room.len))
		return HM_E_IMAGE_SHORT;
	if (room.len == 0)
		return HM_OK;
	if (input->fd < 0) {
		memcpy(
		    room.ptr, input->bytes.ptr + input->start + at, room.len);
		return HM_OK;
	}
	while (done < room.len) {
		ssize_t got = pread(input->fd, room.ptr + done, room.len - done,
		    (off_t)(input->start + at + done));

		if (got < 0 && errno == EINTR)
			continue;
		/* 0: somebody has cut the file off meanwhile. */
		if (got <= 0)
			return HM_E_IO;
		done += (size_t)got;
	}
	return HM_OK;
}

hm_err
input_load(const struct input *input, size_t max, struct buf *ret)
{
	uint8_t *room;

	if (input->size > max)
		return HM_E_TOO_LARGE;
	buf_init(ret, max + 1);
	HM_TRY(buf_reserve(ret, (size_t)input->size, &room));
	ret->len = (size_t)input->size;
	return input_read(input, 0, (struct hm_span){ room, ret->len });
}

static hm_err
walk_file(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context)
{
	size_t most = size < INPUT_PIECE ? (size_t)size : INPUT_PIECE;
	uint8_t *piece = malloc(most > 0 ? most : 1);
	hm_err err = piece == NULL ? HM_E_NO_MEMORY : HM_OK;

	while (err == HM_OK && size > 0) {
		size_t len = size < most ? (size_t)size : most;

		err = input_read(input, at, (struct hm_span){ piece, len });
		if (err == HM_OK)
			err = each(context, (struct hm_bytes){ piece, len });
		progress_add(len);
		at += len;
		size -= len;
	}
	hm_wipe(piece, piece == NULL ? 0 : most);
	free(piece);
	return err;
}

hm_err
input_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context)
{
	hm_err err = HM_OK;

	if (!is_inside(input, at, size))
		return HM_E_IMAGE_SHORT;
	if (input->fd >= 0)
		return ahead_walk(input, at, size, each, context, &err)
			   ? err
			   : walk_file(input, at, size, each, context);
	while (size > 0) {
		size_t len = size < INPUT_PIECE ? (size_t)size : INPUT_PIECE;

		HM_TRY(each(
		    context, (struct hm_bytes){
				 input->bytes.ptr + input->start + at, len }));
		at += len;
		size -= len;
	}
	return HM_OK;
}

size_t
input_pieces(uint64_t size)
{
	return (size_t)((size + INPUT_PIECE - 1) / INPUT_PIECE);
}

size_t
input_piece_len(uint64_t size, size_t piece)
{
	uint64_t left = size - (uint64_t)piece * INPUT_PIECE;

	return left < INPUT_PIECE ? (size_t)left : INPUT_PIECE;
}

struct filled {
	uint8_t value;
	bool is;
};

static hm_err
look_filled(void *context, struct hm_bytes piece)
{
	struct filled *filled = context;

	/* The first is right, and each equals the one before it. */
	if (piece.ptr[0] != filled->value ||
	    memcmp(piece.ptr, piece.ptr + 1, piece.len - 1) != 0)
		filled->is = false;
	return HM_OK;
}

hm_err
input_is_filled(const struct input *input, uint64_t at, uint64_t size,
    uint8_t value, bool *ret)
{
	struct filled filled = { .value = value, .is = true };

	HM_TRY(input_walk(input, at, size, look_filled, &filled));
	*ret = filled.is;
	return HM_OK;
}

bool
input_known(const struct input *input, uint64_t at, uint64_t size, int kind,
    uint8_t *ret, size_t len)
{
	const uint8_t *value = NULL;

	hm_assert(len <= KNOWN_LEN);
	if (is_inside(input, at, size))
		value = known_find(input->known, input->start + at, size, kind);
	if (value != NULL)
		memcpy(ret, value, len);
	return value != NULL;
}

void
input_note(const struct input *input, uint64_t at, uint64_t size, int kind,
    const uint8_t value[static KNOWN_LEN])
{
	if (is_inside(input, at, size))
		known_add(input->known, input->start + at, size, kind, value);
}
