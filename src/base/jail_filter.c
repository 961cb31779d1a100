/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>

#include "base/jail_parts.h"

/* Names, not numbers: a call that this machine lacks is passed over. */
static const char *const computing[] = { "brk", "munmap", "mremap", "madvise",
	"futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sigaltstack", "getpid", "gettid", "getppid", "tgkill", "exit",
	"exit_group", "restart_syscall", "getuid", "geteuid", "getgid",
	"getegid", "sched_yield", "sched_getaffinity", "rseq",
	"set_robust_list", "getrusage", "membarrier", "sysinfo", "uname",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
	"gettimeofday", "time", "getrandom", NULL };

/* On descriptors that it has already. No sendmsg(): nobody passes them on, or
 * one whose last close blocks for ever would stop who receives it. */
static const char *const streaming[] = { "read", "write", "readv", "writev",
	"recvmsg", "recvfrom", "sendto", "close", "shutdown", "getsockopt",
	"setsockopt", "getsockname", "getpeername", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"epoll_pwait2", "poll", "ppoll", "select", "pselect6", "eventfd2",
	"pipe", "pipe2", "timerfd_create", "timerfd_settime", "fcntl", "dup",
	"ioctl", "fstat", NULL };

static const char *const serving[] = { "accept", "accept4", NULL };

static const char *const filing[] = { "open", "openat", "newfstatat", "stat",
	"lstat", "statx", "statfs", "fstatfs", "pread64", "pwrite64", "lseek",
	"flock", "fsync", "fdatasync", "ftruncate", "fallocate", "rename",
	"renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat",
	"rmdir", "link", "linkat", "getdents64", "access", "faccessat",
	"faccessat2", "chmod", "fchmod", "fchmodat", "umask", "getcwd",
	"readlink", "readlinkat", "utimensat", NULL };

static const char *const connecting[] = { "socket", "connect", "bind",
	"sendmsg", "sendmmsg", "recvmmsg", NULL };

/* What no keeper does; files it may handle as Landlock and its user allow. */
static const char *const never[] = { "execve", "execveat", "fork", "vfork",
	"ptrace", "process_vm_readv", "process_vm_writev", "kcmp",
	"pidfd_getfd", "mount", "umount2", "pivot_root", "chroot", "setns",
	"unshare", "open_tree", "move_mount", "fsopen", "fsmount", "fsconfig",
	"fspick", "mount_setattr", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl",
	"add_key", "request_key", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "reboot", "swapon",
	"swapoff", "acct", "quotactl", "settimeofday", "clock_settime",
	"adjtimex", "clock_adjtime", "ioperm", "iopl", "personality",
	"open_by_handle_at", "memfd_create", "mknod", "mknodat", "setuid",
	"setgid", "setresuid", "setresgid", "setgroups", "capset", NULL };

static const char *const networking[] = { "socket", "socketpair", "connect",
	"bind", "listen", "accept", "accept4", NULL };

static int
rules(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int failure = 0;

	for (; *names != NULL && failure == 0; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number != __NR_SCMP_ERROR)
			failure = seccomp_rule_add(filter, action, number, 0);
		/* A call of other machines only. */
		if (failure == -EDOM)
			failure = 0;
	}
	return failure;
}

/* Memory of the front is never executable that was not so at its start. */
static int
memory_rules(scmp_filter_ctx filter, const struct jail *jail)
{
	struct scmp_arg_cmp inert = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	unsigned count = jail->role == JAIL_FRONT ? 1 : 0;
	int failure = seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), count, &inert);

	if (failure != 0)
		return failure;
	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &inert);
}

/* Token modules may run threads; clone3() hides its flags from a filter. */
static int
thread_rules(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp thread =
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	int failure = seccomp_rule_add(
	    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (failure != 0)
		return failure;
	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread);
}

/* fstat() of today's C library, and looking at (not setting) a limit. */
static int
looking_rules(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp by_fd = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0);
	struct scmp_arg_cmp unset = SCMP_A2(SCMP_CMP_EQ, 0, 0);
	int failure = seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, &by_fd);

	if (failure != 0)
		return failure;
	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &unset);
}

static int
allow_list(scmp_filter_ctx filter, const struct jail *jail)
{
	int failure = rules(filter, SCMP_ACT_ALLOW, computing);

	if (failure == 0)
		failure = rules(filter, SCMP_ACT_ALLOW, streaming);
	if (failure == 0)
		failure = memory_rules(filter, jail);
	if (failure == 0)
		failure = looking_rules(filter);
	if (failure != 0)
		return failure;
	if (jail->role == JAIL_FRONT)
		return rules(filter, SCMP_ACT_ALLOW, serving);
	failure = rules(filter, SCMP_ACT_ALLOW, filing);
	if (failure == 0 && jail->network)
		failure = rules(filter, SCMP_ACT_ALLOW, connecting);
	return failure == 0 ? thread_rules(filter) : failure;
}

static int
deny_list(scmp_filter_ctx filter, const struct jail *jail)
{
	struct scmp_arg_cmp process =
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
	int failure = rules(filter, SCMP_ACT_KILL_PROCESS, never);

	if (failure == 0 && !jail->network)
		failure = rules(filter, SCMP_ACT_KILL_PROCESS, networking);
	if (failure == 0)
		failure = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (failure == 0)
		failure = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS,
		    SCMP_SYS(clone), 1, &process);
	return failure;
}

hm_err
jail_filter(const struct jail *jail, struct why *why)
{
	bool keeper = jail->role == JAIL_KEEPER;
	scmp_filter_ctx filter =
	    seccomp_init(keeper ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	int failure;

	if (filter == NULL)
		return WHY(why, HM_E_JAIL, "no system call filter");
	failure = keeper ? deny_list(filter, jail) : allow_list(filter, jail);
	/* All threads: a library may have started one already. */
	if (failure == 0)
		failure = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (failure == 0)
		failure = seccomp_load(filter);
	seccomp_release(filter);
	if (failure != 0)
		return WHY(why, HM_E_JAIL,
		    "the system call filter is not taken: %s",
		    strerror(-failure));
	return HM_OK;
}
