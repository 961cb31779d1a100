/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../port/mps2/map.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "wire/frame.h"

#define EMULATOR "/usr/bin/qemu-system-arm"
/*
 * The machine's time goes by its instructions, 32 ns each, about as many a
 * second as the boards have; while it sleeps, by the host's clock. So its
 * watchdog does not bite for a host that has hundreds of them to run.
 */
#define CLOCK "shift=5"
#define ARGUMENT_MAX (CHIP_PATH_MAX + 128)
#define LOOK_US 50000      /* is the emulator still there? */
#define GRACE_US 20000000  /* from the end of the line to that of power */
#define ELF_MAX (4u << 20) /* with its debug information */

_Static_assert(BOARD_KEYS == MPS2_KEY_ROWS, "rows as on the map");

/* ---- making ---- */

static void
burn_fuses(const struct chip *chip, const struct board *board, uint8_t *flash)
{
	struct mps2_fuses fuses = { .magic = MPS2_MAGIC,
		.uid_len = (uint32_t)chip->uid_len,
		.scheme = chip->scheme };
	uint8_t *row = flash + MPS2_KEYS_AT;

	memcpy(fuses.uid, chip->uid, chip->uid_len);
	memcpy(fuses.secret, chip->secret, sizeof(fuses.secret));
	memcpy(fuses.mpmr, chip->mpmr, sizeof(fuses.mpmr));
	memcpy(fuses.stamp_key, chip->stamp_key, sizeof(chip->stamp_key));
	fuses.crc = hm_crc32((struct hm_bytes){
	    (const uint8_t *)&fuses, offsetof(struct mps2_fuses, crc) });
	memcpy(flash, &fuses, sizeof(fuses));
	memset(flash + MPS2_LIFE_AT, 0, chip->lock * MPS2_UNIT);
	for (uint32_t i = 0; i < chip->counter && i < MPS2_COUNTER_BITS; i++)
		flash[MPS2_COUNTER_AT + i / 8] &= (uint8_t) ~(1u << i % 8);
	for (uint32_t i = 0; i < board->key_count; i++, row += MPS2_KEY_ROW) {
		memcpy(row, board->keys[i], HM_DIGEST_LEN);
		memset(row + MPS2_KEY_WHOLE, 0, MPS2_UNIT);
	}
	hm_wipe(&fuses, sizeof(fuses));
}

static hm_err
put(const char *dir, const char *name, struct hm_bytes bytes, struct why *why)
{
	char path[CHIP_PATH_MAX];

	HM_TRY(path_join(path, sizeof(path), dir, name));
	return file_create(path, bytes, 0600, why);
}

static hm_err
program(const char *path, uint8_t *slot, struct why *why)
{
	AUTO(buf) struct buf image = { 0 };

	buf_init(&image, MPS2_SLOT_SIZE);
	HM_TRY(file_read(path, MPS2_SLOT_SIZE, &image, why));
	memcpy(slot, image.ptr, image.len);
	return HM_OK;
}

/* The emulator wants the whole size; nobody writes to the rest. */
static hm_err
widen(const char *dir, struct why *why)
{
	char path[CHIP_PATH_MAX];

	HM_TRY(path_join(path, sizeof(path), dir, "flash.img"));
	if (truncate(path, MPS2_FILE_SIZE) != 0) {
		why_where(why, "%s", path);
		return WHY(
		    why, HM_E_IO, "cannot be widened: %s", strerror(errno));
	}
	return HM_OK;
}

static hm_err
put_flash(const struct chip *chip, const char *dir, const struct board *board,
    struct why *why)
{
	static uint8_t flash[MPS2_FLASH_SIZE];
	hm_err err;

	memset(flash, MPS2_ERASED, sizeof(flash));
	HM_TRY(program(board->firmware, flash + MPS2_SLOT_A_AT, why));
	if (board->second != NULL)
		HM_TRY(program(board->second, flash + MPS2_SLOT_B_AT, why));
	burn_fuses(chip, board, flash);
	err = put(dir, "flash.img", HM_BYTES(flash), why);
	if (err == HM_OK)
		err = widen(dir, why);
	hm_wipe(flash, sizeof(flash));
	return err;
}

hm_err
board_make(const struct chip *chip, const char *dir, const struct board *board,
    struct why *why)
{
	AUTO(buf) struct buf start = { 0 };

	buf_init(&start, ELF_MAX);
	HM_TRY(file_read(board->start, ELF_MAX, &start, why));
	HM_TRY(put(dir, "start.elf", buf_bytes(&start), why));
	return put_flash(chip, dir, board, why);
}

/* ---- running ---- */

/* Of the faults, boards have those that are in the flash. */
static hm_err
check_faults(const struct fault *fault, struct why *why)
{
	struct fault rest = *fault;

	rest.cut_at = 0;
	rest.torn = false;
	rest.bad_version = 0;
	if (memcmp(&rest, &(struct fault){ 0 }, sizeof(rest)) != 0)
		return WHY(why, HM_E_USAGE,
		    "a board has the faults power-cut, torn and bad-version, "
		    "and no other");
	return HM_OK;
}

/* As the emulator has it. Its options end at a comma. */
static hm_err
line_words(
    const struct board_line *line, char *ret, size_t size, struct why *why)
{
	int len = line->path == NULL
		      ? snprintf(ret, size, "socket,id=line,fd=3")
		      : snprintf(ret, size,
			    "socket,id=line,path=%s,reconnect=1", line->path);

	if (len < 0 || (size_t)len >= size ||
	    (line->path != NULL && strchr(line->path, ',') != NULL))
		return WHY(why, HM_E_USAGE,
		    "a link with a comma in its name, or a long one");
	return HM_OK;
}

static hm_err
start(const struct chip *chip, const struct fault *fault,
    const struct board_line *line, pid_t *ret, struct why *why)
{
	char machine[64], memory[ARGUMENT_MAX], kernel[CHIP_PATH_MAX];
	char semihosting[160], uart[ARGUMENT_MAX];
	char *argv[] = { (char[]){ EMULATOR }, (char[]){ "-M" }, machine,
		(char[]){ "-object" }, memory, (char[]){ "-display" },
		(char[]){ "none" }, (char[]){ "-nodefaults" },
		(char[]){ "-nic" }, (char[]){ "none" }, (char[]){ "-monitor" },
		(char[]){ "none" }, (char[]){ "-chardev" }, uart,
		(char[]){ "-icount" }, (char[]){ CLOCK }, (char[]){ "-serial" },
		(char[]){ "chardev:line" }, (char[]){ "-semihosting-config" },
		semihosting, (char[]){ "-kernel" }, kernel, NULL };

	if (strchr(chip->dir, ',') != NULL)
		return WHY(why, HM_E_USAGE,
		    "a folder with a comma in its name: the emulator's options "
		    "have no place for it");
	HM_TRY(line_words(line, uart, sizeof(uart), why));
	HM_TRY(path_join(kernel, sizeof(kernel), chip->dir, "start.elf"));
	(void)snprintf(machine, sizeof(machine), "mps2-%s,memory-backend=flash",
	    chip->board);
	(void)snprintf(memory, sizeof(memory),
	    "memory-backend-file,id=flash,size=%u,share=on,mem-path=%s/"
	    "flash.img",
	    MPS2_FILE_SIZE, chip->dir);
	(void)snprintf(semihosting, sizeof(semihosting),
	    "enable=on,target=native,arg=fw,arg=exit=%u,arg=cut=%u,"
	    "arg=torn=%u,arg=fail=%u",
	    line->serves ? 0u : 1u, (unsigned)fault->cut_at,
	    fault->torn ? 1u : 0u, (unsigned)fault->bad_version);
	return process_spawn(
	    EMULATOR, argv, &line->fd, line->path == NULL ? 1 : 0, ret, why);
}

static bool
has_hung_up(int link)
{
	struct pollfd look = { .fd = link, .events = POLLRDHUP };

	return poll(&look, 1, 0) > 0 &&
	       (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

hm_err
board_run(const struct chip *chip, const struct fault *fault,
    const struct board_line *line, int *ret_status, struct why *why)
{
	uint64_t end_us = UINT64_MAX;
	bool is_ended = false;
	pid_t emulator;
	hm_err err;

	HM_TRY(check_faults(fault, why));
	HM_TRY(start(chip, fault, line, &emulator, why));
	for (;;) {
		err = process_wait(
		    emulator, clock_mono_us() + LOOK_US, ret_status, why);
		if (err != HM_E_TIMEOUT)
			return err;
		if (end_us == UINT64_MAX && has_hung_up(line->fd))
			end_us = clock_mono_us() + GRACE_US;
		if (!is_ended && clock_mono_us() >= end_us)
			is_ended = kill(emulator, SIGKILL) == 0;
	}
}
