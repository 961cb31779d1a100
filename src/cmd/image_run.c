/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/beside.h"
#include "base/progress.h"
#include "base/report.h"
#include "cmd/image_files.h"
#include "cmd/image_keys.h"
#include "cmd/image_remote.h"
#include "image/ihex.h"

/* Options of every format, whatever the verb. */
static const char common[] = "format output key old-key channel passphrase pin "
			     "module request response to-sign";

/* ---- which format, and are its options right ---- */

static const struct image_command *
command_named(const char *name)
{
	for (size_t i = 0; image_commands[i] != NULL; i++)
		if (strcmp(image_commands[i]->format, name) == 0)
			return image_commands[i];
	return NULL;
}

static hm_err
choose(struct image_job *job, struct why *why)
{
	const char *name = options_text(job->given, "format");
	const struct image_format *format;

	if (name != NULL) {
		job->command = command_named(name);
		if (job->command != NULL)
			return HM_OK;
		why_do(why, "it is one of: " IMAGE_FORMATS);
		return WHY(why, HM_E_USAGE, "no format \"%s\"", name);
	}
	format = image_format_of(&job->input);
	if (format != NULL)
		job->command = command_named(format->name);
	else if (ihex_is(&job->input))
		job->command = command_named("mcuboot");
	if (job->command != NULL)
		return HM_OK;
	why_where(why, "%s", options_text(job->given, "file"));
	why_do(why, "name it by --format");
	return WHY(why, HM_E_IMAGE_FORMAT, "it looks like no format we know");
}

/* Is the word in a list of words with blanks between? */
static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; at != NULL && at[0] != '\0';) {
		size_t here = strcspn(at, " ");

		if (here == len && memcmp(at, word, len) == 0)
			return true;
		at += here + strspn(at + here, " ");
	}
	return false;
}

static bool
has_row(const struct option_spec *rows, const char *name)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return true;
	return false;
}

/* Does the row belong to that verb of that format? */
static bool
is_taken(const struct image_step *step, const char *name)
{
	return has_word(common, name) || has_word(step->shared, name) ||
	       has_row(step->options, name);
}

static hm_err
check_needs(const struct image_job *job, const char *needs, struct why *why)
{
	char word[40];

	for (const char *at = needs; at != NULL && at[0] != '\0';) {
		size_t len = strcspn(at, " ");

		if (len >= sizeof(word))
			return HM_E_BUG;
		memcpy(word, at, len);
		word[len] = '\0';
		if (!options_has(job->given, word))
			return WHY(why, HM_E_USAGE, "format %s wants --%s",
			    job->command->format, word);
		at += len + strspn(at + len, " ");
	}
	return HM_OK;
}

static bool
can(const struct image_command *command, image_verb verb)
{
	if (verb == IMAGE_INSPECT)
		return command->look != NULL ||
		       image_format_named(command->format) != NULL;
	return verb == IMAGE_VERIFY || command->steps[verb].run != NULL;
}

/* The next step: with which formats there is that verb. */
static hm_err
refuse_verb(const struct image_job *job, struct why *why)
{
	const char *verb = options_verb(job->given)->name;
	char names[240] = "";
	size_t len = 0;

	for (size_t i = 0; image_commands[i] != NULL; i++) {
		if (!can(image_commands[i], job->verb) || len >= sizeof(names))
			continue;
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", len == 0 ? "" : ", ", image_commands[i]->format);
	}
	why_do(why, "image %s is for %s", verb, names);
	return WHY(why, HM_E_USAGE, "there is no image %s for %s", verb,
	    job->command->format);
}

static hm_err
check_options(const struct image_job *job, struct why *why)
{
	const struct verb_spec *verb = options_verb(job->given);
	const struct image_step *step = &job->command->steps[job->verb];

	if (!can(job->command, job->verb))
		return refuse_verb(job, why);
	for (const struct option_spec *row = verb->options; row->name; row++)
		if (options_has(job->given, row->name) &&
		    !is_taken(step, row->name))
			return WHY(why, HM_E_USAGE,
			    "--%s does not belong to image %s of format %s",
			    row->name, verb->name, job->command->format);
	if (job->verb == IMAGE_SIGN && options_has(job->given, "old-key") &&
	    !options_flag(job->given, "append"))
		return WHY(why, HM_E_USAGE, "--old-key goes with --append");
	return check_needs(job, step->needs, why);
}

/* request and assemble take what sign takes. */
static image_verb
verb_of(const char *name)
{
	static const char *const names[] = {
		[IMAGE_SIGN] = "sign",
		[IMAGE_VERIFY] = "verify",
		[IMAGE_ENCRYPT] = "encrypt",
		[IMAGE_DECRYPT] = "decrypt",
		[IMAGE_INSPECT] = "inspect",
		[IMAGE_RESIGN] = "resign",
		[IMAGE_CONVERT] = "convert",
	};

	for (int i = 0; i < IMAGE_VERBS; i++)
		if (strcmp(names[i], name) == 0)
			return (image_verb)i;
	return IMAGE_SIGN;
}

bool
image_run_shows(const struct options *given, const char *option)
{
	const char *format = options_text(given, "format");
	const struct image_command *command =
	    format == NULL ? NULL : command_named(format);
	image_verb verb = verb_of(options_verb(given)->name);

	return command == NULL || is_taken(&command->steps[verb], option);
}

/* ---- a job ---- */

/* FILE, opened, its format chosen, all options in order. */
static hm_err
begin(struct image_job *job, struct why *why)
{
	const char *to = NULL;

	if (has_row(options_verb(job->given)->options, "output"))
		to = options_text(job->given, "output");
	if (to != NULL && strcmp(to, "-") == 0 && report_is_json())
		return WHY(why, HM_E_USAGE,
		    "--json and --output - both want standard output");
	if (options_has(job->given, "format"))
		HM_TRY(choose(job, why));
	HM_TRY(image_files_input(job, why));
	beside_allow();
	if (job->command == NULL)
		HM_TRY(choose(job, why));
	return check_options(job, why);
}

static bool
is_given(const struct image_job *job, const char *option)
{
	return has_row(options_verb(job->given)->options, option) &&
	       options_has(job->given, option);
}

static hm_err
load_keys(struct image_job *job, struct image_ring *ring,
    const struct image_far *far, struct why *why)
{
	if (job->verb == IMAGE_SIGN || job->verb == IMAGE_RESIGN)
		HM_TRY(image_ring_signers(ring, far, job, why));
	else if (is_given(job, "key"))
		HM_TRY(image_ring_trust(ring, "key", &job->keys, why));
	if (is_given(job, "old-key"))
		HM_TRY(image_ring_trust(ring, "old-key", &job->keys, why));
	if (is_given(job, "decrypt-key"))
		HM_TRY(image_ring_private(ring, "decrypt-key",
		    &job->keys.decrypt, &job->keys.decrypt_kek, why));
	if (is_given(job, "encrypt-key"))
		HM_TRY(image_ring_recipient(ring, "encrypt-key",
		    &job->recipient, &job->recipient_kek, why));
	return HM_OK;
}

/* Ed25519 over a file: twice to sign, twice to verify what was made. */
static bool
signs_file(const struct image_job *job)
{
	if (job->signer_count == 0 ||
	    pkey_kind(job->signers[0].key) != PKEY_ED25519)
		return false;
	return strcmp(job->command->format, "raw") == 0 ||
	       is_given(job, "pure");
}

/* About how many bytes will be read. */
static uint64_t
expected(const struct image_job *job)
{
	unsigned passes = job->command->steps[job->verb].passes;

	passes = passes == 0 ? 1 : passes;
	passes += job->verb == IMAGE_SIGN && job->recipient != NULL;
	passes += signs_file(job) ? 3 : 0;
	return passes * job->input.size;
}

static hm_err
write_result(
    struct image_job *job, const struct image_request *request, struct why *why)
{
	const char *to = options_text(job->given, "output");

	HM_TRY(image_files_output(job, to, why));
	progress_begin(options_verb(job->given)->name, expected(job));
	HM_TRY(job->command->steps[job->verb].run(job, why));
	job->result_size = output_size(job->out);
	if (request != NULL)
		HM_TRY(image_request_end(request, why));
	return image_files_commit(job, why);
}

/* All of it; `request` is what is answered, NULL but for assemble. */
static hm_err
make_result(struct image_job *job, struct image_ring *ring,
    struct image_request *request, struct why *why)
{
	struct image_far far;

	HM_TRY(begin(job, why));
	if (request == NULL) {
		HM_TRY(load_keys(job, ring, NULL, why));
		return write_result(job, NULL, why);
	}
	far = image_request_answerer(request);
	HM_TRY(image_request_take(request, job, why));
	HM_TRY(load_keys(job, ring, &far, why));
	return write_result(job, request, why);
}

static struct doc *
result_doc(const struct image_job *job)
{
	struct doc *doc = report_doc("hallmark.image.result/1");

	doc_text(doc, "verb", options_verb(job->given)->name);
	doc_text(doc, "format", job->command->format);
	doc_text(doc, "output", options_text(job->given, "output"));
	return doc;
}

static int
report_result(const struct image_job *job)
{
	const char *verb = options_verb(job->given)->name;
	const char *to = options_text(job->given, "output");
	AUTO_DOC struct doc *doc = result_doc(job);

	doc_uint(doc, "size", job->result_size);
	report_note("%s %s: %s, %llu bytes", verb, job->command->format, to,
	    (unsigned long long)job->result_size);
	return report_end(doc);
}

/* A verb that writes a file. */
static int
run_with(const struct options *given, image_verb verb,
    struct image_request *request, struct why *why)
{
	struct image_job job = { .given = given, .verb = verb };
	struct image_ring *ring = NULL;
	hm_err err = image_ring_new(given, &ring);
	int status;

	if (err == HM_OK)
		err = make_result(&job, ring, request, why);
	progress_end();
	status = err == HM_OK ? report_result(&job) : report_failure(err, why);
	image_files_done(&job);
	image_ring_free(ring);
	return status;
}

int
image_run_sign(const struct options *given)
{
	struct why why = { 0 };

	return run_with(given, IMAGE_SIGN, NULL, &why);
}

int
image_run_resign(const struct options *given)
{
	struct why why = { 0 };

	return run_with(given, IMAGE_RESIGN, NULL, &why);
}

int
image_run_encrypt(const struct options *given)
{
	struct why why = { 0 };

	return run_with(given, IMAGE_ENCRYPT, NULL, &why);
}

int
image_run_decrypt(const struct options *given)
{
	struct why why = { 0 };

	return run_with(given, IMAGE_DECRYPT, NULL, &why);
}

int
image_run_convert(const struct options *given)
{
	struct why why = { 0 };

	return run_with(given, IMAGE_CONVERT, NULL, &why);
}

/* ---- request and assemble ---- */

static hm_err
record(struct image_job *job, struct image_ring *ring,
    struct image_request *request, struct why *why)
{
	struct image_far far = image_request_recorder(request);

	HM_TRY(begin(job, why));
	HM_TRY(image_time(&job->time_s, why));
	job->has_time = true;
	HM_TRY(load_keys(job, ring, &far, why));
	progress_begin("request", 3 * job->input.size); /* two digests more */
	HM_TRY(image_files_output(job, "-", why));      /* never committed */
	HM_TRY(job->command->steps[IMAGE_SIGN].run(job, why));
	return image_request_write(request, job, why);
}

static int
report_request(const struct image_job *job)
{
	AUTO_DOC struct doc *doc = result_doc(job);

	return report_end(doc);
}

int
image_run_request(const struct options *given)
{
	struct image_job job = { .given = given, .verb = IMAGE_SIGN };
	struct image_request *request = NULL;
	struct image_ring *ring = NULL;
	struct why why = { 0 };
	hm_err err = image_request_new(&request);
	int status;

	if (err == HM_OK)
		err = image_ring_new(given, &ring);
	if (err == HM_OK)
		err = record(&job, ring, request, &why);
	progress_end();
	status =
	    err == HM_OK ? report_request(&job) : report_failure(err, &why);
	image_files_done(&job);
	image_ring_free(ring);
	image_request_free(request);
	return status;
}

int
image_run_assemble(const struct options *given)
{
	struct image_request *request = NULL;
	struct why why = { 0 };
	hm_err err = image_request_load(given, &request, &why);
	int status;

	if (err != HM_OK)
		return report_failure(err, &why);
	status = run_with(given, IMAGE_SIGN, request, &why);
	image_request_free(request);
	return status;
}

/* ---- verbs that only read ---- */

/* The findings, as text or document. */
static int
show(const struct image_job *job, const char *schema)
{
	AUTO(buf) struct buf text = { .max = 1024 * 1024 };
	AUTO_DOC struct doc *doc = report_doc(schema);
	hm_err err = findings_text(job->findings, &text);

	if (err != HM_OK)
		return report_failure(err, NULL);
	findings_doc(job->findings, doc);
	if (text.len != 0)
		report_line("%.*s", (int)text.len - 1, buf_text(&text));
	return report_end(doc);
}

/* A key that everybody has proves nothing. */
static void
remark_samples(struct image_job *job)
{
	for (size_t i = 0; i < job->keys.trusted_count; i++) {
		const char *from = image_sample_key(job->keys.trusted[i]);

		if (from != NULL)
			findings_note(job->findings, 0,
			    "trusted key %zu is a sample of %s, whose private "
			    "part everybody has",
			    i + 1, from);
	}
}

static hm_err
judge(struct image_job *job, struct image_ring *ring, struct why *why)
{
	HM_TRY(begin(job, why));
	HM_TRY(findings_new(job->command->format, &job->findings));
	HM_TRY(load_keys(job, ring, NULL, why));
	remark_samples(job);
	progress_begin("verify", job->input.size);
	HM_TRY(job->command->judge(job, &job->input, why));
	return image_name_rest(job, &job->input, job->command->rest);
}

int
image_run_verify(const struct options *given)
{
	struct image_job job = { .given = given, .verb = IMAGE_VERIFY };
	struct image_ring *ring = NULL;
	struct why why = { 0 };
	hm_err err = image_ring_new(given, &ring), verdict;
	int status;

	if (err == HM_OK)
		err = judge(&job, ring, &why);
	progress_end();
	if (err != HM_OK) {
		status = report_failure(err, &why);
	} else {
		verdict = findings_verdict(job.findings, &why);
		status = show(&job, "hallmark.image.verify/1");
		if (verdict != HM_OK) {
			(void)report_failure(verdict, &why);
			status = HM_EXIT_NO;
		}
	}
	image_files_done(&job);
	image_ring_free(ring);
	return status;
}

static hm_err
look(struct image_job *job, struct why *why)
{
	const struct image_format *format;

	HM_TRY(begin(job, why));
	HM_TRY(findings_new(job->command->format, &job->findings));
	findings_only_look(job->findings);
	if (job->command->look != NULL)
		return job->command->look(job, &job->input, why);
	format = image_format_named(job->command->format);
	if (format == NULL)
		return HM_E_BUG;
	HM_TRY(format->inspect(&job->input, job->findings));
	return image_name_rest(job, &job->input, job->command->rest);
}

int
image_run_inspect(const struct options *given)
{
	struct image_job job = { .given = given, .verb = IMAGE_INSPECT };
	struct why why = { 0 };
	hm_err err = look(&job, &why);
	int status;

	status = err == HM_OK ? show(&job, "hallmark.image.inspect/1")
			      : report_failure(err, &why);
	image_files_done(&job);
	return status;
}
