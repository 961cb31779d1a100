/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fdt - flattened device trees (Devicetree Specification 0.4, chapter 5)
 *
 *   0  magic D00DFEED     4  totalsize          8  off_dt_struct
 *  12  off_dt_strings    16  off_mem_rsvmap    20  version (17)
 *  24  last_comp (16)    28  boot_cpuid_phys   32  size_dt_strings
 *  36  size_dt_struct    40  ... all big-endian, 32 bits
 *
 *   reserve map | structure block | strings block | unused
 *   token 1 name NUL pad        a node begins      3 len nameoff value pad
 *   token 2                     it ends            4 nothing   9 end of block
 *
 * A FIT holds whole kernels in properties, so a tree is not loaded: fdt_open()
 * walks the structure block once and keeps where nodes and properties stand,
 * and their names. Values are read when they are asked for. Memory grows with
 * the number of nodes, never with the size of a file.
 *
 * The walk is strict: blocks in order and inside, properties before subnodes,
 * no name twice. What it refuses goes to the findings.
 */
#include "image/image.h"

#define FDT_MAGIC 0xd00dfeedu
#define FDT_HEADER_LEN 40u
#define FDT_SIZE_MAX (1u << 28) /* U-Boot's FIT_SIGNATURE_MAX_SIZE */
#define FDT_DEPTH_MAX 32u
#define FDT_NODES_MAX 16384u
#define FDT_PROPS_MAX 131072u
#define FDT_STRINGS_MAX (1u << 18)
#define FDT_NAMES_MAX (1u << 20)
#define FDT_NAME_MAX 128u /* of a node */
#define FDT_NONE UINT32_MAX

typedef enum fdt_token {
	FDT_BEGIN_NODE = 1,
	FDT_END_NODE = 2,
	FDT_PROP = 3,
	FDT_NOP = 4,
	FDT_END = 9,
} fdt_token;

/* All places are offsets in the file. */
struct fdt_node {
	uint32_t at;   /* its token */
	uint32_t body; /* behind its name: its first property */
	uint32_t end;  /* the token that ends it */
	uint32_t name; /* in the tree's names */
	uint32_t parent;
	uint32_t last; /* index of the first node that is not below it */
	uint32_t prop, prop_count;
};

struct fdt_prop {
	uint32_t at, value, len;
	uint32_t name; /* in the strings block */
};

/* Nodes stand in the order of the file, the root is 0; so those below node n
 * are n + 1 to nodes[n].last - 1. */
struct fdt {
	struct input file;
	uint32_t total, reserve_at, struct_at, struct_size;
	uint32_t strings_at, strings_size;
	uint32_t first_nop; /* 0: none */
	struct buf strings, names;
	struct fdt_node *nodes;
	struct fdt_prop *props;
	uint32_t node_count, prop_count, node_room, prop_room;
};

/* Faults go to `findings`. HM_OK: the tree can be used, whatever was found; a
 * HM_E_IMAGE_*: it cannot; HM_E_IO, HM_E_NO_MEMORY. `ret` is to be freed by
 * fdt_done() in any case. */
HM_MUST hm_err fdt_open(
    const struct input *file, struct fdt *ret, struct findings *findings);
void fdt_done(struct fdt *fdt);
/* Does the file begin like one? */
bool fdt_is(const struct input *file);

const char *fdt_name(const struct fdt *fdt, uint32_t node);
const char *fdt_prop_name(const struct fdt *fdt, const struct fdt_prop *prop);
/* The path of a node, cut off at `size`. */
void fdt_path(const struct fdt *fdt, uint32_t node, char *ret, size_t size);
/* FDT_NONE: there is none of that name. */
uint32_t fdt_child(const struct fdt *fdt, uint32_t node, const char *name);
uint32_t fdt_find(const struct fdt *fdt, const char *path);
/* for (c = fdt_first(fdt, n); c != FDT_NONE; c = fdt_next(fdt, n, c)) */
uint32_t fdt_first(const struct fdt *fdt, uint32_t node);
uint32_t fdt_next(const struct fdt *fdt, uint32_t node, uint32_t child);

/* NULL: the node has none of that name. */
const struct fdt_prop *fdt_prop(
    const struct fdt *fdt, uint32_t node, const char *name);
/* All of its value. HM_E_TOO_LARGE unless it fits; HM_E_IO */
HM_MUST hm_err fdt_value(const struct fdt *fdt, const struct fdt_prop *prop,
    struct hm_span room, size_t *ret_len);
/* Its value is one text of printable ASCII with its NUL. HM_E_IMAGE_FIELD;
 * HM_E_IO
 */
HM_MUST hm_err fdt_text(
    const struct fdt *fdt, const struct fdt_prop *prop, char *ret, size_t size);
/* Its value is one cell. HM_E_IMAGE_FIELD; HM_E_IO */
HM_MUST hm_err fdt_cell(
    const struct fdt *fdt, const struct fdt_prop *prop, uint32_t *ret);

/*
 * What U-Boot signs of a tree. `wanted` has a flag a node. Of a wanted node all
 * is covered but the values named data, data-size, data-position, data-offset;
 * of its children that are not wanted, their names and ends; then the token
 * that ends the block, and the first `strings` bytes of the strings block.
 */
struct fdt_signed {
	hash_kind hash;
	const bool *wanted; /* node_count of them */
	uint32_t strings;   /* bytes, at most all */
};
/* *ret_regions: into how many pieces U-Boot divides it (it has a limit).
 * HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err fdt_digest(const struct fdt *fdt, const struct fdt_signed *what,
    uint8_t ret[static HASH_MAX], size_t *ret_regions);
