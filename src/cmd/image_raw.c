/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_raw.h"

#include "base/auto.h"
#include "base/file.h"

/* What a signature by `key` is over: the digest of the whole file. */
static hm_err
digest_of(const struct image_job *job, uint8_t room[static HASH_MAX],
    const struct pkey *key, struct pkey_input *ret)
{
	*ret = (struct pkey_input){ .hash = HASH_SHA256,
		.scheme = pkey_kind(key) == PKEY_RSA ? PKEY_PSS : PKEY_ECDSA,
		.bytes = { room, hash_len(HASH_SHA256) } };
	return image_hash(&job->input, 0, job->input.size, HASH_SHA256, room);
}

static hm_err
sign(struct image_job *job, struct why *why)
{
	uint8_t digest[HASH_MAX], signature[PKEY_SIGNATURE_MAX];
	struct hm_span room = { signature, sizeof(signature) };
	struct pkey_input input;
	size_t len = 0;

	if (job->input.size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (job->signer_count != 1)
		return WHY(why, HM_E_USAGE, "one --key makes one signature");
	HM_TRY(digest_of(job, digest, job->signers->key, &input));
	HM_TRY(image_sign(job->signers, &input, room, &len, why));
	return output_add(job->out, (struct hm_bytes){ signature, len });
}

static hm_err
judge_signature(struct image_job *job, struct hm_bytes signature)
{
	uint8_t digest[HASH_MAX];
	struct pkey_input input;

	for (size_t i = 0; i < job->keys.trusted_count; i++) {
		struct pkey *key = job->keys.trusted[i];

		HM_TRY(digest_of(job, digest, key, &input));
		if (pkey_verify(key, &input, signature) == HM_OK)
			return HM_OK;
	}
	(void)findings_fault(job->findings, HM_E_IMAGE_SIGNATURE, 0,
	    "no given key made this signature");
	return HM_OK;
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO(buf) struct buf signature = { 0 };
	const char *path = options_text(job->given, "signature");

	(void)file;
	HM_TRY(file_read(path, PKEY_SIGNATURE_MAX, &signature, why));
	return judge_signature(job, buf_bytes(&signature));
}

static hm_err
judge_result(struct image_job *job, struct why *why)
{
	uint8_t signature[PKEY_SIGNATURE_MAX];
	size_t len = (size_t)output_size(job->out);
	struct input result;

	(void)why;
	HM_TRY(output_input(job->out, &result));
	HM_TRY(input_read(&result, 0, (struct hm_span){ signature, len }));
	return judge_signature(job, (struct hm_bytes){ signature, len });
}

static const struct option_spec verify_rows[] = { RAW_VERIFY_OPTIONS, { 0 } };

const struct image_command image_raw = { .format = "raw",
	.words = "detached signature over any file",
	.steps = { [IMAGE_SIGN] = { .run = sign },
	    [IMAGE_VERIFY] = { .options = verify_rows,
		.needs = "signature key" } },
	.judge = judge,
	.judge_result = judge_result };
