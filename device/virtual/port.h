/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * port - hallmark/port.h for a chip that is a folder
 *
 * The port's functions know no context, so one chip runs a process. Keys are
 * software keys (src/softkey.c) in nvm/.
 */
#include "chip.h"
#include "fault.h"

struct port {
	const struct chip *chip; /* borrowed */
	struct fault *fault;     /* borrowed */
	int link;                /* descriptor, or -1 */
	int timeout_ms;          /* silence on the link; -1: for ever */
	struct why why;          /* the first thing that went wrong below */
};

/* Run this one from here on; it must outlive all use of the library. */
void port_set(struct port *port);
