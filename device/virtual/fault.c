/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "hallmark/link.h"
#include "wire/evidence.h"

static struct fault *armed;

_Noreturn void
fault_die(void)
{
	_exit(FAULT_EXIT);
}

bool
fault_step(struct fault *fault)
{
	fault->steps++;
	return fault->steps == fault->cut_at;
}

static void
step(void)
{
	if (fault_step(armed))
		fault_die();
}

static int
cut_open(const char *path, int flags, unsigned mode)
{
	return open(path, flags, mode);
}

static long
cut_write(int fd, const void *from, size_t len)
{
	if (fault_step(armed)) {
		(void)!write(fd, from, len / 2); /* torn: that is the point */
		fault_die();
	}
	return write(fd, from, len);
}

static int
cut_fsync(int fd)
{
	step();
	return fsync(fd);
}

static int
cut_rename(const char *from, const char *to)
{
	step();
	return rename(from, to);
}

static int
cut_link(const char *from, const char *to)
{
	step();
	return link(from, to);
}

static int
cut_unlink(const char *path)
{
	step();
	return unlink(path);
}

void
fault_arm(struct fault *fault)
{
	static const struct file_calls calls = { .open = cut_open,
		.write = cut_write,
		.fsync = cut_fsync,
		.rename = cut_rename,
		.link = cut_link,
		.unlink = cut_unlink,
		.close = close };

	armed = fault;
	if (fault->cut_at != 0)
		file_calls_set(&calls);
}

/* Either a flag, or a number after "name=", or a path after it. */
struct row {
	const char *name;
	bool *flag;
	uint64_t *number;
	const char **path;
};

static hm_err
take(
    const struct row *row, const char *value, const char *text, struct why *why)
{
	if (row->flag != NULL && value == NULL) {
		*row->flag = true;
		return HM_OK;
	}
	if (row->path != NULL && value != NULL && value[0] != '\0') {
		*row->path = value;
		return HM_OK;
	}
	if (row->number != NULL && value != NULL &&
	    uint_parse(hm_bytes_of(value), 1000000, row->number) == HM_OK &&
	    *row->number > 0)
		return HM_OK;
	return WHY(why, HM_E_USAGE, "fault \"%s\" is not complete", text);
}

hm_err
fault_parse(const char *text, struct fault *fault, struct why *why)
{
	const struct row rows[] = {
		{ "power-cut", .number = &fault->cut_at },
		{ "wrong-mpmr", .flag = &fault->wrong_mpmr },
		{ "wrong-release", .flag = &fault->wrong_release },
		{ "alter-claims", .flag = &fault->alter_claims },
		{ "reuse-r", .flag = &fault->reuse_r },
		{ "record", .path = &fault->record },
		{ "replay", .path = &fault->replay },
		{ "corrupt-link", .number = &fault->corrupt_each },
		{ "deaf", .flag = &fault->deaf },
		{ "slow-ms", .number = &fault->slow_ms },
		{ "torn", .flag = &fault->torn },
		{ "bad-version", .number = &fault->bad_version },
	};
	const char *equals = strchr(text, '=');
	size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == len &&
		    strncmp(rows[i].name, text, len) == 0)
			return take(&rows[i],
			    equals != NULL ? equals + 1 : NULL, text, why);
	return WHY(why, HM_E_USAGE, "there is no fault \"%s\"", text);
}

/* As a station would that wants the secrets for itself. */
static hm_err
alter(struct hm_bytes *evidence, struct hm_span room)
{
	struct hm_evidence parts;
	struct hm_claims claims;
	uint8_t scalar[32], encoded[HM_CLAIMS_MAX];
	size_t len = 0;

	HM_TRY(hm_evidence_decode(*evidence, &parts));
	HM_TRY(hm_claims_decode(parts.claims, &claims));
	HM_TRY(hm_port_random((struct hm_span){ scalar, sizeof(scalar) }));
	HM_TRY(hm_p256_public(scalar, claims.kem));
	HM_TRY(hm_claims_encode(
	    &claims, (struct hm_span){ encoded, sizeof(encoded) }, &len));
	parts.claims = (struct hm_bytes){ encoded, len };
	HM_TRY(hm_evidence_encode(&parts, room, &len));
	*evidence = (struct hm_bytes){ room.ptr, len };
	return HM_OK;
}

/* What is sent instead of `evidence`. */
static hm_err
meddle(const struct fault *fault, struct hm_bytes *evidence, struct why *why)
{
	static uint8_t room[HM_ANSWER_MAX];
	AUTO(buf) struct buf old = { 0 };

	if (fault->record != NULL)
		HM_TRY(file_write(fault->record, *evidence, 0600, why));
	if (fault->alter_claims)
		HM_TRY(alter(evidence, (struct hm_span){ room, sizeof(room) }));
	if (fault->replay == NULL)
		return HM_OK;
	buf_init(&old, sizeof(room));
	HM_TRY(file_read(fault->replay, sizeof(room), &old, why));
	memcpy(room, old.ptr, old.len);
	*evidence = (struct hm_bytes){ room, old.len };
	return HM_OK;
}

/* The same for what has evidence in it. */
static hm_err
meddle_opened(const struct fault *fault, struct hm_link *link, struct why *why)
{
	static uint8_t room[2 * HM_ANSWER_MAX];
	struct hm_opened opened;
	size_t len = 0;

	HM_TRY(hm_opened_decode(link->body, &opened));
	HM_TRY(meddle(fault, &opened.evidence, why));
	HM_TRY(hm_opened_encode(
	    &opened, (struct hm_span){ room, sizeof(room) }, &len));
	link->body = (struct hm_bytes){ room, len };
	return HM_OK;
}

/* Take the frame apart, change its message if it is evidence, frame it again.
 */
static hm_err
reframe(const struct fault *fault, struct hm_bytes *frame, struct why *why)
{
	static uint8_t body[HM_FRAME_SIZE(HM_ANSWER_MAX)];
	static uint8_t message[3 * HM_ANSWER_MAX];
	static uint8_t out[HM_FRAME_SIZE(sizeof(message))];
	struct hm_frame_in in;
	struct hm_bytes bytes = { 0 };
	struct hm_link link;
	size_t len = 0;

	hm_frame_in_init(&in, (struct hm_span){ body, sizeof(body) });
	for (size_t i = 0; i < frame->len; i++)
		if (hm_frame_put(&in, frame->ptr[i], &bytes))
			break;
	HM_TRY(hm_link_decode(bytes, &link));
	if (link.type == HM_LINK_OPENED)
		HM_TRY(meddle_opened(fault, &link, why));
	else if (link.type == HM_LINK_EVIDENCE)
		HM_TRY(meddle(fault, &link.body, why));
	else
		return HM_OK;
	HM_TRY(hm_link_encode(
	    &link, (struct hm_span){ message, sizeof(message) }, &len));
	HM_TRY(hm_frame_encode((struct hm_bytes){ message, len },
	    (struct hm_span){ out, sizeof(out) }, &len));
	*frame = (struct hm_bytes){ out, len };
	return HM_OK;
}

static void
wait_ms(uint64_t ms)
{
	struct timespec left = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

hm_err
fault_frame(struct fault *fault, struct hm_bytes frame, struct hm_bytes *ret,
    struct why *why)
{
	static uint8_t bad[HM_FRAME_SIZE(3 * HM_ANSWER_MAX)];

	*ret = (struct hm_bytes){ 0 };
	if (fault->deaf)
		return HM_OK;
	if (fault->slow_ms != 0)
		wait_ms(fault->slow_ms);
	HM_TRY(reframe(fault, &frame, why));
	fault->frames++;
	if (fault->corrupt_each != 0 &&
	    fault->frames % fault->corrupt_each == 0) {
		memcpy(bad, frame.ptr, frame.len);
		bad[frame.len / 2] ^= 0x04;
		frame.ptr = bad;
	}
	*ret = frame;
	return HM_OK;
}
