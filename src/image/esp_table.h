/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_table - partition tables of the ESP32 family, binary and CSV
 *
 *   0     AA 50
 *   2     type: 0 app, 1 data, 2 boot loader, 3 table, 0x40.. the product's
 *   3     subtype
 *   4     offset in flash, LE32
 *   8     size, LE32
 *   12    label, 16 bytes, NUL behind it
 *   28    flags, LE32: bit 0 encrypted, bit 1 read-only
 *
 * Rows of 32 bytes from 0x8000 on (or where the project puts the table), then
 * EB EB, 14 times FF and the MD5 of all rows before, then FF up to 0xC00. The
 * MD5 is a checksum: who can write flash can write it too.
 */
#include "image/image.h"

#define ESP_TABLE_ROW 32
#define ESP_TABLE_SIZE 0xc00
#define ESP_TABLE_SECTOR 0x1000
#define ESP_TABLE_ROWS (ESP_TABLE_SIZE / ESP_TABLE_ROW - 1)
#define ESP_TABLE_AT 0x8000
#define ESP_TABLE_CSV_MAX 65536

enum esp_partition_type {
	ESP_PART_APP,
	ESP_PART_DATA,
	ESP_PART_BOOTLOADER,
	ESP_PART_TABLE
};
enum esp_partition_data {
	ESP_DATA_OTA = 0,
	ESP_DATA_NVS = 2,
	ESP_DATA_NVS_KEYS = 4,
	ESP_DATA_UNDEFINED = 6
};
#define ESP_PART_ENCRYPTED 1u
#define ESP_PART_READONLY 2u

struct esp_partition {
	uint8_t type, subtype;
	uint32_t at, size, flags;
	char label[17];
};

struct esp_table {
	size_t count;
	struct esp_partition rows[ESP_TABLE_ROWS];
};

struct esp_table_rules {
	uint32_t table_at;   /* flash address of the table; 0: 0x8000 */
	uint64_t flash_size; /* bytes; 0: not known, up to 4 GiB */
};

/* Faults are found; *ret has the rows that could be read. HM_E_IO,
 * HM_E_NO_MEMORY */
HM_MUST hm_err esp_table_read(const struct esp_table_rules *rules,
    const struct input *file, struct findings *findings, struct esp_table *ret);
/* What the reader says of rows, without bytes: for a table from CSV. */
void esp_table_check(const struct esp_table_rules *rules,
    const struct esp_table *table, struct findings *findings);

/* As gen_esp32part.py reads it: comments, names or numbers, K and M, empty
 * offsets, sizes "-0x...": up to there. HM_E_BAD_INPUT (why: line),
 * HM_E_TOO_LARGE (more than 95 rows) */
HM_MUST hm_err esp_table_from_csv(const struct esp_table_rules *rules,
    struct hm_bytes csv, struct esp_table *ret, struct why *why);
HM_MUST hm_err esp_table_csv(const struct esp_table *table, struct buf *ret);
/* 0xC00 bytes. HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err esp_table_write(
    const struct esp_table *table, struct output *out);

/* "app", "data" ...; "ota_0", "nvs" ...: NULL without a name. */
const char *esp_part_type_name(uint8_t type);
const char *esp_part_subtype_name(uint8_t type, uint8_t subtype);

/* 4096, 0x1000, 4K, 1M; false if it is none of up to 32 bits. */
bool esp_number(struct hm_bytes text, uint32_t *ret);

/* Does the chip encrypt it, with flash encryption on? */
bool esp_part_is_encrypted(const struct esp_partition *row);

/* Row of the table of formats. */
bool esp_table_is(const struct input *file);
hm_err esp_table_inspect(const struct input *file, struct findings *findings);
