/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * product - a device in the field, as a folder: flash, boot loader, application
 *
 *   flash      a simulated NOR chip (port/posix/nor.h): journal, vault, two
 *              slots, recovery image, write-once memory
 *   secret     of port/posix/derive.h, mode 0600
 *   kem.pub    public part of the key for which updates are encrypted, PEM
 *
 * A start runs the boot loader core, hm_boot_run(); what it jumps to is the one
 * application that this program has: it serves updates (update_link.h) and
 * tests itself as the first word of the image's payload says:
 *
 *   pass   it confirms itself          fail   it rejects itself and restarts
 *   hang   the watchdog restarts it    else   it neither confirms nor rejects
 *
 * The process may be killed at any instant: the flash is as it was then.
 */
#include <setjmp.h>

#include "base/options.h"
#include "base/why.h"
#include "hallmark/update_link.h"
#include "nor.h"

#define PRODUCT_PATH_MAX 512

struct product {
	char dir[PRODUCT_PATH_MAX];
	struct hm_image image; /* what was started */
	jmp_buf jump;          /* out of the boot loader: 1 started, 2 failed */
	hm_err failure;        /* why nothing started */
	int link;              /* descriptor; -1: none */
	int timeout_ms;
	unsigned starts;
	struct why why;
};

/* The one product of this process. */
extern struct product product;

/* DIR/NAME. HM_E_TOO_LARGE */
HM_MUST hm_err product_path(const char *name, char *ret, struct why *why);
/* Power on: flash and secret of the folder. HM_E_FILE, HM_E_IO */
HM_MUST hm_err product_open(const char *dir, struct why *why);

extern const struct verb_spec product_fab, product_run;
