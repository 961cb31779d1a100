/* SPDX-License-Identifier: Apache-2.0 */
#include "station/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "core/cbor.h"

#define ANSWER_MAX HM_LINK_MAX
#define UNIT_MAX (2 * ANSWER_MAX + 4096)
#define SUFFIX ".unit"
#define POLL_US 20000 /* between two looks at a lock */
#define LEFTOVER_S 3600

void
unit_init(struct unit *unit)
{
	*unit = (struct unit){ 0 };
	buf_init(&unit->issued, ANSWER_MAX);
	buf_init(&unit->conformance, HM_CONFORMANCE_MAX);
	buf_init(&unit->confirmed, ANSWER_MAX);
}

void
unit_done(struct unit *unit)
{
	buf_done(&unit->issued);
	buf_done(&unit->conformance);
	buf_done(&unit->confirmed);
}

static hm_err
path_of(const char *folder, const uint8_t *device_id, const char *suffix,
    char ret[static FILE_PATH_MAX])
{
	char name[HM_DEVICE_ID_LEN * 2 + 16];

	hex_format((struct hm_bytes){ device_id, HM_DEVICE_ID_LEN }, name);
	strncat(name, suffix, sizeof(name) - strlen(name) - 1);
	return path_join(ret, FILE_PATH_MAX, folder, name);
}

/* ---- encoding ---- */

static hm_err
encode(const struct unit *unit, struct buf *ret)
{
	struct hm_cbor_out out;
	uint8_t *room;
	size_t len;

	buf_init(ret, UNIT_MAX);
	HM_TRY(buf_reserve(ret, UNIT_MAX, &room));
	hm_cbor_out_init(&out, (struct hm_span){ room, UNIT_MAX });
	hm_cbor_put_map(&out, 11);
	hm_cbor_put_uint(&out, 0);
	hm_cbor_put_uint(&out, 1);
	hm_cbor_put_uint(&out, 1);
	hm_cbor_put_text(&out, hm_bytes_of(unit->order));
	hm_cbor_put_uint(&out, 2);
	hm_cbor_put_text(&out, hm_bytes_of(unit->slot));
	hm_cbor_put_uint(&out, 3);
	hm_cbor_put_bytes(&out, HM_BYTES(unit->device_id));
	hm_cbor_put_uint(&out, 4);
	hm_cbor_put_uint(&out, unit->step);
	hm_cbor_put_uint(&out, 5);
	hm_cbor_put_uint(&out, unit->state);
	hm_cbor_put_uint(&out, 6);
	hm_cbor_put_uint(&out, unit->err);
	hm_cbor_put_uint(&out, 7);
	hm_cbor_put_bytes(&out, buf_bytes(&unit->issued));
	hm_cbor_put_uint(&out, 8);
	hm_cbor_put_bytes(&out, buf_bytes(&unit->conformance));
	hm_cbor_put_uint(&out, 9);
	hm_cbor_put_bytes(&out, buf_bytes(&unit->confirmed));
	hm_cbor_put_uint(&out, 10);
	hm_cbor_put_uint(&out, unit->time_s);
	HM_TRY(hm_cbor_out_end(&out, &len));
	ret->len = len;
	return HM_OK;
}

static void
get_name(struct hm_cbor_in *in, char ret[static HM_NAME_MAX + 1])
{
	struct hm_bytes name = hm_cbor_get_text(in, 0, HM_NAME_MAX);

	if (name.len != 0)
		memcpy(ret, name.ptr, name.len);
	ret[name.len] = 0;
}

static hm_err
decode(struct hm_bytes bytes, struct unit *ret)
{
	struct hm_bytes issued, conformance, confirmed;
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, bytes);
	if (hm_cbor_get_map(&in, 11) != 11)
		return HM_E_BAD_INPUT;
	hm_cbor_key(&in, 0);
	(void)hm_cbor_get_uint(&in, 1);
	hm_cbor_key(&in, 1);
	get_name(&in, ret->order);
	hm_cbor_key(&in, 2);
	get_name(&in, ret->slot);
	hm_cbor_key(&in, 3);
	hm_cbor_get_fixed(&in, ret->device_id, sizeof(ret->device_id));
	hm_cbor_key(&in, 4);
	ret->step = (station_step)hm_cbor_get_uint(&in, STEP_COUNT - 1);
	hm_cbor_key(&in, 5);
	ret->state = (unit_state)hm_cbor_get_uint(&in, UNIT_HOLD);
	hm_cbor_key(&in, 6);
	ret->err = (hm_err)hm_cbor_get_uint(&in, 65535);
	hm_cbor_key(&in, 7);
	issued = hm_cbor_get_bytes(&in, 0, ANSWER_MAX);
	hm_cbor_key(&in, 8);
	conformance = hm_cbor_get_bytes(&in, 0, HM_CONFORMANCE_MAX);
	hm_cbor_key(&in, 9);
	confirmed = hm_cbor_get_bytes(&in, 0, ANSWER_MAX);
	hm_cbor_key(&in, 10);
	ret->time_s = hm_cbor_get_uint(&in, UINT64_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	HM_TRY(buf_add(&ret->issued, issued));
	HM_TRY(buf_add(&ret->conformance, conformance));
	return buf_add(&ret->confirmed, confirmed);
}

/* ---- files ---- */

hm_err
journal_folders(const char *journal, const char *records, struct why *why)
{
	HM_TRY(file_mkdir(journal, 0700, why));
	HM_TRY(file_mkdir(records, 0755, why));
	file_sweep(journal, LEFTOVER_S);
	file_sweep(records, LEFTOVER_S);
	/* What a station that was killed had renamed, and not synced. */
	HM_TRY(file_sync_dir(journal, why));
	return file_sync_dir(records, why);
}

hm_err
journal_lock(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], uint64_t deadline_us,
    int *ret_fd, struct why *why)
{
	char path[FILE_PATH_MAX];
	int fd;

	HM_TRY(path_of(folder, device_id, ".lock", path));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		why_where(why, "%s", path);
		return WHY(
		    why, HM_E_JOURNAL, "cannot open: %s", strerror(errno));
	}
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono_us() >= deadline_us) {
			close(fd);
			return HM_E_TIMEOUT;
		}
		(void)usleep(POLL_US); /* another slot of ours has it */
	}
	*ret_fd = fd;
	return HM_OK;
}

static hm_err
load_path(const char *path, struct unit *ret, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };
	struct why inner = { 0 };
	hm_err err;

	unit_init(ret);
	if (!file_exists(path))
		return HM_E_NOT_FOUND;
	err = file_read(path, UNIT_MAX, &file, &inner);
	if (err == HM_OK)
		err = decode(buf_bytes(&file), ret);
	if (err == HM_OK)
		return HM_OK;
	unit_done(ret);
	why_where(why, "%s", path);
	return WHY(why, HM_E_JOURNAL, "the record of this unit is damaged");
}

hm_err
journal_load(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], struct unit *ret,
    struct why *why)
{
	char path[FILE_PATH_MAX];

	HM_TRY(path_of(folder, device_id, SUFFIX, path));
	return load_path(path, ret, why);
}

hm_err
journal_save(const char *folder, const struct unit *unit, struct why *why)
{
	AUTO(buf) struct buf bytes = { 0 };
	char path[FILE_PATH_MAX];
	hm_err err;

	HM_TRY(path_of(folder, unit->device_id, SUFFIX, path));
	HM_TRY(encode(unit, &bytes));
	err = file_write(path, buf_bytes(&bytes), 0600, why);
	return err == HM_OK ? HM_OK : HM_E_JOURNAL;
}

static bool
is_unit(const char *name)
{
	size_t len = strlen(name);

	return len == HM_DEVICE_ID_LEN * 2 + strlen(SUFFIX) &&
	       strcmp(name + HM_DEVICE_ID_LEN * 2, SUFFIX) == 0;
}

static hm_err
visit(const char *folder, const char *name,
    hm_err (*each)(void *context, const struct unit *unit), void *context,
    struct why *why)
{
	char path[FILE_PATH_MAX];
	struct unit unit;
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), folder, name));
	HM_TRY(load_path(path, &unit, why));
	err = each(context, &unit);
	unit_done(&unit);
	return err;
}

hm_err
journal_each(const char *folder,
    hm_err (*each)(void *context, const struct unit *unit), void *context,
    struct why *why)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	hm_err err = HM_OK;

	if (dir == NULL) {
		why_where(why, "%s", folder);
		return WHY(
		    why, HM_E_JOURNAL, "cannot list: %s", strerror(errno));
	}
	while (err == HM_OK && (entry = readdir(dir)) != NULL)
		if (is_unit(entry->d_name))
			err = visit(folder, entry->d_name, each, context, why);
	closedir(dir);
	return err;
}
