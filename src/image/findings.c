/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "image/image.h"

#define TEXT_MAX 144 /* 64 bytes in hex, and their NUL */
#define FEW 32       /* faults and notes that are kept */

struct part {
	uint64_t at, size;
	const char *name;
	bool is_rest; /* that no format named */
	char text[TEXT_MAX];
};

struct fault {
	uint64_t at;
	hm_err err; /* HM_OK: a note */
	char text[TEXT_MAX + 56];
};

struct findings {
	const char *format;
	struct part *parts;
	size_t part_count, part_room;
	struct fault faults[FEW], notes[FEW];
	size_t fault_count, note_count;
	bool is_look; /* without keys */
	bool has_boot, boot_accepts;
	char boot[TEXT_MAX + 56];
};

hm_err
findings_new(const char *format, struct findings **ret)
{
	struct findings *findings = calloc(1, sizeof(*findings));

	if (findings == NULL)
		return HM_E_NO_MEMORY;
	findings->format = format;
	*ret = findings;
	return HM_OK;
}

void
findings_only_look(struct findings *findings)
{
	findings->is_look = true;
}

void
findings_free(struct findings *findings)
{
	if (findings == NULL)
		return;
	free(findings->parts);
	free(findings);
}

void
findings_clean(struct findings **findings)
{
	findings_free(*findings);
}

/* A place for one more, or NULL: what is too much is not kept. */
static struct part *
new_part(struct findings *f, uint64_t at, uint64_t size, const char *name)
{
	size_t room = f->part_room == 0 ? 16 : 2 * f->part_room;
	struct part *more;

	if (f->part_count == FINDINGS_MAX)
		return NULL;
	if (f->part_count == f->part_room) {
		more = realloc(f->parts, room * sizeof(*more));
		if (more == NULL)
			return NULL;
		f->parts = more;
		f->part_room = room;
	}
	more = &f->parts[f->part_count++];
	*more = (struct part){ .at = at, .size = size, .name = name };
	return more;
}

void
findings_part(struct findings *f, uint64_t at, uint64_t size, const char *name,
    const char *format, ...)
{
	struct part *part = new_part(f, at, size, name);
	va_list list;

	if (part == NULL)
		return;
	va_start(list, format);
	(void)vsnprintf(part->text, sizeof(part->text), format, list);
	va_end(list);
}

void
findings_bytes(struct findings *f, uint64_t at, uint64_t size, const char *name,
    struct hm_bytes value)
{
	struct part *part = new_part(f, at, size, name);

	if (value.len > 64)
		value.len = 64;
	if (part != NULL)
		hex_format(value, part->text);
}

hm_err
findings_fault(
    struct findings *f, hm_err err, uint64_t at, const char *format, ...)
{
	struct fault *fault;
	va_list list;

	/* Without keys none is trusted: nothing is wrong with the file. */
	if (f->fault_count >= FEW ||
	    (f->is_look && err == HM_E_IMAGE_UNTRUSTED))
		return err;
	fault = &f->faults[f->fault_count++];
	fault->at = at;
	fault->err = err;
	va_start(list, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, list);
	va_end(list);
	return err;
}

void
findings_note(struct findings *f, uint64_t at, const char *format, ...)
{
	struct fault *note;
	va_list list;

	if (f->note_count >= FEW)
		return;
	note = &f->notes[f->note_count++];
	note->at = at;
	va_start(list, format);
	(void)vsnprintf(note->text, sizeof(note->text), format, list);
	va_end(list);
}

void
findings_boot(struct findings *f, bool accepts, const char *format, ...)
{
	va_list list;

	f->has_boot = true;
	f->boot_accepts = accepts;
	va_start(list, format);
	(void)vsnprintf(f->boot, sizeof(f->boot), format, list);
	va_end(list);
}

/* ---- what no part names ---- */

static int
by_offset(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static hm_err
name_rest(struct findings *f, const struct input *file, uint64_t at,
    uint64_t size, const char *name)
{
	struct part *part;
	bool is_filled;
	uint8_t first;

	HM_TRY(input_read(file, at, (struct hm_span){ &first, 1 }));
	HM_TRY(input_is_filled(file, at, size, first, &is_filled));
	part = new_part(f, at, size, is_filled ? "fill" : name);
	if (part == NULL)
		return HM_OK;
	part->is_rest = true;
	if (is_filled)
		hex_format((struct hm_bytes){ &first, 1 }, part->text);
	return HM_OK;
}

hm_err
findings_rest(struct findings *f, const struct input *file, const char *name)
{
	size_t count = f->part_count;
	struct part *parts;
	uint64_t at = 0;
	hm_err err = HM_OK;

	parts = malloc((count + 1) * sizeof(*parts));
	if (parts == NULL)
		return HM_E_NO_MEMORY;
	if (count != 0)
		memcpy(parts, f->parts, count * sizeof(*parts));
	qsort(parts, count, sizeof(*parts), by_offset);
	parts[count] = (struct part){ .at = file->size };
	for (size_t i = 0; i <= count && err == HM_OK; i++) {
		uint64_t from = parts[i].at, end;

		if (parts[i].size == 0 && i != count)
			continue;
		if (from > file->size)
			from = file->size;
		if (from > at)
			err = name_rest(f, file, at, from - at, name);
		if (__builtin_add_overflow(from, parts[i].size, &end))
			end = file->size;
		at = end > at ? end : at;
	}
	free(parts);
	return err;
}

hm_err
findings_verdict(const struct findings *f, struct why *why)
{
	const struct fault *first = &f->faults[0];

	if (f->fault_count == 0)
		return HM_OK;
	why_where(why, "offset %" PRIu64, first->at);
	return WHY(why, first->err, "%s", first->text);
}

size_t
findings_faults(const struct findings *f)
{
	return f->fault_count;
}

hm_err
findings_fault_at(const struct findings *f, size_t i)
{
	return i < f->fault_count ? f->faults[i].err : HM_OK;
}

/* ---- how it is said ---- */

static bool
boot_accepts(const struct findings *f)
{
	return f->has_boot ? f->boot_accepts : f->fault_count == 0;
}

static void
add_parts(const struct findings *f, struct doc *at)
{
	struct doc *list = doc_array(at, "parts");

	for (size_t i = 0; i < f->part_count; i++) {
		const struct part *part = &f->parts[i];
		struct doc *one = doc_object(list, NULL);

		doc_uint(one, "offset", part->at);
		doc_uint(one, "size", part->size);
		doc_text(one, "name", part->name);
		doc_text(one, "value", part->text);
	}
}

static void
add_faults(
    struct doc *at, const char *key, const struct fault *faults, size_t count)
{
	struct doc *list = doc_array(at, key);
	char id[16];

	for (size_t i = 0; i < count; i++) {
		struct doc *one = doc_object(list, NULL);

		(void)snprintf(id, sizeof(id), "HM-%d", (int)faults[i].err);
		if (faults[i].err != HM_OK)
			doc_text(one, "error", id);
		doc_uint(one, "offset", faults[i].at);
		doc_text(one, "text", faults[i].text);
	}
}

static void
add_verdict(const struct findings *f, struct doc *at)
{
	const char *word = f->fault_count == 0 ? "accept" : "reject";
	char id[16];

	if (f->is_look)
		doc_text(at, "form", f->fault_count == 0 ? "good" : "bad");
	else
		doc_text(at, "verdict", word);
	if (f->fault_count > 0) {
		(void)snprintf(id, sizeof(id), "HM-%d", (int)f->faults[0].err);
		doc_text(at, "error", id);
	}
	if (f->is_look)
		return;
	doc_text(at, "boot_loader", boot_accepts(f) ? "accept" : "reject");
	if (f->has_boot)
		doc_text(at, "boot_loader_why", f->boot);
}

void
findings_doc(const struct findings *f, struct doc *at)
{
	doc_text(at, "format", f->format);
	add_verdict(f, at);
	add_parts(f, at);
	add_faults(at, "faults", f->faults, f->fault_count);
	add_faults(at, "notes", f->notes, f->note_count);
}

static hm_err
print_faults(
    const char *what, const struct fault *faults, size_t count, struct buf *ret)
{
	for (size_t i = 0; i < count; i++) {
		HM_TRY(buf_print(ret, "%-7s %#9" PRIx64 "  %s", what,
		    faults[i].at, faults[i].text));
		if (faults[i].err != HM_OK)
			HM_TRY(buf_print(ret, " (HM-%d)", (int)faults[i].err));
		HM_TRY(buf_print(ret, "\n"));
	}
	return HM_OK;
}

hm_err
findings_text(const struct findings *f, struct buf *ret)
{
	HM_TRY(buf_print(ret, "format  %s\n", f->format));
	for (size_t i = 0; i < f->part_count; i++) {
		const struct part *part = &f->parts[i];

		if (part->is_rest)
			continue;
		HM_TRY(buf_print(ret, "%#9" PRIx64 " %8" PRIu64 "  %-16s %s\n",
		    part->at, part->size, part->name, part->text));
	}
	HM_TRY(print_faults("fault", f->faults, f->fault_count, ret));
	HM_TRY(print_faults("note", f->notes, f->note_count, ret));
	if (f->is_look)
		return buf_print(ret,
		    "form    %s; signatures are not judged: image verify\n",
		    f->fault_count == 0 ? "good" : "bad");
	HM_TRY(buf_print(
	    ret, "verdict %s\n", f->fault_count == 0 ? "accept" : "reject"));
	if (f->has_boot)
		HM_TRY(buf_print(ret, "boot loader %s: %s\n",
		    f->boot_accepts ? "accepts" : "rejects", f->boot));
	return HM_OK;
}
