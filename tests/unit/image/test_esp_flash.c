/* SPDX-License-Identifier: Apache-2.0 */
/* image/esp_flash: known answers, refusals, what damage looks like */
#include "esp_vectors.h"

#include <stdlib.h>

#include "base/beside.h"
#include "base/crc.h"
#include "base/text.h"
#include "image/esp_flash.h"
#include "image/esp_flash_rows.h"

#define FOLDER "esp-flash-encryption"

static uint8_t key[64];

static struct buf
bytes_of(struct doc *row, const char *hex, const char *file)
{
	struct buf bytes = { .max = 16384 };
	const char *text = doc_get_text(row, hex, NULL);
	uint8_t *room;

	if (text == NULL) {
		vector_read(FOLDER, doc_get_text(row, file, ""), &bytes);
		return bytes;
	}
	assert_int_equal(buf_reserve(&bytes, strlen(text) / 2, &room), HM_OK);
	bytes.len = strlen(text) / 2;
	assert_int_equal(hex_parse(hm_bytes_of(text), room, bytes.len), HM_OK);
	return bytes;
}

/* The key, cipher and place that a row of the manifest names. */
static struct esp_flash
how_of(struct vector *v)
{
	struct esp_flash how = { .cipher = ESP_FLASH_XTS, .encrypt = true };
	struct doc *keys = doc_get(v->manifest, "keys");
	const char *name = doc_get_text(v->row, "key", "");
	const char *hex = doc_get_text(doc_get(keys, name), "hex", "");

	if (strcmp(doc_get_text(v->row, "cipher", ""), "ESP32 classic") == 0) {
		how.cipher = ESP_FLASH_CLASSIC;
		how.config =
		    (uint8_t)doc_get_int(v->row, "flash_crypt_config", 255);
	}
	how.address = (uint64_t)doc_get_int(v->row, "address", -1);
	how.key = (struct hm_bytes){ key, strlen(hex) / 2 };
	assert_int_equal(hex_parse(hm_bytes_of(hex), key, how.key.len), HM_OK);
	return how;
}

static hm_err
convert(const struct esp_flash *how, struct hm_bytes from, struct buf *ret)
{
	struct output *out = NULL;
	struct input input = input_of(from), made;
	uint8_t *room;
	hm_err err;

	assert_int_equal(output_memory(1u << 20, &out), HM_OK);
	err = esp_flash_convert(how, &input, out, NULL);
	assert_int_equal(output_input(out, &made), HM_OK);
	buf_clear(ret);
	assert_int_equal(buf_reserve(ret, (size_t)made.size, &room), HM_OK);
	ret->len = (size_t)made.size;
	assert_int_equal(
	    input_read(&made, 0, (struct hm_span){ room, ret->len }), HM_OK);
	output_free(out);
	return err;
}

static void
compare(struct vector *v)
{
	struct esp_flash how = how_of(v);
	struct buf plain = bytes_of(v->row, "plaintext", "plaintext_file");
	struct buf cipher = bytes_of(v->row, "ciphertext", "ciphertext_file");
	struct buf made = { .max = 16384 };

	assert_int_equal(convert(&how, buf_bytes(&plain), &made), HM_OK);
	if (!hm_bytes_equal(buf_bytes(&made), buf_bytes(&cipher)))
		fail_msg("%s: encrypts to other bytes", v->id);
	how.encrypt = false;
	assert_int_equal(convert(&how, buf_bytes(&cipher), &made), HM_OK);
	if (!hm_bytes_equal(buf_bytes(&made), buf_bytes(&plain)))
		fail_msg("%s: decrypts to other bytes", v->id);
	buf_done(&plain);
	buf_done(&cipher);
	buf_done(&made);
}

static void
gives_the_known_answers_both_ways(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 49, compare);
}

static struct doc *
manifest(void)
{
	struct doc *all = NULL;
	struct buf text;

	vector_read(FOLDER, "manifest.json", &text);
	assert_int_equal(doc_parse(buf_bytes(&text), &all, NULL), HM_OK);
	buf_done(&text);
	return all;
}

static hm_err
refusal_of(const char *why)
{
	if (strcmp(why, "key length") == 0)
		return HM_E_KEY;
	if (strcmp(why, "nothing to encrypt") == 0)
		return HM_E_IMAGE_EMPTY;
	return HM_E_IMAGE_PLACE;
}

/* espsecure accepts two of them: section 1.12, 9 and 10. */
static void
refuses_what_the_vectors_name(void **state)
{
	AUTO_DOC struct doc *all = manifest();
	struct doc *rows = doc_get(all, "refusals");
	static uint8_t keys[128], text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(keys); i++)
		keys[i] = (uint8_t)(i * 7);
	assert_int_equal(doc_count(rows), 17);
	for (size_t i = 0; i < doc_count(rows); i++) {
		struct doc *row = doc_at(rows, i);
		struct esp_flash how = { .cipher = ESP_FLASH_XTS,
			.encrypt = true,
			.config = ESP_FLASH_CONFIG };
		struct buf made = { .max = 16384 };
		struct hm_bytes from = { text,
			(size_t)doc_get_int(row, "length", 0) };

		if (strcmp(doc_get_text(row, "cipher", ""), "AES-XTS") != 0)
			how.cipher = ESP_FLASH_CLASSIC;
		how.address = (uint64_t)doc_get_int(row, "address", 0);
		how.key = (struct hm_bytes){ keys,
			(size_t)doc_get_int(row, "key_bytes", 0) };
		assert_int_equal(convert(&how, from, &made),
		    refusal_of(doc_get_text(row, "why", "")));
		assert_int_equal(made.len, 0);
		buf_done(&made);
	}
}

static void
refuses_keys_of_two_equal_halves(void **state)
{
	static uint8_t zeros[64], text[32];
	struct esp_flash how = {
		.cipher = ESP_FLASH_XTS, .encrypt = true, .key = HM_BYTES(zeros)
	};
	struct buf made = { .max = 16384 };

	(void)state;
	assert_int_equal(convert(&how, HM_BYTES(text), &made), HM_E_KEY_WEAK);
	buf_done(&made);
}

/* The vectors' no_integrity: exactly one row of 16 bytes is garbled. */
static void
damage_stays_in_its_row(void **state)
{
	AUTO_DOC struct doc *all = manifest();
	struct doc *part = doc_get(all, "no_integrity");
	struct doc *base = doc_get(part, "base"), *rows;
	struct esp_flash how = { .cipher = ESP_FLASH_XTS };
	struct buf cipher = bytes_of(base, "ciphertext", "");
	struct buf moved = bytes_of(base, "decrypted_at_address_plus_128", "");
	struct buf made = { .max = 16384 };

	(void)state;
	vector_read(FOLDER, "keys/key-256.bin", &made);
	memcpy(key, made.ptr, 32);
	how.key = (struct hm_bytes){ key, 32 };
	how.address = (uint64_t)doc_get_int(base, "address", 0);
	rows = doc_get(part, "damage");
	for (size_t i = 0; i < 3; i++) { /* the XTS ones */
		struct doc *row = doc_at(rows, i);
		size_t at = (size_t)doc_get_int(row, "flip_offset", 0);
		struct buf result = bytes_of(row, "result", "");

		cipher.ptr[at] ^= 1;
		assert_int_equal(
		    convert(&how, buf_bytes(&cipher), &made), HM_OK);
		assert_true(
		    hm_bytes_equal(buf_bytes(&made), buf_bytes(&result)));
		cipher.ptr[at] ^= 1;
		buf_done(&result);
	}
	how.address += 128;
	assert_int_equal(convert(&how, buf_bytes(&cipher), &made), HM_OK);
	assert_true(hm_bytes_equal(buf_bytes(&made), buf_bytes(&moved)));
	buf_done(&moved);
	buf_done(&cipher);
	buf_done(&made);
}

static uint8_t plain[40000];

static void
fill(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(plain); i++) {
		x = x * 1664525 + 1013904223;
		plain[i] = (uint8_t)(x >> 24);
	}
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 11 + 3);
}

/* In pieces or at once, from any row on: the place decides, nothing else. */
static void
a_part_is_the_same_as_in_the_whole(void **state)
{
	struct buf whole = { .max = 1u << 20 }, part = { .max = 1u << 20 };

	(void)state;
	fill();
	for (int cipher = ESP_FLASH_XTS; cipher <= ESP_FLASH_CLASSIC;
	     cipher++) {
		struct esp_flash how = { .cipher = (esp_flash_cipher)cipher,
			.encrypt = true,
			.config = ESP_FLASH_CONFIG,
			.address = 0x10050,
			.key = { key, 32 } };

		assert_int_equal(convert(&how, HM_BYTES(plain), &whole), HM_OK);
		for (size_t at = 16; at < 700; at += 48) {
			struct hm_bytes from = { plain + at, 17008 - at * 16 };

			how.address = 0x10050 + at;
			assert_int_equal(convert(&how, from, &part), HM_OK);
			assert_memory_equal(part.ptr, whole.ptr + at, from.len);
		}
	}
	buf_done(&whole);
	buf_done(&part);
}

static uint32_t
crc_of(struct output *out)
{
	struct input all;
	struct buf bytes = { 0 };
	uint32_t crc;

	assert_int_equal(output_input(out, &all), HM_OK);
	assert_int_equal(input_load(&all, 4u << 20, &bytes), HM_OK);
	crc = crc32_add(0, buf_bytes(&bytes));
	buf_done(&bytes);
	return crc;
}

/* A large file is made by two threads, one in memory by one; the last bytes
 * are neither a block nor a row. */
static void
a_large_file_is_the_same_as_memory(void **state)
{
	AUTO_OUTPUT struct output *from = NULL;
	struct input in;

	(void)state;
	fill();
	beside_allow();
	assert_int_equal(output_open("-", 0644, &from, NULL), HM_OK);
	for (size_t i = 0; i < 79; i++) {
		struct hm_bytes part = { plain + i, sizeof(plain) - 83 };

		assert_int_equal(output_add(from, part), HM_OK);
	}
	assert_int_equal(output_input(from, &in), HM_OK);
	assert_true(in.size > BESIDE_LEAST && in.size % ESP_FLASH_ROW != 0);
	for (unsigned i = 0; i < 4; i++) {
		struct esp_flash how = { .encrypt = i % 2 == 0,
			.cipher = i < 2 ? ESP_FLASH_XTS : ESP_FLASH_CLASSIC,
			.config = ESP_FLASH_CONFIG,
			.address = 0x10050,
			.pad = true,
			.key = { key, 32 } };
		AUTO_OUTPUT struct output *file = NULL, *memory = NULL;

		assert_int_equal(output_open("-", 0644, &file, NULL), HM_OK);
		assert_int_equal(output_memory(4u << 20, &memory), HM_OK);
		assert_int_equal(
		    esp_flash_convert(&how, &in, file, NULL), HM_OK);
		assert_int_equal(
		    esp_flash_convert(&how, &in, memory, NULL), HM_OK);
		assert_int_equal(output_size(file), output_size(memory));
		assert_int_equal(crc_of(file), crc_of(memory));
	}
}

static void
areas_are_encrypted_and_nothing_else(void **state)
{
	static const struct esp_flash_area areas[] = { { 0x1000, 0x1000 },
		{ 0x9000, 0x30 }, { 0x9040, 0x100000 } };
	struct esp_flash all = { .cipher = ESP_FLASH_XTS,
		.encrypt = true,
		.address = 0x1800,
		.key = { key, 64 } };
	struct esp_flash some;
	struct buf whole = { .max = 1u << 20 }, made = { .max = 1u << 20 };

	(void)state;
	fill();
	some = all;
	some.areas = areas;
	some.area_count = 3;
	assert_int_equal(convert(&all, HM_BYTES(plain), &whole), HM_OK);
	assert_int_equal(convert(&some, HM_BYTES(plain), &made), HM_OK);
	assert_int_equal(made.len, sizeof(plain));
	for (size_t i = 0; i < sizeof(plain); i++) {
		uint64_t at = 0x1800 + i;
		bool is_in = (at >= 0x1000 && at < 0x2000) ||
			     (at >= 0x9000 && at < 0x9030) || at >= 0x9040;

		assert_int_equal(made.ptr[i], is_in ? whole.ptr[i] : plain[i]);
	}
	buf_done(&whole);
	buf_done(&made);
}

static void
pads_with_erased_bytes(void **state)
{
	struct esp_flash how = { .cipher = ESP_FLASH_CLASSIC,
		.encrypt = true,
		.config = ESP_FLASH_CONFIG,
		.pad = true,
		.key = { key, 32 } };
	struct buf made = { .max = 1u << 20 }, back = { .max = 1u << 20 };
	struct hm_bytes from = { plain, 65 };

	(void)state;
	fill();
	assert_int_equal(convert(&how, from, &made), HM_OK);
	assert_int_equal(made.len, 96);
	how.encrypt = false;
	assert_int_equal(convert(&how, buf_bytes(&made), &back), HM_OK);
	assert_memory_equal(back.ptr, plain, 65);
	for (size_t i = 65; i < 96; i++)
		assert_int_equal(back.ptr[i], 0xff);
	buf_done(&made);
	buf_done(&back);
}

#define ROWS_MAX 37
#define UNITS_MAX 7

/* As the mode is described, byte by byte. */
static void
double_row(uint8_t row[static ESP_FLASH_ROW])
{
	unsigned carry = 0;

	for (size_t i = 0; i < ESP_FLASH_ROW; i++) {
		carry |= (unsigned)row[i] << 1;
		row[i] = (uint8_t)carry;
		carry >>= 8;
	}
	row[0] ^= carry != 0 ? 0x87 : 0;
}

static void
try_tweaks(const struct esp_flash_rows *rows, size_t count)
{
	struct esp_flash_row units[UNITS_MAX], made[UNITS_MAX * 8 + 1];

	for (size_t i = 0; i < sizeof(units); i++)
		units[i / ESP_FLASH_ROW].bytes[i % ESP_FLASH_ROW] =
		    (uint8_t)(i * 73 + count + i / 5);
	memset(made, 0x5a, sizeof(made));
	rows->tweaks(units, count, made);
	for (size_t at = 0; at < count; at++)
		for (size_t row = 8; row-- > 0;) {
			for (size_t i = 0; i < ESP_FLASH_ROW; i++)
				assert_int_equal(made[at * 8 + row].bytes[i],
				    units[at].bytes[ESP_FLASH_ROW - 1 - i]);
			double_row(units[at].bytes);
		}
	assert_int_equal(made[count * 8].bytes[0], 0x5a);
}

static void
try_rows(const struct esp_flash_rows *rows, size_t count)
{
	uint8_t from[ROWS_MAX * ESP_FLASH_ROW], before[sizeof(from) + 1];
	struct esp_flash_row tweaks[ROWS_MAX];
	uint8_t after[sizeof(from)], mask[sizeof(from)];
	size_t len = count * ESP_FLASH_ROW;

	for (size_t i = 0; i < sizeof(from); i++) {
		from[i] = (uint8_t)(i * 31 + count);
		mask[i] = (uint8_t)(i * i + 7);
	}
	memcpy(tweaks, mask, sizeof(tweaks));
	memset(before, 0x5a, sizeof(before));
	memcpy(after, from, sizeof(from));
	rows->before(before, from, tweaks, count);
	rows->after(after, after, tweaks, count);
	for (size_t i = 0; i < len; i++) {
		size_t turned = i ^ (ESP_FLASH_ROW - 1);

		assert_int_equal(before[i], from[turned] ^ mask[turned]);
		assert_int_equal(after[i], from[turned] ^ mask[i]);
	}
	assert_int_equal(before[len], 0x5a);
	assert_memory_equal(after + len, from + len, sizeof(from) - len);
}

static void
every_processor_turns_and_doubles_alike(void **state)
{
	const struct esp_flash_rows *rows;

	(void)state;
	assert_non_null(esp_flash_rows_best(0));
	for (size_t i = 0; (rows = esp_flash_rows_best(i)) != NULL; i++) {
		for (size_t count = 1; count <= UNITS_MAX; count++)
			try_tweaks(rows, count);
		for (size_t count = 0; count <= ROWS_MAX; count++)
			try_rows(rows, count);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_known_answers_both_ways),
		cmocka_unit_test(refuses_what_the_vectors_name),
		cmocka_unit_test(refuses_keys_of_two_equal_halves),
		cmocka_unit_test(damage_stays_in_its_row),
		cmocka_unit_test(a_part_is_the_same_as_in_the_whole),
		cmocka_unit_test(a_large_file_is_the_same_as_memory),
		cmocka_unit_test(areas_are_encrypted_and_nothing_else),
		cmocka_unit_test(pads_with_erased_bytes),
		cmocka_unit_test(every_processor_turns_and_doubles_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
