/* SPDX-License-Identifier: Apache-2.0 */
#include "esp_vectors.h"

#include <stdlib.h>

#include "base/file.h"

void
vector_read(const char *folder, const char *name, struct buf *ret)
{
	char path[512];

	(void)snprintf(
	    path, sizeof(path), "%s/%s/%s", getenv("VECTORS"), folder, name);
	*ret = (struct buf){ 0 };
	assert_int_equal(file_read(path, VECTOR_MAX, ret, NULL), HM_OK);
}

struct pkey *
vector_pkey(const char *folder, const char *name)
{
	struct pkey *key = NULL;
	struct buf pem;

	vector_read(folder, name, &pem);
	assert_int_equal(
	    pkey_from_pem(buf_bytes(&pem), NULL, &key, NULL), HM_OK);
	buf_done(&pem);
	return key;
}

static void
load_keys(struct vector *v, struct doc *names)
{
	struct doc *keys = doc_get(v->manifest, "keys");

	v->key_count = names == NULL ? 0 : doc_count(names);
	assert_in_range(v->key_count, 0, VECTOR_KEYS);
	for (size_t i = 0; i < v->key_count; i++) {
		struct doc *key = doc_get(keys, doc_text_at(names, i));

		assert_non_null(key);
		v->keys[i] =
		    vector_pkey(v->folder, doc_get_text(key, "file", ""));
	}
}

static void
run(struct vector *v, const char *keys, void (*each)(struct vector *))
{
	const char *file = doc_get_text(v->row, "file", NULL);

	v->id = doc_get_text(v->row, "id", "?");
	v->accept = strcmp(doc_get_text(v->row, "expect", ""), "accept") == 0;
	if (file != NULL)
		vector_read(v->folder, file, &v->file);
	v->input = input_of(buf_bytes(&v->file));
	if (keys != NULL)
		load_keys(v, doc_get(v->row, keys));
	each(v);
	for (size_t i = 0; i < v->key_count; i++)
		pkey_free(v->keys[i]);
	buf_done(&v->file);
}

void
vectors_each(const char *folder, const char *keys, size_t least,
    void (*each)(struct vector *vector))
{
	AUTO_DOC struct doc *manifest = NULL;
	struct buf text;
	struct doc *rows;

	vector_read(folder, "manifest.json", &text);
	assert_int_equal(doc_parse(buf_bytes(&text), &manifest, NULL), HM_OK);
	buf_done(&text);
	rows = doc_get(manifest, "vectors");
	assert_in_range(doc_count(rows), least, 10000);
	for (size_t i = 0; i < doc_count(rows); i++) {
		struct vector v = { .folder = folder,
			.manifest = manifest,
			.row = doc_at(rows, i) };

		run(&v, keys, each);
	}
}

void
vector_judge(const struct vector *v, const struct findings *findings)
{
	AUTO_DOC struct doc *said = doc_new(NULL);
	const char *boot = doc_get_text(v->row, "bootloader", NULL);
	struct buf text = { .max = 1u << 20 };

	findings_doc(findings, said);
	assert_int_equal(findings_text(findings, &text), HM_OK);
	if ((findings_faults(findings) == 0) != v->accept)
		fail_msg("%s: strict verdict\n%s", v->id, buf_text(&text));
	if (boot != NULL &&
	    strcmp(boot, doc_get_text(said, "boot_loader", "")) != 0)
		fail_msg("%s: boot loader\n%s", v->id, buf_text(&text));
	buf_done(&text);
}
