/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_app - application images and boot loaders of the ESP32 family
 *
 *   0        24       header: E9, segment count, flash mode, entry, chip
 *            8        load address, length        \ for each segment
 *            length   data (a multiple of 4)      /
 *            1..16    zeros, and a checksum as the byte that ends a row of 16:
 *                     EF xor all bytes of the segments' data
 *            32       SHA-256 of everything before it, if byte 23 says so
 *
 * An app has its description in the first 256 bytes of its first segment. All
 * integers are little-endian.
 *
 * How long an image is stands nowhere: boot code adds up segments, checksum and
 * hash, and looks for a signature behind that, whatever the file's length is.
 * So does everybody here, and a file that goes on is refused.
 */
#include "image/esp_chip.h"
#include "image/image.h"

#define ESP_APP_HEADER 24
#define ESP_APP_SEGMENTS 16
#define ESP_APP_DESC_AT 32 /* of the file */
#define ESP_APP_DESC 256
#define ESP_APP_MAX (16u << 20) /* boot code maps no more */
#define ESP_SECTOR 4096

typedef enum esp_content {
	ESP_APP = 0,    /* an image with an application description */
	ESP_BOOTLOADER, /* an image without one */
	ESP_DATA,       /* bytes of any kind */
} esp_content;

struct esp_segment {
	uint32_t load, size; /* bytes */
	uint64_t at;         /* of its data */
};

struct esp_app {
	const struct esp_chip *chip; /* of the header; NULL: not known */
	uint16_t chip_id;
	uint32_t entry, secure_version, mmu_page;
	unsigned segment_count;
	struct esp_segment segments[ESP_APP_SEGMENTS];
	bool has_hash;
	char version[33], project[33]; /* printable */
	uint64_t sum_at;               /* the byte of the checksum */
	uint64_t size;                 /* where the image ends, bytes */
	bool is_whole;  /* the fields above `size` could all be read */
	bool boots;     /* boot code would find nothing wrong */
	bool is_filled; /* FF from there to the sector (with digests only) */
};

/* What the reader is told about the chip that shall boot it. */
struct esp_app_rules {
	esp_content content;         /* app or boot loader */
	const struct esp_chip *chip; /* NULL: any */
	uint32_t secure_version_min; /* of an app; 0: any */
};

/*
 * Header, description, segments: where the image ends. Faults are found; after
 * those that leave no end `is_whole` is false, and then nothing but `boots` is
 * to be looked at. Returns breakdowns only: HM_E_IO.
 */
HM_MUST hm_err esp_app_layout(const struct esp_app_rules *rules,
    const struct input *file, struct findings *findings, struct esp_app *ret);

/* Digests of the image with FF up to the next multiple of 4096. */
struct esp_app_digests {
	uint8_t sha256[32], sha384[48];
	bool wants_sha384;
	struct output *copy; /* it gets what they are of, piece by piece, and
				notes them; NULL: none */
};

/* The digests of a file from 0 to `end`, if they are known; a copy, if one is
 * wanted, is only made by passing over the bytes. */
bool esp_app_known(
    const struct input *file, uint64_t end, struct esp_app_digests *digests);

/* The exclusive or of the segments in eight columns, as an input knows it: from
 * 0 to the checksum. */
#define ESP_KNOWN_SUM 0x100

/*
 * One pass over a whole image (none if all of it is known): checksum, appended
 * hash, zeros; with `digests`, which may be NULL, also the fill behind it as
 * far as the file has it (what is not there counts as FF). HM_E_IO,
 * HM_E_NO_MEMORY
 */
HM_MUST hm_err esp_app_check(const struct input *file,
    struct findings *findings, struct esp_app *app,
    struct esp_app_digests *digests);

/* All of it, and that the file ends where the image does. */
HM_MUST hm_err esp_app_verify(const struct esp_app_rules *rules,
    const struct input *file, struct findings *findings);

/* `size` up to the next multiple of 4096. */
uint64_t esp_align(uint64_t size);

/* One segment of zeros is added so that a signature behind the image starts a
 * page of the memory management unit (elf2image --secure-pad, --secure-pad-v2).
 */
typedef enum esp_pad { ESP_PAD_V1 = 1, ESP_PAD_V2 = 2 } esp_pad;
struct esp_app_pad {
	struct esp_app_rules rules;
	esp_pad version;
	uint32_t page; /* bytes, 8 to 64 KiB; 0: what the image says */
};
/* HM_E_IMAGE_* (the image is not good, or has 16 segments), HM_E_IO ... */
HM_MUST hm_err esp_app_pad(const struct esp_app_pad *how,
    const struct input *file, struct output *out, struct why *why);

/* Is the magic of an application description where one would be? */
bool esp_app_has_desc(const struct input *file);

/* Row of the table. */
bool esp_app_is(const struct input *file);
hm_err esp_app_inspect(const struct input *file, struct findings *findings);

/* Text of a fixed field for people: up to its NUL, other bytes as '?'. */
void esp_text(struct hm_bytes field, char *ret);
