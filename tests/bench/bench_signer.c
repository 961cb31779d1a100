/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_signer - devices per second and CPU time of the signer alone
 *
 * The real signer with SoftHSM, in this process; the main thread plays the
 * keeper: 32 devices under way, and a checkpoint for each 32. Its own CPU time
 * is not counted. One JSON line a figure. For a token that takes its time, the
 * limit is what its sessions can sign in the same run, when as many threads do
 * nothing else; `nominal` is what they could if it kept its time. SOFTHSM,
 *P11SHIM and P11SHIM_MODULE name the modules:
 *
 *	SOFTHSM=/usr/lib/softhsm/libsofthsm2.so P11SHIM_MODULE=$SOFTHSM \
 *	P11SHIM=tests/fault/p11shim.so tests/bench/bench_signer [THREADS]
 */
#include "../unit/server/oem.h"

#include <time.h>

#include "base/clock.h"
#include "base/process.h"
#include "server/signer/crew.h"

#define DEVICES 4096
#define WINDOW 32
#define ROUNDS 5

static struct signer signer;
static struct crew *crew;
static struct ask_sign_issue asks[DEVICES];
static int keeper, own;

static double
cpu_us(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Of the signer's threads. */
static double
signer_cpu_us(void)
{
	return cpu_us(CLOCK_PROCESS_CPUTIME_ID) -
	       cpu_us(CLOCK_THREAD_CPUTIME_ID);
}

static void *
run(void *context)
{
	(void)context;
	assert_int_equal(crew_run(crew), HM_OK);
	return NULL;
}

static void
send_ask(ask_kind kind, const void *body, struct hm_bytes tail)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	struct hm_span space = { room, sizeof(room) };
	size_t len;

	assert_int_equal(ask_request(kind, 1, body, tail, space, &len), HM_OK);
	assert_int_equal(channel_send(keeper, (struct hm_bytes){ room, len },
			     CHANNEL_FOREVER, NULL),
	    HM_OK);
}

static void
take_answer(void)
{
	static uint8_t room[ASK_MESSAGE_MAX] __attribute__((aligned(8)));
	struct hm_span space = { room, sizeof(room) };
	struct hm_bytes got = { room, 0 }, tail;
	struct ask_head head;
	const void *body;

	assert_int_equal(
	    channel_recv(keeper, space, CHANNEL_FOREVER, &got.len, NULL),
	    HM_OK);
	assert_int_equal(ask_check_answer(got, &head, &body, &tail), HM_OK);
	assert_int_equal(head.err, HM_OK);
}

static void
load(const struct hm_object *object, uint8_t *ret_digest)
{
	oem_sign(authority, object);
	sha256_one(buf_bytes(&message), ret_digest);
	send_ask(ASK_SIGN_LOAD, NULL, buf_bytes(&message));
	take_answer();
}

static void
open_order(void)
{
	static uint8_t digest[HM_DIGEST_LEN];

	oem_fill();
	order.order.quota = DEVICES;
	load(&product, order.order.product);
	load(&release, order.order.release);
	load(&order, digest);
	for (uint32_t i = 0; i < DEVICES; i++) {
		memcpy(asks[i].order, digest, sizeof(digest));
		asks[i].issued_s = clock_now_s();
	}
}

static void
start(const char *module, uint32_t sessions, uint32_t threads,
    pthread_t *ret_runner)
{
	static struct signer_options options;
	struct crew_options crew_options = { .workers = threads,
		.lost_max = 8,
		.limit_ms = 10000,
		.answered_us = &signer.keys.answered_us,
		.blocking = &signer.keys.blocking,
		.context = &signer,
		.begin = answer_begin,
		.end = answer_end,
		.needs_token = answer_needs_token,
		.answer = answer_make };
	struct secret pin = soft_pin;
	int pair[2];

	options = oem_options(module);
	options.sessions = sessions;
	assert_int_equal(answer_open(&options, &pin, &signer, NULL), HM_OK);
	assert_int_equal(channel_pair(pair, NULL), HM_OK);
	keeper = pair[0];
	own = crew_options.channel = pair[1];
	assert_int_equal(crew_start(&crew_options, &crew), HM_OK);
	assert_int_equal(pthread_create(ret_runner, NULL, run, NULL), 0);
	open_order();
}

static void
stop(pthread_t runner)
{
	close(keeper);
	assert_int_equal(pthread_join(runner, NULL), 0);
	assert_int_equal(crew_stop(crew, 10000), HM_OK);
	close(own);
	answer_close(&signer);
}

static void
make_devices(uint32_t count)
{
	static const struct ask_sign_checkpoint checkpoint = { .size = 1 };
	struct hm_bytes none = { 0 };
	uint32_t out = 0;

	for (uint32_t i = 0; i < count; i++) {
		asks[i].number = i;
		send_ask(ASK_SIGN_ISSUE, &asks[i], none);
		out++;
		if (i % WINDOW == WINDOW - 1) {
			send_ask(ASK_SIGN_CHECKPOINT, &checkpoint, none);
			out++;
		}
		for (; out > WINDOW; out--)
			take_answer();
	}
	for (; out > 0; out--)
		take_answer();
}

/* ---- the limit ---- */

#define BARE 160 /* signatures of a thread */

static void *
sign_bare(void *context)
{
	static const uint8_t digest[32] = { 1 };
	uint8_t signature[64];

	(void)context;
	for (int i = 0; i < BARE; i++)
		assert_int_equal(token_sign(signer.keys.stamp.key,
				     HM_BYTES(digest), signature, 64),
		    HM_OK);
	return NULL;
}

/* Signatures per second of that many sessions at once. */
static double
bare_per_second(uint32_t sessions)
{
	pthread_t threads[SIGNER_SESSIONS_MAX];
	uint64_t begin_us = clock_mono_us();

	for (uint32_t i = 0; i < sessions; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, sign_bare, NULL), 0);
	for (uint32_t i = 0; i < sessions; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	return BARE * sessions * 1e6 / (double)(clock_mono_us() - begin_us);
}

struct figures {
	double per_second, signatures, cpu_us;
};

/* `count` devices, by so many threads. */
static struct figures
time_devices(uint32_t count)
{
	struct figures ret;
	uint64_t begin_us;
	double s;

	make_devices(256); /* caches, and threads that know their way */
	begin_us = clock_mono_us();
	ret.cpu_us = signer_cpu_us();
	make_devices(count);
	ret.cpu_us = (signer_cpu_us() - ret.cpu_us) / count;
	s = (double)(clock_mono_us() - begin_us) / 1e6;
	ret.per_second = count / s;
	ret.signatures = (2.0 * count + (double)(count / WINDOW)) / s;
	return ret;
}

/* A token as fast as the processor: what more threads cost. The best of some
 * rounds, taken in turn, because the machine has other work. */
static void
measure_threads(void)
{
	static const uint32_t threads[] = { 1, 2, 3, SIGNER_WORKERS(8) };
	struct figures best[4] = { 0 };
	pthread_t runner;

	soft_control("");
	for (size_t i = 0; i < 4 * ROUNDS; i++) {
		struct figures *one = &best[i % 4], now;

		start(getenv("SOFTHSM"), 8, threads[i % 4], &runner);
		now = time_devices(DEVICES);
		stop(runner);
		if (one->cpu_us == 0 || now.cpu_us < one->cpu_us)
			one->cpu_us = now.cpu_us;
		if (now.per_second > one->per_second)
			one->per_second = now.per_second;
	}
	for (size_t i = 0; i < 4; i++)
		printf("{\"bench\":\"signer\",\"threads\":%u,"
		       "\"per_second\":%.0f,\"cpu_us_per_device\":%.1f}\n",
		    threads[i], best[i].per_second, best[i].cpu_us);
	fflush(stdout);
}

static void
measure_slow(uint32_t sessions, uint32_t delay_ms, uint32_t count)
{
	struct figures now;
	char orders[64];
	pthread_t runner;
	double limit;

	(void)snprintf(orders, sizeof(orders),
	    "C_Sign delay_ms %u\nsessions %u", delay_ms, sessions);
	soft_control(orders);
	start(getenv("P11SHIM"), sessions, SIGNER_WORKERS(sessions), &runner);
	now = time_devices(count);
	limit = bare_per_second(sessions);
	stop(runner);
	printf("{\"bench\":\"signer\",\"sessions\":%u,\"delay_ms\":%u,"
	       "\"per_second\":%.0f,\"cpu_us_per_device\":%.1f,"
	       "\"signatures_per_second\":%.0f,\"limit\":%.0f,"
	       "\"ratio_to_limit\":%.3f,\"ratio_to_nominal\":%.3f}\n",
	    sessions, delay_ms, now.per_second, now.cpu_us, now.signatures,
	    limit, now.signatures / limit,
	    now.signatures / (sessions * 1000.0 / delay_ms));
	fflush(stdout);
}

/* For a profiler. */
static void
measure_one(uint32_t threads)
{
	struct figures now;
	pthread_t runner;

	soft_control("");
	start(getenv("SOFTHSM"), 8, threads, &runner);
	for (int i = 0; i < ROUNDS; i++) {
		now = time_devices(DEVICES);
		printf("{\"bench\":\"signer\",\"threads\":%u,"
		       "\"per_second\":%.0f,\"cpu_us_per_device\":%.1f}\n",
		    threads, now.per_second, now.cpu_us);
	}
	stop(runner);
}

int
main(int argc, char **argv)
{
	void *state = NULL;

	oem_s = clock_now_s();
	assert_int_equal(oem_start(&state), 0);
	for (uint32_t i = 0; i < DEVICES; i++) {
		oem_fill_ask(&asks[i]);
		oem_prove(&asks[i]);
	}
	if (argc > 1) {
		measure_one((uint32_t)strtoul(argv[1], NULL, 10));
		return oem_stop(&state);
	}
	measure_threads();
	measure_slow(1, 5, 256);
	measure_slow(8, 5, DEVICES);
	measure_slow(16, 5, DEVICES);
	measure_slow(8, 50, 512);
	return oem_stop(&state);
}
