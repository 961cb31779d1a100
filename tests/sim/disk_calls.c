/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own file system calls. Libraries that are linked at run time
 * find them too, before the C library's: SQLite writes through them.
 */
#undef _FILE_OFFSET_BITS /* open() and open64() are two here */
#undef _FORTIFY_SOURCE   /* and read() is not inline */
#include "disk.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"

#define FDS 1024
#define NOBODY UINT32_MAX

#define REAL(name) (__extension__(__typeof__(&name)) find(#name))

static struct disk *mounted;
static const char *lies;
static bool inside; /* a call of our own */
/* What is open: 0, or the number of the file and 1. */
static struct {
	uint32_t file;
	bool shared; /* mapped: not noted */
	bool silent; /* syncs do nothing */
} fds[FDS];

static void *
find(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	hm_assert(found != NULL);
	return found;
}

void
disk_mount(struct disk *disk)
{
	for (size_t i = 0; i < FDS; i++)
		hm_assert(fds[i].file == 0);
	mounted = disk;
}

void
disk_lie(const char *pattern)
{
	lies = pattern;
}

/* ---- paths and descriptors ---- */

static bool
is_below(const char *path)
{
	size_t len;

	if (mounted == NULL || inside || path == NULL)
		return false;
	len = strlen(mounted->root);
	return strncmp(path, mounted->root, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool
ends_so(const char *path, const char *suffix)
{
	size_t len = strlen(path), tail = strlen(suffix);

	return len >= tail && strcmp(path + len - tail, suffix) == 0;
}

static bool
is_ours(int fd)
{
	return mounted != NULL && !inside && fd >= 0 && fd < FDS &&
	       fds[fd].file != 0;
}

/* Fails as ordered: errno is set. */
static bool
fails(disk_call call)
{
	bool half, forgets;
	int error = disk_fault(call, &half, &forgets);

	if (error != 0)
		errno = error;
	return error != 0;
}

/* Is this one of those that the disk lies about? */
static bool
is_silent(const char *path, uint32_t file)
{
	struct stat st;
	bool folder;

	if (lies == NULL)
		return false;
	inside = true;
	folder = file == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
	inside = false;
	return folder == (lies[0] == 'd') && fnmatch(lies + 2, path, 0) == 0;
}

static void
add_name(const char *path, uint32_t file, bool folder)
{
	struct disk_op op = { .kind = DISK_ADD, .child = file, .len = folder };

	(void)disk_find(mounted, path, &op.file, op.name);
	disk_note(mounted, &op);
}

/* ---- open, close ---- */

static int
open_at(int at, const char *path, int flags, unsigned mode)
{
	char name[DISK_NAME_MAX];
	uint32_t file;
	int fd;

	if (!is_below(path))
		return REAL(openat64)(at, path, flags, mode);
	file = disk_find(mounted, path, NULL, name);
	if (fails(DISK_CALL_OPEN) ||
	    (flags & O_CREAT && file == NOBODY && fails(DISK_CALL_CREATE)))
		return -1;
	fd = REAL(openat64)(at, path, flags, mode);
	if (fd < 0)
		return fd;
	hm_assert(fd < FDS && fds[fd].file == 0);
	if (file == NOBODY) {
		hm_assert(flags & O_CREAT);
		file = mounted->files++;
		add_name(path, file, false);
	} else if (flags & O_TRUNC) {
		disk_note(mounted,
		    &(struct disk_op){ .kind = DISK_TRUNCATE, .file = file });
	}
	fds[fd].file = file + 1;
	fds[fd].shared = ends_so(path, "-shm");
	fds[fd].silent = is_silent(path, file);
	return fd;
}

#define MODE(flags, ret)                            \
	do {                                        \
		va_list list;                       \
		va_start(list, flags);              \
		if ((flags) & (O_CREAT))            \
			ret = va_arg(list, mode_t); \
		va_end(list);                       \
	} while (0)

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE(flags, mode);
	return open_at(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE(flags, mode);
	return open_at(AT_FDCWD, path, flags, mode);
}

/* Below a descriptor only folders are opened, to read. */
int
openat64(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE(flags, mode);
	if (at == AT_FDCWD)
		return open_at(at, path, flags, mode);
	hm_assert(!(flags & O_CREAT));
	return REAL(openat64)(at, path, flags, mode);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS)
		fds[fd].file = 0;
	return REAL(close)(fd);
}

int
closedir(DIR *dir)
{
	int fd = dirfd(dir);

	if (fd >= 0 && fd < FDS)
		fds[fd].file = 0;
	return REAL(closedir)(dir);
}

/* ---- data ---- */

/* One whose half is written; the error comes with the next. */
static bool
write_fails(size_t *len)
{
	bool half = false, forgets;
	int error = disk_fault(DISK_CALL_WRITE, &half, &forgets);

	if (error == 0)
		return false;
	if (half && *len > 1) {
		*len /= 2;
		return false;
	}
	errno = error;
	return true;
}

static void
note_write(int fd, const void *from, ssize_t put, uint64_t at)
{
	struct disk_op op = {
		.kind = DISK_WRITE, .file = fds[fd].file - 1, .at = at
	};

	if (put <= 0 || fds[fd].shared)
		return;
	op.len = (size_t)put;
	/* disk_note() copies. */
	op.bytes = (uint8_t *)(uintptr_t)from;
	disk_note(mounted, &op);
}

ssize_t
write(int fd, const void *from, size_t len)
{
	off_t at = 0;
	ssize_t put;

	if (!is_ours(fd))
		return REAL(write)(fd, from, len);
	if (write_fails(&len))
		return -1;
	at = lseek(fd, 0, SEEK_CUR);
	put = REAL(write)(fd, from, len);
	note_write(fd, from, put, (uint64_t)at);
	return put;
}

static ssize_t
write_at(int fd, const void *from, size_t len, off64_t at)
{
	ssize_t put;

	if (!is_ours(fd))
		return REAL(pwrite64)(fd, from, len, at);
	if (write_fails(&len))
		return -1;
	put = REAL(pwrite64)(fd, from, len, at);
	note_write(fd, from, put, (uint64_t)at);
	return put;
}

ssize_t
pwrite(int fd, const void *from, size_t len, off_t at)
{
	return write_at(fd, from, len, at);
}

ssize_t
pwrite64(int fd, const void *from, size_t len, off64_t at)
{
	return write_at(fd, from, len, at);
}

ssize_t
read(int fd, void *to, size_t len)
{
	if (is_ours(fd) && fails(DISK_CALL_READ))
		return -1;
	return REAL(read)(fd, to, len);
}

ssize_t
pread64(int fd, void *to, size_t len, off64_t at)
{
	if (is_ours(fd) && fails(DISK_CALL_READ))
		return -1;
	return REAL(pread64)(fd, to, len, at);
}

static int
truncate_to(int fd, off64_t len)
{
	int failure;

	if (!is_ours(fd))
		return REAL(ftruncate64)(fd, len);
	if (fails(DISK_CALL_TRUNCATE))
		return -1;
	failure = REAL(ftruncate64)(fd, len);
	if (failure == 0 && !fds[fd].shared)
		disk_note(mounted, &(struct disk_op){ .kind = DISK_TRUNCATE,
				       .file = fds[fd].file - 1,
				       .at = (uint64_t)len });
	return failure;
}

int
ftruncate(int fd, off_t len)
{
	return truncate_to(fd, len);
}

int
ftruncate64(int fd, off64_t len)
{
	return truncate_to(fd, len);
}

/* Nothing is handed on: what it would cost is not what is tested. */
static int
sync_one(int fd)
{
	struct disk_op op = { .kind = DISK_SYNC };
	struct stat st;
	bool half, forgets = false;
	int error;

	op.file = fds[fd].file - 1;
	op.len = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	error = disk_fault(DISK_CALL_SYNC, &half, &forgets);
	op.failed = error != 0;
	if (!fds[fd].silent)
		disk_note(mounted, &op);
	if (forgets && op.len == 0) {
		inside = true;
		disk_forget(mounted, op.file, fd);
		inside = false;
	}
	errno = error;
	return error != 0 ? -1 : 0;
}

int
fsync(int fd)
{
	return is_ours(fd) ? sync_one(fd) : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
	return is_ours(fd) ? sync_one(fd) : REAL(fdatasync)(fd);
}

/* ---- names ---- */

int
rename(const char *from, const char *to)
{
	struct disk_op op = { .kind = DISK_RENAME };
	uint32_t folder;

	if (!is_below(from))
		return REAL(rename)(from, to);
	if (fails(DISK_CALL_NAME))
		return -1;
	if (REAL(rename)(from, to) != 0)
		return -1;
	(void)disk_find(mounted, to, &folder, op.to);
	op.child = disk_find(mounted, from, &op.file, op.name);
	hm_assert(op.file == folder && op.child != NOBODY);
	disk_note(mounted, &op);
	return 0;
}

int
link(const char *from, const char *to)
{
	char name[DISK_NAME_MAX];

	if (!is_below(from))
		return REAL(link)(from, to);
	if (fails(DISK_CALL_CREATE))
		return -1;
	if (REAL(link)(from, to) != 0)
		return -1;
	add_name(to, disk_find(mounted, from, NULL, name), false);
	return 0;
}

static int
remove_name(const char *path, int (*real)(const char *))
{
	struct disk_op op = { .kind = DISK_REMOVE };

	if (!is_below(path))
		return real(path);
	if (fails(DISK_CALL_NAME))
		return -1;
	if (real(path) != 0)
		return -1;
	op.child = disk_find(mounted, path, &op.file, op.name);
	disk_note(mounted, &op);
	return 0;
}

int
unlink(const char *path)
{
	return remove_name(path, REAL(unlink));
}

int
rmdir(const char *path)
{
	return remove_name(path, REAL(rmdir));
}

int
mkdir(const char *path, mode_t mode)
{
	char name[DISK_NAME_MAX];

	if (!is_below(path))
		return REAL(mkdir)(path, mode);
	if (disk_find(mounted, path, NULL, name) == NOBODY &&
	    fails(DISK_CALL_CREATE))
		return -1;
	if (REAL(mkdir)(path, mode) != 0)
		return -1;
	add_name(path, mounted->files++, true);
	return 0;
}
