/* SPDX-License-Identifier: Apache-2.0 */
/* What an application says of itself: boot.h, second half. */
#include "hallmark/boot.h"

/* Is the image on trial the one that was measured when this started? */
static bool
runs_on_trial(const struct hm_journal *journal)
{
	uint8_t measured[HM_DIGEST_LEN];
	struct hm_image image;

	return journal->trial != HM_AREA_NONE && journal->attempts > 0 &&
	       hm_port_firmware(measured) == HM_OK &&
	       hm_image_read(journal->trial, &image) == HM_OK &&
	       hm_equal_ct(image.digest, measured, HM_DIGEST_LEN);
}

hm_err
hm_boot_confirm(void)
{
	struct hm_journal journal;
	struct hm_image image;

	HM_TRY(hm_journal_load(&journal));
	if (journal.trial == HM_AREA_NONE || journal.attempts == 0)
		return HM_OK;
	if (!runs_on_trial(&journal))
		return HM_E_WRONG_STATE;
	journal.confirmed = journal.trial;
	journal.trial = HM_AREA_NONE;
	journal.attempts = 0;
	HM_TRY(hm_journal_store(&journal));
	if (hm_image_verify(journal.confirmed, &image, NULL) != HM_VERDICT_YES)
		return HM_OK;
	return hm_port_counter_raise(image.counter);
}

hm_err
hm_boot_reject(void)
{
	struct hm_journal journal;

	HM_TRY(hm_journal_load(&journal));
	if (!runs_on_trial(&journal))
		return HM_E_WRONG_STATE;
	journal.trial = HM_AREA_NONE;
	journal.attempts = 0;
	return hm_journal_store(&journal);
}
