/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * world - what a front or a station needs around it
 *
 * A real keeper in a process of its own, over the order "PO-1" for station
 * "st-a", its signer played; certificates and keys as files; a chip made of the
 * device library (memport.c). It stands from the first life to the last, so
 * each life makes one device more. The last thing that the keeper does is to
 * audit its ledger.
 */
#include <sys/types.h>

#include "../../unit/device/memport.h"
#include "../../unit/server/plant.h"
#include "net/client.h"
#include "net/server.h"

#define WORLD_FILE_MAX 96

struct world {
	struct plant plant; /* the keeper is elsewhere */
	char folder[64];
	char ca[WORLD_FILE_MAX];
	char server_cert[WORLD_FILE_MAX], server_key[WORLD_FILE_MAX];
	char station_cert[WORLD_FILE_MAX], station_key[WORLD_FILE_MAX];
	int keeper; /* a front's channel; one front at a time */
	int listener;
	char url[NET_ADDRESS_LEN + 16];
	pid_t keeper_pid;
};

extern struct world world;

void world_start(void);
/* The keeper ends; an audit that objects is a failure. */
void world_stop(void);

/* Start a front, under test or not: it is ready, or has ended by an error,
 * which is returned. */
hm_err world_front_start(bool under_test);
/* End it: orderly (it may have ended already). Its error. */
hm_err world_front_stop(void);
/* It runs, as far as one can see. */
bool world_front_runs(void);

/* Counts of "PO-1". No front may run: what waits for one is thrown away. */
struct ask_order_answer world_counts(void);

/* A chip that there was not yet, without power. */
void world_chip(void);
