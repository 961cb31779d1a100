/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/backup_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "ledger/walk.h"

#define SCHEMA "hallmark.backup/1"
#define MANIFEST_MAX (64 * 1024 * 1024) /* some 400,000 files */
#define READ_LEN 65536

/* ---- one file ---- */

struct item {
	uint64_t bytes;
	uint8_t sha256[SHA256_LEN];
};

static hm_err
digest_of(int fd, struct item *ret)
{
	static uint8_t room[READ_LEN];
	struct sha256_run *run;
	ssize_t n = -1;

	HM_TRY(sha256_run_new(&run));
	ret->bytes = 0;
	while ((n = read(fd, room, sizeof(room))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		sha256_run_add(run, (struct hm_bytes){ room, (size_t)n });
		ret->bytes += (uint64_t)n;
	}
	if (n == 0)
		sha256_run_end(run, ret->sha256);
	sha256_run_free(run);
	return n == 0 ? HM_OK : HM_E_IO;
}

static hm_err
look_at(const char *folder, const char *path, struct item *ret, struct why *why)
{
	char whole[FILE_PATH_MAX];
	hm_err err;
	int fd;

	HM_TRY(path_join(whole, sizeof(whole), folder, path));
	fd = open(whole, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		why_where(why, "%s", whole);
		return WHY(why, errno == ENOENT ? HM_E_LOG : HM_E_IO,
		    "a file of the backup cannot be read: %s", strerror(errno));
	}
	err = digest_of(fd, ret);
	close(fd);
	if (err != HM_OK) {
		why_where(why, "%s", whole);
		return WHY(why, err, "cannot read: %s", strerror(errno));
	}
	return HM_OK;
}

/* ---- writing ---- */

struct listing {
	const char *folder;
	struct doc *list;
	struct backup_info *info;
};

static hm_err
add_file(void *context, const char *path, struct why *why)
{
	struct listing *listing = context;
	struct doc *row;
	struct item item;

	HM_TRY(look_at(listing->folder, path, &item, why));
	row = doc_object(listing->list, NULL);
	doc_text(row, "path", path);
	doc_uint(row, "bytes", item.bytes);
	doc_hex(row, "sha256", HM_BYTES(item.sha256));
	listing->info->files++;
	listing->info->bytes += item.bytes;
	return HM_OK;
}

static void
add_absent(struct doc *manifest, const struct backup_plan *plan)
{
	struct doc *list = doc_array(manifest, "absent");

	for (size_t i = 0; i < plan->absent_count; i++) {
		struct doc *row = doc_object(list, NULL);

		doc_text(row, "what", plan->absent[i].name);
		doc_text(row, "where", plan->absent[i].path);
	}
}

hm_err
manifest_make(const char *folder, const struct backup_plan *plan,
    const struct tree_hash *root, struct backup_info *info, struct why *why)
{
	AUTO_DOC struct doc *doc = doc_new(SCHEMA);
	AUTO(buf) struct buf text = { 0 };
	struct listing listing = { .folder = folder, .info = info };
	char path[FILE_PATH_MAX];

	buf_init(&text, MANIFEST_MAX);
	HM_TRY(path_join(path, sizeof(path), folder, BACKUP_MANIFEST));
	doc_time(doc, "made", info->made_s);
	doc_text(doc, "origin", info->origin);
	doc_uint(doc, "entries", info->entries);
	doc_hex(doc, "root", HM_BYTES(root->bytes));
	doc_uint(doc, "published", info->published);
	add_absent(doc, plan);
	listing.list = doc_array(doc, "files");
	HM_TRY(walk(folder, "", add_file, &listing, why));
	HM_TRY(doc_write(doc, true, &text));
	sha256_one(buf_bytes(&text), info->manifest);
	return file_create(path, buf_bytes(&text), 0600, why);
}

/* ---- reading ---- */

static hm_err
broken(const char *folder, struct why *why, const char *words, const char *path)
{
	why_where(why, "%s/%s", folder, path);
	return WHY(why, HM_E_LOG, "%s", words);
}

/* Below the folder, and nowhere else. */
static bool
is_inside(const char *path)
{
	return path[0] != 0 && path[0] != '/' && strcmp(path, "..") != 0 &&
	       strncmp(path, "../", 3) != 0 && strstr(path, "/../") == NULL;
}

static hm_err
check_file(const char *folder, struct doc *row, struct backup_info *info,
    struct why *why)
{
	const char *path = doc_get_text(row, "path", "");
	const char *hex = doc_get_text(row, "sha256", "");
	struct item item, listed;

	if (!is_inside(path) || hex_parse(hm_bytes_of(hex), listed.sha256,
				    sizeof(listed.sha256)) != HM_OK)
		return broken(
		    folder, why, "its list is damaged", BACKUP_MANIFEST);
	listed.bytes = (uint64_t)doc_get_int(row, "bytes", -1);
	HM_TRY(look_at(folder, path, &item, why));
	if (item.bytes != listed.bytes ||
	    memcmp(item.sha256, listed.sha256, sizeof(item.sha256)) != 0)
		return broken(folder, why,
		    "the file is not the one of the manifest", path);
	info->files++;
	info->bytes += item.bytes;
	return HM_OK;
}

static hm_err
count_file(void *context, const char *path, struct why *why)
{
	uint32_t *count = context;

	(void)path;
	(void)why;
	++*count;
	return HM_OK;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One that is listed twice would make room for one that is not. */
static hm_err
check_distinct(const char *folder, struct doc *list, struct why *why)
{
	size_t count = doc_count(list), i;
	const char **paths = calloc(count + 1, sizeof(*paths));

	if (paths == NULL)
		return HM_E_NO_MEMORY;
	for (i = 0; i < count; i++)
		paths[i] = doc_get_text(doc_at(list, i), "path", "");
	qsort(paths, count, sizeof(*paths), compare);
	for (i = 1; i < count && strcmp(paths[i - 1], paths[i]) != 0; i++)
		;
	free(paths);
	return i >= count ? HM_OK
			  : broken(folder, why, "it lists a file twice",
				BACKUP_MANIFEST);
}

/* All that is listed is right; is anything there that is not listed? */
static hm_err
check_files(const char *folder, struct doc *list, struct backup_info *info,
    struct why *why)
{
	uint32_t count = 0;

	HM_TRY(check_distinct(folder, list, why));
	for (size_t i = 0; i < doc_count(list); i++)
		HM_TRY(check_file(folder, doc_at(list, i), info, why));
	HM_TRY(walk(folder, "", count_file, &count, why));
	if (count != info->files + 1) /* and the manifest */
		return broken(folder, why,
		    "there are files that the manifest does not list", "");
	return HM_OK;
}

static hm_err
read_head(const char *folder, struct doc *doc, struct backup_info *ret,
    struct tree_hash *ret_root, struct why *why)
{
	const char *origin = doc_get_text(doc, "origin", "");
	const char *root = doc_get_text(doc, "root", "");
	int64_t entries = doc_get_int(doc, "entries", -1);
	int64_t published = doc_get_int(doc, "published", -1);

	if (strcmp(doc_get_text(doc, "schema", ""), SCHEMA) != 0)
		return WHY(why, HM_E_VERSION, "not a manifest of form " SCHEMA);
	if (entries < 1 || published < 0 || strlen(origin) > HM_ORIGIN_MAX ||
	    hex_parse(hm_bytes_of(root), ret_root->bytes,
		sizeof(ret_root->bytes)) != HM_OK ||
	    time_parse(hm_bytes_of(doc_get_text(doc, "made", "")),
		&ret->made_s) != HM_OK)
		return broken(
		    folder, why, "its head is damaged", BACKUP_MANIFEST);
	memcpy(ret->origin, origin, strlen(origin) + 1);
	ret->entries = (uint64_t)entries;
	ret->published = (uint64_t)published;
	return HM_OK;
}

hm_err
manifest_check(const char *folder, struct backup_info *ret,
    struct tree_hash *ret_root, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO_DOC struct doc *doc = NULL;
	char path[FILE_PATH_MAX];

	HM_TRY(path_join(path, sizeof(path), folder, BACKUP_MANIFEST));
	HM_TRY(file_read_text(path, MANIFEST_MAX, &text, why));
	sha256_one(buf_bytes(&text), ret->manifest);
	if (doc_parse(buf_bytes(&text), &doc, NULL) != HM_OK)
		return broken(folder, why, "it is damaged", BACKUP_MANIFEST);
	HM_TRY(read_head(folder, doc, ret, ret_root, why));
	HM_TRY(check_files(folder, doc_get(doc, "files"), ret, why));
	return doc_check(doc, why);
}
