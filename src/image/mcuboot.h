/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mcuboot - images that MCUboot checks before it starts them
 *
 * Source: the MCUboot design and boot/bootutil at 2d4bacc. All integers are
 * little-endian; a big-endian header, which imgtool can write, is read by no
 * boot code and refused here.
 *
 *   0 +--------------------+
 *     | header, 32 bytes   |  magic, load address, sizes, flags, version
 *  32 | padding            |  up to hdr_size, hashed too
 *     +--------------------+
 *     | payload, img_size  |  encrypted: padded to 16, AES-CTR
 *     +--------------------+
 *     | protected area     |  only if its size in the header is not 0
 *     +--------------------+  <- end of what hash and signature cover
 *     | area               |  hash, then pairs of key and signature, then key
 *     +--------------------+  wrapped for the device
 *     | erased             |  in a padded image: up to the slot's end,
 *     | trailer            |  whose last 16 bytes are the boot magic
 *     +--------------------+
 *
 * An area: u16 magic, u16 total (with these 4), then {u16 type, u16 len,
 * value}. The hash is over the plaintext, with the header as it is in the file.
 *
 * Verifying is stricter than any boot loader: each byte is accounted for, each
 * signature has to verify. What bootutil would say is computed beside it.
 * Memory is constant.
 */
#include "image/image.h"

#define MCUBOOT_MAGIC 0x96F3B83Du
#define MCUBOOT_HEADER_LEN 32u
#define MCUBOOT_SIGNERS_MAX 8
#define MCUBOOT_SIGNATURES_MAX 16 /* more are not verified but refused */
#define MCUBOOT_DEPENDENCIES_MAX 16
#define MCUBOOT_EXTRAS_MAX 32
#define MCUBOOT_SECTORS 128u /* of a slot, where nobody says it */

#define MCUBOOT_F_PIC 0x1u
#define MCUBOOT_F_AES128 0x4u
#define MCUBOOT_F_AES256 0x8u
#define MCUBOOT_F_NON_BOOTABLE 0x10u
#define MCUBOOT_F_RAM_LOAD 0x20u
#define MCUBOOT_F_ROM_FIXED 0x100u
#define MCUBOOT_F_LZMA1 0x200u
#define MCUBOOT_F_LZMA2 0x400u
#define MCUBOOT_F_ARM_THUMB 0x800u

struct mcuboot_version {
	uint8_t major, minor;
	uint16_t revision;
	uint32_t build;
};

struct mcuboot_dependency {
	uint8_t image;
	struct mcuboot_version least;
};

/* A protected TLV of a vendor: type xxA0 to xxFE (hex). */
struct mcuboot_extra {
	uint16_t type;
	struct hm_bytes value; /* borrowed */
};

/* A payload key and how it was wrapped elsewhere. */
struct mcuboot_sealed {
	struct hm_bytes key;     /* 16 or 32 bytes */
	uint16_t type;           /* of the TLV */
	struct hm_bytes wrapped; /* its value */
};

/*
 * Whom the payload key is wrapped for, by the kind of key: P-256 and X25519
 * ECIES, RSA OAEP; or a symmetric one, RFC 3394. Any of them goes with any
 * signature.
 */
struct mcuboot_sealing {
	struct pkey *to;     /* public part; NULL: `kek`; all borrowed */
	struct hm_bytes kek; /* 16 or 32 bytes */
	unsigned bits;       /* of the payload key: 128 or 256 */
	bool hmac_sha512;    /* X25519 only: TLV 34 */
	/* NULL: draw a fresh key. Never the same for another plaintext. */
	const struct mcuboot_sealed *known;
};
#define MCUBOOT_SEALING_IS(s) ((s)->to != NULL || (s)->kek.len > 0)

/* The slot in flash; all-zero: not known, nothing is padded. */
struct mcuboot_slot {
	uint64_t size;      /* 0: not known */
	uint32_t align;     /* flash write size, 1 to 32; 0: 8 */
	uint32_t max_align; /* 8, 16, 32; 0: the larger of 8 and align */
	uint32_t sectors;   /* 0: MCUBOOT_SECTORS */
	uint64_t offset;    /* swap using offset: bytes of the sector before the
			       image in the secondary slot; 0: another swap */
	bool overwrite_only;
	bool save_enctlv; /* the boot loader keeps the wrapped key in it */
	bool pad;         /* up to the end of the slot, with the boot magic */
	bool confirm;     /* image_ok set: no test, no way back */
	uint8_t erased;   /* what erased flash reads; also pads the header */
};

struct mcuboot_sign {
	struct mcuboot_version version;
	uint32_t header_size; /* 32 to 65535 */
	bool pad_header;      /* else the payload begins with so many zeros */
	bool ram_load, rom_fixed, non_bootable;
	uint32_t load_addr; /* with one of the first two */
	bool has_counter;
	uint32_t counter;        /* security counter */
	const char *boot_record; /* software type, up to 12 bytes; NULL: none */
	const uint8_t *vid, *cid; /* 16 bytes, or NULL */
	struct mcuboot_dependency dependencies[MCUBOOT_DEPENDENCIES_MAX];
	size_t dependency_count;
	struct mcuboot_extra extras[MCUBOOT_EXTRAS_MAX];
	size_t extra_count;
	hash_kind hash; /* 0: as the keys want it; SHA-512 for Ed25519 only */
	bool pure;      /* Ed25519 over the image, not over its digest */
	bool full_key;  /* PUBKEY, not KEYHASH */
	struct image_signer signers[MCUBOOT_SIGNERS_MAX];
	size_t signer_count;
	struct mcuboot_sealing sealing;
	bool clear; /* flag and wrapped key, but payload as it is */
	struct mcuboot_slot slot;
};

/*
 * What was made, for the verifier that reads it before it leaves: whom it
 * trusts, and the payload key, which only the device can unwrap.
 */
struct mcuboot_made {
	struct image_keys keys;
	uint8_t key[32];
	size_t key_len; /* 0: not encrypted */
};
void mcuboot_made_done(struct mcuboot_made *made); /* wipes */

/*
 * Sign `payload`, encrypt it if `sealing` names somebody, pad it. Nothing of it
 * may leave before mcuboot_judge() took it. HM_E_USAGE (settings that do not go
 * together), HM_E_IMAGE_EMPTY, HM_E_IMAGE_SIGNED, HM_E_IMAGE_FIELD (the
 * header's place is not zeros), HM_E_IMAGE_MIXED (keys), HM_E_IMAGE_PLACE
 * (slot), HM_E_TOO_LARGE, what the signers return; `out` is to be dropped then.
 */
HM_MUST hm_err mcuboot_sign(const struct mcuboot_sign *how,
    const struct input *payload, struct output *out, struct mcuboot_made *ret,
    struct why *why);

struct mcuboot_verify {
	const struct image_keys *keys;
	struct hm_bytes payload_key; /* if known: nothing has to be unwrapped */
	/* Nobody here can open the wrapped key: it is not looked at, and the
	 * payload has to be in clear. */
	bool is_sealed;
	uint64_t slot_size; /* 0: not known */
	bool has_counter;
	uint32_t counter; /* the device's: an image below it is refused */
};

/* Faults are found, not returned: HM_E_IO, HM_E_NO_MEMORY or HM_OK. */
HM_MUST hm_err mcuboot_verify(const struct mcuboot_verify *how,
    const struct input *file, struct findings *findings);

/* The same for what was made. */
HM_MUST hm_err mcuboot_judge(const struct mcuboot_made *made,
    uint64_t slot_size, const struct input *file, struct findings *findings);

/* SHA-256 of what stays the same when the image is signed anew (facts.h).
 * *ret_has: false if it is encrypted and `keys` cannot open it. HM_E_IMAGE_*,
 * HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err mcuboot_payload(const struct input *file,
    const struct image_keys *keys, uint8_t ret[static HASH_MAX], bool *ret_has);

/* Where its parts are: what a device is told of it, and what is sent after. */
struct mcuboot_outline {
	uint32_t header_size, payload_end; /* bytes from its start */
	struct buf tlvs;                   /* both areas, protected first */
	struct mcuboot_version version;
	uint32_t flags;
};
void mcuboot_outline_done(struct mcuboot_outline *outline);
/* Reads only, verifies nothing. HM_E_IMAGE_FORMAT, HM_E_IMAGE_SHORT,
 * HM_E_IMAGE_FIELD, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err mcuboot_outline(
    const struct input *file, struct mcuboot_outline *ret, struct why *why);

/* For the table of formats. */
bool mcuboot_is(const struct input *file);
hm_err mcuboot_inspect(const struct input *file, struct findings *findings);

/*
 * What is done to an image that is there. `verify` is what it has to pass
 * first, before anything is written; its refusal is the result. All of them
 * keep header, payload and trailer byte for byte unless they say otherwise.
 */
struct mcuboot_change {
	struct mcuboot_verify verify;
	const struct image_signer *signers; /* borrowed */
	size_t signer_count;
	hash_kind hash; /* resign: 0: as the keys want it */
	bool pure, full_key;
	bool keep_key; /* resign: full_key if the image has a full one */
	struct mcuboot_sealing sealing;
};

/* One more pair behind the signatures that are there. HM_E_IMAGE_MIXED,
 * HM_E_IMAGE_SIGNED (by that key), HM_E_IMAGE_PLACE */
HM_MUST hm_err mcuboot_append(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);
/* Other signatures in place of all that are there; a boot record names the
 * new signer. */
HM_MUST hm_err mcuboot_resign(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);
/* Payload in clear, flag and wrapped key kept: what the boot loader leaves in
 * the primary slot; the signatures hold. HM_E_IMAGE_FIELD: not encrypted */
HM_MUST hm_err mcuboot_decrypt(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);
/* The reverse, under a fresh key; HM_E_IMAGE_FIELD unless the image was signed
 * with the encryption flag and is in clear. */
HM_MUST hm_err mcuboot_encrypt(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);
/* The same payload key, wrapped for somebody else. */
HM_MUST hm_err mcuboot_rewrap(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);
/* The payload alone, in clear (with the padding of an encrypted one). */
HM_MUST hm_err mcuboot_extract(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);

/* Bytes at the end of the slot that the boot loader writes to; `key_bits` 0:
 * not encrypted, `enctlv` the length of the wrapped key's TLV value. As the
 * boot code counts: a key of 256 bits takes 32 bytes. */
uint64_t mcuboot_trailer_size(
    const struct mcuboot_slot *slot, unsigned key_bits, size_t enctlv);

/*
 * Intel HEX of an image at `base`: up to the end of its areas, and of a padded
 * one what its trailer says, as segments of their own. Of anything else, all of
 * it. HM_E_USAGE (beyond 4 GiB), HM_E_IMAGE_EMPTY
 */
HM_MUST hm_err mcuboot_to_hex(const struct input *file, uint32_t base,
    struct output *out, struct why *why);
