/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "image/efuse.h"

#define WORDS_MAX 160 /* every field of any chip in a line */

struct line {
	char *words[WORDS_MAX];
	size_t count;
};

static hm_err
split(char *text, struct line *ret, struct why *why)
{
	char *save = NULL;

	ret->count = 0;
	for (char *word = strtok_r(text, " \t\r", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r", &save)) {
		if (word[0] == '#')
			break;
		if (ret->count == WORDS_MAX)
			return WHY(why, HM_E_USAGE, "too many words in a line");
		ret->words[ret->count++] = word;
	}
	return HM_OK;
}

/* ---- burn-key ---- */

struct burning {
	struct efuse_key keys[EFUSE_KEYS_MAX];
	struct buf values[EFUSE_KEYS_MAX];
	struct efuse_keys how;
};

static void
burning_done(struct burning *b)
{
	for (size_t i = 0; i < EFUSE_KEYS_MAX; i++)
		buf_wipe(&b->values[i]);
}

static hm_err
block_number(const char *name, unsigned *ret, struct why *why)
{
	static const char *const classic[] = { "flash_encryption",
		"secure_boot_v2" };

	for (unsigned i = 0; i < 2; i++)
		if (strcmp(name, classic[i]) == 0) {
			*ret = i;
			return HM_OK;
		}
	if (strncmp(name, "BLOCK_KEY", 9) != 0 || name[9] < '0' ||
	    name[9] > '5' || name[10] != '\0')
		return WHY(why, HM_E_USAGE, "no block %.40s", name);
	*ret = (unsigned)(name[9] - '0');
	return HM_OK;
}

/* An EC private key in PEM stands for its scalar. */
static hm_err
scalar_of(struct buf *value, struct why *why)
{
	AUTO_PKEY struct pkey *key = NULL;
	struct secret scalar = { 0 };
	hm_err err;

	if (value->len < 11 || memcmp(value->ptr, "-----BEGIN ", 11) != 0)
		return HM_OK;
	HM_TRY(pkey_from_pem(buf_bytes(value), NULL, &key, why));
	err = pkey_private_scalar(key, &scalar);
	if (err == HM_OK) {
		buf_wipe(value);
		value->max = 64;
		err = buf_add(value, secret_bytes(&scalar));
	}
	secret_done(&scalar);
	return err;
}

static hm_err
add_key(const struct efuse_plan *plan, struct burning *b, char **words,
    struct why *why)
{
	/* BLOCK_KEY0 FILE PURPOSE; the first ESP32: PURPOSE FILE */
	bool is_classic = strncmp(words[0], "BLOCK_KEY", 9) != 0;
	size_t i = b->how.count;

	if (i == EFUSE_KEYS_MAX)
		return WHY(why, HM_E_USAGE, "too many keys in a line");
	HM_TRY(block_number(words[0], &b->keys[i].block, why));
	HM_TRY(plan->load(plan->context, words[1], &b->values[i], why));
	HM_TRY(scalar_of(&b->values[i], why));
	b->keys[i].purpose = is_classic ? words[0] : words[2];
	b->keys[i].value = buf_bytes(&b->values[i]);
	b->how.count++;
	return HM_OK;
}

static hm_err
collect(const struct efuse_plan *plan, struct line *line, struct burning *b,
    struct why *why)
{
	for (size_t i = 1; i < line->count;) {
		char **words = line->words + i;
		size_t takes = strncmp(words[0], "BLOCK_KEY", 9) == 0 ? 3 : 2;

		if (strcmp(words[0], "--no-read-protect") == 0) {
			b->how.keep_readable = true;
			i++;
		} else if (strcmp(words[0], "--no-write-protect") == 0) {
			b->how.keep_writable = true;
			i++;
		} else if (strcmp(words[0], "--no-protect-key") == 0) {
			b->how.keep_readable = b->how.keep_writable = true;
			i++;
		} else if (i + takes > line->count) {
			return WHY(
			    why, HM_E_USAGE, "burn-key BLOCK FILE PURPOSE");
		} else {
			HM_TRY(add_key(plan, b, words, why));
			i += takes;
		}
	}
	return HM_OK;
}

static hm_err
burn_keys(struct efuse *e, const struct efuse_plan *plan, struct line *line,
    struct why *why)
{
	struct burning b = { 0 };
	hm_err err;

	b.how.keys = b.keys;
	err = collect(plan, line, &b, why);
	if (err == HM_OK)
		err = efuse_burn_keys(e, &b.how, why);
	burning_done(&b);
	return err;
}

/* ---- the other commands ---- */

static hm_err
burn_fields(struct efuse *e, const struct line *line, struct why *why)
{
	if (line->count < 3 || line->count % 2 == 0)
		return WHY(why, HM_E_USAGE, "burn-efuse FIELD VALUE");
	HM_TRY(efuse_check_open(e, why));
	for (size_t i = 1; i < line->count; i += 2) {
		const char *text = line->words[i + 1];
		char *end;
		unsigned long value = strtoul(text, &end, 0);

		if (*end != '\0' || text[0] < '0' || text[0] > '9' ||
		    value > UINT32_MAX)
			return WHY(
			    why, HM_E_USAGE, "\"%.40s\" is no value", text);
		HM_TRY(efuse_burn(e, line->words[i], (uint32_t)value, why));
	}
	return HM_OK;
}

static hm_err
protect_all(struct efuse *e, const struct line *line,
    hm_err (*one)(struct efuse *, const char *, struct why *), struct why *why)
{
	if (line->count < 2)
		return WHY(why, HM_E_USAGE, "it wants a field");
	for (size_t i = 1; i < line->count; i++)
		HM_TRY(one(e, line->words[i], why));
	return HM_OK;
}

static hm_err
run_line(struct efuse *e, const struct efuse_plan *plan, struct line *line,
    struct why *why)
{
	const char *verb = line->words[0];

	if (strcmp(verb, "burn-key") == 0)
		return burn_keys(e, plan, line, why);
	if (strcmp(verb, "burn-efuse") == 0)
		return burn_fields(e, line, why);
	if (strcmp(verb, "write-protect-efuse") == 0)
		return protect_all(e, line, efuse_write_protect, why);
	if (strcmp(verb, "read-protect-efuse") == 0)
		return protect_all(e, line, efuse_read_protect, why);
	return WHY(why, HM_E_USAGE, "no command %.40s", verb);
}

hm_err
efuse_run(struct efuse *e, const struct efuse_plan *plan, struct why *why)
{
	unsigned number = 0;

	for (char *text = plan->text; text != NULL;) {
		char *next = strchr(text, '\n');
		struct line line;
		hm_err err;

		if (next != NULL)
			*next++ = '\0';
		number++;
		err = split(text, &line, why);
		if (err == HM_OK && line.count > 0)
			err = run_line(e, plan, &line, why);
		if (err != HM_OK) {
			why_where(why, "line %u", number);
			return err;
		}
		text = next;
	}
	return HM_OK;
}
