/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "server/keeper/ranges.h"

static void
planned_free(struct planned *planned)
{
	if (planned == NULL)
		return;
	free(planned->bytes);
	free(planned->holes);
	free(planned);
}

void
plan_done(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		planned_free(plan->list[i]);
	free(plan->list);
	*plan = (struct plan){ 0 };
}

/* ---- finding ---- */

static int
compare(const struct planned *a, hm_object_kind kind, struct hm_bytes name)
{
	size_t len = strlen(a->name);
	size_t both = len < name.len ? len : name.len;
	int way;

	if (a->object.kind != kind)
		return a->object.kind < kind ? -1 : 1;
	way = both == 0 ? 0 : memcmp(a->name, name.ptr, both);
	if (way != 0)
		return way;
	return len == name.len ? 0 : len < name.len ? -1 : 1;
}

/* Where it stands, or would have to. */
static uint32_t
place(const struct plan *plan, hm_object_kind kind, struct hm_bytes name)
{
	uint32_t low = 0, high = plan->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare(plan->list[mid], kind, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct planned *
plan_order(struct plan *plan, struct hm_bytes name)
{
	uint32_t at;

	if (plan->last != NULL &&
	    compare(plan->last, HM_OBJECT_ORDER, name) == 0)
		return plan->last;
	at = place(plan, HM_OBJECT_ORDER, name);
	if (at == plan->count ||
	    compare(plan->list[at], HM_OBJECT_ORDER, name) != 0)
		return NULL;
	plan->last = plan->list[at];
	return plan->last;
}

struct planned *
plan_order_of(const struct plan *plan, int64_t id)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->list[i]->id == id)
			return plan->list[i];
	return NULL;
}

static struct planned *
at_digest(const struct plan *plan, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	for (uint32_t i = 0; i < plan->count; i++) {
		struct planned *one = plan->list[i];

		if (one->object.kind == kind &&
		    memcmp(one->digest, digest, HM_DIGEST_LEN) == 0)
			return one;
	}
	return NULL;
}

const struct planned *
plan_by_digest(const struct plan *plan, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	return at_digest(plan, kind, digest);
}

struct planned *
plan_release(
    const struct plan *plan, const uint8_t digest[static HM_DIGEST_LEN])
{
	return at_digest(plan, HM_OBJECT_RELEASE, digest);
}

const struct planned *
plan_by_name(const struct plan *plan, hm_object_kind kind, struct hm_bytes name)
{
	uint32_t at = place(plan, kind, name);

	if (at == plan->count || compare(plan->list[at], kind, name) != 0)
		return NULL;
	return plan->list[at];
}

bool
plan_is_out(const struct plan *plan, const struct planned *release)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->list[i]->release == release && plan->list[i]->out > 0)
			return true;
	return false;
}

static void
join(char *ret, struct hm_bytes left, char between, const char *right)
{
	memcpy(ret, left.ptr, left.len);
	ret[left.len] = between;
	snprintf(ret + left.len + 1, PLAN_NAME_MAX - left.len, "%s", right);
}

static void
name_approval(const struct hm_approval *approval, char *ret)
{
	char hex[2 * HM_DIGEST_LEN + 1], by[HM_NAME_MAX + 1] = "";

	hex_format(HM_BYTES(approval->release), hex);
	memcpy(by, approval->approver.ptr, approval->approver.len);
	join(ret, hm_bytes_of(hex), '/', by);
}

void
plan_name(const struct hm_object *object, char ret[static PLAN_NAME_MAX + 1])
{
	const struct hm_product *product = &object->product;
	const struct hm_release *release = &object->release;
	char right[HM_NAME_MAX + 1] = "";

	ret[0] = '\0';
	if (object->kind == HM_OBJECT_PRODUCT) {
		snprintf(right, sizeof(right), "%" PRIu32, product->version);
		join(ret, product->name, '@', right);
	} else if (object->kind == HM_OBJECT_RELEASE) {
		memcpy(right, release->name.ptr, release->name.len);
		join(ret, release->product, '/', right);
	} else if (object->kind == HM_OBJECT_ORDER) {
		memcpy(ret, object->order.name.ptr, object->order.name.len);
		ret[object->order.name.len] = '\0';
	} else if (object->kind == HM_OBJECT_CREDENTIAL) {
		memcpy(ret, object->credential.name.ptr,
		    object->credential.name.len);
		ret[object->credential.name.len] = '\0';
	} else if (object->kind == HM_OBJECT_APPROVAL) {
		name_approval(&object->approval, ret);
	} else if (object->kind == HM_OBJECT_COMMAND &&
		   (object->command.verb == HM_VERB_REVOKE_RELEASE ||
		       object->command.verb == HM_VERB_REVOKE_CREDENTIAL)) {
		memcpy(ret, object->command.target.ptr,
		    object->command.target.len);
		ret[object->command.target.len] = '\0';
	}
}

bool
plan_names_station(const struct planned *order, const char *station)
{
	const struct hm_order *o = &order->object.order;

	for (uint32_t i = 0; i < o->station_count; i++)
		if (hm_bytes_equal(o->stations[i], hm_bytes_of(station)))
			return true;
	return false;
}

/* ---- new ones ---- */

static hm_err
check_promotion(const struct plan *plan, const struct hm_release *release)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	const struct planned *dev;

	if (memcmp(release->promoted, nothing, HM_DIGEST_LEN) == 0)
		return HM_OK;
	dev = plan_release(plan, release->promoted);
	if (dev == NULL)
		return HM_E_NOT_FOUND;
	if (dev->revoked)
		return HM_E_RELEASE_REVOKED;
	return hm_release_is_promoted(release, &dev->object.release)
		   ? HM_OK
		   : HM_E_PROMOTION;
}

/* A release may not be older than one of its product and channel. */
static hm_err
check_release(const struct plan *plan, const struct hm_release *release)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct hm_release *old = &plan->list[i]->object.release;

		if (plan->list[i]->object.kind == HM_OBJECT_RELEASE &&
		    old->channel == release->channel &&
		    hm_bytes_equal(old->product, release->product) &&
		    old->counter > release->counter)
			return HM_E_COUNTER;
	}
	return check_promotion(plan, release);
}

static bool
is_approved_by(const struct planned *release, struct hm_bytes name)
{
	for (uint32_t i = 0; i < release->approval_count; i++)
		if (hm_bytes_equal(hm_bytes_of(release->approvals[i].by), name))
			return true;
	return false;
}

static hm_err
check_approval(const struct plan *plan, const struct hm_approval *approval)
{
	const struct planned *release = plan_release(plan, approval->release);

	if (release == NULL)
		return HM_E_NOT_FOUND;
	if (release->revoked || release->stopping)
		return HM_E_RELEASE_REVOKED;
	if (is_approved_by(release, approval->approver))
		return HM_E_TWICE;
	return release->approval_count < PLAN_APPROVALS_MAX ? HM_OK
							    : HM_E_TOO_LARGE;
}

/* May devices be made with it? What was made cannot be made older again. */
static hm_err
check_usable(const struct plan *plan, const struct planned *release,
    const struct hm_order *order)
{
	const struct hm_release *r = &release->object.release;

	if (r->channel != order->channel)
		return HM_E_CHANNEL;
	if (release->revoked || release->stopping)
		return HM_E_RELEASE_REVOKED;
	if (r->channel == HM_CHANNEL_PROD &&
	    release->approval_count < HM_APPROVALS_MIN)
		return HM_E_APPROVALS;
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct planned *other = plan->list[i];

		if (other->object.kind == HM_OBJECT_ORDER &&
		    other->object.order.channel == r->channel &&
		    hm_bytes_equal(
			other->release->object.release.product, r->product) &&
		    other->release->object.release.counter > r->counter)
			return HM_E_COUNTER;
	}
	return HM_OK;
}

static hm_err
check_order(const struct plan *plan, const struct hm_order *order)
{
	const struct planned *product, *release;

	product = plan_by_digest(plan, HM_OBJECT_PRODUCT, order->product);
	release = plan_by_digest(plan, HM_OBJECT_RELEASE, order->release);
	if (product == NULL || release == NULL)
		return HM_E_NOT_FOUND;
	if (!hm_bytes_equal(
		product->object.product.name, release->object.release.product))
		return HM_E_BAD_INPUT;
	HM_TRY(check_usable(plan, release, order));
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct hm_order *other = &plan->list[i]->object.order;

		if (plan->list[i]->object.kind != HM_OBJECT_ORDER)
			continue;
		if (ranges_share_serial(order, other))
			return HM_E_TWICE_SERIAL;
		if (ranges_share_mac(order, other))
			return HM_E_TWICE_MAC;
	}
	return HM_OK;
}

hm_err
plan_check_new(const struct plan *plan, const struct hm_object *object)
{
	if (object->kind == HM_OBJECT_RELEASE)
		return check_release(plan, &object->release);
	if (object->kind == HM_OBJECT_ORDER)
		return check_order(plan, &object->order);
	if (object->kind == HM_OBJECT_APPROVAL)
		return check_approval(plan, &object->approval);
	return HM_OK;
}

/* Links and limits of a new order. */
static hm_err
link_order(const struct plan *plan, struct planned *order)
{
	const struct hm_order *o = &order->object.order;

	order->product = plan_by_digest(plan, HM_OBJECT_PRODUCT, o->product);
	order->release = plan_by_digest(plan, HM_OBJECT_RELEASE, o->release);
	if (order->product == NULL || order->release == NULL)
		return HM_E_DATABASE;
	order->book = (struct book){ .quota = o->quota,
		.returns_allowed = o->returns,
		.not_before_s = o->not_before_s,
		.not_after_s = o->not_after_s };
	return HM_OK;
}

static hm_err
insert(struct plan *plan, struct planned *one)
{
	uint32_t at = place(plan, one->object.kind, hm_bytes_of(one->name));

	if (plan->count == plan->room) {
		uint32_t room = plan->room == 0 ? 16 : 2 * plan->room;
		struct planned **list =
		    reallocarray(plan->list, room, sizeof(struct planned *));

		if (list == NULL)
			return HM_E_NO_MEMORY;
		plan->list = list;
		plan->room = room;
	}
	memmove(plan->list + at + 1, plan->list + at,
	    (plan->count - at) * sizeof(struct planned *));
	plan->list[at] = one;
	plan->count++;
	return HM_OK;
}

/* The release that somebody approved or revoked notes it. */
static hm_err
note(struct plan *plan, const struct hm_object *object)
{
	const struct hm_approval *approval = &object->approval;
	uint8_t digest[HM_DIGEST_LEN];
	struct planned *release;
	struct plan_approval *made;

	if (object->kind == HM_OBJECT_COMMAND) {
		if (object->command.verb != HM_VERB_REVOKE_RELEASE)
			return HM_OK;
		HM_TRY(
		    hex_parse(object->command.target, digest, sizeof(digest)));
		release = plan_release(plan, digest);
		if (release == NULL)
			return HM_E_DATABASE;
		release->revoked = true;
		return HM_OK;
	}
	release = plan_release(plan, approval->release);
	if (release == NULL || release->approval_count == PLAN_APPROVALS_MAX)
		return HM_E_DATABASE;
	made = &release->approvals[release->approval_count++];
	*made = (struct plan_approval){ .at_s = object->made_s };
	memcpy(made->by, approval->approver.ptr, approval->approver.len);
	return HM_OK;
}

/* *ret_stays: it is in the list now. */
static hm_err
fill(struct plan *plan, struct planned *one, struct hm_bytes message,
    bool *ret_stays)
{
	struct hm_sign1 sign1;

	one->bytes = malloc(message.len);
	if (one->bytes == NULL)
		return HM_E_NO_MEMORY;
	memcpy(one->bytes, message.ptr, message.len);
	one->len = message.len;
	sha256_one(message, one->digest);
	/* It was verified before it was stored. */
	HM_TRY(hm_sign1_decode((struct hm_bytes){ one->bytes, message.len },
	    HM_OBJECT_MAX, &sign1));
	HM_TRY(hm_object_decode(sign1.payload, &one->object));
	*ret_stays = one->object.kind <= HM_OBJECT_ORDER;
	if (!*ret_stays)
		return note(plan, &one->object);
	plan_name(&one->object, one->name);
	if (one->object.kind == HM_OBJECT_ORDER)
		HM_TRY(link_order(plan, one));
	return insert(plan, one);
}

hm_err
plan_add(struct plan *plan, int64_t id, struct hm_bytes message)
{
	struct planned *one = calloc(1, sizeof(*one));
	bool stays = false;
	hm_err err;

	if (one == NULL)
		return HM_E_NO_MEMORY;
	one->id = id;
	err = fill(plan, one, message, &stays);
	if (err != HM_OK || !stays)
		planned_free(one);
	return err;
}

hm_err
plan_open_book(struct db *db, int64_t id)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db,
	    "INSERT INTO book (id, reserved, used, returned, confirmed,"
	    " scrapped, next, closed) VALUES (?, 0, 0, 0, 0, 0, 0, 0)",
	    &q, NULL));
	db_bind_int(&q, 1, id);
	return db_run(&q, NULL);
}

/* ---- loading ---- */

static hm_err
keep_hole(struct planned *order, uint32_t number)
{
	if (order->hole_count == order->hole_room) {
		uint32_t room =
		    order->hole_room == 0 ? 16 : 2 * order->hole_room;
		uint32_t *holes =
		    reallocarray(order->holes, room, sizeof(*holes));

		if (holes == NULL)
			return HM_E_NO_MEMORY;
		order->holes = holes;
		order->hole_room = room;
	}
	order->holes[order->hole_count++] = number;
	return HM_OK;
}

static hm_err
load_objects(struct plan *plan, struct record *record, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	AUTO(buf) struct buf leaf = { 0 };
	struct hm_entry entry;
	bool row;

	buf_init(&leaf, HM_ENTRY_MAX);
	/* In the order in which they came: an order after its release. */
	HM_TRY(db_prepare(record->db,
	    "SELECT id, idx FROM object WHERE kind <= 3 OR kind = 7"
	    " OR (kind = 6 AND name IS NOT NULL) ORDER BY id",
	    &q, why));
	for (;;) {
		HM_TRY(db_step(&q, &row, why));
		if (!row)
			return HM_OK;
		buf_clear(&leaf);
		HM_TRY(record_entry(record, db_uint(&q, 1), &leaf));
		HM_TRY(hm_entry_decode(buf_bytes(&leaf), &entry));
		if (entry.type != HM_ENTRY_OBJECT)
			return WHY(why, HM_E_DATABASE,
			    "an object's row points at another entry");
		HM_TRY(plan_add(plan, db_int(&q, 0), entry.object));
	}
}

/* Columns from the second on; the database may have been edited. */
static hm_err
take_counts(const struct db_stmt *q, struct book *book)
{
	uint32_t *const counts[] = { &book->reserved, &book->used,
		&book->returned, &book->confirmed, &book->scrapped,
		&book->next };
	const int n = (int)(sizeof(counts) / sizeof(counts[0]));

	for (int i = 0; i < n; i++) {
		uint64_t count = db_uint(q, i + 1);

		if (count > UINT32_MAX)
			return HM_E_COUNTS;
		*counts[i] = (uint32_t)count;
	}
	book->closed = db_int(q, n + 1) != 0;
	return book_check_counts(book);
}

static hm_err
load_books(struct plan *plan, struct db *db, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db,
	    "SELECT id, reserved, used, returned, confirmed, scrapped, next,"
	    " closed FROM book",
	    &q, NULL));
	for (;;) {
		struct planned *order;

		HM_TRY(db_step(&q, &row, NULL));
		if (!row)
			return HM_OK;
		order = plan_order_of(plan, db_int(&q, 0));
		if (order == NULL)
			return HM_E_DATABASE;
		if (take_counts(&q, &order->book) != HM_OK) {
			why_where(why, "order %s", order->name);
			return WHY(why, HM_E_COUNTS,
			    "its counters in the database do not fit together");
		}
	}
}

static hm_err
load_holes(struct plan *plan, struct db *db)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	HM_TRY(db_prepare(db,
	    "SELECT book, number FROM hole ORDER BY number DESC", &q, NULL));
	for (;;) {
		struct planned *order;

		HM_TRY(db_step(&q, &row, NULL));
		if (!row)
			return HM_OK;
		order = plan_order_of(plan, db_int(&q, 0));
		if (order == NULL)
			return HM_E_DATABASE;
		HM_TRY(keep_hole(order, (uint32_t)db_uint(&q, 1)));
	}
}

hm_err
plan_load(struct plan *plan, struct record *record, struct why *why)
{
	plan_done(plan);
	HM_TRY(load_objects(plan, record, why));
	HM_TRY(load_books(plan, record->db, why));
	return load_holes(plan, record->db);
}

/* ---- counting ---- */

static hm_err
change_hole(struct db *db, const char *sql, const struct planned *order,
    uint32_t number)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db, sql, &q, NULL));
	db_bind_int(&q, 1, order->id);
	db_bind_uint(&q, 2, number);
	return db_run(&q, NULL);
}

hm_err
plan_add_hole(const struct planned *order, struct db *db, uint32_t number)
{
	return change_hole(db,
	    "INSERT OR IGNORE INTO hole (book, number) VALUES (?, ?)", order,
	    number);
}

hm_err
plan_fill_hole(const struct planned *order, struct db *db, uint32_t number)
{
	return change_hole(db, "DELETE FROM hole WHERE book = ? AND number = ?",
	    order, number);
}

hm_err
plan_reserve(
    struct planned *order, struct db *db, uint64_t now_s, uint32_t *ret_number)
{
	struct book book = order->book;
	uint32_t number, next = book.next;

	if (order->hole_count > 0)
		book.next = order->holes[order->hole_count - 1];
	HM_TRY(book_reserve(&book, now_s, &number));
	if (order->hole_count > 0) {
		book.next = next;
		HM_TRY(plan_fill_hole(order, db, number));
		order->hole_count--;
	}
	order->book = book;
	order->dirty = true;
	*ret_number = number;
	return HM_OK;
}

hm_err
plan_unreserve(struct planned *order, struct db *db, uint32_t number)
{
	HM_TRY(book_unreserve(&order->book));
	order->dirty = true;
	HM_TRY(plan_add_hole(order, db, number));
	return keep_hole(order, number);
}

static hm_err
save_book(struct db *db, const struct planned *order)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	const struct book *book = &order->book;

	HM_TRY(db_prepare(db,
	    "UPDATE book SET reserved = ?, used = ?, returned = ?,"
	    " confirmed = ?, scrapped = ?, next = ?, closed = ? WHERE id = ?",
	    &q, NULL));
	db_bind_uint(&q, 1, book->reserved - order->lent);
	db_bind_uint(&q, 2, book->used);
	db_bind_uint(&q, 3, book->returned);
	db_bind_uint(&q, 4, book->confirmed);
	db_bind_uint(&q, 5, book->scrapped);
	db_bind_uint(&q, 6, book->next);
	db_bind_uint(&q, 7, book->closed);
	db_bind_int(&q, 8, order->id);
	return db_run(&q, NULL);
}

hm_err
plan_save(struct plan *plan, struct db *db)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		if (!plan->list[i]->dirty)
			continue;
		HM_TRY(save_book(db, plan->list[i]));
		plan->list[i]->dirty = false;
	}
	return HM_OK;
}
