/* SPDX-License-Identifier: Apache-2.0 */
#include "chip.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/text.h"
#include "../port/model/root.h"

#define SCHEMA "hallmark.vdevice.chip/1"
#define FIRMWARE_MAX (256u << 20)
#define CHIP_FILE_MAX 4096

void
chip_done(struct chip *chip)
{
	hm_wipe(chip, sizeof(*chip));
}

void
chip_evidence_key(const struct chip *chip, uint8_t ret[static 32])
{
	root_key(HM_BYTES(chip->secret), chip->scheme, chip->lock, ret);
}

hm_err
chip_evidence_public(const struct chip *chip, uint8_t ret[static HM_POINT_LEN])
{
	uint8_t scalar[32];
	hm_err err;

	chip_evidence_key(chip, scalar);
	err = hm_p256_public(scalar, ret);
	hm_wipe(scalar, sizeof(scalar));
	return err;
}

void
chip_device_id(const struct chip *chip, uint8_t ret[static HM_DEVICE_ID_LEN])
{
	hm_sha256((struct hm_bytes){ chip->uid, chip->uid_len }, ret);
}

void
chip_open_mpmr(uint8_t ret[static HM_MPMR_LEN])
{
	static const char text[] = "value to fill the MPMR content";

	memset(ret, 0, HM_MPMR_LEN);
	memcpy(ret, text, sizeof(text) - 1);
}

hm_err
chip_record_path(
    const struct chip *chip, hm_record record, char *ret, size_t size)
{
	static const char *const names[HM_RECORD_COUNT + 1] = {
		[HM_RECORD_STATE] = "nvm/state",
		[HM_RECORD_IDENTITY] = "nvm/identity",
		[HM_RECORD_KEM] = "nvm/kem",
		[HM_RECORD_SECRETS] = "nvm/secrets",
		[HM_RECORD_STAMP] = "nvm/stamp",
		[HM_RECORD_RECEIPT] = "nvm/receipt",
	};

	return path_join(ret, size, chip->dir, names[record]);
}

static void
write_fuses(const struct chip *chip, struct doc *doc)
{
	doc_hex(doc, "uid", (struct hm_bytes){ chip->uid, chip->uid_len });
	doc_hex(doc, "secret", HM_BYTES(chip->secret));
	doc_uint(doc, "scheme", chip->scheme);
	doc_uint(doc, "lock", chip->lock);
	doc_hex(doc, "mpmr", HM_BYTES(chip->mpmr));
	doc_uint(doc, "counter", chip->counter);
	doc_hex(doc, "stamp_key", HM_BYTES(chip->stamp_key));
	if (chip->board[0] != 0)
		doc_text(doc, "board", chip->board);
}

static hm_err
copy(const char *from, const char *dir, struct why *why)
{
	AUTO(buf) struct buf image = { 0 };
	char path[CHIP_PATH_MAX];

	buf_init(&image, FIRMWARE_MAX);
	HM_TRY(file_read(from, FIRMWARE_MAX, &image, why));
	HM_TRY(path_join(path, sizeof(path), dir, "firmware.bin"));
	return file_create(path, buf_bytes(&image), 0644, why);
}

hm_err
chip_make(
    struct chip *chip, const char *dir, const char *firmware, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO_DOC struct doc *doc = doc_new(SCHEMA);
	char path[CHIP_PATH_MAX];
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), dir, "nvm"));
	HM_TRY(file_mkdir(path, 0700, why));
	HM_TRY(copy(firmware, dir, why));
	write_fuses(chip, doc);
	buf_init(&text, CHIP_FILE_MAX);
	err = doc_write(doc, true, &text);
	if (err == HM_OK)
		err = path_join(path, sizeof(path), dir, "chip.json");
	/* Last: a folder with this file is a whole chip. */
	if (err == HM_OK)
		err = file_create(path, buf_bytes(&text), 0600, why);
	buf_wipe(&text);
	return err;
}

/* A hex text of exactly `len` bytes. */
static bool
get_hex(struct doc *doc, const char *key, uint8_t *ret, size_t len)
{
	return hex_parse(hm_bytes_of(doc_get_text(doc, key, "")), ret, len) ==
	       HM_OK;
}

static bool
read_fuses(struct doc *doc, struct chip *ret)
{
	const char *uid = doc_get_text(doc, "uid", "");
	const char *board = doc_get_text(doc, "board", "");
	int64_t scheme = doc_get_int(doc, "scheme", 0);
	int64_t lock = doc_get_int(doc, "lock", -1);
	int64_t counter = doc_get_int(doc, "counter", -1);

	ret->uid_len = strlen(uid) / 2;
	if (ret->uid_len == 0 || ret->uid_len > sizeof(ret->uid) ||
	    scheme < HM_SCHEME_SOFT || scheme > HM_SCHEME_IMX_MP ||
	    lock < HM_LOCK_OPEN || lock > HM_LOCK_LOCKED || counter < 0 ||
	    counter > UINT32_MAX)
		return false;
	if (strlen(board) >= sizeof(ret->board))
		return false;
	memcpy(ret->board, board, strlen(board) + 1);
	ret->scheme = (hm_scheme)scheme;
	ret->lock = (hm_lock)lock;
	ret->counter = (uint32_t)counter;
	return strcmp(doc_get_text(doc, "schema", ""), SCHEMA) == 0 &&
	       get_hex(doc, "uid", ret->uid, ret->uid_len) &&
	       get_hex(doc, "secret", ret->secret, sizeof(ret->secret)) &&
	       get_hex(doc, "mpmr", ret->mpmr, sizeof(ret->mpmr)) &&
	       get_hex(
		   doc, "stamp_key", ret->stamp_key, sizeof(ret->stamp_key));
}

static hm_err
measure(struct chip *chip, struct why *why)
{
	AUTO(buf) struct buf image = { 0 };
	char path[CHIP_PATH_MAX];

	buf_init(&image, FIRMWARE_MAX);
	HM_TRY(path_join(path, sizeof(path), chip->dir, "firmware.bin"));
	HM_TRY(file_read(path, FIRMWARE_MAX, &image, why));
	hm_sha256(buf_bytes(&image), chip->release);
	return HM_OK;
}

/* What writes that were cut left behind: parts of keys and secrets. */
static hm_err
sweep(const struct chip *chip, struct why *why)
{
	char path[CHIP_PATH_MAX];
	struct dirent *entry;
	DIR *nvm;
	hm_err err = path_join(path, sizeof(path), chip->dir, "nvm");

	HM_TRY(err);
	nvm = opendir(path);
	if (nvm == NULL) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_IO, "no storage: %s", strerror(errno));
	}
	while (err == HM_OK && (entry = readdir(nvm)) != NULL)
		if (strncmp(entry->d_name, ".", 1) == 0 &&
		    strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dirfd(nvm), entry->d_name, 0) != 0)
			err = WHY(why, HM_E_IO, "cannot erase %s: %s",
			    entry->d_name, strerror(errno));
	(void)closedir(nvm); /* nothing was written through it */
	return err;
}

hm_err
chip_load(const char *dir, struct chip *ret, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO(chip) struct chip chip = { 0 };
	AUTO_DOC struct doc *doc = NULL;
	char path[CHIP_PATH_MAX];

	if (strlen(dir) >= sizeof(chip.dir))
		return HM_E_TOO_LARGE;
	memcpy(chip.dir, dir, strlen(dir) + 1);
	buf_init(&text, CHIP_FILE_MAX);
	HM_TRY(path_join(path, sizeof(path), dir, "chip.json"));
	HM_TRY(file_read(path, CHIP_FILE_MAX, &text, why));
	HM_TRY(doc_parse(buf_bytes(&text), &doc, why));
	if (!read_fuses(doc, &chip)) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_BAD_INPUT, "not the fuses of a chip");
	}
	HM_TRY(measure(&chip, why));
	HM_TRY(sweep(&chip, why));
	*ret = chip;
	return HM_OK;
}
