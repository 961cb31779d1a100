/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line_company - work on the other cores while something is measured on one
 *
 * Under load every core is busy, and cores that share a pipeline, caches or a
 * power budget are slower then: up to half as slow again. A limit that is
 * measured beside idle cores is one that no load can reach.
 */
struct line_company; /* opaque, heap */

/* A thread for each other core that verifies signatures until it is stopped. */
struct line_company *line_company_start(void);
void line_company_stop(struct line_company *company);
