/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * file - reading whole files, and writing so that a power cut leaves old or new
 *
 * Durable means: content synced, renamed into place, directory synced, before
 * the call returns. Tests replace the calls underneath (file_calls) to fail,
 * cut or reorder them.
 */
#include "base/buf.h"
#include "base/why.h"

#define FILE_PATH_MAX 1024 /* bytes of any path of ours, with NUL */

/* The system calls that this room makes for data that must last. */
struct file_calls {
	int (*open)(const char *path, int flags, unsigned mode);
	long (*write)(int fd, const void *from, size_t len);
	long (*write_at)(int fd, const void *from, size_t len, uint64_t at);
	int (*truncate)(int fd, uint64_t size);
	int (*fsync)(int fd);
	int (*rename)(const char *from, const char *to);
	int (*link)(const char *from, const char *to); /* never replaces */
	int (*unlink)(const char *path);
	int (*close)(int fd);
};
/* Replace them (tests only); NULL restores the real ones. */
void file_calls_set(const struct file_calls *calls);

/* The whole file, at most `max` bytes. "-" is standard input.
 * HM_E_FILE, HM_E_TOO_LARGE, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err file_read(
    const char *path, size_t max, struct buf *ret, struct why *why);
/* Add to *ret up to `max` bytes from `offset` on; *ret_size is the size of the
 * whole file. Nothing is added behind its end. HM_E_FILE, HM_E_IO,
 * HM_E_NO_MEMORY; *ret is as it was then. */
HM_MUST hm_err file_read_part(const char *path, uint64_t offset, size_t max,
    struct buf *ret, uint64_t *ret_size, struct why *why);
/* As file_read, for text: HM_E_CONFIG_BYTE if it has a NUL. */
HM_MUST hm_err file_read_text(
    const char *path, size_t max, struct buf *ret, struct why *why);
/* Replace `path` by `bytes`, durably. "-" is standard output.
 * HM_E_IO: the old file is still there, or the whole new one if only the
 * folder could not be synced. */
HM_MUST hm_err file_write(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why);
/* As file_write, but HM_E_EXISTS if the path is taken. */
HM_MUST hm_err file_create(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why);
/*
 * The same in steps, for what is written and read again before it gets its
 * name: a file beside `path`, open for both; put in its place (synced, the
 * folder too), or dropped. After either it is closed.
 */
struct file_temp {
	char name[FILE_PATH_MAX];
	int fd; /* -1: closed */
};
HM_MUST hm_err file_temp_open(
    const char *path, unsigned mode, struct file_temp *ret, struct why *why);
HM_MUST hm_err file_temp_place(
    struct file_temp *temp, const char *path, struct why *why);
void file_temp_drop(struct file_temp *temp);

/* A temporary file without a name, in $TMPDIR or /tmp. HM_E_IO */
HM_MUST hm_err file_nameless(int *ret_fd, struct why *why);
/* All of it to an open descriptor. HM_E_IO: errno says why. */
HM_MUST hm_err file_put(int fd, struct hm_bytes bytes);
/* The same at a place, wherever the descriptor stands. HM_E_IO */
HM_MUST hm_err file_put_at(int fd, uint64_t at, struct hm_bytes bytes);
/* The file gets this size. HM_E_IO: errno says why. */
HM_MUST hm_err file_cut(int fd, uint64_t size);

/* Append to an open descriptor and sync. HM_E_IO: what was written is unknown;
 * the reader of the file must find the last whole record. */
HM_MUST hm_err file_append(int fd, struct hm_bytes bytes, struct why *why);
/*
 * Make a folder with all above it, durably; fine if it is there. Then too its
 * name is synced, if the folder above may be opened: whoever made it may have
 * been killed before that.
 */
HM_MUST hm_err file_mkdir(const char *path, unsigned mode, struct why *why);
/* Names in a folder; the content of a file. HM_E_IO */
HM_MUST hm_err file_sync_dir(const char *path, struct why *why);
HM_MUST hm_err file_sync(const char *path, struct why *why);
/* Is this the name of a temporary file of file_write()? */
bool file_is_temp(const char *name);
/*
 * Remove what a kill in file_write() left in a folder. `age_s` 0: at once, for
 * the owner of a folder that nobody else writes; else only what is older.
 */
void file_sweep(const char *folder, unsigned age_s);
bool file_exists(const char *path);
/* "a/b" of "a" and "b"; HM_E_TOO_LARGE if it does not fit. */
HM_MUST hm_err path_join(
    char *ret, size_t size, const char *folder, const char *name);
