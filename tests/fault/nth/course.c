/* SPDX-License-Identifier: Apache-2.0 */
#include "course.h"

#include <string.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "core/check.h"
#include "fault.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define CHIPS 5

static struct chip chips[CHIPS];

static void
expect(const char *what, hm_err err, hm_err expected)
{
	if (err != expected)
		fault_lost(
		    "%s: HM-%04d instead of HM-%04d", what, err, expected);
}

static void
expect_same(const char *what, struct hm_bytes a, struct hm_bytes b)
{
	if (!hm_bytes_equal(a, b))
		fault_lost("%s: another answer", what);
}

/* Issued, asked for again, confirmed, asked for again. */
static void
make_one(struct plant *plant, struct chip *chip)
{
	AUTO(said) struct said issued = { 0 }, again = { 0 };
	AUTO(said) struct said confirmed = { 0 }, repeated = { 0 };

	expect("issue", plant_issue(plant, chip, &issued), HM_OK);
	expect("its receipt", plant_verify(plant, &issued), HM_OK);
	expect("issue again", plant_issue(plant, chip, &again), HM_OK);
	expect_same("issue again", again.stamp, issued.stamp);
	expect_same("issue again", again.entry, issued.entry);
	expect("confirm", plant_confirm(plant, chip, issued.stamp, &confirmed),
	    HM_OK);
	expect("its receipt", plant_verify(plant, &confirmed), HM_OK);
	expect("confirm again",
	    plant_confirm(plant, chip, issued.stamp, &repeated), HM_OK);
	expect_same("confirm again", repeated.entry, confirmed.entry);
}

static void
make_two_at_once(struct plant *plant, struct chip *a, struct chip *b)
{
	struct said said[2] = { 0 };
	struct buf messages[2] = { 0 };
	struct chip *two[2] = { a, b };
	static struct ask_issue ask;

	for (int i = 0; i < 2; i++) {
		plant_fill_issue(plant, plant->st_a, "PO-1", two[i], &ask);
		plant_message(
		    ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[i]);
	}
	MUST(plant_batch(plant, messages, 2, said));
	for (int i = 0; i < 2; i++) {
		expect("issue of two", said[i].err, HM_OK);
		expect("its receipt", plant_verify(plant, &said[i]), HM_OK);
		said_done(&said[i]);
		buf_done(&messages[i]);
	}
}

static void
refuse_strangers(struct plant *plant, struct chip *chip)
{
	AUTO(said) struct said said = { 0 };

	expect("issue by another station",
	    plant_issue_as(plant, plant->st_b, "PO-1", chip, &said),
	    HM_E_ORDER_STATION);
}

static void
end_the_order(struct plant *plant, struct chip *voided, struct chip *fits,
    struct chip *beyond)
{
	AUTO(said) struct said gone = { 0 }, last = { 0 }, no = { 0 };

	expect("void", plant_void(plant, "PO-1", voided, &gone), HM_OK);
	expect("its receipt", plant_verify(plant, &gone), HM_OK);
	expect("issue instead", plant_issue(plant, fits, &last), HM_OK);
	expect("one too many", plant_issue(plant, beyond, &no), HM_E_QUOTA);
}

static void
look(struct plant *plant, ask_kind kind, const void *body)
{
	AUTO(said) struct said said = { 0 };

	expect("look",
	    plant_ask(plant, kind, body, (struct hm_bytes){ 0 }, &said), HM_OK);
}

static void
look_around(struct plant *plant)
{
	struct ask_part list = { 0 }, file = { .level = ASK_CHECKPOINT };
	struct ask_quarantine quarantine = { 0 };

	p256_pair_point(plant->auditor, list.peer);
	memcpy(file.peer, list.peer, sizeof(file.peer));
	memcpy(quarantine.peer, list.peer, sizeof(quarantine.peer));
	look(plant, ASK_CRL, &list);
	look(plant, ASK_FILE, &file);
	look(plant, ASK_QUARANTINE, &quarantine);
}

static void
check_end(struct plant *plant)
{
	struct ask_order_answer counts = plant_counts(plant, "PO-1");
	unsigned issued = 0;

	for (int i = 0; i < CHIPS; i++)
		issued += plant_device(plant, &chips[i]).state != 0;
	if (counts.left != 0 || counts.reserved != 0 || counts.used != 3 ||
	    counts.returned != 1 || counts.confirmed != 1 || issued != 4)
		fault_lost("left %u reserved %u used %u returned %u "
			   "confirmed %u, devices %u",
		    counts.left, counts.reserved, counts.used, counts.returned,
		    counts.confirmed, issued);
}

void
course(struct plant *plant)
{
	for (int i = 0; i < CHIPS; i++)
		chip_new(&chips[i], plant, (uint32_t)i);
	make_one(plant, &chips[0]);
	make_two_at_once(plant, &chips[1], &chips[2]);
	refuse_strangers(plant, &chips[3]);
	end_the_order(plant, &chips[2], &chips[3], &chips[4]);
	expect("scrap", plant_device_command(plant, HM_VERB_SCRAP, &chips[0]),
	    HM_OK);
	plant_settle(plant);
	look_around(plant);
	expect(
	    "close", plant_command(plant, HM_VERB_CLOSE_ORDER, "PO-1"), HM_OK);
	check_end(plant);
	for (int i = 0; i < CHIPS; i++)
		chip_done(&chips[i]);
}

bool
is_answered(const struct buf *answer)
{
	struct ask_head head;

	if (answer->len < sizeof(head))
		return false;
	memcpy(&head, answer->ptr, sizeof(head));
	return err_info((hm_err)head.err)->http < 500;
}

bool
all_answered(const struct buf *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_answered(&answers[i]))
			return false;
	return true;
}
