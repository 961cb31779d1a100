/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"

#define NOBODY UINT32_MAX
#define SHM_LEN 32768

/* ---- memory ---- */

static void *
grow(void *old, size_t count, size_t *room, size_t size)
{
	void *fresh = old;

	if (count == *room) {
		*room = *room == 0 ? 64 : *room * 2;
		fresh = reallocarray(old, *room, size);
		hm_assert(fresh != NULL);
	}
	return fresh;
}

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool
coin(uint64_t *state)
{
	return next_random(state) & 1;
}

/* ---- names ---- */

static struct disk_name *
names_at(const struct disk_names *names, uint32_t folder, const char *text)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->all[i].folder == folder &&
		    strcmp(names->all[i].text, text) == 0)
			return &names->all[i];
	return NULL;
}

static void
names_remove(
    struct disk_names *names, uint32_t folder, const char *text, uint32_t file)
{
	struct disk_name *at = names_at(names, folder, text);

	if (at != NULL && at->file == file)
		*at = names->all[--names->count];
}

static void
names_add(
    struct disk_names *names, uint32_t folder, const char *text, uint32_t file)
{
	struct disk_name *at = names_at(names, folder, text);

	if (at == NULL) {
		names->all = grow(names->all, names->count, &names->room,
		    sizeof(*names->all));
		at = &names->all[names->count++];
	}
	*at = (struct disk_name){ .folder = folder, .file = file };
	strncat(at->text, text, DISK_NAME_MAX - 1);
}

static void
names_apply(struct disk_names *names, const struct disk_op *op)
{
	if (op->kind == DISK_REMOVE || op->kind == DISK_RENAME)
		names_remove(names, op->file, op->name, op->child);
	if (op->kind == DISK_ADD)
		names_add(names, op->file, op->name, op->child);
	if (op->kind == DISK_RENAME)
		names_add(names, op->file, op->to, op->child);
}

uint32_t
disk_find(const struct disk *disk, const char *path, uint32_t *ret_folder,
    char ret_name[static DISK_NAME_MAX])
{
	uint32_t folder = 0, file = 0;
	const char *at = path + strlen(disk->root);

	ret_name[0] = '\0';
	while (*(at += strspn(at, "/")) != '\0') {
		size_t len = strcspn(at, "/");
		const struct disk_name *found;

		hm_assert(len < DISK_NAME_MAX);
		if (file == NOBODY)
			break;
		memcpy(ret_name, at, len);
		ret_name[len] = '\0';
		folder = file;
		found = names_at(&disk->names, folder, ret_name);
		file = found != NULL ? found->file : NOBODY;
		at += len;
	}
	if (ret_folder != NULL)
		*ret_folder = folder;
	return file;
}

/* ---- noting ---- */

void
disk_new(struct disk *disk, const char *root)
{
	*disk = (struct disk){ .files = 1 };
	hm_assert(strlen(root) < sizeof(disk->root));
	strncat(disk->root, root, sizeof(disk->root) - 1);
}

void
disk_done(struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->ops[i].owned)
			free(disk->ops[i].bytes);
	free(disk->ops);
	free(disk->names.all);
	*disk = (struct disk){ 0 };
}

void
disk_top(char ret[static 64])
{
	bool memory = access("/dev/shm", W_OK) == 0;

	(void)snprintf(
	    ret, 64, "%s/hallmark-disk-XXXXXX", memory ? "/dev/shm" : "/tmp");
	hm_assert(mkdtemp(ret) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
disk_wipe(const char *root)
{
	(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct disk_op *
push(struct disk *disk, const struct disk_op *op)
{
	struct disk_op *at;

	disk->ops =
	    grow(disk->ops, disk->count, &disk->room, sizeof(*disk->ops));
	at = &disk->ops[disk->count++];
	*at = *op;
	names_apply(&disk->names, at);
	return at;
}

void
disk_note(struct disk *disk, const struct disk_op *op)
{
	struct disk_op *at = push(disk, op);

	if (op->kind != DISK_WRITE)
		return;
	at->bytes = malloc(op->len + 1);
	hm_assert(at->bytes != NULL);
	memcpy(at->bytes, op->bytes, op->len);
	at->owned = true;
}

static bool
is_data(const struct disk_op *op)
{
	return op->kind == DISK_WRITE || op->kind == DISK_TRUNCATE;
}

/* ---- what survives ---- */

typedef enum fate { FATE_GONE, FATE_THERE, FATE_PART } fate;

/* Whether the next sync of each file, seen from an operation, is good. */
typedef enum ahead { AHEAD_NONE, AHEAD_GOOD, AHEAD_FAILED } ahead;

/* FATE_THERE for what is certain, FATE_GONE for the rest. */
static void
find_certain(const struct disk *disk, size_t ops, fate *ret)
{
	ahead *next = calloc(disk->files, sizeof(*next));

	hm_assert(next != NULL);
	for (size_t i = ops; i-- > 0;) {
		const struct disk_op *op = &disk->ops[i];

		ret[i] = i < disk->base || next[op->file] == AHEAD_GOOD
			     ? FATE_THERE
			     : FATE_GONE;
		if (op->lost)
			ret[i] = FATE_GONE;
		if (op->kind == DISK_SYNC && !op->failed)
			next[op->file] = AHEAD_GOOD;
		else if (op->kind == DISK_SYNC && op->len == 0)
			next[op->file] = AHEAD_FAILED;
	}
	free(next);
}

static fate
choose(const struct disk_op *op, disk_mode mode, bool early, uint64_t *random)
{
	switch ((int)mode) {
	case DISK_ALL:
	case DISK_KILLED:
	case DISK_TORN:
		return FATE_THERE;
	case DISK_PREFIX:
		return early ? FATE_THERE : FATE_GONE;
	case DISK_SUBSET:
		return coin(random) ? FATE_THERE : FATE_GONE;
	case DISK_SECTORS:
		if (!is_data(op) || coin(random))
			return coin(random) ? FATE_THERE : FATE_GONE;
		return FATE_PART;
	case DISK_NAMED:
		if (!is_data(op))
			return FATE_THERE;
		return coin(random) ? FATE_GONE : FATE_PART;
	case DISK_UNNAMED:
		return is_data(op) ? FATE_THERE : FATE_GONE;
	default:
		return FATE_GONE;
	}
}

static void
find_fates(const struct disk *disk, size_t ops, disk_mode mode,
    uint64_t *random, fate *ret)
{
	size_t moment = ops > 0 ? next_random(random) % (ops + 1) : 0;
	size_t torn = ops;

	/* A moment before the last sync would leave nothing to chance. */
	if (ops > 64 && moment < ops - 64)
		moment = ops - moment % 64;
	find_certain(disk, ops, ret);
	for (size_t i = 0; i < ops; i++) {
		if (ret[i] == FATE_THERE || disk->ops[i].lost)
			continue;
		ret[i] = choose(&disk->ops[i], mode, i < moment, random);
		if (disk->ops[i].kind == DISK_WRITE)
			torn = i;
	}
	if (mode == DISK_TORN && torn < ops)
		ret[torn] = FATE_PART;
}

struct content {
	uint8_t *ptr;
	size_t len, room;
};

static void
content_resize(struct content *content, size_t len)
{
	if (len > content->room) {
		content->room = len * 2;
		content->ptr = realloc(content->ptr, content->room);
		hm_assert(content->ptr != NULL);
	}
	if (len > content->len)
		memset(content->ptr + content->len, 0, len - content->len);
	content->len = len;
}

/* Some sectors of a write; where none came and none was, zeros or garbage. */
static void
write_sectors(
    struct content *content, const struct disk_op *op, uint64_t *random)
{
	size_t old = content->len, at = op->at, end = op->at + op->len;
	bool garbage = coin(random), none = coin(random);

	if (end > old)
		content_resize(content, end);
	for (size_t i = old; garbage && i < content->len; i++)
		content->ptr[i] = (uint8_t)next_random(random);
	while (at < end && !none) {
		size_t next = (at / DISK_SECTOR + 1) * DISK_SECTOR;

		if (next > end)
			next = end;
		if (coin(random))
			memcpy(content->ptr + at, op->bytes + (at - op->at),
			    next - at);
		at = next;
	}
}

static void
content_apply(struct content *content, const struct disk_op *op, fate what,
    uint64_t *random)
{
	if (what == FATE_GONE)
		return;
	if (op->kind == DISK_TRUNCATE) {
		content_resize(content, op->at);
	} else if (what == FATE_PART) {
		write_sectors(content, op, random);
	} else {
		if (op->at + op->len > content->len)
			content_resize(content, op->at + op->len);
		memcpy(content->ptr + op->at, op->bytes, op->len);
	}
}

/* ---- making the folder of it ---- */

struct image {
	const struct disk *from;
	size_t ops;
	fate *fates;
	uint64_t random;
	struct disk_names names;
	struct content *contents;
	bool *folders;
};

static void
image_make(struct image *image)
{
	const struct disk *from = image->from;

	image->contents = calloc(from->files, sizeof(*image->contents));
	image->folders = calloc(from->files, sizeof(*image->folders));
	hm_assert(image->contents != NULL && image->folders != NULL);
	for (size_t i = 0; i < image->ops; i++) {
		const struct disk_op *op = &from->ops[i];

		/* A folder is told from a file by its first name. */
		if (op->kind == DISK_ADD && op->len != 0)
			image->folders[op->child] = true;
		if (is_data(op))
			content_apply(&image->contents[op->file], op,
			    image->fates[i], &image->random);
		else if (op->kind != DISK_SYNC && image->fates[i] != FATE_GONE)
			names_apply(&image->names, op);
	}
}

static void
image_done(struct image *image)
{
	for (uint32_t i = 0; i < image->from->files; i++)
		free(image->contents[i].ptr);
	free(image->contents);
	free(image->folders);
	free(image->names.all);
	free(image->fates);
}

/* Nobody can know what a shared memory file holds. */
static void
fill_shared(const char *path, struct content *content, uint64_t *random)
{
	size_t len = strlen(path);

	if (len < 4 || strcmp(path + len - 4, "-shm") != 0 || coin(random))
		return;
	content_resize(content, SHM_LEN);
	for (size_t i = 0; i < SHM_LEN; i++)
		content->ptr[i] = (uint8_t)next_random(random);
}

static void
put_file(const char *path, const struct content *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;

	hm_assert(fd >= 0);
	while (done < content->len) {
		ssize_t put =
		    write(fd, content->ptr + done, content->len - done);

		hm_assert(put > 0);
		done += (size_t)put;
	}
	hm_assert(close(fd) == 0);
}

/* Put a name and what is under it onto the real disk, and into `to`. */
static void
put_name(struct image *image, const struct disk_name *name, const char *path,
    struct disk *to)
{
	struct content *content = &image->contents[name->file];
	struct disk_op op = { .kind = DISK_ADD,
		.file = name->folder,
		.child = name->file,
		.len = image->folders[name->file] };

	memcpy(op.name, name->text, sizeof(op.name));
	if (to != NULL)
		push(to, &op);
	if (image->folders[name->file]) {
		hm_assert(mkdir(path, 0700) == 0);
		return;
	}
	fill_shared(path, content, &image->random);
	put_file(path, content);
	op = (struct disk_op){ .kind = DISK_WRITE,
		.file = name->file,
		.len = content->len,
		.bytes = content->ptr };
	if (to != NULL && content->len > 0)
		disk_note(to, &op);
}

static void
put_folder(
    struct image *image, uint32_t folder, const char *path, struct disk *to)
{
	for (size_t i = 0; i < image->names.count; i++) {
		const struct disk_name *name = &image->names.all[i];
		char below[1024];

		if (name->folder != folder)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, name->text);
		put_name(image, name, below, to);
		if (image->folders[name->file])
			put_folder(image, name->file, below, to);
	}
}

/* The machine stayed up: nothing changed but the process. */
static void
copy_ops(const struct disk *from, size_t ops, struct disk *to)
{
	for (size_t i = 0; i < ops; i++)
		push(to, &from->ops[i])->owned = false;
	to->base = from->base;
}

void
disk_survive(const struct disk *from, size_t ops, disk_mode mode, uint64_t seed,
    const char *root, struct disk *ret)
{
	struct image image = { .from = from,
		.ops = ops,
		.fates = calloc(ops + 1, sizeof(*image.fates)),
		.random = seed };
	bool killed = mode == DISK_KILLED;

	hm_assert(image.fates != NULL && ops <= from->count);
	disk_new(ret, root);
	ret->files = from->files;
	find_fates(from, ops, mode, &image.random, image.fates);
	image_make(&image);
	if (killed)
		copy_ops(from, ops, ret);
	put_folder(&image, 0, root, killed ? NULL : ret);
	if (!killed)
		ret->base = ret->count;
	image_done(&image);
}

/* ---- a failed sync ---- */

void
disk_forget(struct disk *disk, uint32_t file, int fd)
{
	fate *fates = calloc(disk->count + 1, sizeof(*fates));
	struct content content = { 0 };
	uint64_t random = 0;
	char path[64];
	int own;

	hm_assert(fates != NULL);
	find_certain(disk, disk->count, fates);
	for (size_t i = 0; i < disk->count; i++) {
		struct disk_op *op = &disk->ops[i];

		if (op->file != file || !is_data(op))
			continue;
		op->lost = fates[i] == FATE_GONE;
		content_apply(&content, op, fates[i], &random);
	}
	/* The caller's may be open to read only. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_CLOEXEC);
	hm_assert(own >= 0 && ftruncate(own, (off_t)content.len) == 0);
	if (content.len > 0)
		hm_assert(pwrite(own, content.ptr, content.len, 0) ==
			  (ssize_t)content.len);
	hm_assert(close(own) == 0);
	free(content.ptr);
	free(fates);
}

/* ---- faults ---- */

static struct {
	disk_fault_kind kind;
	uint64_t first, last, calls, hits;
} plan;

void
disk_fail(disk_fault_kind kind, uint64_t first, uint64_t last)
{
	plan.kind = kind;
	plan.first = first;
	plan.last = last;
	plan.calls = plan.hits = 0;
}

uint64_t
disk_hits(void)
{
	return plan.hits;
}

void
disk_mend(void)
{
	plan.first = plan.last = 0;
}

/* The error that a kind of fault means for a call; 0: none. */
static int
error_of(disk_fault_kind kind, disk_call call)
{
	bool grows = call == DISK_CALL_CREATE || call == DISK_CALL_WRITE;

	switch ((int)kind) {
	case DISK_FULL:
		return grows ? ENOSPC : 0;
	case DISK_BROKEN:
		return EIO;
	case DISK_SHORT:
		return call == DISK_CALL_WRITE ? ENOSPC : 0;
	case DISK_NO_FILES:
		return call == DISK_CALL_OPEN ? EMFILE : 0;
	case DISK_READONLY:
		return call == DISK_CALL_READ || call == DISK_CALL_OPEN ||
			       call == DISK_CALL_SYNC
			   ? 0
			   : EROFS;
	default:
		return call == DISK_CALL_SYNC ? EIO : 0;
	}
}

int
disk_fault(disk_call call, bool *ret_half, bool *ret_forgets)
{
	int error = error_of(plan.kind, call);

	if (error == 0)
		return 0;
	plan.calls++;
	if (plan.calls < plan.first || plan.calls > plan.last)
		return 0;
	plan.hits++;
	/* The one that is cut short is no failure yet: the next one is. */
	*ret_half = plan.kind == DISK_SHORT && plan.calls == plan.first;
	*ret_forgets = plan.kind == DISK_UNSYNCED;
	return error;
}

/* ---- words ---- */

const char *
disk_fault_name(disk_fault_kind kind)
{
	static const char *const names[DISK_FAULTS] = { "full", "broken",
		"short", "no files", "read-only", "unsynced" };

	return names[kind];
}

const char *
disk_mode_name(disk_mode mode)
{
	static const char *const names[DISK_MODES] = { "none", "all", "prefix",
		"subset", "sectors", "torn", "named", "unnamed", "killed" };

	return names[mode];
}

static const char *
name_of(const struct disk *disk, uint32_t file, size_t before)
{
	for (size_t i = before; i-- > 0;) {
		const struct disk_op *op = &disk->ops[i];

		if (op->kind == DISK_ADD && op->child == file)
			return op->name;
		if (op->kind == DISK_RENAME && op->child == file)
			return op->to;
	}
	return file == 0 ? "/" : "?";
}

void
disk_say(const struct disk *disk, size_t from, size_t to)
{
	static const char *const kinds[] = { "write", "truncate", "sync", "add",
		"remove", "rename" };

	for (size_t i = from; i < to && i < disk->count; i++) {
		const struct disk_op *op = &disk->ops[i];

		(void)fprintf(stderr, "  %zu %s %s %s %s at %llu len %zu%s\n",
		    i, kinds[op->kind], name_of(disk, op->file, i), op->name,
		    op->to, (unsigned long long)op->at, op->len,
		    op->failed ? " failed" : "");
	}
}
