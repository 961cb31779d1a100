/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the run without a skip does, written down once and read backwards: at
 * each place for comparing, which locals and which bytes of RAM are read later
 * before they are written. A run that agrees in these, and has not written
 * flash, goes on exactly as that one did.
 */
#include "thumb_log.h"

#include <stdlib.h>
#include <string.h>

#include "thumb_run.h"

#define LOCALS_ALL 0x3ffffu
enum { STEP, MEMORY, SYNC };

/* STEP: reads, writes; MEMORY: address, size | write << 8; SYNC: moment */
struct entry {
	uint32_t a : 30, kind : 2, b;
};
struct byte {
	uint32_t at;
	uint8_t value;
};
struct moment {
	uint32_t where, live, count;
	struct cpu cpu;
	uint8_t *ram;       /* while it is logged */
	struct byte *bytes; /* afterwards: those that are live */
};

static struct entry *entries;
static size_t count, room;
static struct moment *moments;
static size_t moment_count, moment_room;
static uint32_t ram_at;
static bool is_over;

static void *
grown(void *list, size_t *ret_room, size_t size)
{
	void *more;

	*ret_room = *ret_room == 0 ? 1024 : *ret_room * 2;
	more = realloc(list, *ret_room * size);
	if (more == NULL)
		abort();
	return more;
}

static void
note(uint32_t kind, uint32_t a, uint32_t b)
{
	if (count == room)
		entries =
		    (struct entry *)grown(entries, &room, sizeof(*entries));
	entries[count++] = (struct entry){ a & 0x3fffffff, kind & 3, b };
}

void
log_begin(uint32_t ram)
{
	ram_at = ram;
	cpu.is_logged = true;
}

void
log_step(uint32_t reads, uint32_t writes)
{
	note(STEP, reads, writes);
}

void
log_memory(uint32_t address, uint32_t size, bool is_write)
{
	if (address - ram_at < RAM_LEN && address - ram_at <= RAM_LEN - size)
		note(MEMORY, address - ram_at, size | (is_write ? 0x100u : 0));
}

void
log_sync(uint32_t where)
{
	struct moment moment = { .where = where, .cpu = cpu };

	/* behind a write to flash all would have to be the same there, too */
	if (flash_written)
		is_over = true;
	if (is_over)
		return;
	if (moment_count == moment_room)
		moments = (struct moment *)grown(
		    moments, &moment_room, sizeof(*moments));
	moment.ram = (uint8_t *)malloc(RAM_LEN);
	if (moment.ram == NULL)
		abort();
	memcpy(moment.ram, machine_at(ram_at), RAM_LEN);
	note(SYNC, (uint32_t)moment_count, 0);
	moments[moment_count++] = moment;
}

static void
keep(struct moment *moment, uint32_t live, const uint8_t *ram)
{
	uint32_t n = 0;

	moment->live = live;
	for (uint32_t i = 0; i < RAM_LEN; i++)
		n += ram[i];
	moment->bytes = (struct byte *)calloc(n + 1, sizeof(*moment->bytes));
	if (moment->bytes == NULL)
		abort();
	for (uint32_t i = 0; i < RAM_LEN; i++)
		if (ram[i])
			moment->bytes[moment->count++] =
			    (struct byte){ i, moment->ram[i] };
	free(moment->ram);
	moment->ram = NULL;
}

void
log_end(void)
{
	static uint8_t ram[RAM_LEN]; /* 1: read later */
	uint32_t live = 0;

	cpu.is_logged = false;
	for (size_t i = count; i-- > 0;) {
		const struct entry *entry = &entries[i];

		if (entry->kind == STEP)
			live = (live & ~entry->b) | entry->a;
		else if (entry->kind == MEMORY)
			memset(
			    ram + entry->a, entry->b < 0x100, entry->b & 0xff);
		else
			keep(&moments[entry->a], live, ram);
	}
	free(entries);
	entries = NULL;
	count = room = 0;
}

size_t
log_moments(void)
{
	return moment_count;
}

static bool
is_cpu_same(const struct moment *moment)
{
	const struct cpu *then = &moment->cpu;

	for (unsigned i = 0; i < 15; i++)
		if ((moment->live >> i & 1) != 0 && cpu.r[i] != then->r[i])
			return false;
	return !((moment->live >> 15 & 1) != 0 && cpu.res != then->res) &&
	       !((moment->live >> 16 & 1) != 0 && cpu.c != then->c) &&
	       !((moment->live >> 17 & 1) != 0 && cpu.v != then->v);
}

bool
is_same(uint32_t where)
{
	const uint8_t *ram = machine_at(ram_at);
	const struct moment *moment;
	uint32_t at;

	if (flash_written)
		return false;
	for (size_t i = 0; i < moment_count; i++) {
		moment = &moments[i];
		if (moment->where != where || !is_cpu_same(moment))
			continue;
		for (at = 0; at < moment->count; at++)
			if (ram[moment->bytes[at].at] !=
			    moment->bytes[at].value)
				break;
		if (at == moment->count)
			return true;
	}
	return false;
}
