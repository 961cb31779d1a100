/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By number and by our own layout: the headers of a build machine are often
 * older than the kernel that the program will meet. See landlock(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/jail_parts.h"

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define GET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define ALL_OF_1 ((1ull << 13) - 1)
#define REFER (1ull << 13)     /* from version 2 */
#define TRUNCATE (1ull << 14)  /* 3 */
#define NET_TCP 3ull           /* 4: bind and connect */
#define IOCTL_DEV (1ull << 15) /* 5 */
#define SCOPES 3ull            /* 6: abstract sockets, signals */

/* What a rule on a file, not a folder, may name. */
#define OF_A_FILE (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static void
fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Everything that this version knows is forbidden unless a rule allows it. */
static struct ruleset
all_of(int version, const struct jail *jail)
{
	struct ruleset all = { .fs = ALL_OF_1 };

	if (version >= 2)
		all.fs |= REFER;
	if (version >= 3)
		all.fs |= TRUNCATE;
	if (version >= 4 && !jail->network)
		all.net = NET_TCP;
	if (version >= 5)
		all.fs |= IOCTL_DEV;
	if (version >= 6)
		all.scoped = SCOPES;
	return all;
}

static size_t
size_of(int version)
{
	if (version >= 6)
		return sizeof(struct ruleset);
	return version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static hm_err
allow(int rules, const char *path, uint64_t what, bool must, struct why *why)
{
	AUTO(fd) int fd = open(path, O_PATH | O_CLOEXEC);
	struct beneath rule = { .allowed = what, .parent = fd };
	struct stat found;

	if (fd < 0 && !must)
		return HM_OK;
	why_where(why, "%s", path);
	if (fd < 0 || fstat(fd, &found) != 0)
		return WHY(why, HM_E_JAIL, "cannot open what is allowed: %s",
		    strerror(errno));
	if (!S_ISDIR(found.st_mode))
		rule.allowed &= OF_A_FILE;
	if (syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0) != 0)
		return WHY(
		    why, HM_E_JAIL, "no Landlock rule: %s", strerror(errno));
	if (why != NULL)
		why->where[0] = '\0';
	return HM_OK;
}

static hm_err
allow_all(int rules, const struct jail *jail, uint64_t known, struct why *why)
{
	uint64_t reading = READ_FILE | READ_DIR;

	for (size_t i = 0; i < 8 && jail->readable[i] != NULL; i++)
		HM_TRY(allow(rules, jail->readable[i], reading, true, why));
	for (size_t i = 0; i < 4 && jail->writable[i] != NULL; i++)
		HM_TRY(allow(
		    rules, jail->writable[i], known & ~EXECUTE, true, why));
	if (jail->role == JAIL_FRONT)
		return HM_OK;
	HM_TRY(allow(rules, "/dev/urandom", READ_FILE, false, why));
	return allow(rules, "/dev/null", READ_FILE | WRITE_FILE, false, why);
}

hm_err
jail_landlock(const struct jail *jail, int *ret_version, struct why *why)
{
	long version = syscall(CREATE_RULESET, NULL, 0, GET_VERSION);
	AUTO(fd) int rules = -1;
	struct ruleset all;

	if (version <= 0) {
		*ret_version = 0;
		return HM_OK;
	}
	all = all_of((int)version, jail);
	rules = (int)syscall(CREATE_RULESET, &all, size_of((int)version), 0);
	if (rules < 0)
		return WHY(why, HM_E_JAIL, "no Landlock rule set: %s",
		    strerror(errno));
	HM_TRY(allow_all(rules, jail, all.fs, why));
	if (syscall(RESTRICT_SELF, rules, 0) != 0)
		return WHY(why, HM_E_JAIL, "Landlock does not take hold: %s",
		    strerror(errno));
	*ret_version = (int)version;
	return HM_OK;
}
