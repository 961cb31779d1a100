/* SPDX-License-Identifier: Apache-2.0 */
#include "product.h"

static const struct noun_spec fab = { .name = "fab",
	.words = "make a product that is finished and locked",
	.only = &product_fab };
static const struct noun_spec run = { .name = "run",
	.words = "switch it on, and on again whenever it restarts",
	.only = &product_run };

static const struct noun_spec *const nouns[] = { &fab, &run, NULL };

static const struct program_spec program = { .name = "hallmark-vproduct",
	.section = 1,
	.words = "a virtual product that takes updates",
	.text = "A folder holds its flash. It runs the portable device library "
		"with boot loader core, vault and update service, the same "
		"that firmware links, over simulated NOR flash.",
	.nouns = nouns };

int
main(int argc, char **argv)
{
	return options_main(&program, argc, argv);
}
