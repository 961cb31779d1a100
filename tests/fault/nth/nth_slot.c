/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth_slot - the process of a slot, and another of its calls that fails
 *
 * The device is the device library at the other end of the slot's socket, the
 * server a front and a keeper (world.h), neither of which fails. A unit that is
 * on HOLD or FAILs is inserted again, as an operator does; a slot that ended is
 * started again, as the line does.
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <signal.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "core/check.h"
#include "crypto/init.h"
#include "fault.h"
#include "hallmark/agent.h"
#include "hallmark/link.h"
#include "station/event.h"
#include "station/slot.h"
#include "world.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define TRIES 6

static struct station_config config;
static char folder[64], socket_path[108];
static int line[2];   /* [0]: ours, [1]: the slot's */
static int finger[2]; /* a byte puts the device in; end of file ends it */
static pid_t slot;    /* 0: none */

/* ---- the device ---- */

static int
put_in(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, socket_path, sizeof(address.sun_path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		return fd;
	close(fd);
	return -1;
}

/* From insertion to removal. */
static void
be_connected(int fd)
{
	static uint8_t room[HM_SERVE_ROOM], bytes[4096];
	static struct hm_agent agent;
	static struct hm_serve serve;
	ssize_t got;

	MUST(hm_agent_init(&agent));
	hm_serve_init(&serve, &agent, (struct hm_span){ room, sizeof(room) });
	chip.out_len = 0;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		MUST(hm_serve_feed(
		    &serve, (struct hm_bytes){ bytes, (size_t)got }));
		if (chip.out_len > 0 &&
		    send(fd, chip.out, chip.out_len, MSG_NOSIGNAL) < 0)
			return;
		chip.out_len = 0;
	}
}

static void
be_device(void)
{
	char byte;
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(finger[1]);
	world_chip();
	while (read(finger[0], &byte, 1) == 1) {
		fd = put_in();
		if (fd < 0)
			continue; /* the slot has ended meanwhile */
		be_connected(fd);
		close(fd);
	}
	_exit(0);
}

static void
start_device(void)
{
	pid_t pid;

	hm_assert(pipe2(finger, O_CLOEXEC) == 0);
	pid = fork();
	hm_assert(pid >= 0);
	if (pid == 0)
		be_device();
	close(finger[0]);
}

/* ---- the slot ---- */

static hm_err
be_slot(void *context)
{
	struct why why = { 0 };
	hm_err err;

	(void)context;
	close(line[0]);
	err = slot_run(&config, "PO-1", 0, line[1], &why);
	if (err != HM_OK)
		log_failure(LOG_ERROR, "end", err, &why, NULL);
	return err;
}

static void
start_slot(void)
{
	MUST(channel_pair(line, NULL));
	slot = fault_start(be_slot, NULL);
	close(line[1]);
}

static void
bury(void)
{
	hm_err err = fault_reap(slot);

	slot = 0;
	close(line[0]);
	if (!fault_fired())
		fault_lost("the slot ended without a fault: HM-%04d", err);
}

/* What it says next; false: it has ended. */
static bool
hear(struct station_event *ret)
{
	struct hm_span room = { (uint8_t *)ret, sizeof(*ret) };
	size_t len;

	return channel_recv(line[0], room, CHANNEL_FOREVER, &len, NULL) ==
		   HM_OK &&
	       len == sizeof(*ret);
}

static void
stop_slot(void)
{
	struct station_event event;
	hm_err err;

	/* It may have gone already. */
	HM_LOSE(channel_send(line[0], HM_LITERAL("S"), CHANNEL_FOREVER, NULL));
	while (hear(&event))
		continue;
	err = fault_reap(slot);
	slot = 0;
	close(line[0]);
	if (err != HM_OK && !fault_fired())
		fault_lost("the slot did not end in order: HM-%04d", err);
}

/* ---- a life ---- */

/* What became of the unit that is put in now. UNIT_EMPTY: the slot ended. */
static unit_state
watch_unit(struct station_event *ret)
{
	bool is_in = false;

	while (hear(ret)) {
		if (ret->state == UNIT_EMPTY && !is_in)
			hm_assert(write(finger[1], "i", 1) == 1);
		is_in |= ret->state == UNIT_EMPTY;
		if (ret->state == UNIT_RUN || ret->state == UNIT_EMPTY)
			continue;
		return ret->state;
	}
	return UNIT_EMPTY;
}

/* The slot could not tell that it passed, and the line held it. */
static bool
is_made_untold(const struct station_event *event)
{
	return fault_fired() && event->state == UNIT_FAIL &&
	       event->err == HM_E_ALREADY_MADE;
}

static void
make_one(struct station_event *ret)
{
	for (int i = 0; i < TRIES; i++) {
		unit_state state;

		if (slot == 0)
			start_slot();
		state = watch_unit(ret);
		if (state == UNIT_PASS || is_made_untold(ret))
			return;
		if (!fault_fired())
			fault_lost("state %d: HM-%04d", (int)state, ret->err);
		if (state == UNIT_EMPTY) {
			bury();
			continue;
		}
		if (!err_is_known(ret->err) || ret->err == HM_OK)
			fault_lost("HOLD or FAIL for no reason");
		if (i > 1)
			stop_slot();
	}
	fault_lost("it does not pass: HM-%04d", ret->err);
}

static unsigned files_seen;

static int
see_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	files_seen += kind == FTW_F && st->st_size > 0;
	return 0;
}

/* The five of the one unit (records.h). */
static void
check_records(void)
{
	files_seen = 0;
	hm_assert(nftw(config.records, see_file, 4, FTW_PHYS) == 0);
	if (files_seen != 5)
		fault_lost("%u files of records", files_seen);
}

static unsigned
number_of(const struct net_answer *answer, const char *key)
{
	char *at = memmem(answer->body.ptr, answer->body.len, key, strlen(key));

	hm_assert(at != NULL);
	return (unsigned)strtoul(at + strlen(key), NULL, 10);
}

struct counts {
	unsigned used, reserved, confirmed;
};

static struct counts
count(void)
{
	AUTO(net_answer) struct net_answer got = { 0 };
	struct net_client_config as = { .url = world.url,
		.ca = world.ca,
		.certificate = world.station_cert,
		.key = world.station_key };
	struct net_client *client;

	MUST(net_client_new(&as, &client, NULL));
	MUST(net_client_get(client, "/v1/order/PO-1", &got, NULL));
	net_client_free(client);
	hm_assert(got.status == 200);
	return (struct counts){ number_of(&got, "\"used\":"),
		number_of(&got, "\"reserved\":"),
		number_of(&got, "\"confirmed\":") };
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
configure(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(folder, sizeof(folder), "%s/nth-slot-XXXXXX",
	    parent ? parent : "/tmp");
	hm_assert(mkdtemp(folder) != NULL);
	config = (struct station_config){ .name = "st-a",
		.server = { .deadline_ms = 4000, .patience_ms = 300 },
		.device_timeout_ms = 2000,
		.slots = { { .name = "A1" } },
		.slot_count = 1 };
	strcpy(config.server.url, world.url);
	strcpy(config.server.ca, world.ca);
	strcpy(config.server.certificate, world.station_cert);
	strcpy(config.server.key, world.station_key);
	MUST(path_join(
	    config.journal, sizeof(config.journal), folder, "journal"));
	MUST(path_join(
	    config.records, sizeof(config.records), folder, "records"));
	MUST(file_mkdir(config.journal, 0700, NULL));
	MUST(file_mkdir(config.records, 0700, NULL));
	(void)snprintf(socket_path, sizeof(socket_path), "%s/slot", folder);
	(void)snprintf(config.slots[0].link, sizeof(config.slots[0].link),
	    "unix:%s", socket_path);
}

static void
live(void)
{
	struct counts before = count(), after;
	struct station_event event = { 0 };

	configure();
	start_device();
	make_one(&event);
	check_records();
	if (slot != 0)
		stop_slot();
	close(finger[1]);
	after = count();
	if (after.used != before.used + 1 || after.reserved != 0 ||
	    after.confirmed != before.confirmed + 1)
		fault_lost("used %u -> %u, reserved %u, confirmed %u -> %u",
		    before.used, after.used, after.reserved, before.confirmed,
		    after.confirmed);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
prepare(void)
{
	log_init("slot", LOG_INFO);
	MUST(crypto_init());
	world_start();
	MUST(world_front_start(false));
}

static const struct fault_class classes[] = {
	{ "malloc", NULL, 0, false },
	{ "malloc", "libcrypto", 8, false },
	{ "malloc", "libssl", 0, false },
	{ "send", NULL, 0, false },
	{ "read", NULL, 0, false },
	{ "write", NULL, 0, false },
	{ "read", "libcrypto", 0, false },
	{ "write", "libcrypto", 0, false },
	{ "poll", NULL, 0, false },
	{ "accept", NULL, 0, false },
	{ "open", NULL, 0, false },
	{ "fsync", NULL, 0, false },
	{ "rename", NULL, 0, false },
	{ "random", NULL, 0, false },
	{ 0 },
};

int
main(int argc, char **argv)
{
	static const struct fault_part part = { .name = "slot",
		.classes = classes,
		.life_s = 60,
		.prepare = prepare,
		.life = live,
		.finish = world_stop };

	return fault_main(&part, argc, argv);
}
