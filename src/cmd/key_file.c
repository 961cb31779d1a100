/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/key_file.h"

#include "base/auto.h"
#include "base/file.h"
#include "ca/ca.h"
#include "cmd/image_token.h"
#include "ledger/note.h"

#define PEM_MAX 65536

hm_err
public_key_write(const char *path, const struct token_key *key, struct why *why)
{
	AUTO(buf) struct buf text = { .max = PEM_MAX };
	AUTO(buf) struct buf spki = { .max = PEM_MAX };
	AUTO_PKEY struct pkey *public = NULL;
	hm_err err = token_key_pkey(key, &public);

	if (err != HM_OK)
		return WHY(why, err, "the token's public key is not usable");
	HM_TRY(pkey_spki(public, &spki));
	HM_TRY(pem_format("PUBLIC KEY", buf_bytes(&spki), &text));
	return file_create(path, buf_bytes(&text), 0644, why);
}

hm_err
verifier_key_write(
    const char *path, const char *origin, struct hm_bytes key, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	struct note_key note;

	if (key.len != sizeof(note.key))
		return WHY(why, HM_E_KEY, "a log signs with Ed25519");
	if (note_key_make(origin, 1, key.ptr, &note) != HM_OK)
		return WHY(
		    why, HM_E_USAGE, "a log's name has no space and no plus");
	buf_init(&text, PEM_MAX);
	HM_TRY(note_key_format(&note, &text));
	HM_TRY(buf_print(&text, "\n"));
	return file_create(path, buf_bytes(&text), 0644, why);
}

hm_err
certificate_write(const char *path, struct hm_bytes der, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };

	buf_init(&pem, PEM_MAX);
	HM_TRY(pem_format("CERTIFICATE", der, &pem));
	return file_create(path, buf_bytes(&pem), 0644, why);
}

hm_err
verifier_key_load(const char *text, struct note_key *ret, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	struct hm_bytes line;

	if (note_key_parse(hm_bytes_of(text), ret) == HM_OK)
		return HM_OK;
	HM_TRY(file_read_text(text, PEM_MAX, &file, why));
	line = buf_bytes(&file);
	while (line.len != 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (note_key_parse(line, ret) == HM_OK)
		return HM_OK;
	why_where(why, "%s", text);
	return WHY(why, HM_E_KEY, "not a verifier key (name+id+base64)");
}
