/* SPDX-License-Identifier: Apache-2.0 */
/* base/loop: no memory, for us and for libevent; malloc() is wrapped by the
 * linker */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errtext.h"
#include "base/loop.h"

static int allocs_left = -1; /* below 0: no end */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *
__wrap_malloc(size_t size)
{
	if (allocs_left == 0)
		return NULL;
	allocs_left -= allocs_left > 0;
	return __real_malloc(size);
}

static void
nothing(void *context)
{
	(void)context;
}

static void
says_that_there_is_no_memory_for_a_watch(void **state)
{
	struct watch *watch = NULL;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), HM_OK);
	allocs_left = 0;
	assert_int_equal(
	    watch_timer(loop, 1000, nothing, NULL, &watch), HM_E_NO_MEMORY);
	allocs_left = -1;
	assert_null(watch);
	loop_free(loop);
}

/* Our memory is there, libevent's is not. */
static _Noreturn void
be_without(int words)
{
	struct watch *watch;
	struct loop *loop;

	if (dup2(words, STDERR_FILENO) < 0 || loop_new(&loop) != HM_OK)
		_exit(100);
	allocs_left = 1;
	if (watch_timer(loop, 1000, nothing, NULL, &watch) != HM_OK)
		_exit(101);
	_exit(102);
}

static void
ends_the_process_when_libevent_has_no_memory(void **state)
{
	char text[100] = "";
	int words[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(words), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		be_without(words[1]);
	close(words[1]);
	assert_true(read(words[0], text, sizeof(text) - 1) > 0);
	close(words[0]);
	assert_non_null(strstr(text, "HM-9002"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(
	    WEXITSTATUS(status), err_info(HM_E_NO_MEMORY)->exit_status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_that_there_is_no_memory_for_a_watch),
		cmocka_unit_test(ends_the_process_when_libevent_has_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
