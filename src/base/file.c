/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

#define PATH_SIZE 1024
#define CHUNK 65536
#define TEMP_MARK ".tmp-"
#define TEMP_RANDOM 6

static int
real_open(const char *path, int flags, unsigned mode)
{
	return open(path, flags, mode);
}

static long
real_write(int fd, const void *from, size_t len)
{
	return write(fd, from, len);
}

static long
real_write_at(int fd, const void *from, size_t len, uint64_t at)
{
	return pwrite(fd, from, len, (off_t)at);
}

static int
real_truncate(int fd, uint64_t size)
{
	return ftruncate(fd, (off_t)size);
}

static const struct file_calls real_calls = {
	.open = real_open,
	.write = real_write,
	.write_at = real_write_at,
	.truncate = real_truncate,
	.fsync = fsync,
	.rename = rename,
	.link = link,
	.unlink = unlink,
	.close = close,
};
static const struct file_calls *calls = &real_calls;

void
file_calls_set(const struct file_calls *replacement)
{
	calls = replacement != NULL ? replacement : &real_calls;
}

/* Words for a system call that failed on `path`. */
static hm_err
failed(hm_err err, const char *what, const char *path, struct why *why)
{
	int code = errno;

	why_where(why, "%s", path);
	return WHY(why, err, "cannot %s: %s", what, strerror(code));
}

static hm_err
read_all(int fd, const char *path, size_t max, struct buf *ret, struct why *why)
{
	for (;;) {
		size_t left = ret->max - ret->len;
		size_t want = left < CHUNK ? left : CHUNK;
		uint8_t *at, spare;
		ssize_t got;

		HM_TRY(buf_reserve(ret, want, &at));
		/* At the maximum, look whether the file ends there. */
		got = read(fd, want > 0 ? at : &spare, want > 0 ? want : 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(HM_E_IO, "read", path, why);
		if (got == 0)
			return HM_OK;
		if (want == 0) {
			why_where(why, "%s", path);
			return WHY(why, HM_E_TOO_LARGE,
			    "the file has more than %zu bytes", max);
		}
		ret->len += (size_t)got;
	}
}

static void
file_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Hand over what was read; what *ret held before is released. */
static void
buf_take(struct buf *from, struct buf *ret)
{
	buf_done(ret);
	*ret = *from;
	*from = (struct buf){ 0 };
}

hm_err
file_read(const char *path, size_t max, struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf content = { .max = max };
	AUTO(file) int fd = -1;

	if (strcmp(path, "-") == 0) {
		HM_TRY(read_all(0, "standard input", max, &content, why));
		buf_take(&content, ret);
		return HM_OK;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(HM_E_FILE, "open", path, why);
	HM_TRY(read_all(fd, path, max, &content, why));
	buf_take(&content, ret);
	return HM_OK;
}

/* Until `room` is full or the file ends. */
static hm_err
read_at(int fd, uint64_t offset, struct hm_span room, size_t *ret_len)
{
	*ret_len = 0;
	while (*ret_len < room.len) {
		ssize_t got = pread(fd, room.ptr + *ret_len,
		    room.len - *ret_len, (off_t)(offset + *ret_len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return HM_E_IO;
		if (got == 0)
			return HM_OK;
		*ret_len += (size_t)got;
	}
	return HM_OK;
}

hm_err
file_read_part(const char *path, uint64_t offset, size_t max, struct buf *ret,
    uint64_t *ret_size, struct why *why)
{
	AUTO(file) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	uint8_t *room;
	size_t len;

	if (fd < 0)
		return failed(HM_E_FILE, "open", path, why);
	if (fstat(fd, &stat) != 0)
		return failed(HM_E_IO, "read", path, why);
	*ret_size = (uint64_t)stat.st_size;
	if (offset >= *ret_size)
		return HM_OK;
	if (max > *ret_size - offset)
		max = (size_t)(*ret_size - offset);
	HM_TRY(buf_reserve(ret, max, &room));
	if (read_at(fd, offset, (struct hm_span){ room, max }, &len) != HM_OK)
		return failed(HM_E_IO, "read", path, why);
	ret->len += len;
	return HM_OK;
}

hm_err
file_read_text(const char *path, size_t max, struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf content = { 0 };

	HM_TRY(file_read(path, max, &content, why));
	if (content.len > 0 && memchr(content.ptr, '\0', content.len) != NULL) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_CONFIG_BYTE, "a NUL byte in a text file");
	}
	buf_take(&content, ret);
	return HM_OK;
}

/* is_at: at that place, else where the descriptor stands */
static hm_err
put_all(int fd, bool is_at, uint64_t at, struct hm_bytes bytes)
{
	while (bytes.len > 0) {
		long put = is_at ? calls->write_at(fd, bytes.ptr, bytes.len, at)
				 : calls->write(fd, bytes.ptr, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return HM_E_IO;
		bytes.ptr += put;
		bytes.len -= (size_t)put;
		at += (uint64_t)put;
	}
	return HM_OK;
}

hm_err
file_put(int fd, struct hm_bytes bytes)
{
	return put_all(fd, false, 0, bytes);
}

hm_err
file_put_at(int fd, uint64_t at, struct hm_bytes bytes)
{
	return put_all(fd, true, at, bytes);
}

hm_err
file_cut(int fd, uint64_t size)
{
	return calls->truncate(fd, size) == 0 ? HM_OK : HM_E_IO;
}

/* Length of the folder part with its slash: 0 for a bare name. */
static size_t
folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* Sync and close. */
static hm_err
sync_open(int fd, const char *path, struct why *why)
{
	int failure = calls->fsync(fd);

	if (failure != 0)
		(void)failed(HM_E_IO, "sync", path, why);
	/* Nothing is written through it: closing loses nothing. */
	(void)calls->close(fd);
	return failure == 0 ? HM_OK : HM_E_IO;
}

static hm_err
sync_path(const char *path, int flags, struct why *why)
{
	int fd = calls->open(path, O_RDONLY | O_CLOEXEC | flags, 0);

	if (fd < 0)
		return failed(HM_E_IO, "open", path, why);
	return sync_open(fd, path, why);
}

hm_err
file_sync_dir(const char *path, struct why *why)
{
	return sync_path(path, O_DIRECTORY, why);
}

hm_err
file_sync(const char *path, struct why *why)
{
	return sync_path(path, 0, why);
}

/* "./" for a bare name. */
static hm_err
folder_of(const char *path, char ret[static PATH_SIZE], struct why *why)
{
	size_t len = folder_len(path);

	if (len >= PATH_SIZE)
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	memcpy(ret, len > 0 ? path : "./", len > 0 ? len : 2);
	ret[len > 0 ? len : 2] = '\0';
	return HM_OK;
}

/* Opened before the name is changed: then only its sync can fail afterwards. */
static hm_err
open_folder_of(const char *path, int *ret, struct why *why)
{
	char folder[PATH_SIZE];

	HM_TRY(folder_of(path, folder, why));
	*ret = calls->open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return *ret < 0 ? failed(HM_E_IO, "open", folder, why) : HM_OK;
}

/* A hidden name beside `path` that nobody else uses. */
static hm_err
temp_name(const char *path, char ret[static PATH_SIZE], struct why *why)
{
	uint8_t noise[TEMP_RANDOM];
	char hex[2 * TEMP_RANDOM + 1];
	size_t len = folder_len(path);
	int put;

	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return failed(HM_E_IO, "name a temporary file for", path, why);
	hex_format(HM_BYTES(noise), hex);
	put = snprintf(ret, PATH_SIZE, "%.*s.%s%s%s", (int)len, path,
	    path + len, TEMP_MARK, hex);
	if (len >= PATH_SIZE || put < 0 || put >= PATH_SIZE) {
		why_where(why, "%.200s", path);
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	}
	return HM_OK;
}

/* The whole content, on the disk, under the name `temp`, or no such file. */
static hm_err
write_temp(const char *temp, struct hm_bytes bytes, unsigned mode,
    const char *path, struct why *why)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = calls->open(temp, flags, mode);
	hm_err err = HM_OK;

	if (fd < 0)
		return failed(HM_E_IO, "create a file beside", path, why);
	if (file_put(fd, bytes) != HM_OK)
		err = failed(HM_E_IO, "write", path, why);
	else if (calls->fsync(fd) != 0)
		err = failed(HM_E_IO, "sync", path, why);
	if (calls->close(fd) != 0 && err == HM_OK)
		err = failed(HM_E_IO, "close", path, why);
	if (err != HM_OK)
		(void)calls->unlink(temp); /* a leftover does no harm */
	return err;
}

static hm_err
write_stdout(struct hm_bytes bytes, struct why *why)
{
	if (file_put(1, bytes) != HM_OK)
		return failed(HM_E_IO, "write", "standard output", why);
	return HM_OK;
}

/* The temporary file in its place, or no such file; both names are gone or
 * durable. */
static hm_err
put_in_place(const char *temp, const char *path, bool replace, struct why *why)
{
	int folder = -1;
	hm_err err = open_folder_of(path, &folder, why);

	if (err == HM_OK && replace && calls->rename(temp, path) != 0)
		err = failed(HM_E_IO, "replace", path, why);
	/* Unlike rename(), link() never replaces. */
	if (err == HM_OK && !replace && calls->link(temp, path) != 0)
		err = failed(errno == EEXIST ? HM_E_EXISTS : HM_E_IO, "create",
		    path, why);
	if (err != HM_OK || !replace)
		(void)calls->unlink(temp); /* a leftover does no harm */
	if (err == HM_OK)
		return sync_open(folder, path, why);
	if (folder >= 0)
		(void)calls->close(folder);
	return err;
}

hm_err
file_write(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why)
{
	char temp[PATH_SIZE];

	if (strcmp(path, "-") == 0)
		return write_stdout(bytes, why);
	HM_TRY(temp_name(path, temp, why));
	HM_TRY(write_temp(temp, bytes, mode, path, why));
	return put_in_place(temp, path, true, why);
}

hm_err
file_nameless(int *ret_fd, struct why *why)
{
	const char *folder = getenv("TMPDIR");

	if (folder == NULL || folder[0] != '/')
		folder = "/tmp";
	*ret_fd = calls->open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*ret_fd >= 0)
		return HM_OK;
	return failed(HM_E_IO, "make a temporary file in", folder, why);
}

hm_err
file_temp_open(
    const char *path, unsigned mode, struct file_temp *ret, struct why *why)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	HM_TRY(temp_name(path, ret->name, why));
	ret->fd = calls->open(ret->name, flags, mode);
	if (ret->fd < 0)
		return failed(HM_E_IO, "create a file beside", path, why);
	return HM_OK;
}

hm_err
file_temp_place(struct file_temp *temp, const char *path, struct why *why)
{
	int failure = calls->fsync(temp->fd);

	if (failure != 0) {
		(void)failed(HM_E_IO, "sync", path, why);
		file_temp_drop(temp);
		return HM_E_IO;
	}
	(void)calls->close(temp->fd); /* all of it is synced */
	temp->fd = -1;
	return put_in_place(temp->name, path, true, why);
}

void
file_temp_drop(struct file_temp *temp)
{
	if (temp->fd < 0)
		return;
	(void)calls->close(temp->fd);
	(void)calls->unlink(temp->name); /* a leftover does no harm */
	temp->fd = -1;
}

hm_err
file_create(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why)
{
	char temp[PATH_SIZE];

	HM_TRY(temp_name(path, temp, why));
	HM_TRY(write_temp(temp, bytes, mode, path, why));
	return put_in_place(temp, path, false, why);
}

hm_err
file_append(int fd, struct hm_bytes bytes, struct why *why)
{
	if (file_put(fd, bytes) != HM_OK)
		return WHY(why, HM_E_IO, "cannot append: %s", strerror(errno));
	if (calls->fsync(fd) != 0)
		return WHY(why, HM_E_IO, "cannot sync: %s", strerror(errno));
	return HM_OK;
}

/* Sync the name of a folder that was made, now or before: whoever made it may
 * have been killed before that. What we may not open, we did not make. */
static hm_err
keep_folder(const char *path, struct why *why)
{
	int fd;
	hm_err err = open_folder_of(path, &fd, NULL);

	if (err == HM_OK)
		return sync_open(fd, path, why);
	if (errno == EACCES || errno == EPERM)
		return HM_OK;
	return failed(err, "open the folder of", path, why);
}

static hm_err
make_folder(const char *path, unsigned mode, struct why *why)
{
	struct stat found;

	if (mkdir(path, mode) == 0)
		return keep_folder(path, why);
	if (errno != EEXIST)
		return failed(HM_E_IO, "create the folder", path, why);
	if (stat(path, &found) != 0)
		return failed(HM_E_IO, "look at", path, why);
	if (S_ISDIR(found.st_mode))
		return keep_folder(path, why);
	errno = ENOTDIR;
	return failed(HM_E_EXISTS, "create the folder", path, why);
}

/* `path` is changed meanwhile. */
static hm_err
make_with_parents(char *path, unsigned mode, struct why *why)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	len = folder_len(path);
	if (len > 1 && !file_exists(path)) {
		path[len - 1] = '\0';
		HM_TRY(make_with_parents(path, mode, why));
		/* What it took off was slashes. */
		memset(path + strlen(path), '/', len - strlen(path));
	}
	return make_folder(path, mode, why);
}

hm_err
file_mkdir(const char *path, unsigned mode, struct why *why)
{
	char copy[PATH_SIZE];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(copy)) {
		why_where(why, "%.200s", path);
		return WHY(
		    why, HM_E_TOO_LARGE, "the path is empty or too long");
	}
	memcpy(copy, path, len + 1);
	return make_with_parents(copy, mode, why);
}

/* ---- leftovers ---- */

bool
file_is_temp(const char *name)
{
	return name[0] == '.' && strstr(name, TEMP_MARK) != NULL;
}

/* Is it one that nobody writes any more? */
static bool
is_leftover(int folder, const char *name, unsigned age_s)
{
	struct stat found;
	time_t now = time(NULL);

	if (!file_is_temp(name) ||
	    fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	return S_ISREG(found.st_mode) &&
	       (age_s == 0 || found.st_mtime + (time_t)age_s < now);
}

void
file_sweep(const char *path, unsigned age_s)
{
	DIR *folder = opendir(path);
	char place[PATH_SIZE];
	struct dirent *item;

	while (folder != NULL && (item = readdir(folder)) != NULL)
		if (is_leftover(dirfd(folder), item->d_name, age_s) &&
		    path_join(place, sizeof(place), path, item->d_name) ==
			HM_OK)
			(void)calls->unlink(place); /* it does no harm */
	if (folder != NULL)
		closedir(folder);
}

bool
file_exists(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0;
}

hm_err
path_join(char *ret, size_t size, const char *folder, const char *name)
{
	size_t head = strlen(folder), tail = strlen(name);
	size_t slash = head > 0 && folder[head - 1] != '/' ? 1 : 0;

	if (head >= size || tail >= size || head + slash + tail >= size)
		return HM_E_TOO_LARGE;
	memmove(ret, folder, head);
	if (slash == 1)
		ret[head] = '/';
	memcpy(ret + head + slash, name, tail + 1);
	return HM_OK;
}
