/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * multiplier - which of BearSSL's P-256 the provider stands on
 *
 * One of five files defines these, and the linker takes it. Measured on a
 * Cortex-M3, -Os: flash of SHA-256 and verification, alone and gc-sectioned;
 * stack and million instructions of one verification:
 *
 *                         flash  stack  Mi
 *   crypto_bearssl_m31.c  11.3K  2.2K   11.5  32 x 32 -> 64 multiplication;
 *           constant-time on Cortex-M4, M7, M33, x86, AArch64: the default
 *   crypto_bearssl_m15.c  14.7K  3.7K   22.3  16 x 16 -> 32 only: constant-time
 *           where a long multiplication ends early or is a library call, as on
 *           a Cortex-M0 and M3
 *   crypto_bearssl_i31.c   7.7K  3.7K   24.3  32 x 32 -> 64 without tables and
 *           special cases: for a boot loader that has little flash
 *   crypto_bearssl_i15.c   7.4K  3.7K   55.6  the same of 16 x 16 -> 32: the
 *           smallest for private keys on a Cortex-M3, and the slowest
 *   crypto_bearssl_i15_small.c  the same, and verification by
 *           image_p256_small.c, whose time depends on what is public anyway:
 *           1.8K more, and a fifth of the instructions of one verification
 *
 * Verification is of public data: a boot loader on a Cortex-M3 may link m31 or
 * i31, whatever its application links.
 */

#include <bearssl.h>

extern const br_ec_impl *const hm_bearssl_p256;
extern const br_ecdsa_sign hm_bearssl_sign;
extern const br_ecdsa_vrfy hm_bearssl_verify;
/* Of AES-GCM, with the same multiplication. */
extern const br_ghash hm_bearssl_ghash;
