/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark: the command for everyone */
#include "cmd/nouns.h"

static const struct noun_spec *const nouns[] = { &noun_demo, &noun_hsm,
	&noun_ca, &noun_product, &noun_image, &noun_release, &noun_order,
	&noun_station, &noun_device, &noun_audit, &noun_server, &noun_config,
	NULL };

static const struct program_spec program = { .name = "hallmark",
	.section = 1,
	.words = "secure provisioning for manufacturing",
	.text =
	    "Gives a product its identity, its secrets and its firmware on a "
	    "production line that nobody has to trust. `hallmark demo` shows "
	    "all of it in half a minute, without hardware, root or network.",
	.nouns = nouns };

int
main(int argc, char **argv)
{
	return options_main(&program, argc, argv);
}
