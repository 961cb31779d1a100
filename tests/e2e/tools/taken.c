/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taken - hallmarkd of which a front, or the keeper, can be taken over
 *
 * Linked from the same files as hallmarkd, but calls of front_run() and of
 * keeper_run() come here first (ld --wrap). Who waits at the socket that TAKEN
 * names is told which process this is, how the asks of this build are laid out,
 * and gets the process's channels. It answers "real", and the process is the
 * real one; or "mine", and then nothing but its life line is looked at here:
 * what the others hear from it is what the test sends. It is not in the jail
 * and does not stop when it is told to: no attacker would. Clients that come to
 * a front of ours are turned away, so that they try again and find a real one.
 *
 *   hello = role, then lines:
 *     nonce <hex>
 *     rule <kind> <by> <request> <tail> <answer> <tail> <name>
 *     field <struct> <name> <offset> <length>
 *     size <struct> <length>
 */
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"
#include "core/check.h"
#include "server/ask.h"
#include "server/front/front.h"
#include "server/keeper/keeper.h"
#include "server/life.h"

#define HELLO_MAX 16384

hm_err __real_front_run(const struct front_options *options,
    const struct secret *nonce_key, struct why *why);
hm_err __real_keeper_run(const struct keeper_options *options, struct why *why);
hm_err __wrap_front_run(const struct front_options *options,
    const struct secret *nonce_key, struct why *why);
hm_err __wrap_keeper_run(const struct keeper_options *options, struct why *why);

struct field {
	const char *of, *name;
	size_t offset, len;
};

#define SIZE(type)                                  \
	{                                           \
#type, NULL, 0, sizeof(struct type) \
	}
#define FIELD(type, member)                                      \
	{                                                        \
#type, #member, offsetof(struct type, member),   \
		    sizeof(((const struct type *)NULL)->member), \
	}
#define CASE(type, member) FIELD(type, kase.member)
#define CASE_FIELDS(type)                                                 \
	CASE(type, claims.nonce), CASE(type, claims.device_id),           \
	    CASE(type, claims.scheme), CASE(type, claims.identity),       \
	    CASE(type, claims.kem), CASE(type, claims.release),           \
	    CASE(type, claims.counter), CASE(type, claims.lock),          \
	    CASE(type, proof.soft.key), CASE(type, proof.soft.signature), \
	    CASE(type, proof.imx_mp.key), CASE(type, proof.imx_mp.mpmr),  \
	    CASE(type, proof.imx_mp.signature), CASE(type, possession)

static const struct field fields[] = {
	SIZE(ask_head),
	FIELD(ask_head, kind),
	FIELD(ask_head, len),
	FIELD(ask_head, id),
	FIELD(ask_head, err),
	FIELD(ask_head, tail),
	FIELD(ask_peer, key),
	FIELD(ask_challenge, peer),
	FIELD(ask_challenge, order),
	FIELD(ask_issue, peer),
	FIELD(ask_issue, order),
	FIELD(ask_issue, slot),
	FIELD(ask_issue, nonce_verdict),
	CASE_FIELDS(ask_issue),
	FIELD(ask_issue_answer, stamp_len),
	FIELD(ask_issue_answer, entry_len),
	FIELD(ask_issue_answer, receipt_len),
	FIELD(ask_confirm, peer),
	FIELD(ask_confirm, order),
	FIELD(ask_confirm, conformance.device_id),
	FIELD(ask_confirm, conformance.stamp),
	FIELD(ask_confirm, conformance.release),
	FIELD(ask_confirm, conformance.counter),
	FIELD(ask_confirm, conformance.lock),
	FIELD(ask_confirm, has_kid),
	FIELD(ask_confirm, kid),
	FIELD(ask_confirm, signature),
	FIELD(ask_entry_answer, entry_len),
	FIELD(ask_entry_answer, receipt_len),
	FIELD(ask_from, peer),
	FIELD(ask_order, peer),
	FIELD(ask_order, order),
	FIELD(ask_order_answer, used),
	FIELD(ask_device, peer),
	FIELD(ask_device, device_id),
	FIELD(ask_device, serial),
	FIELD(ask_quarantine, peer),
	FIELD(ask_quarantine, after),
	FIELD(ask_part, peer),
	FIELD(ask_part, level),
	FIELD(ask_part, width),
	FIELD(ask_part, index),
	FIELD(ask_part, offset),
	FIELD(ask_sign_issue, order),
	FIELD(ask_sign_issue, number),
	FIELD(ask_sign_issue, issued_s),
	CASE_FIELDS(ask_sign_issue),
	FIELD(ask_sign_checkpoint, size),
	FIELD(ask_sign_checkpoint, root),
	FIELD(ask_sign_crl, number),
	FIELD(ask_sign_crl, this_update_s),
	FIELD(ask_sign_crl, next_update_s),
	FIELD(ask_sign_crl, part),
	FIELD(ask_sign_crl, parts),
	FIELD(ask_sign_crl_rest, offset),
};

static void
put_rule(FILE *out, const struct ask_rule *rule)
{
	(void)fprintf(out, "rule %u %u %u %u %u %u %s\n", (unsigned)rule->kind,
	    (unsigned)rule->by, rule->request_len, rule->request_tail_max,
	    rule->answer_len, rule->answer_tail_max, rule->name);
}

static void
put_field(FILE *out, const struct field *field)
{
	if (field->name == NULL)
		(void)fprintf(out, "size %s %zu\n", field->of, field->len);
	else
		(void)fprintf(out, "field %s %s %zu %zu\n", field->of,
		    field->name, field->offset, field->len);
}

/* The length of the hello. */
static size_t
compose(const char *role, const struct secret *nonce_key, char *room)
{
	FILE *out = fmemopen(room, HELLO_MAX, "w");
	char hex[2 * SECRET_MAX + 1] = "";
	long len;

	hm_assert(out != NULL);
	if (nonce_key != NULL)
		hex_format(secret_bytes(nonce_key), hex);
	(void)fprintf(out, "%s\nnonce %s\n", role, hex);
	for (uint32_t kind = 0; kind < 256; kind++)
		if (ask_rule(kind) != NULL)
			put_rule(out, ask_rule(kind));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		put_field(out, &fields[i]);
	(void)fflush(out);
	len = ftell(out);
	hm_assert(len > 0 && len < HELLO_MAX - 1);
	(void)fclose(out);
	return (size_t)len;
}

/* -1: nobody waits for us. */
static int
call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = getenv("TAKEN");
	int fd;

	if (path == NULL || strlen(path) >= sizeof(at.sun_path))
		return -1;
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Is this process theirs? *ret_line stays open then. */
static bool
is_theirs(const char *role, const struct secret *nonce_key, const int *channels,
    size_t count, int *ret_line)
{
	static char hello[HELLO_MAX];
	uint8_t word[16] = { 0 };
	struct hm_bytes message = { (uint8_t *)hello, 0 };
	size_t len = 0;
	int line = call();

	if (line < 0)
		return false;
	message.len = compose(role, nonce_key, hello);
	if (channel_send_fds(line, message, channels, count, CHANNEL_FOREVER,
		NULL) == HM_OK &&
	    channel_recv(line, (struct hm_span){ word, sizeof(word) },
		CHANNEL_FOREVER, &len, NULL) == HM_OK &&
	    len == 4 && memcmp(word, "mine", 4) == 0) {
		*ret_line = line;
		return true;
	}
	close(line);
	return false;
}

static void
turn_away(int listener)
{
	int client = accept(listener, NULL, NULL);

	if (client >= 0)
		close(client);
}

/* Until the parent or the test is gone. listener: -1 for none */
static hm_err
linger(int life, int line, int listener)
{
	struct pollfd ends[3] = { { life, POLLIN, 0 }, { line, POLLIN, 0 },
		{ listener, POLLIN, 0 } };

	HM_TRY(life_ready(life));
	for (;;) {
		if (poll(ends, 3, -1) < 0)
			continue;
		if (ends[2].revents != 0)
			turn_away(listener);
		if (ends[1].revents != 0)
			return HM_E_WORKER;
		if (ends[0].revents != 0 && life_poll(life) == LIFE_GONE)
			return HM_OK;
	}
}

hm_err
__wrap_front_run(const struct front_options *options,
    const struct secret *nonce_key, struct why *why)
{
	int line;

	if (!is_theirs("front", nonce_key, &options->keeper, 1, &line))
		return __real_front_run(options, nonce_key, why);
	close(options->keeper);
	return linger(options->life, line, options->listener);
}

hm_err
__wrap_keeper_run(const struct keeper_options *options, struct why *why)
{
	int line, channels[CHANNEL_FDS_MAX];
	size_t count = 0;

	channels[count++] = options->signer;
	for (uint32_t i = 0;
	     i < options->front_count && count < CHANNEL_FDS_MAX; i++)
		channels[count++] = options->fronts[i];
	if (!is_theirs("keeper", NULL, channels, count, &line))
		return __real_keeper_run(options, why);
	for (size_t i = 0; i < count; i++)
		close(channels[i]);
	return linger(options->parent, line, -1);
}
