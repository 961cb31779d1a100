/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_keeper - CPU time of the keeper for a device, at several batch sizes
 *
 * Issue and confirm, with the signer played in this process; what is spent in
 * the signer's place is not counted. One JSON line a figure.
 *
 *     bench_keeper [BATCH]     a divisor of 2048
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/server/plant.h"
#include "core/check.h"

#define DEVICES 2048

static double played_us; /* in the signer's place */
static struct keeper_link real;

static double
cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static hm_err
timed_send(void *context, struct hm_bytes message, uint64_t deadline_us)
{
	double before = cpu_us();
	hm_err err = real.send(context, message, deadline_us);

	played_us += cpu_us() - before;
	return err;
}

/* The keeper that `plant` opened, with our clock around its signer. */
static void
reopen(struct plant *plant)
{
	struct keeper_config config = { .state = plant->folder };

	plant_close(plant);
	real = play_link(&plant->play);
	config.signer = real;
	config.signer.send = timed_send;
	p256_pair_point(plant->play.authority, config.authority);
	hm_assert(
	    keeper_open(&config, plant->now_s, &plant->keeper, NULL) == HM_OK);
}

static double
run(struct plant *plant, struct buf *messages, struct said *said, size_t batch)
{
	double before, us = 0;

	for (size_t i = 0; i < DEVICES; i += batch) {
		played_us = 0;
		before = cpu_us();
		hm_assert(
		    plant_batch(plant, messages + i, batch, said + i) == HM_OK);
		us += cpu_us() - before - played_us;
		hm_assert(said[i].err == HM_OK);
		if (i % 512 == 0) {
			played_us = 0;
			before = cpu_us();
			plant_settle(plant);
			us += cpu_us() - before - played_us;
		}
	}
	return us / DEVICES;
}

static void
measure(size_t batch)
{
	static struct plant plant;
	struct chip *chips = calloc(DEVICES, sizeof(*chips));
	struct buf *messages = calloc(DEVICES, sizeof(*messages));
	struct said *said = calloc(DEVICES, sizeof(*said));
	struct said *receipts = calloc(DEVICES, sizeof(*receipts));
	double issue_us;

	hm_assert(chips != NULL && messages != NULL && said != NULL &&
		  receipts != NULL);
	plant_new(&plant, DEVICES);
	reopen(&plant);
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct ask_issue ask;

		chip_new(&chips[i], &plant, i);
		plant_fill_issue(&plant, plant.st_a, "PO-1", &chips[i], &ask);
		plant_message(
		    ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[i]);
	}
	issue_us = run(&plant, messages, said, batch);
	printf("{\"bench\":\"keeper\",\"what\":\"issue\",\"batch\":%zu,"
	       "\"cpu_us\":%.1f}\n",
	    batch, issue_us);
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct ask_confirm ask;

		buf_done(&messages[i]);
		plant_fill_confirm(&plant, &chips[i], said[i].stamp, &ask);
		plant_message(
		    ASK_CONFIRM, &ask, (struct hm_bytes){ 0 }, &messages[i]);
	}
	printf("{\"bench\":\"keeper\",\"what\":\"confirm\",\"batch\":%zu,"
	       "\"cpu_us\":%.1f}\n",
	    batch, run(&plant, messages, receipts, batch));
	plant_done(&plant);
	for (size_t i = 0; i < DEVICES; i++) {
		chip_done(&chips[i]);
		buf_done(&messages[i]);
		said_done(&said[i]);
		said_done(&receipts[i]);
	}
	free(chips);
	free(messages);
	free(said);
	free(receipts);
}

int
main(int argc, char **argv)
{
	static const size_t batches[] = { 1, 16, 64, 256 };

	if (argc > 1) {
		measure(strtoul(argv[1], NULL, 10));
		return 0;
	}
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
		measure(batches[i]);
	return 0;
}
