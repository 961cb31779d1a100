/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errtext.h"
#include "base/jail.h"
#include "core/check.h"
#include "nth.h"

/* Exit statuses of a process under test, beside those of the sanitizers. */
#define ENDED_WELL 0
#define ENDED_LEAKING 97
#define ENDED_STRANGELY 98
#define ENDED_BY_ERROR 99 /* which one stands on the board */

#define SHOWN_WHOLE 5 /* failures; of others the end */
#define WORDS_SHOWN 6000
#define WORDS_OF_END 300

#if defined(__SANITIZE_ADDRESS__)
#define BUILD "sanitized"
int __lsan_do_recoverable_leak_check(void);
void __lsan_disable(void);
void __lsan_enable(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1:detect_stack_use_after_return=0:"
	       "abort_on_error=1";
}

const char *
__ubsan_default_options(void)
{
	return "halt_on_error=1:abort_on_error=1:print_stacktrace=1";
}
#else
#define BUILD "released"
#endif

/* What driver, part and this program share. */
struct board {
	char kind[16];
	uintptr_t begin, end; /* of the code that calls */
	unsigned long n, seen;
	bool lasting, fired, started;
	bool careless; /* of the class */
	uintptr_t at;  /* the call that failed first */
	hm_err error;  /* of a part that ended by one */
};

static struct board *board;
static bool armed; /* this process */
static _Thread_local bool in_module;

uint64_t __wrap_clock_now_s(void);
uint64_t
__wrap_clock_now_s(void)
{
	return FAULT_NOW_S;
}

/* No search for leaks can run in a jail (base/jail.c). */
hm_err __real_jail_enter(const struct jail *jail, struct why *why);
hm_err __wrap_jail_enter(const struct jail *jail, struct why *why);
hm_err
__wrap_jail_enter(const struct jail *jail, struct why *why)
{
#if defined(__SANITIZE_ADDRESS__)
	(void)jail;
	(void)why;
	return HM_OK;
#else
	return __real_jail_enter(jail, why);
#endif
}

/* ---- which call ---- */

bool
nth_fails(const char *kind, const void *from)
{
	uintptr_t at = (uintptr_t)from;
	unsigned long now;

	if (!armed || in_module || at < board->begin || at >= board->end ||
	    strcmp(kind, board->kind) != 0)
		return false;
	now = __atomic_add_fetch(&board->seen, 1, __ATOMIC_RELAXED);
	if (now < board->n || (!board->lasting && now > board->n))
		return false;
	if (!board->fired)
		board->at = at - board->begin;
	board->fired = true;
	return true;
}

unsigned long
nth_p11(void)
{
	/* The module calls, but it is the program that counts. */
	const void *from = (const void *)(uintptr_t)nth_p11;

	if (nth_fails("p11-device", from))
		return 0x30; /* CKR_DEVICE_ERROR */
	if (nth_fails("p11-memory", from))
		return 0x02; /* CKR_HOST_MEMORY */
	if (nth_fails("p11-session", from))
		return 0xb3; /* CKR_SESSION_HANDLE_INVALID */
	return 0;
}

void
nth_p11_inside(bool inside)
{
	in_module = inside;
#if defined(__SANITIZE_ADDRESS__)
	if (inside)
		__lsan_disable();
	else
		__lsan_enable();
#endif
}

void
fault_arm(void)
{
	armed = true;
}

void
fault_disarm(void)
{
	armed = false;
}

bool
fault_fired(void)
{
	return board->fired;
}

static int
take_segments(struct dl_phdr_info *info, size_t size, void *context)
{
	const char *by = context;

	(void)size;
	/* The program comes first, without a name. */
	if (by != NULL && strstr(info->dlpi_name, by) == NULL)
		return 0;
	board->begin = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		uintptr_t end = at + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		board->begin = at < board->begin ? at : board->begin;
		board->end = end > board->end ? end : board->end;
	}
	return 1;
}

static void
set_board(const struct fault_class *class, unsigned long n, bool lasting)
{
	*board = (struct board){
		.n = n, .lasting = lasting, .careless = class->careless
	};
	(void)snprintf(board->kind, sizeof(board->kind), "%s", class->kind);
	if (strcmp(class->kind, "p11") == 0 || class->by == NULL)
		(void)dl_iterate_phdr(take_segments, NULL);
	else
		(void)dl_iterate_phdr(
		    take_segments, (void *)(uintptr_t) class->by);
	hm_assert(board->end > board->begin); /* it is loaded */
}

/* ---- the process under test ---- */

void
fault_lost(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	(void)vdprintf(STDERR_FILENO, format, values);
	va_end(values);
	(void)dprintf(STDERR_FILENO, "\n");
	_exit(1);
}

static bool
leaks(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return !board->careless && __lsan_do_recoverable_leak_check() != 0;
#else
	return false;
#endif
}

static _Noreturn void
be_under_test(hm_err (*run)(void *context), void *context, bool has_fault)
{
	hm_err err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)alarm(0);
	armed = has_fault;
	err = run(context);
	armed = false;
	board->error = err;
	if (!err_is_known((uint32_t)err))
		_exit(ENDED_STRANGELY);
	if (leaks())
		_exit(ENDED_LEAKING);
	_exit(err == HM_OK ? ENDED_WELL : ENDED_BY_ERROR);
}

static pid_t
start(hm_err (*run)(void *context), void *context, bool has_fault)
{
	pid_t pid = fork();

	hm_assert(pid >= 0);
	if (pid == 0)
		be_under_test(run, context, has_fault);
	return pid;
}

pid_t
fault_start(hm_err (*run)(void *context), void *context)
{
	bool has_fault = !board->started;

	board->started = true;
	return start(run, context, has_fault);
}

pid_t
fault_start_around(hm_err (*run)(void *context), void *context)
{
	return start(run, context, false);
}

hm_err
fault_reap(pid_t pid)
{
	int status;

	hm_assert(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status) && board->careless && board->fired)
		return HM_E_WORKER;
	if (WIFSIGNALED(status))
		fault_lost("the part died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == ENDED_WELL)
		return HM_OK;
	/* base/loop.h */
	if (WEXITSTATUS(status) == err_info(HM_E_NO_MEMORY)->exit_status)
		return HM_E_NO_MEMORY;
	if (WEXITSTATUS(status) != ENDED_BY_ERROR)
		fault_lost(
		    "the part ended with status %d", WEXITSTATUS(status));
	return board->error;
}

/* ---- lives ---- */

static void
show(int words, const char *what, off_t most)
{
	static char text[WORDS_SHOWN];
	off_t len = lseek(words, 0, SEEK_END);
	off_t from = len > most ? len - most : 0;
	ssize_t got = pread(words, text, sizeof(text), from);

	(void)fprintf(
	    stderr, "---- %s\n%.*s\n", what, got > 0 ? (int)got : 0, text);
}

/* One life; true if all was well. What it says goes to `words`. */
static bool
live(const struct fault_part *part, int words)
{
	int status;
	pid_t pid = fork();

	hm_assert(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (words >= 0 && (dup2(words, STDERR_FILENO) < 0 ||
				      dup2(words, STDOUT_FILENO) < 0))
			_exit(1);
		(void)alarm(part->life_s);
		part->life();
		_exit(0);
	}
	hm_assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct run {
	const struct fault_part *part;
	const struct fault_class *class;
	bool lasting;
	unsigned long calls, failures;
};

static void
describe(const struct run *run, unsigned long n, char *ret, size_t size)
{
	(void)snprintf(ret, size,
	    "%s --part %s --kind %s%s%s%s --n %lu (at 0x%" PRIxPTR ")",
	    program_invocation_short_name, run->part->name, run->class->kind,
	    run->class->by ? " --by " : "",
	    run->class->by ? run->class->by : "",
	    run->lasting ? " --lasting" : "", n, board->at);
}

/* False: no call was left to fail. */
static bool
try_one(struct run *run, unsigned long n)
{
	int words = memfd_create("words", MFD_CLOEXEC);
	char what[200];

	hm_assert(words >= 0);
	set_board(run->class, n, run->lasting);
	if (!live(run->part, words)) {
		run->failures++;
		describe(run, n, what, sizeof(what));
		show(words, what,
		    run->failures <= SHOWN_WHOLE ? WORDS_SHOWN : WORDS_OF_END);
	}
	close(words);
	run->calls = board->fired ? n : board->seen;
	return board->fired;
}

static unsigned long
try_all(const struct fault_part *part, const struct fault_class *class,
    bool lasting, unsigned long stride)
{
	struct run run = { part, class, lasting, 0, 0 };
	unsigned long n = 1;

	while (try_one(&run, n))
		n += stride;
	printf(
	    "{\"part\":\"%s\",\"kind\":\"%s\",\"by\":\"%s\",\"mode\":\"%s\","
	    "\"build\":\"%s\",\"calls\":%lu,\"stride\":%lu,\"failures\":%lu}\n",
	    part->name, class->kind, class->by ? class->by : "program",
	    lasting ? "lasting" : "once", BUILD, run.calls, stride,
	    run.failures);
	(void)fflush(stdout);
	/* Without a call nothing was tried. */
	return run.calls == 0 ? 1 : run.failures;
}

struct wish {
	const char *part, *kind, *by;
	bool lasting, once;
	unsigned long n, stride;
};

static bool
is_wished(const struct wish *wish, const struct fault_class *class)
{
	if (wish->kind != NULL && strcmp(wish->kind, class->kind) != 0)
		return false;
	return wish->by == NULL ||
	       strcmp(wish->by, class->by ? class->by : "program") == 0;
}

static unsigned long
try_class(const struct fault_part *part, const struct fault_class *class,
    const struct wish *wish)
{
	unsigned long stride =
	    wish->stride * (class->sparse ? class->sparse : 1);
	unsigned long failures = 0;

	if (!wish->lasting)
		failures += try_all(part, class, false, stride);
	if (!wish->once)
		failures += try_all(part, class, true, stride);
	return failures;
}

static unsigned long
try_wished(const struct fault_part *part, const struct wish *wish)
{
	unsigned long failures = 0;

	for (const struct fault_class *class = part->classes;
	     class->kind != NULL; class ++) {
		if (!is_wished(wish, class))
			continue;
		if (wish->n == 0) {
			failures += try_class(part, class, wish);
			continue;
		}
		set_board(class, wish->n, wish->lasting);
		failures += !live(part, -1);
		printf(
		    "fired: %d at 0x%" PRIxPTR "\n", board->fired, board->at);
	}
	return failures;
}

static void
read_wish(int argc, char **argv, struct wish *ret)
{
	static const struct option options[] = {
		{ "part", required_argument, NULL, 'p' },
		{ "kind", required_argument, NULL, 'k' },
		{ "by", required_argument, NULL, 'b' },
		{ "lasting", no_argument, NULL, 'l' },
		{ "once", no_argument, NULL, 'o' },
		{ "n", required_argument, NULL, 'n' },
		{ "stride", required_argument, NULL, 's' },
		{ 0 },
	};
	int c;

	*ret = (struct wish){ .stride = 1 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'p':
			ret->part = optarg;
			break;
		case 'k':
			ret->kind = optarg;
			break;
		case 'b':
			ret->by = optarg;
			break;
		case 'l':
			ret->lasting = true;
			break;
		case 'o':
			ret->once = true;
			break;
		case 'n':
			ret->n = strtoul(optarg, NULL, 10);
			break;
		case 's':
			ret->stride = strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
}

/* ---- a folder for what a life leaves behind ---- */

static char folder[64];

static void
enter_folder(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(
	    folder, sizeof(folder), "%s/nth-XXXXXX", parent ? parent : "/tmp");
	hm_assert(mkdtemp(folder) != NULL);
	hm_assert(setenv("TMPDIR", folder, 1) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int
fault_main(const struct fault_part *part, int argc, char **argv)
{
	struct wish wish;
	unsigned long failures = 0;
	bool known = false;

	enter_folder();
	read_wish(argc, argv, &wish);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	hm_assert(board != MAP_FAILED);
	for (; part != NULL; part = part->next) {
		if (wish.part != NULL && strcmp(wish.part, part->name) != 0)
			continue;
		known = true;
		if (part->prepare != NULL)
			part->prepare();
		failures += try_wished(part, &wish);
		if (part->finish != NULL)
			part->finish();
	}
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return known && failures == 0 ? 0 : 1;
}
