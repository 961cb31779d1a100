/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of formats. A row whose content is recognised by less stands behind
 * those that need more: the first that says yes is it.
 */
#include "image/bundle.h"
#include "image/image.h"

const struct image_format image_formats[] = {
	{ "bundle", "files for the stations of a factory", bundle_is,
	    bundle_inspect },
	{ 0 },
};
