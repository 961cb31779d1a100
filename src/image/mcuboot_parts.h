/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* mcuboot_parts - what the files of this format share among themselves */
#include "image/mcuboot.h"

#define MCUBOOT_AREA_MAGIC 0x6907u
#define MCUBOOT_PROTECTED_MAGIC 0x6908u
#define MCUBOOT_HEAD_LEN 4u /* of an area, and of a TLV */
#define MCUBOOT_AREA_MAX 65535u
#define MCUBOOT_KEY_MAX 32u

/* header: place of each field */
#define MCUBOOT_AT_LOAD 4u
#define MCUBOOT_AT_HDR_SIZE 8u
#define MCUBOOT_AT_PROTECT 10u
#define MCUBOOT_AT_IMG_SIZE 12u
#define MCUBOOT_AT_FLAGS 16u
#define MCUBOOT_AT_VERSION 20u
#define MCUBOOT_AT_PAD 28u
_Static_assert(MCUBOOT_AT_PAD + 4 == MCUBOOT_HEADER_LEN, "the header");

#define MCUBOOT_F_ENCRYPTED (MCUBOOT_F_AES128 | MCUBOOT_F_AES256)
#define MCUBOOT_F_COMPRESSED \
	(MCUBOOT_F_LZMA1 | MCUBOOT_F_LZMA2 | MCUBOOT_F_ARM_THUMB)
#define MCUBOOT_F_KNOWN                                               \
	(MCUBOOT_F_PIC | MCUBOOT_F_ENCRYPTED | MCUBOOT_F_COMPRESSED | \
	    MCUBOOT_F_NON_BOOTABLE | MCUBOOT_F_RAM_LOAD | MCUBOOT_F_ROM_FIXED)

typedef enum mcuboot_type {
	MCUBOOT_KEYHASH = 0x01,
	MCUBOOT_PUBKEY = 0x02,
	MCUBOOT_SHA256 = 0x10,
	MCUBOOT_SHA384 = 0x11,
	MCUBOOT_SHA512 = 0x12,
	MCUBOOT_RSA2048 = 0x20,
	MCUBOOT_ECDSA224 = 0x21,
	MCUBOOT_ECDSA = 0x22,
	MCUBOOT_RSA3072 = 0x23,
	MCUBOOT_ED25519 = 0x24,
	MCUBOOT_SIG_PURE = 0x25,
	MCUBOOT_ENC_RSA = 0x30,
	MCUBOOT_ENC_KW = 0x31,
	MCUBOOT_ENC_EC256 = 0x32,
	MCUBOOT_ENC_X25519 = 0x33,
	MCUBOOT_ENC_X25519_SHA512 = 0x34,
	MCUBOOT_DEPENDENCY = 0x40,
	MCUBOOT_SEC_CNT = 0x50,
	MCUBOOT_BOOT_RECORD = 0x60,
	MCUBOOT_DECOMP_SIZE = 0x70,
	MCUBOOT_DECOMP_SHA = 0x71,
	MCUBOOT_DECOMP_SIGNATURE = 0x72,
	MCUBOOT_COMP_DEC_SIZE = 0x73,
	MCUBOOT_UUID_VID = 0x74,
	MCUBOOT_UUID_CID = 0x75,
} mcuboot_type;

/* What is known of a type; NULL: nothing. */
struct mcuboot_kind {
	uint16_t type, least, most; /* bytes of the value */
	bool is_protected;          /* where it belongs */
	const char *name;
};
const struct mcuboot_kind *mcuboot_kind_of(uint16_t type);
/* xxA0 to xxFE */
bool mcuboot_is_vendor(uint16_t type);
bool mcuboot_is_signature(uint16_t type);
bool mcuboot_is_wrap(uint16_t type);
/* 0: not the type of a hash */
hash_kind mcuboot_hash_of(uint16_t type);
uint16_t mcuboot_hash_type(hash_kind kind);
/* TLV of a signature by this key; 0: none. */
uint16_t mcuboot_signature_type(const struct pkey *key);
pkey_scheme mcuboot_scheme(uint16_t type);
/* May this key sign an image with that hash? */
bool mcuboot_hash_fits(const struct pkey *key, hash_kind kind);
/* The key as KEYHASH and PUBKEY mean it. */
HM_MUST hm_err mcuboot_key_der(const struct pkey *key, struct buf *ret);
HM_MUST hm_err mcuboot_key_hash(
    const struct pkey *key, hash_kind kind, uint8_t ret[static HASH_MAX]);

struct mcuboot_header {
	uint32_t magic, load_addr;
	uint16_t hdr_size, protect_size;
	uint32_t img_size, flags;
	struct mcuboot_version version;
	uint32_t pad;
};
void mcuboot_header_put(const struct mcuboot_header *header,
    uint8_t ret[static MCUBOOT_HEADER_LEN]);
unsigned mcuboot_key_bits(uint32_t flags); /* 0, 128, 256 */

typedef enum mcuboot_place {
	MCUBOOT_PROTECTED,
	MCUBOOT_PLAIN,
	MCUBOOT_PLACES
} mcuboot_place;

struct mcuboot_area {
	uint64_t at;      /* in the file */
	struct buf bytes; /* with its head; empty: there is none */
};

struct mcuboot_image {
	struct input file; /* borrowed */
	struct mcuboot_header header;
	struct mcuboot_area areas[MCUBOOT_PLACES];
	uint64_t body_end; /* header and payload */
	uint64_t end;      /* behind the areas */
	bool is_readable;  /* all of the above is set */
	bool is_split;     /* a TLV reaches beyond its area */
};
void mcuboot_image_done(struct mcuboot_image *image);

/* Header and areas. What is wrong goes to the findings; a file that cannot be
 * read further leaves is_readable false. HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err mcuboot_read(const struct input *file, struct mcuboot_image *ret,
    struct findings *findings);

struct mcuboot_tlv {
	uint16_t type;
	mcuboot_place place;
	uint64_t at; /* of the value, in the file */
	struct hm_bytes value;
};
/* All-zero: at the first one. */
struct mcuboot_cursor {
	unsigned place;
	size_t at;
};
/* False: no more of them, or the next one reaches beyond its area. */
bool mcuboot_next(const struct mcuboot_image *image,
    struct mcuboot_cursor *cursor, struct mcuboot_tlv *ret);
/* The first of that type in the place. */
bool mcuboot_find(const struct mcuboot_image *image, mcuboot_place place,
    uint16_t type, struct mcuboot_tlv *ret);
/* Append one; mcuboot_area_begin() puts the head, mcuboot_area_end() its
 * total. HM_E_TOO_LARGE (beyond 65535), HM_E_NO_MEMORY */
HM_MUST hm_err mcuboot_area_begin(struct buf *area, uint16_t magic);
HM_MUST hm_err mcuboot_add(
    struct buf *area, uint16_t type, struct hm_bytes value);
void mcuboot_area_end(struct buf *area);

/* Payload from `input` through AES-CTR under `key` (empty: as it is). */
struct mcuboot_pass {
	struct hm_bytes key;
	uint64_t at, size;
	input_walker *each;
	void *context;
};
HM_MUST hm_err mcuboot_pass(
    const struct input *file, const struct mcuboot_pass *pass);
/* All that hash and signature cover, in plaintext. */
HM_MUST hm_err mcuboot_body(const struct mcuboot_image *image,
    struct hm_bytes key, input_walker *each, void *context);
HM_MUST hm_err mcuboot_digest(const struct mcuboot_image *image,
    struct hm_bytes key, hash_kind kind, uint8_t ret[static HASH_MAX]);
/* The same as a message that is signed as it is; of `body`, which is valid as
 * long as the result. */
struct mcuboot_whole {
	struct mcuboot_image image; /* a copy of it, which frees nothing */
	struct hm_bytes key;
};
struct ed25519_message mcuboot_message(struct mcuboot_whole *body);
/* A walker: into an output. */
hm_err mcuboot_to_output(void *output, struct hm_bytes piece);

/* Is the TLV as long as a wrapped key of so many bits? HM_E_IMAGE_FIELD, which
 * is in the findings too */
HM_MUST hm_err mcuboot_check_wrap(
    const struct mcuboot_tlv *tlv, unsigned bits, struct findings *findings);
/* The payload key in a TLV; `ret` of bits / 8. The fault is in the findings:
 * HM_E_IMAGE_OPEN, HM_E_IMAGE_FIELD */
HM_MUST hm_err mcuboot_unwrap(const struct mcuboot_tlv *tlv, unsigned bits,
    const struct image_keys *keys, uint8_t ret[static MCUBOOT_KEY_MAX],
    struct findings *findings);
/* A payload key (drawn, unless known) and its TLV. */
struct mcuboot_wrapped {
	uint8_t key[MCUBOOT_KEY_MAX];
	unsigned bits;
	uint16_t type;
	size_t len;
	uint8_t value[PKEY_SIGNATURE_MAX];
};
void mcuboot_wrapped_done(struct mcuboot_wrapped *wrapped); /* wipes */
HM_MUST hm_err mcuboot_wrap(const struct mcuboot_sealing *sealing,
    struct mcuboot_wrapped *ret, struct why *why);
/* As that, for ret->key and ret->bits that are set. */
HM_MUST hm_err mcuboot_wrap_key(const struct mcuboot_sealing *sealing,
    struct mcuboot_wrapped *ret, struct why *why);

/* Digest, message and signatures of an image in the making. */
struct mcuboot_seal {
	const struct image_signer *signers;
	size_t signer_count;
	hash_kind hash;
	bool pure, full_key;
	uint8_t digest[HASH_MAX];
	struct ed25519_message message; /* pure */
};
/* The hash that all signers take. HM_E_USAGE, HM_E_IMAGE_MIXED */
HM_MUST hm_err mcuboot_choose_hash(
    struct mcuboot_seal *seal, hash_kind wanted, struct why *why);
/* Key and signature of each signer. */
HM_MUST hm_err mcuboot_add_signatures(
    const struct mcuboot_seal *seal, struct buf *area, struct why *why);
HM_MUST hm_err mcuboot_add_boot_record(struct buf *area,
    struct hm_bytes software, struct mcuboot_version version,
    const struct mcuboot_seal *seal);

/* What the boot loader's trailer says; a fault unless the rest of the slot is
 * erased. */
HM_MUST hm_err mcuboot_check_rest(const struct mcuboot_image *image,
    uint64_t slot_size, struct findings *findings);
HM_MUST hm_err mcuboot_slot_check(
    const struct mcuboot_slot *slot, struct why *why);
uint32_t mcuboot_max_align(const struct mcuboot_slot *slot);
void mcuboot_magic(uint32_t max_align, uint8_t ret[static 16]);
/* Does the image of `size` fit before the trailer? Pad if the slot says so. */
HM_MUST hm_err mcuboot_slot_fill(const struct mcuboot_slot *slot,
    const struct mcuboot_wrapped *wrapped, struct output *out, struct why *why);

/* What bootutil says to this image: see mcuboot_boot.c */
struct mcuboot_boot {
	const struct mcuboot_verify *how;
	const struct mcuboot_image *image;
	struct hm_bytes key; /* payload key; empty: none */
	bool is_clear;       /* flagged, but the payload is plain */
	/* digest by the kind of the hash TLV that the file has */
	hash_kind kind;
	const uint8_t *digest; /* NULL: not computed */
};
typedef enum mcuboot_answer {
	MCUBOOT_REFUSES,
	MCUBOOT_ACCEPTS,
	MCUBOOT_DIFFERS /* between its cryptographic libraries */
} mcuboot_answer;
HM_MUST hm_err mcuboot_boot(const struct mcuboot_boot *boot,
    mcuboot_answer *ret, const char **ret_words);
