/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At most a MiB, so an environment is read whole: names are compared with each
 * other.
 */
#include "image/uboot_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/crc.h"

struct variable {
	const char *name, *value; /* name is not ended by NUL */
	size_t name_len, value_len;
	size_t line; /* order */
};

struct variables {
	struct variable *list;
	size_t count, room;
};

static void
variables_done(struct variables *all)
{
	free(all->list);
}

static size_t
head_len(bool is_redundant)
{
	return is_redundant ? 5 : 4;
}

static hm_err
add_variable(struct variables *all, const char *text, size_t len)
{
	const char *is = memchr(text, '=', len);
	struct variable *more = all->list;
	size_t room = all->room == 0 ? 64 : 2 * all->room;

	if (all->count == all->room) {
		more = realloc(more, room * sizeof(*more));
		if (more == NULL)
			return HM_E_NO_MEMORY;
		all->list = more;
		all->room = room;
	}
	all->list[all->count] = (struct variable){ .name = text,
		.name_len = (size_t)(is - text),
		.value = is + 1,
		.value_len = len - (size_t)(is - text) - 1,
		.line = all->count };
	all->count++;
	return HM_OK;
}

/* Printable, with a name and a value; 0, or what is wrong. */
static const char *
check_variable(const char *text, size_t len)
{
	const char *is = memchr(text, '=', len);

	if (is == NULL)
		return "no =";
	if (is == text || (size_t)(is - text) > UBOOT_ENV_NAME_MAX)
		return "a name that is empty or too long";
	for (const char *at = text; at < is; at++)
		if (*at <= ' ' || *at > '~')
			return "a name with a blank or a control character";
	if (text[0] == '#')
		return "a name that begins like a comment";
	if (is + 1 == text + len)
		return "a variable without value";
	if (text[len - 1] == '\r')
		return "a value with a carriage return at its end";
	if (memchr(is, '\n', len - (size_t)(is - text)) != NULL)
		return "a value with a line feed";
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, len);

	if (order != 0)
		return order;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

static bool
is_same(const struct variable *a, const struct variable *b)
{
	return a->name_len == b->name_len &&
	       memcmp(a->name, b->name, a->name_len) == 0;
}

/* ---- an image ---- */

static hm_err
load(const struct input *file, uint32_t max, struct buf *ret,
    struct findings *findings)
{
	if (file->size < UBOOT_ENV_SIZE_MIN)
		return findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "too short for an environment");
	if (file->size > max)
		return findings_fault(findings, HM_E_IMAGE_FORMAT, 0,
		    "too long for an environment");
	return input_load(file, max, ret);
}

static bool
is_crc_good(const struct buf *env, bool is_redundant)
{
	size_t head = head_len(is_redundant);

	return image_get_u32(env->ptr) ==
	       crc32_add(
		   0, (struct hm_bytes){ env->ptr + head, env->len - head });
}

/* Behind the end of the list every byte is the same, 00 or FF. */
static void
check_rest(const struct buf *env, size_t at, struct findings *findings)
{
	uint8_t fill = at < env->len ? env->ptr[at] : 0;

	if (fill != 0 && fill != 0xFF)
		(void)findings_fault(findings, HM_E_IMAGE_TRAILING, at,
		    "bytes behind the end of the list");
	else
		for (size_t i = at; i < env->len; i++)
			if (env->ptr[i] != fill) {
				(void)findings_fault(findings,
				    HM_E_IMAGE_TRAILING, i,
				    "bytes behind the end of the list");
				break;
			}
}

static void
check_twice(
    struct variables *all, const struct buf *env, struct findings *findings)
{
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(*all->list), by_name);
	for (size_t i = 1; i < all->count; i++)
		if (is_same(&all->list[i - 1], &all->list[i]))
			(void)findings_fault(findings, HM_E_IMAGE_FIELD,
			    (uint64_t)((const uint8_t *)all->list[i].name -
				       env->ptr),
			    "%.*s is there twice", (int)all->list[i].name_len,
			    all->list[i].name);
}

static hm_err
read_list(const struct buf *env, size_t at, struct variables *all,
    struct findings *findings)
{
	while (at < env->len && env->ptr[at] != 0) {
		const char *text = (const char *)env->ptr + at;
		size_t len = strnlen(text, env->len - at);
		const char *wrong = check_variable(text, len);

		if (at + len == env->len)
			return findings_fault(findings, HM_E_IMAGE_SHORT, at,
			    "the list has no end");
		if (wrong != NULL)
			(void)findings_fault(
			    findings, HM_E_IMAGE_FIELD, at, "%s", wrong);
		else
			HM_TRY(add_variable(all, text, len));
		findings_part(
		    findings, at, len + 1, "variable", "%.120s", text);
		at += len + 1;
	}
	if (at >= env->len)
		return findings_fault(
		    findings, HM_E_IMAGE_SHORT, at, "the list has no end");
	check_rest(env, at + 1, findings);
	return HM_OK;
}

static hm_err
examine(const struct buf *env, bool is_redundant, struct variables *all,
    struct findings *findings)
{
	findings_bytes(
	    findings, 0, 4, "crc32", (struct hm_bytes){ env->ptr, 4 });
	if (is_redundant)
		findings_part(findings, 4, 1, "flags", "%u", env->ptr[4]);
	if (!is_crc_good(env, is_redundant)) {
		(void)findings_fault(findings, HM_E_IMAGE_HASH, 0,
		    "CRC of the environment%s",
		    is_crc_good(env, !is_redundant)
			? is_redundant ? ": it is not one of two copies"
				       : ": it is one of two copies"
			: "");
		return HM_OK;
	}
	return read_list(env, head_len(is_redundant), all, findings);
}

hm_err
uboot_env_verify(const struct uboot_env *how, const struct input *file,
    struct findings *findings)
{
	AUTO(buf) struct buf env = { 0 };
	AUTO(variables) struct variables all = { 0 };
	hm_err err = load(file, UBOOT_ENV_SIZE_MAX, &env, findings);

	if (err == HM_OK)
		err = examine(&env, how->is_redundant, &all, findings);
	if (err == HM_OK)
		check_twice(&all, &env, findings);
	return err == HM_E_IO || err == HM_E_NO_MEMORY ? err : HM_OK;
}

static bool
has_crc(const struct input *file, bool is_redundant)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(buf) struct buf env = { 0 };

	return findings_new("uboot-env", &findings) == HM_OK &&
	       load(file, UBOOT_ENV_SIZE_MAX, &env, findings) == HM_OK &&
	       is_crc_good(&env, is_redundant);
}

bool
uboot_env_is(const struct input *file)
{
	return file->size <= UBOOT_ENV_SIZE_MAX &&
	       (has_crc(file, false) || has_crc(file, true));
}

hm_err
uboot_env_inspect(const struct input *file, struct findings *findings)
{
	struct uboot_env how = { .is_redundant = has_crc(file, true) };

	return uboot_env_verify(&how, file, findings);
}

/* ---- text to image ---- */

static hm_err
read_line(const char *text, size_t len, size_t at, struct variables *all,
    struct why *why)
{
	const char *wrong;

	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (len == 0 || text[0] == '#')
		return HM_OK;
	wrong = memchr(text, '\0', len) ? "a NUL" : check_variable(text, len);
	if (wrong == NULL)
		return add_variable(all, text, len);
	why_where(why, "offset %zu", at);
	return WHY(why, HM_E_IMAGE_FIELD, "%s", wrong);
}

static hm_err
read_text(const struct buf *text, struct variables *all, struct why *why)
{
	const char *at = (const char *)text->ptr, *end = at + text->len;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		HM_TRY(read_line(
		    at, len, (size_t)(at - (const char *)text->ptr), all, why));
		at += len + 1;
	}
	if (all->count == 0)
		return WHY(
		    why, HM_E_IMAGE_EMPTY, "a text without any variable");
	return HM_OK;
}

static int
by_line(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	return x->line < y->line ? -1 : 1;
}

/* Of two lines with one name the last one stays, where it is. */
static void
drop_older(struct variables *all)
{
	size_t kept = 0;

	qsort(all->list, all->count, sizeof(*all->list), by_name);
	for (size_t i = 0; i < all->count; i++)
		if (i + 1 == all->count ||
		    !is_same(&all->list[i], &all->list[i + 1]))
			all->list[kept++] = all->list[i];
	all->count = kept;
	qsort(all->list, all->count, sizeof(*all->list), by_line);
}

static hm_err
fill_list(
    const struct uboot_env *how, const struct variables *all, struct buf *ret)
{
	static const uint8_t one = 1, zero = 0;
	static const uint8_t head[4];

	HM_TRY(buf_add(ret, HM_BYTES(head)));
	if (how->is_redundant)
		HM_TRY(buf_add(ret, (struct hm_bytes){ &one, 1 }));
	for (size_t i = 0; i < all->count; i++) {
		const struct variable *v = &all->list[i];

		HM_TRY(buf_add(ret, (struct hm_bytes){ (const uint8_t *)v->name,
					v->name_len + 1 + v->value_len }));
		HM_TRY(buf_add(ret, (struct hm_bytes){ &zero, 1 }));
	}
	return buf_add(ret, (struct hm_bytes){ &zero, 1 });
}

static hm_err
write_image(const struct uboot_env *how, const struct variables *all,
    struct output *out, struct why *why)
{
	AUTO(buf) struct buf env = { .max = how->size };
	size_t head = head_len(how->is_redundant);
	hm_err err = fill_list(how, all, &env);
	uint8_t *rest;

	if (err == HM_E_TOO_LARGE)
		return WHY(why, HM_E_IMAGE_PLACE,
		    "the variables do not fit into %u bytes", how->size);
	HM_TRY(err);
	HM_TRY(buf_reserve(&env, how->size - env.len, &rest));
	memset(rest, how->fill, how->size - env.len);
	env.len = how->size;
	image_put_u32(env.ptr,
	    crc32_add(0, (struct hm_bytes){ env.ptr + head, env.len - head }));
	return output_add(out, buf_bytes(&env));
}

hm_err
uboot_env_make(const struct uboot_env *how, const struct input *text,
    struct output *out, struct why *why)
{
	AUTO(buf) struct buf lines = { 0 };
	AUTO(variables) struct variables all = { 0 };

	if (how->size < UBOOT_ENV_SIZE_MIN || how->size > UBOOT_ENV_SIZE_MAX)
		return WHY(why, HM_E_USAGE, "an environment has %u to %u bytes",
		    UBOOT_ENV_SIZE_MIN, UBOOT_ENV_SIZE_MAX);
	if (text->size >= UBOOT_ENV_SIZE_MAX)
		return WHY(why, HM_E_IMAGE_PLACE, "the text is too long");
	HM_TRY(input_load(text, UBOOT_ENV_SIZE_MAX, &lines));
	HM_TRY(read_text(&lines, &all, why));
	drop_older(&all);
	return write_image(how, &all, out, why);
}

/* ---- image to text ---- */

static hm_err
write_text(const struct variables *all, struct output *out)
{
	static const uint8_t line_feed = '\n';

	for (size_t i = 0; i < all->count; i++) {
		const struct variable *v = &all->list[i];

		HM_TRY(
		    output_add(out, (struct hm_bytes){ (const uint8_t *)v->name,
					v->name_len + 1 + v->value_len }));
		HM_TRY(output_add(out, (struct hm_bytes){ &line_feed, 1 }));
	}
	return HM_OK;
}

hm_err
uboot_env_text(const struct uboot_env *how, const struct input *file,
    struct output *out, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(buf) struct buf env = { 0 };
	AUTO(variables) struct variables all = { 0 };

	HM_TRY(findings_new("uboot-env", &findings));
	HM_TRY(uboot_env_verify(how, file, findings));
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(load(file, UBOOT_ENV_SIZE_MAX, &env, findings));
	HM_TRY(read_list(&env, head_len(how->is_redundant), &all, findings));
	return write_text(&all, out);
}
