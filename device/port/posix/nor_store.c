/* SPDX-License-Identifier: Apache-2.0 */
#include "nor_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"

/* journal, vault, slot A, slot B, factory */
#define CHIP(text, sector_, unit_, erased_, vault_, slot_, ecc_)          \
	{                                                                 \
		.name = text, .ecc = ecc_, .areas = {                     \
			{ HM_AREA_JOURNAL,                                \
			    { 2 * (sector_), sector_, unit_, erased_ } }, \
			{ HM_AREA_VAULT,                                  \
			    { vault_, sector_, unit_, erased_ } },        \
			{ HM_AREA_SLOT_A,                                 \
			    { slot_, sector_, unit_, erased_ } },         \
			{ HM_AREA_SLOT_B,                                 \
			    { slot_, sector_, unit_, erased_ } },         \
			{ HM_AREA_FACTORY,                                \
			    { slot_, sector_, unit_, erased_ } }          \
		}                                                         \
	}
#define KIB(n) ((n)*1024u)

const struct nor_chip nor_chips[] = {
	/* external NOR behind a controller with an 8-byte write */
	CHIP("4k-8", KIB(4), 8, 0xff, KIB(64), KIB(8), true),
	/* large microcontrollers: flash words with ECC */
	CHIP("128k-32", KIB(128), 32, 0xff, KIB(256), KIB(256), true),
	/* small ones: pages of words */
	CHIP("1k-4", KIB(1), 4, 0xff, KIB(64), KIB(8), false),
	/* EEPROM-like: erased is 0 */
	CHIP("256-1", 256, 1, 0x00, KIB(64), KIB(8), false),
	CHIP("2k-16", KIB(2), 16, 0xff, KIB(64), KIB(8), true),
	{ 0 },
};

struct nor_store store;

struct entry {
	const struct nor_plane *plane;
	uint32_t page, saved;
	uint8_t is[STORE_PAGE], was[STORE_PAGE], states[STORE_PAGE];
};

/* What one mark remembers besides pages. */
struct level {
	size_t entries;
	uint32_t mark; /* its number, for nor_plane.saved */
	struct nor was;
	struct nor_otp otp;
};

static struct entry *undo;
static size_t undo_len, undo_room;
static struct level levels[NOR_LEVELS];
static size_t depth;
static uint32_t marks;
static void *memory;
static size_t memory_len;

struct nor_plane *
store_find(hm_area area)
{
	for (size_t i = 0; i < NOR_AREAS; i++)
		if (store.planes[i].area == area &&
		    store.planes[i].flash.size > 0)
			return &store.planes[i];
	return NULL;
}

/* The `i`-th of the areas in `at`; NULL measures. Returns where it ends. */
static size_t
lay(struct nor_plane *plane, uint8_t *at, size_t used)
{
	const size_t size = plane->flash.size;

	if (at != NULL) {
		plane->is = at + used;
		plane->was = plane->is + size;
		plane->states = plane->was + size;
	}
	return used + 2 * size + (size > 0 ? size / plane->flash.unit : 0);
}

static size_t
lay_all(uint8_t *at)
{
	size_t used = sizeof(struct nor_otp);

	for (size_t i = 0; i < NOR_AREAS; i++)
		used = lay(&store.planes[i], at, used);
	return used;
}

static void
start(const struct nor_chip *chip)
{
	memset(&store, 0, sizeof(store));
	memset(&nor, 0, sizeof(nor));
	store.chip = chip;
	for (size_t i = 0; i < NOR_AREAS; i++) {
		const struct hm_flash *flash = &chip->areas[i].flash;

		hm_assert(
		    flash->size == 0 || (flash->sector % STORE_PAGE == 0 &&
					    flash->size % flash->sector == 0 &&
					    flash->unit <= HM_FLASH_UNIT_MAX));
		store.planes[i].area = chip->areas[i].area;
		store.planes[i].flash = *flash;
	}
	memory_len = lay_all(NULL);
}

static void
settle(bool fresh)
{
	(void)lay_all(memory);
	nor.otp = memory;
	for (size_t i = 0; i < NOR_AREAS; i++) {
		struct nor_plane *plane = &store.planes[i];

		plane->saved = calloc(
		    plane->flash.size / STORE_PAGE + 1, sizeof(*plane->saved));
		hm_assert(plane->saved != NULL);
		if (fresh && plane->flash.size > 0)
			memset(
			    plane->is, plane->flash.erased, plane->flash.size);
	}
	nor_power_on();
}

/* Memory of no file: mapped too, so that what is not touched costs nothing. */
void
nor_open(const struct nor_chip *chip)
{
	start(chip);
	memory = mmap(NULL, memory_len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hm_assert(memory != MAP_FAILED);
	settle(true);
}

static hm_err
map(int fd, bool *ret_fresh)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return HM_E_IO;
	*ret_fresh = st.st_size == 0;
	if (*ret_fresh && ftruncate(fd, (off_t)memory_len) != 0)
		return HM_E_IO;
	if (!*ret_fresh && (size_t)st.st_size != memory_len)
		return HM_E_IO;
	memory =
	    mmap(NULL, memory_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? HM_E_IO : HM_OK;
}

hm_err
nor_open_file(const struct nor_chip *chip, const char *path)
{
	bool fresh = false;
	hm_err err;
	int fd;

	start(chip);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return HM_E_IO;
	err = map(fd, &fresh);
	(void)close(fd); /* the mapping stays */
	HM_TRY(err);
	settle(fresh);
	return HM_OK;
}

void
nor_close(void)
{
	for (size_t i = 0; i < NOR_AREAS; i++)
		free(store.planes[i].saved);
	(void)munmap(memory, memory_len);
	free(undo);
	undo = NULL;
	undo_len = undo_room = depth = 0;
	memset(&store, 0, sizeof(store));
	memset(&nor, 0, sizeof(nor));
}

static void
save(const struct nor_plane *plane, uint32_t page)
{
	const uint32_t at = page * STORE_PAGE, unit = plane->flash.unit;
	struct entry *entry;

	if (undo_len == undo_room) {
		undo_room = undo_room > 0 ? 2 * undo_room : 64;
		entry = realloc(undo, undo_room * sizeof(*undo));
		hm_assert(entry != NULL);
		undo = entry;
	}
	entry = &undo[undo_len++];
	entry->plane = plane;
	entry->page = page;
	entry->saved = plane->saved[page];
	memcpy(entry->is, plane->is + at, STORE_PAGE);
	memcpy(entry->was, plane->was + at, STORE_PAGE);
	memcpy(entry->states, plane->states + at / unit, STORE_PAGE / unit);
	plane->saved[page] = levels[depth - 1].mark;
}

void
store_touch(const struct nor_plane *plane, uint32_t at, uint32_t len)
{
	if (depth == 0)
		return;
	for (uint32_t page = at / STORE_PAGE; page * STORE_PAGE < at + len;
	     page++)
		if (plane->saved[page] != levels[depth - 1].mark)
			save(plane, page);
}

void
nor_mark(void)
{
	hm_assert(depth < NOR_LEVELS);
	levels[depth].entries = undo_len;
	levels[depth].mark = ++marks;
	levels[depth].was = nor;
	levels[depth].otp = *nor.otp;
	depth++;
}

void
nor_rewind(void)
{
	const struct level *level = &levels[depth - 1];
	const uint64_t total = nor.total;

	hm_assert(depth > 0);
	while (undo_len > level->entries) {
		const struct entry *entry = &undo[--undo_len];
		const uint32_t at = entry->page * STORE_PAGE;
		const uint32_t unit = entry->plane->flash.unit;

		memcpy(entry->plane->is + at, entry->is, STORE_PAGE);
		memcpy(entry->plane->was + at, entry->was, STORE_PAGE);
		memcpy(entry->plane->states + at / unit, entry->states,
		    STORE_PAGE / unit);
		entry->plane->saved[entry->page] = entry->saved;
	}
	nor = level->was;
	nor.total = total;
	*nor.otp = level->otp;
}

/* Pages that this mark has saved belong to the one below from now on; it may
 * have saved them too, and its own copies are undone last. */
void
nor_unmark(void)
{
	uint32_t below;

	hm_assert(depth > 0);
	depth--;
	below = depth > 0 ? levels[depth - 1].mark : 0;
	for (size_t i = levels[depth].entries; i < undo_len; i++)
		undo[i].plane->saved[undo[i].page] = below;
	if (depth == 0)
		undo_len = 0;
}
