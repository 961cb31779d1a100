/* SPDX-License-Identifier: Apache-2.0 */
#include "server/parent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/process.h"
#include "crypto/digest.h"
#include "net/server.h"
#include "server/guard.h"
#include "server/life.h"

#define CHILDREN_MAX (SERVER_FRONTS_MAX + 2)
#define STOP_WITHIN_MS 10000  /* an orderly stop, role by role */
#define SIGNER_WITHIN_MS 3000 /* what it has begun with the token */
#define PAUSE_MIN_MS 100      /* before a restart; doubles up to the maximum */
#define PAUSE_MAX_MS 2000
#define DYING_MS 1000               /* from the end of its life to its own */
#define STEADY_US (10 * 1000000ull) /* up for this long: pauses start anew */

struct child {
	server_role role;
	pid_t pid; /* 0: none */
	int life;  /* -1: none */
	bool ready;
};

struct parent {
	const struct server_config *config;
	const char *path;
	struct secret pin;
	int listeners[SERVER_FRONTS_MAX];
	int devices[SERVER_FRONTS_MAX]; /* if they have a door */
	uint32_t fronts;
	struct child children[CHILDREN_MAX];
	uint32_t count;
	struct loop *loop;
	uint32_t pause_ms;
	uint64_t started_us;
	bool stopping, came_up;
};

static const char *const names[] = {
	[SERVER_FRONT] = "front",
	[SERVER_KEEPER] = "keeper",
	[SERVER_SIGNER] = "signer",
};

const char *
server_role_name(server_role role)
{
	return names[role];
}

server_role
server_role_of(const char *name)
{
	for (server_role role = SERVER_FRONT; role <= SERVER_SIGNER; role++)
		if (strcmp(names[role], name) == 0)
			return role;
	return 0;
}

uint32_t
server_fronts(const struct server_config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->fronts != 0)
		return config->fronts;
	if (cores < 1)
		return 1;
	return cores > SERVER_FRONTS_MAX ? SERVER_FRONTS_MAX : (uint32_t)cores;
}

/* ---- starting ---- */

/* One process. `channels` become LIFE_FIRST_FD and on; they stay ours. */
static hm_err
spawn(struct parent *parent, server_role role, const int *channels,
    uint32_t count)
{
	struct child *child = &parent->children[parent->count];
	int fds[1 + SERVER_FRONTS_MAX + 1], life[2];
	char program[] = "/proc/self/exe", role_option[] = "--role",
	     config_option[] = "--config", name[32], path[FILE_PATH_MAX];
	char *const argv[] = { name, config_option, path, role_option,
		name + strlen("hallmarkd: "), NULL };
	hm_err err;

	(void)snprintf(name, sizeof(name), "hallmarkd: %s", names[role]);
	(void)snprintf(path, sizeof(path), "%s", parent->path);
	HM_TRY(channel_pair(life, NULL));
	fds[0] = life[1];
	memcpy(fds + 1, channels, count * sizeof(*channels));
	err = process_spawn(program, argv, fds, count + 1, &child->pid, NULL);
	close(life[1]);
	if (err != HM_OK) {
		close(life[0]);
		return err;
	}
	child->role = role;
	child->life = life[0];
	child->ready = false;
	parent->count++;
	return HM_OK;
}

struct plumbing {
	int signer[2];                   /* keeper, signer */
	int front[SERVER_FRONTS_MAX][2]; /* keeper, front */
};

static bool
has_devices(const struct parent *parent)
{
	return parent->config->devices.listen[0] != 0;
}

static hm_err
spawn_all(struct parent *parent, const struct plumbing *pipes)
{
	int channels[1 + SERVER_FRONTS_MAX];

	HM_TRY(spawn(parent, SERVER_SIGNER, &pipes->signer[1], 1));
	channels[0] = pipes->signer[0];
	for (uint32_t i = 0; i < parent->fronts; i++)
		channels[1 + i] = pipes->front[i][0];
	HM_TRY(spawn(parent, SERVER_KEEPER, channels, 1 + parent->fronts));
	for (uint32_t i = 0; i < parent->fronts; i++) {
		const int fds[] = { pipes->front[i][1], parent->listeners[i],
			parent->devices[i] };

		HM_TRY(spawn(
		    parent, SERVER_FRONT, fds, has_devices(parent) ? 3 : 2));
	}
	return HM_OK;
}

static void
close_pair(int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

static hm_err
lay_pipes(struct parent *parent, struct plumbing *ret)
{
	ret->signer[0] = ret->signer[1] = -1;
	for (uint32_t i = 0; i < parent->fronts; i++)
		ret->front[i][0] = ret->front[i][1] = -1;
	HM_TRY(channel_pair(ret->signer, NULL));
	for (uint32_t i = 0; i < parent->fronts; i++)
		HM_TRY(channel_pair(ret->front[i], NULL));
	return HM_OK;
}

/* Each gets what it needs to start, and nothing else. */
static hm_err
let_go(struct parent *parent)
{
	uint8_t nonce_key[32];
	hm_err err;

	err = random_bytes((struct hm_span){ nonce_key, sizeof(nonce_key) });
	for (uint32_t i = 0; err == HM_OK && i < parent->count; i++) {
		struct hm_bytes with = { 0 };

		if (parent->children[i].role == SERVER_FRONT)
			with = HM_BYTES(nonce_key);
		if (parent->children[i].role == SERVER_SIGNER)
			with = secret_bytes(&parent->pin);
		err = life_go(parent->children[i].life, with);
	}
	hm_wipe(nonce_key, sizeof(nonce_key));
	return err;
}

/* Nobody uses the token now. What can not be copied is worth a warning. */
static void
look_after_token(const char *folder)
{
	struct why why = { 0 };
	unsigned restored = 0;
	hm_err err;

	if (folder[0] == 0)
		return;
	err = guard_token(folder, &restored, &why);
	if (err != HM_OK)
		log_failure(LOG_WARN, "token copy", err, &why, NULL);
	if (restored != 0)
		log_event(LOG_WARN, "token filled again", "folder", folder,
		    "why", "a kill or a power cut had emptied it", NULL);
}

static hm_err
start(struct parent *parent)
{
	struct plumbing pipes;
	hm_err err;

	parent->started_us = clock_mono_us();
	look_after_token(parent->config->token.folder);
	err = lay_pipes(parent, &pipes);
	if (err == HM_OK)
		err = spawn_all(parent, &pipes);
	if (err == HM_OK)
		err = let_go(parent);
	close_pair(pipes.signer);
	for (uint32_t i = 0; i < parent->fronts; i++)
		close_pair(pipes.front[i]);
	return err;
}

/* ---- ending ---- */

/* Wait up to `within_ms` for a child to leave. */
static bool
leaves(struct child *child, uint64_t within_ms, int *ret_status)
{
	uint64_t end_us = clock_mono_us() + within_ms * 1000;

	for (;;) {
		pid_t pid = waitpid(child->pid, ret_status, WNOHANG);

		if (pid != 0)
			return true;
		if (clock_mono_us() >= end_us)
			return false;
		(void)usleep(2000); /* a child that ends has no other sign */
	}
}

static void
end(struct child *child, uint64_t within_ms)
{
	int status = 0;

	if (child->pid == 0)
		return;
	if (!leaves(child, within_ms, &status)) {
		(void)kill(child->pid, SIGKILL); /* it may be gone just now */
		(void)waitpid(child->pid, &status, 0);
	}
	if (status != 0)
		log_event(LOG_WARN, "child ended", "role", names[child->role],
		    "how", WIFSIGNALED(status) ? "signal" : "status", NULL);
	close(child->life);
	child->pid = 0;
	child->life = -1;
}

/* Fronts first, so that keeper and signer finish what came in. */
static void
stop_orderly(struct parent *parent)
{
	static const server_role order[] = { SERVER_FRONT, SERVER_KEEPER,
		SERVER_SIGNER };

	for (size_t r = 0; r < sizeof(order) / sizeof(order[0]); r++) {
		for (uint32_t i = 0; i < parent->count; i++)
			if (parent->children[i].role == order[r])
				life_stop(parent->children[i].life);
		for (uint32_t i = 0; i < parent->count; i++)
			if (parent->children[i].role == order[r])
				end(&parent->children[i], STOP_WITHIN_MS);
	}
	parent->count = 0;
}

/*
 * The signer leaves by itself when the keeper is gone. It is not killed at
 * once: SoftHSM writes its token's file anew at every login, in place, and a
 * kill in this moment loses the token.
 */
static void
stop_at_once(struct parent *parent)
{
	for (uint32_t i = 0; i < parent->count; i++) {
		struct child *child = &parent->children[i];

		if (child->pid == 0)
			continue;
		if (child->role == SERVER_SIGNER)
			life_stop(child->life);
		else
			(void)kill(child->pid, SIGKILL);
	}
	for (uint32_t i = 0; i < parent->count; i++) {
		struct child *child = &parent->children[i];

		end(child, child->role == SERVER_SIGNER ? SIGNER_WITHIN_MS : 0);
	}
	parent->count = 0;
}

/* ---- watching ---- */

static bool
all_ready(const struct parent *parent)
{
	for (uint32_t i = 0; i < parent->count; i++)
		if (!parent->children[i].ready)
			return false;
	return true;
}

static void
on_life(void *context)
{
	struct parent *parent = context;
	bool news = false;

	for (uint32_t i = 0; i < parent->count; i++) {
		struct child *child = &parent->children[i];
		life_word word = life_poll(child->life);

		if (word == LIFE_GONE) {
			loop_stop(parent->loop);
			return;
		}
		if (word == LIFE_READY && !child->ready)
			child->ready = news = true;
	}
	if (news && all_ready(parent))
		log_event(LOG_INFO, "serving", "listen", parent->config->listen,
		    NULL);
}

static void
on_stop(void *context)
{
	struct parent *parent = context;

	parent->stopping = true;
	loop_stop(parent->loop);
}

/* Until one of them dies or we are told to stop. */
static hm_err
watch_children(struct parent *parent)
{
	struct watch *watches[CHILDREN_MAX] = { 0 };
	hm_err err = HM_OK;

	for (uint32_t i = 0; err == HM_OK && i < parent->count; i++)
		err = watch_read(parent->loop, parent->children[i].life,
		    on_life, parent, &watches[i]);
	if (err == HM_OK)
		err = loop_run(parent->loop);
	for (uint32_t i = 0; i < parent->count; i++)
		watch_free(watches[i]);
	return err;
}

/* Did somebody kill it? Its end of the life goes before it does. */
static bool
was_killed(const struct child *child)
{
	uint64_t end_us = clock_mono_us() + DYING_MS * 1000;
	siginfo_t info = { 0 };
	life_word word = LIFE_READY;

	while (child->pid != 0 && word == LIFE_READY)
		word = life_poll(child->life);
	if (word != LIFE_GONE)
		return false;
	while (waitid(P_PID, (id_t)child->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0 && clock_mono_us() < end_us)
		(void)usleep(2000); /* a child that ends has no other sign */
	return info.si_pid != 0 && info.si_code == CLD_KILLED &&
	       info.si_status == SIGKILL;
}

/*
 * A server that never came up says so at once, instead of trying for ever:
 * unless one of its processes was killed, which is no fault of the set-up.
 */
static bool
may_come_up(struct parent *parent)
{
	parent->came_up = parent->came_up || all_ready(parent);
	for (uint32_t i = 0; i < parent->count; i++)
		if (was_killed(&parent->children[i]))
			return true;
	return parent->came_up;
}

static void
wait_before_restart(struct parent *parent)
{
	if (clock_mono_us() - parent->started_us > STEADY_US)
		parent->pause_ms = PAUSE_MIN_MS;
	(void)usleep(parent->pause_ms * 1000); /* a signal may cut it short */
	parent->pause_ms = parent->pause_ms * 2 > PAUSE_MAX_MS
			       ? PAUSE_MAX_MS
			       : parent->pause_ms * 2;
}

static hm_err
serve(struct parent *parent, struct why *why)
{
	while (!parent->stopping) {
		hm_err err = start(parent);
		bool again;

		if (err == HM_OK)
			err = watch_children(parent);
		if (parent->stopping)
			break;
		again = may_come_up(parent);
		log_event(LOG_ERROR, "restart", "why", "a process died", NULL);
		stop_at_once(parent);
		if (!again)
			return WHY(why, HM_E_WORKER,
			    "a process of the server could not start: the log "
			    "above says why");
		wait_before_restart(parent);
	}
	stop_orderly(parent);
	return HM_OK;
}

static hm_err
listen_all(struct parent *parent, struct why *why)
{
	parent->fronts = server_fronts(parent->config);
	for (uint32_t i = 0; i < parent->fronts; i++) {
		HM_TRY(net_listen(
		    parent->config->listen, &parent->listeners[i], why));
		if (has_devices(parent))
			HM_TRY(net_listen(parent->config->devices.listen,
			    &parent->devices[i], why));
	}
	return HM_OK;
}

hm_err
parent_run(const struct server_config *config, const char *config_path,
    struct why *why)
{
	static struct parent parent;
	struct watch *term = NULL, *interrupt = NULL;
	hm_err err;

	parent = (struct parent){
		.config = config, .path = config_path, .pause_ms = PAUSE_MIN_MS
	};
	HM_TRY(secret_load(config->token.pin, &parent.pin, why));
	process_take_turns();
	err = listen_all(&parent, why);
	if (err == HM_OK)
		err = loop_new(&parent.loop);
	if (err == HM_OK)
		err =
		    watch_signal(parent.loop, SIGTERM, on_stop, &parent, &term);
	if (err == HM_OK)
		err = watch_signal(
		    parent.loop, SIGINT, on_stop, &parent, &interrupt);
	if (err == HM_OK)
		err = serve(&parent, why);
	stop_at_once(&parent);
	loop_free(parent.loop);
	secret_done(&parent.pin);
	return err;
}
