/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * multiplier - which of BearSSL's P-256 the provider stands on
 *
 * One of three files defines these, and the linker takes it:
 *
 *   crypto_bearssl_m31.c  32 x 32 -> 64 multiplication: the fast one, and
 *                         constant-time on a Cortex-M4, M7, M33, x86, AArch64
 *   crypto_bearssl_m15.c  16 x 16 -> 32 only: constant-time where a long
 *                         multiplication ends early or is a library call, as
 *                         on a Cortex-M0 and M3; twice as slow
 *   crypto_bearssl_i31.c  generic arithmetic, 32 x 32 -> 64: the smallest and
 *                         slowest, for a boot loader that only verifies
 *
 * Verification is of public data: a boot loader on a Cortex-M3 may link m31 or
 * i31, whatever its application links.
 */

#include <bearssl.h>

extern const br_ec_impl *const hm_bearssl_p256;
extern const br_ecdsa_sign hm_bearssl_sign;
extern const br_ecdsa_vrfy hm_bearssl_verify;
