/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/device.h"

#include <string.h>

#define COLUMNS                                                             \
	"id, device_id, book, number, state, held_from, station, serial,"   \
	" mac, identity, kem, evidence, counter, lock, cert_serial, stamp," \
	" issued_s, confirmed_s, issue_idx, confirm_idx, void_idx, due_s,"  \
	" quarantine"

/* A leaf or none, as it stands in a row. */
static int64_t
leaf_column(uint64_t index)
{
	return index == NO_LEAF ? -1 : (int64_t)index;
}

static uint64_t
leaf_of(const struct db_stmt *q, int column)
{
	int64_t value = db_int(q, column);

	return value < 0 ? NO_LEAF : (uint64_t)value;
}

static hm_err
read_stamp_columns(const struct db_stmt *q, struct device *ret)
{
	ret->has_stamp = !db_is_null(q, 14);
	if (!ret->has_stamp)
		return HM_OK;
	HM_TRY(db_fixed(q, 14, ret->cert_serial, sizeof(ret->cert_serial)));
	return db_fixed(q, 15, ret->stamp, sizeof(ret->stamp));
}

static hm_err
read_row(const struct db_stmt *q, struct device *ret)
{
	struct device d = { .id = db_int(q, 0),
		.order = db_int(q, 2),
		.number = (uint32_t)db_uint(q, 3),
		.state = (hm_device_state)db_uint(q, 4),
		.held_from = (hm_device_state)db_uint(q, 5),
		.has_mac = !db_is_null(q, 8),
		.counter = (uint32_t)db_uint(q, 12),
		.lock = (hm_lock)db_uint(q, 13),
		.issued_s = db_uint(q, 16),
		.confirmed_s = db_uint(q, 17),
		.issue_index = leaf_of(q, 18),
		.confirm_index = leaf_of(q, 19),
		.void_index = leaf_of(q, 20),
		.due_s = db_is_null(q, 21) ? 0 : db_uint(q, 21),
		.quarantine = db_int(q, 22) != 0 };

	HM_TRY(db_fixed(q, 1, d.device_id, sizeof(d.device_id)));
	strncat(d.station, db_text(q, 6), HM_NAME_MAX);
	strncat(d.serial, db_text(q, 7), HM_SERIAL_MAX);
	if (d.has_mac)
		HM_TRY(db_fixed(q, 8, d.mac, sizeof(d.mac)));
	HM_TRY(db_fixed(q, 9, d.identity, sizeof(d.identity)));
	HM_TRY(db_fixed(q, 10, d.kem, sizeof(d.kem)));
	HM_TRY(db_fixed(q, 11, d.evidence, sizeof(d.evidence)));
	HM_TRY(read_stamp_columns(q, &d));
	*ret = d;
	return HM_OK;
}

static hm_err
find(struct db_stmt *q, struct device *ret, bool *ret_found)
{
	HM_TRY(db_step(q, ret_found, NULL));
	return *ret_found ? read_row(q, ret) : HM_OK;
}

hm_err
device_find(struct db *db, const uint8_t device_id[static HM_DEVICE_ID_LEN],
    struct device *ret, bool *ret_found)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "SELECT " COLUMNS " FROM device WHERE device_id = ?", &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ device_id, HM_DEVICE_ID_LEN });
	return find(&q, ret, ret_found);
}

hm_err
device_find_serial(
    struct db *db, struct hm_bytes serial, struct device *ret, bool *ret_found)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(
	    db, "SELECT " COLUMNS " FROM device WHERE serial = ?", &q, NULL));
	db_bind_text(&q, 1, serial);
	return find(&q, ret, ret_found);
}

hm_err
device_find_due(
    struct db *db, uint64_t now_s, struct device *ret, bool *ret_found)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "SELECT " COLUMNS " FROM device"
	    " WHERE due_s IS NOT NULL AND due_s <= ? ORDER BY due_s LIMIT 1",
	    &q, NULL));
	db_bind_uint(&q, 1, now_s);
	return find(&q, ret, ret_found);
}

/* Everything but the row's id, in the order of COLUMNS, from 1 on. */
static void
bind_row(struct db_stmt *q, const struct device *d)
{
	db_bind_bytes(q, 1, HM_BYTES(d->device_id));
	db_bind_int(q, 2, d->order);
	db_bind_uint(q, 3, d->number);
	db_bind_uint(q, 4, (uint64_t)d->state);
	db_bind_uint(q, 5, (uint64_t)d->held_from);
	db_bind_text(q, 6, hm_bytes_of(d->station));
	if (d->serial[0] != '\0')
		db_bind_text(q, 7, hm_bytes_of(d->serial));
	if (d->has_mac)
		db_bind_bytes(q, 8, HM_BYTES(d->mac));
	db_bind_bytes(q, 9, HM_BYTES(d->identity));
	db_bind_bytes(q, 10, HM_BYTES(d->kem));
	db_bind_bytes(q, 11, HM_BYTES(d->evidence));
	db_bind_uint(q, 12, d->counter);
	db_bind_uint(q, 13, (uint64_t)d->lock);
	if (d->has_stamp) {
		db_bind_bytes(q, 14, HM_BYTES(d->cert_serial));
		db_bind_bytes(q, 15, HM_BYTES(d->stamp));
	}
	db_bind_uint(q, 16, d->issued_s);
	db_bind_uint(q, 17, d->confirmed_s);
	db_bind_int(q, 18, leaf_column(d->issue_index));
	db_bind_int(q, 19, leaf_column(d->confirm_index));
	db_bind_int(q, 20, leaf_column(d->void_index));
	if (d->due_s > 0)
		db_bind_uint(q, 21, d->due_s);
	db_bind_uint(q, 22, d->quarantine);
}

/* Which of the keys was it? */
static hm_err
twice(const struct db *db)
{
	const char *columns = db_twice_columns(db);

	if (strstr(columns, "serial") != NULL)
		return HM_E_TWICE_SERIAL;
	if (strstr(columns, "mac") != NULL)
		return HM_E_TWICE_MAC;
	return HM_E_TWICE;
}

hm_err
device_store(struct db *db, struct device *device)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	hm_err err;

	if (device->id == 0)
		HM_TRY(db_prepare(db,
		    "INSERT INTO device (device_id, book, number, state,"
		    " held_from, station, serial, mac, identity, kem,"
		    " evidence, counter, lock, cert_serial, stamp, issued_s,"
		    " confirmed_s, issue_idx, confirm_idx, void_idx, due_s,"
		    " quarantine) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
		    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    &q, NULL));
	else
		HM_TRY(db_prepare(db,
		    "UPDATE device SET device_id = ?, book = ?, number = ?,"
		    " state = ?, held_from = ?, station = ?, serial = ?,"
		    " mac = ?, identity = ?, kem = ?, evidence = ?,"
		    " counter = ?, lock = ?, cert_serial = ?, stamp = ?,"
		    " issued_s = ?, confirmed_s = ?, issue_idx = ?,"
		    " confirm_idx = ?, void_idx = ?, due_s = ?,"
		    " quarantine = ? WHERE id = ?",
		    &q, NULL));
	bind_row(&q, device);
	if (device->id != 0)
		db_bind_int(&q, 23, device->id);
	err = db_run(&q, NULL);
	if (err == HM_E_TWICE)
		return twice(db);
	if (err == HM_OK && device->id == 0)
		device->id = db_last_rowid(db);
	return err;
}

/* Columns of an index that stand in an UPDATE cost that index's pages, even if
 * nothing in them changes: three of random keys, a third of a confirmation. */
hm_err
device_store_state(struct db *db, const struct device *device)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "UPDATE device SET state = ?, held_from = ?, confirmed_s = ?,"
	    " confirm_idx = ?, due_s = ?, quarantine = ? WHERE id = ?",
	    &q, NULL));
	db_bind_uint(&q, 1, (uint64_t)device->state);
	db_bind_uint(&q, 2, (uint64_t)device->held_from);
	db_bind_uint(&q, 3, device->confirmed_s);
	db_bind_int(&q, 4, leaf_column(device->confirm_index));
	if (device->due_s > 0)
		db_bind_uint(&q, 5, device->due_s);
	db_bind_uint(&q, 6, device->quarantine);
	db_bind_int(&q, 7, device->id);
	return db_run(&q, NULL);
}

hm_err
stamp_store(struct db *db, int64_t device, struct hm_bytes stamp)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(
	    db, "INSERT INTO stamp (device, stamp) VALUES (?, ?)", &q, NULL));
	db_bind_int(&q, 1, device);
	db_bind_bytes(&q, 2, stamp);
	return db_run(&q, NULL);
}

hm_err
stamp_load(struct db *db, int64_t device, struct buf *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT stamp FROM stamp WHERE device = ?", &q, NULL));
	db_bind_int(&q, 1, device);
	HM_TRY(db_step(&q, &row, NULL));
	return row ? buf_add(ret, db_bytes(&q, 0)) : HM_E_NOT_FOUND;
}

hm_err
seen_find(struct db *db, seen_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN], int64_t *ret_device)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db,
	    "SELECT device FROM seen WHERE kind = ? AND digest = ?", &q, NULL));
	db_bind_uint(&q, 1, (uint64_t)kind);
	db_bind_bytes(&q, 2, (struct hm_bytes){ digest, HM_DIGEST_LEN });
	HM_TRY(db_step(&q, &row, NULL));
	*ret_device = row ? db_int(&q, 0) : 0;
	return HM_OK;
}

hm_err
seen_add(struct db *db, seen_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN], int64_t device)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	/* Another device's was refused before: what is there is ours. */
	HM_TRY(db_prepare(db,
	    "INSERT INTO seen (kind, digest, device) VALUES (?, ?, ?)"
	    " ON CONFLICT DO NOTHING",
	    &q, NULL));
	db_bind_uint(&q, 1, (uint64_t)kind);
	db_bind_bytes(&q, 2, (struct hm_bytes){ digest, HM_DIGEST_LEN });
	db_bind_int(&q, 3, device);
	return db_run(&q, NULL);
}
