/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raises the counter before the journal says that the image is kept: linked in
 * place of src/boot_app.c, to show that the sweep finds it out.
 */
#include "hallmark/boot.h"

hm_err
hm_boot_confirm(void)
{
	struct hm_journal journal;
	struct hm_image image;

	HM_TRY(hm_journal_load(&journal));
	HM_TRY(hm_image_read(journal.trial, &image));
	HM_TRY(hm_port_counter_raise(image.counter));
	journal.confirmed = journal.trial;
	journal.trial = HM_AREA_NONE;
	journal.attempts = 0;
	return hm_journal_store(&journal);
}

hm_err
hm_boot_reject(void)
{
	struct hm_journal journal;

	HM_TRY(hm_journal_load(&journal));
	journal.trial = HM_AREA_NONE;
	return hm_journal_store(&journal);
}
