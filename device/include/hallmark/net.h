/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * net - what a networked device's port adds to port.h
 *
 * One connection at a time, to the one server that the device's configuration
 * names: the library never chooses whom to talk to. All calls block, none
 * longer than it is told, and none may keep a pointer. Resolved at link time,
 * from one thread, as port.h. Needed by the parts tls and online only.
 */

#include "core/bytes.h"

HM_C_BEGIN

/* Connect, within timeout_ms. HM_E_UNREACHABLE, HM_E_TIMEOUT */
HM_MUST hm_err hm_port_net_open(uint32_t timeout_ms);
/* Wait for bytes: 1 to room.len of them. HM_E_TIMEOUT; HM_E_LINK: the other
 * side has closed, or the connection is lost */
HM_MUST hm_err hm_port_net_read(
    struct hm_span room, uint32_t timeout_ms, size_t *ret_len);
/* Hand on 1 to bytes.len bytes. HM_E_TIMEOUT, HM_E_LINK */
HM_MUST hm_err hm_port_net_write(
    struct hm_bytes bytes, uint32_t timeout_ms, size_t *ret_len);
/* No effect without a connection. */
void hm_port_net_close(void);

/* Milliseconds of a clock that nobody sets, from any beginning on. */
uint64_t hm_port_clock_ms(void);
/* Seconds since 1970, UTC, for the dates of certificates. HM_E_CLOCK: this
 * device does not know the time */
HM_MUST hm_err hm_port_time(uint64_t *ret_s);

HM_C_END
