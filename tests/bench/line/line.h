/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line - a whole line against a real server, for bench_line
 *
 * line_world.c sets an OEM up in a fresh folder with the commands that people
 * type and starts hallmarkd; line_device.c makes devices ahead of time, so that
 * during the measurement a device costs the generator little; line_load.c is
 * the generator, all stations in one event loop; line_proc.c reads what each
 * process of the server spent; line_limit.c measures what the same work costs
 * at least; line_report.c prints.
 *
 * What cannot go on ends the program with its reason: figures of half a run are
 * worth nothing.
 */
#include "base/buf.h"
#include "base/why.h"
#include "cmd/demo.h"
#include "ledger/note.h"
#include "wire/claims.h"

typedef enum line_reuse {
	LINE_KEEP,   /* one connection for all devices of a station */
	LINE_NEW,    /* a new one for each device */
	LINE_RESUME, /* a new one, resumed from the session of the last */
} line_reuse;

struct line_options {
	uint32_t stations; /* connections, each with one device at a time */
	uint32_t seconds;
	uint32_t devices; /* so many instead of so long; 0: no */
	uint32_t token_delay_ms;
	bool count_sessions; /* of the token, in a file of the folder */
	uint32_t sessions;   /* of the token; 0: the server's own choice */
	uint32_t fronts;     /* 0: the server's own choice */
	double rate;         /* devices a second; 0: as fast as it goes */
	bool half_load;
	uint32_t idle; /* connections to open afterwards */
	line_reuse reuse;
	const char *folder; /* NULL: a new one below /var/tmp or TMPDIR */
};

/* Ends the program if `err` is one. */
void line_must(hm_err err, const struct why *why, const char *what);
_Noreturn void line_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* ---- line_world.c ---- */

#define LINE_CREDENTIALS 16 /* stations with names; they share connections */
#define LINE_SESSIONS 8     /* of the slow token */
#define LINE_ORDER "BENCH-1"

struct line_world {
	struct demo_world demo;
	uint32_t credentials;
	uint32_t quota, enrolled;
	uint32_t made; /* devices that have their last receipt */
	uint8_t stamp_key[HM_POINT_LEN];
	uint8_t image[HM_DIGEST_LEN];
	struct note_key log;
};

/* From all zeros: everything but the server. The limit may use the token now.
 */
void line_world_make(
    struct line_world *world, const struct line_options *options);
/* The server, credentials, product and release, and the order. */
void line_world_serve(struct line_world *world, uint32_t quota);
/* Stop the server and start it again; how long until it was ready, in s. */
double line_world_restart(struct line_world *world);
/* Confirmed devices of the order, as the server counts them. */
uint32_t line_world_confirmed(struct line_world *world);
/* `hallmark audit verify`; its CPU time in s. */
double line_world_audit(struct line_world *world, double *ret_wall_s);
void line_world_done(struct line_world *world);

/* ---- line_device.c ---- */

/*
 * A signature whose costly half is done: s = a * digest + b mod n. What a chip
 * computes for itself is no cost of the line, so it is spent beforehand.
 */
struct line_signature {
	uint8_t r[32], a[32], b[32];
};

struct line_device {
	uint8_t id[HM_DEVICE_ID_LEN];
	uint8_t evidence_key[HM_POINT_LEN], identity[HM_POINT_LEN];
	uint8_t kem[HM_POINT_LEN], kem_secret[32];
	struct line_signature evidence, possession, conformance;
};

/* `count` new devices, enrolled with the server. */
struct line_device *line_devices_new(struct line_world *world, uint32_t count);

/* The whole request for a stamp. `binding` is what the device will expect. */
size_t line_issue_request(const struct line_world *world,
    const struct line_device *device, const uint8_t nonce[static HM_NONCE_LEN],
    uint8_t ret_binding[static HM_DIGEST_LEN], struct hm_span room);
/* The whole confirmation of a stamp with that digest. */
size_t line_confirm_request(const struct line_world *world,
    const struct line_device *device, const uint8_t stamp[static HM_DIGEST_LEN],
    struct hm_span room);

/* What the server answered for one device, to be looked at afterwards. */
struct line_sample {
	const struct line_device *device;
	uint8_t binding[HM_DIGEST_LEN];
	struct buf issue, confirm; /* the two answers */
};
/* Signatures, certificate, secrets and both receipts, or line_fail(). */
void line_sample_verify(
    const struct line_world *world, const struct line_sample *sample);
void line_sample_done(struct line_sample *sample);

/* ---- line_proc.c ---- */

typedef enum line_role {
	LINE_PARENT,
	LINE_FRONT,
	LINE_KEEPER,
	LINE_SIGNER,
	LINE_ROLES,
} line_role;
extern const char *const line_role_names[LINE_ROLES];

struct line_usage {
	double cpu_us[LINE_ROLES]; /* user and system, all threads */
	double pss_kib[LINE_ROLES];
	unsigned processes[LINE_ROLES];
	double generator_us;
	double idle_us; /* of the machine, all cores together */
	double wall_us;
};
void line_usage_read(const struct line_world *world, struct line_usage *ret);

/* ---- line_load.c ---- */

struct line_load; /* opaque: the stations */
struct line_load *line_load_new(
    struct line_world *world, const struct line_options *options);
void line_load_free(struct line_load *load);

/* One stretch of work. */
struct line_stretch {
	struct line_device *devices; /* each is used once */
	uint32_t count;              /* of them, at most */
	double seconds;              /* 0: until all are done */
	double rate;                 /* devices a second; 0: closed loop */
};

struct line_result {
	uint32_t done, used; /* completed; begun */
	double wall_s;
	struct line_usage before, after;
	double issue_ms[3], whole_ms[3]; /* p50, p99, p99.9 */
	double commit_size;              /* leaves that one checkpoint covers */
	uint64_t handshakes, resumed;
	double rate;     /* that was asked for */
	double idle_kib; /* memory of an idle connection, if measured */
	double late_ms;  /* of a rate: how long devices waited for a station */
	size_t wire[6];  /* bytes of requests and answers, of the last device */
};
/* Runs it, verifies a sample of the answers, or line_fail(). */
void line_load_run(struct line_load *load, const struct line_stretch *stretch,
    struct line_result *ret);

/* Open `count` connections and leave them; KiB of the server for each. */
double line_load_idle(struct line_load *load, uint32_t count);

/* ---- line_limit.c ---- */

typedef enum line_item {
	LIMIT_VERIFY,
	LIMIT_SIGN,
	LIMIT_SEAL,
	LIMIT_HASH,
	LIMIT_RECORDS,
	LIMIT_CONNECT,
	LIMIT_COMMIT,
	LIMIT_CHECKPOINT,
	LIMIT_ITEMS,
} line_item;
extern const char *const line_item_names[LIMIT_ITEMS];

/* Costs of one operation each, in us of CPU time. */
struct line_primitives {
	double verify, token_sign, token_log, keygen, agree, kdf_gcm;
	double hashes;           /* of one device */
	double check, check_log; /* of what the token signed */
};
/* Before the run, and once more when it is over, because the machine is not
 * always as fast: the mean counts. */
void line_limit_measure(struct line_primitives *ret);
void line_limit_measure_again(struct line_primitives *primitives);

/* The sum for one device of this run, by item; what depends on the run's sizes
 * is measured now. */
struct line_limit {
	double us[LIMIT_ITEMS];
	double sum;
	double own_checks; /* not in the sum: what the token signed, verified */
};
void line_limit_of(const struct line_primitives *primitives,
    const struct line_options *options, const struct line_result *result,
    struct line_limit *ret);

/* ---- line_report.c ---- */

/* CPU time of the server for one device, us. */
double line_server_us(const struct line_result *result, line_role role);
double line_server_sum_us(const struct line_result *result);
/* Many devices in one database: what is the same at the end as at the start? */
struct line_many {
	uint32_t devices, parts;
	double first_us, last_us;       /* server's CPU time of a device */
	double first_per_s, last_per_s; /* of the first and the last part */
	double first_kib[LINE_ROLES], last_kib[LINE_ROLES];
	double restart_s, audit_s, audit_cpu_s;
};
void line_many_add(struct line_many *many, const struct line_result *result);
void line_report_part(
    const struct line_world *world, const struct line_result *result);
void line_report_many(const struct line_many *many);

/* The last line of standard output. */
void line_report(const struct line_options *options,
    const struct line_result *result, const struct line_limit *limit);
