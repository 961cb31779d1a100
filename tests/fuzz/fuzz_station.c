/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_station - a unit between a device and a server that say what they like
 *
 * The input is turns (turns.h); the low two bits of their kinds:
 *   0  what the device says next (a message of wire/link.h)
 *   1  the body that the server answers next; status by the bits above:
 *      200, 200, 409, 503
 *   2  the journal of the unit
 *   3  the newest checkpoint that was seen
 * Odd sizes of the input: the station checks receipts with the log's key.
 *
 * Journal and records are files in memory. A unit ends as passed, failed or
 * held; it passes only after every step; and nothing is written but in the two
 * folders, under names that are names.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz.h"
#include "station/job.h"
#include "turns.h"

#define SAID 24 /* of each side */

hm_err __wrap_file_read(
    const char *path, size_t max, struct buf *ret, struct why *why);
bool __wrap_file_exists(const char *path);
hm_err __wrap_file_write(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why);
hm_err __wrap_journal_lock(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], uint64_t deadline_us,
    int *ret_fd, struct why *why);
hm_err __wrap_net_client_new(const struct net_client_config *config,
    struct net_client **ret, struct why *why);
void __wrap_net_client_free(struct net_client *client);
struct net_client_counts __wrap_net_client_counts(
    const struct net_client *client);
hm_err __wrap_net_client_post(struct net_client *client, const char *path,
    const char *type, struct hm_bytes body, struct net_answer *ret,
    struct why *why);
hm_err __wrap_net_client_get(struct net_client *client, const char *path,
    struct net_answer *ret, struct why *why);
hm_err __wrap_pipe_ask(struct pipe *pipe, const struct hm_link *question,
    uint64_t deadline_us, struct hm_link *ret);

struct list {
	struct turn turns[SAID];
	size_t count, next;
};

static struct list device, server;
static struct hm_bytes journal, seen_note; /* as they were found */
static struct buf saved;                   /* the journal as it is now */
static unsigned records, told;
static station_step last_step;

static void
keep(struct list *list, const struct turn *turn)
{
	if (list->count < SAID)
		list->turns[list->count++] = *turn;
}

static const struct turn *
next(struct list *list)
{
	return list->next < list->count ? &list->turns[list->next++] : NULL;
}

/* ---- files ---- */

static bool
ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && strcmp(path + len - n, end) == 0;
}

static struct hm_bytes
file_at(const char *path)
{
	if (ends_with(path, ".seen"))
		return seen_note;
	if (!ends_with(path, ".unit"))
		return (struct hm_bytes){ 0 };
	return saved.len > 0 ? buf_bytes(&saved) : journal;
}

bool
__wrap_file_exists(const char *path)
{
	return file_at(path).len > 0;
}

hm_err
__wrap_file_read(const char *path, size_t max, struct buf *ret, struct why *why)
{
	struct hm_bytes file = file_at(path);

	(void)why;
	if (file.len == 0)
		return HM_E_FILE;
	if (file.len > max)
		return HM_E_TOO_LARGE;
	buf_done(ret);
	buf_init(ret, max);
	return buf_add(ret, file);
}

hm_err
__wrap_file_write(
    const char *path, struct hm_bytes bytes, unsigned mode, struct why *why)
{
	bool is_record = strncmp(path, "records/", 8) == 0;
	const char *name = path + 8; /* "journal/" is as long */

	(void)mode;
	(void)why;
	fuzz_must(is_record || strncmp(path, "journal/", 8) == 0);
	fuzz_must(strchr(name, '/') == NULL && name[0] != '.');
	for (; *name; name++)
		fuzz_must(*name > ' ' && *name <= '~');
	records += is_record;
	if (!ends_with(path, ".unit"))
		return HM_OK;
	buf_clear(&saved);
	return buf_add(&saved, bytes);
}

hm_err
__wrap_journal_lock(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], uint64_t deadline_us,
    int *ret_fd, struct why *why)
{
	(void)folder;
	(void)device_id;
	(void)deadline_us;
	(void)why;
	*ret_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *ret_fd >= 0 ? HM_OK : HM_E_JOURNAL;
}

/* ---- the server ---- */

hm_err
__wrap_net_client_new(const struct net_client_config *config,
    struct net_client **ret, struct why *why)
{
	(void)config;
	(void)why;
	*ret = NULL;
	return HM_OK;
}

void
__wrap_net_client_free(struct net_client *client)
{
	(void)client;
}

struct net_client_counts
__wrap_net_client_counts(const struct net_client *client)
{
	(void)client;
	return (struct net_client_counts){ .connections = 1 };
}

static hm_err
answer(struct net_answer *ret)
{
	static const int statuses[] = { 200, 200, 409, 503 };
	const struct turn *turn = next(&server);

	if (turn == NULL)
		return HM_E_UNREACHABLE;
	net_answer_done(ret);
	buf_init(&ret->body, HM_MESSAGE_MAX);
	ret->status = statuses[turn->kind >> 2 & 3];
	return buf_add(&ret->body, turn->bytes);
}

hm_err
__wrap_net_client_post(struct net_client *client, const char *path,
    const char *type, struct hm_bytes body, struct net_answer *ret,
    struct why *why)
{
	(void)client;
	(void)type;
	(void)why;
	fuzz_must(path[0] == '/' && body.len > 0);
	return answer(ret);
}

hm_err
__wrap_net_client_get(struct net_client *client, const char *path,
    struct net_answer *ret, struct why *why)
{
	(void)client;
	(void)why;
	fuzz_must(path[0] == '/');
	return answer(ret);
}

/* ---- the device ---- */

hm_err
__wrap_pipe_ask(struct pipe *pipe, const struct hm_link *question,
    uint64_t deadline_us, struct hm_link *ret)
{
	static uint8_t room[HM_LINK_MAX];
	const struct turn *turn;
	struct hm_span out = { room, sizeof(room) };
	size_t len;

	(void)pipe;
	(void)deadline_us;
	HM_TRY(hm_link_encode(question, out, &len));
	while ((turn = next(&device)) != NULL)
		if (hm_link_decode(turn->bytes, ret) == HM_OK &&
		    (ret->type == HM_LINK_PROBLEM ||
			(int)ret->type == (int)question->type + 1))
			return HM_OK;
	return HM_E_TIMEOUT;
}

/* ---- a unit ---- */

static void
tell(void *context, const struct station_event *event)
{
	struct station_event again;

	(void)context;
	fuzz_must(station_event_read(
	    (struct hm_bytes){ (const uint8_t *)event, sizeof(*event) }, 0,
	    &again));
	last_step = event->step;
	told++;
}

static void
read_input(struct hm_bytes input)
{
	struct turn turn;

	device.count = device.next = server.count = server.next = 0;
	journal = seen_note = (struct hm_bytes){ 0 };
	records = told = 0;
	buf_clear(&saved);
	while (turns_next(&input, &turn)) {
		if ((turn.kind & 3) == 0)
			keep(&device, &turn);
		else if ((turn.kind & 3) == 1)
			keep(&server, &turn);
		else if ((turn.kind & 3) == 2)
			journal = turn.bytes;
		else
			seen_note = turn.bytes;
	}
}

static void
run(const struct station_config *config, const struct note_key *log_key)
{
	struct why why = { 0 };
	struct job job = { .config = config,
		.order = "PO-1",
		.log_key = log_key,
		.tell = tell,
		.why = &why };
	struct seen seen;
	unit_state state;

	fuzz_must(server_new(config, &job.server, NULL) == HM_OK);
	if (log_key != NULL &&
	    seen_open(&seen, config->journal, "A1", log_key, NULL) == HM_OK)
		server_remember(job.server, &seen);
	state = job_run(&job);
	fuzz_must(
	    state == UNIT_PASS || state == UNIT_FAIL || state == UNIT_HOLD);
	fuzz_must(state != UNIT_PASS || last_step == STEP_DONE);
	fuzz_must(told > 0 && records <= 5);
	server_free(job.server);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vkey[] =
	    "log.example.com/factory-1+1062b15d+"
	    "AWY7i0ajeaPsjhX2UqbdY2j/IODOjemjwmh4WQ+Bt3Pt";
	static struct station_config config = { .journal = "journal",
		.records = "records",
		.slots = { { .name = "A1" } },
		.slot_count = 1 };
	static struct note_key log;

	if (log.name[0] == '\0') {
		fuzz_must(note_key_parse(hm_bytes_of(vkey), &log) == HM_OK);
		buf_init(&saved, 1 << 17);
	}
	read_input((struct hm_bytes){ data, size });
	run(&config, size % 2 == 1 ? &log : NULL);
	return 0;
}

TURNS_OF(&mutate_cbor)
