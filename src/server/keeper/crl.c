/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/crl.h"

#include <string.h>

#include "ca/ca.h"
#include "crypto/digest.h"

#define PART 1024 /* entries in a message */
#define RETRY_S 10

_Static_assert(
    PART * sizeof(struct ca_revoked) <= ASK_TAIL_MAX, "a part fits a message");
_Static_assert(CA_SERIAL_LEN == 20, "as in the row of a device");

hm_err
crl_load(struct crl *crl, struct db *db)
{
	AUTO(db_stmt) struct db_stmt list = { 0 }, count = { 0 };
	bool row;

	*crl = (struct crl){ 0 };
	HM_TRY(db_prepare(
	    db, "SELECT number, entries, next_s FROM crl", &list, NULL));
	HM_TRY(db_step(&list, &row, NULL));
	if (row) {
		crl->number = db_uint(&list, 0);
		crl->entries = db_uint(&list, 1);
		crl->next_s = db_uint(&list, 2);
	}
	HM_TRY(db_prepare(db, "SELECT count(*) FROM revoked", &count, NULL));
	HM_TRY(db_step(&count, &row, NULL));
	crl->revoked = db_uint(&count, 0);
	return HM_OK;
}

hm_err
crl_add(struct crl *crl, struct db *db, const uint8_t cert_serial[static 20],
    uint64_t now_s, uint8_t reason)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "INSERT INTO revoked (cert_serial, revoked_s, reason)"
	    " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
	    &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ cert_serial, CA_SERIAL_LEN });
	db_bind_uint(&q, 2, now_s);
	db_bind_uint(&q, 3, reason);
	HM_TRY(db_run(&q, NULL));
	if (db_changes(db) > 0)
		crl->revoked++;
	return HM_OK;
}

bool
crl_is_due(const struct crl *crl, uint64_t now_s)
{
	if (now_s < crl->retry_s)
		return false;
	/* Renewed when less than half of its time is left. */
	return crl->number == 0 || crl->entries != crl->revoked ||
	       now_s + KEEPER_CRL_S / 2 >= crl->next_s;
}

void
crl_failed(struct crl *crl, uint64_t now_s)
{
	crl->retry_s = now_s + RETRY_S;
}

/* All rows, as the signer wants them. */
static hm_err
list_revoked(struct db *db, struct buf *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db,
	    "SELECT cert_serial, revoked_s, reason FROM revoked", &q, NULL));
	for (;;) {
		struct ca_revoked one;

		HM_TRY(db_step(&q, &row, NULL));
		if (!row)
			return HM_OK;
		memset(&one, 0, sizeof(one));
		HM_TRY(db_fixed(&q, 0, one.serial, sizeof(one.serial)));
		one.revoked_s = db_uint(&q, 1);
		one.reason = (uint8_t)db_uint(&q, 2);
		HM_TRY(buf_add(
		    ret, (struct hm_bytes){ (uint8_t *)&one, sizeof(one) }));
	}
}

/* The list part by part; the last is answered with the first bytes of what was
 * signed. */
static hm_err
have_signed(struct signer *signer, struct ask_sign_crl ask,
    struct hm_bytes list, struct ask_part_answer *ret_answer, struct buf *ret)
{
	size_t step = PART * sizeof(struct ca_revoked);

	ask.parts = (uint32_t)((list.len + step - 1) / step);
	if (ask.parts == 0)
		ask.parts = 1;
	for (ask.part = 0; ask.part < ask.parts; ask.part++) {
		struct hm_bytes part = { list.ptr, list.len };

		if (part.len > step)
			part.len = step;
		HM_TRY(sign_call(
		    signer, ASK_SIGN_CRL, &ask, part, ret_answer, ret));
		if (part.len == 0)
			break;
		list.ptr += part.len;
		list.len -= part.len;
	}
	return ret->len > 0 ? HM_OK : HM_E_BAD_INPUT;
}

static hm_err
fetch(struct signer *signer, struct ask_sign_crl ask, struct hm_bytes list,
    struct buf *ret)
{
	AUTO(buf) struct buf part = { 0 };
	struct ask_part_answer answer = { 0 };

	buf_init(&part, ASK_TAIL_MAX);
	HM_TRY(have_signed(signer, ask, list, &answer, &part));
	HM_TRY(buf_add(ret, buf_bytes(&part)));
	while (ret->len < answer.total) {
		struct ask_sign_crl_rest rest = { .offset = ret->len };
		struct hm_bytes none = { 0 };

		HM_TRY(sign_call(
		    signer, ASK_SIGN_CRL_REST, &rest, none, &answer, &part));
		if (part.len == 0)
			return HM_E_BAD_INPUT;
		HM_TRY(buf_add(ret, buf_bytes(&part)));
	}
	return HM_OK;
}

static hm_err
store(
    struct crl *crl, struct record *record, struct hm_bytes der, uint64_t now_s)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	struct hm_entry entry = { .type = HM_ENTRY_CRL, .time_s = now_s };

	entry.crl.number = crl->number;
	entry.crl.count = (uint32_t)crl->entries;
	sha256_one(der, entry.crl.digest);
	HM_TRY(db_prepare(record->db,
	    "INSERT OR REPLACE INTO crl (id, number, entries, next_s, der)"
	    " VALUES (1, ?, ?, ?, ?)",
	    &q, NULL));
	db_bind_uint(&q, 1, crl->number);
	db_bind_uint(&q, 2, crl->entries);
	db_bind_uint(&q, 3, crl->next_s);
	db_bind_bytes(&q, 4, der);
	HM_TRY(db_run(&q, NULL));
	return record_add(record, &entry, NULL, NULL);
}

hm_err
crl_renew(struct crl *crl, struct record *record, uint64_t now_s)
{
	AUTO(buf) struct buf list = { 0 }, der = { 0 };
	struct ask_sign_crl ask = { .number = crl->number + 1,
		.this_update_s = now_s,
		.next_update_s = now_s + KEEPER_CRL_S };
	struct crl fresh = *crl;

	buf_init(&list, ASK_REVOKED_MAX * sizeof(struct ca_revoked));
	buf_init(&der, CRL_DER_MAX);
	HM_TRY(list_revoked(record->db, &list));
	HM_TRY(fetch(record->signer, ask, buf_bytes(&list), &der));
	fresh.number = ask.number;
	fresh.next_s = ask.next_update_s;
	fresh.entries = list.len / sizeof(struct ca_revoked);
	fresh.revoked = fresh.entries;
	HM_TRY(store(&fresh, record, buf_bytes(&der), now_s));
	*crl = fresh;
	return HM_OK;
}

hm_err
crl_der(struct db *db, struct buf *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db, "SELECT der FROM crl", &q, NULL));
	HM_TRY(db_step(&q, &row, NULL));
	return row ? buf_add(ret, db_bytes(&q, 0)) : HM_E_NOT_FOUND;
}
