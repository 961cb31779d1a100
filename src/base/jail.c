/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jail_parts.h"
#include "base/text.h"

#define DIR_SIZE 64

struct identity {
	uid_t uid;
	gid_t gid;
};

static char description[200] = "no jail";
static bool jailed;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#endif
#ifdef WITH_ASAN
/* The search for leaks stops the process by ptrace(), which kills it here. */
int __lsan_is_turned_off(void);
int
__lsan_is_turned_off(void)
{
	return jailed;
}
#endif

static hm_err
failed(const char *what, struct why *why)
{
	return WHY(why, HM_E_JAIL, "cannot %s: %s", what, strerror(errno));
}

__attribute__((format(printf, 1, 2))) static void
describe(const char *format, ...)
{
	size_t len = strlen(description);
	va_list values;

	va_start(values, format);
	(void)vsnprintf(
	    description + len, sizeof(description) - len, format, values);
	va_end(values);
}

static hm_err
find_user(const char *name, struct identity *ret, struct why *why)
{
	struct passwd entry, *found = NULL;
	char room[1024];
	uint64_t number;

	if (uint_parse(hm_bytes_of(name), INT_MAX, &number) == HM_OK) {
		*ret = (struct identity){ (uid_t)number, (gid_t)number };
		return HM_OK;
	}
	(void)getpwnam_r(name, &entry, room, sizeof(room), &found);
	if (found == NULL)
		return WHY(why, HM_E_JAIL, "there is no user \"%s\"", name);
	*ret = (struct identity){ found->pw_uid, found->pw_gid };
	return HM_OK;
}

hm_err
jail_folder(const char *path, const char *user, struct why *why)
{
	struct identity owner;

	if (file_exists(path))
		return HM_OK;
	HM_TRY(file_mkdir(path, 0700, why));
	if (user == NULL || geteuid() != 0)
		return HM_OK;
	HM_TRY(find_user(user, &owner, why));
	if (chown(path, owner.uid, owner.gid) != 0) {
		why_where(why, "%s", path);
		return WHY(
		    why, HM_E_IO, "cannot give it away: %s", strerror(errno));
	}
	return HM_OK;
}

/*
 * The limit counts what is mapped. If it is too low, later allocations would
 * fail, so then nothing is locked at all. What was never touched, as most of a
 * thread's stack, holds no secret and takes no memory.
 */
static void
lock_memory(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 &&
	    getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	if (limit.rlim_max == RLIM_INFINITY &&
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		describe(", memory locked");
	else
		describe(", memory NOT locked (RLIMIT_MEMLOCK %llu KiB)",
		    (unsigned long long)limit.rlim_max / 1024);
}

/* Into a folder that is gone as soon as we are in it. */
static hm_err
empty_root(struct why *why)
{
	char run[DIR_SIZE] = "/run/hallmark-XXXXXX";
	char tmp[DIR_SIZE] = "/tmp/hallmark-XXXXXX";
	const char *path = mkdtemp(run);
	int above, failure;

	if (path == NULL)
		path = mkdtemp(tmp);
	if (path == NULL)
		return failed("make an empty root", why);
	above = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	failure = above < 0 || chroot(path) != 0 || chdir("/") != 0;
	if (failure == 0)
		failure = unlinkat(above, path + 1, AT_REMOVEDIR) != 0;
	if (failure != 0)
		(void)failed("enter an empty root", why);
	if (above >= 0)
		close(above);
	if (failure == 0)
		describe(", chroot");
	return failure == 0 ? HM_OK : HM_E_JAIL;
}

static hm_err
become(const char *user, const struct identity *identity, struct why *why)
{
	if (geteuid() != 0) {
		if (identity->uid == getuid() && identity->uid == geteuid())
			return HM_OK;
		return WHY(why, HM_E_JAIL,
		    "only root can become the user \"%s\"", user);
	}
	if (identity->uid == 0 || identity->gid == 0)
		return WHY(why, HM_E_JAIL,
		    "the user \"%s\" has the rights of root", user);
	if (setgroups(0, NULL) != 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) != 0)
		return failed("become another user", why);
	if (setuid(0) == 0 || setgid(0) == 0)
		return WHY(why, HM_E_JAIL, "root could be had back");
	return HM_OK;
}

static hm_err
wall_in(const struct jail *jail, struct why *why)
{
	int version;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed("give up new privileges", why);
	HM_TRY(jail_landlock(jail, &version, why));
	if (version > 0)
		describe(", landlock %d", version);
	else
		describe(", no landlock in this kernel");
	HM_TRY(jail_filter(jail, why));
	describe(", seccomp");
	return HM_OK;
}

hm_err
jail_enter(const struct jail *jail, struct why *why)
{
	struct identity identity = { getuid(), getgid() };

	tzset(); /* reads /etc/localtime, which gmtime_r() would do later */
	if (jail->user != NULL)
		HM_TRY(find_user(jail->user, &identity, why));
	snprintf(
	    description, sizeof(description), "uid %u", (unsigned)identity.uid);
	if (jail->lock_memory)
		lock_memory();
	if (geteuid() == 0 && jail->role == JAIL_FRONT)
		HM_TRY(empty_root(why));
	if (jail->user != NULL)
		HM_TRY(become(jail->user, &identity, why));
	/* After the change of user, which makes a process dumpable again. */
	HM_TRY(process_protect(why));
	HM_TRY(wall_in(jail, why));
	jailed = true;
	return HM_OK;
}

const char *
jail_describe(void)
{
	return description;
}
