/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * disk - a disk that loses what was not synced, and fails when it is told to
 *
 * It lies under the file system calls: a test that links disk_calls.c has its
 * own open(), write(), fsync(), rename() and so on, which SQLite and our own
 * rooms call alike. What they do below the mounted folder is done there, and
 * noted in order: data of a file, and names in a folder. So the programs above
 * run as they are, with the system's VFS, its locks and its shared memory.
 *
 * A power cut needs no dying process: disk_survive() takes the first n
 * operations and makes a folder of what a disk may hold after them. Data is
 * certain once its file was synced, a name once its folder was; of the rest
 * `mode` and `seed` choose. Nothing is certain by order alone: a name may
 * outlive the data of its file, and the reverse. Data comes and goes by sectors
 * of 512 bytes; a file may have grown over data that never came, and then has
 * zeros or garbage there. A rename is there or not, never half.
 *
 * DISK_KILLED is the other end: the machine stays up, everything is there, and
 * what was not synced still is not. disk_survive() then goes on from there.
 *
 * Files that are mapped into memory (SQLite's -shm) are not noted: after a cut
 * they are gone or garbage.
 *
 * A fault fails calls by number. After a sync of a file that failed, the kernel
 * holds the pages for clean: what they had may be lost, and later syncs say
 * nothing of it; DISK_UNSYNCED has the old content back at once. Names are
 * otherwise: file systems that cannot write their journal stop altogether, so a
 * later sync of the folder that is good is good.
 *
 * One disk is mounted at a time. Static memory, one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_NAME_MAX 96
#define DISK_SECTOR 512U

typedef enum disk_kind {
	DISK_WRITE,
	DISK_TRUNCATE,
	DISK_SYNC,
	DISK_ADD,    /* a name: create, mkdir, link */
	DISK_REMOVE, /* unlink, rmdir */
	DISK_RENAME,
} disk_kind;

struct disk_op {
	disk_kind kind;
	uint32_t file;  /* that is written or synced; the folder of a name */
	uint32_t child; /* the file that a name is for */
	uint64_t at;    /* offset, or the new length */
	size_t len;     /* of bytes; of a name or a sync: 1 for a folder */
	uint8_t *bytes;
	bool owned;  /* bytes */
	bool failed; /* a sync */
	bool lost;   /* data that a failed sync forgot */
	char name[DISK_NAME_MAX], to[DISK_NAME_MAX];
};

struct disk_name {
	uint32_t folder, file;
	char text[DISK_NAME_MAX];
};

struct disk_names {
	struct disk_name *all;
	size_t count, room;
};

struct disk {
	char root[256];
	struct disk_op *ops;
	size_t count, room;
	size_t base;    /* operations that are certain from the start */
	uint32_t files; /* numbers given; 0 is the root */
	struct disk_names names;
};

typedef enum disk_mode {
	DISK_NONE,    /* nothing that was not synced */
	DISK_ALL,     /* all of it */
	DISK_PREFIX,  /* all of it up to a moment */
	DISK_SUBSET,  /* some operations, others not */
	DISK_SECTORS, /* some sectors of some operations */
	DISK_TORN,    /* all but a part of the last write */
	DISK_NAMED,   /* all names, no data: files are empty, or garbage */
	DISK_UNNAMED, /* all data, no names */
	DISK_KILLED,  /* no cut: the process died */
	DISK_MODES
} disk_mode;

/* An empty disk at `root`, a folder that exists and is empty. */
void disk_new(struct disk *disk, const char *root);
/* What is left of the first `ops` operations of `from` becomes a disk at `root`
 * (as disk_new). `from` must live longer. */
void disk_survive(const struct disk *from, size_t ops, disk_mode mode,
    uint64_t seed, const char *root, struct disk *ret);
void disk_done(struct disk *disk);
/* A new folder for disks, in memory if there is a place; remove it, or any
 * other, with all that is in it. */
void disk_top(char ret[static 64]);
void disk_wipe(const char *root);
/* From now on calls below its root are noted; NULL: no more. Everything below
 * must be closed. */
void disk_mount(struct disk *disk);
/* Note an operation. `op` is copied, its bytes too. */
void disk_note(struct disk *disk, const struct disk_op *op);
/* The number of a file, UINT32_MAX if there is none; its name, and the folder
 * that it is in. `path` is below the root, or the root. */
uint32_t disk_find(const struct disk *disk, const char *path,
    uint32_t *ret_folder, char ret_name[static DISK_NAME_MAX]);
/* Write what a failed sync of `file` leaves: the content of before. */
void disk_forget(struct disk *disk, uint32_t file, int fd);
/* In words, for the one who looks for a reason. */
const char *disk_mode_name(disk_mode mode);
void disk_say(const struct disk *disk, size_t from, size_t to);

/* ---- a disk that lies (so that the test can be seen to fail) ---- */

/* Syncs do nothing for files ("f:PATTERN") or folders ("d:PATTERN") whose path
 * fits a pattern of the shell; NULL: for none. */
void disk_lie(const char *pattern);

/* ---- faults ---- */

typedef enum disk_fault_kind {
	DISK_FULL,     /* ENOSPC wherever something would grow */
	DISK_BROKEN,   /* EIO at every call */
	DISK_SHORT,    /* half of a write, then no room */
	DISK_NO_FILES, /* EMFILE at every open */
	DISK_READONLY, /* EROFS at whatever changes something */
	DISK_UNSYNCED, /* EIO at a sync, which forgets */
	DISK_FAULTS
} disk_fault_kind;

/* Calls from the `first` (from 1) to the `last` that this kind concerns fail;
 * counting starts anew. */
void disk_fail(disk_fault_kind kind, uint64_t first, uint64_t last);
/* How many calls failed since. */
uint64_t disk_hits(void);
void disk_mend(void);
const char *disk_fault_name(disk_fault_kind kind);
/* For disk_calls.c: the error of a call, or 0. */
typedef enum disk_call {
	DISK_CALL_READ,
	DISK_CALL_OPEN,
	DISK_CALL_CREATE, /* open, mkdir, link: something new */
	DISK_CALL_WRITE,
	DISK_CALL_TRUNCATE,
	DISK_CALL_SYNC,
	DISK_CALL_NAME, /* unlink, rename, rmdir */
} disk_call;
int disk_fault(disk_call call, bool *ret_half, bool *ret_forgets);
