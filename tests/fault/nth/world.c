/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attest/nonce.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "ca/ca.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "fault.h"
#include "server/front/front.h"
#include "server/life.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define DAY UINT64_C(86400)
#define QUOTA 900000

_Static_assert(T0 == FAULT_NOW_S, "one clock");

struct world world;

static struct secret nonce_key = { .len = NONCE_KEY_LEN };
static int channel[2]; /* [0]: the keeper's, [1]: a front's */
static int life[2];    /* [0]: ours, [1]: the front's */
static pid_t front;    /* 0: none */

/* Dates of certificates are looked at by OpenSSL. */
time_t
time(time_t *ret)
{
	if (ret != NULL)
		*ret = (time_t)T0;
	return (time_t)T0;
}

/* ---- files ---- */

static void
write_file(const char *name, struct hm_bytes bytes, char *ret_path)
{
	MUST(path_join(ret_path, WORLD_FILE_MAX, world.folder, name));
	MUST(file_write(ret_path, bytes, 0600, NULL));
}

static void
write_pem(const char *name, struct hm_bytes der, char *ret_path)
{
	AUTO(buf) struct buf pem = { .max = 8192 };

	MUST(pem_format("CERTIFICATE", der, &pem));
	write_file(name, buf_bytes(&pem), ret_path);
}

static void
write_key(const char *name, const struct p256_pair *pair, char *ret_path)
{
	uint8_t pem[512];
	size_t len;

	MUST(p256_pair_pem(pair, (struct hm_span){ pem, sizeof(pem) }, &len));
	write_file(name, (struct hm_bytes){ pem, len }, ret_path);
}

static void
write_certificate(const char *name, ca_profile profile,
    const struct p256_pair *pair, char *ret_path)
{
	static const char *const hosts[] = { "127.0.0.1", NULL };
	AUTO(buf) struct buf der = { .max = 4096 };
	uint8_t point[HM_POINT_LEN];
	struct ca_request request = { .profile = profile,
		.common_name = "one of the world",
		.public_key = HM_BYTES(point),
		.not_before_s = T0 - DAY,
		.not_after_s = T0 + 300 * DAY,
		.hosts = profile == CA_SERVER ? hosts : NULL };

	p256_pair_point(pair, point);
	MUST(ca_make(&world.plant.play.ca, &request, &der, NULL));
	write_pem(name, buf_bytes(&der), ret_path);
}

static void
write_files(void)
{
	struct p256_pair *server;

	MUST(p256_pair_new(&server));
	write_pem("ca.pem", world.plant.play.ca.certificate, world.ca);
	write_key("server.key", server, world.server_key);
	write_certificate("server.pem", CA_SERVER, server, world.server_cert);
	write_key("station.key", world.plant.st_a, world.station_key);
	write_certificate(
	    "station.pem", CA_STATION, world.plant.st_a, world.station_cert);
	p256_pair_free(server);
}

/* ---- the keeper ---- */

static void
answer(struct hm_bytes ask)
{
	struct said said = { 0 };
	struct buf message = { .max = ASK_MESSAGE_MAX };

	MUST(buf_add(&message, ask));
	MUST(plant_batch(&world.plant, &message, 1, &said));
	MUST(channel_send(
	    channel[0], buf_bytes(&said.message), CHANNEL_FOREVER, NULL));
	said_done(&said);
	buf_done(&message);
}

static _Noreturn void
be_keeper(void)
{
	static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
	struct hm_span space = { room, sizeof(room) };
	size_t len;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(channel[1]);
	MUST(plant_reopen(&world.plant, NULL));
	plant_settle(&world.plant);
	while (channel_recv(channel[0], space, CHANNEL_FOREVER, &len, NULL) ==
	       HM_OK)
		answer((struct hm_bytes){ room, len });
	plant_done(&world.plant);
	_exit(0);
}

void
world_start(void)
{
	const char *parent = getenv("TMPDIR");
	char address[NET_ADDRESS_LEN];

	(void)signal(SIGPIPE, SIG_IGN);
	plant_new(&world.plant, QUOTA);
	plant_close(&world.plant);
	(void)snprintf(world.folder, sizeof(world.folder), "%s/nth-XXXXXX",
	    parent ? parent : "/tmp");
	hm_assert(mkdtemp(world.folder) != NULL);
	write_files();
	MUST(random_bytes((struct hm_span){ nonce_key.bytes, nonce_key.len }));
	MUST(channel_pair(channel, NULL));
	world.keeper = channel[1];
	world.keeper_pid = fork();
	hm_assert(world.keeper_pid >= 0);
	if (world.keeper_pid == 0)
		be_keeper();
	close(channel[0]);
	MUST(net_listen("127.0.0.1:0", &world.listener, NULL));
	MUST(net_local_address(world.listener, address));
	(void)snprintf(world.url, sizeof(world.url), "https://%s", address);
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
world_stop(void)
{
	int status;

	if (front != 0)
		(void)world_front_stop(); /* it has done its part */
	close(channel[1]);
	close(world.listener);
	hm_assert(waitpid(world.keeper_pid, &status, 0) == world.keeper_pid);
	hm_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)nftw(world.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A front that went may have left asks behind: they are answered before this
 * one is. */
struct ask_order_answer
world_counts(void)
{
	static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
	static uint64_t last_id = UINT64_MAX / 2;
	struct hm_span space = { room, sizeof(room) };
	struct ask_order ask = { .order = "PO-1" };
	struct ask_order_answer ret;
	struct hm_bytes tail;
	struct ask_head head;
	const void *body;
	size_t len;

	p256_pair_point(world.plant.auditor, ask.peer);
	MUST(ask_request(
	    ASK_ORDER, ++last_id, &ask, (struct hm_bytes){ 0 }, space, &len));
	MUST(channel_send(
	    channel[1], (struct hm_bytes){ room, len }, CHANNEL_FOREVER, NULL));
	do {
		MUST(channel_recv(
		    channel[1], space, CHANNEL_FOREVER, &len, NULL));
		MUST(ask_check_answer(
		    (struct hm_bytes){ room, len }, &head, &body, &tail));
	} while (head.id != last_id);
	MUST((hm_err)head.err);
	memcpy(&ret, body, sizeof(ret));
	return ret;
}

/* ---- a front ---- */

static hm_err
be_front(void *context)
{
	struct front_options options = { .keeper = channel[1],
		.listener = world.listener,
		.devices = -1,
		.life = life[1],
		.tls = { .certificate = world.server_cert,
		    .key = world.server_key,
		    .client_ca = world.ca } };
	struct why why = { 0 };
	hm_err err;

	(void)context;
	close(life[0]);
	err = front_run(&options, &nonce_key, &why);
	if (err != HM_OK)
		log_failure(LOG_ERROR, "end", err, &why, NULL);
	return err;
}

static hm_err
bury(void)
{
	hm_err err = fault_reap(front);

	front = 0;
	close(life[0]);
	(void)world_counts(); /* nothing of it is left in the channel */
	return err;
}

hm_err
world_front_start(bool under_test)
{
	struct pollfd ready = { .events = POLLIN };

	MUST(channel_pair(life, NULL));
	front = under_test ? fault_start(be_front, NULL)
			   : fault_start_around(be_front, NULL);
	close(life[1]);
	ready.fd = life[0];
	hm_assert(poll(&ready, 1, -1) == 1);
	return life_poll(life[0]) == LIFE_READY ? HM_OK : bury();
}

hm_err
world_front_stop(void)
{
	life_stop(life[0]);
	return bury();
}

bool
world_front_runs(void)
{
	struct pollfd gone = { .fd = life[0], .events = POLLIN };

	if (front == 0)
		return false;
	if (poll(&gone, 1, 0) == 0)
		return true;
	(void)bury(); /* looked at what it was */
	return false;
}

/* ---- a chip ---- */

void
world_chip(void)
{
	uint8_t point[HM_POINT_LEN];
	uint64_t seed;

	p256_pair_point(world.plant.play.stamp, point);
	MUST(random_bytes((struct hm_span){ (uint8_t *)&seed, sizeof(seed) }));
	memport_reset(seed, point);
	memcpy(
	    chip.release, world.plant.release.images[0].digest, HM_DIGEST_LEN);
	chip.counter = world.plant.release.counter;
	chip.lock = HM_LOCK_CLOSED;
}
