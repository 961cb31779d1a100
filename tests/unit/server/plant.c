/* SPDX-License-Identifier: Apache-2.0 */
#include "plant.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "ledger/audit.h"
#include "ledger/receipt.h"
#include "ledger/tiles.h"
#include "seal/sign1.h"

#define MUST(call) hm_assert((call) == HM_OK)

static const uint8_t hw_type[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37 };

/* ---- asking ---- */

void
said_done(struct said *said)
{
	buf_done(&said->message);
}

void
plant_message(
    ask_kind kind, const void *body, struct hm_bytes tail, struct buf *ret)
{
	struct hm_span room = { NULL, ASK_MESSAGE_MAX };

	buf_init(ret, ASK_MESSAGE_MAX);
	MUST(buf_reserve(ret, room.len, &room.ptr));
	MUST(ask_request(kind, 7, body, tail, room, &ret->len));
}

void
said_split(struct said *said)
{
	const struct ask_issue_answer *issue;
	const struct ask_entry_answer *entry;
	const uint8_t *at;

	MUST(ask_check_answer(
	    buf_bytes(&said->message), &said->head, &said->body, &said->tail));
	said->err = (hm_err)said->head.err;
	if (said->err != HM_OK)
		return;
	at = said->tail.ptr;
	if (said->head.kind == ASK_ISSUE) {
		issue = said->body;
		said->stamp = (struct hm_bytes){ at, issue->stamp_len };
		at += issue->stamp_len;
		said->entry = (struct hm_bytes){ at, issue->entry_len };
		at += issue->entry_len;
		said->receipt = (struct hm_bytes){ at, issue->receipt_len };
	} else if (said->head.kind >= ASK_CONFIRM &&
		   said->head.kind <= ASK_OBJECT) {
		entry = said->body;
		said->entry = (struct hm_bytes){ at, entry->entry_len };
		at += entry->entry_len;
		said->receipt = (struct hm_bytes){ at, entry->receipt_len };
	}
}

hm_err
plant_batch(struct plant *plant, const struct buf *messages, size_t count,
    struct said *ret)
{
	struct hm_bytes *asks = calloc(count, sizeof(*asks));
	struct buf *answers = calloc(count, sizeof(*answers));
	hm_err err;

	hm_assert(asks != NULL && answers != NULL);
	for (size_t i = 0; i < count; i++) {
		asks[i] = buf_bytes(&messages[i]);
		buf_init(&answers[i], ASK_MESSAGE_MAX);
	}
	err = keeper_batch(plant->keeper, asks, answers, count, plant->now_s);
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct said){ .message = answers[i] };
		if (err != HM_OK)
			continue;
		said_split(&ret[i]);
		if (plant->heard != NULL)
			plant->heard(plant->context, asks[i], &ret[i]);
	}
	free(asks);
	free(answers);
	return err;
}

hm_err
plant_ask(struct plant *plant, ask_kind kind, const void *body,
    struct hm_bytes tail, struct said *ret)
{
	AUTO(buf) struct buf message = { 0 };

	plant_message(kind, body, tail, &message);
	MUST(plant_batch(plant, &message, 1, ret));
	return ret->err;
}

/* Ask, and look at the error only. */
static hm_err
ask_err(
    struct plant *plant, ask_kind kind, const void *body, struct hm_bytes tail)
{
	AUTO(said) struct said said = { 0 };

	return plant_ask(plant, kind, body, tail, &said);
}

/* ---- objects ---- */

void
plant_sign(struct plant *plant, const struct hm_object *object, struct buf *ret)
{
	static uint8_t payload[HM_OBJECT_MAX];
	size_t len;

	MUST(hm_object_encode(
	    object, (struct hm_span){ payload, sizeof(payload) }, &len));
	buf_init(ret, HM_OBJECT_MAX);
	MUST(sign1_make((struct hm_bytes){ 0 }, HM_LITERAL(HM_AAD_OBJECT),
	    (struct hm_bytes){ payload, len }, p256_pair_signer,
	    plant->play.authority, ret));
}

void
plant_object_message(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, struct buf *ret)
{
	AUTO(buf) struct buf message = { 0 };
	struct ask_from from;

	plant_sign(plant, object, &message);
	p256_pair_point(by, from.peer);
	plant_message(ASK_OBJECT, &from, buf_bytes(&message), ret);
}

hm_err
plant_object_said(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, struct said *ret)
{
	AUTO(buf) struct buf message = { 0 };

	plant_object_message(plant, by, object, &message);
	MUST(plant_batch(plant, &message, 1, ret));
	return ret->err;
}

hm_err
plant_object(struct plant *plant, struct p256_pair *by,
    const struct hm_object *object, uint8_t *ret_digest)
{
	AUTO(buf) struct buf message = { 0 };
	struct ask_from from;

	plant_sign(plant, object, &message);
	p256_pair_point(by, from.peer);
	if (ret_digest != NULL)
		sha256_one(buf_bytes(&message), ret_digest);
	return ask_err(plant, ASK_OBJECT, &from, buf_bytes(&message));
}

hm_err
plant_credential(struct plant *plant, struct p256_pair *by, const char *name,
    hm_role role, struct p256_pair *key)
{
	struct hm_object object = { .kind = HM_OBJECT_CREDENTIAL,
		.made_s = T0 };

	object.credential.name = hm_bytes_of(name);
	object.credential.role = role;
	object.credential.site = HM_LITERAL("plant 1");
	object.credential.not_after_s = plant->until_s;
	p256_pair_point(key, object.credential.key);
	return plant_object(plant, by, &object, NULL);
}

hm_err
plant_order(struct plant *plant, const char *name)
{
	struct hm_object object = {
		.kind = HM_OBJECT_ORDER, .made_s = T0, .order = plant->order
	};

	object.order.name = hm_bytes_of(name);
	memcpy(object.order.product, plant->product_digest, HM_DIGEST_LEN);
	memcpy(object.order.release, plant->release_digest, HM_DIGEST_LEN);
	return plant_object(plant, plant->planner, &object, NULL);
}

hm_err
plant_command(struct plant *plant, hm_verb verb, const char *target)
{
	static uint8_t number;
	struct hm_object object = { .kind = HM_OBJECT_COMMAND, .made_s = T0 };

	object.command.verb = verb;
	object.command.target = hm_bytes_of(target);
	object.command.reason = HM_LITERAL("a test");
	object.command.nonce[0] = number++;
	return plant_object(plant, plant->planner, &object, NULL);
}

hm_err
plant_device_command(struct plant *plant, hm_verb verb, const struct chip *chip)
{
	char target[2 * HM_DEVICE_ID_LEN + 1];

	hex_format(HM_BYTES(chip->kase.claims.device_id), target);
	return plant_command(plant, verb, target);
}

/* ---- set-up ---- */

static void
fill_defaults(struct plant *plant, uint32_t quota)
{
	plant->product = (struct hm_product){ .name = HM_LITERAL("lamp"),
		.version = 1,
		.scheme = HM_SCHEME_SOFT,
		.key_source = HM_KEYS_ANY,
		.lock_min = HM_LOCK_CLOSED,
		.organization = HM_LITERAL("Example"),
		.hw_type = HM_BYTES(hw_type),
		.secrets = { { .name = HM_LITERAL("disk"),
		    .kind = HM_SECRET_RANDOM,
		    .size = 32 } },
		.secret_count = 1 };
	plant->release = (struct hm_release){ .name = HM_LITERAL("1.0"),
		.product = HM_LITERAL("lamp"),
		.channel = HM_CHANNEL_DEV,
		.counter = 3,
		.images = { { .name = HM_LITERAL("app"),
		    .format = HM_LITERAL("raw"),
		    .size = 1000 } },
		.image_count = 1 };
	memset(plant->release.images[0].digest, 0xf1, HM_DIGEST_LEN);
	plant->order = (struct hm_order){ .channel = HM_CHANNEL_DEV,
		.quota = quota,
		.returns = 1,
		.serial_prefix = HM_LITERAL("SN"),
		.serial_first = 1,
		.serial_digits = 6,
		.mac_first = { 0x02, 0, 0, 0, 0, 0 },
		.has_macs = true,
		.stations = { HM_LITERAL("st-a") },
		.station_count = 1,
		.not_before_s = T0 - 1000,
		.not_after_s = T0 + 100000,
		.confirm_within_s = 600 };
}

void
plant_load(struct plant *plant)
{
	static struct hm_object product, release; /* large */

	product = (struct hm_object){ .kind = HM_OBJECT_PRODUCT, .made_s = T0 };
	product.product = plant->product;
	release = (struct hm_object){ .kind = HM_OBJECT_RELEASE, .made_s = T0 };
	release.release = plant->release;
	/* The first planner brings its own. */
	MUST(plant_credential(
	    plant, plant->planner, "planner", HM_ROLE_PLANNER, plant->planner));
	MUST(plant_credential(
	    plant, plant->planner, "auditor", HM_ROLE_AUDITOR, plant->auditor));
	MUST(plant_credential(
	    plant, plant->planner, "st-a", HM_ROLE_STATION, plant->st_a));
	MUST(plant_credential(
	    plant, plant->planner, "st-b", HM_ROLE_STATION, plant->st_b));
	MUST(plant_object(
	    plant, plant->planner, &product, plant->product_digest));
	MUST(plant_object(
	    plant, plant->planner, &release, plant->release_digest));
	MUST(plant_order(plant, "PO-1"));
}

hm_err
plant_open(struct plant *plant, struct why *why)
{
	struct keeper_config config = { .state = plant->folder,
		.vfs = NULL,
		.hold_us = plant->hold_us,
		.sign_ms = plant->sign_ms,
		.approvers = plant->approvers,
		.signer = play_link(&plant->play) };

	p256_pair_point(plant->play.authority, config.authority);
	return keeper_open(&config, plant->now_s, &plant->keeper, why);
}

void
plant_init(struct plant *plant, uint32_t quota)
{
	memset(plant, 0, sizeof(*plant)); /* too large for a literal */
	plant->now_s = T0;
	plant->until_s = T0 + 1000000;
	plant->hold_us = UINT32_MAX; /* until nothing is out */
	play_init(&plant->play);
	MUST(p256_pair_new(&plant->planner));
	MUST(p256_pair_new(&plant->auditor));
	MUST(p256_pair_new(&plant->st_a));
	MUST(p256_pair_new(&plant->st_b));
	MUST(p256_pair_new(&plant->stranger));
	fill_defaults(plant, quota);
}

void
plant_folder(struct plant *plant)
{
	const char *parent = getenv("TMPDIR");

	snprintf(plant->folder, sizeof(plant->folder),
	    "%s/hallmark-keeper-XXXXXX", parent ? parent : "/tmp");
	hm_assert(mkdtemp(plant->folder) != NULL);
}

void
plant_new(struct plant *plant, uint32_t quota)
{
	plant_init(plant, quota);
	plant_folder(plant);
	MUST(plant_open(plant, NULL));
	plant_load(plant);
}

void
plant_close(struct plant *plant)
{
	keeper_close(plant->keeper);
	plant->keeper = NULL;
	play_restart(&plant->play);
}

hm_err
plant_reopen(struct plant *plant, struct why *why)
{
	plant_close(plant);
	return plant_open(plant, why);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

size_t
plant_findings(struct plant *plant)
{
	size_t count;

	struct note_policy policy = { .log = &plant->play.log };
	struct audit_options options = { .policy = &policy, .back_s = 1000000 };
	struct audit_result result;
	uint8_t authority[HM_POINT_LEN];
	char folder[96];

	snprintf(folder, sizeof(folder), "%s/ledger", plant->folder);
	p256_pair_point(plant->play.authority, authority);
	options.folder = folder;
	options.authority = authority;
	MUST(audit_run(&options, &result, NULL));
	for (uint32_t i = 0; i < result.kept; i++)
		if (!result.findings[i].note)
			fprintf(stderr, "%s: %s\n", result.findings[i].place,
			    result.findings[i].words);
	count = result.finding_count;
	audit_result_done(&result);
	return count;
}

void
plant_done(struct plant *plant)
{
	if (plant->keeper != NULL) {
		plant_settle(plant);
		hm_assert(plant_findings(plant) == 0);
	}
	plant_close(plant);
	play_done(&plant->play);
	p256_pair_free(plant->planner);
	p256_pair_free(plant->auditor);
	p256_pair_free(plant->st_a);
	p256_pair_free(plant->st_b);
	p256_pair_free(plant->stranger);
	(void)nftw(plant->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
plant_settle(struct plant *plant)
{
	keeper_settle(plant->keeper, plant->now_s);
}

/* ---- chips ---- */

void
chip_new(struct chip *chip, const struct plant *plant, uint32_t number)
{
	struct hm_claims *claims = &chip->kase.claims;
	uint8_t at[4];

	*chip = (struct chip){ 0 };
	MUST(p256_pair_new(&chip->identity));
	MUST(p256_pair_new(&chip->kem));
	MUST(p256_pair_new(&chip->root));
	hm_put_u32(at, number);
	sha256_one(HM_BYTES(at), claims->device_id);
	claims->scheme = HM_SCHEME_SOFT;
	claims->counter = plant->release.counter;
	claims->lock = HM_LOCK_CLOSED;
	memcpy(claims->release, plant->release.images[0].digest, HM_DIGEST_LEN);
	chip_prove(chip);
}

void
chip_done(struct chip *chip)
{
	p256_pair_free(chip->identity);
	p256_pair_free(chip->kem);
	p256_pair_free(chip->root);
}

void
chip_prove(struct chip *chip)
{
	struct attest_case *kase = &chip->kase;
	uint8_t binding[HM_DIGEST_LEN], digest[32];

	MUST(
	    random_bytes((struct hm_span){ kase->claims.nonce, HM_NONCE_LEN }));
	p256_pair_point(chip->identity, kase->claims.identity);
	p256_pair_point(chip->kem, kase->claims.kem);
	attest_binding(&kase->claims, binding);
	sha256_one(HM_BYTES(binding), digest);
	p256_pair_point(chip->root, kase->proof.soft.key);
	MUST(p256_pair_sign(chip->root, digest, kase->proof.soft.signature));
}

/* ---- devices ---- */

void
plant_fill_issue(struct plant *plant, struct p256_pair *by, const char *order,
    const struct chip *chip, struct ask_issue *ret)
{
	(void)plant;
	memset(ret, 0, sizeof(*ret));
	p256_pair_point(by, ret->peer);
	snprintf(ret->order, sizeof(ret->order), "%s", order);
	snprintf(ret->slot, sizeof(ret->slot), "1");
	ret->nonce_verdict = HM_OK;
	ret->kase = chip->kase;
}

hm_err
plant_issue_as(struct plant *plant, struct p256_pair *by, const char *order,
    const struct chip *chip, struct said *ret)
{
	struct ask_issue ask;

	plant_fill_issue(plant, by, order, chip, &ask);
	return plant_ask(plant, ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, ret);
}

hm_err
plant_issue(struct plant *plant, const struct chip *chip, struct said *ret)
{
	return plant_issue_as(plant, plant->st_a, "PO-1", chip, ret);
}

void
plant_fill_confirm(struct plant *plant, const struct chip *chip,
    struct hm_bytes stamp, struct ask_confirm *ret)
{
	uint8_t room[HM_CONFORMANCE_MAX], digest[32];
	struct hm_bytes payload = { room, 0 };
	const struct hm_claims *claims = &chip->kase.claims;

	memset(ret, 0, sizeof(*ret));
	p256_pair_point(plant->st_a, ret->peer);
	snprintf(ret->order, sizeof(ret->order), "PO-1");
	memcpy(ret->conformance.device_id, claims->device_id, 32);
	sha256_one(stamp, ret->conformance.stamp);
	memcpy(ret->conformance.release, plant->release.images[0].digest, 32);
	ret->conformance.counter = claims->counter;
	ret->conformance.lock = claims->lock;
	MUST(hm_conformance_encode(&ret->conformance,
	    (struct hm_span){ room, sizeof(room) }, &payload.len));
	MUST(sign1_digest((struct hm_bytes){ 0 },
	    HM_LITERAL(HM_AAD_CONFORMANCE), payload, digest));
	MUST(p256_pair_sign(chip->identity, digest, ret->signature));
}

hm_err
plant_confirm(struct plant *plant, const struct chip *chip,
    struct hm_bytes stamp, struct said *ret)
{
	struct ask_confirm ask;

	plant_fill_confirm(plant, chip, stamp, &ask);
	return plant_ask(plant, ASK_CONFIRM, &ask, (struct hm_bytes){ 0 }, ret);
}

void
plant_void_message(struct plant *plant, const char *order,
    const struct chip *chip, struct buf *ret)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_void said = { .order = hm_bytes_of(order),
		.reason = HM_LITERAL("flash does not answer"),
		.signed_s = plant->now_s };
	struct ask_from from;
	uint8_t payload[HM_VOID_MAX];
	size_t len;

	memcpy(said.device_id, chip->kase.claims.device_id, HM_DEVICE_ID_LEN);
	MUST(hm_void_encode(
	    &said, (struct hm_span){ payload, sizeof(payload) }, &len));
	buf_init(&message, HM_VOID_MAX);
	MUST(sign1_make((struct hm_bytes){ 0 }, HM_LITERAL(HM_AAD_VOID),
	    (struct hm_bytes){ payload, len }, p256_pair_signer, plant->st_a,
	    &message));
	p256_pair_point(plant->st_a, from.peer);
	plant_message(ASK_VOID, &from, buf_bytes(&message), ret);
}

hm_err
plant_void(struct plant *plant, const char *order, const struct chip *chip,
    struct said *ret)
{
	AUTO(buf) struct buf message = { 0 };

	plant_void_message(plant, order, chip, &message);
	MUST(plant_batch(plant, &message, 1, ret));
	return ret->err;
}

/* ---- looking ---- */

struct ask_order_answer
plant_counts(struct plant *plant, const char *order)
{
	AUTO(said) struct said said = { 0 };
	struct ask_order ask = { 0 };
	struct ask_order_answer ret;

	p256_pair_point(plant->auditor, ask.peer);
	snprintf(ask.order, sizeof(ask.order), "%s", order);
	MUST(plant_ask(plant, ASK_ORDER, &ask, (struct hm_bytes){ 0 }, &said));
	memcpy(&ret, said.body, sizeof(ret));
	hm_assert(ret.used + ret.reserved + ret.left == ret.quota);
	return ret;
}

struct ask_device_answer
plant_device(struct plant *plant, const struct chip *chip)
{
	AUTO(said) struct said said = { 0 };
	struct ask_device ask = { 0 };
	struct ask_device_answer ret = { 0 };

	p256_pair_point(plant->auditor, ask.peer);
	memcpy(ask.device_id, chip->kase.claims.device_id, HM_DEVICE_ID_LEN);
	if (plant_ask(plant, ASK_DEVICE, &ask, (struct hm_bytes){ 0 }, &said) ==
	    HM_OK)
		memcpy(&ret, said.body, sizeof(ret));
	return ret;
}

uint64_t
plant_size(struct plant *plant)
{
	AUTO(said) struct said said = { 0 };
	struct ask_health_answer ret;

	MUST(plant_ask(plant, ASK_HEALTH, NULL, (struct hm_bytes){ 0 }, &said));
	memcpy(&ret, said.body, sizeof(ret));
	return ret.size;
}

hm_err
plant_verify(struct plant *plant, const struct said *said)
{
	struct note_policy policy = { .log = &plant->play.log };
	struct checkpoint at;

	return receipt_verify(said->receipt, said->entry, &policy, NULL, &at);
}

static void
read_published(struct plant *plant, struct buf *note, struct checkpoint *ret)
{
	struct note_policy policy = { .log = &plant->play.log };
	char path[128];

	snprintf(path, sizeof(path), "%s/ledger/checkpoint", plant->folder);
	buf_init(note, 65536);
	MUST(file_read(path, 65536, note, NULL));
	MUST(checkpoint_open(buf_bytes(note), &policy, ret, NULL));
}

uint64_t
plant_published(struct plant *plant)
{
	AUTO(buf) struct buf note = { 0 };
	struct checkpoint published;

	read_published(plant, &note, &published);
	return published.size;
}

static size_t
count_entries(struct tiles *tiles, uint64_t size, hm_entry_type type,
    struct tree_hash *ret_root)
{
	struct tree tree = { 0 };
	size_t count = 0;

	for (uint64_t i = 0; i < size; i++) {
		AUTO(buf) struct buf leaf = { 0 };
		struct tree_hash hash;
		struct hm_entry entry;

		buf_init(&leaf, HM_ENTRY_MAX);
		MUST(tiles_entry(tiles, i, &leaf));
		MUST(hm_entry_decode(buf_bytes(&leaf), &entry));
		tree_leaf(buf_bytes(&leaf), &hash);
		tree_add(&tree, &hash);
		count += entry.type == type;
	}
	tree_root(&tree, ret_root);
	return count;
}

size_t
plant_audit(struct plant *plant, hm_entry_type type)
{
	AUTO(buf) struct buf note = { 0 };
	char folder[96];
	struct checkpoint published;
	struct tree_hash root;
	struct tiles *tiles;
	size_t count;

	snprintf(folder, sizeof(folder), "%s/ledger", plant->folder);
	read_published(plant, &note, &published);
	MUST(tiles_open_readonly(folder, &tiles, NULL));
	count = count_entries(tiles, published.size, type, &root);
	hm_assert(memcmp(&root, &published.root, sizeof(root)) == 0);
	hm_assert(published.size == plant_size(plant));
	tiles_free(tiles);
	return count;
}
