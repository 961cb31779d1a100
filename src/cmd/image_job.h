/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_job - what `hallmark image` hands to a format, and what it wants of it
 *
 * image.c has the verbs: it loads keys, opens files, calls the format that
 * --format names, has the result verified before it gets its name, and reports.
 * A format has one file image_<format>.c here, that turns options into the
 * structs of src/image/, and one header with its rows of options as macros and
 * its struct image_command, which stands in image_commands[] (image.c).
 *
 * An option belongs to the formats whose step names it: either it stands in
 * their own rows, or, if several formats share it, it is a row of image.c and
 * stands in `shared`. Any other one is a mistake of usage, never ignored.
 * Neither kind has a fallback or is `required` in its row; what a format cannot
 * do without is in `needs`.
 */
#include "base/input.h"
#include "base/options.h"
#include "base/output.h"
#include "image/image.h"

typedef enum image_verb {
	IMAGE_SIGN, /* request and assemble too: the signers differ */
	IMAGE_VERIFY,
	IMAGE_ENCRYPT,
	IMAGE_DECRYPT,
	IMAGE_INSPECT,
	IMAGE_RESIGN,
	IMAGE_CONVERT,
	IMAGE_VERBS,
} image_verb;

struct image_job {
	const struct options *given;
	const struct image_command *command;
	image_verb verb;
	struct input input;         /* FILE */
	struct known_digests known; /* of it */
	struct output *out;         /* --output; empty. NULL: writes nothing */
	uint64_t result_size;       /* bytes, once it is written */
	/* What the result says, in place of image_time(): a request's. */
	uint64_t time_s;
	bool has_time;
	struct findings *findings; /* of what is judged */
	/* Whom to trust. verify: --key; resign, append: --old-key;
	 * judging what was signed: the signers. `decrypt` is --decrypt-key
	 * everywhere. */
	struct image_keys keys;
	const struct image_signer *signers; /* --key, in the order given */
	size_t signer_count;
	struct pkey *recipient;        /* --encrypt-key; NULL: none */
	struct hm_bytes recipient_kek; /* if that is a symmetric key */
	/* What a format keeps from writing to judging; freed with the job. */
	void *own;
	void (*own_free)(void *own);
};

/* Read job->input, write job->out. An error: nothing is written. */
typedef hm_err image_work(struct image_job *job, struct why *why);
/* The strict verifier on `file`, with job->keys: faults go to job->findings,
 * the result is HM_OK or a breakdown. */
typedef hm_err image_judge(
    struct image_job *job, const struct input *file, struct why *why);

struct image_step {
	image_work *run;                   /* NULL: the format cannot */
	const struct option_spec *options; /* its own; NULL: none */
	const char *shared;                /* "append hash"; NULL: none */
	const char *needs; /* options that must be given; NULL: none */
	unsigned passes;   /* over the file, for the bar; 0: one */
	bool is_judged;    /* the result, before it is written (sign and resign
			      always are) */
};

struct image_command {
	const char *format;                   /* as --format names it */
	const char *words;                    /* what it is, a few words */
	struct image_step steps[IMAGE_VERBS]; /* IMAGE_VERIFY and _INSPECT have
						 no `run` */
	image_judge *judge;
	/* image inspect; NULL: the format's row of image_formats[], if any. */
	image_judge *look;
	/* What bytes of FILE are that no part of the findings has ("tree");
	 * NULL: `judge` and `look` say it. */
	const char *rest;
	/* If what was written cannot be judged alone (a detached signature):
	 * as `judge`, which is then not called. NULL: judge(output). */
	image_work *judge_result;
};

/* Seconds since 1970 that a file may say: SOURCE_DATE_EPOCH, or now.
 * HM_E_USAGE (not a number) */
HM_MUST hm_err image_time(uint64_t *ret, struct why *why);
/* findings_rest() where somebody sees it: in documents. NULL: nothing is left.
 * HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err image_name_rest(
    struct image_job *job, const struct input *file, const char *name);
/* The time for a job: what was requested and what is assembled of it say the
 * same. */
HM_MUST hm_err image_job_time(
    const struct image_job *job, uint64_t *ret, struct why *why);
