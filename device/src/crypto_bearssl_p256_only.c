/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For a product that has P-256 and no other curve: BearSSL's ECDSA names the
 * parameters of P-384 and P-521 as well, 400 bytes that nobody here ever reads.
 * Whoever links crypto_bearssl_p384.c leaves this out.
 */
#include <stdint.h>

extern const uint8_t br_secp384r1[1], br_secp521r1[1];
const uint8_t br_secp384r1[1] = { 0 }, br_secp521r1[1] = { 0 };
