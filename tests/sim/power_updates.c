/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of update.h: an image comes in, is resumed, and changes keys. */
#include <string.h>

#include "core/check.h"
#include "hallmark/update.h"
#include "power_stories.h"

#define PIECE 700 /* bytes of a message */

static struct hm_update update;

/* Nothing here is encrypted. */
hm_err
hm_port_key_agree(hm_key key, const uint8_t point[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	(void)key;
	(void)point;
	(void)ret;
	return HM_E_STORAGE;
}

static void
must(hm_err err)
{
	hm_assert(err == HM_OK);
}

/* `world.kept` bytes were durable when power went. */
static void
announce(const struct picture *picture)
{
	memset(&update, 0, sizeof(update));
	must(
	    hm_update_announce(&update, picture->bytes, picture_tlvs(picture)));
	if (hm_update_received(&update) < world.kept)
		world.wrong = "what was durable is asked for again";
}

static void
receive(const struct picture *picture, uint32_t end)
{
	uint32_t at = hm_update_received(&update);

	while (at < end) {
		uint32_t n = end - at < PIECE ? end - at : PIECE;

		must(hm_update_write(
		    &update, (struct hm_bytes){ picture->bytes + at, n }));
		at += n;
		world.kept = update.durable;
	}
}

static power_end
update_and_keep(enum power_image image, const struct hm_boot *boot)
{
	const struct picture *new = &power_pictures[POWER_NEW];

	if (image == POWER_OLD) {
		announce(new);
		receive(new, (uint32_t) new->protected_area);
		must(hm_update_finish(&update));
		must(hm_update_install(&update));
		world.installed = true;
		return POWER_RESET;
	}
	if (boot->trial == HM_VERDICT_YES) {
		must(hm_update_confirm());
		world.confirmed = true;
		return POWER_RESET;
	}
	if (hm_update_settle() != HM_OK && world.cuts < 2)
		world.wrong = "keys that are not as the image says";
	return POWER_DONE;
}

/* Longer than what is noted at once: it is resumed in the middle. */
static void
old_runs_and_a_long_one_comes(void)
{
	struct picture_how how = power_how(POWER_NEW);

	how.payload_len = HM_UPDATE_MARK + 300;
	picture_make(&power_pictures[POWER_NEW], &how);
	power_old_runs();
}

const struct power_story power_download_story = {
	.name = "interrupted download",
	.prepare = old_runs_and_a_long_one_comes,
	.run = update_and_keep,
	.judge = power_judge_kept,
	.last = POWER_NEW,
	.counter = 5,
	.coarse = 23,
};

/* ---- keys ---- */

static uint8_t rotation[2 + 2 * HM_DIGEST_LEN];

static void
key_hash(uint8_t key, uint8_t *ret)
{
	uint8_t spki[PICTURE_SPKI_LEN];

	picture_spki(key, spki);
	hm_sha256(HM_BYTES(spki), ret);
}

/* Key 2 is to be added, key 3 to be revoked. */
static void
old_runs_and_keys_change(void)
{
	struct picture_how how = power_how(POWER_NEW);
	uint8_t third[HM_DIGEST_LEN];

	rotation[0] = 1;
	rotation[1] = 1;
	key_hash(2, rotation + 2);
	key_hash(3, rotation + 2 + HM_DIGEST_LEN);
	how.more = (struct picture_tlv){ HM_TLV_KEYS, HM_BYTES(rotation) };
	picture_make(&power_pictures[POWER_NEW], &how);
	power_old_runs();
	key_hash(3, third);
	must(hm_port_boot_key_add(1, third));
}

/* Row of a key that is trusted; HM_BOOT_KEYS: it is not. */
static uint32_t
row_of(uint8_t key)
{
	uint8_t hash[HM_DIGEST_LEN], row[HM_DIGEST_LEN];
	uint32_t i;

	key_hash(key, hash);
	for (i = 0; i < HM_BOOT_KEYS; i++)
		if (hm_port_boot_key(i, row) == HM_OK &&
		    memcmp(row, hash, sizeof(row)) == 0)
			break;
	return i;
}

/* Each cut may spoil one of the two rows that were free. */
static const char *
check_keys(void)
{
	bool added = row_of(2) < HM_BOOT_KEYS, old = row_of(3) < HM_BOOT_KEYS;

	if (row_of(1) == HM_BOOT_KEYS)
		return "the key that signs is not trusted any more";
	if (!added && !old)
		return "revoked before it was replaced";
	if (world.cuts < 2 && (!added || old))
		return "keys that are not as the image says";
	return NULL;
}

const struct power_story power_rotation_story = {
	.name = "key rotation",
	.prepare = old_runs_and_keys_change,
	.run = update_and_keep,
	.judge = power_judge_kept,
	.check = check_keys,
	.last = POWER_NEW,
	.counter = 5,
};
