/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of images are hashed while they are copied: what signs and verifies
 * the new file finds the digests of the very bytes that were written, and the
 * old file is read once.
 */
#include "image/fit_parts.h"

#include <string.h>

struct copying {
	struct fit_watch *watch;
	struct output *out;
	uint64_t at; /* in the old file */
};

void
fit_watch_done(struct fit_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		hash_run_free(watch->parts[i].run);
	*watch = (struct fit_watch){ 0 };
}

hm_err
fit_watch_add(
    struct fit_watch *watch, const struct fit_data *data, hash_kind kind)
{
	struct fit_watched *part = &watch->parts[watch->count];

	for (size_t i = 0; i < watch->count; i++)
		if (watch->parts[i].at == data->at &&
		    watch->parts[i].size == data->size &&
		    watch->parts[i].kind == kind)
			return HM_OK;
	if (watch->count == FIT_WATCHED_MAX || data->size == 0)
		return HM_OK;
	*part = (struct fit_watched){
		.at = data->at, .size = data->size, .kind = kind
	};
	HM_TRY(hash_run_new(kind, &part->run));
	watch->count++;
	return HM_OK;
}

/* The part of a piece that is its own; in order and without a gap, or it is
 * left alone. */
static void
feed(struct fit_watched *part, struct output *out, uint64_t at,
    struct hm_bytes piece)
{
	uint64_t from = part->at + part->done, end = part->at + part->size;
	uint64_t to = at + piece.len < end ? at + piece.len : end;

	if (part->done == part->size || from < at || from >= to)
		return;
	if (part->done == 0)
		part->place = output_size(out) + (from - at);
	hash_run_add(part->run,
	    (struct hm_bytes){ piece.ptr + (from - at), (size_t)(to - from) });
	part->done += to - from;
}

static hm_err
copy_piece(void *context, struct hm_bytes piece)
{
	struct copying *c = context;

	for (size_t i = 0; i < c->watch->count; i++)
		feed(&c->watch->parts[i], c->out, c->at, piece);
	c->at += piece.len;
	return output_add(c->out, piece);
}

hm_err
fit_watch_copy(void *context, struct output *out, uint64_t at, uint64_t size)
{
	struct fit_watch *watch = context;
	struct copying c = { .watch = watch, .out = out, .at = at };

	return input_walk(watch->file, at, size, copy_piece, &c);
}

void
fit_watch_tell(struct fit_watch *watch, struct output *out)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct fit_watched *part = &watch->parts[i];
		uint8_t digest[HASH_MAX] = { 0 };

		if (part->done < part->size)
			continue;
		hash_run_end(part->run, digest);
		output_note(
		    out, part->place, part->size, (int)part->kind, digest);
	}
}
