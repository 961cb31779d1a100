/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of tokens is that of the nodes, so the covered pieces are found
 * without reading the block again; only what is covered is read.
 */
#include "image/fdt.h"

#include <string.h>

struct digest {
	const struct fdt *fdt;
	const struct fdt_signed *what;
	struct hash_run *run;
	uint32_t from, to; /* the piece that is open; equal: none */
	size_t regions;
	uint32_t open[FDT_DEPTH_MAX]; /* nodes, outermost first */
	uint8_t want[FDT_DEPTH_MAX];  /* 2 all of it, 1 its name and end */
	uint32_t depth;
};

static hm_err
add_piece(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

static hm_err
flush(struct digest *d)
{
	uint32_t from = d->from, size = d->to - d->from;

	d->from = d->to = 0;
	if (size == 0)
		return HM_OK;
	d->regions++;
	return input_walk(&d->fdt->file, from, size, add_piece, d->run);
}

static hm_err
cover(struct digest *d, uint32_t from, uint32_t to)
{
	if (d->from == d->to || d->to != from) {
		HM_TRY(flush(d));
		d->from = from;
	}
	d->to = to;
	return HM_OK;
}

static bool
is_data(const char *name)
{
	return strcmp(name, "data") == 0 || strcmp(name, "data-size") == 0 ||
	       strcmp(name, "data-position") == 0 ||
	       strcmp(name, "data-offset") == 0;
}

static hm_err
cover_props(struct digest *d, const struct fdt_node *node)
{
	for (uint32_t i = 0; i < node->prop_count; i++) {
		const struct fdt_prop *prop = &d->fdt->props[node->prop + i];

		if (is_data(fdt_prop_name(d->fdt, prop)))
			continue;
		HM_TRY(cover(d, prop->at, (prop->value + prop->len + 3) & ~3u));
	}
	return HM_OK;
}

/* End the open nodes that node `n` is not below. */
static hm_err
close_until(struct digest *d, uint32_t n)
{
	while (d->depth > 0) {
		uint32_t top = d->open[d->depth - 1];
		uint32_t end = d->fdt->nodes[top].end;

		if (n < d->fdt->nodes[top].last)
			break;
		if (d->want[--d->depth] > 0)
			HM_TRY(cover(d, end, end + 4));
	}
	return HM_OK;
}

static hm_err
cover_node(struct digest *d, uint32_t n)
{
	const struct fdt_node *node = &d->fdt->nodes[n];
	uint8_t want = d->depth > 0 ? d->want[d->depth - 1] : 0;

	if (d->what->wanted[n])
		want = 2;
	else if (want > 0)
		want--;
	d->open[d->depth] = n;
	d->want[d->depth++] = want;
	if (want > 0)
		HM_TRY(cover(d, node->at, node->body));
	return want == 2 ? cover_props(d, node) : HM_OK;
}

static hm_err
cover_all(struct digest *d)
{
	uint32_t end = d->fdt->struct_at + d->fdt->struct_size;

	for (uint32_t n = 0; n < d->fdt->node_count; n++) {
		HM_TRY(close_until(d, n));
		HM_TRY(cover_node(d, n));
	}
	HM_TRY(close_until(d, d->fdt->node_count));
	HM_TRY(cover(d, end - 4, end));
	HM_TRY(flush(d));
	hash_run_add(
	    d->run, (struct hm_bytes){ d->fdt->strings.ptr, d->what->strings });
	return HM_OK;
}

hm_err
fdt_digest(const struct fdt *fdt, const struct fdt_signed *what,
    uint8_t ret[static HASH_MAX], size_t *ret_regions)
{
	struct digest d = { .fdt = fdt, .what = what };
	hm_err err;

	HM_TRY(hash_run_new(what->hash, &d.run));
	err = cover_all(&d);
	if (err == HM_OK) {
		hash_run_end(d.run, ret);
		*ret_regions = d.regions;
	}
	hash_run_free(d.run);
	return err;
}
