/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * log - one JSON object a line on standard error; floor 5 and 6 only
 *
 * A failure is logged once, where it becomes an answer. No secret, PIN, token
 * or nonce at any level. Values are escaped; each line ends with a newline and
 * is written with one write(2), so lines of several processes and
 * threads do not mix.
 */
#include "core/bytes.h"
#include "base/why.h"

typedef enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } log_level;

/* Which process speaks ("keeper"), and from which level on. */
void log_init(const char *process, log_level least);

/*
 * log_event(LOG_INFO, "issue", "order", "PO-1", "station", name, NULL): event
 * name, then pairs of key and text, ended by NULL. A NULL value is left out.
 */
__attribute__((sentinel)) void log_event(
    log_level level, const char *event, ...);
/* The same with an error and its words in front. */
__attribute__((sentinel)) void log_failure(
    log_level level, const char *event, hm_err err, const struct why *why, ...);
