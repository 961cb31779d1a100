/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_tool - image/bundle for a counterpart in another language
 *
 *   bundle_tool seal OUT RECIPIENT.pem... -- FILE...
 *   bundle_tool open BUNDLE KEY.pem OUT.tar
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "image/bundle.h"

static hm_err
load_key(const char *path, struct pkey **ret, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };

	HM_TRY(file_read(path, 1 << 16, &pem, why));
	return pkey_from_pem(buf_bytes(&pem), NULL, ret, why);
}

static hm_err
add_files(struct bundle *bundle, char **files, struct why *why)
{
	for (; *files != NULL; files++) {
		const char *slash = strrchr(*files, '/');
		struct input content;
		hm_err err;

		HM_TRY(input_open(*files, UINT64_MAX, &content, why));
		err = bundle_add(
		    bundle, slash == NULL ? *files : slash + 1, &content, why);
		input_done(&content);
		HM_TRY(err);
	}
	return bundle_end(bundle);
}

static hm_err
seal(char **words, struct why *why)
{
	AUTO_OUTPUT struct output *out = NULL;
	struct pkey *keys[BUNDLE_RECIPIENTS_MAX];
	struct bundle_to to = { .recipients = keys, .mtime_s = 1767225600 };
	struct bundle *bundle = NULL;
	hm_err err;

	HM_TRY(output_open(*words++, 0644, &out, why));
	for (; strcmp(*words, "--") != 0; words++)
		HM_TRY(load_key(*words, &keys[to.count++], why));
	err = bundle_begin(&to, out, &bundle, why);
	if (err == HM_OK)
		err = add_files(bundle, words + 1, why);
	bundle_free(bundle);
	for (size_t i = 0; i < to.count; i++)
		pkey_free(keys[i]);
	return err == HM_OK ? output_commit(out, why) : err;
}

static hm_err
open_one(char **words, struct why *why)
{
	AUTO_OUTPUT struct output *out = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO_PKEY struct pkey *key = NULL;
	AUTO(input) struct input file;

	HM_TRY(input_open(words[0], UINT64_MAX, &file, why));
	HM_TRY(load_key(words[1], &key, why));
	HM_TRY(output_open(words[2], 0600, &out, why));
	HM_TRY(findings_new("bundle", &findings));
	HM_TRY(bundle_open(&file, key, out, findings));
	HM_TRY(findings_verdict(findings, why));
	return output_commit(out, why);
}

int
main(int argc, char **argv)
{
	struct why why = { 0 };
	hm_err err = HM_E_USAGE;

	if (argc >= 6 && strcmp(argv[1], "seal") == 0)
		err = seal(argv + 2, &why);
	else if (argc == 5 && strcmp(argv[1], "open") == 0)
		err = open_one(argv + 2, &why);
	if (err != HM_OK)
		fprintf(stderr, "%d %s\n", (int)err, why.text);
	return err == HM_OK ? 0 : 1;
}
