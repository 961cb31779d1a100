/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as many have it: one branch makes a yes of finding nothing, that is
 * remembered, and the image described whatever it is. Linked round
 * hm_image_verify, to show that skipping instructions finds it out.
 */
#include "hallmark/image.h"

hm_verdict __real_hm_image_verify(
    hm_area area, struct hm_image *ret, hm_err *err);
hm_verdict __wrap_hm_image_verify(
    hm_area area, struct hm_image *ret, hm_err *err);

hm_verdict
__wrap_hm_image_verify(hm_area area, struct hm_image *ret, hm_err *err)
{
	static hm_verdict found;

	if (found != HM_VERDICT_YES) {
		(void)__real_hm_image_verify(area, ret, err);
		if (*err == HM_OK)
			found = HM_VERDICT_YES;
	}
	return hm_image_read(area, ret) == HM_OK ? found : 0;
}
