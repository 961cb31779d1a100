/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mbedtls - the heap of the Mbed TLS provider where there is no other
 *
 * On bare metal Mbed TLS is built with src/mbedtls_config.h, and takes all of
 * its memory from one static buffer of HM_MBEDTLS_POOL bytes. Where it has a
 * calloc() of its own (Linux, or a firmware that has a heap anyway),
 * src/crypto_mbedtls_pool.c is left out, and with it this call.
 *
 * BearSSL needs none of this.
 */

#include "core/lang.h"

HM_C_BEGIN

/* Once, before any call of hallmark/crypto.h. */
void hm_mbedtls_init(void);

HM_C_END
