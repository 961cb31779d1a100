/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json - any text as a JSON document, of a server that is not ours
 *
 * What is taken is written, read again and written the same. Getters give a
 * value of their type whatever is there.
 */
#include <string.h>

#include "base/doc.h"
#include "fuzz.h"

#define TEXT_MAX (1 << 20)
#define DEPTH 20

static void
walk(struct doc *at, unsigned depth)
{
	static const char *const keys[] = { "schema", "a", "error", "entries",
		"devices", "more", "serial" };

	fuzz_must(depth < DEPTH);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct doc *inner = doc_get(at, keys[i]);

		fuzz_must(doc_get_text(at, keys[i], "x") != NULL);
		(void)doc_get_int(at, keys[i], 1);
		(void)doc_get_real(at, keys[i], 1);
		(void)doc_get_bool(at, keys[i], true);
		if (inner != NULL)
			walk(inner, depth + 1);
	}
	for (size_t i = 0; i < doc_count(at); i++) {
		struct doc *inner = doc_at(at, i);

		(void)doc_text_at(at, i);
		if (inner != NULL)
			walk(inner, depth + 1);
	}
}

static void
write_out(const struct doc *doc, bool indented, struct buf *ret)
{
	buf_init(ret, TEXT_MAX);
	fuzz_must(doc_write(doc, indented, ret) == HM_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes text = { data, size };
	struct buf first, second;
	struct doc *doc = NULL, *again = NULL;
	struct why why = { 0 };
	hm_err err = doc_parse(text, &doc, &why);

	if (err != HM_OK) {
		fuzz_must(err == HM_E_BAD_INPUT && doc == NULL);
		fuzz_must(why.err == err && why.text[0] != '\0');
		return 0;
	}
	write_out(doc, false, &first);
	fuzz_must(doc_parse(buf_bytes(&first), &again, NULL) == HM_OK);
	write_out(again, false, &second);
	fuzz_must(hm_bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	buf_done(&second);
	write_out(again, true, &second);
	walk(doc, 0);
	err = doc_check(doc, NULL);
	fuzz_must(err == HM_OK || err == HM_E_BAD_INPUT);
	buf_done(&first);
	buf_done(&second);
	doc_free(doc);
	doc_free(again);
	return 0;
}
