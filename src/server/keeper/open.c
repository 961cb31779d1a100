/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "server/keeper/schema.h"

#define LOCK_LOOK_US 20000 /* between two looks at the lock */

/* ---- the folder ---- */

/* A keeper whose parent was killed finishes its batch before it leaves. */
static hm_err
take_lock(const struct keeper_config *config, int *ret, struct why *why)
{
	uint64_t end_us = clock_mono_us() + config->lock_within_ms * 1000ull;
	char path[KEEPER_PATH_MAX];
	int fd;

	HM_TRY(path_join(path, sizeof(path), config->state, "lock"));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_FILE, "%s", strerror(errno));
	}
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono_us() < end_us) {
			(void)usleep(LOCK_LOOK_US); /* it has no other sign */
			continue;
		}
		close(fd);
		why_where(why, "%s", path);
		return WHY(why, HM_E_BUSY, "another server uses this folder");
	}
	*ret = fd;
	return HM_OK;
}

static hm_err
open_database(
    const struct keeper_config *config, struct db **ret, struct why *why)
{
	char path[KEEPER_PATH_MAX];
	struct db_options options = { .path = path,
		.vfs = config->vfs,
		.migrations = keeper_migrations,
		.migrations_count = keeper_migrations_count };

	HM_TRY(path_join(path, sizeof(path), config->state, "hallmark.db"));
	return db_open(&options, ret, why);
}

/* ---- the first entry, and the signer that must fit it ---- */

struct hello {
	struct ask_hello_answer answer;
	struct hm_bytes issuer, origin; /* borrow from tail */
	struct buf tail;
};

static void
hello_done(struct hello *hello)
{
	buf_done(&hello->tail);
}

static hm_err
greet(struct keeper *keeper, struct hello *ret, struct why *why)
{
	struct ask_hello_answer *answer = &ret->answer;
	hm_err err;

	buf_init(&ret->tail, ASK_TAIL_MAX);
	err = sign_call(&keeper->signer, ASK_SIGN_HELLO, NULL,
	    (struct hm_bytes){ 0 }, answer, &ret->tail);
	if (err != HM_OK)
		return WHY(why, err, "the signer does not answer");
	if ((uint64_t)answer->issuer_len + answer->origin_len !=
		ret->tail.len ||
	    answer->origin_len == 0 || answer->origin_len > HM_ORIGIN_MAX)
		return WHY(
		    why, HM_E_BAD_INPUT, "the signer's greeting is broken");
	ret->issuer = (struct hm_bytes){ ret->tail.ptr, answer->issuer_len };
	ret->origin = (struct hm_bytes){ ret->tail.ptr + answer->issuer_len,
		answer->origin_len };
	if (memcmp(answer->authority, keeper->authority, HM_POINT_LEN) != 0)
		return WHY(why, HM_E_KEY,
		    "keeper and signer know different authorities");
	return HM_OK;
}

/* What the table `succession` says of the newest one. */
struct successor {
	char origin[HM_ORIGIN_MAX + 1]; /* "": there is none */
	uint64_t index, seen;
};

static hm_err
find_successor(struct keeper *keeper, struct successor *ret, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	*ret = (struct successor){ 0 };
	HM_TRY(db_prepare(keeper->db,
	    "SELECT idx, origin, seen FROM succession"
	    " ORDER BY idx DESC LIMIT 1",
	    &q, why));
	HM_TRY(db_step(&q, &row, why));
	if (!row)
		return HM_OK;
	ret->index = db_uint(&q, 0);
	ret->seen = db_uint(&q, 2);
	if (strlen(db_text(&q, 1)) >= sizeof(ret->origin))
		return WHY(why, HM_E_DATABASE, "the log has no proper name");
	strcpy(ret->origin, db_text(&q, 1));
	return HM_OK;
}

static void
fill_genesis(const struct hello *hello, uint64_t now_s, struct hm_entry *ret)
{
	*ret = (struct hm_entry){ .type = HM_ENTRY_GENESIS, .time_s = now_s };
	ret->genesis.origin = hello->origin;
	memcpy(ret->genesis.authority, hello->answer.authority, HM_POINT_LEN);
	memcpy(ret->genesis.stamp_key, hello->answer.stamp_key, HM_POINT_LEN);
	sha256_one(hello->issuer, ret->genesis.issuer);
}

/* An entry with which a log begins. */
static hm_err
write_beginning(
    struct keeper *keeper, const struct hm_entry *entry, struct why *why)
{
	struct keeper_txn txn;
	hm_err err;

	err = keeper_begin(keeper, &txn);
	if (err != HM_OK)
		return WHY(why, err, "the first entry cannot be written");
	err = record_add(&keeper->record, entry, NULL, NULL);
	if (err == HM_OK)
		err = keeper_commit(keeper, &txn);
	else
		keeper_abort(keeper, &txn);
	if (err != HM_OK)
		return WHY(why, err, "the first entry cannot be written");
	return HM_OK;
}

static hm_err
write_genesis(struct keeper *keeper, const struct hello *hello, uint64_t now_s,
    struct why *why)
{
	struct hm_entry entry;

	fill_genesis(hello, now_s, &entry);
	return write_beginning(keeper, &entry, why);
}

/* A restored log that follows another is begun by saying so. */
static hm_err
write_succession(struct keeper *keeper, const struct successor *successor,
    uint64_t now_s, struct why *why)
{
	struct hm_entry entry = { .type = HM_ENTRY_SUCCESSION,
		.time_s = now_s };

	if (successor->origin[0] == 0 ||
	    successor->index != keeper->record.size)
		return HM_OK;
	entry.succession.origin = hm_bytes_of(successor->origin);
	entry.succession.seen = successor->seen;
	return write_beginning(keeper, &entry, why);
}

/* Which of the keys of the first entry is another now? */
static hm_err
compare_genesis(struct keeper *keeper, const struct hello *hello,
    const struct successor *successor, struct why *why)
{
	AUTO(buf) struct buf leaf = { 0 };
	struct hm_entry then, now;
	const char *what = NULL;

	buf_init(&leaf, HM_ENTRY_MAX);
	HM_TRY(record_entry(&keeper->record, 0, &leaf));
	HM_TRY(hm_entry_decode(buf_bytes(&leaf), &then));
	if (then.type != HM_ENTRY_GENESIS)
		return WHY(why, HM_E_LOG, "the ledger has no beginning");
	fill_genesis(hello, 0, &now);
	if (successor->origin[0] != 0)
		then.genesis.origin = hm_bytes_of(successor->origin);
	if (!hm_bytes_equal(then.genesis.origin, now.genesis.origin))
		what = "name of the log";
	else if (memcmp(then.genesis.authority, now.genesis.authority,
		     HM_POINT_LEN) != 0)
		what = "authority's key";
	else if (memcmp(then.genesis.stamp_key, now.genesis.stamp_key,
		     HM_POINT_LEN) != 0)
		what = "stamp key";
	else if (memcmp(then.genesis.issuer, now.genesis.issuer,
		     HM_DIGEST_LEN) != 0)
		what = "issuing certificate";
	if (what == NULL)
		return HM_OK;
	why_do(why, "use the token and configuration that this folder was "
		    "begun with, or begin a new folder");
	return WHY(why, HM_E_KEY,
	    "the %s is another than in the ledger's first entry", what);
}

static hm_err
meet_signer(struct keeper *keeper, uint64_t now_s, struct why *why)
{
	AUTO(hello) struct hello hello = { 0 };
	struct successor successor;

	HM_TRY(greet(keeper, &hello, why));
	sign_set_sessions(&keeper->signer, hello.answer.sessions);
	HM_TRY(find_successor(keeper, &successor, why));
	/* First: a ledger of another key must not get an entry. */
	HM_TRY(record_name(
	    &keeper->record, hello.origin, hello.answer.log_key, why));
	if (keeper->record.size == 0)
		return write_genesis(keeper, &hello, now_s, why);
	HM_TRY(compare_genesis(keeper, &hello, &successor, why));
	return write_succession(keeper, &successor, now_s, why);
}

/* ---- what the signer issues for ---- */

static hm_err
is_loaded(struct hm_bytes message, bool *ret)
{
	static struct hm_object object; /* large; one thread */
	struct hm_sign1 sign1;

	/* It was verified before it was stored. */
	HM_TRY(hm_sign1_decode(message, HM_OBJECT_MAX, &sign1));
	HM_TRY(hm_object_decode(sign1.payload, &object));
	*ret = keeper_is_loaded(&object);
	return HM_OK;
}

static hm_err
load_into_signer(struct keeper *keeper, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row;

	/* In the order in which they came: an order after its release. */
	HM_TRY(db_prepare(keeper->db,
	    "SELECT leaf.entry FROM object JOIN leaf USING (idx)"
	    " WHERE kind <> 6 OR name IS NOT NULL ORDER BY object.id",
	    &q, why));
	for (;;) {
		struct hm_entry entry;
		bool loaded;
		hm_err err;

		HM_TRY(db_step(&q, &row, why));
		if (!row)
			return HM_OK;
		HM_TRY(hm_entry_decode(db_bytes(&q, 0), &entry));
		HM_TRY(is_loaded(entry.object, &loaded));
		if (!loaded)
			continue;
		sign_begin(&keeper->signer);
		err = sign_call(&keeper->signer, ASK_SIGN_LOAD, NULL,
		    entry.object, NULL, NULL);
		if (err != HM_OK)
			return WHY(why, err,
			    "the signer does not take a stored object");
	}
}

/* ---- all of it ---- */

static hm_err
make_works(struct keeper *keeper)
{
	buf_init(&keeper->answer, ASK_MESSAGE_MAX);
	keeper->works = calloc(KEEPER_ASKS_MAX, sizeof(*keeper->works));
	if (keeper->works == NULL)
		return HM_E_NO_MEMORY;
	for (size_t i = 0; i < KEEPER_ASKS_MAX; i++) {
		buf_init(&keeper->works[i].ask, ASK_MESSAGE_MAX);
		buf_init(&keeper->works[i].out, ASK_TAIL_MAX);
		buf_init(&keeper->works[i].entry, HM_ENTRY_MAX);
		queue_add(&keeper->idle, &keeper->works[i]);
	}
	return HM_OK;
}

static hm_err
open_parts(struct keeper *keeper, const struct keeper_config *config,
    uint64_t now_s, struct why *why)
{
	memcpy(keeper->authority, config->authority, HM_POINT_LEN);
	if (config->approvers != NULL)
		keeper->approvers = *config->approvers;
	keeper->hold_us =
	    config->hold_us == 0 ? KEEPER_HOLD_US : config->hold_us;
	HM_TRY(make_works(keeper));
	HM_TRY(signer_init(&keeper->signer, &config->signer, config->sign_ms));
	HM_TRY(file_mkdir(config->state, 0700, why));
	HM_TRY(take_lock(config, &keeper->lock, why));
	file_sweep(config->state, 0); /* it is ours alone now */
	HM_TRY(open_database(config, &keeper->db, why));
	HM_TRY(record_open(
	    &keeper->record, config->state, keeper->db, &keeper->signer, why));
	HM_TRY(people_load(&keeper->people, keeper->db));
	HM_TRY(plan_load(&keeper->plan, &keeper->record, why));
	HM_TRY(crl_load(&keeper->crl, keeper->db));
	sign_begin(&keeper->signer);
	HM_TRY(meet_signer(keeper, now_s, why));
	return load_into_signer(keeper, why);
}

hm_err
keeper_open(const struct keeper_config *config, uint64_t now_s,
    struct keeper **ret, struct why *why)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	hm_err err;

	if (keeper == NULL)
		return HM_E_NO_MEMORY;
	keeper->lock = -1;
	err = open_parts(keeper, config, now_s, why);
	if (err != HM_OK) {
		/* What read its rows or tiles may have had no words of its own.
		 */
		why_where(why, "%s", config->state);
		(void)WHY(why, err, "%s", err_info(err)->words);
		keeper_close(keeper);
		return err;
	}
	*ret = keeper;
	return HM_OK;
}

void
keeper_close(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	plan_done(&keeper->plan);
	people_done(&keeper->people);
	record_done(&keeper->record);
	db_close(keeper->db);
	signer_done(&keeper->signer);
	buf_done(&keeper->answer);
	for (size_t i = 0; keeper->works != NULL && i < KEEPER_ASKS_MAX; i++) {
		buf_done(&keeper->works[i].ask);
		buf_done(&keeper->works[i].out);
		buf_done(&keeper->works[i].entry);
	}
	free(keeper->works);
	if (keeper->lock >= 0)
		close(keeper->lock);
	free(keeper);
}
