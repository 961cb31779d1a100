/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/doc.h"
#include "base/process.h"
#include "base/text.h"
#include "cmd/demo.h"
#include "cmd/demo_say.h"
#include "cmd/run.h"
#include "crypto/digest.h"
#include "net/server.h"

#define WORDS_MAX 40
#define SERVER_TOKEN "pkcs11:token=server"
#define READY_WITHIN_US 20000000u
#define YEAR_S (365 * 86400u)

/* ---- commands ---- */

hm_err
demo_run(struct demo_world *world, const char *program,
    const char *const *words, struct buf *ret_out, struct why *why)
{
	const char *argv[WORDS_MAX + 2] = { program };
	int status;

	for (size_t i = 0; words[i] != NULL; i++) {
		if (i == WORDS_MAX)
			return HM_E_BUG;
		argv[i + 1] = words[i];
	}
	HM_TRY(run_wait(argv, world->log, ret_out, &status, why));
	if (status == 0)
		return HM_OK;
	why_where(why, "%s/demo.log", world->dir);
	return WHY(why, HM_E_BUG, "hallmark %s %s ended with status %d",
	    words[0], words[1], status);
}

#define HALLMARK(world, why, ...)          \
	demo_run(world, (world)->hallmark, \
	    (const char *const[]){ __VA_ARGS__, NULL }, NULL, why)

/* ---- files ---- */

static hm_err put_text(const char *name, unsigned mode, struct why *why,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static hm_err
put_text(
    const char *name, unsigned mode, struct why *why, const char *format, ...)
{
	char text[2048];
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	if (n < 0 || (size_t)n >= sizeof(text))
		return HM_E_TOO_LARGE;
	return file_write(name, hm_bytes_of(text), mode, why);
}

/* A PIN of the demo's own; nothing has a default one. */
static hm_err
put_pin(const char *name, struct why *why)
{
	uint8_t random[8];
	char hex[2 * sizeof(random) + 1];

	HM_TRY(random_bytes((struct hm_span){ random, sizeof(random) }));
	hex_format(HM_BYTES(random), hex);
	return put_text(name, 0600, why, "%s", hex);
}

/* ---- tokens, CAs ---- */

static hm_err
make_tokens(struct demo_world *world, struct why *why)
{
	HM_TRY(file_mkdir("tokens", 0700, why));
	HM_TRY(put_text("softhsm2.conf", 0644, why,
	    "directories.tokendir = %s/tokens\n"
	    "objectstore.backend = file\nlog.level = ERROR\n",
	    world->dir));
	if (setenv("SOFTHSM2_CONF", "softhsm2.conf", 1) != 0)
		return HM_E_NO_MEMORY;
	HM_TRY(put_pin("pin", why));
	HM_TRY(put_pin("so-pin", why));
	HM_TRY(HALLMARK(world, why, "hsm", "init", "oem", "--module",
	    DEMO_MODULE, "--pin", DEMO_PIN, "--so-pin", "file:so-pin"));
	HM_TRY(HALLMARK(world, why, "hsm", "init", "server", "--module",
	    DEMO_MODULE, "--pin", DEMO_PIN, "--so-pin", "file:so-pin"));
	demo_say("tokens", "SoftHSM \"oem\" and \"server\"");
	return HM_OK;
}

static hm_err
make_sub(struct demo_world *world, const char *label, const char *subject,
    const char *out, struct why *why)
{
	return HALLMARK(world, why, "ca", "create", "sub", "--token",
	    SERVER_TOKEN, "--label", label, "--subject", subject,
	    "--organization", "Demo OEM", "--days", "400", "--out", out,
	    "--module", DEMO_MODULE, "--pin", DEMO_PIN, "--issuer-certificate",
	    "root.pem", "--issuer-token", DEMO_OEM_TOKEN, "--issuer-key",
	    "pkcs11:object=root", "--issuer-pin", DEMO_PIN);
}

static hm_err
make_cas(struct demo_world *world, struct why *why)
{
	HM_TRY(HALLMARK(world, why, "ca", "create", "root", "--token",
	    DEMO_OEM_TOKEN, "--label", "root", "--subject", "Demo Root",
	    "--organization", "Demo OEM", "--days", "9000", "--out", "root.pem",
	    "--module", DEMO_MODULE, "--pin", DEMO_PIN));
	demo_say("root CA", "Demo Root  P-384, key in token \"oem\"");
	HM_TRY(
	    make_sub(world, "factory", "Demo Factory CA", "factory.pem", why));
	demo_say("sub-CA", "Demo Factory CA  P-256, path length 0, signs "
			   "devices");
	HM_TRY(make_sub(world, "line", "Demo Line CA", "line.pem", why));
	demo_say("sub-CA", "Demo Line CA  P-256, path length 0, signs TLS");
	return HM_OK;
}

static hm_err
make_keys(struct demo_world *world, struct why *why)
{
	HM_TRY(HALLMARK(world, why, "hsm", "generate", SERVER_TOKEN, "--label",
	    "stamp", "--public", "stamp.pub", "--module", DEMO_MODULE, "--pin",
	    DEMO_PIN));
	HM_TRY(HALLMARK(world, why, "hsm", "generate", SERVER_TOKEN, "--label",
	    "log", "--type", "ed25519", "--origin", "demo.hallmark/log",
	    "--public", "log.vkey", "--module", DEMO_MODULE, "--pin",
	    DEMO_PIN));
	HM_TRY(HALLMARK(world, why, "hsm", "generate", DEMO_OEM_TOKEN,
	    "--label", "authority", "--public", "authority.pub", "--module",
	    DEMO_MODULE, "--pin", DEMO_PIN));
	demo_say("keys", "authority, stamp, log: sign only, not extractable");
	return HM_OK;
}

hm_err
demo_issue(struct demo_world *world, const char *profile, const char *subject,
    const char *key, const char *out, struct why *why)
{
	bool is_server = strcmp(profile, "server") == 0;

	return HALLMARK(world, why, "ca", "issue", profile, "--subject",
	    subject, "--days", "300", "--key-out", key, "--out", out,
	    "--module", DEMO_MODULE, "--issuer-certificate", "line.pem",
	    "--issuer-token", SERVER_TOKEN, "--issuer-key",
	    "pkcs11:object=line", "--issuer-pin", DEMO_PIN,
	    is_server ? "--host" : NULL, "127.0.0.1");
}

static hm_err
make_peers(struct demo_world *world, struct why *why)
{
	HM_TRY(demo_issue(
	    world, "server", "Demo server", "server.key", "server.pem", why));
	HM_TRY(demo_issue(
	    world, "station", "BENCH", "station.key", "station.pem", why));
	HM_TRY(demo_issue(
	    world, "client", "planner", "planner.key", "planner.pem", why));
	HM_TRY(demo_issue(
	    world, "client", "alice", "alice.key", "alice.pem", why));
	HM_TRY(demo_issue(world, "client", "bob", "bob.key", "bob.pem", why));
	demo_say("TLS", "certificates of server, station, planner, approvers");
	return HM_OK;
}

/* ---- configuration ---- */

static hm_err
choose_address(struct demo_world *world, struct why *why)
{
	int fd;
	hm_err err;

	HM_TRY(net_listen("127.0.0.1:0", &fd, why));
	err = net_local_address(fd, world->address);
	close(fd);
	return err;
}

static hm_err
put_server_yaml(const struct demo_world *world, struct why *why)
{
	return put_text("hallmarkd.yaml", 0644, why,
	    "schema: 1\nlisten: \"%s\"\nstate: \"state\"\n"
	    "origin: \"demo.hallmark/log\"\nissuer: \"factory.pem\"\n"
	    "authority: \"authority.pub\"\n"
	    "approvers: [\"alice.pem\", \"bob.pem\"]\n"
	    "tls:\n  certificate: \"server.pem\"\n  key: \"server.key\"\n"
	    "  client_ca: \"line.pem\"\n"
	    "token:\n  uri: \"" SERVER_TOKEN "\"\n  module: \"" DEMO_MODULE
	    "\"\n"
	    "  pin: \"" DEMO_PIN "\"\n  issuer: \"pkcs11:object=factory\"\n"
	    "  stamp: \"pkcs11:object=stamp\"\n"
	    "  log: \"pkcs11:object=log\"\n  folder: \"tokens\"\n",
	    world->address);
}

static hm_err
put_planner_yaml(const struct demo_world *world, struct why *why)
{
	return put_text("hallmark.yaml", 0644, why,
	    "schema: 1\nserver:\n  url: \"https://%s\"\n"
	    "  ca: \"line.pem\"\n  certificate: \"planner.pem\"\n"
	    "  key: \"planner.key\"\n"
	    "authority:\n  uri: \"" DEMO_OEM_TOKEN
	    "\"\n  module: \"" DEMO_MODULE "\"\n"
	    "  key: \"pkcs11:object=authority\"\n  pin: \"" DEMO_PIN "\"\n",
	    world->address);
}

/* An approver has no key of the authority's. */
static hm_err
put_approver_yaml(const struct demo_world *world, const char *file,
    const char *name, struct why *why)
{
	return put_text(file, 0644, why,
	    "schema: 1\nserver:\n  url: \"https://%s\"\n"
	    "  ca: \"line.pem\"\n  certificate: \"%s.pem\"\n"
	    "  key: \"%s.key\"\n",
	    world->address, name, name);
}

static hm_err
put_station_yaml(const struct demo_world *world, struct why *why)
{
	AUTO(buf) struct buf text = { 0 }, vkey = { 0 };

	HM_TRY(file_read_text("log.vkey", 1024, &vkey, why));
	if (vkey.len != 0 && vkey.ptr[vkey.len - 1] == '\n')
		vkey.len--;
	buf_init(&text, 16384);
	HM_TRY(buf_print(&text,
	    "schema: 1\nname: \"BENCH\"\nserver:\n  url: \"https://%s\"\n"
	    "  ca: \"line.pem\"\n  certificate: \"station.pem\"\n"
	    "  key: \"station.key\"\nlog_key: \"%s\"\njournal: \"journal\"\n"
	    "records: \"records\"\n%sslots:\n",
	    world->address, buf_text(&vkey),
	    world->board != NULL ? "device_timeout_ms: 60000\n" : ""));
	for (uint32_t i = 0; i < world->slots; i++)
		HM_TRY(buf_print(&text,
		    "  - name: \"%c%u\"\n    link: \"unix:slot-%u.sock\"\n",
		    'A' + (int)(i / 4), i % 4 + 1, i));
	return file_write("station.yaml", buf_bytes(&text), 0644, why);
}

hm_err
demo_set_up(struct demo_world *world, struct why *why)
{
	demo_begin();
	HM_TRY(make_tokens(world, why));
	HM_TRY(make_cas(world, why));
	HM_TRY(make_keys(world, why));
	HM_TRY(make_peers(world, why));
	HM_TRY(choose_address(world, why));
	HM_TRY(put_server_yaml(world, why));
	HM_TRY(put_planner_yaml(world, why));
	HM_TRY(put_approver_yaml(world, "alice.yaml", "alice", why));
	HM_TRY(put_approver_yaml(world, "bob.yaml", "bob", why));
	return put_station_yaml(world, why);
}

/* ---- the server ---- */

static void
until_text(char ret[static TIME_TEXT_LEN])
{
	time_format(clock_now_s() + YEAR_S, ret);
}

/* The first planner comes in on the authority's signature; trying that is also
 * how we learn that the server is up. */
static hm_err
register_planner(struct demo_world *world, const char *until, struct why *why)
{
	uint64_t end_us = clock_mono_us() + READY_WITHIN_US;
	const char *const argv[] = { world->hallmark, "station", "create",
		"planner", "--role", "planner", "--certificate", "planner.pem",
		"--until", until, "--config", "hallmark.yaml", NULL };
	int status;

	do {
		HM_TRY(run_wait(argv, world->log, NULL, &status, why));
		if (status == 0)
			return HM_OK;
		(void)usleep(50000); /* it may be shorter: we only ask again */
	} while (status == HM_EXIT_RETRY && clock_mono_us() < end_us);
	why_where(why, "%s/hallmarkd.log", world->dir);
	return WHY(why, HM_E_UNREACHABLE, "the server did not come up");
}

hm_err
demo_start(struct demo_world *world, struct why *why)
{
	const char *const argv[] = { world->hallmarkd, "--config",
		"hallmarkd.yaml", NULL };
	int log = open(
	    "hallmarkd.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	hm_err err;

	if (log < 0)
		return WHY(why, HM_E_IO, "hallmarkd.log: %s", strerror(errno));
	err = run_start(argv, log, log, &world->server, why);
	close(log);
	return err;
}

void
demo_stop(struct demo_world *world)
{
	int status;

	if (world->server == 0)
		return;
	(void)kill(world->server, SIGTERM); /* it may be gone already */
	HM_LOSE(process_wait(world->server, CHANNEL_FOREVER, &status, NULL));
	world->server = 0;
}

static hm_err
put_product(struct why *why)
{
	return put_text("product.yaml", 0644, why,
	    "schema: 1\nname: \"thermo\"\nversion: 1\n"
	    "evidence:\n  scheme: imx-mp\n  keys:\n    source: enrolled\n"
	    "  lock_min: closed\n"
	    "certificate:\n  organization: \"Demo OEM\"\n"
	    "  hw_type: \"1.3.6.1.4.1.32473.1\"\n"
	    "secrets:\n"
	    "  - name: \"disk-key\"\n    kind: random\n    size: 32\n"
	    "  - name: \"service-code\"\n    kind: passcode\n    size: 8\n"
	    "  - name: \"fleet-key\"\n    kind: shared\n"
	    "    label: \"fleet-key\"\n"
	    "configuration: \"broker=mqtt.demo.example\"\n");
}

/* A secret that all devices of the product share lives in the token too. */
static hm_err
store_shared(struct demo_world *world, struct why *why)
{
	hm_err err;

	HM_TRY(put_pin("fleet-key", why));
	err = HALLMARK(world, why, "hsm", "store", SERVER_TOKEN, "--label",
	    "fleet-key", "--value", "file:fleet-key", "--module", DEMO_MODULE,
	    "--pin", DEMO_PIN);
	(void)unlink("fleet-key"); /* the token has it now */
	return err;
}

static hm_err
register_approver(struct demo_world *world, const char *name,
    const char *certificate, const char *until, struct why *why)
{
	return HALLMARK(world, why, "station", "create", name, "--role",
	    "approver", "--certificate", certificate, "--until", until,
	    "--config", "hallmark.yaml");
}

hm_err
demo_serve(struct demo_world *world, struct why *why)
{
	char until[TIME_TEXT_LEN];

	until_text(until);
	HM_TRY(store_shared(world, why));
	HM_TRY(demo_start(world, why));
	HM_TRY(register_planner(world, until, why));
	demo_say("server", "https://%s  walled processes", world->address);
	HM_TRY(HALLMARK(world, why, "station", "create", "BENCH",
	    "--certificate", "station.pem", "--site", "demo", "--until", until,
	    "--config", "hallmark.yaml"));
	demo_say("station", "BENCH  %" PRIu32 " slots", world->slots);
	HM_TRY(register_approver(world, "alice", "alice.pem", until, why));
	HM_TRY(register_approver(world, "bob", "bob.pem", until, why));
	HM_TRY(put_product(why));
	HM_TRY(HALLMARK(world, why, "product", "create", "product.yaml",
	    "--output", "product.cose", "--config", "hallmark.yaml"));
	demo_say("product", "thermo  i.MX manufacturing protection, 3 secrets");
	return demo_release(world, why);
}

/* ---- chips and the order ---- */

/* What vdevice printed of a new chip. */
static hm_err
take_chip(struct hm_bytes json, struct demo_unit *unit, struct buf *keys,
    struct why *why)
{
	AUTO_DOC struct doc *doc = NULL;

	HM_TRY(doc_parse(json, &doc, why));
	HM_TRY(hex_parse(hm_bytes_of(doc_get_text(doc, "device_id", "")),
	    unit->device_id, sizeof(unit->device_id)));
	(void)snprintf(
	    unit->uid, sizeof(unit->uid), "%s", doc_get_text(doc, "uid", ""));
	if (keys == NULL)
		return HM_OK;
	return buf_print(keys, "%s\n", doc_get_text(doc, "evidence_key", ""));
}

/* A clone has the id of the first; a machine is made with it from scratch, for
 * who clones one has its flash and its fuses to make as well. */
static hm_err
make_chip(struct demo_world *world, struct demo_unit *unit,
    const struct demo_unit *first, struct buf *keys, struct why *why)
{
	const char *fab[WORDS_MAX] = { "fab", "--dir", unit->dir, "--stamp-key",
		"stamp.pub", "--counter", "1", "--json" };
	const char *const clone[] = { "clone", "--dir", unit->dir, "--json",
		"--from", first->dir, NULL };
	AUTO(buf) struct buf out = { 0 };
	bool is_clone = unit->want == HM_E_CLONE;
	size_t at = 8;

	if (is_clone && world->board == NULL) {
		HM_TRY(demo_run(world, world->vdevice, clone, &out, why));
		return take_chip(buf_bytes(&out), unit, NULL, why);
	}
	if (is_clone) {
		fab[at++] = "--uid";
		fab[at++] = first->uid;
	} else if (unit->want == HM_E_EVIDENCE_DUMMY) {
		fab[at++] = "--open";
	}
	if (world->board != NULL) {
		at += demo_board_words(world, unit, fab + at, WORDS_MAX - at);
	} else {
		fab[at++] = "--firmware";
		fab[at++] = world->firmware;
	}
	HM_TRY(demo_run(world, world->vdevice, fab, &out, why));
	return take_chip(buf_bytes(&out), unit, is_clone ? NULL : keys, why);
}

/* Good chips, one more than ordered, and three that must not pass. */
static hm_err
make_chips(struct demo_world *world, struct demo_unit *units, uint32_t count,
    struct buf *keys, struct why *why)
{
	for (uint32_t i = 0; i < count; i++)
		HM_TRY(make_chip(world, &units[i], &units[0], keys, why));
	return HM_OK;
}

static hm_err
enrol(struct demo_world *world, const struct buf *keys, struct why *why)
{
	const char *at = (const char *)keys->ptr;
	size_t line = 2 * HM_POINT_LEN + 1, per_file = 1000 * line;

	for (size_t from = 0; from < keys->len; from += per_file) {
		size_t len = keys->len - from;

		HM_TRY(file_write("keys.txt",
		    (struct hm_bytes){ (const uint8_t *)at + from,
			len < per_file ? len : per_file },
		    0644, why));
		HM_TRY(HALLMARK(world, why, "product", "enrol", "thermo",
		    "keys.txt", "--config", "hallmark.yaml"));
	}
	return HM_OK;
}

hm_err
demo_order(struct demo_world *world, struct demo_unit *units, uint32_t count,
    struct why *why)
{
	AUTO(buf) struct buf keys = { 0 };
	char from[TIME_TEXT_LEN], until[TIME_TEXT_LEN];

	buf_init(&keys, (size_t)count * 140);
	HM_TRY(make_chips(world, units, count, &keys, why));
	if (world->board == NULL)
		demo_say("chips", "%" PRIu32 " virtual, each with its own key",
		    count);
	else
		demo_say("machines", "%" PRIu32 " %s, fused and programmed",
		    count, demo_board_name(world));
	HM_TRY(enrol(world, &keys, why));
	time_format(clock_now_s() - 60, from);
	until_text(until);
	HM_TRY(put_text("order.yaml", 0644, why,
	    "schema: 1\nname: \"DEMO-1\"\nproduct: \"product.cose\"\n"
	    "release: \"release.cose\"\nchannel: prod\nquota: %" PRIu32 "\n"
	    "serial:\n  prefix: \"TD-\"\n  first: 1\n  digits: 6\n"
	    "mac_first: \"7c:ac:b2:10:00:00\"\nstations: [\"BENCH\"]\n"
	    "not_before: \"%s\"\nnot_after: \"%s\"\n",
	    world->quota, from, until));
	HM_TRY(HALLMARK(world, why, "order", "create", "order.yaml", "--config",
	    "hallmark.yaml"));
	demo_say("order",
	    "DEMO-1  %" PRIu32 " devices, serials from TD-000001, MACs",
	    world->quota);
	return HM_OK;
}
