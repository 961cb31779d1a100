/* SPDX-License-Identifier: Apache-2.0 */
#include "update_parts.h"

/* Is the image in `area` the one that was measured? */
static bool
runs_from(hm_area area, const uint8_t measured[HM_STATIC HM_DIGEST_LEN],
    struct hm_image *ret)
{
	struct hm_image image;

	if (hm_image_read(area, &image) != HM_OK ||
	    !hm_equal_ct(image.digest, measured, HM_DIGEST_LEN))
		return false;
	*ret = image;
	return true;
}

/* The same image may stand in both slots: then it is the one that starts. */
hm_err
hm_update_running(struct hm_image *ret)
{
	uint8_t measured[HM_DIGEST_LEN];
	struct hm_journal journal;
	hm_area order[] = { HM_AREA_NONE, HM_AREA_SLOT_A, HM_AREA_SLOT_B,
		HM_AREA_FACTORY };

	HM_TRY(hm_port_firmware(measured));
	HM_TRY(hm_journal_load(&journal));
	order[0] = journal.trial != HM_AREA_NONE && journal.attempts > 0
		       ? journal.trial
		       : journal.confirmed;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i] != HM_AREA_NONE &&
		    runs_from(order[i], measured, ret))
			return HM_OK;
	return HM_E_NOT_FOUND;
}

static hm_area
other(hm_area slot)
{
	return slot == HM_AREA_SLOT_A ? HM_AREA_SLOT_B : HM_AREA_SLOT_A;
}

hm_err
update_place(const struct hm_image *image, hm_area *ret)
{
	struct hm_journal journal;
	struct hm_image running = HM_ZERO;
	hm_err err = hm_update_running(&running);

	if (err != HM_OK && err != HM_E_NOT_FOUND)
		return err;
	HM_TRY(hm_journal_load(&journal));
	if (journal.trial != HM_AREA_NONE)
		return HM_E_WRONG_STATE;
	if (image->role == HM_ROLE_FACTORY) {
		if (err != HM_OK || running.area != journal.confirmed)
			return HM_E_WRONG_STATE;
		*ret = HM_AREA_FACTORY;
		return HM_OK;
	}
	if (running.area == HM_AREA_SLOT_A || running.area == HM_AREA_SLOT_B)
		*ret = other(running.area);
	else
		*ret = other(journal.confirmed == HM_AREA_NONE
				 ? HM_AREA_SLOT_B
				 : journal.confirmed);
	return HM_OK;
}

/* Never older than what runs; the device's counter is hm_image_signed's. */
static hm_err
check_delta(const struct hm_image *image)
{
	struct hm_image running;
	hm_err err = hm_update_running(&running);

	if (err == HM_E_NOT_FOUND)
		return HM_OK; /* nothing in flash to be older than */
	HM_TRY(err);
	if (image->role != HM_ROLE_FACTORY && running.role == HM_ROLE_FACTORY)
		return HM_OK; /* recovery: what it replaces does not start */
	if (hm_equal_ct(image->digest, running.digest, HM_DIGEST_LEN))
		return HM_E_EXISTS;
	if (image->role == HM_ROLE_FACTORY)
		return HM_OK; /* kept for years: its counter alone counts */
	if (hm_image_compare(&image->version, &running.version) < 0 ||
	    image->counter < running.counter)
		return HM_E_IMAGE_OLDER;
	return HM_OK;
}

hm_err
update_judge(const struct hm_image *image, struct hm_bytes tlvs)
{
	uint32_t counter;

	if (image->role != HM_ROLE_PRODUCT && image->role != HM_ROLE_FACTORY)
		return HM_E_IMAGE_ROLE;
	HM_TRY(hm_port_counter(&counter));
	if (image->counter < counter)
		return HM_E_IMAGE_OLDER;
	HM_TRY(check_delta(image));
	if (image->protected_len == 0)
		return HM_OK;
	return rotation_check(image, image_protected(image, tlvs));
}
