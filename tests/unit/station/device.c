/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check.h"
#include "wire/challenge.h"
#include "wire/evidence.h"
#include "wire/frame.h"
#include "wire/problem.h"

struct device {
	const struct device_plan *plan;
	int fd;
	int heard;
	int stale;
	bool was_deaf;
};

static void
put(int fd, struct hm_bytes bytes)
{
	/* Nobody may be there any more; it then hears the end. */
	(void)!write(fd, bytes.ptr, bytes.len);
}

static void
say(struct device *device, hm_link_type type, struct hm_bytes body)
{
	static uint8_t message[HM_LINK_MAX], frame[HM_FRAME_SIZE(HM_LINK_MAX)];
	struct hm_link link = { .type = type, .body = body };
	size_t len;

	hm_assert(
	    hm_link_encode(&link, (struct hm_span){ message, sizeof(message) },
		&len) == HM_OK);
	hm_assert(hm_frame_encode((struct hm_bytes){ message, len },
		      (struct hm_span){ frame, sizeof(frame) }, &len) == HM_OK);
	if (device->plan->noise) {
		put(device->fd, HM_LITERAL("U-Boot 2023.01\r\n"));
		put(device->fd, (struct hm_bytes){ frame, len / 2 });
		put(device->fd, (struct hm_bytes){ (uint8_t[]){ 0 }, 1 });
	}
	put(device->fd, (struct hm_bytes){ frame, len });
	if (device->plan->stammers)
		put(device->fd, (struct hm_bytes){ frame, len });
}

static struct hm_bytes
info(const struct device *device)
{
	static uint8_t room[256];
	struct hm_info info = { .device_id = { device->plan->id },
		.state = device->plan->state,
		.scheme = HM_SCHEME_SOFT };
	size_t len;

	hm_assert(hm_info_encode(&info, (struct hm_span){ room, sizeof(room) },
		      &len) == HM_OK);
	return (struct hm_bytes){ room, len };
}

static struct hm_bytes
evidence(struct device *device, struct hm_bytes challenge)
{
	static uint8_t claims[HM_CLAIMS_MAX], proof[256], room[HM_EVIDENCE_MAX];
	struct hm_claims content = { .scheme = HM_SCHEME_SOFT,
		.device_id = { device->plan->id },
		.identity = { 4, 1 },
		.kem = { 4, 2 },
		.lock = HM_LOCK_CLOSED };
	const struct hm_proof_soft soft = { .key = { 4, 3 } };
	struct hm_evidence all = { .claims = { claims, 0 },
		.proof = { proof, 0 } };
	struct hm_challenge asked;
	size_t len;

	hm_assert(hm_challenge_decode(challenge, &asked) == HM_OK);
	memcpy(content.nonce, asked.nonce, sizeof(content.nonce));
	if (device->stale < device->plan->stale) {
		device->stale++;
		content.nonce[31] ^= 1;
	}
	hm_assert(hm_claims_encode(&content,
		      (struct hm_span){ claims, sizeof(claims) },
		      &all.claims.len) == HM_OK);
	hm_assert(hm_proof_soft_encode(&soft,
		      (struct hm_span){ proof, sizeof(proof) },
		      &all.proof.len) == HM_OK);
	hm_assert(hm_evidence_encode(&all,
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	return (struct hm_bytes){ room, len };
}

static struct hm_bytes
opened(const struct device *device, struct hm_bytes evidence)
{
	static uint8_t room[HM_LINK_MAX];
	const struct hm_opened opened = { .device_id = { device->plan->id },
		.state = device->plan->state != HM_AGENT_BLANK
			     ? device->plan->state
			     : HM_AGENT_READY,
		.longest = device->plan->longest != 0 ? device->plan->longest
						      : HM_LINK_MAX,
		.leaves = device->plan->leaves,
		.evidence = evidence };
	size_t len;

	hm_assert(hm_opened_encode(&opened,
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	return (struct hm_bytes){ room, len };
}

static void
refuse(struct device *device)
{
	const struct hm_problem problem = { .err = device->plan->err };
	uint8_t room[HM_PROBLEM_MAX];
	size_t len;

	hm_assert(hm_problem_encode(&problem,
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	say(device, HM_LINK_PROBLEM, (struct hm_bytes){ room, len });
}

static void
answer(struct device *device, const struct hm_link *question)
{
	const struct hm_bytes nothing = { 0 };

	if (device->plan->wrong)
		say(device,
		    question->type == HM_LINK_STAMP ? HM_LINK_DONE
						    : HM_LINK_CONFORMANCE,
		    question->type == HM_LINK_STAMP ? nothing
						    : HM_LITERAL("of before"));
	switch ((int)question->type) {
	case HM_LINK_HELLO:
		say(device, HM_LINK_INFO, info(device));
		break;
	case HM_LINK_CHALLENGE:
		say(device, HM_LINK_EVIDENCE, evidence(device, question->body));
		break;
	case HM_LINK_OPEN:
		say(device, HM_LINK_OPENED,
		    opened(device, device->plan->rubbish
				       ? HM_LITERAL("rubbish")
				       : evidence(device, question->body)));
		break;
	case HM_LINK_DELIVER:
		say(device, HM_LINK_DELIVERED, HM_LITERAL("conforms"));
		break;
	case HM_LINK_STAMP:
		say(device, HM_LINK_CONFORMANCE, HM_LITERAL("conforms"));
		break;
	default:
		say(device, HM_LINK_DONE, nothing);
	}
}

static void
hear(struct device *device, struct hm_bytes message)
{
	const struct device_plan *plan = device->plan;
	struct hm_link question;

	hm_assert(hm_link_decode(message, &question) == HM_OK);
	device->heard++;
	if (question.type == plan->leaves_at)
		_exit(device->heard);
	if (question.type == plan->silent_at)
		return;
	if (question.type == plan->deaf_once && !device->was_deaf)
		device->was_deaf = true;
	else if (question.type == plan->refuses)
		refuse(device);
	else
		answer(device, &question);
}

static void
live(const char *path, const struct device_plan *plan)
{
	static uint8_t body[HM_FRAME_SIZE(HM_LINK_MAX)];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct device device = { .plan = plan };
	struct hm_frame_in in;
	struct hm_bytes message;
	uint8_t byte;

	(void)signal(SIGPIPE, SIG_IGN);
	device.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncat(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (connect(device.fd, (const struct sockaddr *)&address,
		sizeof(address)) != 0)
		_exit(98);
	hm_frame_in_init(&in, (struct hm_span){ body, sizeof(body) });
	while (read(device.fd, &byte, 1) == 1)
		if (hm_frame_put(&in, byte, &message))
			hear(&device, message);
	_exit(device.heard);
}

pid_t
device_start(const char *path, const struct device_plan *plan)
{
	pid_t pid = fork();

	hm_assert(pid >= 0);
	if (pid == 0)
		live(path, plan);
	return pid;
}

int
device_end(pid_t pid)
{
	int status;

	hm_assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
