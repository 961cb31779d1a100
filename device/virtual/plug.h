/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * plug - the byte pipe of a virtual device, as descriptors
 */
#include "base/why.h"
#include "core/bytes.h"

/*
 * Plug the chip in: "unix:PATH" connects, and waits until somebody listens
 * there; "pty:PATH" opens a terminal and makes it raw; "fd:N" is open already.
 * HM_E_USAGE, HM_E_TIMEOUT (nobody listens), HM_E_LINK
 */
HM_MUST hm_err plug_open(
    const char *link, int timeout_ms, int *ret, struct why *why);

/* At least one byte. `timeout_ms` -1: for ever. HM_E_TIMEOUT, HM_E_LINK */
HM_MUST hm_err plug_read(int fd, int timeout_ms, struct hm_span room,
    size_t *ret_len, struct why *why);
/* All of it. HM_E_LINK */
HM_MUST hm_err plug_write(int fd, struct hm_bytes bytes);
