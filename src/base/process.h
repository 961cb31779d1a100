/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * process - child programs, and channels of whole messages between processes
 *
 * A child starts with the descriptors it was given and no other, with default
 * signal dispositions and an empty mask. It is executed, not only forked, so
 * that two children share no address layout and hold none of the parent's
 * memory.
 *
 * A channel is one end of a SOCK_SEQPACKET pair: a message arrives whole or not
 * at all, and the peer's death is an end of file. Waiting has a deadline on the
 * monotonic clock (clock_mono_us() + so much); CHANNEL_FOREVER has none.
 *
 * Who runs an event loop watches the descriptor itself and calls channel_recv()
 * with a deadline of 0. Several threads may use one channel: each message goes
 * to one of them, and CHANNEL_FOREVER wakes no more of them than needed.
 */
#include <sys/types.h>

#include "base/why.h"
#include "core/bytes.h"

#define CHANNEL_FOREVER UINT64_MAX
#define CHANNEL_FDS_MAX 8
#define PROCESS_FDS_MAX 96 /* that a child may be given */
#define CHANNEL_MAX 200000 /* bytes of a message; the kernel's default fits */

/*
 * No memory where a library cannot be told, or a caller could not go on: says
 * HM-9002 and what it was wanted for on standard error, and ends the process
 * with that error's exit status. A process of the server or of a station is
 * started again by its parent.
 */
_Noreturn void process_out_of_memory(const char *what);

/* Two connected ends, close-on-exec. HM_E_IO */
HM_MUST hm_err channel_pair(int ret[static 2], struct why *why);

/*
 * One whole message of 1 to CHANNEL_MAX bytes. HM_E_TIMEOUT: nothing was sent.
 * HM_E_WORKER: the peer is gone. HM_E_TOO_LARGE, HM_E_IO
 */
HM_MUST hm_err channel_send(
    int fd, struct hm_bytes message, uint64_t deadline_us, struct why *why);
/* The same with descriptors, which stay the caller's as well. */
HM_MUST hm_err channel_send_fds(int fd, struct hm_bytes message, const int *fds,
    size_t count, uint64_t deadline_us, struct why *why);

/*
 * One whole message into `room`; *ret_len > 0. HM_E_TOO_LARGE: it did not fit
 * and is lost. HM_E_TIMEOUT: there is none yet. HM_E_WORKER: the peer is gone.
 * Descriptors that come uninvited are closed.
 */
HM_MUST hm_err channel_recv(int fd, struct hm_span room, uint64_t deadline_us,
    size_t *ret_len, struct why *why);

/* Is there a message that could be received? */
bool channel_has_more(int fd);

/* Nothing goes any more, either way: who waits on it, in any thread, gets
 * HM_E_WORKER. */
void channel_shut(int fd);

struct channel_fds {
	int fd[CHANNEL_FDS_MAX];
	size_t count;
};

/* The same, with up to CHANNEL_FDS_MAX descriptors: the caller's to close. */
HM_MUST hm_err channel_recv_fds(int fd, struct hm_span room,
    uint64_t deadline_us, size_t *ret_len, struct channel_fds *ret_fds,
    struct why *why);

/*
 * Start `path` with `argv` (NULL-ended). In the child fds[0..count) are 3, 4,
 * ...; 0, 1 and 2 are inherited, all others are closed. The child gets SIGTERM
 * when the parent dies. HM_E_FILE if it cannot be executed, HM_E_IO
 */
HM_MUST hm_err process_spawn(const char *path, char *const argv[],
    const int *fds, size_t count, pid_t *ret, struct why *why);

/*
 * Wait for `pid`. *ret_status is the exit status, or 128 + the signal that
 * killed it. HM_E_TIMEOUT: it still runs.
 */
HM_MUST hm_err process_wait(
    pid_t pid, uint64_t deadline_us, int *ret_status, struct why *why);

/*
 * Let this process have `count` descriptors at once: the soft limit is raised
 * as far as the hard one allows, and by root beyond it. HM_E_CONFIG_TYPE: so
 * many cannot be had, and nothing was changed.
 */
HM_MUST hm_err process_want_files(uint32_t count, struct why *why);

/*
 * For this thread and all that it starts from now on, children too: who is
 * woken waits until whoever works there rests or has had its share of time,
 * instead of interrupting it (SCHED_BATCH). An administrator's choice stays: a
 * thread that already has another policy than the usual one keeps it.
 */
void process_take_turns(void);

/* The running program's own path, for starting it again in another role. */
HM_MUST hm_err process_self(char *ret, size_t size, struct why *why);
