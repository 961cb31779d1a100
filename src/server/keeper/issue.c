/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new device is only counted in memory while the signer works on it; rows are
 * written when the outcome is known (keeper_issued), maybe some commits later.
 * So a refusal by the signer has nothing to undo but the count, and costs no
 * savepoint.
 */
#include "server/keeper/state.h"

#include <string.h>

#include "crypto/digest.h"

/* What an issue is about, looked up. */
struct issue {
	const struct ask_issue *ask;
	const struct hm_claims *claims;
	const struct person *station;
	struct planned *order;
	struct device device; /* id 0: never seen */
};

/* ---- alarms ---- */

static hm_err
count_alarms(struct db *db, int64_t device, uint64_t *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT count(*) FROM alarm WHERE device = ?", &q, NULL));
	db_bind_int(&q, 1, device);
	HM_TRY(db_step(&q, &row, NULL));
	*ret = db_uint(&q, 0);
	return HM_OK;
}

static hm_err
has_alarm(struct db *db, int64_t device, struct hm_bytes evidence, bool *ret)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "SELECT idx FROM alarm WHERE device = ? AND evidence = ?", &q,
	    NULL));
	db_bind_int(&q, 1, device);
	db_bind_bytes(&q, 2, evidence);
	return db_step(&q, ret, NULL);
}

static hm_err
store_alarm(
    struct db *db, int64_t device, struct hm_bytes evidence, uint64_t index)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "INSERT INTO alarm (device, evidence, idx) VALUES (?, ?, ?)", &q,
	    NULL));
	db_bind_int(&q, 1, device);
	db_bind_bytes(&q, 2, evidence);
	db_bind_uint(&q, 3, index);
	return db_run(&q, NULL);
}

/*
 * Refuse with `err` and remember it with the known device `owner`, whose keys
 * or id came from elsewhere. Only evidence that verifies raises an alarm, so
 * nobody can be blamed by a forged one; and only so many for one device.
 */
static hm_err
alarm(struct keeper *keeper, struct work *work, const struct issue *issue,
    int64_t owner, hm_err err)
{
	struct hm_bytes evidence = HM_BYTES(work->job.evidence);
	struct hm_entry entry = { .type = HM_ENTRY_ALARM,
		.time_s = work->now_s };
	uint64_t count, index;
	bool known;

	if (attest_verify(&issue->ask->kase) != HM_OK)
		return HM_E_EVIDENCE;
	HM_TRY(count_alarms(keeper->db, owner, &count));
	HM_TRY(has_alarm(keeper->db, owner, evidence, &known));
	if (known || count >= KEEPER_ALARMS_MAX)
		return err;
	entry.alarm.err = err;
	entry.alarm.order = issue->order->object.order.name;
	entry.alarm.station = hm_bytes_of(issue->station->name);
	memcpy(
	    entry.alarm.device_id, issue->claims->device_id, HM_DEVICE_ID_LEN);
	memcpy(entry.alarm.evidence, evidence.ptr, evidence.len);
	HM_TRY(record_add(&keeper->record, &entry, &index, NULL));
	HM_TRY(store_alarm(keeper->db, owner, evidence, index));
	return err;
}

/* ---- a device that is known ---- */

static bool
has_same_keys(const struct issue *issue)
{
	const struct hm_claims *claims = issue->claims;
	const struct device *device = &issue->device;

	return memcmp(device->identity, claims->identity, HM_POINT_LEN) == 0 &&
	       memcmp(device->kem, claims->kem, HM_POINT_LEN) == 0;
}

/* The answer of then, byte for byte. */
static hm_err
answer_stored(
    struct keeper *keeper, struct work *work, const struct device *device)
{
	buf_clear(&work->out);
	HM_TRY(stamp_load(keeper->db, device->id, &work->out));
	return keeper_repeat(keeper, work, device->issue_index);
}

/* Was it returned before anything was signed for it? Then it is as new. */
static bool
is_unused(const struct device *device)
{
	return device->state == HM_STATE_RETURNED && !device->has_stamp;
}

/*
 * A device that was issued, with its own keys. *ret_go_on: it was not, or what
 * comes next decides.
 */
static hm_err
answer_known(struct keeper *keeper, struct work *work,
    const struct issue *issue, bool *ret_go_on)
{
	const struct device *device = &issue->device;
	bool same_order = device->order == issue->order->id;
	bool same_evidence =
	    memcmp(device->evidence, work->job.evidence, HM_DIGEST_LEN) == 0;
	hm_err nonce = (hm_err)issue->ask->nonce_verdict;

	*ret_go_on = false;
	if (device->state == HM_STATE_SCRAPPED ||
	    device->state == HM_STATE_REVOKED ||
	    device->state == HM_STATE_RETURNED)
		return nonce != HM_OK ? nonce : HM_E_WRONG_STATE;
	/* Nobody who is confirmed asks again: this evidence was recorded. */
	if (same_evidence && device->confirm_index != NO_LEAF)
		return HM_E_ALREADY_MADE;
	if (device->has_stamp && same_order && same_evidence)
		return answer_stored(keeper, work, device);
	if (nonce != HM_OK)
		return nonce;
	if (!same_order)
		return HM_E_TWICE;
	if (!device->has_stamp) {
		*ret_go_on = true;
		return HM_OK;
	}
	/* It lost power before it had its stamp; a time-out may have passed. */
	if (device->state == HM_STATE_ISSUED ||
	    (device->quarantine && device->confirm_index == NO_LEAF))
		return answer_stored(keeper, work, device);
	return HM_E_ALREADY_MADE;
}

/* ---- checks of a device that is to be made ---- */

static hm_err
check_evidence(const struct issue *issue)
{
	const struct planned *order = issue->order;
	const struct hm_release *release = &order->release->object.release;
	struct attest_wanted wanted = { .channel = order->object.order.channel,
		.counter = release->counter };

	memcpy(wanted.release, hm_release_measured(release)->digest,
	    sizeof(wanted.release));
	return attest_judge(
	    &issue->ask->kase, &order->product->object.product, &wanted);
}

static hm_err
check_enrolled(struct keeper *keeper, const struct issue *issue,
    const uint8_t key[static HM_DIGEST_LEN])
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	const struct hm_product *product =
	    &issue->order->product->object.product;
	bool row;

	if (product->key_source != HM_KEYS_ENROLLED)
		return HM_OK;
	HM_TRY(db_prepare(keeper->db,
	    "SELECT product FROM enrolled WHERE digest = ?", &q, NULL));
	db_bind_bytes(&q, 1, (struct hm_bytes){ key, HM_DIGEST_LEN });
	HM_TRY(db_step(&q, &row, NULL));
	if (!row || !hm_bytes_equal(hm_bytes_of(db_text(&q, 0)), product->name))
		return HM_E_EVIDENCE_KEY;
	return HM_OK;
}

/* Does a digest belong to another device? *ret_owner is then not 0. */
static hm_err
find_other(struct keeper *keeper, const struct issue *issue, seen_kind kind,
    const uint8_t *digest, int64_t *ret_owner)
{
	int64_t owner;

	HM_TRY(seen_find(keeper->db, kind, digest, &owner));
	*ret_owner = owner == issue->device.id ? 0 : owner;
	return HM_OK;
}

static hm_err
check_keys(struct keeper *keeper, struct work *work, const struct issue *issue)
{
	const struct issue_job *job = &work->job;
	int64_t owner = 0;

	if (job->own_key)
		HM_TRY(find_other(keeper, issue, SEEN_KEY, job->key, &owner));
	if (owner == 0)
		HM_TRY(find_other(
		    keeper, issue, SEEN_IDENTITY, job->identity, &owner));
	if (owner == 0)
		HM_TRY(find_other(keeper, issue, SEEN_KEM, job->kem, &owner));
	if (owner != 0)
		return alarm(keeper, work, issue, owner, HM_E_TWICE_KEY);
	return HM_OK;
}

/* A value of r, once more with the same key: unless it is the same evidence. */
static hm_err
check_reuse(struct keeper *keeper, struct work *work, const struct issue *issue)
{
	const struct device *device = &issue->device;
	int64_t owner;

	HM_TRY(seen_find(keeper->db, SEEN_REUSE, work->job.reuse, &owner));
	if (owner == 0)
		return HM_OK;
	if (owner == device->id &&
	    memcmp(device->evidence, work->job.evidence, HM_DIGEST_LEN) == 0)
		return HM_OK;
	return alarm(keeper, work, issue, owner, HM_E_SIGNATURE_REUSE);
}

/* ---- the job ---- */

/* Nothing looks into a case before it is known to be one. */
static hm_err
fill_digests(struct issue_job *job, const struct issue *issue)
{
	const struct attest_case *kase = &issue->ask->kase;
	hm_key_source source = issue->order->product->object.product.key_source;

	HM_TRY(attest_evidence_digest(kase, job->evidence));
	job->own_key = source != HM_KEYS_PINNED;
	sha256_one(HM_BYTES(kase->claims.identity), job->identity);
	sha256_one(HM_BYTES(kase->claims.kem), job->kem);
	attest_key_digest(kase, job->key);
	attest_reuse_digest(kase, job->reuse);
	return HM_OK;
}

static bool
same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, HM_DIGEST_LEN) == 0;
}

/* Do two devices claim something that only one of them may have? */
static bool
share(const struct issue_job *a, const struct issue_job *b)
{
	return same(a->device.device_id, b->device.device_id) ||
	       same(a->identity, b->identity) || same(a->kem, b->kem) ||
	       same(a->reuse, b->reuse) ||
	       (a->own_key && b->own_key && same(a->key, b->key));
}

bool
keeper_is_out(
    const struct keeper *keeper, const uint8_t device_id[static HM_DIGEST_LEN])
{
	const struct work *work = keeper->out.first;

	while (work != NULL && !same(work->job.device.device_id, device_id))
		work = work->next;
	return work != NULL;
}

/* Does another ask's device, that is with the signer now, decide this one? */
static bool
must_wait(const struct keeper *keeper, const struct work *work)
{
	const struct work *other = keeper->out.first;

	while (other != NULL && !share(&other->job, &work->job))
		other = other->next;
	return other != NULL;
}

static hm_err
fill_device(const struct issue *issue, uint32_t number, struct device *ret)
{
	const struct hm_order *order = &issue->order->object.order;

	ret->order = issue->order->id;
	ret->number = number;
	memcpy(ret->identity, issue->claims->identity, HM_POINT_LEN);
	memcpy(ret->kem, issue->claims->kem, HM_POINT_LEN);
	ret->has_mac = order->has_macs;
	ret->issue_index = ret->confirm_index = ret->void_index = NO_LEAF;
	if (order->has_macs)
		book_mac(order, number, ret->mac);
	return book_serial(order, number, ret->serial);
}

/* What the latest evidence says, of a new device and of a reserved one. */
static void
fill_claims(
    const struct issue *issue, const struct work *work, struct device *ret)
{
	memcpy(ret->device_id, issue->claims->device_id, HM_DEVICE_ID_LEN);
	memcpy(ret->evidence, work->job.evidence, HM_DIGEST_LEN);
	memcpy(ret->station, issue->station->name, sizeof(ret->station));
	ret->counter = issue->claims->counter;
	ret->lock = issue->claims->lock;
	ret->due_s = work->now_s + issue->order->object.order.confirm_within_s;
}

static void
hand_out(struct keeper *keeper, struct work *work, const struct issue *issue)
{
	struct issue_job *job = &work->job;
	struct ask_sign_issue ask;

	memset(&ask, 0, sizeof(ask));
	memcpy(ask.order, issue->order->digest, sizeof(ask.order));
	ask.number = job->device.number;
	ask.issued_s = work->now_s;
	ask.kase = issue->ask->kase;
	attest_binding(issue->claims, job->binding);
	memcpy(job->release, issue->claims->release, HM_DIGEST_LEN);
	job->order = issue->order;
	job->sign.body = &job->answer;
	job->sign.tail = &work->out;
	issue->order->out++;
	issue->order->lent += !job->again;
	work->step = WORK_OUT;
	sign_send(&keeper->signer, ASK_SIGN_ISSUE, &ask, &job->sign);
}

/* Count it and hand it out, if everything is as it must be. */
static hm_err
make(struct keeper *keeper, struct work *work, struct issue *issue)
{
	struct planned *order = issue->order;
	struct issue_job *job = &work->job;
	uint32_t number;
	hm_err err;

	HM_TRY(book_check(&order->book, work->now_s));
	if (order->release->revoked || order->release->stopping)
		return HM_E_RELEASE_REVOKED;
	HM_TRY(check_evidence(issue));
	HM_TRY(check_enrolled(keeper, issue, job->key));
	HM_TRY(check_keys(keeper, work, issue));
	HM_TRY(check_reuse(keeper, work, issue));
	job->device = issue->device;
	job->again = issue->device.state == HM_STATE_RESERVED;
	if (!job->again) {
		err = plan_reserve(order, keeper->db, work->now_s, &number);
		/* One that is with the signer may yet give its unit back. */
		if (err == HM_E_QUOTA && order->out > 0) {
			work->step = WORK_LATER;
			return HM_OK;
		}
		HM_TRY(err);
		HM_TRY(fill_device(issue, number, &job->device));
	}
	fill_claims(issue, work, &job->device);
	hand_out(keeper, work, issue);
	return HM_OK;
}

/* It becomes our answer: no other error may come in by it. */
static hm_err
check_verdict(uint32_t verdict)
{
	return verdict == HM_OK || verdict == HM_E_NONCE ||
		       verdict == HM_E_NONCE_STALE
		   ? HM_OK
		   : HM_E_BAD_INPUT;
}

static hm_err
look_up(struct keeper *keeper, struct work *work, struct issue *ret)
{
	struct hm_bytes name, slot;

	ret->ask = work->body;
	ret->claims = &ret->ask->kase.claims;
	HM_TRY(keeper_name(ret->ask->order, &name));
	HM_TRY(keeper_name(ret->ask->slot, &slot));
	HM_TRY(check_verdict(ret->ask->nonce_verdict));
	HM_TRY(keeper_maker(
	    keeper, work, ret->ask->peer, ret->ask->door, &ret->station));
	HM_TRY(keeper_is_itself(ret->station, ret->claims->identity));
	return keeper_station_order(keeper, ret->station, name, &ret->order);
}

hm_err
keeper_issue(struct keeper *keeper, struct work *work)
{
	struct issue issue = { 0 };
	bool found, go_on = true;

	HM_TRY(look_up(keeper, work, &issue));
	memset(&work->job, 0, sizeof(work->job));
	memcpy(work->job.device.device_id, issue.claims->device_id,
	    HM_DEVICE_ID_LEN);
	HM_TRY(fill_digests(&work->job, &issue));
	if (must_wait(keeper, work)) {
		work->step = WORK_LATER;
		return HM_OK;
	}
	HM_TRY(device_find(
	    keeper->db, issue.claims->device_id, &issue.device, &found));
	if (found && !is_unused(&issue.device)) {
		if (!has_same_keys(&issue))
			return alarm(
			    keeper, work, &issue, issue.device.id, HM_E_CLONE);
		HM_TRY(answer_known(keeper, work, &issue, &go_on));
		if (!go_on)
			return HM_OK;
	}
	if (issue.ask->nonce_verdict != HM_OK)
		return (hm_err)issue.ask->nonce_verdict;
	return make(keeper, work, &issue);
}

/* ---- what the signer said ---- */

static hm_err
add_seen(struct keeper *keeper, const struct issue_job *job)
{
	struct db *db = keeper->db;
	int64_t id = job->device.id;

	if (job->own_key)
		HM_TRY(seen_add(db, SEEN_KEY, job->key, id));
	HM_TRY(seen_add(db, SEEN_IDENTITY, job->identity, id));
	HM_TRY(seen_add(db, SEEN_KEM, job->kem, id));
	return seen_add(db, SEEN_REUSE, job->reuse, id);
}

static void
fill_entry(const struct issue_job *job, struct hm_entry_issue *ret)
{
	const struct device *device = &job->device;

	ret->order = job->order->object.order.name;
	ret->station = hm_bytes_of(device->station);
	ret->serial = hm_bytes_of(device->serial);
	ret->has_mac = device->has_mac;
	memcpy(ret->mac, device->mac, HM_MAC_LEN);
	memcpy(ret->device_id, device->device_id, HM_DEVICE_ID_LEN);
	memcpy(ret->product, job->order->product->digest, HM_DIGEST_LEN);
	memcpy(ret->release, job->release, HM_DIGEST_LEN);
	memcpy(ret->identity, job->identity, HM_DIGEST_LEN);
	memcpy(ret->binding, job->binding, HM_DIGEST_LEN);
	memcpy(ret->evidence, device->evidence, HM_DIGEST_LEN);
	memcpy(ret->certificate, job->answer.certificate, HM_DIGEST_LEN);
	memcpy(ret->stamp, job->answer.stamp, HM_DIGEST_LEN);
}

static hm_err
store_issued(struct keeper *keeper, struct work *work)
{
	struct issue_job *job = &work->job;
	struct device *device = &job->device;
	struct hm_entry entry = { .type = HM_ENTRY_ISSUE,
		.time_s = work->now_s };

	HM_TRY(book_issue(&job->order->book));
	job->order->dirty = true;
	device->state = HM_STATE_ISSUED;
	device->issued_s = work->now_s;
	device->has_stamp = true;
	memcpy(device->cert_serial, job->answer.cert_serial,
	    sizeof(device->cert_serial));
	memcpy(device->stamp, job->answer.stamp, sizeof(device->stamp));
	/* The leaf that is added next. */
	device->issue_index = tiles_tree(keeper->record.tiles)->size;
	HM_TRY(device_store(keeper->db, device));
	HM_TRY(add_seen(keeper, job));
	HM_TRY(stamp_store(keeper->db, device->id, buf_bytes(&work->out)));
	fill_entry(job, &entry.issue);
	buf_clear(&work->entry);
	return record_add(&keeper->record, &entry, &work->index, &work->entry);
}

/* The signer failed: the unit stays counted, and is completed later. */
static hm_err
store_reserved(struct keeper *keeper, struct work *work)
{
	struct issue_job *job = &work->job;
	struct device *device = &job->device;
	struct hm_entry entry = { .type = HM_ENTRY_RESERVE,
		.time_s = work->now_s };

	if (job->again)
		return HM_OK;
	device->state = HM_STATE_RESERVED;
	HM_TRY(device_store(keeper->db, device));
	HM_TRY(add_seen(keeper, job));
	entry.reserve.order = job->order->object.order.name;
	entry.reserve.station = hm_bytes_of(device->station);
	memcpy(entry.reserve.device_id, device->device_id, HM_DEVICE_ID_LEN);
	return record_add(&keeper->record, &entry, NULL, NULL);
}

static hm_err
give_back(struct keeper *keeper, const struct issue_job *job)
{
	if (job->again)
		return HM_OK;
	return plan_unreserve(job->order, keeper->db, job->device.number);
}

hm_err
keeper_issued(struct keeper *keeper, struct work *work)
{
	struct issue_job *job = &work->job;
	hm_err err = job->sign.err;

	job->order->out--;
	if (!job->again) {
		job->order->lent--;
		job->order->dirty = true;
	}
	if (job->is_hole)
		HM_TRY(
		    plan_fill_hole(job->order, keeper->db, job->device.number));
	if (err == HM_OK) {
		err = store_issued(keeper, work);
		if (err != HM_E_COUNTS)
			return err;
		/* It changed nothing; others of the group go on. */
		buf_clear(&work->out);
		work->err = err;
		return HM_OK;
	}
	work->err = err;
	if (sign_is_breakdown(err))
		return store_reserved(keeper, work);
	return give_back(keeper, job);
}
