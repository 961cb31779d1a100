/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * demo - a whole OEM and a factory line in one folder
 *
 * Everything is done with the commands that a person would type, by programs
 * that run for real; demo.log has every one of them. demo_world.c sets the OEM
 * up, demo_release.c and demo_board.c make what the devices run, demo_line.c
 * makes the devices, demo.c tells the story and judges.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/file.h"
#include "base/why.h"
#include "wire/limits.h"

#define DEMO_DEVICES_MAX 100000
#define DEMO_SLOTS_MAX 32
#define DEMO_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define DEMO_PIN "file:pin"
#define DEMO_OEM_TOKEN "pkcs11:token=oem"

/* Where things are. */
struct demo_world {
	char dir[FILE_PATH_MAX];
	char hallmark[FILE_PATH_MAX], hallmarkd[FILE_PATH_MAX];
	char station[FILE_PATH_MAX], vdevice[FILE_PATH_MAX];
	const char *firmware; /* given by the caller, or found */
	const char *board;    /* an385 or an505; NULL: chips are virtual */
	char address[64];     /* host:port of the server */
	int log;              /* demo.log */
	pid_t server;         /* hallmarkd; 0: not running */
	uint32_t quota, slots;
};

/* One chip and what has to become of it. */
struct demo_unit {
	char dir[32];      /* below the world's folder */
	const char *fault; /* of vdevice; NULL: none */
	hm_err want, got;  /* HM_OK: PASS */
	bool is_done, was_resumed, is_extra;
	bool is_altered; /* its images were, after they were signed */
	bool runs;       /* of machines: the product has started */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	char uid[2 * 32 + 1]; /* in hex */
	char serial[HM_SERIAL_MAX + 1];
};

struct demo_result {
	uint32_t passed, refused, resumed;
	uint64_t elapsed_us; /* of making all */
	uint64_t issue_p50_us, issue_p99_us;
};

/* ---- demo_world.c ---- */

/* Folder, tokens, CAs, certificates, configuration. */
HM_MUST hm_err demo_set_up(struct demo_world *world, struct why *why);
/* A TLS certificate: profile server, station or client. */
HM_MUST hm_err demo_issue(struct demo_world *world, const char *profile,
    const char *subject, const char *key, const char *out, struct why *why);
/* Start hallmarkd, without waiting until it is ready. */
HM_MUST hm_err demo_start(struct demo_world *world, struct why *why);
/* Start it, register planner and station, product and release. */
HM_MUST hm_err demo_serve(struct demo_world *world, struct why *why);
/* Fabricate the chips, enrol their keys, open the order. */
HM_MUST hm_err demo_order(struct demo_world *world, struct demo_unit *units,
    uint32_t count, struct why *why);
/* SIGTERM, and wait. */
void demo_stop(struct demo_world *world);
/* Run one command of ours in the demo's folder: words after the program, ended
 * by NULL. *ret_out may be NULL. A status other than 0 is HM_E_BUG. */
HM_MUST hm_err demo_run(struct demo_world *world, const char *program,
    const char *const *words, struct buf *ret_out, struct why *why);

/* ---- demo_release.c ---- */

/* Images signed, promoted, approved, delivered; world->firmware becomes what
 * the devices run. */
HM_MUST hm_err demo_release(struct demo_world *world, struct why *why);

/* The parts of it that are the same for any images: a development image `out`
 * out of a payload, with one option more or NULL; and two such images, each in
 * NAME.dev.bin, as a release that is promoted, approved twice, bundled, and
 * opened into firmware/. `what` says what they are. */
struct demo_image {
	const char *name, *target; /* target NULL: none is named */
};

HM_MUST hm_err demo_sign(struct demo_world *world, const char *payload,
    const char *out, const char *word, const char *value, struct why *why);
HM_MUST hm_err demo_publish(struct demo_world *world,
    const struct demo_image images[static 2], const char *what,
    struct why *why);

/* ---- demo_board.c ---- */

/* The emulator and the programs for world->board are there. HM_E_FILE */
HM_MUST hm_err demo_board_find(struct demo_world *world, struct why *why);
/* Manufacturing and product image, as demo_release() leaves its ones. */
HM_MUST hm_err demo_board_release(struct demo_world *world, struct why *why);
/* The words with which the machine of `unit` is made; how many. */
size_t demo_board_words(const struct demo_world *world,
    const struct demo_unit *unit, const char **ret, size_t size);
/* What the board is called. */
const char *demo_board_name(const struct demo_world *world);

/* ---- demo_line.c ---- */

/* Put all units through the station: first the good ones, then the extra. */
HM_MUST hm_err demo_make(struct demo_world *world, struct demo_unit *units,
    uint32_t count, struct demo_result *ret, struct why *why);
