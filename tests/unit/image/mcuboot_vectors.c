/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "image/ihex.h"
#include "mcuboot_vectors.h"

#define FOLDER VECTORS "/"

struct doc *vectors_manifest;

/* ---- files and keys of the folder ---- */

void
vectors_load(const char *name, struct buf *ret)
{
	char path[512];

	(void)snprintf(path, sizeof(path), FOLDER "%s", name);
	assert_int_equal(file_read(path, FILE_MAX, ret, NULL), HM_OK);
}

void
known_done(struct known *known)
{
	pkey_free(known->key);
}

void
vectors_pem(const char *name, struct pkey **ret)
{
	AUTO(buf) struct buf pem = { 0 };

	vectors_load(name, &pem);
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&pem), NULL, ret, NULL), HM_OK);
}

static void
find_key(const char *id, struct known *ret)
{
	struct doc *row = doc_get(doc_get(vectors_manifest, "keys"), id);
	const char *hex = doc_get_text(row, "hex", NULL);

	*ret = (struct known){ 0 };
	assert_non_null(row);
	if (hex == NULL) {
		vectors_pem(doc_get_text(row, "file", ""), &ret->key);
		return;
	}
	ret->len = strlen(hex) / 2;
	assert_int_equal(
	    hex_parse(hm_bytes_of(hex), ret->bytes, ret->len), HM_OK);
}

void
told_done(struct told *told)
{
	known_done(&told->trusted[0]);
	known_done(&told->trusted[1]);
	known_done(&told->decrypt);
}

void
vectors_tell(struct doc *row, struct told *ret)
{
	struct doc *list = doc_get(row, "verify_keys");
	const char *decrypt = doc_get_text(row, "decrypt_key", NULL);
	size_t count = list == NULL ? 1 : doc_count(list);

	*ret = (struct told){ 0 };
	for (size_t i = 0; i < count; i++) {
		find_key(list == NULL ? doc_get_text(row, "verify_key", "")
				      : doc_text_at(list, i),
		    &ret->trusted[i]);
		ret->keys.trusted[i] = ret->trusted[i].key;
	}
	ret->keys.trusted_count = count;
	if (decrypt == NULL)
		return;
	find_key(decrypt, &ret->decrypt);
	ret->keys.decrypt = ret->decrypt.key;
	ret->keys.decrypt_kek =
	    (struct hm_bytes){ ret->decrypt.bytes, ret->decrypt.len };
}

/* The file, or what is in it if it is Intel HEX. */
void
vectors_plain(const struct input *file, struct output **temp, struct input *ret)
{
	static struct ihex_map map;

	*ret = *file;
	if (!ihex_is(file))
		return;
	assert_int_equal(output_memory(FILE_MAX, temp), HM_OK);
	assert_int_equal(ihex_read(file, 0xFF, *temp, &map, NULL), HM_OK);
	assert_int_equal(output_input(*temp, ret), HM_OK);
}

struct doc *
vectors_row(const char *id)
{
	struct doc *vectors = doc_get(vectors_manifest, "vectors");

	for (size_t i = 0; i < doc_count(vectors); i++)
		if (strcmp(doc_get_text(doc_at(vectors, i), "id", ""), id) == 0)
			return doc_at(vectors, i);
	fail_msg("no vector %s", id);
	return NULL;
}

int
vectors_open(void **state)
{
	AUTO(buf) struct buf text = { 0 };

	(void)state;
	vectors_load("manifest.json", &text);
	return doc_parse(buf_bytes(&text), &vectors_manifest, NULL) == HM_OK
		   ? 0
		   : -1;
}

int
vectors_close(void **state)
{
	(void)state;
	doc_free(vectors_manifest);
	return 0;
}
