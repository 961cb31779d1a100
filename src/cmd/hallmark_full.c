/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark with all its nouns; started by hallmark.c, never by a person */
#include "cmd/nouns.h"
#include "cmd/program.h"

static const struct noun_spec *const nouns[] = { &noun_demo, &noun_hsm,
	&noun_ca, &noun_product, &noun_image, &noun_release, &noun_order,
	&noun_station, &noun_device, &noun_audit, &noun_server, &noun_config,
	NULL };

static const struct program_spec program = PROGRAM_SPEC(nouns);

int
main(int argc, char **argv)
{
	return options_main(&program, argc, argv);
}
