/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps - one step on disk, for test_nth.py to make fail
 *
 *   steps tiles FOLDER N     add N entries to the log there and flush, twice
 *   steps count FOLDER       how many entries the log there has
 *   steps journal FOLDER S   write down that a unit is at step number S
 *   steps unit FOLDER        the step that is written down
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errtext.h"
#include "ledger/tiles.h"
#include "station/journal.h"

static const uint8_t unit_id[HM_DEVICE_ID_LEN] = { 7 };

static hm_err
add_entries(struct tiles *tiles, unsigned long count, struct why *why)
{
	char text[32];

	for (unsigned long i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "entry %" PRIu64,
		    tiles_tree(tiles)->size);
		HM_TRY(tiles_add(tiles, hm_bytes_of(text)));
		if (i + 1 == count / 2)
			HM_TRY(tiles_flush(tiles, why));
	}
	return tiles_flush(tiles, why);
}

static hm_err
do_tiles(const char *folder, unsigned long count, struct why *why)
{
	struct tiles *tiles;
	hm_err err;

	HM_TRY(tiles_open(folder, &tiles, why));
	err = add_entries(tiles, count, why);
	tiles_free(tiles);
	return err;
}

static hm_err
do_count(const char *folder, unsigned long number, struct why *why)
{
	struct tree_hash root;
	struct tiles *tiles;
	uint64_t size;
	hm_err err = HM_OK;

	(void)number;
	HM_TRY(tiles_open(folder, &tiles, why));
	size = tiles_tree(tiles)->size;
	/* Every tile that this needs is there, and says the same. */
	if (size > 0)
		err = tree_root_at(size, tiles_reader, tiles, &root);
	tiles_free(tiles);
	if (err == HM_OK)
		printf("%" PRIu64 "\n", size);
	return err;
}

static hm_err
do_journal(const char *folder, unsigned long step, struct why *why)
{
	struct unit unit;
	hm_err err;

	unit_init(&unit);
	strcpy(unit.order, "PO-1");
	strcpy(unit.slot, "A1");
	memcpy(unit.device_id, unit_id, sizeof(unit_id));
	unit.step = (station_step)step;
	err = buf_add(&unit.issued, HM_LITERAL("what the server answered"));
	if (err == HM_OK)
		err = journal_save(folder, &unit, why);
	unit_done(&unit);
	return err;
}

static hm_err
do_unit(const char *folder, unsigned long number, struct why *why)
{
	struct unit unit;

	(void)number;
	HM_TRY(journal_load(folder, unit_id, &unit, why));
	printf("%d\n", (int)unit.step);
	unit_done(&unit);
	return HM_OK;
}

static const struct {
	const char *name;
	hm_err (*run)(
	    const char *folder, unsigned long number, struct why *why);
} steps[] = {
	{ "tiles", do_tiles },
	{ "count", do_count },
	{ "journal", do_journal },
	{ "unit", do_unit },
};

int
main(int argc, char **argv)
{
	struct why why = { 0 };
	hm_err err = HM_E_USAGE;

	for (size_t i = 0; argc > 2 && i < sizeof(steps) / sizeof(steps[0]);
	     i++)
		if (strcmp(argv[1], steps[i].name) == 0)
			err = steps[i].run(argv[2],
			    argc > 3 ? strtoul(argv[3], NULL, 10) : 0, &why);
	if (err != HM_OK)
		(void)fprintf(stderr, "HM-%04d %s %s\n", err,
		    err_info(err)->name, why.text);
	return err == HM_OK ? 0 : 1;
}
