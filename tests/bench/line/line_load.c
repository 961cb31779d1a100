/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one epoll. A slot is a station's device holder: one connection,
 * one device at a time. Whatever is looked at closely is put aside and verified
 * when the clock has stopped.
 */
#include "line.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "line_http.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/entry.h"
#include "wire/problem.h"
#include "wire/stamp.h"

#define SAMPLE_EACH 64
#define STALL_S 60 /* without any answer */

typedef enum slot_step {
	SLOT_IDLE,
	SLOT_CHALLENGE,
	SLOT_ISSUE,
	SLOT_CONFIRM,
} slot_step;

struct slot {
	struct line_conn conn;
	SSL_CTX *ctx; /* borrowed */
	uint32_t number;
	uint32_t events; /* that epoll waits for */
	slot_step step;
	const struct line_device *device;
	struct line_sample *sample; /* NULL: this one is none */
	uint8_t binding[HM_DIGEST_LEN];
	uint64_t due_us, sent_us;
};

/* Times of one kind, in us. */
struct times {
	uint32_t *us;
	size_t count, room;
};

struct line_load {
	struct line_world *world;
	const struct line_options *options;
	int epoll;
	SSL_CTX *ctx[LINE_CREDENTIALS];
	struct slot *slots;
	/* Of the stretch under way: */
	const struct line_stretch *stretch;
	struct line_result *result;
	struct line_sample *samples;
	size_t sample_count;
	struct times issue, whole;
	uint8_t *sizes; /* a bit for each size of a checkpoint that was seen */
	size_t sizes_room;
	uint64_t leaves, start_us, end_us, next_us, late_us, heard_us;
	uint32_t busy;
	bool over; /* no new devices */
};

static void
note_time(struct times *times, uint64_t us)
{
	if (times->count == times->room) {
		times->room = times->room == 0 ? 65536 : 2 * times->room;
		times->us = realloc(times->us, times->room * sizeof(uint32_t));
		if (times->us == NULL)
			line_fail("no memory");
	}
	times->us[times->count++] = (uint32_t)us;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
percentiles(struct times *times, double ret_ms[static 3])
{
	static const double at[3] = { 0.5, 0.99, 0.999 };

	if (times->count == 0)
		return;
	qsort(times->us, times->count, sizeof(uint32_t), by_size);
	for (int i = 0; i < 3; i++)
		ret_ms[i] =
		    times->us[(size_t)(at[i] * (double)(times->count - 1))] /
		    1e3;
	free(times->us);
	*times = (struct times){ 0 };
}

/* ---- what answers say ---- */

/* Each commit has a checkpoint, and each receipt ends with one. */
static void
note_commit(struct line_load *load, struct hm_bytes receipt)
{
	const char *origin = load->world->log.name;
	size_t len = strlen(origin), size;
	const char *at = memmem(receipt.ptr, receipt.len, origin, len);

	if (at == NULL)
		line_fail("a receipt of another log");
	size = strtoul(at + len + 1, NULL, 10);
	if (size / 8 >= load->sizes_room) {
		size_t room = 2 * (size / 8) + 65536;

		load->sizes = realloc(load->sizes, room);
		if (load->sizes == NULL)
			line_fail("no memory");
		memset(
		    load->sizes + load->sizes_room, 0, room - load->sizes_room);
		load->sizes_room = room;
	}
	load->sizes[size / 8] |= (uint8_t)(1u << (size % 8));
	load->leaves++;
}

static double
commit_size(const struct line_load *load)
{
	uint64_t commits = 0;

	for (size_t i = 0; i < load->sizes_room; i++)
		commits += (uint64_t)__builtin_popcount(load->sizes[i]);
	return commits == 0 ? 0 : (double)load->leaves / (double)commits;
}

static void
keep(struct buf *ret, struct hm_bytes body)
{
	buf_init(ret, LINE_ROOM);
	line_must(buf_add(ret, body), NULL, "sample");
}

/* ---- a device ---- */

static void
post(struct line_load *load, struct slot *slot, const char *path,
    struct hm_bytes body, slot_step step)
{
	int at = 2 * ((int)step - SLOT_CHALLENGE);

	line_conn_post(&slot->conn, path, body);
	slot->step = step;
	slot->sent_us = clock_mono_us();
	load->result->wire[at] = slot->conn.out_len;
}

static void
ask_challenge(struct line_load *load, struct slot *slot)
{
	struct hm_challenge_request request = { HM_LITERAL(LINE_ORDER) };
	uint8_t room[128];
	struct hm_bytes body = { room, 0 };

	line_must(hm_challenge_request_encode(&request,
		      (struct hm_span){ room, sizeof(room) }, &body.len),
	    NULL, "challenge");
	post(load, slot, "/v1/challenge", body, SLOT_CHALLENGE);
}

static void
take_challenge(struct line_load *load, struct slot *slot, struct hm_bytes body)
{
	struct hm_challenge challenge;
	static uint8_t room[5120];
	struct hm_bytes request = { room, 0 };

	line_must(hm_challenge_decode(body, &challenge), NULL, "a challenge");
	request.len =
	    line_issue_request(load->world, slot->device, challenge.nonce,
		slot->binding, (struct hm_span){ room, sizeof(room) });
	post(load, slot, "/v1/issue", request, SLOT_ISSUE);
}

static void
take_stamp(struct line_load *load, struct slot *slot, struct hm_bytes body)
{
	struct hm_issue_answer answer;
	uint8_t stamp[HM_DIGEST_LEN], room[1024];
	struct hm_bytes request = { room, 0 };
	struct hm_entry entry;

	note_time(&load->issue, clock_mono_us() - slot->sent_us);
	line_must(hm_issue_answer_decode(body, &answer), NULL, "an answer");
	line_must(hm_entry_decode(answer.entry, &entry), NULL, "an entry");
	sha256_one(answer.stamp, stamp);
	if (entry.type != HM_ENTRY_ISSUE ||
	    memcmp(entry.issue.stamp, stamp, sizeof(stamp)) != 0 ||
	    memcmp(entry.issue.device_id, slot->device->id, 32) != 0)
		line_fail("an entry is about something else");
	note_commit(load, answer.receipt);
	if (slot->sample != NULL) {
		memcpy(slot->sample->binding, slot->binding, HM_DIGEST_LEN);
		keep(&slot->sample->issue, body);
	}
	request.len = line_confirm_request(load->world, slot->device, stamp,
	    (struct hm_span){ room, sizeof(room) });
	post(load, slot, "/v1/confirm", request, SLOT_CONFIRM);
}

static void
take_receipt(struct line_load *load, struct slot *slot, struct hm_bytes body)
{
	struct hm_confirm_answer answer;
	struct hm_entry entry;
	uint64_t now_us = clock_mono_us();

	line_must(hm_confirm_answer_decode(body, &answer), NULL, "an answer");
	line_must(hm_entry_decode(answer.entry, &entry), NULL, "an entry");
	if (entry.type != HM_ENTRY_CONFIRM ||
	    memcmp(entry.confirm.device_id, slot->device->id, 32) != 0)
		line_fail("an entry is about something else");
	note_commit(load, answer.receipt);
	if (slot->sample != NULL)
		keep(&slot->sample->confirm, body);
	note_time(&load->whole, now_us - slot->due_us);
	load->result->done++;
	slot->step = SLOT_IDLE;
	load->busy--;
}

static _Noreturn void
refused(struct hm_bytes body, int status, slot_step step)
{
	struct hm_problem problem = { 0 };

	HM_LOSE(hm_problem_decode(body, &problem));
	line_fail("the server answers %d, HM-%04d, to step %d", status,
	    (int)problem.err, (int)step);
}

static void
take_answer(struct line_load *load, struct slot *slot)
{
	slot_step step = slot->step;
	struct hm_bytes body;
	int status = line_conn_answer(&slot->conn, &body);

	if (status != 200)
		refused(body, status, step);
	load->result->wire[2 * ((int)step - SLOT_CHALLENGE) + 1] =
	    slot->conn.total;
	load->heard_us = clock_mono_us();
	if (step == SLOT_CHALLENGE)
		take_challenge(load, slot, body);
	else if (step == SLOT_ISSUE)
		take_stamp(load, slot, body);
	else
		take_receipt(load, slot, body);
}

/* ---- connections ---- */

static void
watch(struct line_load *load, struct slot *slot, int how)
{
	struct epoll_event event = { .data = { .ptr = slot } };

	event.events =
	    slot->conn.wants_write ? EPOLLIN | EPOLLOUT : (uint32_t)EPOLLIN;
	if (how == EPOLL_CTL_MOD && event.events == slot->events)
		return;
	slot->events = event.events;
	if (epoll_ctl(load->epoll, how, slot->conn.fd, &event) != 0)
		line_fail("epoll: %s", strerror(errno));
}

static void
open_slot(struct line_load *load, struct slot *slot)
{
	line_conn_open(
	    &slot->conn, slot->ctx, load->world->demo.address, slot->number);
	watch(load, slot, EPOLL_CTL_ADD);
}

/* As far as it goes: an answer is followed by the next request at once. */
static void
go(struct line_load *load, struct slot *slot)
{
	bool was_up = slot->conn.up;
	line_io io = line_conn_go(&slot->conn);

	if (!was_up && slot->conn.up) {
		load->result->handshakes++;
		load->result->resumed +=
		    SSL_session_reused(slot->conn.ssl) == 1;
	}
	while (io == LINE_IO_DONE && slot->step != SLOT_IDLE) {
		take_answer(load, slot);
		if (slot->step != SLOT_IDLE)
			io = line_conn_go(&slot->conn);
	}
	if (io == LINE_IO_CLOSED)
		line_fail("the server hung up in step %d", (int)slot->step);
	if (slot->step == SLOT_IDLE && load->options->reuse != LINE_KEEP)
		line_conn_close(&slot->conn);
	else
		watch(load, slot, EPOLL_CTL_MOD);
}

/* ---- the stretch ---- */

static void
begin(struct line_load *load, struct slot *slot, uint64_t due_us)
{
	uint32_t number = load->result->used++;
	uint64_t now_us = clock_mono_us();

	slot->device = &load->stretch->devices[number];
	slot->sample = NULL;
	if (number % SAMPLE_EACH == 0) {
		slot->sample = &load->samples[load->sample_count++];
		slot->sample->device = slot->device;
	}
	load->busy++;
	slot->due_us = due_us == 0 ? now_us : due_us;
	load->late_us += now_us - slot->due_us;
	if (slot->conn.fd < 0)
		open_slot(load, slot);
	ask_challenge(load, slot);
	if (slot->conn.up)
		go(load, slot);
}

/* The time between two devices is random, so that they come in heaps, too. */
static uint64_t
gap_us(double rate)
{
	double x = (double)(random() % 1000000 + 1) / 1000001.0;

	return (uint64_t)(-log(x) / rate * 1e6);
}

/* Give idle slots what is due. */
static void
feed(struct line_load *load)
{
	const struct line_stretch *stretch = load->stretch;
	uint64_t now_us = clock_mono_us();

	if (stretch->seconds > 0 && now_us >= load->end_us)
		load->over = true;
	for (uint32_t i = 0; i < load->options->stations; i++) {
		struct slot *slot = &load->slots[i];

		if (load->result->used == stretch->count)
			load->over = true;
		if (load->over || (stretch->rate > 0 && load->next_us > now_us))
			return;
		if (slot->step != SLOT_IDLE)
			continue;
		begin(load, slot, stretch->rate > 0 ? load->next_us : 0);
		if (stretch->rate > 0)
			load->next_us += gap_us(stretch->rate);
	}
}

static int
patience_ms(const struct line_load *load)
{
	uint64_t now_us = clock_mono_us();

	if (load->over || load->stretch->rate <= 0 ||
	    load->busy == load->options->stations)
		return 1000;
	return load->next_us <= now_us
		   ? 0
		   : (int)((load->next_us - now_us + 999) / 1000);
}

static void
turn(struct line_load *load)
{
	struct epoll_event events[64];
	int count = epoll_wait(load->epoll, events, 64, patience_ms(load));

	for (int i = 0; i < count; i++) {
		struct slot *slot = events[i].data.ptr;

		if (slot->step != SLOT_IDLE)
			go(load, slot);
		else /* it was idle for too long */
			line_conn_close(&slot->conn);
	}
	if (clock_mono_us() - load->heard_us > STALL_S * UINT64_C(1000000))
		line_fail("no answer for %d s", STALL_S);
	feed(load);
}

/* What the server closed while the devices of this stretch were made. */
static void
close_stale(struct line_load *load)
{
	struct epoll_event events[64];
	int count;

	while ((count = epoll_wait(load->epoll, events, 64, 0)) > 0)
		for (int i = 0; i < count; i++) {
			struct slot *slot = events[i].data.ptr;

			line_conn_close(&slot->conn);
		}
}

static void
verify_samples(struct line_load *load)
{
	for (size_t i = 0; i < load->sample_count; i++) {
		line_sample_verify(load->world, &load->samples[i]);
		line_sample_done(&load->samples[i]);
	}
	free(load->samples);
	free(load->sizes);
	load->samples = NULL;
	load->sizes = NULL;
	load->sizes_room = 0;
}

/*
 * Devices that are under way when the time is over are finished, but the
 * figures end with the time: rate and CPU are those of a line that is busy.
 */
void
line_load_run(struct line_load *load, const struct line_stretch *stretch,
    struct line_result *ret)
{
	struct line_result end;

	*ret = (struct line_result){ 0 };
	load->stretch = stretch;
	load->result = ret;
	load->samples =
	    calloc(stretch->count / SAMPLE_EACH + 1, sizeof(*load->samples));
	if (load->samples == NULL)
		line_fail("no memory");
	load->sample_count = load->leaves = load->late_us = 0;
	load->over = false;
	close_stale(load);
	line_usage_read(load->world, &ret->before);
	load->start_us = load->heard_us = load->next_us = clock_mono_us();
	load->end_us = load->start_us + (uint64_t)(stretch->seconds * 1e6);
	feed(load);
	while (!load->over)
		turn(load);
	end = *ret;
	line_usage_read(load->world, &end.after);
	while (load->busy > 0)
		turn(load);
	ret->after = end.after;
	percentiles(&load->issue, ret->issue_ms);
	percentiles(&load->whole, ret->whole_ms);
	ret->commit_size = commit_size(load);
	ret->late_ms =
	    ret->used == 0 ? 0 : (double)load->late_us / ret->used / 1e3;
	load->world->made += ret->done;
	ret->done = end.done;
	ret->handshakes = end.handshakes;
	ret->resumed = end.resumed;
	ret->wall_s = (end.after.wall_us - ret->before.wall_us) / 1e6;
	verify_samples(load);
}

/* ---- all stations ---- */

struct line_load *
line_load_new(struct line_world *world, const struct line_options *options)
{
	struct line_load *load = calloc(1, sizeof(*load));
	char key[24], certificate[24];

	if (load == NULL)
		line_fail("no memory");
	load->world = world;
	load->options = options;
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->slots = calloc(options->stations, sizeof(*load->slots));
	if (load->epoll < 0 || load->slots == NULL)
		line_fail("no memory");
	for (uint32_t i = 0; i < world->credentials; i++) {
		(void)snprintf(key, sizeof(key), "LINE-%u.key", i);
		(void)snprintf(
		    certificate, sizeof(certificate), "LINE-%u.pem", i);
		load->ctx[i] =
		    line_ctx(certificate, key, options->reuse == LINE_RESUME);
	}
	for (uint32_t i = 0; i < options->stations; i++) {
		load->slots[i].conn.fd = -1;
		load->slots[i].number = i;
		load->slots[i].ctx = load->ctx[i % world->credentials];
	}
	return load;
}

/* A handshake, and nothing after it. */
static void
connect_idle(struct line_load *load, struct line_conn *conn, uint32_t number)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	line_conn_open(conn, load->ctx[number % load->world->credentials],
	    load->world->demo.address, number);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
		line_fail("epoll: %s", strerror(errno));
	while (!conn->up) {
		if (line_conn_go(conn) == LINE_IO_CLOSED)
			line_fail("no connection %u", number);
		event.events = conn->wants_write ? EPOLLOUT : EPOLLIN;
		if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, conn->fd, &event) !=
		    0)
			line_fail("epoll: %s", strerror(errno));
		if (!conn->up)
			(void)epoll_wait(load->epoll, &event, 1, 1000);
	}
	(void)epoll_ctl(load->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
}

double
line_load_idle(struct line_load *load, uint32_t count)
{
	struct line_conn *conns = calloc(count, sizeof(*conns));
	struct line_usage before, after;
	double kib = 0;

	if (conns == NULL)
		line_fail("no memory");
	for (uint32_t i = 0; i < load->options->stations; i++)
		line_conn_close(&load->slots[i].conn);
	line_usage_read(load->world, &before);
	for (uint32_t i = 0; i < count; i++)
		connect_idle(load, &conns[i], i);
	line_usage_read(load->world, &after);
	for (int i = 0; i < LINE_ROLES; i++)
		kib += after.pss_kib[i] - before.pss_kib[i];
	for (uint32_t i = 0; i < count; i++) {
		line_conn_close(&conns[i]);
		SSL_SESSION_free(conns[i].session);
	}
	free(conns);
	return kib / count;
}

void
line_load_free(struct line_load *load)
{
	for (uint32_t i = 0; i < load->options->stations; i++) {
		line_conn_close(&load->slots[i].conn);
		SSL_SESSION_free(load->slots[i].conn.session);
	}
	for (uint32_t i = 0; i < LINE_CREDENTIALS; i++)
		SSL_CTX_free(load->ctx[i]);
	close(load->epoll);
	free(load->slots);
	free(load);
}
