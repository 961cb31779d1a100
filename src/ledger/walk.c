/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16

struct level {
	DIR *dir;
	size_t len; /* of the path that leads here */
};

struct walk {
	const char *folder;
	struct level levels[DEPTH_MAX];
	size_t depth;
	char path[WALK_PATH_MAX];
};

static void
walk_done(struct walk *walk)
{
	while (walk->depth > 0)
		(void)closedir(walk->levels[--walk->depth].dir);
}

/* Go down into walk->path, seen from the folder descriptor `at`. */
static hm_err
enter(struct walk *walk, int at, const char *name, struct why *why)
{
	DIR *dir = NULL;
	int fd;

	if (walk->depth == DEPTH_MAX)
		return WHY(why, HM_E_TOO_LARGE, "folders too deep: %s/%s",
		    walk->folder, walk->path);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir) {
		int cause = errno;

		if (fd >= 0)
			(void)close(fd);
		return WHY(why, cause == ENOENT ? HM_E_FILE : HM_E_IO,
		    "cannot read the folder %s/%s: %s", walk->folder,
		    walk->path, strerror(cause));
	}
	walk->levels[walk->depth++] = (struct level){ dir, strlen(walk->path) };
	return HM_OK;
}

static bool
is_folder(int at, const struct dirent *item)
{
	struct stat about;

	if (item->d_type != DT_UNKNOWN)
		return item->d_type == DT_DIR;
	return fstatat(at, item->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(about.st_mode);
}

static hm_err
step(struct walk *walk, walk_visitor visitor, void *context, struct why *why)
{
	struct level *level = &walk->levels[walk->depth - 1];
	int at = dirfd(level->dir), len;
	struct dirent *item;
	size_t room = sizeof(walk->path) - level->len;

	errno = 0;
	item = readdir(level->dir);
	walk->path[level->len] = '\0';
	if (!item) {
		if (errno != 0)
			return WHY(why, HM_E_IO, "cannot read the folder %s/%s",
			    walk->folder, walk->path);
		(void)closedir(level->dir);
		walk->depth--;
		return HM_OK;
	}
	if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
		return HM_OK;
	len = snprintf(walk->path + level->len, room, "%s%s",
	    level->len > 0 ? "/" : "", item->d_name);
	if (len < 0 || (size_t)len >= room)
		return WHY(why, HM_E_TOO_LARGE, "path too long: %s/%s",
		    walk->folder, walk->path);
	if (is_folder(at, item))
		return enter(walk, at, item->d_name, why);
	return visitor(context, walk->path, why);
}

hm_err
walk(const char *folder, const char *below, walk_visitor visitor, void *context,
    struct why *why)
{
	__attribute__((cleanup(walk_done))) struct walk walk = { .folder =
								     folder };
	char path[2048];
	int len = snprintf(path, sizeof(path), "%s/%s", folder, below);

	if (len < 0 || (size_t)len >= sizeof(path) ||
	    strlen(below) >= sizeof(walk.path))
		return WHY(why, HM_E_TOO_LARGE, "path too long: %s", folder);
	memcpy(walk.path, below, strlen(below) + 1);
	HM_TRY(enter(&walk, AT_FDCWD, path, why));
	while (walk.depth > 0)
		HM_TRY(step(&walk, visitor, context, why));
	return HM_OK;
}
