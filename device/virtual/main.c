/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

static const struct noun_spec fab = { .name = "fab",
	.words = "make a chip, as silicon vendor and programmer do",
	.only = &vdevice_fab };
static const struct noun_spec clone = { .name = "clone",
	.words = "copy the visible part of a chip",
	.only = &vdevice_clone };
static const struct noun_spec run = { .name = "run",
	.words = "plug a chip into a slot and serve the station",
	.only = &vdevice_run };
static const struct noun_spec show = {
	.name = "show", .words = "show what a chip holds", .only = &vdevice_show
};
static const struct noun_spec export = { .name = "export",
	.words = "write what a chip received to files",
	.only = &vdevice_export };

static const struct noun_spec *const nouns[] = { &fab, &clone, &run, &show,
	&export, NULL };

static const struct program_spec vdevice = { .name = "hallmark-vdevice",
	.section = 1,
	.words = "virtual devices for tests and demonstrations",
	.text = "A chip is a folder. It runs the portable device library, the "
		"same that firmware links, over a model of a root of trust, "
		"of storage and of a serial link, and fails on order.",
	.nouns = nouns };

int
main(int argc, char **argv)
{
	return options_main(&vdevice, argc, argv);
}
