/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - station.yaml
 *
 * The table in config.c is the one source of keys, checks, template and
 * reference page. A slot is a place on the fixture: its name is painted there,
 * its link is how the device in it is reached. What identifies the device is
 * its attested id, never the slot.
 */

#include <stdint.h>

#include "base/file.h"
#include "base/why.h"
#include "wire/limits.h"

#define STATION_SLOTS_MAX 256
#define STATION_TEXT_MAX 256

struct station_slot {
	char name[HM_NAME_MAX + 1];
	char link[STATION_TEXT_MAX]; /* "unix:PATH" or "tty:PATH" */
};

struct station_config {
	char name[HM_NAME_MAX + 1];
	struct {
		char url[STATION_TEXT_MAX]; /* https://host:port */
		char ca[FILE_PATH_MAX], certificate[FILE_PATH_MAX],
		    key[FILE_PATH_MAX]; /* PEM */
		uint32_t deadline_ms;   /* of one call */
		uint32_t
		    patience_ms; /* of trying again before a unit is held */
	} server;
	char log_key[STATION_TEXT_MAX]; /* verifier key of the ledger, or "" */
	char journal[FILE_PATH_MAX];    /* folder */
	char records[FILE_PATH_MAX];    /* folder */
	uint32_t device_timeout_ms;     /* of one answer of a device */
	struct station_slot slots[STATION_SLOTS_MAX];
	uint32_t slot_count;
};

/* For template and reference page. */
struct config_schema;
extern const struct config_schema station_schema;

/* Read and check a file. HM_E_CONFIG_*, HM_E_FILE */
HM_MUST hm_err station_config_load(
    const char *path, struct station_config *ret, struct why *why);
