/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nvs - the key-value partition of ESP32 chips: read strictly, made once
 *
 * Pages of 4,096 bytes:
 *   0  4  state: FFFFFFFF empty, FFFFFFFE active, FFFFFFFC full
 *   4  4  sequence number		8  1  version: FE (2), FF (1)
 *   9 19  FF			       28  4  CRC of bytes 4 to 27
 *  32 32  bitmap, 2 bits an entry: 11 empty, 10 written, 00 erased
 *  64  .  126 entries of 32 bytes
 *
 * Entries:
 *   0  1  namespace (0: a name of one)  1  1  type   2  1  span (entries)
 *   3  1  chunk, or FF		  4  4  CRC of bytes 0 to 3, 8 to 31
 *   8 16  key, zeros behind it
 *  24  8  number and FF; or size u16, FFFF, CRC of the data in the entries that
 *	   follow; or, of a blob's index: size u32, chunks, first chunk, FFFF
 *
 * CRC-32 starts from FFFFFFFF here. Little-endian. Encrypted: each written
 *entry is one unit of AES-256-XTS, its tweak is its offset in the partition.
 */
#include "base/secret.h"
#include "image/image.h"

#define NVS_PAGE 4096
#define NVS_ENTRY 32
#define NVS_ENTRIES 126
#define NVS_ENTRIES_AT 64
#define NVS_MAX (1u << 20) /* bytes of a partition */
#define NVS_READWRITE_MIN (3 * NVS_PAGE)
#define NVS_KEY_NAME_MAX 15
#define NVS_STRING_MAX 4000 /* with its NUL */

typedef enum nvs_type {
	NVS_U8 = 0x01,
	NVS_I8 = 0x11,
	NVS_U16 = 0x02,
	NVS_I16 = 0x12,
	NVS_U32 = 0x04,
	NVS_I32 = 0x14,
	NVS_U64 = 0x08,
	NVS_I64 = 0x18,
	NVS_STRING = 0x21,
	NVS_BLOB_1 = 0x41, /* of version 1 */
	NVS_BLOB_DATA = 0x42,
	NVS_BLOB_INDEX = 0x48,
} nvs_type;

/* Key of AES-256-XTS: 64 bytes. */
#define NVS_KEY_LEN 64
/*
 * From a file's content: a key partition (64 bytes, their CRC, FF), or the 32
 * bytes of the HMAC eFuse key, from which the chip derives it. HM_E_KEY
 */
HM_MUST hm_err nvs_key_from(
    struct hm_bytes content, struct secret *ret, struct why *why);
/* A fresh one, as a key partition of NVS_PAGE bytes. HM_E_NO_ENTROPY */
HM_MUST hm_err nvs_key_make(struct secret *ret, struct buf *ret_partition);

struct nvs_verify {
	const struct secret *key; /* NULL: not encrypted */
	bool is_readonly;         /* no page need be left free */
};
/* Faults are found; the result is a breakdown. */
HM_MUST hm_err nvs_verify(const struct nvs_verify *how,
    const struct input *file, struct findings *findings);

/* Making one: entries in the order of the calls, as ESP-IDF's generator lays
 * them out. What stands twice, nvs_verify() finds. */
struct nvs_make; /* opaque, heap; wiped by free */
/* `size`: a multiple of NVS_PAGE; one or two pages are for read-only use and
 * come out as long as they are used. HM_E_USAGE */
HM_MUST hm_err nvs_make_new(
    uint32_t size, unsigned version, struct nvs_make **ret, struct why *why);
void nvs_make_free(struct nvs_make *make);
/* HM_E_USAGE (name, number out of range, no namespace yet), HM_E_IMAGE_PLACE
 * (the partition is full), HM_E_TOO_LARGE */
HM_MUST hm_err nvs_namespace(
    struct nvs_make *make, const char *name, struct why *why);
/* Numbers as decimal text. */
HM_MUST hm_err nvs_number(struct nvs_make *make, const char *key, nvs_type type,
    const char *text, struct why *why);
HM_MUST hm_err nvs_string(struct nvs_make *make, const char *key,
    struct hm_bytes text, struct why *why);
HM_MUST hm_err nvs_blob(struct nvs_make *make, const char *key,
    struct hm_bytes bytes, struct why *why);
/* The partition, encrypted if `key` is not NULL. */
HM_MUST hm_err nvs_end(
    struct nvs_make *make, const struct secret *key, struct output *out);

bool nvs_is(const struct input *file);
HM_MUST hm_err nvs_inspect(const struct input *file, struct findings *findings);

/* Inside of nvs_*.c: each written entry of a partition, one unit each. */
HM_MUST hm_err nvs_crypt(
    uint8_t *partition, size_t size, const struct secret *key, bool encrypt);
uint32_t nvs_entry_crc(const uint8_t entry[static NVS_ENTRY]);
