/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * init - make OpenSSL's objects before a process locks itself in
 *
 * Every function of this room makes what it needs at its first call. A process
 * that enters a jail calls this before: OpenSSL then has read its configuration
 * and seeded its generators, and memory that is short shows here, not later.
 */
#include "core/err.h"

/* HM_E_NO_MEMORY, HM_E_NO_ENTROPY. A second call does nothing. */
HM_MUST hm_err crypto_init(void);
