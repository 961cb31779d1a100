/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

#define OBJECT_MAX (1024 * 1024)
#define SUFFIX ".object"
#define SETTLE_US 100000

/* Call `each` for every entry of a folder but those that begin with a dot. */
static hm_err
walk(const char *from, const char *to, unsigned *restored,
    hm_err (*each)(
	const char *from, const char *to, unsigned *restored, struct why *why),
    struct why *why)
{
	DIR *dir = opendir(from);
	struct dirent *entry;
	hm_err err = HM_OK;

	if (dir == NULL) {
		why_where(why, "%s", from);
		return WHY(why, HM_E_FILE, "cannot list: %s", strerror(errno));
	}
	while (err == HM_OK && (entry = readdir(dir)) != NULL) {
		char here[FILE_PATH_MAX], there[FILE_PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		err = path_join(here, sizeof(here), from, entry->d_name);
		if (err == HM_OK)
			err =
			    path_join(there, sizeof(there), to, entry->d_name);
		if (err == HM_OK)
			err = each(here, there, restored, why);
	}
	closedir(dir);
	return err;
}

/* In place, so that the file stays its owner's. */
static hm_err
fill(const char *path, struct hm_bytes bytes, struct why *why)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	hm_err err;

	if (fd < 0) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_FILE, "cannot open: %s", strerror(errno));
	}
	err = file_append(fd, bytes, why);
	close(fd);
	return err;
}

static bool
is_object(const char *path)
{
	size_t len = strlen(path), tail = strlen(SUFFIX);
	struct stat status;

	return len > tail && strcmp(path + len - tail, SUFFIX) == 0 &&
	       lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Somebody else's login may be under way: an empty file is looked at twice. */
static hm_err
read_settled(const char *path, struct buf *ret, struct why *why)
{
	HM_TRY(file_read(path, OBJECT_MAX, ret, why));
	if (ret->len != 0)
		return HM_OK;
	(void)usleep(SETTLE_US); /* a signal may cut it short */
	buf_done(ret);
	return file_read(path, OBJECT_MAX, ret, why);
}

static hm_err
look_at_file(
    const char *path, const char *copy, unsigned *restored, struct why *why)
{
	AUTO(buf) struct buf now = { 0 };
	AUTO(buf) struct buf before = { 0 };

	if (!is_object(path))
		return HM_OK;
	HM_TRY(read_settled(path, &now, why));
	if (file_exists(copy))
		HM_TRY(file_read(copy, OBJECT_MAX, &before, why));
	if (now.len == 0 && before.len != 0) {
		HM_TRY(fill(path, buf_bytes(&before), why));
		++*restored;
		return HM_OK;
	}
	if (now.len == 0 || hm_bytes_equal(buf_bytes(&now), buf_bytes(&before)))
		return HM_OK;
	return file_write(copy, buf_bytes(&now), 0600, why);
}

/* Not inlined: walk() has two paths on its stack at each level. */
__attribute__((noinline)) static hm_err
look_at_folder(
    const char *path, const char *copy, unsigned *restored, struct why *why)
{
	struct stat status;

	if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return HM_OK;
	HM_TRY(file_mkdir(copy, 0700, why));
	return walk(path, copy, restored, look_at_file, why);
}

hm_err
guard_token(const char *folder, unsigned *ret_restored, struct why *why)
{
	char copy[FILE_PATH_MAX];
	unsigned restored = 0;
	int n = snprintf(copy, sizeof(copy), "%s.copy", folder);

	if (n < 0 || (size_t)n >= sizeof(copy))
		return WHY(why, HM_E_FILE, "the path is too long");
	HM_TRY(file_mkdir(copy, 0700, why));
	HM_TRY(walk(folder, copy, &restored, look_at_folder, why));
	*ret_restored = restored;
	return HM_OK;
}
