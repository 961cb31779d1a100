/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark-device: a Linux device that provisions itself
 *
 * Nothing but libc, core, wire and the device library: the same sources are
 * linked statically for 64-bit Arm. What is shown is one JSON object a call; a
 * failure is said on standard error, its exit status is that of core/err.h.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "hallmark/flash.h"
#include "hallmark/online.h"
#include "keys.h"
#include "wire/stamp.h"

#define REQUEST_MAX 512
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define PATIENCE_MAX_S 86400

typedef enum class { PERMANENT, TRANSIENT, HOLD, SECURITY } class;

struct row {
	hm_err err;
	int status;
	class kind;
	const char *words, *act;
};

static const struct row errors[] = {
#define ROW(name, id, http, ex, kind, words, act) \
	{ HM_##name, HM_EXIT_##ex, kind, words, act },
	HM_ERR_LIST(ROW)
#undef ROW
};

_Noreturn void
hm_panic(const char *file, int line, const char *words)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, words);
	_exit(HM_EXIT_BUG);
}

static const struct row *
row_of(hm_err err)
{
	const struct row *bug = &errors[0]; /* until its row is met */

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].err == err)
			return &errors[i];
		if (errors[i].err == HM_E_BUG)
			bug = &errors[i];
	}
	return bug;
}

static int
fail(hm_err err, const char *where, const char *why)
{
	const struct row *row = row_of(err);

	(void)fprintf(stderr, "hallmark-device: %s\n", row->words);
	if (where != NULL)
		(void)fprintf(stderr, "  where:  %s\n", where);
	if (why != NULL)
		(void)fprintf(stderr, "  why:    %s\n", why);
	(void)fprintf(
	    stderr, "  do:     %s\n  HM-%u\n", row->act, (unsigned)err);
	return row->status;
}

/* ---- showing ---- */

static void
show_hex(const char *name, struct hm_bytes bytes)
{
	(void)printf(",\"%s\":\"", name);
	for (size_t i = 0; i < bytes.len; i++)
		(void)printf("%02x", bytes.ptr[i]);
	(void)printf("\"");
}

static const char *
state_name(hm_agent_state state)
{
	static const char *const names[] = { [HM_AGENT_BLANK] = "blank",
		[HM_AGENT_READY] = "ready",
		[HM_AGENT_STAMPED] = "stamped",
		[HM_AGENT_COMPLETE] = "complete" };

	return names[state];
}

static void
show(const struct hm_agent *agent)
{
	uint8_t point[HM_POINT_LEN];
	hm_lock lock = HM_LOCK_OPEN;

	(void)printf("{\"schema\":\"hallmark.device/1\",\"state\":\"%s\"",
	    state_name(hm_agent_where(agent)));
	(void)printf(",\"keys\":\"%s\",\"counter\":%u", keys_chosen()->name,
	    (unsigned)agent->counter);
	if (hm_port_lock(&lock) == HM_OK)
		(void)printf(",\"lock\":%d", (int)lock);
	show_hex("device_id", HM_BYTES(agent->device_id));
	show_hex("firmware", HM_BYTES(agent->release));
	if (hm_port_key_public(HM_KEY_IDENTITY, point) == HM_OK)
		show_hex("identity_key", HM_BYTES(point));
	if (linux_attest_key(point) == HM_OK)
		show_hex("evidence_key", HM_BYTES(point));
}

static int
end_show(void)
{
	(void)printf("}\n");
	return fflush(stdout) == 0 ? HM_EXIT_OK : fail(HM_E_IO, NULL, NULL);
}

/* ---- provisioning ---- */

struct files {
	uint8_t anchor[LINUX_FILE_MAX], certificate[LINUX_FILE_MAX],
	    issuer[LINUX_FILE_MAX];
	char host[LINUX_TEXT_MAX];
	struct hm_tls_config tls;
};

static hm_err
load_one(const char *path, struct hm_span room, struct hm_bytes *ret)
{
	ret->ptr = room.ptr;
	return path[0] == 0 ? HM_OK : linux_read_pem(path, room, &ret->len);
}

static hm_err
load(const struct linux_config *config, struct files *ret)
{
	char *colon;

	memcpy(ret->host, config->server, sizeof(ret->host));
	colon = strrchr(ret->host, ':');
	if (colon == NULL)
		return HM_E_USAGE;
	*colon = 0;
	ret->tls.host = ret->host;
	HM_TRY(load_one(config->server_ca,
	    (struct hm_span){ ret->anchor, sizeof(ret->anchor) },
	    &ret->tls.anchor));
	HM_TRY(load_one(config->certificate,
	    (struct hm_span){ ret->certificate, sizeof(ret->certificate) },
	    &ret->tls.certificate));
	return load_one(config->issuer,
	    (struct hm_span){ ret->issuer, sizeof(ret->issuer) },
	    &ret->tls.issuer);
}

static void
pause_ms(uint64_t ms)
{
	const struct timespec time = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&time, NULL); /* early is fine */
}

/* Again and again while that may help, as a station does. A device that has
 * lost the way begins anew from what it has stored. */
static hm_err
persist(struct hm_online *online, uint32_t patience_s)
{
	uint64_t end_ms = hm_port_clock_ms() + patience_s * UINT64_C(1000);
	uint64_t wait_ms = PAUSE_MIN_MS;

	for (;;) {
		hm_err err = hm_online_run(online);

		if (err == HM_OK || row_of(err)->kind != TRANSIENT ||
		    hm_port_clock_ms() + wait_ms >= end_ms)
			return err;
		pause_ms(wait_ms);
		wait_ms =
		    wait_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : wait_ms * 2;
	}
}

static void
show_traffic(void)
{
	const struct linux_traffic traffic = linux_traffic();

	(void)printf(",\"sent\":%llu,\"received\":%llu,\"connections\":%u"
		     ",\"round_trips\":%u",
	    (unsigned long long)traffic.sent,
	    (unsigned long long)traffic.received, traffic.connections,
	    traffic.turns);
}

static int
provision(
    const struct linux_config *config, struct hm_agent *agent, const char *word)
{
	static struct files files;
	static struct hm_online online;
	static uint8_t room[HM_ONLINE_ROOM], message[HM_LINK_MAX];
	uint32_t patience_s = 0;
	hm_err err = load(config, &files);

	if (err != HM_OK)
		return fail(
		    err, "server, server_ca, certificate, issuer", NULL);
	if (word != NULL && linux_number(hm_bytes_of(word), PATIENCE_MAX_S,
				&patience_s) != HM_OK)
		return fail(HM_E_USAGE, "provision SECONDS", NULL);
	online = (struct hm_online){ .agent = agent,
		.order = config->order,
		.host = config->server,
		.tls = &files.tls,
		.room = { room, sizeof(room) },
		.message = { message, sizeof(message) } };
	if (linux_number(hm_bytes_of(config->timeout_ms), 600000,
		&online.timeout_ms) != HM_OK)
		return fail(HM_E_CONFIG_TYPE, "timeout_ms", NULL);
	err = persist(&online, patience_s);
	if (err != HM_OK)
		return fail(err, config->server,
		    online.refused ? "the server refuses" : NULL);
	show(agent);
	show_traffic();
	return end_show();
}

/* ---- the other verbs ---- */

static int
request(const char *name)
{
	uint8_t der[REQUEST_MAX];
	size_t len = 0;
	hm_err err;

	if (name == NULL)
		return fail(HM_E_USAGE, "request NAME", NULL);
	err = linux_request(name, (struct hm_span){ der, sizeof(der) }, &len);
	if (err != HM_OK)
		return fail(err, NULL, NULL);
	if (fwrite(der, 1, len, stdout) != len || fflush(stdout) != 0)
		return fail(HM_E_IO, NULL, NULL);
	return HM_EXIT_OK;
}

static hm_err
write_secret(struct hm_bytes plain, struct hm_bytes name)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t count = 0;

	HM_TRY(hm_secrets_decode(plain, secrets, &count));
	for (uint32_t i = 0; i < count; i++) {
		struct hm_bytes value = secrets[i].value;

		if (!hm_bytes_equal(secrets[i].name, name))
			continue;
		return fwrite(value.ptr, 1, value.len, stdout) == value.len &&
			       fflush(stdout) == 0
			   ? HM_OK
			   : HM_E_IO;
	}
	return HM_E_NOT_FOUND;
}

/* One secret as it is, for whoever unlocks a disk or joins a network. */
static int
secret(const char *name)
{
	static uint8_t plain[HM_SEALED_MAX];
	size_t len = 0;
	hm_err err;

	if (name == NULL)
		return fail(HM_E_USAGE, "secret NAME", NULL);
	(void)setvbuf(stdout, NULL, _IONBF, 0); /* no copy stays behind */
	err = hm_port_store_read(
	    HM_RECORD_SECRETS, (struct hm_span){ plain, sizeof(plain) }, &len);
	if (err == HM_OK)
		err = write_secret(
		    (struct hm_bytes){ plain, len }, hm_bytes_of(name));
	hm_wipe(plain, sizeof(plain));
	return err == HM_OK ? HM_EXIT_OK : fail(err, name, NULL);
}

static int
raise_counter(const char *word)
{
	uint32_t value = 0;
	hm_err err = HM_E_USAGE;

	if (word != NULL)
		err = linux_number(hm_bytes_of(word), UINT32_MAX, &value);
	if (err == HM_OK)
		err = hm_port_counter_raise(value);
	return err == HM_OK ? HM_EXIT_OK : fail(err, "raise VALUE", NULL);
}

static int
run(const struct linux_config *config, const char *verb, const char *word)
{
	static struct hm_agent agent;
	hm_err err = HM_OK;

	if (strcmp(verb, "init") == 0)
		err = linux_init();
	if (err == HM_OK)
		err = hm_agent_init(&agent);
	if (err != HM_OK)
		return fail(err, config->folder, NULL);
	if (strcmp(verb, "request") == 0)
		return request(word);
	if (strcmp(verb, "secret") == 0)
		return secret(word);
	if (strcmp(verb, "raise") == 0)
		return raise_counter(word);
	if (strcmp(verb, "provision") == 0)
		return provision(config, &agent, word);
	show(&agent);
	return end_show();
}

static bool
is_verb(const char *word)
{
	static const char *const verbs[] = { "init", "show", "request",
		"provision", "secret", "raise" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(word, verbs[i]) == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	static struct linux_config config;
	unsigned line = 0;
	char where[LINUX_TEXT_MAX];
	hm_err err;
	int status;

	if (argc < 3 || argc > 4 || !is_verb(argv[2])) {
		(void)fprintf(stderr,
		    "usage: hallmark-device FILE init | show | request NAME | "
		    "provision [SECONDS] | secret NAME | raise VALUE\n");
		return HM_EXIT_USAGE;
	}
	err = linux_config_load(argv[1], &config, &line);
	(void)snprintf(where, sizeof(where), "%s, line %u", argv[1], line);
	if (err != HM_OK)
		return fail(err, line == 0 ? argv[1] : where, NULL);
	err = linux_open(&config);
	if (err != HM_OK)
		return fail(err, "folder, keys or stamp_key", NULL);
	status = run(&config, argv[2], argc == 4 ? argv[3] : NULL);
	linux_close();
	return status;
}
