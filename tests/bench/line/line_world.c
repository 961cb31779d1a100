/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OEM of `hallmark demo`, with stations and an order of our own. All paths
 * are below the world's folder, which is the working directory.
 */
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/doc.h"
#include "base/text.h"
#include "cmd/run.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "net/client.h"

#define MODULE_LINE "module: \"/usr/lib/softhsm/libsofthsm2.so\""
#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define CONTROL "tokens/control" /* orders of the slow token */
#define READY_S 60

_Noreturn void
line_fail(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	(void)fprintf(stderr, "bench_line: ");
	(void)vfprintf(stderr, format, values);
	(void)fprintf(stderr, "\n");
	va_end(values);
	(void)fflush(stdout);
	exit(1);
}

void
line_must(hm_err err, const struct why *why, const char *what)
{
	if (err == HM_OK)
		return;
	line_fail("%s: HM-%04d %s %s", what, (int)err,
	    why == NULL ? "" : why->text, why == NULL ? "" : why->where);
}

static void
put_text(const char *name, const char *text)
{
	struct why why = { 0 };

	line_must(file_write(name, hm_bytes_of(text), 0644, &why), &why, name);
}

static void
hallmark(struct line_world *world, const char *const *words)
{
	struct why why = { 0 };

	line_must(
	    demo_run(&world->demo, world->demo.hallmark, words, NULL, &why),
	    &why, words[0]);
}

#define HALLMARK(world, ...) \
	hallmark(world, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- the folder ---- */

static void
enter_folder(struct line_world *world, const struct line_options *options)
{
	char *dir = world->demo.dir;
	const char *tmp = getenv("TMPDIR");

	if (options->folder != NULL)
		(void)snprintf(dir, FILE_PATH_MAX, "%s", options->folder);
	else
		(void)snprintf(dir, FILE_PATH_MAX, "%s/bench-line-XXXXXX",
		    tmp == NULL ? "/var/tmp" : tmp);
	if (options->folder == NULL ? mkdtemp(dir) == NULL
				    : mkdir(dir, 0700) != 0)
		line_fail("%s: %s", dir, strerror(errno));
	if (chdir(dir) != 0)
		line_fail("%s: %s", dir, strerror(errno));
}

/* However we end, the server ends too; after a failure the folder stays. */
static struct line_world *ours;

static void
stop_server(void)
{
	demo_stop(&ours->demo);
}

static void
find_programs(struct line_world *world)
{
	struct demo_world *demo = &world->demo;
	struct why why = { 0 };
	hm_err err = run_find("../../src/cmd/hallmark", demo->hallmark, &why);

	if (err == HM_OK)
		err =
		    run_find("../../src/cmd/hallmarkd", demo->hallmarkd, &why);
	line_must(err, &why, "programs");
	demo->log =
	    open("demo.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (demo->log < 0)
		line_fail("demo.log: %s", strerror(errno));
}

/* ---- configuration ---- */

/* A token of 8 sessions that takes its time for each signature, or one that
 * tells how many are open. */
static void
put_shim(
    const struct line_options *options, char ret_module[static FILE_PATH_MAX])
{
	struct why why = { 0 };
	char orders[80];

	line_must(
	    run_find("../fault/p11shim.so", ret_module, &why), &why, "shim");
	(void)snprintf(orders, sizeof(orders),
	    "C_Sign delay_ms %" PRIu32 "\nsessions %d\n",
	    options->token_delay_ms, LINE_SESSIONS);
	put_text(CONTROL, options->token_delay_ms != 0 ? orders : "");
	if (options->count_sessions)
		put_text(CONTROL ".sessions", "0 0\n");
	if (setenv("P11SHIM_MODULE", MODULE, 1) != 0 ||
	    setenv("P11SHIM_CONTROL", CONTROL, 1) != 0)
		line_fail("no memory");
}

/* What the demo wrote, with another module if need be, and more stations. */
__attribute__((noinline)) static void
configure(const struct line_options *options)
{
	AUTO(buf) struct buf now = { 0 }, text = { 0 };
	static char module[FILE_PATH_MAX] = MODULE;
	struct why why = { 0 };
	char sessions[32] = "";
	const char *all;
	char *at;

	line_must(file_read_text("hallmarkd.yaml", 4096, &now, &why), &why,
	    "hallmarkd.yaml");
	all = buf_text(&now);
	at = strstr(all, MODULE_LINE);
	if (at == NULL)
		line_fail("hallmarkd.yaml names no module");
	*at = 0;
	if (options->token_delay_ms != 0 || options->count_sessions)
		put_shim(options, module);
	if (options->sessions > 0)
		(void)snprintf(sessions, sizeof(sessions),
		    "\n  sessions: %" PRIu32, options->sessions);
	buf_init(&text, 16384);
	line_must(buf_print(&text,
		      "%smodule: \"%s\"%s%sfronts: %" PRIu32
		      "\nlimits:\n  connections: 10000\n"
		      "  connections_per_address: 10000\n"
		      "  requests_per_s: 0\n",
		      all, module, sessions, at + strlen(MODULE_LINE),
		      options->fronts),
	    NULL, "hallmarkd.yaml");
	put_text("hallmarkd.yaml", buf_text(&text));
}

__attribute__((noinline)) static void
read_keys(struct line_world *world)
{
	AUTO(buf) struct buf pem = { 0 }, vkey = { 0 };
	struct why why = { 0 };

	line_must(
	    file_read_text("stamp.pub", 4096, &pem, &why), &why, "stamp.pub");
	line_must(p256_point_from_pem(buf_bytes(&pem), world->stamp_key), NULL,
	    "stamp.pub");
	line_must(
	    file_read_text("log.vkey", 4096, &vkey, &why), &why, "log.vkey");
	while (vkey.len > 0 && vkey.ptr[vkey.len - 1] == '\n')
		vkey.len--;
	line_must(
	    note_key_parse(buf_bytes(&vkey), &world->log), NULL, "log.vkey");
}

void
line_world_make(struct line_world *world, const struct line_options *options)
{
	static const char image[] = "an image of the bench\n";
	struct why why = { 0 };

	world->demo.slots = 1;
	ours = world;
	if (atexit(stop_server) != 0)
		line_fail("no memory");
	world->credentials = options->stations < LINE_CREDENTIALS
				 ? options->stations
				 : LINE_CREDENTIALS;
	enter_folder(world, options);
	find_programs(world);
	put_text("image.bin", image);
	sha256_one(hm_bytes_of(image), world->image);
	world->demo.firmware = "image.bin";
	line_must(demo_set_up(&world->demo, &why), &why, "set-up");
	configure(options);
	read_keys(world);
}

/* ---- stations and the order ---- */

static void
add_station(struct line_world *world, uint32_t number, const char *until)
{
	char name[16], key[24], certificate[24];
	struct why why = { 0 };

	(void)snprintf(name, sizeof(name), "LINE-%" PRIu32, number);
	(void)snprintf(key, sizeof(key), "%s.key", name);
	(void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
	line_must(
	    demo_issue(&world->demo, "station", name, key, certificate, &why),
	    &why, name);
	HALLMARK(world, "station", "create", name, "--certificate", certificate,
	    "--site", "bench", "--until", until, "--config", "hallmark.yaml");
}

static void
add_order(struct line_world *world, const char *until)
{
	static char text[2048];
	char from[TIME_TEXT_LEN];
	size_t len;

	time_format(clock_now_s() - 60, from);
	len = (size_t)snprintf(text, sizeof(text),
	    "schema: 1\nname: \"" LINE_ORDER "\"\nproduct: \"product.cose\"\n"
	    "release: \"release.cose\"\nchannel: prod\nquota: %" PRIu32 "\n"
	    "serial:\n  prefix: \"TD-\"\n  first: 1\n  digits: 8\n"
	    "mac_first: \"7c:ac:b2:00:00:00\"\n"
	    "not_before: \"%s\"\nnot_after: \"%s\"\nstations:\n",
	    world->quota, from, until);
	for (uint32_t i = 0; i < world->credentials; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "  - \"LINE-%" PRIu32 "\"\n", i);
	put_text("order.yaml", text);
	HALLMARK(world, "order", "create", "order.yaml", "--config",
	    "hallmark.yaml");
}

/* What the devices run: the image as it was signed for production. */
static void
read_image(struct line_world *world)
{
	AUTO(buf) struct buf image = { 0 };
	static struct why why;

	line_must(file_read(world->demo.firmware, 1u << 20, &image, &why), &why,
	    "image");
	sha256_one(buf_bytes(&image), world->image);
}

void
line_world_serve(struct line_world *world, uint32_t quota)
{
	char until[TIME_TEXT_LEN];
	struct why why = { 0 };

	world->quota = quota;
	time_format(clock_now_s() + 86400, until);
	line_must(demo_serve(&world->demo, &why), &why, "server");
	read_image(world);
	for (uint32_t i = 0; i < world->credentials; i++)
		add_station(world, i, until);
	add_order(world, until);
}

/* ---- questions to the server ---- */

static struct net_client *
planner(const struct line_world *world)
{
	char url[96];
	struct net_client_config config = { .url = url,
		.ca = "line.pem",
		.certificate = "planner.pem",
		.key = "planner.key",
		.deadline_ms = 5000 };
	struct net_client *client;
	struct why why = { 0 };

	(void)snprintf(url, sizeof(url), "https://%s", world->demo.address);
	line_must(net_client_new(&config, &client, &why), &why, "client");
	return client;
}

double
line_world_restart(struct line_world *world)
{
	struct net_client *client = planner(world);
	struct net_answer answer = { 0 };
	struct why why = { 0 };
	uint64_t start_us, end_us;

	demo_stop(&world->demo);
	start_us = clock_mono_us();
	end_us = start_us + READY_S * UINT64_C(1000000);
	line_must(demo_start(&world->demo, &why), &why, "server");
	while (net_client_get(client, "/healthz", &answer, NULL) != HM_OK ||
	       answer.status != 200) {
		if (clock_mono_us() > end_us)
			line_fail("the server does not come back");
		(void)usleep(2000); /* it may be shorter: we only ask again */
	}
	net_answer_done(&answer);
	net_client_free(client);
	return (double)(clock_mono_us() - start_us) / 1e6;
}

uint32_t
line_world_confirmed(struct line_world *world)
{
	struct net_client *client = planner(world);
	struct net_answer answer = { 0 };
	AUTO_DOC struct doc *doc = NULL;
	struct why why = { 0 };
	int64_t confirmed;

	line_must(
	    net_client_get(client, "/v1/order/" LINE_ORDER, &answer, &why),
	    &why, "order");
	line_must(
	    doc_parse(buf_bytes(&answer.body), &doc, &why), &why, "order");
	confirmed = doc_get_int(doc, "confirmed", -1);
	net_answer_done(&answer);
	net_client_free(client);
	return confirmed < 0 ? 0 : (uint32_t)confirmed;
}

double
line_world_audit(struct line_world *world, double *ret_wall_s)
{
	uint64_t start_us = clock_mono_us();
	struct rusage before, after;

	(void)getrusage(RUSAGE_CHILDREN, &before);
	HALLMARK(world, "audit", "verify", "state/ledger", "--log-key",
	    "log.vkey", "--authority", "authority.pub");
	(void)getrusage(RUSAGE_CHILDREN, &after);
	*ret_wall_s = (double)(clock_mono_us() - start_us) / 1e6;
	return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
	       (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
	       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) /
		   1e6 +
	       (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
}

static void
remove_folder(const char *dir)
{
	const char *const argv[] = { "/bin/rm", "-rf", dir, NULL };
	int status, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (chdir("/") == 0)
		HM_LOSE(run_wait(argv, null, NULL, &status, NULL));
}

void
line_world_done(struct line_world *world)
{
	demo_stop(&world->demo);
	remove_folder(world->demo.dir);
}
